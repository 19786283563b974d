"""Rows and blocks of time of an archive, for the timeline.

A call opens only stores whose day is in the requested time, and reads only the chunks that it needs, so its cost does
not depend on the size of the archive. Stores may grow while they are read, in this or another process. Neither zarr
nor xarray is imported.
"""

import logging
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from sunspec_tui.core.errors import ArchiveError, MissingExtraError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import MAX_NAME, Recording, measured_cadence_s
from sunspec_tui.core.time_blocks import SECOND_US, TimeBlocks
from sunspec_tui.core.timeline_source import AxisBlocks, TimelineAxis, TimelineExtent
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.files.archive.array_check import StoreRefused
from sunspec_tui.files.archive.layout import EXTREMES, StoreName, stores
from sunspec_tui.files.archive.store_check import ROOT, check_store
from sunspec_tui.files.archive.store_rows import StoreRows
from sunspec_tui.files.archive.store_timeline import StoreTimeline, mean_and_peak
from sunspec_tui.files.archive.store_union import united_blocks, united_rows

log = logging.getLogger(__name__)

Result = TypeVar("Result")

MAX_OPEN_STORES = 64
"""Stores whose metadata are kept in memory."""

MAX_ROW_BYTES = 1 << 30
"""Power of rows that one call returns."""

_MAX_REASON = 75
_MAX_TIME_S = 253_402_300_799.0
_SETTLED_NS = 1_000_000_000
_ORIGIN = ("station", "source", "software")

_Stamp = tuple[int, int, int]


class StoreExtent(NamedTuple):
    """Rows of one store.

    Attributes
    ----------
    begin_s, end_s
        Begin of the data of its first row, and end of that of its last one, seconds since 1970 UTC.
    rows
        Number of rows.
    cadence_s
        Data time from row to row; NaN if it is not known.
    axis
        Its bins and products.
    """

    begin_s: float
    end_s: float
    rows: int
    cadence_s: float
    axis: TimelineAxis


class ArchiveBlocks:
    """Timeline of an archive, safe from any thread.

    A store that cannot be read is reported once in the log and left out.

    Parameters
    ----------
    directory
        The archive, or one of its stores. It may be created later.
    reports
        False to leave the reports of damaged stores to another reader of this process.
    """

    def __init__(self, directory: str | Path, *, reports: bool = True) -> None:
        self._directory, self._reports = Path(directory), reports
        self._lock = threading.RLock()
        self._open: OrderedDict[Path, tuple[_Stamp, StoreTimeline | None]] = OrderedDict()
        self._reported: set[Path] = set()
        self._listing: tuple[_Stamp | None, list[tuple[StoreName, Path]]] = (None, [])
        self._revision = 0

    # What there is

    def extent(self) -> TimelineExtent | None:
        """Return the times of the rows; None without rows.

        Only the first and the last day's stores are opened.
        """
        with self._lock:
            names = self._names()
            first, last = self._first_day(names), self._first_day(names[::-1])
            if not first or not last:
                return None
            begin_s, newest = min(each.begin_s for each in first), max(last, key=lambda each: each.end_s)
            return TimelineExtent(begin_s, newest.end_s, newest.end_s, newest.cadence_s, self._revision)

    def axis(self) -> TimelineAxis | None:
        """Return bins and products of the newest rows; None without rows."""
        with self._lock:
            last = self._first_day(self._names()[::-1])
            return max(last, key=lambda each: each.end_s).axis if last else None

    def extents(self, begin_s: float = -math.inf, end_s: float = math.inf) -> list[StoreExtent]:
        """Return the extents of stores with rows between two times.

        All stores in that time are opened.
        """
        with self._lock:
            found = (self._extent_of(store) for store in self._stores(begin_s, end_s))
            return [each for each in found if each is not None and each.begin_s < end_s and each.end_s >= begin_s]

    def day_begins_s(self) -> tuple[float, ...]:
        """Return the begins of the days that have stores."""
        with self._lock:
            return tuple(dict.fromkeys(name.begin_s for name, _ in self._names()))

    def station_at(self, time_s: float) -> str:
        """Return the station of the newest store that begins before a time.

        It is empty if there is none.
        """
        with self._lock:
            for name, path in reversed(self._names()):
                store = self._opened(path) if name.may_hold(-math.inf, time_s) else None
                extent = None if store is None else self._extent_of(store)
                if store is not None and extent is not None and extent.begin_s <= time_s:
                    return printable(str(store.rows.claim.attributes.get("station", "")), MAX_NAME)
        return ""

    def _first_day(self, names: list[tuple[StoreName, Path]]) -> list[StoreExtent]:
        """Return the extents of the first day that has rows."""
        found: list[StoreExtent] = []
        day = ""
        for name, path in names:
            if found and name.day != day:
                break
            store = self._opened(path)
            extent = None if store is None else self._extent_of(store)
            if extent is not None:
                day = name.day
                found.append(extent)
        return found

    def _extent_of(self, store: StoreTimeline) -> StoreExtent | None:
        rows = store.rows

        def read() -> StoreExtent:
            begin_s, end_s = rows.first_begin_us / SECOND_US, rows.limits_us()[1] / SECOND_US
            return StoreExtent(begin_s, end_s, rows.nrows, rows.cadence_s, rows.axis)

        return self._tried(rows.claim.path, read)

    # Rows and blocks

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return blocks with the bins of their own axes."""
        return [each.blocks for each in self.parts(step_s, begin_s, end_s, product)]

    def parts(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[AxisBlocks]:
        """Return the blocks between two times, a part for each axis.

        Parameters
        ----------
        step_s, begin_s, end_s, product
            As in `TimelineSource.blocks`.

        Returns
        -------
        list of AxisBlocks
            In the order of their first rows. Parts of different axes overlap where the axis changes within a block, or
            where the data's time went back.

        Raises
        ------
        ArchiveError
            If so many rows are requested that they would need too much memory.
        """
        begin_us, end_us = _microseconds(begin_s), _microseconds(end_s)
        if step_s:
            step_us = step_s * SECOND_US
            begin_us, end_us = -(-begin_us // step_us) * step_us, -(-end_us // step_us) * step_us
        with self._lock:
            groups = self._by_axis(begin_us, end_us)
            parts = [self._axis_blocks(group, step_s, (begin_us, end_us), product) for group in groups]
        found = [part for part in parts if part is not None and len(part.blocks.rows)]
        return sorted(found, key=lambda part: int(part.blocks.first_us[0]))

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times; None without rows.

        Raises
        ------
        ArchiveError
            If the axis changes in that time, or the rows need too much memory.
        """
        begin_us, end_us = _microseconds(begin_s), _microseconds(end_s)
        with self._lock:
            found = [self._rows_of(group, begin_us, end_us) for group in self._by_axis(begin_us, end_us)]
        recordings = sorted((each for each in found if each is not None), key=lambda each: float(each.times_s[0]))
        if len(recordings) > 1:
            when = format_date_and_clock(float(recordings[1].times_s[0]))
            raise ArchiveError(
                f"{self._named()}: products or frequencies change at {when} UTC; choose rows before or after it"
            )
        return recordings[0] if recordings else None

    def _axis_blocks(
        self, group: list[StoreTimeline], step_s: int, limits_us: tuple[int, int], product: Product
    ) -> AxisBlocks | None:
        store = group[0].rows
        if product not in store.axis.products:
            return None
        if not step_s:
            self._check_memory(group, *limits_us, len(store.needed(product)))

        def rows(begin_us: float, end_us: float) -> TimeBlocks:
            found = united_rows(self._parts(group, 0, (begin_us, end_us), product))
            return found if product in EXTREMES else found._replace(peak=found.peak[:, :0])

        parts = self._parts(group, step_s, limits_us, product)
        if not parts:
            return None
        united = united_blocks(parts, rows) if step_s else united_rows(parts)
        return AxisBlocks(store.axis.frequencies_hz, mean_and_peak(store, united, product))

    def _parts(
        self, group: list[StoreTimeline], step_s: int, limits_us: tuple[float, float], product: Product
    ) -> list[TimeBlocks]:
        """Return the blocks of each store that can be read."""
        found = []
        for store in group:
            part = self._tried(store.rows.claim.path, partial(store.blocks, step_s, *limits_us, product))
            if part is not None:
                found.append(part)
        return found

    def _rows_of(self, group: list[StoreTimeline], begin_us: int, end_us: int) -> Recording | None:
        """Return the rows of one axis, all products; None without rows."""
        store = group[0].rows
        self._check_memory(group, begin_us, end_us, len(store.products))
        columns = []
        for product in store.products:
            parts = self._parts(group, 0, (begin_us, end_us), product)
            columns.append(united_rows(parts) if parts else None)
        rows = [each for each in columns if each is not None]
        if len(rows) < len(columns) or not len(rows[0].rows) or len({len(each.rows) for each in rows}) > 1:
            return None
        times_s = rows[0].last_us / SECOND_US
        measured_s = measured_cadence_s(times_s)
        station, source, software = (str(store.claim.attributes.get(name, ""))[:MAX_NAME] for name in _ORIGIN)
        return Recording(
            np.stack([each.mean for each in rows], axis=-1), store.products, times_s, store.axis.frequencies_hz,
            measured_s if measured_s > 0 else store.cadence_s, station, source, software, times_s[rows[0].restarts],
        )  # fmt: skip

    def _check_memory(self, group: list[StoreTimeline], begin_us: float, end_us: float, needed: int) -> None:
        counts = (
            self._tried(each.rows.claim.path, partial(each.rows.rows_between, begin_us, end_us)) for each in group
        )
        nrows = sum(end - begin for begin, end in (each for each in counts if each is not None))
        nbytes = 4 * nrows * needed * len(group[0].rows.axis.frequencies_hz)
        if nbytes > MAX_ROW_BYTES:
            raise ArchiveError(
                f"{self._named()} has {nbytes / 1e9:.1f} GB of rows in that time, too much to read at once; "
                "choose a shorter time"
            )

    # Stores

    def _by_axis(self, begin_us: int, end_us: int) -> list[list[StoreTimeline]]:
        """Return the stores with rows between two times, by axis and products."""
        groups: dict[object, list[StoreTimeline]] = {}
        for store in self._stores(begin_us / SECOND_US, (end_us - 1) / SECOND_US):
            limits = self._tried(store.rows.claim.path, store.rows.limits_us)
            if limits is not None and limits[0] < end_us and limits[1] >= begin_us:
                axis = store.rows.axis
                groups.setdefault((axis.frequencies_hz.tobytes(), store.rows.products), []).append(store)
        return list(groups.values())

    def _stores(self, begin_s: float, end_s: float) -> list[StoreTimeline]:
        """Return the stores of the days between two times."""
        found = (self._opened(path) for name, path in self._names() if name.may_hold(begin_s, end_s))
        return [store for store in found if store is not None]

    def _names(self) -> list[tuple[StoreName, Path]]:
        """Return all stores; a changed directory is read again.

        Raises
        ------
        ArchiveError
            If the directory cannot be read, or its stores are gone: an empty answer would look like a gap.
        """
        try:
            status = self._directory.stat()
            stamp = status.st_mtime_ns, status.st_ino, 0
            if self._listing[0] == stamp:
                return self._listing[1]
            own = StoreName.parse(self._directory.name)
            paths = [self._directory] if own is not None else stores(self._directory)
        except FileNotFoundError:
            paths, stamp = [], (0, 0, 0)
        except OSError as error:
            raise ArchiveError(f"{self._named()} cannot be read: {error.strerror or error}; check its disk") from error
        if not paths and self._listing[1]:
            raise ArchiveError(f"the stores of {self._named()} are gone; mount the archive again")
        names = [(StoreName.parse(path.name), path) for path in paths]
        # A change in the same moment would not change the time of the directory.
        settled = time.time_ns() - stamp[0] > _SETTLED_NS
        found = [(name, path) for name, path in names if name is not None]
        self._revision += _has_changed_days(self._listing[1], found)
        self._listing = stamp if settled else None, found
        return self._listing[1]

    def _opened(self, path: Path) -> StoreTimeline | None:
        """Return a store as it is now; None without readable rows."""
        try:
            status = os.lstat(path / ROOT)
        except OSError:
            return None
        stamp = status.st_mtime_ns, status.st_ino, status.st_size
        known = self._open.get(path)
        if known is not None and known[0] == stamp:
            self._open.move_to_end(path)
            return known[1]
        store = self._tried(path, partial(_checked, path))
        self._open[path] = stamp, store
        while len(self._open) > MAX_OPEN_STORES:
            self._open.popitem(last=False)
        return store

    def _tried(self, path: Path, read: Callable[[], Result]) -> Result | None:
        """Read from a store; if that fails, report it once."""
        try:
            return read()
        except (MemoryError, MissingExtraError):
            raise
        except Exception as error:  # noqa: BLE001 - codecs and parsers raise any error for a damaged store
            if self._reports and path not in self._reported and path.exists():
                self._reported.add(path)
                why = str(error) if isinstance(error, StoreRefused) else f"{type(error).__name__}: {error}"
                log.warning(
                    "%s is left out of the history: %s; move it away", printable_name(path), printable(why, _MAX_REASON)
                )
            return None

    def _named(self) -> str:
        return printable_name(self._directory)


def _has_changed_days(before: list[tuple[StoreName, Path]], now: list[tuple[StoreName, Path]]) -> bool:
    """Return True if stores were removed, or added before the newest day."""
    if not before:
        return False
    newest = max(name.day for name, _ in before)
    added = {path: name for name, path in now}
    lost = {path for _, path in before} - added.keys()
    return bool(lost) or any(added[path].day < newest for path in added.keys() - {path for _, path in before})


def _checked(path: Path) -> StoreTimeline | None:
    """Check a store; None if it has no rows."""
    claim = check_store(path)
    return StoreTimeline(StoreRows(claim)) if claim.nrows else None


def _microseconds(time_s: float) -> int:
    """Return a storable time in whole microseconds."""
    return round(min(max(time_s, 0.0), _MAX_TIME_S) * SECOND_US)
