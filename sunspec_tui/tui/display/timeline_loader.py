"""Load a timeline's blocks into the waterfall image in short steps.

A picture is fetched in parts, newest first. Parts have fixed edges, so that pictures of other spans and positions can
use them again. The newest columns follow the stream: only blocks that may have changed are fetched again.
"""

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from sunspec_tui.core.products import Product
from sunspec_tui.core.time_blocks import STEPS_S
from sunspec_tui.core.timeline_source import TimelineExtent, TimelineSource
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.timeline_columns import TimelineColumns
from sunspec_tui.tui.display.timeline_fetcher import FetchedPart, TimelineFetcher, TimelinePart
from sunspec_tui.tui.display.waterfall_image import WaterfallImage

# Blocks of a part, and seconds of a part of single rows. Both contain whole blocks of the longest step, so that a
# source can compare a long block with its rows.
_PART_BLOCKS, _PART_S = 128, STEPS_S[-1]
_LOAD_S = 0.012
# The screen waits this long for the parts of a changed picture, and longer for those of the first one. So they are read
# without disturbance, and drawn once.
_START_S, _FIRST_S = 0.15, 0.25
# An incomplete picture is drawn at most this often, because a drawing delays the parts that are being fetched.
_INCOMPLETE_S = 0.1
# The newest column is updated at least this often while rows come, and at most once in this share of a column.
_FOLLOW_S, _FOLLOW_SHARE = 1.0, 1 / 4
# A row may come late, or in a file. So all columns that are not finished are fetched again after this time.
_REOPEN_S = 15.0


class TimelineRequest(NamedTuple):
    """Properties of the requested picture.

    If they change, the blocks are loaded again.

    Attributes
    ----------
    frequencies_khz, nbins
        Frequencies of the bins, rounded, as bytes; and their number.
    columns, product, grid, slots
        Number of columns, product, division of the slots into columns, and length of the slots.
    paused_at_slot
        Slot at which the picture ends; None if it follows the stream.
    """

    frequencies_khz: bytes
    nbins: int
    columns: int
    product: Product
    grid: ColumnGrid
    slots: TimeSlots
    paused_at_slot: int | None

    @property
    def step_s(self) -> int:
        """Step of the picture's blocks in seconds; 0 for single rows."""
        return self.slots.step_s(self.grid.block_slots)


class TimelineLoader:
    """Loader of a picture of the timeline.

    Parameters
    ----------
    clock
        Monotonic clock in seconds.

    Attributes
    ----------
    picture
        Image of the waterfall; None before the first request.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.fetcher = TimelineFetcher()
        self.picture: WaterfallImage | None = None
        self._loaded: TimelineRequest | None = None
        self._source: TimelineSource | None = None
        self._awaited: set[TimelinePart] = set()
        self._failed: set[TimelinePart] = set()
        self._is_following = False
        self._open_slot = self._revision = 0
        self._followed_s = self._due_s = self._reopen_s = 0.0
        self._shown_s = -math.inf
        self._has_news = False
        self._next_extent: TimelineExtent | None = None

    @property
    def loading(self) -> bool:
        """True if parts are awaited."""
        return bool(self._awaited)

    def forget(self) -> None:
        """Forget the picture."""
        self.picture = self._loaded = None
        self._awaited.clear()
        self._failed.clear()

    def load(self, source: TimelineSource, request: TimelineRequest, extent: TimelineExtent) -> bool:
        """Load a part of the requested picture.

        Return True if it is to be drawn again.
        """
        self._source = source
        if extent.revision != self._revision:
            self._revision = extent.revision
            self.fetcher.clear_cache()
            self._loaded = None
        changed = not self._matches(request)
        if changed:
            self._start(request, extent)
        elif request.paused_at_slot is not None and self._is_following:
            # The picture was paused while new columns were fetched.
            self._awaited.clear()
        elif request.paused_at_slot is None and not self._awaited:
            self._follow(request, extent)
        self._loaded = request
        changed |= self._take_fetched(request, _START_S if changed else _LOAD_S)
        changed = self._is_drawn_again(changed=changed)
        if self.picture is not None:
            self.picture.oldest_column = request.grid.number_of(request.slots.slot_at(extent.begin_s))
            self._note_unloaded(request)
        return changed

    def _is_drawn_again(self, *, changed: bool) -> bool:
        """Return True if a changed picture is to be drawn.

        It is complete, or was not drawn for a while.
        """
        self._has_news |= changed
        clock_s = self._clock()
        if not self._has_news or (self._awaited and 0 <= clock_s - self._shown_s < _INCOMPLETE_S):
            return False
        self._has_news, self._shown_s = False, clock_s
        return True

    def _matches(self, request: TimelineRequest) -> bool:
        """Return True if the picture need not be loaded again."""
        loaded = self._loaded
        if loaded is None or self.picture is None:
            return False
        if request == loaded:
            return True
        # A live picture that is now paused at its newest column does not change.
        same = request._replace(paused_at_slot=None) == loaded and request.paused_at_slot is not None
        return same and request.grid.number_of(request.paused_at_slot or 0) == self.picture.store.newest

    # A new picture

    def _start(self, request: TimelineRequest, extent: TimelineExtent) -> None:
        grid, slots = request.grid, request.slots
        if self._loaded is not None and self._loaded.frequencies_khz != request.frequencies_khz:
            self.fetcher.clear_cache()
        columns = TimelineColumns(request.columns, request.nbins, grid, slots)
        end_slot = slots.slot_at(extent.end_s) if request.paused_at_slot is None else request.paused_at_slot
        columns.newest = grid.number_of(end_slot)
        self.picture = WaterfallImage(request.columns, request.nbins, grid.cell_slots, grid.cell_px, timeline=columns)
        first_slot = grid.first_slot(columns.newest - request.columns + 1)
        self._set_open(request, extent)
        self._reopen_s = self._clock() + _REOPEN_S
        self._failed.clear()
        begin_s, end_s = slots.begin_s(first_slot), slots.begin_s(grid.last_slot(columns.newest) + 1)
        parts = _parts(request, max(begin_s, extent.begin_s), min(end_s, extent.end_s + slots.slot_s), extent)
        self._fetch(parts)
        self._is_following = False
        was_drawn = self._shown_s > -math.inf
        self.fetcher.wait(_START_S if was_drawn else _FIRST_S)

    def _fetch(self, parts: list[TimelinePart]) -> None:
        self._awaited = set(parts)
        if self._source is not None:
            self.fetcher.request(self._source, parts)

    def _set_open(self, request: TimelineRequest, extent: TimelineExtent) -> None:
        """Note the first column whose rows may still change."""
        finished_slot = request.slots.slot_at(min(extent.finished_s, extent.end_s))
        self._open_slot = request.grid.first_slot(request.grid.number_of(finished_slot))
        self._followed_s = extent.end_s

    # New rows

    def _follow(self, request: TimelineRequest, extent: TimelineExtent) -> None:
        """Fetch the columns that may have changed, if there are new rows."""
        if self.picture is None or extent.end_s == self._followed_s or self._clock() < self._due_s:
            return
        grid, slots = request.grid, request.slots
        column_s = grid.cell_slots * slots.slot_s / grid.per_cell
        self._due_s = self._clock() + min(_FOLLOW_S, _FOLLOW_SHARE * column_s)
        newest = grid.number_of(slots.slot_at(extent.end_s))
        begin_slot = max(self._follow_slot(request), grid.first_slot(newest - request.columns + 1))
        end_s = slots.begin_s(grid.last_slot(newest) + 1)
        part = TimelinePart(request.step_s, slots.begin_s(begin_slot), end_s, request.product, is_finished=False)
        self._is_following, self._next_extent = True, extent
        self._failed = {each for each in self._failed if each.end_s <= part.begin_s}
        self._fetch([part])

    def _follow_slot(self, request: TimelineRequest) -> int:
        """Return the first slot to fetch again.

        It is that of the newest column and, sometimes, of all columns that are not finished.
        """
        clock_s = self._clock()
        if not 0 <= self._reopen_s - clock_s <= _REOPEN_S:
            self._reopen_s = clock_s + _REOPEN_S
            return self._open_slot
        grid = request.grid
        newest = grid.number_of(request.slots.slot_at(self._followed_s))
        return max(self._open_slot, grid.first_slot(newest))

    def _apply_followed(self, request: TimelineRequest, fetched: FetchedPart) -> None:
        """Replace the columns that may have changed."""
        picture, extent = self.picture, self._next_extent
        if picture is None or extent is None:
            return
        begin_slot = request.slots.slot_at(fetched.part.begin_s)
        newest = request.grid.number_of(request.slots.slot_at(extent.end_s))
        picture.replace_newest(request.grid.number_of(begin_slot), newest)
        self._apply(request, fetched)
        self._set_open(request, extent)

    # Fetched parts

    def _take_fetched(self, request: TimelineRequest, longest_s: float) -> bool:
        """Add fetched parts to the picture, for a limited time."""
        start_s, changed = self._clock(), False
        while (fetched := self.fetcher.next_fetched()) is not None:
            if fetched.part not in self._awaited:
                continue
            self._awaited.discard(fetched.part)
            changed = True
            if fetched.blocks is None:
                self._failed.add(fetched.part)
            elif self._is_following:
                self._apply_followed(request, fetched)
            else:
                self._apply(request, fetched)
            if self._clock() - start_s > longest_s:
                break
        if changed and not self._awaited and self.picture is not None and not self._is_following:
            self.picture.renew_background()
        return changed

    def _apply(self, request: TimelineRequest, fetched: FetchedPart) -> None:
        begin_slot, end_slot = _slots_of(fetched.part, request)
        for blocks in fetched.blocks or ():
            if self.picture is not None and blocks.mean.shape[1:] == (request.nbins,):
                self.picture.add_time_blocks(blocks, begin_slot, end_slot)

    def _note_unloaded(self, request: TimelineRequest) -> None:
        if self.picture is None or self.picture.timeline is None:
            return
        parts = self._failed if self._is_following else self._failed | self._awaited
        self.picture.timeline.unloaded_slots = [_slots_of(part, request) for part in parts]


def _slots_of(part: TimelinePart, request: TimelineRequest) -> tuple[int, int]:
    """Return the first slot of a part, and the slot after it."""
    return request.slots.slot_at(part.begin_s), request.slots.slot_at(part.end_s)


def _parts(request: TimelineRequest, begin_s: float, end_s: float, extent: TimelineExtent) -> list[TimelinePart]:
    """Return the parts of a picture, newest first.

    Parts are aligned to their length, so those at the ends may reach beyond the picture.
    """
    length_s = request.step_s * _PART_BLOCKS or _PART_S
    first, last = int(begin_s // length_s), int(end_s // length_s)
    return [
        TimelinePart(
            request.step_s,
            float(number * length_s),
            float((number + 1) * length_s),
            request.product,
            is_finished=(number + 1) * length_s <= extent.finished_s,
        )
        for number in range(last, first - 1, -1)
    ]
