"""Write Textual's screen updates to a canvas.

This module uses private parts of Textual: the updates of its compositor. tests/tui/test_painting.py fails when one of
them changes.
"""

import re

import numpy as np
from rich.cells import cell_len
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.strip import Strip

from sunspec_tui.tui.terminal.canvas import CONTINUED, PIXELS, PIXELS_TEXT, Canvas, code_points
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.legible import legible
from sunspec_tui.tui.terminal.rich_styles import ascii_text, cell_style, rich_style

# Wide characters on a page of code points that the canvas treats as narrow, because the pictures use this page.
_WIDE_ON_NARROW_PAGE = "\u25fd\u25fe"
_PIXELS_OR_TEXT = re.compile(f"{PIXELS_TEXT}+|[^{PIXELS_TEXT}]+")
Codes = np.ndarray[tuple[int], np.dtype[np.int32]]
# Variation selectors, which change the width of a character in some terminals.
_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))


class UpdateWriter:
    """Writer of Textual's screen updates to a canvas.

    Parameters
    ----------
    canvas
        Canvas that the cells are written to.
    depth
        Colours of the terminal.
    ascii_only
        True if the terminal has only ASCII characters.
    """

    def __init__(self, canvas: Canvas, depth: Depth, *, ascii_only: bool) -> None:
        self.canvas = canvas
        self.depth = depth
        self._ascii_only = ascii_only
        self._style_numbers: dict[Style | None, int] = {None: 0}
        self._rich_styles: dict[int, Style] = {}

    def write(self, update: object) -> bool:
        """Write an update; return False if its type is unknown."""
        if isinstance(update, LayoutUpdate):
            self._write_layout(update)
        elif isinstance(update, ChopsUpdate):
            self._write_chops(update)
        else:
            return False
        return True

    def _write_layout(self, update: LayoutUpdate) -> None:
        """Write an update that draws a rectangle of the screen."""
        for y, strips in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in strips:
                if strip is not None:
                    x = self._write_strip(x, y, strip)

    def _write_chops(self, update: ChopsUpdate) -> None:
        # Outside its spans, an update contains the widgets behind the updated widgets: skip these parts.
        for y, left, right in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is not None and x < right and end > left:
                    self._write_strip(x, y, strip if end <= right else strip.crop(0, right - x))

    def _write_strip(self, x: int, y: int, strip: Strip) -> int:
        """Write a strip to the canvas; return the column after its end."""
        desired = self.canvas.desired
        for text, style, control in strip:
            if control or not text:
                continue
            codes = self._codes(text)
            if 0 <= y < desired.lines and x < desired.columns:
                room = desired.columns - x
                desired.codes[y, x : x + len(codes)] = codes[:room]
                desired.styles[y, x : x + len(codes)] = self.style_number(style)
            x += len(codes)
        return x

    def _codes(self, text: str) -> Codes:
        """Return one code for each cell; a wide character takes two cells."""
        if text.isascii() and text.isprintable():
            return code_points(text)
        if PIXELS_TEXT in text:
            return np.concatenate([self._codes_of_part(part) for part in _PIXELS_OR_TEXT.findall(text)])
        if self._ascii_only:
            text = ascii_text(text)
        if cell_len(text) == len(text) and all(map(cell_len, set(text))):
            return code_points(text)
        codes: list[int] = []
        for each in text:
            width = cell_len(each)
            if width == 0:
                # Keep a combining mark with its letter; drop invisible characters, which may control the terminal.
                if codes and codes[-1] != CONTINUED and each.isprintable() and each not in _SELECTORS:
                    codes[-1] = self.canvas.cluster(self.canvas.text_of(codes[-1]) + each)
            elif (width > 1 and each in _WIDE_ON_NARROW_PAGE) or not each.isprintable():
                codes += [ord("?")] * width
            else:
                codes += [ord(each)] + [CONTINUED] * (width - 1)
        return np.array(codes, np.int32)

    def _codes_of_part(self, part: str) -> Codes:
        return np.full(len(part), PIXELS, np.int32) if part[0] == PIXELS_TEXT else self._codes(part)

    # Styles

    def change_depth(self, depth: Depth) -> None:
        """Use other colours for all styles from now on."""
        self.depth = depth
        self._style_numbers = {None: 0}

    def style_number(self, style: Style | None) -> int:
        """Return the number of the cell style for a Rich style."""
        number = self._style_numbers.get(style)
        if number is None:
            assert style is not None  # noqa: S101 - None has its number from the start
            number = self._style_numbers[style] = self.canvas.styles.number(cell_style(style, self.depth))
        return number

    def legible_style_number(self, style: Style | None, *, light: bool) -> int:
        """Return the number of a Rich style, with legible text.

        `light` is True on a terminal whose default ground is light.
        """
        exact = self.canvas.styles.known[self.style_number(style)]
        return self.canvas.styles.number(exact if self.depth is Depth.NONE else legible(exact, light=light))

    def rich_style_of(self, number: int) -> Style:
        """Return a Rich style for a style number, for Textual's own drawing."""
        style = self._rich_styles.get(number)
        if style is None:
            style = self._rich_styles[number] = rich_style(self.canvas.styles.known[number])
        return style
