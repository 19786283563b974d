"""Load new and old rows into the waterfall image in short steps.

Each update loads the new rows, and then older rows, newest first, for a few milliseconds. Thus neither a long ring nor
a change of product blocks the screen. A picture with many rows in a column is made of blocks of rows (`coarse_rows`).
This module does not draw, read a socket or use a terminal.
"""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from sunspec_tui.core.products import Product
from sunspec_tui.core.row_blocks import FINEST_STEP
from sunspec_tui.tui.display.coarse_rows import CoarseRows
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.waterfall_image import WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch
    from sunspec_tui.core.timeline_source import TimelineSource

_BLOCK_ROWS = 256
_MAX_NEW_ROWS = 512
_MAX_BLOCKS = 1024
_LOAD_S = 0.012


class RowSource(Protocol):
    """Source of rows: a receiver or an epoch."""

    def position(self) -> "Position | None":
        """Return the position of the stream; None before the first row."""
        ...

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> "Rows | None":
        """Return rows by their numbers, of one product or of all."""
        ...

    def number_at(self, slot: int) -> int:
        """Return the number of the first row at or after a slot."""
        ...


class LiveSource(RowSource, Protocol):
    """Receiver as a source of new rows and of earlier epochs."""

    def epochs(self) -> "tuple[Epoch, ...]":
        """Return the epochs, oldest first; the last one still grows."""
        ...

    def timeline(self) -> "TimelineSource | None":
        """Return the timeline of all sources; None if there is none."""
        ...


class PictureRequest(NamedTuple):
    """Properties of the requested picture.

    If they change, the rows are loaded again.

    Attributes
    ----------
    epoch, columns, product, rows_per_column
        Epoch of the rows, number of columns, product, and slots in a column or, in pixels, in a cell.
    paused_at_slot
        Slot at which the picture ends; None if it follows the stream.
    cell_px
        Width of a cell in pixels; 1 in blocks.
    """

    epoch: int | None
    columns: int
    product: Product
    rows_per_column: int
    paused_at_slot: int | None
    cell_px: int = 1

    @property
    def grid(self) -> ColumnGrid:
        """Division of the slots into columns."""
        return ColumnGrid(self.rows_per_column, self.cell_px)


class _LoadRange(NamedTuple):
    """Range of rows or of blocks to load, from its end.

    With step 1, `start` and `stop` are row numbers. With a larger step, they are slots of blocks of this step.
    """

    step: int
    start: int
    stop: int


class HistoryLoader:
    """Loader of the picture's rows and of the traces.

    Parameters
    ----------
    source
        Source of the rows; may be set later.
    clock
        Monotonic clock in seconds.

    Attributes
    ----------
    past_epoch
        Earlier epoch that the picture shows; None for the present epoch.
    position
        Position of the source at the last refresh; None before the first row.
    latest
        Rows of all products, the last row at the picture's end; None before the first row.
    """

    def __init__(self, source: LiveSource | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.source = source
        self._clock = clock
        self.past_epoch: Epoch | None = None
        self.traces = Traces()
        self.picture: WaterfallImage | None = None
        self.position: Position | None = None
        self.latest: Rows | None = None
        self._loaded_request: PictureRequest | None = None
        self._traces_key: tuple[int, Product] | None = None
        self._next_row = 0
        self._pending: list[_LoadRange] = []
        self._coarse: CoarseRows | None = None
        self._coarse_key: tuple[int, int] | None = None
        self._next_coarse_row = 0

    # Rows of the displayed source

    @property
    def displayed_source(self) -> RowSource | None:
        """Source of the picture's rows."""
        return self.past_epoch or self.source

    @property
    def loading(self) -> bool:
        """True if older rows remain to be loaded."""
        return bool(self._pending)

    @property
    def is_behind(self) -> bool:
        """True if new rows wait for the next update."""
        return self.position is not None and self._next_row < self.position.count

    @property
    def newest_s(self) -> float:
        """End of the newest row of the displayed source; NaN without rows."""
        count = self.position.count if self.position else 0
        rows = self.rows(count - 1, count) if count else None
        return float(rows.times_s[-1]) if rows is not None and len(rows) else math.nan

    def rows(self, start: int, stop: int, product: Product | None = None) -> "Rows | None":
        """Return rows of the displayed source by their numbers."""
        return self.displayed_source.rows_between(start, stop, product) if self.displayed_source else None

    def number_at(self, slot: int) -> int:
        """Return the number of the first row at or after a slot."""
        return self.displayed_source.number_at(slot) if self.displayed_source else 0

    def slot_at(self, slot: int, *, forward: bool) -> int | None:
        """Return the slot of the nearest row; None without rows.

        Parameters
        ----------
        slot
            Slot at which the search begins.
        forward
            True to find the first row at or after `slot`; False for the last row at or before it, or the next row
            if there is none before.
        """
        number = self.number_at(slot if forward else slot + 1)
        rows = self.rows(number, number + 1) if forward else self.rows(number - 1, number)
        if (rows is None or not len(rows)) and not forward:
            rows = self.rows(number, number + 1)
        return int(rows.slots[0]) if rows is not None and len(rows) else None

    # The requested picture

    def refresh_position(self) -> "Position | None":
        """Read the position of the source."""
        position = self.displayed_source.position() if self.displayed_source else None
        if position is not None:
            self.position = position
        return position

    def matches(self, request: PictureRequest) -> bool:
        """Return True if the picture already fits the request.

        Then its rows need not be loaded again. The picture may have rows that have already left the ring.
        """
        loaded = self._loaded_request
        if loaded is None:
            return False
        if request == loaded:
            return True
        # A live picture that is now paused at its newest row does not change.
        ends_there = (
            self.latest is not None and bool(len(self.latest)) and request.paused_at_slot == self.latest.slots[-1]
        )
        same = request._replace(paused_at_slot=None) == loaded._replace(paused_at_slot=None)
        return same and loaded.paused_at_slot is None and ends_there

    def load(self, position: "Position", request: PictureRequest) -> bool:
        """Load new rows and some older ones.

        Return True if the picture or a trace has changed.

        Parameters
        ----------
        position
            Position of the source.
        request
            Properties of the requested picture.
        """
        self._update_blocks(position)
        changed = request != self._loaded_request
        if not self.matches(request):
            self._trace_missed_rows(position, request.product)
            self._start_picture(position, request)
        self._loaded_request = request
        changed |= self._load_new(position, request)
        changed |= self._load_old(request.product)
        return changed

    def follow(self, position: "Position", product: Product) -> bool:
        """Follow the stream without a picture of the ring.

        Return True if there were new rows.
        """
        if not position.length:
            # Recorded rows have no ring.
            self._next_row = position.count
            return False
        self._update_blocks(position)
        self.picture = self._loaded_request = None
        self._pending.clear()
        if position.count == self._next_row and self._traces_key == (position.epoch, product):
            return False
        self._trace_missed_rows(position, product)
        self._trace_anew(position, product, position.count - _BLOCK_ROWS, position.count)
        self._next_row = position.count
        self.latest = self.rows(position.count - 1, position.count)
        return True

    def _trace_missed_rows(self, position: "Position", product: Product) -> None:
        """Add missed rows to the traces.

        The picture loads these rows as history, which does not update the traces.
        """
        # A screen that was stopped for a long time has missed many rows. The newest rows are enough for the traces.
        if self._traces_key == (position.epoch, product):
            self._add_to_traces(max(self._next_row, position.count - _MAX_NEW_ROWS), position.count, product)

    def _trace_anew(self, position: "Position", product: Product, start: int, end: int) -> None:
        """Begin the traces with some rows of another product or epoch."""
        if self._traces_key != (position.epoch, product):
            self.traces.reset()
            self._traces_key = (position.epoch, product)
        if self.traces.get("max") is None:
            self._add_to_traces(max(0, start), end, product)

    def _add_to_traces(self, start: int, stop: int, product: Product) -> None:
        rows = self.rows(start, stop, product)
        if rows is not None and len(rows):
            self.traces.add(rows.data)

    def _start_picture(self, position: "Position", request: PictureRequest) -> None:
        """Start a picture, and note the rows to load for it."""
        paused_at, grid = request.paused_at_slot, request.grid
        end = position.count if paused_at is None else self.number_at(paused_at + 1)
        last = self.rows(end - 1, end)
        nbins = len(position.axis.frequencies_mhz)
        self.picture = WaterfallImage(request.columns, nbins, request.rows_per_column, request.cell_px)
        self.latest = last
        end_slot = int(last.slots[-1]) if last is not None and len(last) else position.newest
        first_slot = grid.first_slot(grid.number_of(end_slot) - request.columns + 1)
        first = self.number_at(first_slot)
        self._trace_anew(position, request.product, max(first, end - _BLOCK_ROWS), end)
        self._pending = self._load_ranges(grid.block_slots, max(first_slot, position.oldest), end_slot + 1)
        self._next_row = position.count

    def _load_ranges(self, slots: int, start: int, stop: int) -> list[_LoadRange]:
        """Return the ranges to load for some slots, newest first.

        These are ranges of blocks where blocks exist, else ranges of rows. Whole blocks must fill `slots` slots.
        """
        coarse = self._coarse if self.past_epoch is None else None
        step = coarse.step_for(slots) if coarse is not None else None
        numbers = self.number_at(start), self.number_at(stop)
        if coarse is None or step is None:
            return [_LoadRange(1, *numbers)]
        # Some rows of the oldest column may have left the ring, but its blocks still contain them.
        begin, end = coarse.available_range(step, start, stop)
        if end <= begin:
            return [_LoadRange(1, *numbers)]
        newer = _LoadRange(1, self.number_at(end), numbers[1])
        older = _LoadRange(1, numbers[0], self.number_at(begin))
        return [each for each in (newer, _LoadRange(step, begin, end), older) if each.stop > each.start]

    # Loading

    def _load_new(self, position: "Position", request: PictureRequest) -> bool:
        # The next update takes the remaining rows, so that this thread and the receiver's are not blocked for long.
        start = max(self._next_row, position.count - position.length)
        stop = min(position.count, start + _MAX_NEW_ROWS)
        if stop <= start:
            return False
        rows = self.rows(start, stop, request.product)
        if rows is None or not len(rows) or self._has_other_shape(rows):
            return False
        self._next_row = rows.count
        self.traces.add(rows.data)
        if request.paused_at_slot is not None or self.picture is None:
            return False
        self.latest = self.rows(rows.count - 1, rows.count)
        self.picture.add(rows.data, rows.times_s, rows.slots, rows.marks)
        return True

    def _load_old(self, product: Product) -> bool:
        """Load history, newest first, for a few milliseconds.

        Return True if there was history to load.
        """
        if self.picture is None or not self.loading:
            return False
        start_s = self._clock()
        while self.loading:
            self._load_part(self.picture, product)
            if self._clock() - start_s > _LOAD_S:
                break
        self.picture.renew_background()
        if not self._pending and self.position is not None:
            self.picture.oldest_column = self.picture.store.grid.number_of(self.position.oldest)
        return True

    def _load_part(self, picture: WaterfallImage, product: Product) -> None:
        """Load a part of the newest pending range."""
        step, start, stop = self._pending.pop(0)
        begin = max(start, stop - (_BLOCK_ROWS if step == 1 else _MAX_BLOCKS * step))
        if begin > start:
            self._pending.insert(0, _LoadRange(step, start, begin))
        if step > 1 and self._coarse is not None:
            picture.add_blocks(*self._coarse.between(step, begin, stop, product))
            return
        rows = self.rows(begin, stop, product)
        if rows is None or not len(rows) or self._has_other_shape(rows):
            # The rows have left the ring, or the stream has changed.
            self._pending.clear()
            return
        picture.add(rows.data, rows.times_s, rows.slots, rows.marks)

    def _has_other_shape(self, rows: "Rows") -> bool:
        """Return True if rows do not have the picture's number of bins.

        Then the stream has changed since `refresh_position`.
        """
        return self.picture is not None and rows.data.shape[1] != self.picture.store.nbins

    # Blocks of rows

    def _update_blocks(self, position: "Position") -> None:
        """Merge new rows into blocks, a few hundred at a time."""
        if self.past_epoch is not None:
            return
        shape = (position.epoch, position.length)
        if self._coarse is None or shape != self._coarse_key:
            self._coarse_key = shape
            self._coarse = CoarseRows(len(position.axis.frequencies_mhz), position.axis.npol, position.length)
            self._next_coarse_row = self.number_at(position.oldest)
        end_slot = position.newest // FINEST_STEP * FINEST_STEP
        if end_slot > self._coarse.end_slot:
            self._add_blocks(self._coarse, position, end_slot)

    def _add_blocks(self, coarse: CoarseRows, position: "Position", end_slot: int) -> None:
        start, stop = self._next_coarse_row, min(position.count, self._next_coarse_row + _MAX_NEW_ROWS)
        rows = self.rows(start, stop)
        if rows is None or not len(rows) or self._has_other_shape(rows):
            return
        if rows.count - len(rows) > start:
            # Some rows left the ring before they were read, so start again at the next update.
            self._coarse_key = None
            return
        if stop < position.count:
            end_slot = int(rows.slots[-1]) // FINEST_STEP * FINEST_STEP
        count = int(np.searchsorted(rows.slots, end_slot))
        if count:
            coarse.add(rows.first(count), end_slot)
        self._next_coarse_row = start + count
