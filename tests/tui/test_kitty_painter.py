"""Pictures through frames of kitty's protocol."""

import zlib

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from painted_pictures import CELL, COLUMNS, LINES, PALETTES, PaintedPicture, budgets, steps
from pixel_terminals import KittyScreen

from sunspec_tui.tui.terminal.kitty_graphics import CHUNK_CHARACTERS, command
from sunspec_tui.tui.terminal.kitty_painter import KittyPainter


def painted(part_pixels=(500, 1000)):
    return PaintedPicture(KittyPainter(part_pixels=part_pixels), KittyScreen(COLUMNS, LINES, CELL), text_destroys=False)


@settings(deadline=None, max_examples=extent(12, 40))
@given(st.lists(st.tuples(steps, budgets), max_size=8))
def test_after_any_changes_the_terminal_shows_the_picture(changes):
    picture = painted()
    for (name, *arguments), budget in changes:
        getattr(picture, name)(*arguments)
        picture.update(budget)
    picture.finish()
    picture.check()
    assert picture.screen.most_images == 1


def test_a_finished_picture_sends_nothing():
    picture = painted()
    picture.finish()
    assert picture.update(1000) == 0
    assert picture.painter.finished


@pytest.mark.parametrize("count", [1, -1, 3])
def test_a_scroll_sends_only_the_new_columns(count):
    picture = painted()
    whole = picture.finish()
    picture.scroll(count, seed=5)
    assert picture.finish() < whole * abs(count) / picture.shape[1] + 1000
    picture.check()


@pytest.mark.parametrize("hint", [1, 5, -7, 1000])
def test_a_wrong_hint_leaves_no_wrong_pixel(hint):
    picture = painted()
    picture.finish()
    picture.columns(20, 3, seed=4)
    picture.moved = hint
    picture.finish()
    picture.check()


def test_a_change_of_some_columns_sends_only_these():
    picture = painted()
    whole = picture.finish()
    picture.columns(20, 1, seed=4)
    assert picture.finish() < whole / 10
    picture.check()


def test_new_columns_come_before_the_remains_of_the_picture():
    picture = painted()
    while not picture.painter.finished and picture.update(1) and (picture.area[:, 30] == (1, 2, 3)).all():
        pass
    picture.scroll(1, seed=3)
    picture.update(1)
    assert (picture.area[:, -1] == picture.palette[picture.pixels[:, -1]]).all()


def test_each_part_has_its_turn_while_all_changes():
    picture = painted()
    before = None
    reached = np.zeros(picture.shape[1], bool)
    for seed in range(12):
        picture.noise(seed)
        picture.update(1)
        now = picture.area.astype(int)
        if before is not None:
            reached |= (now != before).any(axis=(0, 2))
        before = now
    assert reached.all()


def test_text_on_the_picture_costs_nothing():
    picture = painted()
    picture.finish()
    picture.overwrite(2, 1, 4, 2)
    assert picture.update(1000) == 0


def test_another_palette_with_the_same_colours_sends_nothing():
    picture = painted()
    picture.use_palette(2)
    picture.finish()
    picture.palette = PALETTES[2][::-1]
    picture.pixels = 63 - picture.pixels
    assert picture.finish() == 0
    picture.check()


def test_a_dialog_costs_few_bytes_and_none_of_the_picture():
    picture = painted()
    picture.finish()
    picture.cover(2, 1, 4, 2)
    assert picture.finish() < 500
    picture.check()
    picture.scroll(2, seed=1)
    picture.finish()
    picture.check()
    picture.uncover()
    assert picture.finish() < 500
    picture.check()
    assert len(picture.screen.placements) == 1


def test_removal_deletes_the_image():
    picture = painted()
    picture.finish()
    picture.screen.feed(picture.painter.remove())
    assert not picture.screen.images
    assert not picture.screen.placements
    assert picture.painter.remove() == ""


@pytest.mark.parametrize("size", [0, 1, 3072, 3073, 6144, 10_000])
def test_data_is_cut_into_chunks_of_the_protocol(size):
    data = np.random.default_rng(1).bytes(size)
    text = command("a=t,i=1", data)
    chunks = [part for part in text.split("\x1b\\") if part]
    assert len(chunks) == max(1, -(-size // 3072))
    assert all(len(chunk.partition(";")[2]) <= CHUNK_CHARACTERS for chunk in chunks)
    assert all("m=1" in chunk for chunk in chunks[:-1])


@pytest.mark.parametrize("colour_count", [1, 2, 3, 16, 17, 256])
def test_pictures_of_few_colours_keep_their_pixels(colour_count):
    picture = painted()
    picture.pixels = np.minimum(picture.pixels, colour_count - 1).astype(np.uint8)
    picture.finish()
    picture.check()


def test_a_picture_needs_fewer_bytes_than_its_compressed_colours():
    picture = painted((1 << 20, 1 << 20))
    colours = zlib.compress(picture.palette[picture.pixels].tobytes(), 9)
    assert picture.finish() < len(colours) * 4 / 3
