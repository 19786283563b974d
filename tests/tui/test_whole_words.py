"""No word is cut, nothing is pushed out: sizes, layouts, states.

Each text on the screen is compared with the widget's own text, which has no limits.
"""

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from extent import some
from monitors import StillReceiver
from sky_frames import sky
from textual.geometry import Region

from sunspec_tui.core.settings import Settings
from sunspec_tui.files.archive.status import ArchiveState, ArchiveStatus
from sunspec_tui.monitoring.web_status import WebState, WebStatus
from sunspec_tui.plots.job import PlotStatus
from sunspec_tui.tui.display.layouts import LAYOUTS, shown_panels
from sunspec_tui.tui.display.view_state import PANELS
from sunspec_tui.tui.key_bindings import FOOTER
from sunspec_tui.tui.log_lines import LogLine
from sunspec_tui.tui.widgets.panels import LogPanel, Panel

SIZES = some([(80, 24), (100, 30), (120, 40), (200, 60), (250, 70)], 3)
SMALL = [(60, 20), (40, 12), (20, 6)]
FRAMES = 40
NOTE = re.compile(r"\d+ more lines?(: .+)?|… u: the whole log")


@pytest.fixture(scope="module")
def frames():
    return [sky(n) for n in range(FRAMES + 20)]


@pytest.fixture
def show(open_screen):
    def start(size, frames=()):
        receiver = StillReceiver()
        for n, data in enumerate(frames[:FRAMES]):
            if n == 20:
                receiver.skip(14)
            receiver.feed(data)
        screen = open_screen(size, receiver, settings=Settings(plot_interval=0))
        # The cells are read from the canvas, because a terminal in Python is slow.
        screen._stream.feed = lambda _: None
        return screen

    return start


def words(text):
    return {word for word in text.replace("…", " ").split() if re.search(r"\w", word)}


def shown_lines(screen, region):
    """Lines of the terminal in a region."""
    codes = screen.app.canvas.desired.codes[region.y : region.bottom, region.x : region.right]
    return ["".join(chr(code) if code > 0 else "?" for code in line) for line in codes.tolist()]


def last_line(screen):
    columns, lines = screen.app.size
    return shown_lines(screen, Region(0, lines - 1, columns, 1))[0]


def own_text(widget):
    """Text of a widget without any limit of room."""
    if isinstance(widget, LogPanel):
        return "\n".join(entry.plain for entry in widget._entries)
    return widget.text.plain


def refresh(screen):
    """Show the readings; they may change the layout, which shows them again."""
    screen.tick()
    screen.do(screen.pilot.pause)
    screen.tick()
    screen.do(screen.pilot.pause)


def check(screen):
    """Compare the main screen's texts with their widgets' words."""
    refresh(screen)
    main = screen.app.main_screen
    for name in ("status", "view", *PANELS):
        widget = main.query_one(f"#{name}")
        if widget.content_size:
            lines = shown_lines(screen, widget.content_region)
            shown = [line for line in lines if not NOTE.search(line)]
            assert words("\n".join(shown)) <= words(own_text(widget)), (name, lines)
    check_panels(screen, main)
    check_footer(screen)


def check_panels(screen, main):
    view, window = screen.app.scene.view, screen.app.scene.window
    for name in shown_panels(view, window):
        panel = main.query_one(f"#{name}", Panel)
        # Inside the body, with its title and at least a line of text.
        assert panel.region.bottom <= window.lines - 1, name
        assert panel.content_size.height >= 1, name
        assert name.capitalize() in shown_lines(screen, panel.region)[0], name
        text = "\n".join(shown_lines(screen, panel.content_region))
        if name != "log" and not NOTE.search(text):
            assert words(own_text(panel)) <= words(text), name


def check_footer(screen):
    line = last_line(screen)
    hints = [" ".join((*hint.shown, hint.words)) for hint in FOOTER]
    shown = [hint for hint in hints if f" {hint} " in f"{line} "]
    assert shown == hints[: len(shown)]
    left = line
    for hint in shown:
        left = left.replace(f" {hint}", "", 1)
    assert not left.strip() or words(left) <= words(f" {screen.app.main_screen.query_one('#keys')._failure} "), line


def busy_plots(receiver):
    """Show plots, archive and web view, all with long texts."""
    receiver.parts.plots.status = lambda: PlotStatus(
        10.0, Path("figs"), running=True, busy=True, written=124, failed=3, kept=60480, kept_bytes=2_000_000_000,
        last_path="figs/spectrum_20260607_184250.png", last_time_s=receiver.now_s, note="another monitor writes there",
    )  # fmt: skip
    receiver.parts.archive.status = lambda: ArchiveStatus(
        ArchiveState.FAILING, Path("archive"), rows_written=1_200_000, rows_waiting=77, rows_missed=12, free_bytes=0,
        problem="cannot archive to archive: No space left on device; rows wait in the ring",
    )  # fmt: skip
    receiver.web_status = lambda: WebStatus(WebState.SERVING, "http://127.0.0.1:9527", viewers=2, rows_skipped=7)


def with_faults(receiver, frames):
    """Dead pipelines, less gain, a fast clock and rejected messages."""
    for data in frames[FRAMES:]:
        data = data / 20
        data[:, 7 * 96 : 8 * 96] = 0
        data[:, 20 * 96 : 26 * 96, 1] = np.nan
        receiver.feed(data, timestamp=receiver.now_s + 0.65)
    for parts in ([b"data"], [b"date", b"{}", b""], [b"data", b"{", b""], [b"data", b"[]", b""]):
        receiver.handler.on_message(parts)


def press(screen, *actions):
    for action in actions:
        screen.act(action)


def in_each_layout(screen):
    """Choose each layout in turn."""
    for layout in LAYOUTS:
        screen.do(screen.app.choose, layout=layout)
        yield layout


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
class TestScreens:
    def test_before_the_first_frame(self, show, size):
        screen = show(size)
        for _ in in_each_layout(screen):
            check(screen)
            waiting = screen.app.main_screen.query_one("#waiting")
            assert words("\n".join(shown_lines(screen, waiting.region))) <= words(str(waiting.render()))

    def test_with_rows_and_with_a_gap(self, show, frames, size):
        screen = show(size, frames)
        for _ in in_each_layout(screen):
            check(screen)
        press(screen, "change_view('toggle_pause')", "change_view('move_cursor', -1, 0)")
        for _ in in_each_layout(screen):
            check(screen)
        press(screen, "change_view('mark', 0)", "change_view('toggle_option', 'subtract')")
        screen.receiver.now_s += 12
        for _ in in_each_layout(screen):
            check(screen)

    def test_with_faults(self, show, frames, size):
        screen = show(size, frames)
        with_faults(screen.receiver, frames)
        busy_plots(screen.receiver)
        for _ in in_each_layout(screen):
            check(screen)
        failure = "the thread of the subscriber has failed: RuntimeError('a long reason'); start the monitor again"
        lines = [LogLine(logging.ERROR, 1.8e9, failure, is_failure=True)]
        screen.do(screen.app.main_screen.show_log, lines)
        check(screen)
        # Where the log is hidden, a toast shows the failure.
        screen.act("change_view('escape')")
        for name in PANELS:
            screen.do(screen.app.choose, maximised=name)
            check(screen)
        check_log_page(screen)

    def test_panels_below_the_picture_begin_under_their_titles(self, show, frames, size):
        screen = show(size, frames)
        screen.do(screen.app.choose, layout="operate")
        refresh(screen)
        for name in shown_panels(screen.app.scene.view, screen.app.scene.window):
            panel = screen.app.main_screen.query_one(f"#{name}", Panel)
            title, *lines = shown_lines(screen, panel.region)
            begins = [
                len(line) - len(line.lstrip())
                for line in (line.strip("│") for line in lines if "╰" not in line)
                if line.strip()
            ]
            assert min(begins, default=1) >= 1, (name, title, lines)

    def test_axes_have_units(self, show, frames, size):
        screen = show(size, frames)
        refresh(screen)
        shown = words("\n".join(shown_lines(screen, Region(0, 0, *size))))
        assert {"MHz", "dB", "UTC", "kB/s,"} - shown == {"kB/s,"}
        press(screen, "change_view('next_product', 4)")
        screen.do(screen.app.choose, layout="engineer")
        refresh(screen)
        assert "kB/s," in "\n".join(shown_lines(screen, Region(0, 0, *size)))


@pytest.mark.parametrize("size", SIZES + SMALL, ids=lambda size: "x".join(map(str, size)))
class TestDialogs:
    def test_no_word_of_a_dialog_is_cut(self, show, frames, size):
        screen = show(size, frames)
        refresh(screen)
        for dialog in ("export", "levels", "manual_delay"):
            screen.act(dialog)
            refresh(screen)
            check_dialog(screen, size)
            screen.press("escape")

    def test_no_word_of_a_list_of_keys_is_cut(self, show, frames, size):
        screen = show(size, frames)
        refresh(screen)
        for action in ("help", "command_palette"):
            screen.act(action)
            refresh(screen)
            dialog = screen.app.screen
            listed = [f"{each.group} {each.group}: {each.shown} {each.text}" for each in dialog.actions]
            own = f"{dialog.title_text} {dialog.keys_text} {dialog.hint} {'more lines actions'} {' '.join(listed)}"
            region = dialog.query_one("#search").region
            shown = {word for word in words("\n".join(shown_lines(screen, region))) if not word.isdigit()}
            assert shown <= words(own)
            screen.press("escape", "escape")

    def test_no_word_of_the_log_page_is_cut(self, show, frames, size):
        screen = show(size, frames)
        screen.do(screen.app.main_screen.show_log, [LogLine(logging.INFO, 1.8e9, "the stream is live")] * 20)
        screen.press("u")
        refresh(screen)
        subtitle = screen.app.screen.query_one("#log-lines").border_subtitle
        assert str(subtitle) in last_line(screen)
        assert "esc closes" in last_line(screen)

    def test_no_word_of_a_panel_alone_is_cut(self, show, frames, size):
        screen = show(size, frames)
        with_faults(screen.receiver, frames)
        for name in PANELS:
            screen.do(screen.app.choose, maximised=name)
            refresh(screen)
            panel = screen.app.main_screen.query_one(f"#{name}", Panel)
            # A border that changes while the panel is drawn is drawn with the next text.
            screen.do(panel.repaint)
            refresh(screen)
            lines = shown_lines(screen, panel.region)
            assert str(panel.border_subtitle) in lines[-1]
            shown = "\n".join(line for line in shown_lines(screen, panel.content_region) if "… u" not in line)
            assert words(shown) <= words(own_text(panel))


def check_dialog(screen, size):
    """A dialog is inside the window, with whole words."""
    box = screen.app.screen.query_one(".ask")
    shown = "\n".join(shown_lines(screen, box.region))
    assert Region(0, 0, *size).contains_region(box.region)
    assert box.max_scroll_y == 0
    title, *_, keys = shown_lines(screen, box.region)
    assert words(title) <= words(str(box.border_title))
    assert str(box.border_subtitle) in keys
    assert "esc cancels" in keys
    for label in screen.app.screen.query("Label"):
        assert not label.display or words(str(label.render())) <= words(shown)
    if size in SIZES:
        assert any(label.display and label.region.height for label in screen.app.screen.query("Label"))


def check_log_page(screen):
    """Every line of the log is on its page, as a whole."""
    screen.press("u")
    refresh(screen)
    page = screen.app.screen.query_one("#log-lines")
    shown = words("\n".join(shown_lines(screen, page.content_region)))
    history = screen.app.main_screen.log_history.lines
    assert history
    assert words("\n".join(line.text for line in history)) <= shown
    assert "esc closes" in last_line(screen)
