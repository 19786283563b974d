"""Painter of a picture with sixels.

Sixels cannot be moved: a scrolling picture is sent again as a whole, a sweeping one as strips. An image begins at the
top left of a cell. If a strip begins within a cell, the first columns of its image are transparent.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.pixel_differences import (
    NO_PART,
    Rectangle,
    ShownPixels,
    in_turn,
    pixels_of,
    runs,
    texts_within,
)
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelImage
from sunspec_tui.tui.terminal.sixel import BAND_PX, registers_of, sixel_image

# Each image defines its own colours; they must not recolour other images.
_PRIVATE_REGISTERS = "\x1b[?1070h"
_LONGEST_PX = 960
"""Largest height and width of an image; xterm refuses more than 1000 pixels by default."""
_TILE_COLUMNS = 10
_STRIP_COLUMNS = 2


class SixelPainter:
    """Painter that sends only pixels that differ.

    The picture must not touch the last line of the screen: some terminals would scroll. After a text of this painter,
    the position of the cursor is unknown.
    """

    def __init__(self) -> None:
        self._shown: ShownPixels | None = None
        self._last = NO_PART
        self.finished = False

    def update(
        self,
        image: PixelImage,
        budget: int,
        damaged: NDArray[np.bool_] | None = None,
        covered: NDArray[np.bool_] | None = None,
    ) -> str:
        """Return the next text to send; see `PixelPainter.update`."""
        begun, shown = self._begin(image)
        if damaged is not None:
            shown.damage(damaged, image.cell)
        mask = shown.differences(image.pixels)
        if covered is not None:
            mask &= ~pixels_of(covered, image.cell)
        parts = cell_parts(mask, image.cell)
        due = in_turn(parts, range(0), self._last)
        texts = texts_within(budget, due, lambda part: self._send(part, image, mask))
        for part in due[: len(texts)]:
            shown.sent(part, image.pixels)
        if covered is not None:
            # These pixels must be sent when the text is gone.
            shown.damage(covered, image.cell)
        self.finished = len(texts) == len(parts)
        return "".join([begun, *texts])

    def forget(self) -> None:
        """Note that the content of the terminal is unknown.

        All cells are then sent again, which removes the picture. Its old region may lie outside a smaller screen, where
        blanking it would erase text on the last line.
        """
        self._shown = None
        self.finished = False

    def remove(self) -> str:
        """Return the text that blanks the cells of the picture."""
        shown = self._shown
        self.forget()
        if shown is None:
            return ""
        left, top, right, bottom = shown.region
        return "\x1b[0m" + "".join(f"\x1b[{line + 1};{left + 1}H\x1b[{right - left}X" for line in range(top, bottom))

    def _begin(self, image: PixelImage) -> tuple[str, ShownPixels]:
        """Begin a picture; return the text for that, and shown pixels.

        The text is empty if the picture has the size and position of the last one.
        """
        if self._shown is not None and self._shown.continues(image):
            return "", self._shown
        self._last = NO_PART
        self._shown = ShownPixels(image)
        return _PRIVATE_REGISTERS, self._shown

    def _send(self, part: Rectangle, image: PixelImage, mask: NDArray[np.bool_]) -> str:
        self._last = (part.left, part.top)
        column = image.region.left + part.left // image.cell.width
        line = image.region.top + part.top // image.cell.height
        sixels = sixel_image(image.pixels[part.slices], mask[part.slices], registers_of(image.palette))
        return f"\x1b[{line + 1};{column + 1}H{sixels}"


def cell_parts(mask: NDArray[np.bool_], cell: CellSize) -> list[Rectangle]:
    """Return rectangles that begin at cells and cover the marked pixels.

    Narrow runs of columns become strips as high as the picture. Wide ones become tiles: colours repeat less often in a
    tile, and a part stays small.
    """
    parts: list[Rectangle] = []
    for left, right in runs(mask.any(axis=0)):
        start = left - left % cell.width
        narrow = right - start <= _STRIP_COLUMNS * cell.width
        size = _strip_size(cell) if narrow else _tile_size(cell)
        parts += _parts_of_run(mask, start, right, size)
    return parts


def _parts_of_run(mask: NDArray[np.bool_], start: int, end: int, size: tuple[int, int]) -> Iterator[Rectangle]:
    width, height = size
    for left in range(start, end, width):
        right = min(left + width, end)
        for top in range(0, mask.shape[0], height):
            lines = np.flatnonzero(mask[top : top + height, left:right].any(axis=1))
            if len(lines):
                yield Rectangle(left, top, right - left, int(lines[-1]) + 1)


def _strip_size(cell: CellSize) -> tuple[int, int]:
    """Return width and largest height of a strip."""
    return _whole_cells(_STRIP_COLUMNS * cell.width, cell.width), _whole_cells(_LONGEST_PX, cell.height)


def _tile_size(cell: CellSize) -> tuple[int, int]:
    """Return width and height of a tile.

    It is whole lines and, if possible, whole bands high.
    """
    height = int(np.lcm(cell.height, BAND_PX))
    return _whole_cells(_TILE_COLUMNS * cell.width, cell.width), _whole_cells(height, cell.height)


def _whole_cells(length_px: int, cell_px: int) -> int:
    """Return the largest allowed length of whole cells; at least one cell."""
    return max(1, min(length_px, _LONGEST_PX) // cell_px) * cell_px
