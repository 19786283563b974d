"""From the receiver's rows and the observer's view to what the pictures show.

Rows go into the picture as they come; history is fetched in blocks, newest first, a few milliseconds at a
time, so that neither a long ring nor a change of product makes anybody wait. Nothing here draws, reads a
socket or knows a terminal.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CHANNELS_PER_PIPELINE
from sunspec_tui.core.levels import Floats, Levels, without_warnings
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.tui.display.axes import ColumnAxis, FrequencyWindow
from sunspec_tui.tui.display.history_loader import HistoryLoader, LiveSource, Wanted
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.view_actions import VIEW_ACTIONS, marked_slots, refit, with_cursor_inside, with_product
from sunspec_tui.tui.display.view_state import Interval, View, ViewContext
from sunspec_tui.tui.display.waterfall_image import Drawing, Readout, WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch

log = logging.getLogger(__name__)

_STEPS_OF_TIME = ("span", "begin_anew")
_STEPS_OF_SCALES = ("levels_by_hand", "automatic", "bias", "fix_spectrum")


class Scene:
    """The pictures' content.

    Parameters
    ----------
    view
        What the observer has chosen.
    source
        Where rows come from; may be given later.
    clock
        Seconds on a clock that never goes back.
    """

    def __init__(
        self, view: View, source: LiveSource | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.history = HistoryLoader(source, clock)
        self.view = view
        self.columns, self.lines, self.pixels_per_line = 2, 1, 2
        self.sweeps = False
        self.spectrum_levels: Levels | None = None

    @property
    def position(self) -> "Position | None":
        """How far what is shown has come; None before the first row."""
        return self.history.position

    @property
    def picture(self) -> WaterfallImage | None:
        """What is drawn; None before the first row."""
        return self.history.picture

    @property
    def latest(self) -> "Rows | None":
        """Rows of all products, the last of which is at the picture's end; None before the first."""
        return self.history.latest

    @property
    def traces(self) -> Traces:
        """Further traces of the spectrum."""
        return self.history.traces

    @property
    def loading(self) -> bool:
        """Whether the next update has something to load, also if no row comes until then."""
        return self.history.loading or self.history.is_behind

    @property
    def past(self) -> "Epoch | None":
        """Earlier epoch that the picture shows; None while it shows the present one."""
        return self.history.past

    # What comes in

    def read_from(self, source: LiveSource) -> None:
        """Take rows from this source from now on."""
        self.history.source = source

    def fit(self, columns: int, lines: int, pixels_per_line: int) -> None:
        """Take the size of the waterfall, in cells."""
        if (columns, lines, pixels_per_line) == (self.columns, self.lines, self.pixels_per_line):
            return
        before, was = self.extent, self.view
        self.columns, self.lines, self.pixels_per_line = columns, lines, pixels_per_line
        if self.picture is not None and columns != before.columns:
            self.view = refit(was, before, self.extent)
            self._end_at_a_row(was, before.shown, about_cursor=self.view != was)

    def apply_action(self, name: str, *arguments: Any) -> None:
        """Change the view by one of `view.VIEW_ACTIONS`."""
        if name in _STEPS_OF_SCALES:
            # Whoever sets the scale of what stands in for a product has chosen it.
            self.view = with_product(self.view, self.product)
        before, was = self.extent.shown, self.view
        self.view = VIEW_ACTIONS[name](was, self.extent, *arguments)
        self._end_at_a_row(was, before, about_cursor=name in _STEPS_OF_TIME)
        if name == "back_in_time":
            self._cross_a_change(was.paused_at_slot, back=arguments[0] > 0)
        elif self.view.paused_at_slot is None:
            self.history.past = None

    def _cross_a_change(self, was_held: int | None, *, back: bool) -> None:
        """Show the epoch before or after the present picture."""
        if self.history.source is None or self.position is None:
            return
        epochs, number = [each for each in self.history.source.epochs() if each.position()], self.position.epoch
        if back:
            earlier = [each for each in epochs if each.number < number]
            if earlier and self.view.paused_at_slot == was_held:
                self._show_epoch(earlier[-1], end=True)
        elif self.past is not None and self.view.paused_at_slot is None:
            if was_held is not None and was_held < self.position.newest:
                self.view = replace(self.view, paused_at_slot=self.position.newest)
                return
            later = [each for each in epochs if each.number > number]
            self._show_epoch(later[0] if len(later) > 1 else None, end=False)

    def _show_epoch(self, epoch: "Epoch | None", *, end: bool) -> None:
        """Hold the newest or oldest rows of an epoch; None is live."""
        self.history.past = epoch
        place = None if epoch is None else epoch.position()
        held = None
        if place is not None:
            width = self.columns * self.view.rows_per_column
            held = place.newest if end else min(place.oldest + width - 1, place.newest)
        self.view = replace(self.view, paused_at_slot=held, cursor=None, marks=(None, None))

    def _keep_what_is_held(self) -> None:
        """Keep a held picture when the stream continues with another axis."""
        if (
            self.past is not None
            or self.view.paused_at_slot is None
            or self.position is None
            or self.history.source is None
        ):
            return
        epochs = self.history.source.epochs()
        if epochs and epochs[-1].number != self.position.epoch:
            self.history.past = next((each for each in epochs if each.number == self.position.epoch), None)

    def _end_at_a_row(self, was: View, before: int, *, about_cursor: bool) -> None:
        """Let a picture that is held end where there is a row, and keep the cursor in one that goes about it."""
        held, inside = self.view.paused_at_slot, self._has_cursor(was, before)
        if held is not None and held != before:
            forward = held > before
            ends = [self.history.slot_at(held, forward=forward)]
            if about_cursor and inside:
                ends = [
                    end
                    for end in (*ends, self.history.slot_at(held, forward=not forward))
                    if self._has_cursor(self.view, end)
                ]
                ends.append(was.paused_at_slot)
            self.view = replace(self.view, paused_at_slot=ends[0])
        if about_cursor and inside:
            self.view = with_cursor_inside(self.view, self.extent)

    def _has_cursor(self, view: View, end: int | None) -> bool:
        """Whether the cursor is in a picture that ends at a slot."""
        if end is None or view.cursor is None or view.cursor.number is None:
            return False
        return 0 <= end // view.rows_per_column - view.cursor.number < self.columns

    @without_warnings()
    def update(self) -> bool:
        """Fetch what is new and some of what is old; whether the pictures have changed."""
        self._keep_what_is_held()
        position = self.history.ask()
        if position is None:
            return False
        if not self.history.fits(self._wanted(position)):
            self._hold_what_is_kept(position)
        return self.history.load(position, self._wanted(position))

    def _wanted(self, position: "Position") -> Wanted:
        return Wanted(position.epoch, self.columns, self.product, self.view.rows_per_column, self.view.paused_at_slot)

    def _hold_what_is_kept(self, position: "Position") -> None:
        """Hold the oldest rows if those that were held are no longer kept."""
        if self.view.paused_at_slot is None or self.view.paused_at_slot >= position.oldest:
            return
        log.warning("the rows that were held are no longer kept: the picture shows the oldest ones")
        slot = min(position.oldest + self.columns * self.view.rows_per_column - 1, position.newest)
        self.view = replace(self.view, paused_at_slot=self.history.slot_at(slot, forward=False))

    @property
    def product(self) -> Product:
        """The product chosen, or XX where the stream does not carry it."""
        if self.position is None or self.view.product in available(self.position.axis.npol):
            return self.view.product
        return Product.XX

    @property
    def signed(self) -> bool:
        """Whether what is shown is drawn about zero."""
        return replace(self.view, product=self.product).signed

    # What goes out

    @property
    def band(self) -> FrequencyWindow:
        """Bins that are shown."""
        if self.position is None:
            return FrequencyWindow(0, 1, 0.0, 1.0)
        axis = self.position.axis
        return FrequencyWindow.of(axis.frequencies_mhz, self.view.share, axis.bin_mhz)

    @property
    def time_axis(self) -> ColumnAxis:
        """Columns that are shown."""
        newest = self.picture.store.newest if self.picture else None
        return ColumnAxis(self.columns, newest or 0, self.view.sweeping or self.sweeps)

    @property
    def extent(self) -> ViewContext:
        """What the next step needs to know."""
        position = self.position
        newest, oldest = (position.newest, position.oldest) if position else (0, 0)
        return ViewContext(
            npol=position.axis.npol if position else 4,
            ring_rows=position.length if position else 1,
            columns=self.columns,
            lines=self.lines,
            nbins=len(position.axis.frequencies_mhz) if position else 1,
            newest=newest,
            oldest=oldest,
            shown=newest if self.view.paused_at_slot is None else self.view.paused_at_slot,
            per_line=self.pixels_per_line,
            sweeping=self.time_axis.sweeping,
            band=self.band,
            levels=self.picture.levels if self.picture else None,
            spectrum_levels=self.spectrum_levels,
        )

    def interval(self) -> Interval | None:
        """Rows of the marked interval, or else of the picture; None where there are none."""
        if self.position is None or self.history.source is None:
            return None
        first, last = marked_slots(self.view, self.extent)
        start, stop = self.history.number_at(first), self.history.number_at(last + 1)
        ends = [self.history.rows(number, number + 1) for number in (start, stop - 1)]
        if stop <= start or any(rows is None or not len(rows) for rows in ends):
            return None
        begin_s, end_s = (float(rows.times_s[0]) for rows in ends if rows is not None)
        return Interval(start, stop, begin_s, end_s, self.view.marks != (None, None))

    @without_warnings()
    def draw(self) -> WaterfallImage | None:
        """The picture, brought up to date."""
        if self.picture is None:
            return None
        own = self.product is self.view.product
        self.picture.draw(
            Drawing(
                band=self.band,
                pixels=self.lines * self.pixels_per_line,
                signed=self.signed,
                subtract=self.view.subtract,
                levels=self.view.levels if own else None,
                bias=self.view.bias if own else 0.0,
            )
        )
        return self.picture

    @without_warnings()
    def power(self, product: Product) -> Floats | None:
        """The row at the picture's end, of one product, shape (nbins,)."""
        if self.latest is None or not len(self.latest) or product not in available(self.latest.data.shape[-1]):
            return None
        return derive(self.latest.data[-1], product)

    @without_warnings()
    def power_under_cursor(self) -> tuple[Floats, float] | None:
        """Mean of the column under the cursor, shape (nbins,), and the end of its data; None where there is none."""
        cursor, picture = self.view.cursor, self.picture
        if cursor is None or cursor.number is None or picture is None or not picture.store.holds(cursor.number):
            return None
        mean, _ = picture.store.statistics([cursor.number])
        return mean[0], picture.store.time_s(cursor.number)

    @property
    def end_s(self) -> float:
        """Time of the row at the picture's end; NaN where there is none."""
        return float(self.latest.times_s[-1]) if self.latest is not None and len(self.latest) else math.nan

    @property
    def edges_mhz(self) -> tuple[float, ...]:
        """Edges of the pipelines."""
        if self.position is None:
            return ()
        axis = self.position.axis
        channels = axis.chan0 - 0.5 + np.arange(0, axis.nchan + 1, CHANNELS_PER_PIPELINE)
        return tuple((channels * CHANNEL_WIDTH_HZ / 1e6).tolist())

    @without_warnings()
    def readout(self) -> Readout | None:
        """What lies under the cursor; None where there is none."""
        cursor, band = self.view.cursor, self.band
        if cursor is None or self.position is None or self.picture is None:
            return None
        if cursor.number is None:
            return self._spectrum_readout(cursor.bin)
        pixels = self.lines * self.pixels_per_line
        pixel = band.pixel_of_bin(cursor.bin, pixels)
        if pixel is None or self.time_axis.cell_of(cursor.number) is None:
            return Readout(math.nan, math.nan, None, inside=False)
        cell = self.picture.value(cursor.number, pixel)
        low, high = band.edges_mhz(*band.bins_of(pixel, pixels, 1))
        begin_s = cell.first_s - self.position.cadence_s
        if not begin_s < cell.time_s:
            # The data's time goes back within the column.
            begin_s = math.nan
        return Readout(low, high, cell, cell.power, cell.shown, begin_s, cell.time_s)

    def _spectrum_readout(self, bin_number: int) -> Readout:
        band, power = self.band, self.power(self.product)
        if power is None or not band.first <= bin_number < band.last:
            return Readout(math.nan, math.nan, None, inside=False)
        value = float(power[bin_number])
        decibels = 10 * math.log10(value) if value > 0 and math.isfinite(value) else math.nan
        low, high = band.edges_mhz(bin_number, bin_number + 1)
        cadence_s = self.position.cadence_s if self.position else math.nan
        shown = value if self.signed else decibels
        return Readout(low, high, None, value, shown, self.end_s - cadence_s, self.end_s)
