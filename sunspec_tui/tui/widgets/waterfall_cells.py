"""Characters and styles of the waterfall's cells.

A cell has two pixels. Each pair of pixel values has one character and one style.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.colormaps import DIVERGING
from sunspec_tui.core.levels import Levels
from sunspec_tui.tui.display.pixels import colour_steps, dithered_steps
from sunspec_tui.tui.display.waterfall_image import PixelCode
from sunspec_tui.tui.terminal.ansi_writer import CellStyle
from sunspec_tui.tui.terminal.colours import Colour, Depth, ansi_colour, true_colour
from sunspec_tui.tui.widgets.terminal_palette import TerminalPalette, terminal_palette

OFFSET = -min(PixelCode)
"""Index of colour step 0 in the tables. The pixel codes are negative and come before it."""

_HALF, _GAP, _RESTART, _NO_DATA, _WRITE, _NOT_LOADED = (ord(character) for character in "▀╳┃░▕~")
_NO_DATA_COLOURS = {
    Depth.TRUE: true_colour(96, 96, 104),
    Depth.C256: Colour("38;5;241", "48;5;241"),
    Depth.C16: ansi_colour(8),
    Depth.NONE: Colour("39", "49"),
}
# In a grey picture grey means a value, so missing values have another colour.
_NO_DATA_IN_GREY = {
    **_NO_DATA_COLOURS,
    Depth.TRUE: true_colour(88, 80, 136),
    Depth.C256: Colour("38;5;60", "48;5;60"),
    Depth.C16: ansi_colour(4),
}
# Without colours a value is a character. In usual fonts, each character has more ink than the one before it. Negative
# values use the first characters of the signed ramp.
_RAMP = " .:;+cnXO@"
_SIGNED_RAMP = "@o=- +xXM"


GREY = "gray"
"""Colour map of a picture that is not live."""


class ColourSteps(NamedTuple):
    """Steps of colours, or of characters on a terminal without colours.

    They go from the lowest to the highest value.

    Attributes
    ----------
    palette, depth, steps
        Name of the colour map, the terminal's colour depth, largest number of colours.
    signed
        True if the middle of the colour map is zero.
    is_grey
        True if the picture has lost its colours, because it is not live.
    dithered
        True to dither values between two steps, if the terminal has few colours.
    """

    palette: str
    depth: Depth
    steps: int
    signed: bool
    is_grey: bool = False
    dithered: bool = False

    @property
    def ramp(self) -> str:
        """Characters of the steps on a terminal without colours."""
        return _SIGNED_RAMP if self.signed else _RAMP

    @property
    def colours(self) -> tuple[Colour, ...]:
        """Colours of the steps on a terminal with colours."""
        return self._in_colours.colours

    @property
    def places(self) -> tuple[float, ...] | None:
        """Steps of evenly spaced values; None if all steps are equally wide."""
        return None if self.depth is Depth.NONE else self._in_colours.places

    @property
    def no_data_colour(self) -> Colour:
        """Colour of pixels without a valid value; it differs from all steps."""
        has_grey_steps = self.is_grey or (self.palette == GREY and not self.signed)
        usual = (_NO_DATA_IN_GREY if has_grey_steps else _NO_DATA_COLOURS)[self.depth]
        return ansi_colour(5) if self.depth is Depth.C16 and usual in self.colours else usual

    @property
    def number(self) -> int:
        """Number of steps."""
        return len(self.ramp if self.depth is Depth.NONE else self.colours)

    @property
    def _in_colours(self) -> TerminalPalette:
        coloured = DIVERGING if self.signed else self.palette
        return terminal_palette(GREY if self.is_grey else coloured, self.depth, self.steps, dithered=self.dithered)

    def of_scale(self, columns: int, pixels: int) -> NDArray[np.int16]:
        """Return the steps of a colour bar, shape (columns, pixels), lowest first."""
        values = np.tile(np.linspace(0, 1, pixels, dtype=np.float32), (columns, 1))
        if self.places is None:
            return colour_steps(values, Levels(0, 1), self.number)
        return dithered_steps(values, Levels(0, 1), self.places, np.arange(columns))


class CodeStyles(NamedTuple):
    """Style numbers of an empty cell and of the pixel codes."""

    background: int
    gap: int
    restart: int
    write: int


class CellTables(NamedTuple):
    """Characters and styles, indexed by upper and lower step, both plus `OFFSET`."""

    codes: NDArray[np.int32]
    styles: NDArray[np.int32]


def cell_tables(
    steps: ColourSteps, code_styles: CodeStyles, style_number: Callable[[CellStyle], int], *, ascii_only: bool
) -> CellTables:
    """Make the tables.

    Parameters
    ----------
    steps
        Steps of the picture.
    code_styles
        Style numbers of cells without a value.
    style_number
        Returns the number of a style.
    ascii_only
        True if the terminal shows only ASCII characters.

    Returns
    -------
    CellTables
        Characters and styles.
    """
    size = steps.number + OFFSET
    tables = CellTables(np.full((size, size), _HALF, np.int32), np.full((size, size), code_styles.background, np.int32))
    if steps.depth is Depth.NONE:
        for step, character in enumerate(steps.ramp):
            tables.codes[step + OFFSET, step + OFFSET] = ord(character)
    else:
        _fill_colours(tables, steps, style_number)
    _fill_codes(tables, code_styles)
    if steps.depth is Depth.NONE or ascii_only:
        at = PixelCode.NO_DATA + OFFSET
        tables.codes[at, at] = ord("?")
    return tables


def _fill_colours(tables: CellTables, steps: ColourSteps, style_number: Callable[[CellStyle], int]) -> None:
    codes, styles = tables
    shown = {PixelCode.NO_DATA + OFFSET: steps.no_data_colour}
    shown |= {step + OFFSET: colour for step, colour in enumerate(steps.colours)}
    for upper, above in shown.items():
        for lower, below in shown.items():
            styles[upper, lower] = style_number(CellStyle(above.foreground, below.background))
        codes[upper, upper] = ord(" ")
        styles[upper, upper] = style_number(CellStyle("39", above.background))
    at = PixelCode.NO_DATA + OFFSET
    codes[at, at] = _NO_DATA
    styles[at, at] = style_number(CellStyle(shown[at].foreground, "49" if steps.depth is Depth.C16 else "48;5;234"))


def _fill_codes(tables: CellTables, code_styles: CodeStyles) -> None:
    """Fill the cells of columns without a value.

    Such a column has the same code from top to bottom, so only equal pairs occur.
    """
    for pixel_code, character, style in (
        (PixelCode.GAP, _GAP, code_styles.gap),
        (PixelCode.RESTART, _RESTART, code_styles.restart),
        (PixelCode.BEFORE, ord(" "), code_styles.background),
        (PixelCode.WRITE_CURSOR, _WRITE, code_styles.write),
        (PixelCode.NOT_LOADED, _NOT_LOADED, code_styles.gap),
    ):
        at = pixel_code + OFFSET
        tables.codes[at, at], tables.styles[at, at] = character, style
