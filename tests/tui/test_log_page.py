"""The page with the whole log, confirmations of keys, and toasts."""

import logging
import re
from dataclasses import replace

import pytest
from monitors import Screen, StillReceiver
from rich.text import Text
from sky_frames import sky

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.tui.confirmations import SHOWN_S, Confirmation, effect_of
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.view_state import View, ViewContext, Window
from sunspec_tui.tui.log_lines import LogLine, LogLines
from sunspec_tui.tui.log_page import MAX_LINES, LogHistory, entry_lines, scrolled
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.toasts import MAX_CHARACTERS, Toasts, shortened
from sunspec_tui.tui.widgets.panels import LOG_LINES, LogPanel

CONTEXT = ViewContext(
    4, 1200, 70, 20, 768, 5000, 3801, 5000, FrequencyWindow(0, 768, 13.4, 86.9), window=Window(120, 40)
)


@pytest.fixture
def screen():
    receiver = StillReceiver()
    for n in range(20):
        receiver.feed(sky(n))
    opened = Screen(80, 24, receiver)
    yield opened
    opened.close()


def shown(screen):
    for _ in range(2):
        screen.tick()
        screen.settle()
    return "\n".join(screen.terminal.display)


def log_lines(screen, first, stop):
    for n in range(first, stop):
        screen.do(screen.app.main_screen.show_log, [LogLine(logging.INFO, 1.8e9 + n, f"event {n:04d}")])


def test_the_log_is_a_page_that_scrolls_and_follows(screen):
    log_lines(screen, 0, 60)
    screen.press("u")
    assert "event 0059" in shown(screen)
    assert "event 0030" not in shown(screen)
    screen.press("pageup")
    assert "event 0030" in shown(screen)
    screen.press("home")
    assert "event 0000" in shown(screen)
    assert "lines 1 to 22 of" in shown(screen)
    # New lines do not move a page that was scrolled up.
    log_lines(screen, 60, 70)
    assert "event 0000" in shown(screen)
    screen.press("end")
    assert "event 0069" in shown(screen)
    log_lines(screen, 70, 71)
    assert "event 0070" in shown(screen)
    screen.press("up", "down", "escape")
    assert len(screen.app.screen_stack) == 1


def test_the_log_is_bounded():
    history = LogHistory()
    history.add(LogLine(logging.INFO, 0.0, str(n)) for n in range(MAX_LINES + 5))
    assert (len(history.lines), history.lines[0].text, history.count) == (MAX_LINES, "5", MAX_LINES + 5)


def test_the_panel_gets_only_lines_that_it_keeps(screen, monkeypatch):
    got = []
    monkeypatch.setattr(LogPanel, "add", lambda _, *entries: got.extend(entries))
    lines = [LogLine(logging.INFO, 1.8e9, f"event {n:04d}") for n in range(MAX_LINES)]
    screen.do(screen.app.main_screen.show_log, lines)
    assert [entry.plain[9:] for entry in got] == [line.text for line in lines[-LOG_LINES:]]


def test_a_long_line_of_the_log_is_wrapped_beside_its_time():
    lines = [line.plain for line in entry_lines(LogLine(logging.INFO, 0.0, "one two three four five"), 27)]
    assert lines == ["00:00:00 one two three four", "         five"]
    assert [line.plain for line in entry_lines(LogLine(logging.INFO, 0.0, "one two"), 9)] == ["00:00:00", "one two"]


@pytest.mark.parametrize(("lines_back", "by", "found"), [(0, 5, 5), (0, -5, 0), (8, 5, 10), (3, -9, 0), (0, 10**9, 10)])
def test_scrolling_ends_at_both_ends(lines_back, by, found):
    assert scrolled(lines_back, by, count=30, height=20) == found
    assert scrolled(lines_back, by, count=10, height=20) == 0


def test_a_plot_that_went_well_is_not_in_the_log():
    handler, log = LogLines(), logging.getLogger("sunspec_tui.test_log_page")
    log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        log_event(log, logging.INFO, "plot", "a plot was written")
        log_event(log, logging.ERROR, "plot_failed", "a plot failed")
        log_event(log, logging.INFO, "state", "stream is live")
    finally:
        log.removeHandler(handler)
    assert [line.text for line in handler.drain()] == ["a plot failed", "stream is live"]


def test_a_panel_that_is_alone_scrolls(screen):
    panel = screen.app.main_screen.query_one("#memory")
    screen.act("change_view('toggle_panel', 'memory')")
    shown(screen)
    screen.do(panel.show, Text("\n".join(f"line {n:03d}" for n in range(90))))
    screen.do(screen.pilot.pause)
    assert {"line 000", "line 045"} < words_in(screen)
    # Two columns of 45 lines; 20 are on the page.
    for keys, first in ((["down"], 1), (["pagedown"] * 5, 25), (["up"], 24), (["pageup"] * 5, 0)):
        screen.press(*keys)
        screen.settle()
        assert {f"line {first:03d}", f"line {first + 45:03d}"} <= words_in(screen)
        assert f"line {first - 1:03d}" not in words_in(screen)
    screen.press("escape")
    assert "line" not in shown(screen)


def words_in(screen):
    return set(re.findall(r"line \d+", "\n".join(screen.terminal.display)))


def test_an_error_is_a_toast_only_where_no_log_is_shown(screen):
    failing = [LogLine(logging.ERROR, 1.8e9, "something has failed")]
    screen.press("u")
    screen.do(screen.app.main_screen.show_log, failing)
    assert not screen.do(lambda: list(screen.app._notifications))
    screen.press("escape")
    screen.do(screen.app.main_screen.show_log, failing)
    screen.do(screen.pilot.pause)
    assert [each.message for each in screen.app._notifications] == ["something has failed"]
    screen.resize(120, 40)
    shown(screen)
    screen.press("escape")
    screen.do(screen.app.main_screen.show_log, failing)
    screen.do(screen.pilot.pause)
    assert not list(screen.app._notifications)


def test_the_log_panel_shows_lines_in_the_colour_of_their_level(screen):
    screen.resize(120, 40)
    levels = {"all is well": logging.INFO, "something is odd": logging.WARNING, "something has failed": logging.ERROR}
    screen.do(screen.app.main_screen.show_log, [LogLine(level, 1.8e9, text) for text, level in levels.items()])
    lines = shown(screen).split("\n")
    colours = set()
    for text in levels:
        y = next(y for y, line in enumerate(lines) if text in line)
        colours.add(screen.terminal.buffer[y][lines[y].index(text)].fg)
    assert len(colours) == 3


# Confirmations


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("next_palette", {"palette": "inferno"}, "palette inferno"),
        ("span", {"rows_per_column": 8}, "time span 2 min 20 s"),
        ("span", {}, "limit of the time span"),
        ("toggle_option", {"sweeping": True}, "sweeping"),
        ("next_product", {"product": Product.V, "levels": None}, "product V"),
        ("shift_levels", {"levels": Levels(9, 30)}, "levels 9 to 30"),
        ("next_layout", {"layout": "engineer"}, "layout engineer"),
        ("toggle_panel", {"hidden": frozenset({"log"})}, "log hidden"),
        ("toggle_panel", {"opened": frozenset({"memory"})}, "memory shown"),
        ("maximise", {"maximised": "spectrum"}, "spectrum alone, esc shows all"),
        ("next_theme", {"theme": "light"}, "theme light"),
        ("toggle_trace", {"traces": frozenset({"max"})}, "max shown"),
        ("zoom", {"share": (0.25, 0.75)}, "13.4–86.9 MHz"),
        ("bias", {"bias": -1.0}, "brighter"),
        ("reset_view", {"theme": "light"}, "layout, colours and levels reset"),
        ("move_cursor", {}, ""),
    ],
)
def test_the_effect_of_a_key_is_named(name, change, words):
    view = View()
    assert effect_of(name, view, replace(view, **change), CONTEXT, 0.25) == words


def test_a_palette_on_a_screen_without_colours_is_said_to_be_that_of_plots(screen):
    screen.set_depth(Depth.NONE)
    shown(screen)
    screen.act("change_view('next_palette', 1)")
    assert f" no colours here; palette {PALETTES[1]} in plots " in shown(screen)
    screen.act("change_view('toggle_option', 'sweeping')")
    assert " sweeping " in shown(screen)


def test_a_confirmation_goes_away():
    now_s, calls, changes = [0.0], [], []
    confirmation = Confirmation(
        lambda s, call: calls.append((s, call)), lambda: changes.append(confirmation.words), lambda: now_s[0]
    )
    confirmation.show("palette inferno")
    confirmation.show("")
    assert confirmation.words == "palette inferno"
    [(after_s, call)] = calls
    assert after_s > SHOWN_S
    now_s[0] = after_s
    call()
    assert changes == ["palette inferno", ""]


def test_a_key_is_confirmed_in_the_caption(screen):
    shown(screen)
    screen.act("change_view('next_palette', 1)")
    assert f" palette {PALETTES[1]} " in shown(screen)
    assert not screen.app._notifications


# Toasts


class ToastsUnderTest:
    """`Toasts` with a clock that the test sets."""

    def __init__(self):
        self.now_s, self.changes, self.timers = 0.0, 0, []
        self.toasts = Toasts(lambda delay_s, call: self.timers.append((self.now_s + delay_s, call)), self.note_change)

    def note_change(self):
        self.changes += 1

    def add(self, *message):
        self.toasts._clock = lambda: self.now_s
        self.toasts.add(*message)
        return tuple(self.toasts.toast)

    def pass_time(self, until_s):
        """Let the clock go on, and call what is due."""
        self.now_s = until_s
        due = [timer for timer in self.timers if timer[0] <= until_s]
        self.timers = [timer for timer in self.timers if timer not in due]
        for _, call in due:
            call()


def test_a_toast_has_the_newest_two_messages():
    shown = ToastsUnderTest()
    assert shown.add("first", "error", 3.0) == ("first", "error", 3.0)
    shown.now_s = 1.0
    assert shown.add("second", "information", 3.0) == ("first\nsecond", "error", 3.0)
    assert shown.add("third", "warning", 1.0) == ("second\nthird", "warning", 3.0)
    assert shown.changes == 3
    shown.now_s = 3.5
    assert shown.toasts.clear()
    assert not shown.toasts.clear()


def test_each_message_of_a_toast_goes_when_its_own_time_is_over():
    shown = ToastsUnderTest()
    shown.add("the address", "information", 30.0)
    shown.now_s = 1.0
    shown.add("a warning", "warning", 3.0)
    shown.pass_time(3.5)
    assert shown.toasts.toast.text == "the address\na warning"
    shown.pass_time(4.1)
    assert (*shown.toasts.toast,) == ("the address", "information", pytest.approx(25.9))
    assert shown.changes == 3
    shown.pass_time(30.1)
    assert shown.toasts.toast is None
    assert shown.changes == 4


def test_messages_at_the_same_moment_are_one_toast(screen):
    shown(screen)
    screen.do(notify_both, screen.app)
    text = shown(screen)
    assert (text.count("one thing"), text.count("another thing")) == (1, 1)


def notify_both(app):
    app.notify("one thing")
    app.notify("another thing")


def test_an_old_message_leaves_the_screen_before_a_longer_one(screen):
    now_s = [0.0]
    screen.app._toasts._clock = lambda: now_s[0]
    screen.do(screen.app.notify, "an old thing")
    screen.do(screen.app.notify, "a long thing", timeout=5000.0)
    assert "an old thing" in shown(screen)
    now_s[0] = 1001.0
    screen.do(screen.app._toasts._follow_clock)
    text = shown(screen)
    assert "an old thing" not in text
    assert "a long thing" in text


def test_a_click_removes_a_toast_and_its_messages(screen):
    screen.do(screen.app.notify, "one thing")
    assert "one thing" in shown(screen)
    screen.do(screen.pilot.click, "Toast")
    assert "one thing" not in shown(screen)
    screen.do(screen.app.notify, "another thing")
    text = shown(screen)
    assert "one thing" not in text
    assert "another thing" in text


def test_a_long_message_is_cut_between_words():
    text = shortened("word " * 100)
    assert len(text) <= MAX_CHARACTERS
    assert text.endswith("word…")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_a_toast_covers_no_axis_and_goes_with_escape(screen, size):
    screen.resize(*size)
    shown(screen)
    before = [*screen.terminal.display]
    screen.do(screen.app.notify, "one thing was written " * 8)
    screen.do(screen.app.notify, "another thing has failed " * 8)
    shown(screen)
    picture = screen.app.main_screen.query_one("#waterfall").content_region
    changed = [y for y, line in enumerate(screen.terminal.display) if line != before[y]]
    changed = [y for y in changed if "thing" in screen.terminal.display[y]]
    assert 0 < len(changed) <= size[1] // 2
    # Neither the time axis, nor the colour bar with its numbers, nor a panel.
    assert picture.y <= min(changed) <= max(changed) < picture.bottom - 1
    for y in changed:
        assert screen.terminal.display[y][picture.right - 8 :] == before[y][picture.right - 8 :]
        assert screen.terminal.display[y][: picture.x + 6] == before[y][: picture.x + 6]
    screen.press("escape")
    assert "thing" not in shown(screen)
