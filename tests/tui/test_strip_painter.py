"""Pictures as strips, for terminals that know kitty's protocol without frames."""

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_pictures import CELL, COLUMNS, LINES, PaintedPicture, budgets, steps
from pixel_terminals import KittyScreen

from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.strip_painter import STRIP_LIMIT, StripPainter


def painted():
    screen = KittyScreen(COLUMNS, LINES, CELL)
    return PaintedPicture(StripPainter(part_pixels=(500, 1000)), screen, text_destroys=False)


@settings(deadline=None, max_examples=extent(12, 40))
@given(st.lists(st.tuples(steps, budgets), max_size=8))
def test_after_any_changes_the_terminal_shows_the_picture(changes):
    picture = painted()
    for (name, *arguments), budget in changes:
        getattr(picture, name)(*arguments)
        picture.update(budget)
    picture.finish()
    picture.check()


def test_a_finished_picture_sends_nothing():
    picture = painted()
    picture.finish()
    assert picture.update(1000) == 0


@pytest.mark.parametrize("count", [1, -1, 3])
def test_a_scroll_sends_the_new_columns_and_moves_the_strips(count):
    picture = painted()
    whole = picture.finish()
    picture.scroll(count, seed=5)
    assert picture.finish() < whole * abs(count) / picture.shape[1] + 1200
    picture.check()


def test_the_number_of_images_stays_small_while_the_picture_sweeps():
    picture = painted()
    for index in range(150):
        picture.columns(index % picture.shape[1], 1, seed=index)
        picture.finish()
    picture.check()
    assert picture.screen.most_images <= STRIP_LIMIT + 3


def test_the_number_of_images_stays_small_while_the_picture_scrolls():
    picture = painted()
    for index in range(150):
        picture.scroll(1, seed=index)
        picture.finish()
    picture.check()
    assert picture.screen.most_images <= STRIP_LIMIT + 3


def test_a_wide_picture_in_many_strips_is_finished():
    picture = PaintedPicture(StripPainter(part_pixels=(1, 1)), KittyScreen(400, 8, CELL), text_destroys=False)
    picture.region = Region(0, 0, 400, 1)
    picture.noise(1)
    picture.finish(budget=1)
    picture.columns(900, 200, seed=2)
    picture.finish(budget=1)
    picture.check()
    assert picture.update(1) == 0


def test_removal_deletes_all_images():
    picture = painted()
    picture.finish()
    picture.screen.feed(picture.painter.remove())
    assert not picture.screen.images
    assert picture.painter.remove() == ""


def test_an_image_begins_where_it_was_before_a_scroll_to_the_left():
    picture = painted()
    picture.finish()
    picture.scroll(7, seed=1)
    picture.finish()
    picture.scroll(-7, seed=2)
    picture.finish()
    picture.check()
    assert not np.array_equal(picture.area[:, 0], picture.area[:, 10])
