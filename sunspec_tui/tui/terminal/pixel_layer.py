"""Picture in pixels among the cells of a canvas.

The cells of the picture have the code `PIXELS` in the canvas. Other text may take their place at any time, a dialog for
example; the picture is then complete again when its cells come back. The layer tells the painter which cells show
their pixels, and which pixels text has overwritten.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import PIXELS, UNKNOWN, Canvas, Region
from sunspec_tui.tui.terminal.pixel_image import PixelImage, PixelPainter

_OPAQUE_FOREGROUND, _OPAQUE_BACKGROUND = "97", "40"


class PixelLayer:
    """One picture in pixels, and its painter.

    Attributes
    ----------
    painter
        Painter of the terminal's protocol; None if the terminal shows no pixels.
    """

    def __init__(self) -> None:
        self.painter: PixelPainter | None = None
        self._image: PixelImage | None = None
        self._is_new = self._is_hidden = False
        self._farewell = ""
        self._overwritten: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._opaque_styles: dict[int, int] = {}
        self._left_region: Region | None = None

    # Picture

    def use(self, painter: PixelPainter | None) -> None:
        """Draw with another painter from now on; remove the picture of the former one."""
        self._remove()
        self.painter, self._opaque_styles = painter, {}

    def show(self, image: PixelImage | None) -> None:
        """Show another picture; None for none."""
        if image is None:
            if self._image is not None:
                self._remove()
            return
        before = self._image
        if before is not None and self._is_new and before.pixels.shape == image.pixels.shape:
            # The painter has not seen the picture before, so the move counts from the one before that.
            image = replace(image, moved_left_px=image.moved_left_px + before.moved_left_px)
        self._image, self._is_new = image, True

    def _remove(self) -> None:
        if self.painter is not None and self._image is not None:
            if self.painter.lies_below_text:
                self._farewell += self.painter.remove()
            else:
                # Writing its cells again removes the picture, and keeps the text that covers it.
                self.painter.forget()
                self._left_region = self._image.region
        self._image, self._is_new, self._is_hidden = None, False, False

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        if self.painter is not None:
            self.painter.forget()

    @property
    def removal(self) -> str:
        """Text that removes the picture when the program leaves the terminal."""
        return "" if self.painter is None else self.painter.removal

    @property
    def region(self) -> Region | None:
        """Cells of the picture; None without a picture."""
        return None if self._image is None else self._image.region

    # Updates

    @property
    def finished(self) -> bool:
        """True if nothing is left to send."""
        if self._farewell or self._left_region is not None:
            return False
        if self.painter is None or self._image is None or self._is_hidden:
            return True
        return self.painter.finished and not self._is_new

    def prepare(self, canvas: Canvas) -> str:
        """Prepare the canvas for its next update; return the text to send before that."""
        text, self._farewell = self._farewell, ""
        if self._left_region is not None:
            canvas.displayed.codes[_part(self._left_region)] = UNKNOWN
            self._left_region = None
        self._make_opaque(canvas)
        return text

    def _make_opaque(self, canvas: Canvas) -> None:
        """Make the text over a picture opaque.

        A cell without a background of its own would show the picture that lies below it.
        """
        if self._image is None or self.painter is None or not self.painter.lies_below_text:
            return
        part = _part(self._image.region)
        codes, styles = canvas.desired.codes[part], canvas.desired.styles[part]
        covered = codes != PIXELS
        for number in np.unique(styles[covered]).tolist():
            opaque = self._opaque_style(number, canvas)
            if opaque != number:
                styles[covered & (styles == number)] = opaque

    def _opaque_style(self, number: int, canvas: Canvas) -> int:
        if number not in self._opaque_styles:
            style = canvas.styles.known[number]
            if style.background == "49":
                foreground = _OPAQUE_FOREGROUND if style.foreground == "39" else style.foreground
                style = style._replace(background=_OPAQUE_BACKGROUND, foreground=foreground)
            self._opaque_styles[number] = canvas.styles.number(style)
        return self._opaque_styles[number]

    def update(self, canvas: Canvas, budget: int) -> str:
        """Return the next text to send; empty if nothing differs.

        Call this after an update of the canvas.

        Parameters
        ----------
        canvas
            Cells of the terminal.
        budget
            Number of bytes after which no further part of the picture begins.
        """
        if self.painter is None or self._image is None:
            canvas.written[:] = False
            return ""
        if self._overwritten.shape != canvas.written.shape:
            self._overwritten = np.zeros_like(canvas.written)
        self._overwritten |= canvas.written
        canvas.written[:] = False
        part = _part(self._image.region)
        shown = (canvas.desired.codes[part] == PIXELS) & (canvas.displayed.codes[part] == PIXELS)
        # A picture that reaches beyond the screen belongs to the layout before a resize.
        self._is_hidden = not shown.any() or shown.size * self._image.cell.area != self._image.pixels.size
        if self._is_hidden:
            return ""
        damaged = self._overwritten[part] & shown
        self._overwritten[part] &= ~shown
        image = replace(self._image, covered=None if shown.all() else ~shown)
        text = self.painter.update(image, budget, damaged if damaged.any() else None)
        self._is_new = False
        self._image = replace(self._image, moved_left_px=0)
        return text


def _part(region: Region) -> tuple[slice, slice]:
    """Return the index of a region in a grid."""
    return slice(region.top, region.bottom), slice(region.left, region.right)
