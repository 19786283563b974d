"""Painter of strips, for kitty's protocol without frames.

Each strip is an image as high as the picture. A scroll shows the strips at their new columns; new strips lie over old
ones. An image without a visible column is deleted. If there are too many strips, some are replaced by one.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.kitty_graphics import (
    ImagePart,
    delete_image,
    hide_part,
    indexed_png,
    show_part,
    transmit_image,
)
from sunspec_tui.tui.terminal.pixel_differences import NO_PART, Rectangle, ShownPixels, in_turn, runs, texts_within
from sunspec_tui.tui.terminal.pixel_image import PixelImage
from sunspec_tui.tui.terminal.uncovered_cells import uncovered_areas

FIRST_NUMBER = 53_000
"""Default number of the first image."""
STRIP_LIMIT = 40
"""Largest number of strips; a scroll sends about 80 bytes for each."""
PART_PIXELS = (4096, 65536)
"""Limits of a part's pixels, which is at least `_JOINED_PX` wide; a pixel of noise needs about one byte."""
_JOINED_PX = 32
# Joined columns may still contain the ends of two wide strips and one narrow strip.
_UNJOINED = 3


class StripPainter:
    """Painter that shows strips and moves them.

    Cells with text do not show the picture. Text erases no pixels, so `update` ignores `damaged`.

    Parameters
    ----------
    first_number
        Number of the first image in the terminal.
    part_pixels
        Smallest and largest value of the limit for a part's pixels; the budget decides between them.
    """

    def __init__(self, first_number: int = FIRST_NUMBER, part_pixels: tuple[int, int] = PART_PIXELS) -> None:
        self._next = self._first = first_number
        self._part_pixels = part_pixels
        self._shown: ShownPixels | None = None
        # Left column of each strip's image, which may lie outside the picture, by the number of the image.
        self._lefts: dict[int, int] = {}
        # Number of the image that each column shows; 0 for none.
        self._owners: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        # Rectangles of cells that are shown, from the top left of the picture.
        self._areas: list[Region] = []
        # Numbers of the images and of the areas in which they are shown.
        self._placements: set[tuple[int, int]] = set()
        self._last = NO_PART
        self.finished = False

    def update(
        self,
        image: PixelImage,
        budget: int,
        damaged: NDArray[np.bool_] | None = None,  # noqa: ARG002
        covered: NDArray[np.bool_] | None = None,
    ) -> str:
        """Return the next text to send; see `PixelPainter.update`."""
        begun, shown = self._begin(image)
        begun += self._show_areas(image, covered)
        moved, urgent = self._move(image, shown)
        self._join(image, shown)
        parts = self._parts(shown.differences(image.pixels), budget)
        sent = texts_within(budget, in_turn(parts, urgent, self._last), lambda part: self._send(part, image, shown))
        self.finished = len(sent) == len(parts)
        return "".join([begun, moved, *sent, self._delete_hidden()])

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        self._shown = None
        self.finished = False

    def remove(self) -> str:
        """Return the text that removes the picture from the terminal."""
        self.forget()
        self._owners[:] = 0
        return self._delete_hidden()

    def _begin(self, image: PixelImage) -> tuple[str, ShownPixels]:
        """Begin a picture; return the text for that, and shown pixels.

        The text is empty if the picture has the size and position of the last one.
        """
        if self._shown is not None and self._shown.continues(image):
            return "", self._shown
        removed = self.remove()
        self._last = NO_PART
        self._owners = np.zeros(image.pixels.shape[1], dtype=np.intp)
        self._areas = []
        self._shown = ShownPixels(image)
        return removed, self._shown

    def _show_areas(self, image: PixelImage, covered: NDArray[np.bool_] | None) -> str:
        """Return the text that shows the strips around the text on them."""
        left, top, right, bottom = image.region
        areas = [Region(0, 0, right - left, bottom - top)] if covered is None else uncovered_areas(covered)
        if areas == self._areas:
            return ""
        self._areas = areas
        gone = sorted(placement for placement in self._placements if placement[1] > len(areas))
        self._placements.difference_update(gone)
        hidden = "".join(hide_part(*placement) for placement in gone)
        return hidden + "".join(self._show(number, image) for number in self._lefts)

    def _move(self, image: PixelImage, shown: ShownPixels) -> tuple[str, range]:
        """Return the text that moves all strips, and the uncovered columns."""
        count = image.moved_left_px
        if not shown.move_saves(count, image.pixels):
            return "", range(0)
        width = image.pixels.shape[1]
        shown.move_left(count)
        self._owners = np.roll(self._owners, -count)
        uncovered = range(width - count, width) if count > 0 else range(-count)
        self._owners[uncovered.start : uncovered.stop] = 0
        self._lefts = {number: left - count for number, left in self._lefts.items()}
        self._last = (self._last[0] - count, self._last[1])
        hidden = self._delete_hidden()
        return hidden + "".join(self._show(number, image) for number in self._lefts), uncovered

    def _join(self, image: PixelImage, shown: ShownPixels) -> None:
        """Join strips if there are too many.

        The columns with the most strips are sent again, as one strip.
        """
        if len(self._lefts) < STRIP_LIMIT:
            return
        width = len(self._owners)
        counts = [len(np.unique(self._owners[left : left + _JOINED_PX])) for left in range(0, width, _JOINED_PX)]
        if max(counts) <= _UNJOINED:
            return
        left = int(np.argmax(counts)) * _JOINED_PX
        shown.lose(Rectangle(left, 0, min(_JOINED_PX, width - left), image.pixels.shape[0]))

    def _parts(self, mask: NDArray[np.bool_], budget: int) -> list[Rectangle]:
        smallest, largest = self._part_pixels
        height = mask.shape[0]
        width = max(_JOINED_PX, min(max(budget, smallest), largest) // height)
        return [
            Rectangle(start, 0, min(width, right - start), height)
            for left, right in runs(mask.any(axis=0))
            for start in range(left, right, width)
        ]

    def _send(self, part: Rectangle, image: PixelImage, shown: ShownPixels) -> str:
        number, self._next = self._next, self._next + 1
        self._last = (part.left, part.top)
        self._lefts[number] = part.left
        self._owners[part.left : part.left + part.width] = number
        shown.sent(part, image.pixels)
        png = indexed_png(image.pixels[part.slices], image.palette)
        return transmit_image(number, png) + self._show(number, image)

    def _show(self, number: int, image: PixelImage) -> str:
        """Return the text that shows a strip's visible columns."""
        visible = np.flatnonzero(self._owners == number)
        first, end = int(visible[0]), int(visible[-1]) + 1
        return "".join(
            self._show_in_area(number, index + 1, area, (first, end), image) for index, area in enumerate(self._areas)
        )

    def _show_in_area(self, number: int, index: int, area: Region, columns: tuple[int, int], image: PixelImage) -> str:
        """Return the text that shows or hides columns in one area."""
        width, height = image.cell
        first, end = max(columns[0], area.left * width), min(columns[1], area.right * width)
        if first >= end:
            shown = (number, index) in self._placements
            self._placements.discard((number, index))
            return hide_part(number, index) if shown else ""
        self._placements.add((number, index))
        column, offset = divmod(first, width)
        source = (first - self._lefts[number], area.top * height, end - first, (area.bottom - area.top) * height)
        cell = (image.region.left + column, image.region.top + area.top)
        # Newer strips lie over older ones.
        return show_part(number, index, ImagePart(cell, offset, source, number - self._first + 1))

    def _delete_hidden(self) -> str:
        hidden = self._lefts.keys() - set(self._owners.tolist())
        for number in hidden:
            del self._lefts[number]
        self._placements = {placement for placement in self._placements if placement[0] not in hidden}
        return "".join(delete_image(number) for number in sorted(hidden))
