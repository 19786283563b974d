"""Waterfall widget with time on X and frequency on Y.

A cell of blocks has two pixels. The widget draws only its scene; it uses no receiver, no ring and no clock.
"""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len
from textual import events
from textual.geometry import Region as WidgetRegion

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.levels import level_label, without_warnings
from sunspec_tui.tui.display.axes import FrequencyWindow, nice_step
from sunspec_tui.tui.display.axis_labels import time_labels
from sunspec_tui.tui.display.note_marks import note_marks, note_signs
from sunspec_tui.tui.messages import CellPointed, WheelTurned
from sunspec_tui.tui.terminal.canvas import PIXELS, Grid, Region
from sunspec_tui.tui.terminal.cell_widget import CellWidget
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.burst_brackets import BracketStyle, BurstBrackets, CellArea, draw_ruler
from sunspec_tui.tui.widgets.picture_notice import notice_that_fits
from sunspec_tui.tui.widgets.waterfall_cells import OFFSET, CellTables, CodeStyles, cell_tables
from sunspec_tui.tui.widgets.waterfall_pixels import PixelScene, SignColours, WaterfallPixels, pixel_palette
from sunspec_tui.tui.widgets.waterfall_scene import WaterfallScene

AXIS_WIDTH = 6
BAR_WIDTH = 8
# A narrower picture has no colour bar; a still narrower one has no axis either.
_MIN_WITH_BAR, _MIN_WITH_AXIS = 18, 10


class Waterfall(CellWidget):
    """Widget of one product's power against time and frequency."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "waterfall--axis", "waterfall--empty", "waterfall--gap", "waterfall--restart", "waterfall--cursor",
        "waterfall--write", "waterfall--notice", "waterfall--note", "waterfall--burst",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._scene: WaterfallScene | None = None
        self._newest: tuple[int, int, bool] | None = None
        self._frame: tuple[object, Grid] | None = None
        self._tables: tuple[object, CellTables] | None = None
        self._pixels: WaterfallPixels | None = None
        self._signs: tuple[int, SignColours] | None = None
        self._brackets = BurstBrackets()

    # Size and content

    @property
    def columns(self) -> int:
        """Number of columns of cells, at least one."""
        return max(1, self.content_size.width - self._left - self._right)

    @property
    def _left(self) -> int:
        """Width of the frequency axis in cells."""
        return AXIS_WIDTH if self.content_size.width >= _MIN_WITH_AXIS else 0

    @property
    def _right(self) -> int:
        """Width of the colour bar in cells."""
        return BAR_WIDTH if self.content_size.width >= _MIN_WITH_BAR else 0

    @property
    def lines(self) -> int:
        """Lines of cells above the time axis, at least one."""
        return max(1, self.content_size.height - 1)

    @property
    def cells_region(self) -> WidgetRegion:
        """Region of the picture's cells, without axes and colour bar."""
        x, y, width, height = self.content_region
        right = width - self._right
        return WidgetRegion(x + self._left, y, max(0, right - self._left), max(0, height - 1))

    @property
    def pixels_per_line(self) -> int:
        """Height of a line in pixels.

        In blocks it is two if a cell can show two colours, else one.
        """
        if self.app.pixel_cell is not None:
            return self.app.pixel_cell.height
        return 1 if self.app.ascii_only or self.app.depth is Depth.NONE else 2

    @property
    def cell_px(self) -> int:
        """Width of a cell in pixels; 1 in blocks."""
        return 1 if self.app.pixel_cell is None else self.app.pixel_cell.width

    def show(self, scene: WaterfallScene | None) -> None:
        """Show another scene; None if there are no rows."""
        self._scene = scene
        self._hint_shift()
        self.repaint()
        self._show_pixels()

    def _show_pixels(self) -> None:
        """Show the picture in pixels, if the terminal has them."""
        scene, cell = self._scene, self.app.pixel_cell
        if scene is None or cell is None or not self.is_on_screen or not self._fits(scene):
            self._pixels = None
            self.app.pixel_layer.show(None)
            return
        if self._pixels is None:
            self._pixels = WaterfallPixels()
        x, y, _, _ = self.content_region
        region = Region(x + self._left, y, x + self._left + self.columns, y + self.lines)
        brackets = self._brackets.marks(scene, self.lines)
        shown = PixelScene(scene.picture, scene.axis, scene.band, scene.cursor, brackets)
        palette = pixel_palette(scene.palette, self._sign_colours, signed=scene.signed, is_grey=scene.is_grey)
        image = self._pixels.image(shown, region, cell, palette)
        self.app.pixel_layer.show(image, can_wait=self._pixels.has_only_new_columns)

    @property
    def _sign_colours(self) -> SignColours:
        """Colours of pixels that show no value, cached."""
        if self._signs is None or self._signs[0] != self.style_version:
            parts = ("waterfall--gap", "waterfall--restart", "waterfall--write")
            signs = SignColours(self.background_colors[1].rgb, *map(self._rgb, parts))
            self._signs = self.style_version, signs
        return self._signs[1]

    def _rgb(self, component: str) -> tuple[int, int, int]:
        """Return the text colour of a component class."""
        colour = self.get_component_rich_style(component).color
        red, green, blue = (255, 255, 255) if colour is None or colour.is_default else colour.get_truecolor()
        return red, green, blue

    def _fits(self, scene: WaterfallScene) -> bool:
        """Return True if a scene has the present size and kind."""
        size = scene.picture.values.shape[1], scene.axis.columns, scene.axis.grid.cell_px
        has_rows = scene.picture.store.newest is not None
        return has_rows and size == (self.lines * self.pixels_per_line, self.columns, self.cell_px)

    def _hint_shift(self) -> None:
        """Tell the canvas that the picture has moved left."""
        scene, before = self._scene, self._newest
        if scene is None:
            return
        axis = scene.axis
        self._newest = (axis.newest, axis.columns, axis.sweeping)
        if self.app.pixel_cell is not None or before is None or axis.sweeping or before[1:] != (axis.columns, False):
            return
        by = axis.newest - before[0]
        if 0 < by < axis.columns:
            x, y, _, height = self.content_region
            region = Region(x + self._left, y, x + self._left + axis.columns, y + height)
            self.app.canvas.moved_left(region, by)

    def on_hide(self) -> None:
        """Remove the picture in pixels."""
        self.app.pixel_layer.show(None)

    # Cells

    @without_warnings()
    def build(self, grid: Grid) -> None:
        """Draw labels, cells, colour bar and time axis."""
        scene = self._scene
        if scene is None or scene.axis.columns != self.columns or scene.picture.store.newest is None:
            left = max(0, (grid.columns - 11) // 2)
            grid.write(left, grid.lines // 2, "no rows yet", self.component_style("waterfall--empty"))
            return
        axis_style = self.component_style("waterfall--axis")
        frame = self._frame_for(grid, scene, axis_style)
        grid.codes[:], grid.styles[:] = frame.codes, frame.styles
        self._draw_cells(grid, scene)
        self._draw_bursts(grid, scene)
        grid.write(
            self._left, 0, notice_that_fits(scene.notice, self.columns), self.component_style("waterfall--notice")
        )
        self._draw_times(grid, scene, axis_style)
        self._draw_marks(grid, scene)
        if scene.cursor is not None:
            self._draw_cursor(grid, scene, *scene.cursor)

    def _frame_for(self, grid: Grid, scene: WaterfallScene, style: int) -> Grid:
        """Return the frequency axis and the colour bar, cached.

        They rarely change from row to row.
        """
        key = (grid.columns, grid.lines, scene.band, scene.picture.levels, scene.unit, self._key(scene))
        if self._frame is None or self._frame[0] != key:
            frame = Grid(grid.codes.copy(), grid.styles.copy())
            draw_frequencies(frame, self._left, self.lines, scene.band, style)
            self._draw_bar(frame, scene, style)
            self._frame = (key, frame)
        return self._frame[1]

    def _key(self, scene: WaterfallScene) -> tuple[object, ...]:
        return (scene.colour_steps, self.style_version)

    def _draw_cells(self, grid: Grid, scene: WaterfallScene) -> None:
        if self.app.pixel_cell is not None:
            grid.codes[0 : self.lines, self._left : self._left + self.columns] = PIXELS
            return
        scale = scene.colour_steps
        steps = scene.picture.steps(scene.axis, scale.number, scale.places) + OFFSET
        each = self.pixels_per_line
        if steps.shape[1] != each * self.lines:
            return
        self._put_steps(grid, scene, steps, self._left)

    def _put_steps(self, grid: Grid, scene: WaterfallScene, steps: NDArray[np.int16], left: int) -> None:
        """Write the cells of steps, plus `OFFSET`, of shape (columns, pixels)."""
        codes, styles = self._tables_for(scene)
        each = self.pixels_per_line
        lower = steps[:, 0::each].T[::-1]
        upper = steps[:, each - 1 :: each].T[::-1]
        cells = (slice(0, self.lines), slice(left, left + len(steps)))
        grid.codes[cells] = codes[upper, lower]
        grid.styles[cells] = styles[upper, lower]

    def _tables_for(self, scene: WaterfallScene) -> CellTables:
        """Return the characters and styles of all pairs of steps, cached."""
        key = self._key(scene)
        if self._tables is None or self._tables[0] != key:
            parts = ("waterfall--gap", "waterfall--restart", "waterfall--write")
            code_styles = CodeStyles(self.background_style, *map(self.component_style, parts))
            number = self.app.canvas.styles.number
            self._tables = key, cell_tables(scene.colour_steps, code_styles, number, ascii_only=self.app.ascii_only)
        return self._tables[1]

    def _draw_bar(self, grid: Grid, scene: WaterfallScene, style: int) -> None:
        """Draw the colour bar, with the levels at its ends."""
        if not self._right:
            return
        left, each = self._left + self.columns, self.pixels_per_line
        steps = scene.colour_steps.of_scale(2, each * self.lines)
        self._put_steps(grid, scene, steps + OFFSET, left + 1)
        levels = scene.picture.levels
        if levels is not None:
            grid.write(left + 3, 0, _beside_bar(level_label(levels.high, levels.span)), style)
            grid.write(left + 3, self.lines - 1, _beside_bar(level_label(levels.low, levels.span)), style)
        if self.lines > 2:
            for i, text in enumerate(bar_unit(scene.unit, is_linear=scene.signed)):
                grid.write(left + 3, self.lines // 2 + i, _beside_bar(text), style)

    def _draw_times(self, grid: Grid, scene: WaterfallScene, style: int) -> None:
        """Draw the time axis: round UTC times under their columns.

        If not all labels fit, the newest ones are drawn.
        """
        if self._left:
            grid.write(2, self.lines, "UTC", style)
        under_cursor = scene.cursor and scene.axis.cell_of(scene.cursor[0])
        times_s, cells = scene.cell_columns()
        notes = note_signs(note_marks(scene.notes, times_s, cells), self.columns, under_cursor)
        signs = [*notes, *scene.mark_cells(), *([] if under_cursor is None else [(under_cursor, "▲")])]
        for cell in scene.coarse_cells():
            grid.write(self._left + cell, self.lines, "┄", style)
        for cell in scene.cells_with_missing_rows():
            grid.write(self._left + cell, self.lines, "╳", self.component_style("waterfall--gap"))
        for start, text in time_labels(times_s, cells, self.columns, signs):
            grid.write(self._left + start, self.lines, text, style)
        for start, text in reversed(notes):
            narrow = "".join(each if cell_len(each) == 1 else "?" for each in text)
            grid.write(self._left + start, self.lines, narrow, self.component_style("waterfall--note"))

    def _draw_bursts(self, grid: Grid, scene: WaterfallScene) -> None:
        app, number = self.app, self.component_style("waterfall--burst")
        light, in_pixels = not app.current_theme.dark, app.pixel_cell is not None
        style = BracketStyle(number, app.canvas.styles, app.depth, light, app.ascii_only, in_pixels)
        self._brackets.draw(grid, scene, CellArea(self._left, self.columns, self.lines), style)

    def _draw_marks(self, grid: Grid, scene: WaterfallScene) -> None:
        for cell, sign in scene.mark_cells():
            grid.write(self._left + cell, self.lines, sign, self.component_style("waterfall--cursor"))
        area = CellArea(self._left, self.columns, self.lines)
        draw_ruler(grid, scene, area, self.component_style("waterfall--cursor"))

    def _draw_cursor(self, grid: Grid, scene: WaterfallScene, number: int, bin_number: int) -> None:
        style = self.component_style("waterfall--cursor")
        cell = scene.axis.cell_of(number)
        each = self.pixels_per_line
        pixel = scene.band.pixel_of_bin(bin_number, each * self.lines)
        line = None if pixel is None else pixel // each
        if line is not None:
            grid.write(self._left - 1, self.lines - 1 - line, "▶", style)
        if cell is not None:
            grid.write(self._left + cell, self.lines, "▲", style)
        if cell is not None and line is not None and self.app.pixel_cell is None:
            # The heavy arm of the cross points to the pixel whose value is shown.
            cross = "┼" if pixel is None or each == 1 else "╁╀"[pixel % each]
            grid.write(self._left + cell, self.lines - 1 - line, cross, style)

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Point at a cell."""
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the cursor."""
        if event.button:
            self._point(event)

    def _point(self, event: events.MouseEvent) -> None:
        scene = self._scene
        cell, line = event.x - self._left, self.lines - 1 - event.y
        if scene is None or not 0 <= line < self.lines:
            return
        number = scene.axis.number_at(cell)
        if number is not None:
            # The mouse reports only cells. Take the middle pixel of the cell; of two, the upper one.
            each = self.pixels_per_line
            self.post_message(CellPointed(number, scene.band.bin_of_pixel(each * line + each // 2, each * self.lines)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back in time; with ctrl, zoom in."""
        self.post_message(WheelTurned(1, zoom=event.ctrl))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go forward in time; with ctrl, zoom out."""
        self.post_message(WheelTurned(-1, zoom=event.ctrl))


def draw_frequencies(grid: Grid, left: int, lines: int, band: FrequencyWindow, style: int) -> None:
    """Draw the frequency axis: round MHz beside their lines.

    Nothing is drawn if the axis has no cells at the left.
    """
    if not left:
        return
    for y in range(lines):
        grid.write(left - 1, y, "│", style)
    step = nice_step(band.high_mhz - band.low_mhz, max(2, lines // 2))
    value = math.ceil(band.low_mhz / step - 1e-9) * step
    while (cell := band.cell_of(value, lines)) is not None:
        text = f"{value:.6g}"
        grid.write(left - 1 - len(text), lines - 1 - cell, f"{text}┤", style)
        value += step


def bar_unit(unit: str, *, is_linear: bool) -> tuple[str, ...]:
    """Return the unit beside the colour bar, in short lines."""
    if is_linear:
        return ("lin",) if unit == ARBITRARY else (unit,)
    return ("dB",) if unit == ARBITRARY else ("dB", f"({unit})")


def _beside_bar(text: str) -> str:
    """Return a label with a blank before it, if it fits."""
    return f" {text}" if len(text) < BAR_WIDTH - 3 else text
