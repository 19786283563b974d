"""A picture that is not live is grey and gives the reason."""

import math

import pytest
from monitors import Screen, StillReceiver, differences
from scenes import feed, flat

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.picture_notice import notice_that_fits, picture_notice
from sunspec_tui.tui.widgets.waterfall import Waterfall
from sunspec_tui.tui.widgets.waterfall_cells import GREY, ColourSteps


@pytest.mark.parametrize(
    ("stalled_s", "paused_s", "notice"),
    [
        (None, None, ""),
        (12.4, None, "STALLED 12 s"),
        (200.0, None, "STALLED 3 min 20 s"),
        (math.nan, None, "STALLED"),
        (None, 43400.0, "PAUSED at 12:03:20"),
        (None, math.nan, "PAUSED"),
        (12.4, 43400.0, "STALLED 12 s, PAUSED at 12:03:20"),
    ],
)
def test_the_notice_gives_the_reason(stalled_s, paused_s, notice):
    assert picture_notice(stalled_s, paused_s) == notice


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (40, " STALLED 12 s, PAUSED at 12:03:20 "), (33, " STALLED 12 s "), (14, " STALLED 12 s "), (13, " STALLED "),
        (8, ""),
    ],
)  # fmt: skip
def test_a_narrow_picture_shows_the_first_words(columns, shown):
    assert notice_that_fits("STALLED 12 s, PAUSED at 12:03:20", columns) == shown


def test_an_empty_notice_writes_nothing():
    assert notice_that_fits("", 40) == ""


def _luminances(colours):
    return [colour.background.removeprefix("48;2;").split(";") for colour in colours]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("palette", PALETTES)
def test_grey_steps_have_no_colour_in_true_colour(palette, signed):
    steps = ColourSteps(palette, Depth.TRUE, 48, signed, is_grey=True)
    levels = _luminances(steps.colours)
    assert all(red == green == blue for red, green, blue in levels)
    assert [int(red) for red, _, _ in levels] == sorted(int(red) for red, _, _ in levels)
    assert len(levels) > 40


@pytest.mark.parametrize("depth", [Depth.C256, Depth.C16])
def test_grey_steps_use_the_greys_of_few_colours(depth):
    found = ColourSteps("viridis", depth, 48, signed=False, is_grey=True).colours
    greys = {"40", "47", "100", "107"} | {f"48;5;{n}" for n in (16, 59, 102, 145, 188, 231, *range(232, 256))}
    assert {colour.background for colour in found} <= greys
    assert GREY in PALETTES


@pytest.mark.parametrize("depth", [Depth.TRUE, Depth.C256, Depth.C16])
@pytest.mark.parametrize(("palette", "is_grey"), [("viridis", True), (GREY, False), (GREY, True)])
def test_no_valid_value_is_not_taken_for_a_grey_step(palette, is_grey, depth):
    steps = ColourSteps(palette, depth, 48, signed=False, is_grey=is_grey)
    assert steps.no_data_colour not in steps.colours


def _picture_colours(screen):
    """Return the background colours of the picture below the notice."""
    waterfall = screen.app.main_screen.query_one(Waterfall)
    x, y, _, _ = waterfall.content_region
    cells = screen.cells()
    return {
        cells[row][x + 6 + column].bg
        for row in range(y + 1, y + waterfall.lines)
        for column in range(waterfall.columns)
    }


def _is_grey(colour):
    return colour in ("default", "black") or colour[:2] == colour[2:4] == colour[4:]


def _settled(screen):
    screen.tick()
    screen.settle()
    screen.tick()
    screen.settle()


@pytest.fixture
def screen():
    receiver = StillReceiver()
    for n in range(60):
        data = flat(10.0 * (1 + n % 7))
        data[:, : 4 * (n % 24)] *= 30
        receiver.feed(data)
    screen = Screen(100, 30, receiver)
    _settled(screen)
    yield screen
    screen.close()


def test_a_stalled_picture_loses_its_colours_until_rows_come(screen):
    assert not all(map(_is_grey, _picture_colours(screen)))
    screen.receiver.now_s += 12
    _settled(screen)
    assert all(map(_is_grey, _picture_colours(screen)))
    assert "STALLED 12 s" in "\n".join(screen.terminal.display[1:])
    assert differences(screen.cells(), screen.full_repaint()) == []
    feed(screen.receiver, 1)
    screen.app.updater.readings_due_s = math.inf
    screen.do(screen.app.updater.tick)
    screen.settle()
    # The first row brings the colours back, before the next reading.
    assert not all(map(_is_grey, _picture_colours(screen)))
    assert "STALLED 12 s" not in "\n".join(screen.terminal.display[1:])


def test_a_paused_picture_loses_its_colours_and_keeps_cursor_and_axes(screen):
    screen.act("change_view('toggle_pause')")
    screen.act("change_view('move_cursor', -3, 2)")
    _settled(screen)
    shown = "\n".join(screen.terminal.display[1:])
    assert all(map(_is_grey, _picture_colours(screen)))
    assert "PAUSED at 18:41:44" in shown
    assert "▶" in shown
    assert "▲" in shown
    assert "MHz" in shown
    screen.act("change_view('live')")
    _settled(screen)
    assert not all(map(_is_grey, _picture_colours(screen)))
    assert "PAUSED" not in "\n".join(screen.terminal.display)
    assert differences(screen.cells(), screen.full_repaint()) == []


@pytest.mark.parametrize("depth", [Depth.C256, Depth.C16, Depth.NONE])
def test_the_notice_is_in_the_picture_at_each_depth(depth):
    receiver = StillReceiver()
    feed(receiver, 60)
    screen = Screen(100, 30, receiver, depth=depth)
    try:
        receiver.now_s += 12
        _settled(screen)
        assert "STALLED 12 s" in "\n".join(screen.terminal.display[1:])
        assert differences(screen.cells(), screen.full_repaint()) == []
    finally:
        screen.close()
