"""Characters and styles of the day strip's columns.

Each kind of column has its own character, so that it can be recognised without colours and in ASCII.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.levels import Floats, Levels
from sunspec_tui.tui.display.day_signs import SignKind
from sunspec_tui.tui.display.day_strip import ColumnState, DayColumns
from sunspec_tui.tui.display.pixels import colour_steps, dithered_steps
from sunspec_tui.tui.terminal.ansi_writer import StyleTable
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.waterfall_cells import OFFSET, CellTables, ColourSteps

SIGNS = {
    SignKind.GAP: "╳",
    SignKind.RESTART: "┃",
    SignKind.NOTE: "◆",
    SignKind.UNKNOWN_BURST: "?",
    SignKind.STORM: "Ⅰ",
    SignKind.TYPE_III: "Ⅲ",
    SignKind.TYPE_IV: "Ⅳ",
    SignKind.TYPE_II: "Ⅱ",
    SignKind.MARK_BEGIN: "[",
    SignKind.MARK_END: "]",
}
"""Characters of the signs."""

_STATE_CHARACTERS = {
    ColumnState.NO_VALUES: "░",
    ColumnState.GAP: "╳",
    ColumnState.NOT_LOADED: "~",
    ColumnState.BEFORE: " ",
}
# Without colours a value is a bar or, in ASCII, a character with more ink.
_BARS, _ASCII_RAMP = "▁▂▃▄▅▆▇█", "_-=+oO0@"
_COARSE = "▒"
_UNDERLINED = "4"


class StripStyles(NamedTuple):
    """Style numbers of cells without a value."""

    background: int
    axis: int
    gap: int


class StripCells(NamedTuple):
    """Codes and styles of the columns, shape (columns,)."""

    codes: NDArray[np.int32]
    styles: NDArray[np.int32]


def strip_cells(
    columns: DayColumns,
    levels: Levels,
    steps: ColourSteps,
    tables: CellTables,
    strip_styles: StripStyles,
    table: StyleTable,
    *,
    ascii_only: bool,
) -> StripCells:
    """Return the cells of the strip.

    Parameters
    ----------
    columns, levels
        Content of the strip, and limits of its colours.
    steps, tables
        Steps of the colours, and the cells of all pairs of them.
    strip_styles, table
        Styles of cells without a value, and the table of all styles.
    ascii_only
        True if the terminal shows only ASCII characters.
    """
    if steps.depth is Depth.NONE:
        cells = _cells_of_characters(columns, levels, strip_styles, _ASCII_RAMP if ascii_only else _BARS)
    else:
        cells = _cells_of_colours(columns, levels, steps, tables, strip_styles.axis, has_halves=not ascii_only)
    _change_coarse(columns, cells, table, has_halves=steps.depth is not Depth.NONE and not ascii_only)
    for state, character in _STATE_CHARACTERS.items():
        which = columns.states == state
        cells.codes[which] = ord(character)
        cells.styles[which] = strip_styles.gap if state is ColumnState.GAP else strip_styles.axis
    return cells


def _highest(excess_db: Floats) -> Floats:
    """Return the higher value of each column's bands."""
    return np.asarray(np.fmax.reduce(excess_db, axis=1), np.float32)


def _cells_of_characters(columns: DayColumns, levels: Levels, styles: StripStyles, ramp: str) -> StripCells:
    places = np.maximum(colour_steps(_highest(columns.excess_db), levels, len(ramp)), 0)
    codes = np.array([ord(each) for each in ramp], np.int32)[places]
    return StripCells(codes, np.full(len(codes), styles.background, np.int32))


def _cells_of_colours(
    columns: DayColumns,
    levels: Levels,
    steps: ColourSteps,
    tables: CellTables,
    quiet_style: int,
    *,
    has_halves: bool,
) -> StripCells:
    values = columns.excess_db if has_halves else _highest(columns.excess_db)[:, None]
    # A band without a value has the other band's; a column without any gets another character.
    values = np.where(np.isfinite(values), values, _highest(columns.excess_db)[:, None])
    if steps.places is None:
        found = colour_steps(values, levels, steps.number)
    else:
        found = dithered_steps(values, levels, steps.places, np.arange(len(values)))
    found = np.maximum(found, 0) + OFFSET
    lower, upper = found[:, 0], found[:, -1]
    cells = StripCells(tables.codes[upper, lower], tables.styles[upper, lower])
    if steps.depth is Depth.C16:
        # The lowest of 16 colours is the black of the background, so quiet columns get a line.
        is_quiet = (found == OFFSET).all(axis=1)
        cells.codes[is_quiet], cells.styles[is_quiet] = ord(_BARS[0]), quiet_style
    return cells


def _change_coarse(columns: DayColumns, cells: StripCells, table: StyleTable, *, has_halves: bool) -> None:
    """Show columns of longer blocks with a texture, or underlined."""
    for column in np.flatnonzero(columns.states == ColumnState.COARSE).tolist():
        style = table.known[int(cells.styles[column])]
        if has_halves:
            # Half blocks draw the upper band in the text's colour, full blocks in the background's.
            ground = style.background
            colour = style.foreground if cells.codes[column] != ord(" ") else ground.replace("48;", "38;", 1)
            cells.codes[column] = ord(_COARSE)
            cells.styles[column] = table.number(style._replace(foreground=colour, background="49"))
        else:
            cells.styles[column] = table.number(style._replace(attributes=_UNDERLINED))
