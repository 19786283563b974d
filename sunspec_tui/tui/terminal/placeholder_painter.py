"""Painter of a picture inside tmux, with placeholders of kitty's graphics protocol.

Images beside each other form the picture; each is as high as the picture and one or a few cells wide. The canvas writes
the cells that show them. Only pixels are sent here, and tmux passes them on to its terminal.

tmux may lose a command without a report. So a picture is never moved: a lost command cannot displace it. When the edits
go on in another image, the image that was edited before is sent whole. This repairs it if an edit was lost.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.kitty_graphics import command, delete_image, edit_frame, indexed_png, transmit_image
from sunspec_tui.tui.terminal.pixel_differences import NO_PART, Rectangle, ShownPixels, in_turn, runs
from sunspec_tui.tui.terminal.pixel_image import CellSize, PixelImage
from sunspec_tui.tui.terminal.placeholders import TILE_LIMIT, Placeholders, image_number
from sunspec_tui.tui.terminal.tmux_passthrough import passed_on

TILE_PIXELS = 8192
"""Pixels of an image that is wider than one cell; a pixel of noise needs about one byte."""
_ROOT_FRAME = 1


class PlaceholderPainter:
    """Painter that sends and edits the images of placeholders.

    Text over the picture needs no work: tmux writes it over the cells, and the canvas restores them.

    Parameters
    ----------
    highest
        Highest byte of the images' numbers; see `pane_number`.
    tile_pixels
        Pixels of an image that is wider than one cell.

    Attributes
    ----------
    farewell
        Text that removes all images that may be in the terminal.
    """

    def __init__(self, highest: int, tile_pixels: int = TILE_PIXELS) -> None:
        self._highest = highest
        self._tile_pixels = tile_pixels
        self._geometry: tuple[CellSize, tuple[int, ...]] | None = None
        self._shown: ShownPixels | None = None
        self._sent_tiles: set[int] = set()
        # Images that were edited since they were last sent whole.
        self._edited_tiles: set[int] = set()
        self._tile_count = 0
        self.farewell = ""
        self._last = NO_PART
        self.finished = False

    # Cells

    def placeholders(self, image: PixelImage) -> Placeholders:
        """Return the cells that show the picture."""
        left, top, right, bottom = image.region
        return Placeholders(left, top, right, bottom, self._tile_columns(image), self._highest)

    def _tile_columns(self, image: PixelImage) -> int:
        """Return the width of an image in cells.

        It limits the number of images.
        """
        left, _, right, _ = image.region
        fitting = self._tile_pixels // (int(image.pixels.shape[0]) * image.cell.width)
        return max(1, fitting, -(-(right - left) // TILE_LIMIT))

    # Pixels

    def update(
        self,
        image: PixelImage,
        budget: int,
        damaged: NDArray[np.bool_] | None = None,  # noqa: ARG002
        covered: NDArray[np.bool_] | None = None,  # noqa: ARG002
    ) -> str:
        """Return the next text to send; see `PixelPainter.update`.

        With a budget of 0 it sends no pixels.
        """
        begun, shown = self._begin(image)
        mask = shown.differences(image.pixels)
        parts = self._parts(mask, image)
        texts = [begun]
        sent = 0
        for part in in_turn(parts, range(0), self._last):
            if sent >= budget:
                break
            texts.append(self._send(part, image, shown))
            sent += len(texts[-1])
        self.finished = len(texts) - 1 == len(parts)
        if self.finished and parts:
            texts.append(self._repair(parts, image, shown))
        return "".join(texts)

    def forget(self) -> None:
        """Note that the content of the terminal is unknown."""
        self._shown = None
        self.finished = False

    def remove(self) -> str:
        """Return the text that removes the images from the terminal."""
        self.forget()
        self._geometry = None
        text, self.farewell, self._tile_count = self.farewell, "", 0
        return text

    def _begin(self, image: PixelImage) -> tuple[str, ShownPixels]:
        """Begin a picture; return the text for that, and shown pixels.

        The text removes images of another size.
        """
        geometry = (image.cell, image.pixels.shape)
        if self._shown is not None and geometry == self._geometry:
            self._shown.use_palette(image.palette)
            return "", self._shown
        removed = self.remove() if geometry != self._geometry else ""
        self._geometry = geometry
        self._last = NO_PART
        self._sent_tiles, self._edited_tiles = set(), set()
        self._shown = ShownPixels(image)
        return removed, self._shown

    def _tile(self, tile: int, image: PixelImage) -> Rectangle:
        """Return the rectangle of one image."""
        height, width = image.pixels.shape
        tile_px = self._tile_columns(image) * image.cell.width
        return Rectangle(tile * tile_px, 0, min(tile_px, width - tile * tile_px), height)

    def _parts(self, mask: NDArray[np.bool_], image: PixelImage) -> list[Rectangle]:
        """Return a rectangle, strip or whole, for each differing image."""
        tile_px = self._tile_columns(image) * image.cell.width
        parts = []
        for tile in sorted(set((np.flatnonzero(mask.any(axis=0)) // tile_px).tolist())):
            whole = self._tile(tile, image)
            columns = runs(mask[whole.slices].any(axis=0))
            left, right = columns[0][0], columns[-1][1]
            is_strip = tile in self._sent_tiles and 2 * (right - left) <= whole.width
            parts.append(Rectangle(whole.left + left, 0, right - left, whole.height) if is_strip else whole)
        return parts

    def _send(self, part: Rectangle, image: PixelImage, shown: ShownPixels) -> str:
        tile = part.left // (self._tile_columns(image) * image.cell.width)
        whole = self._tile(tile, image)
        number = image_number(self._highest, tile)
        png = indexed_png(image.pixels[part.slices], image.palette)
        shown.sent(part, image.pixels)
        self._last = (part.left, part.top)
        if part != whole:
            self._edited_tiles.add(tile)
            return passed_on(edit_frame(number, _ROOT_FRAME, part.left - whole.left, part.top, png))
        self._edited_tiles.discard(tile)
        self._sent_tiles.add(tile)
        for new in range(self._tile_count, tile + 1):
            self.farewell += passed_on(delete_image(image_number(self._highest, new)))
        self._tile_count = max(self._tile_count, tile + 1)
        size = f"c={whole.width // image.cell.width},r={whole.height // image.cell.height}"
        return passed_on(transmit_image(number, png) + command(f"a=p,U=1,i={number},{size}"))

    def _repair(self, parts: list[Rectangle], image: PixelImage, shown: ShownPixels) -> str:
        """Return the text that sends an edited image whole.

        The text is empty if no image was edited before those of `parts`.
        """
        tile_px = self._tile_columns(image) * image.cell.width
        idle = self._edited_tiles - {part.left // tile_px for part in parts}
        return self._send(self._tile(min(idle), image), image, shown) if idle else ""
