"""Differences between the shown and the wanted pixels."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.pixel_image import PixelImage

NO_PART = (-1, -1)
"""Left and top of the last part, if none was sent."""


class Rectangle(NamedTuple):
    """Rectangle of pixels, from its top left."""

    left: int
    top: int
    width: int
    height: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the rectangle in an array of lines."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


class ShownPixels:
    """Pixels that a terminal shows, as far as they are known.

    At first, all are unknown.

    Parameters
    ----------
    image
        First picture; it decides size and position.

    Attributes
    ----------
    region
        Cells of the pixels.
    palette
        Colours of the pixels.
    """

    def __init__(self, image: PixelImage) -> None:
        shape: tuple[int, ...] = image.pixels.shape
        self._pixels = np.zeros(shape, dtype=np.uint8)
        self._unknown: NDArray[np.bool_] | None = np.ones(shape, dtype=bool)
        self.region, self._cell = image.region, image.cell
        self.palette = image.palette

    def continues(self, image: PixelImage) -> bool:
        """Follow a picture of this size and position.

        Return False for another size or position.
        """
        if (image.region, image.cell, image.pixels.shape) != (self.region, self._cell, self._pixels.shape):
            return False
        self.use_palette(image.palette)
        return True

    def use_palette(self, palette: NDArray[np.uint8]) -> None:
        """Convert the shown pixels to the numbers of another palette.

        Pixels become unknown if the other palette lacks their colour.
        """
        if palette is self.palette or np.array_equal(palette, self.palette):
            return
        numbers = {tuple(colour): number for number, colour in enumerate(palette.tolist())}
        found = [numbers.get(tuple(colour), -1) for colour in self.palette.tolist()]
        table = np.full(256, -1, dtype=np.int16)
        table[: len(found)] = found
        translated = table[self._pixels]
        self._mark_unknown(translated < 0)
        self._pixels = np.maximum(translated, 0).astype(np.uint8)
        self.palette = palette

    def differences(self, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return where the terminal does not show these pixels."""
        mask: NDArray[np.bool_] = self._pixels != pixels
        return mask if self._unknown is None else mask | self._unknown

    def move_left(self, count: int) -> None:
        """Move the pixels left, or right if negative.

        The uncovered ones are unknown.
        """
        target, source, uncovered = _moved(self._pixels.shape[1], count)
        for plane in (self._pixels, self._unknown):
            if plane is not None:
                plane[:, target] = plane[:, source].copy()
        unknown = np.zeros(self._pixels.shape, dtype=bool)
        unknown[:, uncovered] = True
        self._mark_unknown(unknown)

    def move_saves(self, count: int, pixels: NDArray[np.uint8]) -> bool:
        """Return True if fewer pixels would differ after `move_left`."""
        width = pixels.shape[1]
        if not 0 < abs(count) < width:
            return False
        target, source, _ = _moved(width, count)
        still = int(np.count_nonzero(self._pixels[:, source] != pixels[:, target]))
        moved: int = still + abs(count) * pixels.shape[0]
        return moved < int(np.count_nonzero(self._pixels != pixels))

    def damage(self, cells: NDArray[np.bool_], cell: tuple[int, int]) -> None:
        """Note that the pixels of cells are unknown.

        The size of a cell is (width, height).
        """
        if cells.any():
            self._mark_unknown(pixels_of(cells, cell))

    def lose(self, part: Rectangle) -> None:
        """Note that the pixels of a part are unknown."""
        mask = np.zeros(self._pixels.shape, dtype=bool)
        mask[part.slices] = True
        self._mark_unknown(mask)

    def sent(self, part: Rectangle, pixels: NDArray[np.uint8]) -> None:
        """Note that the terminal shows a part of these pixels."""
        self._pixels[part.slices] = pixels[part.slices]
        if self._unknown is not None:
            self._unknown[part.slices] = False
            if not self._unknown.any():
                self._unknown = None

    def _mark_unknown(self, mask: NDArray[np.bool_]) -> None:
        self._unknown = mask if self._unknown is None else self._unknown | mask


def pixels_of(cells: NDArray[np.bool_], cell: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels of marked cells.

    The size of a cell is (width, height).
    """
    width, height = cell
    pixels: NDArray[np.bool_] = np.repeat(np.repeat(cells, height, axis=0), width, axis=1)
    return pixels


def _moved(width: int, count: int) -> tuple[slice, slice, slice]:
    """Return target, source and uncovered columns of a move to the left."""
    if count >= 0:
        return slice(0, width - count), slice(count, width), slice(width - count, width)
    return slice(-count, width), slice(0, width + count), slice(0, -count)


def parts_of(mask: NDArray[np.bool_], pixel_limit: int) -> list[Rectangle]:
    """Return rectangles that cover the marked pixels, from left to right.

    Parameters
    ----------
    mask
        Marked pixels.
    pixel_limit
        Largest number of pixels of a rectangle; one column may have more.
    """
    return [part for left, right in runs(mask.any(axis=0)) for part in _parts_of_run(mask, left, right, pixel_limit)]


def runs(marked: Any) -> list[tuple[int, int]]:
    """Return start and end of each run of True."""
    edges = np.flatnonzero(np.diff(marked, prepend=False, append=False)).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _parts_of_run(mask: NDArray[np.bool_], left: int, right: int, pixel_limit: int) -> Iterator[Rectangle]:
    lines = np.flatnonzero(mask[:, left:right].any(axis=1))
    top, height = int(lines[0]), int(lines[-1] - lines[0]) + 1
    width = max(1, pixel_limit // height)
    for start in range(left, right, width):
        yield Rectangle(start, top, min(width, right - start), height)


def in_turn(parts: list[Rectangle], urgent_columns: range, last: tuple[int, int]) -> list[Rectangle]:
    """Return parts in the order in which they are sent.

    Urgent columns come first. The others follow in order, beginning after the last part that was sent. So each part has
    its turn, even if all parts change all the time.

    Parameters
    ----------
    parts
        Parts that differ.
    urgent_columns
        Columns that come first.
    last
        Left and top of the last part that was sent.
    """

    def order(part: Rectangle) -> tuple[bool, bool, int, int]:
        urgent = part.left < urgent_columns.stop and part.left + part.width > urgent_columns.start
        return not urgent, (part.left, part.top) <= last, part.left, part.top

    return sorted(parts, key=order)


def texts_within(budget: int, parts: Iterable[Rectangle], text_of: Callable[[Rectangle], str]) -> list[str]:
    """Return the texts of the first parts, at least of one.

    Parameters
    ----------
    budget
        Number of characters after which no further part begins.
    parts
        Parts in the order in which they are sent.
    text_of
        Function that returns the text that sends a part.
    """
    texts: list[str] = []
    nbytes = 0
    for part in parts:
        if texts and nbytes >= budget:
            break
        texts.append(text_of(part))
        nbytes += len(texts[-1])
    return texts
