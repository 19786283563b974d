"""A painter under test, its terminal, and its picture."""

import numpy as np
from hypothesis import strategies as st
from pixel_terminals import GROUND

from sunspec_tui.core.colormaps import colours
from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelImage

COLUMNS, LINES = 20, 8
CELL = CellSize(5, 9)
PALETTES = [colours("viridis"), colours("inferno"), colours("gray", 64), colours("viridis", 100)]
REGIONS = [Region(3, 2, 15, 7), Region(0, 0, 6, 2), Region(9, 1, 20, 7)]

seeds = st.integers(0, 1 << 30)
budgets = st.sampled_from([1, 500, 1500, 1 << 20])
steps = st.one_of(
    st.tuples(st.just("scroll"), st.integers(-70, 70), seeds, st.booleans()),
    st.tuples(st.just("columns"), st.integers(0, 29), st.integers(1, 20), seeds),
    st.tuples(st.just("noise"), seeds),
    st.tuples(st.just("use_palette"), st.integers(0, len(PALETTES) - 1)),
    st.tuples(st.just("overwrite"), st.integers(0, 5), st.integers(0, 1), st.integers(1, 9), st.integers(1, 4)),
    st.tuples(st.just("cover"), st.integers(0, 5), st.integers(0, 1), st.integers(1, 9), st.integers(1, 4)),
    st.tuples(st.just("uncover")),
    st.tuples(st.just("lose")),
    st.tuples(st.just("use_region"), st.integers(0, len(REGIONS) - 1)),
)
"""Changes of a picture, as the name of a method of `PaintedPicture` and its arguments."""


class PaintedPicture:
    """A painter under test, its terminal, and its picture.

    Parameters
    ----------
    painter, screen
        The painter, and the terminal in memory that reads its text.
    text_destroys
        True if text on a cell erases its pixels.
    """

    def __init__(self, painter, screen, *, text_destroys):
        self.painter, self.screen, self.text_destroys = painter, screen, text_destroys
        self.region, self.cell, self.palette = REGIONS[0], CELL, PALETTES[0]
        self.moved = 0
        self.damaged = self.covered = None
        self.noise(0)

    @property
    def shape(self):
        left, top, right, bottom = self.region
        return (bottom - top) * self.cell.height, (right - left) * self.cell.width

    def random(self, shape, seed):
        return np.random.default_rng(seed).integers(0, len(self.palette), shape).astype(np.uint8)

    def noise(self, seed):
        self.pixels = self.random(self.shape, seed)

    def scroll(self, count, seed, told=True):
        """Move the picture left, or right if negative; draw the rest."""
        width = self.shape[1]
        count = max(-width, min(width, count))
        moved = self.random(self.shape, seed)
        kept = slice(max(0, count), width + min(0, count))
        moved[:, max(0, -count) : width - max(0, count)] = self.pixels[:, kept]
        self.pixels = moved
        self.moved = count if told else 0

    def columns(self, left, width, seed):
        self.pixels = self.pixels.copy()
        part = self.pixels[:, left : left + width]
        part[:] = self.random(part.shape, seed)

    def use_palette(self, number):
        self.palette = PALETTES[number]
        self.pixels = np.minimum(self.pixels, len(self.palette) - 1).astype(np.uint8)

    def cover(self, left, top, width, height):
        """Open a dialog on cells."""
        covered = self.covered
        self.overwrite(left, top, width, height)
        self.covered = self.damaged if covered is None else covered | self.damaged

    def uncover(self):
        """Close all dialogs."""
        self.damaged, self.covered = self.covered, None

    def overwrite(self, left, top, width, height):
        """Write text over cells."""
        _, _, right, bottom = self.region
        cells = np.zeros((bottom - self.region.top, right - self.region.left), bool)
        cells[top : top + height, left : left + width] = True
        if self.text_destroys:
            mask = np.repeat(np.repeat(cells, self.cell.height, 0), self.cell.width, 1)
            self.area[mask] = GROUND
        self.damaged = cells

    def lose(self):
        """Clear the screen."""
        self.clear()
        self.painter.forget()

    def use_region(self, number):
        if REGIONS[number] != self.region:
            self.region, self.covered = REGIONS[number], None
            self.clear()
        self.noise(number)

    def clear(self):
        if self.text_destroys:
            self.screen.pixels[:] = GROUND

    def update(self, budget):
        """Send the next text; return its length."""
        image = PixelImage(self.region, self.cell, self.pixels, self.palette, self.moved)
        text = self.painter.update(image, budget, self.damaged, self.covered)
        self.moved, self.damaged = 0, None
        self.screen.feed(text)
        if hasattr(self.screen, "show_cells"):
            self.screen.show_cells(self.painter.placeholders(image), self.covered)
        self.check_outside()
        return len(text)

    def finish(self, budget=1 << 20):
        """Send until the terminal shows the whole picture; return the bytes."""
        count = 0
        for _ in range(1000):
            count += self.update(budget)
            if self.painter.finished:
                return count
        raise AssertionError("the painter does not finish")

    @property
    def area_slices(self):
        left, top, right, bottom = self.region
        width, height = self.cell
        return slice(top * height, bottom * height), slice(left * width, right * width)

    @property
    def area(self):
        """Pixels of the screen in the picture's region."""
        return self.screen.pixels[self.area_slices]

    def check(self, tolerance=0):
        """Fail unless the screen shows the picture, within a tolerance."""
        off = np.abs(self.area.astype(int) - self.palette[self.pixels].astype(int))
        if self.covered is not None:
            mask = np.repeat(np.repeat(self.covered, self.cell.height, 0), self.cell.width, 1)
            assert (self.area[mask] == GROUND).all(), "pixels on text"
            off[mask] = 0
        assert off.max() <= tolerance

    def check_outside(self):
        outside = self.screen.pixels.copy()
        outside[self.area_slices] = GROUND
        assert (outside == GROUND).all(), "pixels outside the picture's region"
