"""Timeline of recorded files: rows are read when they are shown.

At first only the axes of the files are read (`file_index`). A recorder's HDF5 file is then read in parts, any other
file as a whole. Rows and blocks that were read are kept within `MAX_ROWS_NBYTES` and `MAX_BLOCKS_NBYTES`.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bin_mapping import mapped, source_bins
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.flux_scale import SFU, FluxScale, check_not_scaled, scale_recording
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S, TimeBlocks
from sunspec_tui.core.timeline_source import TimelineAxis, TimelineExtent
from sunspec_tui.files.bounded_cache import BoundedCache
from sunspec_tui.files.file_chunks import (
    ChunkRows,
    ProductBlocks,
    blocks_nbytes,
    chunks_between,
    in_order_of_time,
    is_derived,
    joined_blocks,
    with_longer_steps,
)
from sunspec_tui.files.file_index import (
    FileIndex,
    IndexedFile,
    Progress,
    build_index,
    file_stamp,
    index_file,
)
from sunspec_tui.files.file_series import read_rows
from sunspec_tui.files.read import read_selection
from sunspec_tui.files.read_limits import RowSelection

log = logging.getLogger(__name__)

MAX_ROWS_NBYTES = 48 * 2**20
"""Largest powers of rows that are kept."""

MAX_BLOCKS_NBYTES = 80 * 2**20
"""Largest size of the blocks that are kept: all of a day of e-CALLISTO files."""

_SMALL_NBYTES = 2**20
"""Blocks of a chunk up to this size are kept even if longer ones were requested."""

Part = TypeVar("Part")
_BlocksKey = tuple[Path, int, int, int]


class FileTimeline:
    """Rows of files as a `TimelineSource`.

    All methods may be called from several threads. `extent`, `axis` and `files` do not wait while a file is read.

    Parameters
    ----------
    paths
        The files, in any order.
    selection
        The requested rows and parts of each file.
    progress
        Called with the number of indexed files, and of all.
    scale
        Flux scale for the powers; None for powers as the files have them.

    Attributes
    ----------
    unit
        Unit of the powers.

    Raises
    ------
    SourceError
        If no file can be read.
    UsageError
        If powers in sfu would be scaled again.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        selection: RowSelection | None = None,
        progress: Progress | None = None,
        scale: FluxScale | None = None,
    ) -> None:
        self._selection, self._scale = (selection or RowSelection())._replace(logged_notes=set()), scale
        self._index = build_index(paths, self._selection, progress)
        if scale is not None:
            check_not_scaled(self._index.unit)
        self.unit = self._index.unit if scale is None else SFU
        products = {product for file in self._index.files for product in file.carried}
        self._axis = TimelineAxis(
            self._index.frequencies_hz, self._index.bin_hz, tuple(product for product in Product if product in products)
        )
        self._damaged = frozenset[Path]()
        self._lock = threading.Lock()
        self._rows = BoundedCache[tuple[Path, int, int], ChunkRows](MAX_ROWS_NBYTES, lambda rows: rows.nbytes)
        self._blocks = BoundedCache[_BlocksKey, ProductBlocks](MAX_BLOCKS_NBYTES, blocks_nbytes)

    # What the files have

    @property
    def files(self) -> tuple[IndexedFile, ...]:
        """The readable files, in the order of their times."""
        return tuple(file for file in self._index.files if file.path not in self._damaged)

    @property
    def kept_nbytes(self) -> int:
        """Size of the rows and blocks in memory."""
        return self._rows.nbytes + self._blocks.nbytes

    @property
    def is_growing(self) -> bool:
        """True if a recorder was writing one of the files."""
        return any(file.is_growing for file in self.files)

    def extent(self) -> TimelineExtent | None:
        """Return the times of the rows; None without rows."""
        files = self.files
        if not files:
            return None
        newest = max(files, key=lambda file: file.end_us)
        begin_s, end_s = (each / 1e6 for each in (min(file.begin_us for file in files), newest.end_us))
        return TimelineExtent(begin_s, end_s, end_s, newest.cadence_s)

    def axis(self) -> TimelineAxis | None:
        """Return the shown bins, and the products of all files."""
        return self._axis

    def refresh(self) -> bool:
        """Read the times of files that grow; return True for new rows.

        It may read a disk.
        """
        changed = [file for file in self.files if file.is_growing and file_stamp(file.path) != file.stamp]
        renewed = [self._renew(file) for file in changed]
        return any(renewed)

    # Blocks

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return blocks, or rows, between two times; see `TimelineSource`.

        A file that cannot be read is reported once, and left out from then on.
        """
        begin_us, end_us = round(begin_s * SECOND_US), round(end_s * SECOND_US)
        found = self._rows_between if not step_s else self._blocks_between
        parts = found(step_s, begin_us, end_us, product)
        if not parts:
            return []
        blocks = in_order_of_time(parts, step_s, product)
        at_us = blocks.begin_us if step_s else blocks.last_us
        blocks = blocks.only((at_us >= begin_us) & (at_us < end_us))
        return [blocks] if len(blocks.rows) else []

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times, with the files' own bins.

        Raises
        ------
        SourceError
            If the rows need too much memory, or the files there do not belong together.
        """
        files = self._files_between(round(begin_s * SECOND_US), round(end_s * SECOND_US))
        if not files:
            return None
        start_s, last_s = ((round(each * 1e6) - 1) / 1e6 for each in (begin_s, end_s))
        selection = self._selection._replace(start_s=start_s, end_s=last_s, quiet=True)
        return scale_recording(read_rows([file.path for file in files], selection), self._scale)

    def _files_between(self, begin_us: int, end_us: int) -> list[IndexedFile]:
        """Return the files with rows that end in an interval."""
        near = [file for file in self.files if file.begin_us < end_us and file.end_us >= begin_us]
        return [file for file in near if np.diff(np.searchsorted(file.times_us, (begin_us, end_us)))[0]]

    def _rows_between(self, _: int, begin_us: int, end_us: int, product: Product) -> list[TimeBlocks]:
        """Return the rows of chunks in an interval."""
        read = self._read_chunks(begin_us, end_us, product, self._chunk_rows)
        return [rows.blocks(product) for _, rows in read]

    def _blocks_between(self, step_s: int, begin_us: int, end_us: int, product: Product) -> list[TimeBlocks]:
        """Return the blocks of chunks in an interval.

        Means of derived products are made after the blocks of several files have been merged.
        """

        def blocks_of(file: IndexedFile, chunk: slice) -> ProductBlocks:
            return self._chunk_blocks(file, chunk, step_s)

        groups: dict[tuple[Product, ...], list[ProductBlocks]] = {}
        for file, blocks in self._read_chunks(begin_us, end_us, product, blocks_of):
            groups.setdefault(file.stored if is_derived(file.stored, product) else (), []).append(blocks)
        return [joined_blocks(parts, step_s, product) for parts in groups.values()]

    # Reading

    def _read_chunks(
        self, begin_us: int, end_us: int, product: Product, read: Callable[[IndexedFile, slice], Part]
    ) -> list[tuple[IndexedFile, Part]]:
        """Read the chunks of an interval that have a product."""
        found = list[tuple[IndexedFile, Part]]()
        for file in self._files_between(begin_us, end_us):
            if product not in file.carried:
                continue
            try:
                found += [(file, read(file, chunk)) for chunk in chunks_between(file, begin_us, end_us)]
            except SourceError as error:
                self._leave_out(file, error)
        return found

    def _chunk_rows(self, file: IndexedFile, chunk: slice) -> ChunkRows:
        """Return the rows of a chunk, read if they are not kept."""
        key = (file.path, chunk.start, chunk.stop)
        with self._lock:
            found = self._rows.get(key)
            if found is None:
                found = self._read(file, chunk)
                self._rows.put(key, found)
            return found

    def _chunk_blocks(self, file: IndexedFile, chunk: slice, step_s: int) -> ProductBlocks:
        """Return the blocks of a chunk, made if they are not kept."""
        key = (file.path, chunk.start, chunk.stop)
        with self._lock:
            found = self._blocks.get((*key, step_s))
            if found is not None:
                return found
        rows = self._chunk_rows(file, chunk)
        made = with_longer_steps(rows.merged(STEPS_S[0]), STEPS_S[0])
        with self._lock:
            for each_s, blocks in made.items():
                if each_s >= step_s or blocks_nbytes(blocks) <= _SMALL_NBYTES:
                    self._blocks.put((*key, each_s), blocks)
        return made[step_s]

    def _read(self, file: IndexedFile, rows: slice) -> ChunkRows:
        """Read consecutive rows of a file, in the shown bins."""
        times_us, selection = file.times_us[rows], self._selection
        if file.read_in_parts:
            # The start of a selection is excluded. Times are compared to the microsecond.
            start_s, end_s = (int(times_us[0]) - 1) / 1e6, int(times_us[-1]) / 1e6
            selection = selection._replace(start_s=start_s, end_s=end_s)
        found = scale_recording(read_selection(file.path, selection), self._scale)
        numbers = _rows_at(np.rint(found.times_s * 1e6).astype(np.int64), times_us)
        if numbers is None:
            raise SourceError(f"{printable_name(file.path)} has changed since it was opened; view it again")
        bins = source_bins(found.frequencies_hz, self._axis.frequencies_hz, self._axis.bin_hz)
        data = found.data if np.array_equal(numbers, np.arange(len(found))) else found.data[numbers]
        shown = replace(
            found,
            data=mapped(data, bins),
            times_s=found.times_s[numbers],
            frequencies_hz=self._axis.frequencies_hz,
        )
        return ChunkRows(shown, file.row_begins_us(rows), file.missing(rows), file.restarts(rows))

    def _renew(self, file: IndexedFile) -> bool:
        """Read the times of a file again; return True for new rows."""
        try:
            found = index_file(file.path, self._selection)
        except SourceError as error:
            # A file that is being written may be inconsistent for a moment; it is read again soon.
            log.debug("%s", error)
            return False
        with self._lock:
            others = [each for each in self._index.files if each.path != file.path]
            known_us = np.concatenate([np.empty(0, np.int64), *(each.times_us for each in others)])
            found = found.without_repeated(np.sort(known_us))
            if len(found.times_us) < len(file.times_us):
                return False
            files = tuple(found if each.path == file.path else each for each in self._index.files)
            self._index = FileIndex(files, self._index.frequencies_hz, self._index.bin_hz)
        return len(found.times_us) > len(file.times_us)

    def _leave_out(self, file: IndexedFile, error: SourceError) -> None:
        """Report a file that cannot be read, once."""
        with self._lock:
            is_new = file.path not in self._damaged
            self._damaged |= {file.path}
        if is_new:
            log.warning("%s; the file is left out", error)


def _rows_at(found_us: NDArray[np.int64], times_us: NDArray[np.int64]) -> NDArray[np.intp] | None:
    """Return the first row at each time; None without one."""
    order = np.argsort(found_us, kind="stable")
    numbers = np.searchsorted(found_us[order], times_us)
    if not len(order) or int(numbers.max()) >= len(order):
        return None
    rows = order[numbers]
    return rows if np.array_equal(found_us[rows], times_us) else None
