"""The day strip on the screen: place, colours, keys, mouse and bytes."""

import threading

import numpy as np
import pytest
from growing_timelines import GrowingTimeline
from monitors import START_S, StillReceiver, differences
from sky_frames import sky
from terminals import CURSOR_QUESTION
from textual import events
from waiting import poll_until

from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.view_json import view_to_json
from sunspec_tui.tui.widgets.day_strip import DayStrip
from sunspec_tui.tui.widgets.waterfall import AXIS_WIDTH, Waterfall

CADENCE_S = 4.0
HOURS = 4.6
BURST, RESTART, GAP = 0.3, 0.5, (0.7, 0.8)


@pytest.fixture(scope="module")
def frames():
    return [sky(n) for n in range(60)]


@pytest.fixture
def timeline(monkeypatch):
    n = round(HOURS * 3600 / CADENCE_S)
    data = np.full((n, 8, 4), 100, np.float32)
    data[round(BURST * n) : round(BURST * n) + 3, :4] *= 20
    timeline = GrowingTimeline.steady(START_S + 10 - HOURS * 3600, CADENCE_S, data)
    timeline.restarts[round(RESTART * n)] = True
    keep = np.ones(n, bool)
    keep[round(GAP[0] * n) : round(GAP[1] * n)] = False
    return shown(timeline, keep, monkeypatch)


def shown(timeline, keep, monkeypatch):
    """Show some rows of a timeline."""
    timeline = GrowingTimeline(timeline.times_s[keep], timeline.data[keep], timeline.cadence_s[keep],
                               timeline.missing[keep], timeline.restarts[keep], timeline.frequencies_hz)  # fmt: skip
    monkeypatch.setattr(StillReceiver, "timeline", lambda _: timeline)
    return timeline


@pytest.fixture
def show(timeline, frames, open_screen):
    def start(size, **options):
        receiver = StillReceiver()
        for data in frames:
            receiver.feed(data)
        return refresh(open_screen(size, receiver, **options))

    return start


def refresh(screen):
    """Let the strip load and the monitor draw it."""
    for _ in range(3):
        screen.tick()
        poll_until(lambda: all(each.name != "sunspec-day-strip" for each in threading.enumerate()))
        screen.settle()
    return screen


def strip_lines(screen):
    """Return the text of the strip's lines."""
    region = screen.app.main_screen.query_one(DayStrip).content_region
    lines = screen.terminal.display[region.y : region.bottom]
    return [line[region.x : region.right] for line in lines]


SIZES = [((80, 24), 1), ((120, 40), 2), ((200, 60), 2), ((60, 20), 1)]


@pytest.mark.parametrize(("size", "lines"), SIZES, ids=lambda value: str(value))
def test_the_strip_has_this_many_lines(show, size, lines):
    screen = show(size)
    assert screen.app.main_screen.query_one(DayStrip).content_size.height == lines
    assert screen.app.main_screen.query_one(Waterfall).content_size.height >= 7


def test_the_strip_waits_until_the_day_is_longer_than_the_picture(show, timeline, monkeypatch):
    shown(timeline, timeline.times_s > START_S, monkeypatch)
    assert not show((80, 24)).app.main_screen.query_one(DayStrip).display


@pytest.mark.parametrize(
    ("options", "gap", "restart", "shown"),
    [({}, "╳", "┃", "┼"), ({"depth": Depth.C16}, "╳", "┃", "┼"), ({"depth": Depth.NONE}, "╳", "┃", "┼"),
     ({"ascii_only": True}, "x", "!", "+"), ({"ascii_only": True, "depth": Depth.NONE}, "x", "!", "+")],
)  # fmt: skip
def test_signs_are_readable_in_all_terminals(show, options, gap, restart, shown):
    (line,) = strip_lines(show((80, 24), **options))
    cells = line[6:72]
    assert cells[-1] == shown
    assert abs(cells.index(restart) - RESTART * 66) < 3
    assert abs(cells.index(gap) - GAP[0] * 66) < 3
    assert abs(cells.rindex(gap) - GAP[1] * 66) < 3
    assert line.startswith("14:0")
    assert line.rstrip().endswith(" 4.7 h")


@pytest.mark.parametrize(("ascii_only", "quiet", "burst"), [(False, "▁", "█"), (True, "_", "@")])
def test_without_colours_bursts_are_characters(show, ascii_only, quiet, burst):
    (line,) = strip_lines(show((80, 24), depth=Depth.NONE, ascii_only=ascii_only))
    assert abs(line[6:72].index(burst) - BURST * 66) < 3
    assert line.count(burst) == 1
    assert line.count(quiet) > 40


def test_marks_of_an_interval_are_on_the_strip(show):
    screen = show((120, 40))
    screen.act("change_view('mark', 0)")
    screen.act("change_view('mark', 1)")
    _, scale = strip_lines(refresh(screen))
    assert "[" in scale or "]" in scale


def test_a_key_hides_the_strip_and_shows_it(show):
    screen = show((80, 24))
    before = screen.app.main_screen.query_one(Waterfall).content_size.height
    screen.press("S")
    refresh(screen)
    assert not screen.app.main_screen.query_one(DayStrip).display
    assert screen.app.main_screen.query_one(Waterfall).content_size.height > before - 1
    assert view_to_json(screen.app.scene.view)["day_strip"] is False
    screen.press("S")
    assert strip_lines(refresh(screen))


def test_the_layout_stays_when_the_picture_becomes_as_long_as_the_day(show):
    screen = show((80, 24))
    for _ in range(12):
        screen.act("change_view('span', 1)")
    assert strip_lines(refresh(screen))


class Jumps:
    """Times to which a monitor goes."""

    def __init__(self, screen, monkeypatch):
        self.times_s = []
        monkeypatch.setattr(screen.app, "go_to_time", self.times_s.append)


def test_a_click_and_a_drag_go_to_times(show, monkeypatch):
    screen = show((80, 24))
    strip = screen.app.main_screen.query_one(DayStrip)
    window = screen.app.updater.day_reader.content.columns.window
    jumps = Jumps(screen, monkeypatch)
    x, y = strip.content_region.x + AXIS_WIDTH, strip.content_region.y
    for kind, button, at in (
        (events.MouseDown, 1, (x + 10, y)),
        (events.MouseMove, 1, (x + 10, y)),
        (events.MouseMove, 1, (x + 12, y)),
        (events.MouseMove, 1, (x + 13, y - 5)),
        (events.MouseUp, 1, (x + 13, y)),
        (events.MouseMove, 0, (x + 30, y)),
        (events.MouseDown, 1, (x - 3, y)),
        (events.MouseUp, 1, (x - 3, y)),
    ):
        screen.do(screen.pilot._post_mouse_events, [kind], None, at, button=button)
    screen.settle()
    assert [window.column_of(time_s) for time_s in jumps.times_s] == [10, 12, 13]


def test_keys_go_to_the_sign_before_and_after(show, timeline, monkeypatch):
    screen = show((120, 40))
    jumps = Jumps(screen, monkeypatch)
    signs = screen.app.updater.day_reader.content.signs
    assert len(signs) == 2
    screen.press("J")
    screen.press("J")
    screen.press("J")
    screen.press("K")
    screen.press("K")
    assert jumps.times_s == [signs[1].time_s, signs[0].time_s, signs[1].time_s]


def test_an_idle_strip_sends_nothing_and_a_new_block_few_bytes(show, timeline, frames):
    timeline.now_s = timeline.times_s[-100]
    screen = show((120, 40))
    sent, send = [], screen.app._send
    screen.app._send = lambda text: (sent.append(text.replace(CURSOR_QUESTION.decode(), "")), send(text))
    content = screen.app.updater.day_reader.content
    for _ in range(5):
        refresh(screen)
    assert sum(map(len, sent)) < 20
    timeline.now_s += 30
    screen.app.updater.day_reader._due_s = 0.0
    refresh(screen)
    assert screen.app.updater.day_reader.content is content
    sent.clear()
    timeline.now_s += content.columns.window.column_s
    screen.app.updater.day_reader._due_s = 0.0
    refresh(screen)
    assert screen.app.updater.day_reader.content is not content
    assert 0 < sum(map(len, sent)) < 1500


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: "x".join(map(str, size)))
def test_the_cells_are_those_of_a_full_repaint(show, size):
    screen = show(size)
    assert not differences(screen.cells(), screen.full_repaint())


def test_long_blocks_have_a_dashed_time_axis(show, timeline):
    timeline.coarse_before_s, timeline.coarse_s = timeline.times_s[500], 128
    screen = show((80, 24))
    for _ in range(3):
        screen.act("change_view('span', 1)")
    screen.act(f"change_view('at_time', {timeline.times_s[520]})")
    axis_y = screen.app.main_screen.query_one(Waterfall).cells_region.bottom

    def axis():
        screen.tick()
        screen.settle()
        return screen.terminal.display[axis_y]

    poll_until(lambda: "┄┄┄" in axis(), 20, axis)
    assert not axis().rstrip().endswith("┄")
