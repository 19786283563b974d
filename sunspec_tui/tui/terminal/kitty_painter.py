"""Painter of a picture with frames of kitty's graphics protocol.

One of two frames is visible. To scroll, the painter copies the visible frame into the other one, moved by some pixels,
edits the new columns there, and shows it. So it sends no visible pixel again.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.kitty_graphics import (
    ImagePart,
    add_frame,
    clear_png,
    delete_image,
    edit_frame,
    hide_part,
    indexed_png,
    shift_frame,
    show_frame,
    show_part,
    transmit_image,
)
from sunspec_tui.tui.terminal.pixel_differences import NO_PART, Rectangle, ShownPixels, in_turn, parts_of, texts_within
from sunspec_tui.tui.terminal.pixel_image import PixelImage
from sunspec_tui.tui.terminal.uncovered_cells import uncovered_areas

IMAGE_NUMBER = 0x53554E
"""Default number of the image; other programs in the same window hardly use it."""
PART_PIXELS = (4096, 32768)
"""Limits of a part's pixels; a pixel of noise needs about one byte."""


class KittyPainter:
    """Painter that edits, shifts and shows two frames of an image.

    The picture lies over text, because kitty draws backgrounds of cells wrongly over pictures below text. Cells with
    text do not show the picture. Text erases no pixels, so `update` ignores `damaged`.

    Parameters
    ----------
    image_number
        Number of the image in the terminal.
    part_pixels
        Smallest and largest value of the limit for a part's pixels; the budget decides between them.
    """

    def __init__(self, image_number: int = IMAGE_NUMBER, part_pixels: tuple[int, int] = PART_PIXELS) -> None:
        self._number = image_number
        self._part_pixels = part_pixels
        self._is_begun = False
        self._shown: ShownPixels | None = None
        self._frame = 1
        self._last = NO_PART
        # Rectangles of cells that are shown, from the top left of the picture.
        self._areas: list[Region] = []
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
        parts = parts_of(shown.differences(image.pixels), self._pixel_limit(budget))
        sent = texts_within(budget, in_turn(parts, urgent, self._last), lambda part: self._send(part, image, shown))
        self.finished = len(sent) == len(parts)
        last = show_frame(self._number, self._frame) if moved else ""
        return "".join([begun, moved, *sent, last])

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        self._shown = None
        self.finished = False

    def remove(self) -> str:
        """Return the text that removes the picture from the terminal."""
        is_begun, self._is_begun = self._is_begun, False
        self.forget()
        return delete_image(self._number) if is_begun else ""

    def _begin(self, image: PixelImage) -> tuple[str, ShownPixels]:
        """Begin a picture; return the text for that, and shown pixels.

        The text is empty if the picture has the size and position of the last one.
        """
        if self._shown is not None and self._shown.continues(image):
            return "", self._shown
        height, width = image.pixels.shape
        self._is_begun = True
        self._frame, self._last = 1, NO_PART
        self._areas = []
        self._shown = ShownPixels(image)
        start = [
            delete_image(self._number),
            transmit_image(self._number, clear_png(width, height)),
            add_frame(self._number, clear_png(1, 1)),
        ]
        return "".join(start), self._shown

    def _show_areas(self, image: PixelImage, covered: NDArray[np.bool_] | None) -> str:
        """Return the text that shows the picture around the text on it."""
        left, top, right, bottom = image.region
        areas = [Region(0, 0, right - left, bottom - top)] if covered is None else uncovered_areas(covered)
        if areas == self._areas:
            return ""
        width, height = image.cell
        texts = []
        for index, area in enumerate(areas):
            size = ((area.right - area.left) * width, (area.bottom - area.top) * height)
            part = ImagePart((left + area.left, top + area.top), 0, (area.left * width, area.top * height, *size))
            texts.append(show_part(self._number, index + 1, part))
        texts += [hide_part(self._number, index + 1) for index in range(len(areas), len(self._areas))]
        self._areas = areas
        return "".join(texts)

    def _move(self, image: PixelImage, shown: ShownPixels) -> tuple[str, range]:
        """Return the text that moves the picture, and the uncovered columns."""
        count = image.moved_left_px
        if not shown.move_saves(count, image.pixels):
            return "", range(0)
        height, width = image.pixels.shape
        target = 3 - self._frame
        text = shift_frame(self._number, self._frame, target, count, (width, height))
        shown.move_left(count)
        self._frame = target
        self._last = (self._last[0] - count, self._last[1])
        return text, range(width - count, width) if count > 0 else range(-count)

    def _send(self, part: Rectangle, image: PixelImage, shown: ShownPixels) -> str:
        png = indexed_png(image.pixels[part.slices], image.palette)
        shown.sent(part, image.pixels)
        self._last = (part.left, part.top)
        return edit_frame(self._number, self._frame, part.left, part.top, png)

    def _pixel_limit(self, budget: int) -> int:
        smallest, largest = self._part_pixels
        return min(max(budget, smallest), largest)
