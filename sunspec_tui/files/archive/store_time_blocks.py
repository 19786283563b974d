"""Write a store's blocks of time.

Only whole chunks are written, and the consolidated metadata of the same commit contain the number of rows that they
cover. If the process ends before that, the next writer makes them again from the rows.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, plain_name
from sunspec_tui.core.row_blocks import Integers
from sunspec_tui.files.archive.layout import CHUNK_ROWS
from sunspec_tui.files.archive.store_check import StoreClaim
from sunspec_tui.files.archive.time_block_maker import TimeBlockMaker, TimeChunk, chunk_of
from sunspec_tui.files.archive.time_blocks_check import TimeBlocksClaim
from sunspec_tui.files.archive.time_layout import (
    CHUNKS_COVERED,
    MAX_TIME_BINS,
    MISSING,
    ROWS_COVERED,
    STORED_STEPS_S,
    TIME_BLOCKS,
    time_arrays,
)

_ROWS_CHUNK = 64 * CHUNK_ROWS


def create_time_blocks(group: Any, products: tuple[Product, ...], nbins: int, compressor: Any) -> TimeBlockMaker | None:
    """Create the arrays in a new store without rows.

    Return None if the store has too many bins for blocks of time.
    """
    if nbins > MAX_TIME_BINS:
        return None
    inside = group.create_group(
        TIME_BLOCKS, attributes={ROWS_COVERED: 0, CHUNKS_COVERED: 0, "steps_s": [*STORED_STEPS_S]}
    )
    inside.create_array(MISSING, shape=(0,), chunks=(_ROWS_CHUNK,), dtype="int32", dimension_names=("time",))
    for name, layout in time_arrays(products, nbins).items():
        inside.create_array(
            name, shape=layout.shape, chunks=layout.chunk, dtype=layout.data_type, compressors=compressor, fill_value=0
        )
    return TimeBlockMaker(products, nbins)


def write_time_blocks(group: Any, nrows: int, missing: Integers, chunks: list[TimeChunk]) -> None:
    """Write what new rows add: missing rows and complete chunks.

    Parameters
    ----------
    group
        The store.
    nrows
        Number of rows before the new ones.
    missing
        Number of rows missing before each new row.
    chunks
        Complete chunks.
    """
    array = group[f"{TIME_BLOCKS}/{MISSING}"]
    array.resize((nrows + len(missing),))
    array[nrows:] = np.clip(missing, None, np.iinfo(np.int32).max).astype(np.int32)
    for chunk in chunks:
        for name, values in chunk.arrays.items():
            array = group[f"{TIME_BLOCKS}/{name}"]
            begin = chunk.number * array.chunks[0]
            end = min(begin + array.chunks[0], array.shape[0])
            array[begin:end] = values[: end - begin]


def write_coverage(path: Path, rows_covered: int, chunks_covered: int) -> None:
    """Write the coverage, which the next consolidated metadata will contain."""
    zarr = require_extra("zarr", "an archive")
    group = zarr.open_group(path / TIME_BLOCKS, mode="r+", use_consolidated=False, zarr_format=3)
    group.attrs.update({ROWS_COVERED: rows_covered, CHUNKS_COVERED: chunks_covered})


def reopened_time_blocks(claim: StoreClaim, group: Any) -> TimeBlockMaker | None:
    """Return a `TimeBlockMaker` with the rows after the last complete chunk.

    The result is None if the store has no blocks of time, or they do not fit its rows. Readers then use the rows.
    """
    timed = claim.time_blocks
    if timed is None or not _is_edge(timed, group["time"]):
        return None
    # A failed commit may have left another shape and another coverage in the metadata of these nodes.
    array = group[f"{TIME_BLOCKS}/{MISSING}"]
    array.resize(array.shape)
    write_coverage(claim.path, timed.rows_covered, timed.chunks_covered)
    products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in claim.products)
    found = TimeBlockMaker(products, claim.arrays["frequency"].shape[0], timed.rows_covered, timed.chunks_covered)
    piece = claim.arrays[plain_name(products[0])].chunk[0]
    for begin in range(timed.rows_covered, claim.nrows, piece):
        end = min(begin + piece, claim.nrows)
        data = np.stack([group[plain_name(each)][begin:end] for each in products], axis=-1)
        found.add(data, np.asarray(group["time"][begin:end], np.int64), np.asarray(array[begin:end], np.int64))
    return found


def _is_edge(timed: TimeBlocksClaim, times: Any) -> bool:
    """Return True if the covered rows end between two chunks."""
    covered, chunks = timed.rows_covered, timed.chunks_covered
    before = chunk_of(int(times[covered - 1])) == chunks - 1 if covered else chunks == 0
    return before and (covered == times.shape[0] or chunk_of(int(times[covered])) >= chunks)
