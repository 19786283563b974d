"""Pictures through sixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_pictures import CELL, COLUMNS, LINES, PaintedPicture, budgets, steps
from pixel_terminals import GROUND, SixelScreen

from sunspec_tui.core.colormaps import PALETTES as PALETTE_NAMES
from sunspec_tui.core.colormaps import colours
from sunspec_tui.tui.terminal.pixel_image import CellSize
from sunspec_tui.tui.terminal.sixel import COLOUR_TOLERANCE, registers_of
from sunspec_tui.tui.terminal.sixel_painter import SixelPainter, cell_parts

TOLERANCE = 3


def painted(cell=CELL):
    picture = PaintedPicture(SixelPainter(), SixelScreen(COLUMNS, LINES, cell), text_destroys=True)
    picture.cell = cell
    picture.noise(0)
    return picture


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(steps, budgets), max_size=8), st.sampled_from([CELL, CellSize(4, 6), CellSize(7, 20)]))
def test_after_any_changes_the_terminal_shows_the_picture(changes, cell):
    picture = painted(cell)
    for (name, *arguments), budget in changes:
        getattr(picture, name)(*arguments)
        picture.update(budget)
    picture.finish()
    picture.check(TOLERANCE)


def test_a_finished_picture_sends_nothing():
    picture = painted()
    picture.finish()
    assert picture.update(1000) == 0


@pytest.mark.parametrize("left", range(20, 25))
def test_a_strip_of_one_column_sends_only_its_pixels(left):
    picture = painted()
    picture.finish()
    before = picture.area.copy()
    picture.columns(left, 1, seed=4)
    assert picture.finish() < 24 * picture.shape[0]
    assert (np.delete(picture.area, left, axis=1) == np.delete(before, left, axis=1)).all()
    picture.check(TOLERANCE)


def test_cells_that_text_has_overwritten_are_sent_again():
    picture = painted()
    whole = picture.finish()
    picture.overwrite(2, 1, 4, 2)
    assert 0 < picture.finish() < whole / 5
    picture.check(TOLERANCE)


def test_a_smooth_picture_is_sent_in_runs():
    picture = painted()
    whole = picture.finish()
    picture.pixels = np.full(picture.shape, 17, np.uint8)
    assert picture.finish() < whole / 50
    picture.check(TOLERANCE)


def test_each_part_has_its_turn_while_all_changes():
    picture = painted()
    whole = {(part.left, part.top) for part in cell_parts(np.ones(picture.shape, bool), CELL)}
    reached = set()
    for seed in range(len(whole) + 1):
        picture.noise(seed)
        picture.update(1)
        reached.add(picture.painter._last)
    assert reached == whole


def test_removal_blanks_the_cells():
    picture = painted()
    picture.finish()
    picture.screen.feed(picture.painter.remove())
    assert (picture.screen.pixels == GROUND).all()
    assert picture.painter.remove() == ""


def test_nothing_is_blanked_on_a_screen_that_was_drawn_again():
    picture = painted()
    picture.finish()
    picture.painter.forget()
    assert picture.painter.remove() == ""


@pytest.mark.parametrize("name", PALETTE_NAMES)
def test_registers_show_each_colour_within_the_tolerance(name):
    palette = colours(name)
    registers = registers_of(palette)
    shown = registers.percents[registers.numbers] * 2.55
    assert np.abs(shown - palette).max() <= COLOUR_TOLERANCE
    assert len(registers.percents) <= 256


def test_neighbours_that_hardly_differ_share_a_register():
    assert len(registers_of(colours("viridis")).percents) < 200
    assert len(registers_of(colours("gray", 32)).percents) == 32


def test_parts_begin_at_cells_and_cover_the_marked_pixels():
    rng = np.random.default_rng(0)
    for density in (0.0005, 0.01, 0.9):
        mask = rng.random((200, 300)) < density
        parts = cell_parts(mask, CellSize(10, 20))
        covered = np.zeros_like(mask)
        for part in parts:
            assert part.left % 10 == part.top % 20 == 0
            covered[part.slices] = True
        assert not (mask & ~covered).any()


@pytest.mark.parametrize("cell", [(6, 12), (7, 251), (128, 256), (120, 167), (2, 2)])
def test_no_part_is_larger_than_xterm_takes(cell):
    size = CellSize(*cell)
    for columns in (1, 14):
        for part in cell_parts(np.ones((6 * size.height, columns * size.width), bool), size):
            assert max(part.width, part.height) <= 1000
            assert part.left % size.width == part.top % size.height == 0
