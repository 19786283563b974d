"""What the observer has chosen to see, as one frozen value, and each step from one choice to the next.

Every key that changes the picture is a pure function here, so what a key does is a table of
numbers. Nothing here draws, and nothing knows a terminal.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.tui.display.axes import FrequencyWindow

PANELS = ("delay", "health", "memory", "plots", "log")
PICTURES = ("waterfall", "spectrum")
TRACES = ("max", "min", "average")
THEMES = ("dark", "light", "terminal")


class Cursor(NamedTuple):
    """A place in the data: it stays on its rows while the picture moves.

    Attributes
    ----------
    number
        Column; None in the spectrum, which shows the newest row.
    bin
        Bin of all bins.
    """

    number: int | None
    bin: int


class ViewContext(NamedTuple):
    """What a step needs to know of the picture as it is.

    Attributes
    ----------
    npol
        Polarisation products of the stream.
    ring_rows
        Rows that the ring keeps.
    columns, lines, per_line
        Cells of the waterfall, and pixels in each.
    newest, oldest
        Slots of the newest and the oldest row that are kept.
    shown
        Slot at the end of the picture.
    sweeping
        Whether a write cursor takes a column of the picture.
    band
        Bins shown, of `nbins`.
    levels, spectrum_levels
        As they are drawn now.
    """

    npol: int
    ring_rows: int
    columns: int
    lines: int
    nbins: int
    newest: int
    oldest: int
    shown: int
    band: FrequencyWindow
    levels: Levels | None = None
    spectrum_levels: Levels | None = None
    per_line: int = 2
    sweeping: bool = False


class Interval(NamedTuple):
    """Rows of an interval of time.

    Attributes
    ----------
    start, stop
        Number of the first row, and of the one after the last.
    begin_s, end_s
        Times of the first and of the last row, seconds since 1970.
    marked
        Whether the observer has marked it; else it is what the picture shows.
    """

    start: int
    stop: int
    begin_s: float
    end_s: float
    marked: bool


@dataclass(frozen=True, slots=True)
class View:
    """Choices of the observer.

    Attributes
    ----------
    product, palette, rows_per_column, sweeping, subtract
        Of the waterfall.
    levels, bias
        By hand, or None for automatic ones, which `bias` shifts.
    share
        Part of the band that is shown, (0, 1) for all.
    paused_at_slot
        Slot at which the picture is paused; None when it is live.
    cursor
        Where the cursor is, if it is shown.
    marks
        Slots of the first and of the last row of the marked interval; None where an end is not marked.
    linear, spectrum_levels, traces, pair, pipelines
        Of the spectrum: its scale, fixed limits, further traces, XX and YY together, marks of the pipelines.
    hidden, maximised, theme
        Panels that are folded away, the one picture or panel that fills the screen, colours of the rest.
    """

    product: Product = Product.XX
    palette: str = PALETTES[0]
    rows_per_column: int = 4
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
    hidden: frozenset[str] = field(default_factory=frozenset)
    maximised: str | None = None
    theme: str = THEMES[0]

    @property
    def signed(self) -> bool:
        """Whether the product is negative as a matter of course."""
        return self.product in SIGNED_PRODUCTS


# Steps
