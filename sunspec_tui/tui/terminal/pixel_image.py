"""Picture in pixels, and the protocol of its painters."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import Region


class CellSize(NamedTuple):
    """Size of a terminal's cell in pixels."""

    width: int
    height: int

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class PixelImage:
    """Picture in pixels that fills a region of cells.

    Attributes
    ----------
    region
        Cells of the picture on the screen.
    cell
        Size of a cell.
    pixels
        Numbers of colours, uint8, shape (height, width) in pixels; the first line is the top.
    palette
        Colours as RGB, uint8, shape (n, 3) with n up to 256.
    moved_left_px
        Hint: the content has moved left by this number of pixels since the last image. A wrong hint costs bytes, but
        leaves no wrong pixel.
    """

    region: Region
    cell: CellSize
    pixels: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    moved_left_px: int = 0


class PixelPainter(Protocol):
    """Painter of one picture on a terminal by one protocol.

    It remembers the pixels that the terminal shows and sends only differences.
    """

    def update(
        self,
        image: PixelImage,
        budget: int,
        damaged: NDArray[np.bool_] | None = None,
        covered: NDArray[np.bool_] | None = None,
    ) -> str:
        """Return the next text to send; empty if nothing differs.

        The text leaves the cursor at an unknown position.

        Parameters
        ----------
        image
            Picture that the terminal should show.
        budget
            Number of bytes after which no further part begins; at least one part is sent.
        damaged
            Cells of the picture whose pixels text has overwritten, shape (lines, columns); None for none.
        covered
            Cells with text now, such as that of a dialog, the same shape; None for none. They show no pixels.
        """
        ...

    @property
    def finished(self) -> bool:
        """True if the terminal shows the whole last image."""
        ...

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        ...

    def remove(self) -> str:
        """Return the text that removes the picture from the terminal."""
        ...
