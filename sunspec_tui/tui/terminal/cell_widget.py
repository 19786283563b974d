"""Widget base class that writes its cells directly to the canvas."""

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from rich.segment import Segment
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from sunspec_tui.tui.terminal.canvas import Grid, Region
from sunspec_tui.tui.terminal.guarded import Guarded
from sunspec_tui.tui.terminal.rich_styles import to_ascii

if TYPE_CHECKING:
    from sunspec_tui.tui.terminal.canvas_app import CanvasApp


class CellWidget(Guarded, Widget):
    """Widget that draws a grid of cells.

    A subclass draws its grid in `build`, and calls `repaint` when the content changes.
    """

    is_picture: ClassVar[bool] = True
    app: "CanvasApp"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._grid: Grid | None = None
        self._grid_for: tuple[Size, int] | None = None
        self._style_numbers: dict[str, int] = {}
        self.style_version = 0
        """Number that increases when colours change, so that cached cells can be dropped."""

    def on_mount(self) -> None:
        """Register the widget in the app."""
        self.app.cell_widgets.append(self)

    def on_unmount(self) -> None:
        """Remove the widget from the app's list."""
        self.app.cell_widgets.remove(self)

    def notify_style_update(self) -> None:
        """Drop the cached styles, because colours may have changed."""
        super().notify_style_update()
        self._style_numbers.clear()
        self.style_version += 1

    def build(self, grid: Grid) -> None:
        """Draw on an empty grid of the widget's size."""
        raise NotImplementedError

    def repaint(self) -> None:
        """Build the cells again and show them."""
        self._build()
        # Textual caches the lines that it has drawn. They are now out of date.
        self._styles_cache.clear()
        if self._grid is not None and not self.app.put_cells(self, self._grid):
            self.refresh()

    def _build(self) -> None:
        size = self.content_size
        self._grid, self._grid_for = None, (size, self.style_version)
        if size.width > 0 and size.height > 0:
            grid = Grid.filled(size.width, size.height)
            grid.styles[:] = self.background_style
            self.build(grid)
            if self.app.ascii_only:
                to_ascii(grid)
            self._grid = grid

    @property
    def background_style(self) -> int:
        """Style number of an empty cell."""
        return self.component_style("")

    def component_style(self, component: str) -> int:
        """Return the style number of a component class.

        An empty name means the style of an empty cell.
        """
        # Textual searches the whole tree for a style, which is slow, so cache the numbers.
        number = self._style_numbers.get(component)
        if number is None:
            style = self.get_component_rich_style(component) if component else self.rich_style
            number = self._style_numbers[component] = self.app.filtered_style_number(style, self.background_colors[1])
        return number

    def render_line(self, y: int) -> Strip:
        """Return one line, for Textual's own drawing."""
        if self._grid_for != (self.content_size, self.style_version):
            self._build()
        grid = self._grid
        if grid is None or y >= grid.lines:
            return Strip.blank(self.size.width)
        text = grid.codes[y].tobytes().decode("utf-32-le")
        styles = grid.styles[y]
        edges = [0, *(np.flatnonzero(np.diff(styles)) + 1).tolist(), grid.columns]
        segments = [
            Segment(text[start:stop], self.app.update_writer.rich_style_of(int(styles[start])))
            for start, stop in itertools.pairwise(edges)
        ]
        return Strip(segments, grid.columns)


def uncovered(widget: Widget) -> bool:
    """Return True if a widget is fully visible: on the screen, uncovered."""
    screen = widget.app.screen
    if widget.screen is not screen or not widget.is_attached:
        return False
    # The compositor's map is sorted from front to back: a widget earlier in the map is in front.
    for other, (region, clip) in screen._compositor.visible_widgets.items():  # noqa: SLF001 - see `canvas_app`
        if other is widget:
            return clip.contains_region(region)
        if region.overlaps(widget.region):
            return False
    return False


def picture_regions(widgets: Iterable[CellWidget], screen: Screen[object]) -> list[Region]:
    """Return the regions of the pictures that a screen has."""
    return [
        Region(region.x, region.y, region.right, region.bottom)
        for widget in widgets
        if widget.is_picture and widget.screen is screen and (region := widget.content_region)
    ]
