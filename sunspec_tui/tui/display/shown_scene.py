"""What a scene shows of a view: product, frequencies, columns and times.

The scene changes its view and size; this module computes the rest from them and changes nothing.
"""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.history_loader import HistoryLoader
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.timeline_display import TimelineDisplay
from sunspec_tui.tui.display.view_state import PictureSize, View

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.tui.display.waterfall_image import WaterfallImage


@dataclass(frozen=True, slots=True)
class ShownScene:
    """What a scene shows of a view.

    Attributes
    ----------
    view, size
        The view, and the size of the waterfall.
    history, timeline
        Rows of the ring and of the timeline.
    sweeps
        True if a slow link or sixel makes a moving picture sweep.
    unit
        Unit of the powers.
    """

    view: View
    size: PictureSize
    history: HistoryLoader
    timeline: TimelineDisplay
    sweeps: bool = False
    unit: str = ARBITRARY

    # The rows

    @property
    def position(self) -> "Position | None":
        """Position of the displayed source; None before the first row.

        In the timeline, its slots are units of time, and the cadence is their length.
        """
        return self.history.position if self.view.slot_s is None else self.timeline.position(self.view.slot_s)

    @property
    def in_timeline(self) -> bool:
        """True if the picture shows the timeline, False for the ring."""
        return self.view.slot_s is not None

    @property
    def has_ring(self) -> bool:
        """False for recorded rows, which are shown without a stream."""
        return self.timeline.mode.has_ring

    @property
    def has_stream(self) -> bool:
        """True if the stream has brought a row."""
        return self.history.position is not None

    @property
    def is_empty(self) -> bool:
        """True if there are no rows to show."""
        return self.position is None and self.timeline.mode.state is None

    @property
    def picture(self) -> "WaterfallImage | None":
        """Image of the waterfall; None before the first row."""
        return self.timeline.picture if self.in_timeline else self.history.picture

    @property
    def latest(self) -> "Rows | None":
        """Last row of the picture, of all products.

        None before the first row of the stream.
        """
        return self.history.latest

    @property
    def shows_column_mean(self) -> bool:
        """True if the spectrum is the mean of the last column."""
        is_live = self.view.paused_at_slot is None and self.has_ring and self.has_stream
        return self.in_timeline and not is_live

    # Product and frequencies

    @property
    def product(self) -> Product:
        """Chosen product, or XX if the stream does not carry it.

        Recorded files may carry neither: then it is their first product.
        """
        position = self.position
        if position is None or self.view.product in position.axis.products:
            return self.view.product
        carried = position.axis.products
        return Product.XX if Product.XX in carried else carried[0]

    @property
    def product_unit(self) -> str:
        """Unit of the displayed product; a ratio is shown without a unit."""
        return ARBITRARY if self.product is Product.V_OVER_I else self.unit

    @property
    def signed(self) -> bool:
        """True if the displayed product is drawn about zero."""
        return replace(self.view, product=self.product).signed

    @property
    def band(self) -> FrequencyWindow:
        """Displayed bins."""
        position = self.position
        if position is None:
            return FrequencyWindow(0, 1, 0.0, 1.0)
        axis = position.axis
        return FrequencyWindow.of(axis.frequencies_mhz, self.view.share, axis.bin_mhz)

    # Columns and times

    @property
    def steps(self) -> tuple[int, ...]:
        """Slots in the blocks of the timeline; empty for the ring."""
        return () if self.view.slot_s is None else TimeSlots(self.view.slot_s).steps

    @property
    def grid(self) -> ColumnGrid:
        """Division of the slots into columns."""
        return ColumnGrid(self.view.rows_per_column, self.size.cell_px, self.steps)

    @property
    def kept_columns(self) -> int:
        """Number of columns that the picture keeps."""
        return self.grid.kept_columns(self.size.columns)

    @property
    def time_axis(self) -> ColumnAxis:
        """Displayed columns."""
        newest = self.picture.store.newest if self.picture else None
        # A picture that is paused, or of recorded rows, does not move: a slow link or sixel need not make it sweep.
        sweeps = self.sweeps and self.view.paused_at_slot is None and self.has_ring
        return ColumnAxis(self.size.columns, newest or 0, self.view.sweeping or sweeps, self.grid)

    @property
    def end_slot(self) -> int:
        """Slot at the end of the picture; 0 without rows."""
        position = self.position
        newest = position.newest if position else 0
        return newest if self.view.paused_at_slot is None else self.view.paused_at_slot

    @property
    def column_s(self) -> float:
        """Seconds in a cell of the timeline; NaN for the ring."""
        return math.nan if self.view.slot_s is None else self.view.rows_per_column * self.view.slot_s

    @property
    def end_s(self) -> float:
        """End of the picture's last row; NaN without rows."""
        if self.view.slot_s is not None and self.shows_column_mean:
            return TimeSlots(self.view.slot_s).begin_s(self.end_slot)
        if not self.has_ring:
            return self.timeline.mode.end_s
        return float(self.latest.times_s[-1]) if self.latest is not None and len(self.latest) else math.nan

    @property
    def interval_s(self) -> tuple[float, float]:
        """Begin and end of the picture, in seconds since 1970 UTC.

        Both are NaN without rows.
        """
        cadence_s = self.position.cadence_s if self.position else math.nan
        end_s = self.end_s
        return end_s - self.size.columns * self.view.rows_per_column * cadence_s, end_s
