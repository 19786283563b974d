"""Draw brackets around bursts, and the ruler's first point."""

from functools import lru_cache
from typing import NamedTuple

from sunspec_tui.tui.display.burst_marks import BurstMark, bracket_cells
from sunspec_tui.tui.terminal.ansi_writer import CellStyle, StyleTable
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.legible import legible
from sunspec_tui.tui.widgets.waterfall_scene import WaterfallScene

RULER_SIGN = "◇"


class CellArea(NamedTuple):
    """Cells of the picture in the widget's grid."""

    left: int
    columns: int
    lines: int


class BracketStyle(NamedTuple):
    """How brackets are drawn.

    Attributes
    ----------
    number, table
        Style of the labels, and the table of all styles.
    depth, light
        The terminal's colour depth, and True if its ground is light.
    ascii_only, in_pixels
        True for characters of ASCII only, and for a picture in pixels, where the corners are pixels too.
    """

    number: int
    table: StyleTable
    depth: Depth
    light: bool = False
    ascii_only: bool = False
    in_pixels: bool = False

    def over(self, style_number: int) -> int:
        """Return a corner's style, which keeps the cell's colour."""
        if self.depth is Depth.NONE:
            return self.number
        style, cell = self.table.known[self.number], self.table.known[style_number]
        return self.table.number(_legible_over(style, cell.background, light=self.light))


@lru_cache(maxsize=1024)
def _legible_over(style: CellStyle, background: str, *, light: bool) -> CellStyle:
    return legible(style._replace(background=background), light=light)


class BurstBrackets:
    """Brackets of the newest scene, computed once."""

    def __init__(self) -> None:
        self._marks: tuple[WaterfallScene, int, tuple[BurstMark, ...]] | None = None

    def marks(self, scene: WaterfallScene, lines: int) -> tuple[BurstMark, ...]:
        """Return the brackets of a scene, cached."""
        if self._marks is None or self._marks[0] is not scene or self._marks[1] != lines:
            self._marks = scene, lines, tuple(scene.burst_marks(lines))
        return self._marks[2]

    def draw(self, grid: Grid, scene: WaterfallScene, area: CellArea, style: BracketStyle) -> None:
        """Write corners, then labels."""
        has_corners = not style.in_pixels
        cells = [
            bracket_cells(mark, area.columns, area.lines, ascii_only=style.ascii_only, has_corners=has_corners)
            for mark in self.marks(scene, area.lines)
        ]
        for each in (cell for found in cells for cell in found[:-1]):
            x = area.left + each.cell
            grid.write(x, each.line, each.text, style.over(int(grid.styles[each.line, x])))
        for label in (found[-1] for found in cells):
            grid.write(area.left + label.cell, label.line, label.text, style.number)


def draw_ruler(grid: Grid, scene: WaterfallScene, area: CellArea, style: int) -> None:
    """Write the ruler's first point in the picture and below it."""
    found = scene.ruler_cell(area.lines)
    if found is not None:
        cell, line = found
        for y in (line, area.lines):
            grid.write(area.left + cell, y, RULER_SIGN, style)
