"""Widget of the day strip: bursts, gaps, restarts and the shown columns.

It has one line, or a second one with the time scale. The widget draws only its scene. Its cells change once or twice a
minute, and when the picture moves.
"""

from dataclasses import dataclass
from typing import ClassVar

from textual import events

from sunspec_tui.tui.display.axis_labels import labels
from sunspec_tui.tui.display.day_loader import DayContent
from sunspec_tui.tui.display.day_signs import Sign, SignKind, signs_at_columns
from sunspec_tui.tui.display.day_window import DAY_S, DayWindow, clock_text, hour_labels
from sunspec_tui.tui.messages import TimePointed, WheelTurned
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.cell_widget import CellWidget
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.widgets.day_strip_cells import SIGNS, StripStyles, strip_cells
from sunspec_tui.tui.widgets.waterfall import AXIS_WIDTH, BAR_WIDTH
from sunspec_tui.tui.widgets.waterfall_cells import CellTables, CodeStyles, ColourSteps, cell_tables

# Each value is one of a few levels, so that a small change sends nothing.
_COLOUR_STEPS = 16
_SIGN_STYLES = {SignKind.GAP: "day--gap", SignKind.RESTART: "day--restart"}


@dataclass(frozen=True, slots=True)
class DayScene:
    """Data and settings that the strip shows.

    Attributes
    ----------
    content
        Columns, restarts and gaps. It is the same object as before if nothing has changed.
    shown
        First and last column of the picture; None if it lies outside the strip.
    signs
        Further signs: marks of the observer, notes, events.
    palette, depth
        Name of the colour map, the terminal's colour depth.
    """

    content: DayContent
    shown: tuple[int, int] | None
    signs: tuple[Sign, ...]
    palette: str
    depth: Depth

    def same_as(self, other: "DayScene | None") -> bool:
        """Return True if another scene looks the same."""
        return (
            other is not None
            and self.content is other.content
            and (self.shown, self.signs, self.palette, self.depth)
            == (other.shown, other.signs, other.palette, other.depth)
        )

    @property
    def window(self) -> DayWindow:
        """Times of the columns."""
        return self.content.columns.window


class DayStrip(CellWidget):
    """Widget of one day in two bands."""

    # The canvas sends its few cells as text, before the pictures.
    is_picture = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"day--axis", "day--gap", "day--restart", "day--sign", "day--shown"}

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._scene: DayScene | None = None
        self._tables: tuple[object, CellTables] | None = None
        self._pointed: int | None = None

    @property
    def columns(self) -> int:
        """Number of columns; they are above those of the waterfall."""
        return max(0, self.content_size.width - AXIS_WIDTH - BAR_WIDTH)

    def show(self, scene: DayScene | None) -> None:
        """Show another scene; None if no rows are known."""
        changed = scene is not self._scene and (scene is None or not scene.same_as(self._scene))
        self._scene = scene
        if changed:
            self.repaint()

    # Cells

    def build(self, grid: Grid) -> None:
        """Draw the columns and, on a second line, the time scale."""
        scene = self._scene
        if scene is None or scene.window.columns != self.columns:
            return
        self._draw_columns(grid, scene)
        if grid.lines > 1:
            self._draw_scale(grid, scene)
        else:
            self._draw_signs(grid, scene, 0, without=(SignKind.GAP,))
        self._draw_shown(grid, scene, grid.lines - 1)
        self._draw_sides(grid, scene)

    def _draw_columns(self, grid: Grid, scene: DayScene) -> None:
        steps = ColourSteps(scene.palette, scene.depth, _COLOUR_STEPS, signed=False)
        styles = StripStyles(self.background_style, self.component_style("day--axis"), self.component_style("day--gap"))
        cells = strip_cells(
            scene.content.columns,
            scene.content.levels,
            steps,
            self._tables_of(steps),
            styles,
            self.app.canvas.styles,
            ascii_only=self.app.ascii_only,
        )
        columns = slice(AXIS_WIDTH, AXIS_WIDTH + self.columns)
        grid.codes[0, columns], grid.styles[0, columns] = cells

    def _tables_of(self, steps: ColourSteps) -> CellTables:
        """Return the cells of all pairs of colours, cached."""
        key = (steps, self.style_version)
        if self._tables is None or self._tables[0] != key:
            styles = CodeStyles(*[self.background_style] * 4)
            number = self.app.canvas.styles.number
            self._tables = key, cell_tables(steps, styles, number, ascii_only=self.app.ascii_only)
        return self._tables[1]

    def _draw_scale(self, grid: Grid, scene: DayScene) -> None:
        """Draw round times, except over signs and the picture's ends."""
        taken = [(column, "├") for column in sorted(set(scene.shown or ()))]
        taken += [(column, SIGNS[kind]) for column, kind in self._signs(scene).items()]
        for column, text in labels([*taken, *hour_labels(scene.window)], self.columns):
            if text.startswith("╵"):
                grid.write(AXIS_WIDTH + column, 1, text, self.component_style("day--axis"))
        self._draw_signs(grid, scene, 1)

    def _signs(self, scene: DayScene) -> dict[int, SignKind]:
        return signs_at_columns(scene.window, (*scene.content.signs, *scene.signs))

    def _draw_signs(self, grid: Grid, scene: DayScene, y: int, without: tuple[SignKind, ...] = ()) -> None:
        for column, kind in self._signs(scene).items():
            if kind not in without:
                style = self.component_style(_SIGN_STYLES.get(kind, "day--sign"))
                grid.write(AXIS_WIDTH + column, y, SIGNS[kind], style)

    def _draw_shown(self, grid: Grid, scene: DayScene, y: int) -> None:
        """Draw a bracket over the columns of the picture.

        On the scale the bracket is a line. Signs and times inside it stay visible.
        """
        if scene.shown is None:
            return
        first, last = scene.shown
        style = self.component_style("day--shown")
        if first == last:
            blank = grid.lines > 1 and grid.codes[y, AXIS_WIDTH + first] in (ord(" "), ord("╵"))
            if blank or grid.lines == 1:
                grid.write(AXIS_WIDTH + first, y, "┼", style)
            grid.styles[y, AXIS_WIDTH + first] = style
            return
        grid.write(AXIS_WIDTH + first, y, "├", style)
        grid.write(AXIS_WIDTH + last, y, "┤", style)
        inside = slice(AXIS_WIDTH + first + 1, AXIS_WIDTH + last)
        if grid.lines > 1:
            is_blank = grid.codes[y, inside] == ord(" ")
            grid.codes[y, inside][is_blank] = ord("─")
            grid.styles[y, inside][is_blank] = self.component_style("day--sign")

    def _draw_sides(self, grid: Grid, scene: DayScene) -> None:
        """Draw the names of the lines, the highest value and the length."""
        style, window = self.component_style("day--axis"), scene.window
        right = AXIS_WIDTH + self.columns + 1
        length = length_text(min(DAY_S, scene.content.columns.length_s))
        if grid.lines > 1:
            grid.write(0, 0, "  day│", style)
            grid.write(right, 0, f"+{scene.content.levels.high:.0f} dB", style)
            grid.write(0, 1, "  UTC", style)
            grid.write(right, 1, length, style)
        else:
            grid.write(0, 0, f"{clock_text(window.begin_s)}│", style)
            grid.write(right, 0, length, style)

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go to the time under the mouse."""
        self.capture_mouse()
        self._pointed = None
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the mouse while its button is pressed."""
        if event.button:
            self._point(event)

    def on_mouse_up(self, _: events.MouseUp) -> None:
        """Stop following the mouse."""
        self.release_mouse()

    def _point(self, event: events.MouseEvent) -> None:
        """Report the time under the mouse, once a column."""
        column = event.x - AXIS_WIDTH
        if self._scene is None or not 0 <= column < self._scene.window.columns or column == self._pointed:
            return
        self._pointed = column
        self.post_message(TimePointed(self._scene.window.middle_of(column)))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Go back in time; with ctrl, zoom in."""
        self.post_message(WheelTurned(1, zoom=event.ctrl))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Go forward in time; with ctrl, zoom out."""
        self.post_message(WheelTurned(-1, zoom=event.ctrl))


def length_text(seconds: float) -> str:
    """Format the length of the strip in few characters: ``23.5 h``."""
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"
