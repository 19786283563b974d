"""The day strip on the screen: place, colours, keys, mouse and bytes."""

import threading
import numpy as np
import pytest
from monitors import START_S, Screen, StillReceiver
from sky_frames import sky
from timelines import RowTimeline
from waiting import poll_until

from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.day_strip import DayStrip
from sunspec_tui.tui.widgets.waterfall import Waterfall

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
    timeline = RowTimeline.steady(START_S + 10 - HOURS * 3600, CADENCE_S, data)
    timeline.restarts[round(RESTART * n)] = True
    keep = np.ones(n, bool)
    keep[round(GAP[0] * n) : round(GAP[1] * n)] = False
    timeline = RowTimeline(timeline.times_s[keep], data[keep], timeline.cadence_s[keep], timeline.missing[keep],
                           timeline.restarts[keep], timeline.frequencies_hz)  # fmt: skip
    monkeypatch.setattr(StillReceiver, "timeline", lambda _: timeline)
    return timeline


@pytest.fixture
def show(timeline, frames):
    opened = []

    def start(size, **options):
        receiver = StillReceiver()
        for data in frames:
            receiver.feed(data)
        opened.append(Screen(*size, receiver, **options))
        return refresh(opened[-1])

    yield start
    for each in opened:
        each.close()


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


SIZES = [((80, 24), 1), ((80, 30), 1), ((120, 40), 2), ((200, 60), 2), ((60, 20), 1), ((48, 24), 0), ((80, 16), 0)]


@pytest.mark.parametrize(("size", "lines"), SIZES, ids=lambda value: str(value))
def test_the_strip_has_this_many_lines(show, size, lines):
    screen = show(size)
    assert screen.app.main_screen.query_one(DayStrip).content_size.height == lines
    assert screen.app.main_screen.query_one(Waterfall).content_size.height >= 7


def test_the_strip_waits_until_the_day_is_longer_than_the_picture(show, timeline, monkeypatch):
    keep = timeline.times_s > START_S
    short = RowTimeline(timeline.times_s[keep], timeline.data[keep], timeline.cadence_s[keep], timeline.missing[keep],
                        timeline.restarts[keep], timeline.frequencies_hz)  # fmt: skip
    monkeypatch.setattr(StillReceiver, "timeline", lambda _: short)
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
