"""The observer's choices (`View`) and the context of view actions.

This module has only immutable values.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.column_grid import ColumnGrid

PANELS = ("delay", "health", "memory", "plots", "log")
PICTURES = ("waterfall", "spectrum")
TRACES = ("max", "min", "average")
THEMES = ("dark", "light", "terminal")


class Cursor(NamedTuple):
    """Position in the data.

    The cursor stays on its rows while the picture moves.

    Attributes
    ----------
    number
        Column of a `ColumnGrid`; None in the spectrum, which shows the newest row.
    bin
        Number of the bin, counted from the lowest frequency of the stream.
    """

    number: int | None
    bin: int


class Window(NamedTuple):
    """Size of the terminal in cells."""

    columns: int
    lines: int


class PictureSize(NamedTuple):
    """Size of the waterfall.

    Attributes
    ----------
    columns, lines
        Size in cells.
    pixels_per_line
        Height of a cell in pixels.
    cell_px
        Width of a cell in pixels; 1 in blocks.
    """

    columns: int = 2
    lines: int = 1
    pixels_per_line: int = 2
    cell_px: int = 1

    @property
    def height_px(self) -> int:
        """Height of the waterfall in pixels."""
        return self.lines * self.pixels_per_line


class ViewContext(NamedTuple):
    """Properties of the current picture that view actions need.

    Attributes
    ----------
    products
        Products that can be shown.
    ring_rows
        Number of rows that the ring keeps.
    columns, lines, pixels_per_line
        Size of the waterfall in cells, and pixels in each line.
    newest, oldest
        Slots of the newest and the oldest kept row.
    end_slot
        Slot at the end of the picture.
    sweeping
        True if a write cursor is in the picture.
    band
        Displayed bins, of `nbins`.
    levels, spectrum_levels
        Current levels; None before the first drawing.
    window
        Size of the terminal.
    cell_px
        Width of a cell in pixels; 1 in blocks.
    steps
        Slots in the blocks of a timeline; empty for the ring.
    """

    products: tuple[Product, ...]
    ring_rows: int
    columns: int
    lines: int
    nbins: int
    newest: int
    oldest: int
    end_slot: int
    band: FrequencyWindow
    levels: Levels | None = None
    spectrum_levels: Levels | None = None
    pixels_per_line: int = 2
    sweeping: bool = False
    window: Window = Window(120, 40)
    cell_px: int = 1
    steps: tuple[int, ...] = ()

    def grid(self, rows_per_column: int) -> ColumnGrid:
        """Return the columns of a picture."""
        return ColumnGrid(rows_per_column, self.cell_px, self.steps)

    def columns_of(self, rows_per_column: int) -> int:
        """Return the columns across a picture.

        Those under a write cursor are included.
        """
        return self.columns * self.grid(rows_per_column).per_cell


class Interval(NamedTuple):
    """Rows of an interval of time.

    Attributes
    ----------
    start, stop
        Number of the first row, and of the row after the last. Both are 0 for an interval of the timeline.
    begin_s, end_s
        Times of the first and of the last row, seconds since 1970. For an interval of the timeline, its rows end from
        `begin_s` to before `end_s`.
    marked
        True if the observer has marked the interval; False if it is the interval of the picture.
    lost_rows
        Number of marked rows, before the first one, that have left the ring.
    """

    start: int
    stop: int
    begin_s: float
    end_s: float
    marked: bool
    lost_rows: int = 0

    @property
    def in_ring(self) -> bool:
        """True if the rows are in the ring."""
        return self.stop > self.start


@dataclass(frozen=True, slots=True)
class View:
    """Choices of the observer.

    Attributes
    ----------
    product, palette, rows_per_column, sweeping, subtract
        Settings of the waterfall. In pixels, `rows_per_column` are the rows of a cell, so that blocks and pixels show
        the same time.
    grows
        True while the time span grows with the rows in the ring; False after the observer has chosen one.
    span_s
        Time span from the settings, in seconds, until the observer chooses one of the ring; else None. In the timeline,
        the chosen span.
    slot_s
        Length of a slot of the timeline in seconds; None while the picture shows the ring. The slots and columns of
        this view are those of the timeline or of the ring.
    levels, bias
        Manual levels, or None for automatic levels, which `bias` shifts.
    share
        Displayed part of the band, (0, 1) for all.
    paused_at_slot
        Slot at which the picture is paused; None when it is live.
    cursor
        Position of the cursor; None if it is not displayed.
    marks
        Slots of the first and of the last row of the marked interval; None for an end without a mark.
    linear, spectrum_levels, traces, pair, pipelines
        Settings of the spectrum: scale, fixed limits, additional traces, XX and YY together, marks of the pipelines.
    layout
        Name of the layout; None for the usual one of the window's size.
    day_strip
        True to show the day strip, where it has room.
    hidden, opened
        Panels of the layout that are hidden, and further panels that are shown.
    maximised, theme
        The picture or panel that fills the screen, and the colour theme.
    """

    product: Product = Product.XX
    palette: str = PALETTES[0]
    rows_per_column: int = 4
    grows: bool = False
    span_s: float | None = None
    slot_s: float | None = None
    sweeping: bool = False
    subtract: bool = False
    levels: Levels | None = None
    bias: float = 0.0
    share: tuple[float, float] = (0.0, 1.0)
    paused_at_slot: int | None = None
    cursor: Cursor | None = None
    marks: tuple[int | None, int | None] = (None, None)
    linear: bool = False
    spectrum_levels: Levels | None = None
    traces: frozenset[str] = field(default_factory=frozenset)
    pair: bool = False
    pipelines: bool = False
    layout: str | None = None
    day_strip: bool = True
    hidden: frozenset[str] = field(default_factory=frozenset)
    opened: frozenset[str] = field(default_factory=frozenset)
    maximised: str | None = None
    theme: str = THEMES[0]

    @property
    def signed(self) -> bool:
        """True if the product can be negative."""
        return self.product in SIGNED_PRODUCTS
