"""Picture in pixels among the cells of a canvas.

The cells of the picture have the code `PIXELS` in the canvas. Text, such as a dialog, may replace them at any time.
When the cells return, the picture must be complete again. So the layer tells the painter which cells text covers, and
in which cells text has overwritten the pixels.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import PIXELS, UNKNOWN, Canvas, Region
from sunspec_tui.tui.terminal.pixel_image import PixelImage, PixelPainter
from sunspec_tui.tui.terminal.placeholder_painter import PlaceholderPainter
from sunspec_tui.tui.terminal.placeholders import Placeholders

T = TypeVar("T")


class PixelLayer:
    """One picture in pixels, and its painter.

    A fault of the painter must not keep text from the terminal. It is kept, and the painter is used no more.

    Attributes
    ----------
    painter
        Painter of the terminal's protocol; None if the terminal shows no pixels.
    failure
        Exception of the painter; None if it works.
    sent_nbytes
        Size of all pixels that were sent so far.
    is_waiting
        True if a strip waits for the next columns.
    """

    strip_every_s = 0.7
    """Shortest time between strips that can wait."""

    def __init__(self) -> None:
        self.painter: PixelPainter | None = None
        self.failure: Exception | None = None
        self.sent_nbytes = 0
        self._image: PixelImage | None = None
        self._is_new = self._is_hidden = self._can_wait = self.is_waiting = False
        self._painted_s = -math.inf
        self._farewell = ""
        self._overwritten: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        self._last_covered: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)
        # Regions of the picture that the terminal shows, and of one that was removed.
        self._painted_region: Region | None = None
        self._left_region: Region | None = None

    # Picture

    def use(self, painter: PixelPainter | None) -> None:
        """Draw with another painter; remove the former one's picture."""
        self._remove()
        self.painter, self.failure = painter, None

    def _from_painter(self, call: Callable[[PixelPainter], T], otherwise: T) -> T:
        """Return the result of a call of the painter.

        Return `otherwise` without a painter that works.
        """
        if self.painter is None or self.failure is not None:
            return otherwise
        try:
            return call(self.painter)
        except Exception as error:  # noqa: BLE001 - whatever it is, the text must go on
            self.failure = error
            return otherwise

    def show(self, image: PixelImage | None, *, can_wait: bool = False) -> None:
        """Show another picture; None for none.

        If only a few columns differ, the picture can wait for the next ones, because a wide strip takes fewer bytes
        than two narrow ones.
        """
        if image is None:
            if self._image is not None:
                self._remove()
            return
        before = self._image
        if before is not None and self._is_new and before.pixels.shape == image.pixels.shape:
            # The painter has not drawn the previous picture, so both moves are added.
            image = replace(image, moved_left_px=image.moved_left_px + before.moved_left_px)
        self._can_wait = can_wait and (self._can_wait or not self._is_new)
        self._image, self._is_new, self.is_waiting = image, True, False

    def _remove(self) -> None:
        self._remove_painted()
        self._image, self._is_new, self._is_hidden, self.is_waiting = None, False, False, False

    def _remove_painted(self) -> None:
        """Remove the picture that the painter has drawn.

        It may be older than the present picture, in another region.
        """
        if self.painter is not None and self._painted_region is not None:
            self._farewell += self._from_painter(lambda painter: painter.remove(), "")
            self._left_region, self._painted_region = self._painted_region, None

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        self._from_painter(lambda painter: painter.forget(), None)

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
        if self._image is None or self._is_hidden or self.is_waiting:
            return True
        return self._from_painter(lambda painter: painter.finished and not self._is_new, True)

    def prepare(self, canvas: Canvas) -> str:
        """Prepare the canvas for an update; return the text before it."""
        text, self._farewell = self._farewell, ""
        if self._left_region is not None:
            # Removing a picture may erase the text on it.
            canvas.displayed.codes[_part(self._left_region)] = UNKNOWN
            self._left_region = None
        canvas.use_placeholders(self._from_painter(self._placeholders, None))
        return text

    def _placeholders(self, painter: PixelPainter) -> Placeholders | None:
        """Return the cells that stand for the picture, if any."""
        if isinstance(painter, PlaceholderPainter) and self._image is not None:
            return painter.placeholders(self._image)
        return None

    def must_follow(self, canvas: Canvas) -> bool:
        """Return True if text now covers other cells of the picture.

        Some terminals draw a picture over text. There, the text is visible only after the painter has removed pixels.
        """
        if self.painter is None or self._image is None or isinstance(self.painter, PlaceholderPainter):
            return False
        covered = self._covered(canvas)
        return covered.shape != self._last_covered.shape or bool((covered != self._last_covered).any())

    def _covered(self, canvas: Canvas) -> NDArray[np.bool_]:
        """Return the cells of the picture that show text."""
        assert self._image is not None  # noqa: S101 - for the type checker
        part = _part(self._image.region)
        return np.asarray((canvas.desired.codes[part] != PIXELS) | (canvas.displayed.codes[part] != PIXELS))

    def update(self, canvas: Canvas, budget: int, now_s: float) -> str:
        """Return the next text to send; empty if nothing differs.

        Call this after an update of the canvas.

        Parameters
        ----------
        canvas
            Cells of the terminal.
        budget
            Number of bytes after which no further part of the picture begins.
        now_s
            Present time.
        """
        if self.painter is None or self._image is None:
            canvas.written[:] = False
            return ""
        part, covered = _part(self._image.region), self._covered(canvas)
        self._note_written(canvas)
        # A picture reaches beyond the screen if its layout is older than a resize, or if the window is tiny.
        self._is_hidden = covered.size * self._image.cell.area != self._image.pixels.size
        if self._is_hidden:
            self._remove_painted()
            return ""
        damaged = self._overwritten[part] & ~covered
        is_early = now_s - self._painted_s < self.strip_every_s
        is_shown = self._from_painter(lambda painter: painter.finished, otherwise=False)
        self.is_waiting = (
            self._can_wait and is_early and is_shown and not damaged.any() and not self.must_follow(canvas)
        )
        if self.is_waiting:
            return ""
        self._painted_s = now_s
        self._overwritten[part] &= covered
        return self._paint(self._image, budget, damaged, covered)

    def _note_written(self, canvas: Canvas) -> None:
        """Note the cells on which text was written since the last update."""
        if self._overwritten.shape != canvas.written.shape:
            self._overwritten = np.zeros_like(canvas.written)
        self._overwritten |= canvas.written
        canvas.written[:] = False

    def _paint(self, image: PixelImage, budget: int, damaged: NDArray[np.bool_], covered: NDArray[np.bool_]) -> str:
        """Return the painter's next text."""
        given = damaged if damaged.any() else None, covered if covered.any() else None
        text = self._from_painter(lambda painter: painter.update(image, budget, *given), "")
        self.sent_nbytes += len(text)
        self._is_new, self._last_covered, self._painted_region = False, covered, image.region
        self._image = replace(image, moved_left_px=0)
        return text


def _part(region: Region) -> tuple[slice, slice]:
    """Return the index of a region in a grid."""
    return slice(region.top, region.bottom), slice(region.left, region.right)
