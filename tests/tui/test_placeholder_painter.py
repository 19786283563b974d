"""Pictures inside tmux, through placeholders of kitty's protocol."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_pictures import CELL, COLUMNS, LINES, PALETTES, REGIONS, PaintedPicture, budgets, steps
from pixel_terminals import PassedOnScreen

from sunspec_tui.tui.terminal.canvas import PIXELS, UNKNOWN, Canvas, Region
from sunspec_tui.tui.terminal.placeholder_painter import PlaceholderPainter
from sunspec_tui.tui.terminal.placeholders import LINE_LIMIT, MARKS, Placeholders, image_number, pane_number
from sunspec_tui.tui.terminal.tmux_passthrough import passed_on

# An image of two cells.
TILE_PIXELS = 2 * CELL.area * (REGIONS[0].bottom - REGIONS[0].top)


def painted(tile_pixels=TILE_PIXELS):
    painter = PlaceholderPainter(7, tile_pixels)
    return PaintedPicture(painter, PassedOnScreen(COLUMNS, LINES, CELL), text_destroys=False)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(steps, budgets), max_size=8), st.sampled_from([1, TILE_PIXELS]))
def test_after_any_changes_the_terminal_shows_the_picture(changes, tile_pixels):
    picture = painted(tile_pixels)
    for (name, *arguments), budget in changes:
        getattr(picture, name)(*arguments)
        picture.update(budget)
    picture.finish()
    picture.check()
    assert len(picture.screen.images) <= picture.region.right - picture.region.left


def test_a_finished_picture_sends_nothing():
    picture = painted()
    picture.finish()
    assert picture.update(1000) == 0
    assert picture.painter.finished


def test_without_a_budget_nothing_is_sent():
    picture = painted()
    assert picture.update(0) == 0
    assert not picture.painter.finished


def test_new_columns_cost_no_more_than_the_images_they_are_in():
    picture = painted()
    whole = picture.finish()
    picture.columns(20, 1, seed=4)
    assert picture.finish() < whole / 10
    picture.check()


def test_an_edited_image_that_was_lost_is_repaired_when_the_next_one_is_edited():
    picture = painted()
    picture.finish()
    left = 21
    picture.columns(left, 1, seed=4)
    image = picture.screen.images[str(image_number(7, left // (2 * CELL.width)))]
    before = image[0].copy()
    picture.finish()
    image[0][:] = before
    picture.columns(left + 10, 1, seed=5)
    picture.finish()
    picture.check()


def test_a_dialog_costs_none_of_the_picture():
    picture = painted()
    picture.finish()
    picture.cover(2, 1, 4, 2)
    assert picture.finish() == 0
    picture.check()
    picture.columns(20, 6, seed=1)
    picture.finish()
    picture.uncover()
    assert picture.finish() == 0
    picture.check()


def test_another_palette_with_the_same_colours_sends_nothing():
    picture = painted()
    picture.use_palette(2)
    picture.finish()
    picture.palette = PALETTES[2][::-1]
    picture.pixels = 63 - picture.pixels
    assert picture.finish() == 0
    picture.check()


def test_a_picture_that_is_somewhere_else_is_not_sent_again():
    picture = painted()
    picture.finish()
    picture.region = Region(*(number - 1 for number in picture.region))
    assert picture.finish() == 0
    picture.check()


def test_removal_and_the_farewell_delete_all_images():
    for remove in (lambda painter: painter.remove(), lambda painter: painter.farewell):
        picture = painted()
        picture.finish()
        picture.screen.feed(remove(picture.painter))
        assert not picture.screen.images
        assert not picture.screen.placements
    assert painted().painter.remove() == ""


# Cells


def test_the_marks_are_those_of_the_protocol():
    assert (LINE_LIMIT, MARKS[0], MARKS[1], MARKS[2], MARKS[296]) == (297, "\u0305", "\u030d", "\u030e", "\U0001d244")
    assert list(MARKS) == sorted(set(MARKS))
    assert {unicodedata.combining(mark) for mark in MARKS} == {230}
    assert not any(map(unicodedata.decomposition, MARKS))


@pytest.mark.parametrize(
    ("pane", "number"), [("%0", 1), ("%254", 255), ("%255", 1), ("", 1), ("%x", 1), ("%\u0663", 1)]
)
def test_panes_have_numbers_that_fit_into_a_byte(pane, number):
    assert pane_number(pane) == number


def test_each_command_is_wrapped_alone():
    text = passed_on("\x1b_Ga=t;AAAA\x1b\\\x1b_Ga=p\x1b\\")
    assert text == "\x1bPtmux;\x1b\x1b_Ga=t;AAAA\x1b\x1b\\\x1b\\\x1bPtmux;\x1b\x1b_Ga=p\x1b\x1b\\\x1b\\"


def canvas(cells):
    found = Canvas(8, 4)
    found.desired.codes[1:3, 2:6] = PIXELS
    found.use_placeholders(cells)
    return found


CELLS = Placeholders(2, 1, 6, 3, 2, 7)


def test_the_canvas_writes_placeholders_with_the_number_of_their_image():
    text = canvas(CELLS).update(1 << 20)
    first, second = (f"\U0010eeee{MARKS[1]}{MARKS[column]}{MARKS[7]}" for column in (0, 1))
    assert f"38;5;16m{first}{second}" in text
    assert f"38;5;17m{first}{second}" in text


def test_only_moved_placeholders_are_written_again():
    found = canvas(CELLS)
    found.update(1 << 20)
    found.use_placeholders(CELLS)
    assert found.update(1 << 20) == ""
    found.use_placeholders(CELLS._replace(top=0))
    assert found.update(1 << 20).count("\U0010eeee") == 8


def test_placeholders_are_never_moved_with_their_line():
    found = canvas(CELLS)
    found.update(1 << 20)
    found.desired.codes[1:3, 2:5] = ord("x")
    found.moved_left(Region(2, 1, 6, 3), 1)
    text = found.update(1 << 20, [Region(2, 1, 6, 3)])
    assert "P" not in text
    assert not (found.displayed.codes == UNKNOWN).any()


def test_a_picture_beyond_the_screen_is_cut():
    text = canvas(Placeholders(2, 1, 60, 30, 1, 7)).update(1 << 20)
    assert text.count("\U0010eeee") == 8
    assert "\U0010eeee" not in canvas(Placeholders(90, 1, 99, 3, 1, 7)).update(1 << 20)
