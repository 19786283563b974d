"""Loads rows into the picture: new ones as they come, older ones newest first, a few milliseconds at a time.

Neither a long ring nor a change of product makes anybody wait: a picture whose columns hold many rows is made of
blocks of rows (`coarse_rows`). Nothing here draws, reads a socket or knows a terminal.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from sunspec_tui.core.products import Product
from sunspec_tui.core.row_blocks import FINEST_STEP
from sunspec_tui.tui.display.coarse_rows import CoarseRows
from sunspec_tui.tui.display.spectrum_traces import Traces
from sunspec_tui.tui.display.waterfall_image import WaterfallImage

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_buffer import Rows
    from sunspec_tui.core.ring_epochs import Epoch

_BLOCK_ROWS = 256
_MAX_NEW_ROWS = 512
_MAX_BLOCKS = 1024
_FETCH_S = 0.012


class RowSource(Protocol):
    """The part of a receiver that history comes from."""

    def position(self) -> "Position | None":
        """How far the stream has come."""
        ...

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> "Rows | None":
        """Rows by their numbers; of one product, or of all."""
        ...

    def number_at(self, slot: int) -> int:
        """Number of the first row at or after a slot."""
        ...


class LiveSource(RowSource, Protocol):
    """Receiver as a source of new rows and of earlier epochs."""

    def epochs(self) -> "tuple[Epoch, ...]":
        """Return the epochs, the oldest first; the last one still grows."""
        ...


class Wanted(NamedTuple):
    """What a picture is made for: where it changes, rows are loaded anew.

    Attributes
    ----------
    epoch, columns, product, rows_per_column
        Epoch of its rows, its size, its product and the slots in a column.
    paused_at_slot
        Slot at which it ends; None if it follows the stream.
    """

    epoch: int | None
    columns: int
    product: Product
    rows_per_column: int
    paused_at_slot: int | None


class _Stretch(NamedTuple):
    """Rows by their numbers (step 1), or blocks of so many slots by their slots; to be loaded from the end."""

    step: int
    start: int
    stop: int


class HistoryLoader:
    """The picture's rows and the traces, and what is still to be loaded.

    Parameters
    ----------
    source
        Where rows come from; may be given later.
    clock
        Seconds on a clock that never goes back.

    Attributes
    ----------
    past
        Earlier epoch that the picture shows; None while it shows the present one.
    position
        Position of the source when it was last asked; None before the first row.
    latest
        Rows of all products, the last of which is at the picture's end; None before the first.
    """

    def __init__(self, source: LiveSource | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.source = source
        self._clock = clock
        self.past: Epoch | None = None
        self.traces = Traces()
        self.picture: WaterfallImage | None = None
        self.position: Position | None = None
        self.latest: Rows | None = None
        self._made_for: Wanted | None = None
        self._traced: tuple[int, Product] | None = None
        self._next = 0
        self._left: list[_Stretch] = []
        self._coarse: CoarseRows | None = None
        self._coarse_of: tuple[int, int] | None = None
        self._coarse_next = 0

    # Rows of what is shown

    @property
    def shown(self) -> RowSource | None:
        """Source of the picture's rows."""
        return self.past or self.source

    @property
    def loading(self) -> bool:
        """Whether older rows are still to come."""
        return bool(self._left)

    @property
    def is_behind(self) -> bool:
        """Whether rows that have come wait for the next update."""
        return self.position is not None and self._next < self.position.count

    def rows(self, start: int, stop: int, product: Product | None = None) -> "Rows | None":
        """Rows of what is shown, by their numbers."""
        return self.shown.rows_between(start, stop, product) if self.shown else None

    def number_at(self, slot: int) -> int:
        """Number of the first row at or after a slot."""
        return self.shown.number_at(slot) if self.shown else 0

    def slot_at(self, slot: int, *, forward: bool) -> int | None:
        """Slot of the last row until a slot or, `forward`, of the first one from there; None where there is none."""
        number = self.number_at(slot if forward else slot + 1)
        rows = self.rows(number, number + 1) if forward else self.rows(number - 1, number)
        if (rows is None or not len(rows)) and not forward:
            rows = self.rows(number, number + 1)
        return int(rows.slots[0]) if rows is not None and len(rows) else None

    # What the picture is made for

    def ask(self) -> "Position | None":
        """Ask how far the source has come."""
        position = self.shown.position() if self.shown else None
        if position is not None:
            self.position = position
        return position

    def fits(self, wanted: Wanted) -> bool:
        """Whether the picture is what is wanted, or only stays as it is; it may have more than the ring has left."""
        made_for = self._made_for
        if made_for is None:
            return False
        if wanted == made_for:
            return True
        # Held at the newest row of a picture that followed the stream: it only stays.
        ends_there = (
            self.latest is not None and bool(len(self.latest)) and wanted.paused_at_slot == self.latest.slots[-1]
        )
        return wanted[:-1] == made_for[:-1] and made_for.paused_at_slot is None and ends_there

    def load(self, position: "Position", wanted: Wanted) -> bool:
        """Load what is new and some of what is old; whether the picture or a trace has changed.

        Parameters
        ----------
        position
            How far the source has come.
        wanted
            What the picture is made for.
        """
        self._follow(position)
        changed = wanted != self._made_for
        if not self.fits(wanted):
            self._trace_until(position, wanted.product)
            self._begin(position, wanted)
        self._made_for = wanted
        changed |= self._take_new(position, wanted)
        changed |= self._take_old(wanted.product)
        return changed

    def _trace_until(self, position: "Position", product: Product) -> None:
        """Let the traces have what the picture will get as history."""
        # A screen that was stopped for long has missed many rows; the newest ones are enough.
        if self._traced == (position.epoch, product):
            self._trace(max(self._next, position.count - _MAX_NEW_ROWS), position.count, product)

    def _trace(self, start: int, stop: int, product: Product) -> None:
        rows = self.rows(start, stop, product)
        if rows is not None and len(rows):
            self.traces.add(rows.data)

    def _begin(self, position: "Position", wanted: Wanted) -> None:
        """Begin a picture, and note what is to be loaded for it."""
        held, per_column = wanted.paused_at_slot, wanted.rows_per_column
        end = position.count if held is None else self.number_at(held + 1)
        last = self.rows(end - 1, end)
        self.picture = WaterfallImage(wanted.columns, len(position.axis.frequencies_mhz), per_column)
        self.latest = last
        end_slot = int(last.slots[-1]) if last is not None and len(last) else position.newest
        first_slot = (end_slot // per_column - wanted.columns + 1) * per_column
        first = self.number_at(first_slot)
        if self._traced != (position.epoch, wanted.product):
            self.traces.reset()
            self._traced = (position.epoch, wanted.product)
        if self.traces.get("max") is None:
            self._trace(max(first, end - _BLOCK_ROWS), end, wanted.product)
        self._left = self._stretches(per_column, max(first_slot, position.oldest), end_slot + 1)
        self._next = position.count

    def _stretches(self, per_column: int, start: int, stop: int) -> list[_Stretch]:
        """Return what holds the rows of some slots, the newest first: blocks where they are known, rows elsewhere."""
        coarse = self._coarse if self.past is None else None
        step = coarse.step_for(per_column) if coarse is not None else None
        numbers = self.number_at(start), self.number_at(stop)
        if coarse is None or step is None:
            return [_Stretch(1, *numbers)]
        # The oldest column may have lost some of its rows: its blocks have them still.
        begin, end = coarse.known(step, start, stop)
        if end <= begin:
            return [_Stretch(1, *numbers)]
        newer = _Stretch(1, self.number_at(end), numbers[1])
        older = _Stretch(1, numbers[0], self.number_at(begin))
        return [each for each in (newer, _Stretch(step, begin, end), older) if each.stop > each.start]

    # What comes in

    def _take_new(self, position: "Position", wanted: Wanted) -> bool:
        # The next update takes the remaining rows, so that this thread and the receiver's are not blocked for long.
        start = max(self._next, position.count - position.length)
        stop = min(position.count, start + _MAX_NEW_ROWS)
        if stop <= start:
            return False
        rows = self.rows(start, stop, wanted.product)
        if rows is None or not len(rows) or self._is_foreign(rows):
            return False
        self._next = rows.count
        self.traces.add(rows.data)
        if wanted.paused_at_slot is not None or self.picture is None:
            return False
        self.latest = self.rows(rows.count - 1, rows.count)
        self.picture.add(rows.data, rows.times_s, rows.slots, rows.marks)
        return True

    def _take_old(self, product: Product) -> bool:
        """Parts of history, the newest first, for a little while."""
        if self.picture is None or not self.loading:
            return False
        begun_s = self._clock()
        while self.loading:
            self._take_part(self.picture, product)
            if self._clock() - begun_s > _FETCH_S:
                break
        self.picture.renew_background()
        if not self._left and self.position is not None:
            self.picture.since = self.position.oldest // self.picture.store.rows_per_column
        return True

    def _take_part(self, picture: WaterfallImage, product: Product) -> None:
        """Load a part of the newest stretch that is left."""
        step, start, stop = self._left.pop(0)
        begin = max(start, stop - (_BLOCK_ROWS if step == 1 else _MAX_BLOCKS * step))
        if begin > start:
            self._left.insert(0, _Stretch(step, start, begin))
        if step > 1 and self._coarse is not None:
            picture.add_blocks(*self._coarse.between(step, begin, stop, product))
            return
        rows = self.rows(begin, stop, product)
        if rows is None or not len(rows) or self._is_foreign(rows):
            # The ring has gone on, or the stream has changed.
            self._left.clear()
            return
        picture.add(rows.data, rows.times_s, rows.slots, rows.marks)

    def _is_foreign(self, rows: "Rows") -> bool:
        """Whether rows are of another shape: the stream has changed since `ask`."""
        return self.picture is not None and rows.data.shape[1] != self.picture.store.nbins

    # Blocks of rows

    def _follow(self, position: "Position") -> None:
        """Make blocks of the rows that have come, some hundred at a time."""
        if self.past is not None:
            return
        shape = (position.epoch, position.length)
        if self._coarse is None or shape != self._coarse_of:
            self._coarse_of = shape
            self._coarse = CoarseRows(len(position.axis.frequencies_mhz), position.axis.npol, position.length)
            self._coarse_next = self.number_at(position.oldest)
        end_slot = position.newest // FINEST_STEP * FINEST_STEP
        if end_slot > self._coarse.end_slot:
            self._add_to(self._coarse, position, end_slot)

    def _add_to(self, coarse: CoarseRows, position: "Position", end_slot: int) -> None:
        start, stop = self._coarse_next, min(position.count, self._coarse_next + _MAX_NEW_ROWS)
        rows = self.rows(start, stop)
        if rows is None or not len(rows) or self._is_foreign(rows):
            return
        if rows.count - len(rows) > start:
            # Rows have left the ring before they were read: begin anew with the next update.
            self._coarse_of = None
            return
        if stop < position.count:
            end_slot = int(rows.slots[-1]) // FINEST_STEP * FINEST_STEP
        count = int(np.searchsorted(rows.slots, end_slot))
        if count:
            coarse.add(rows.first(count), end_slot)
        self._coarse_next = start + count
