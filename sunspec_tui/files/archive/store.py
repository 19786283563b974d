"""Write one store of the archive, a growing Zarr group.

A commit replaces whole chunks, resizes the arrays, and finally replaces the group's consolidated metadata in one step.
Only the consolidated metadata define the number of rows. If the process ends during a commit, the next process
continues from the last complete one. zarr is imported with the first store.
"""

import json
import logging
import os
import shutil
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import WIRE_PRODUCTS, plain_name
from sunspec_tui.core.recording import Recording, channels_of, recording_metadata
from sunspec_tui.files.archive.array_check import MAX_CHUNK_BYTES
from sunspec_tui.files.archive.counted_rows import counted_missing
from sunspec_tui.files.archive.layout import (
    BLOCK_ROWS,
    BLOCKS,
    CHUNK_ROWS,
    Precision,
    StoreName,
    block_arrays,
    day_of,
    microseconds,
)
from sunspec_tui.files.archive.rounding import MANTISSA_BITS, needed_bits, rounded, rounded_to_steps_of
from sunspec_tui.files.archive.store_blocks import BlockMaker
from sunspec_tui.files.archive.store_check import (
    BITS,
    EVERY_CHUNK,
    ROOT,
    TIME_UNITS,
    StoreClaim,
    check_store,
)
from sunspec_tui.files.archive.store_time_blocks import (
    create_time_blocks,
    reopened_time_blocks,
    write_coverage,
    write_time_blocks,
)
from sunspec_tui.files.archive.time_block_maker import TimeBlockMaker

log = logging.getLogger(__name__)

_TIME_CHUNK_ROWS = 64 * CHUNK_ROWS
_CHUNK_BLOCKS, _REREAD_ROWS = 256, 16
# Relative difference above which a cadence belongs to another stream; noise causes smaller differences.
_CADENCE_SLACK = 0.1


@dataclass
class ArchiveStore:
    """Store that is open for writing.

    Attributes
    ----------
    path
        Its directory.
    nrows
        Number of committed rows.
    last_us
        Time of the last row, microseconds since 1970; None without rows.
    bits
        Bits of mantissa that it keeps; None if all.
    blocks
        Makes blocks of its rows; None for a store of an earlier version, which has no blocks.
    precision
        Precision that the writer requests.
    time_blocks
        Makes blocks of time of its rows; None for a store that has none.
    """

    path: Path
    nrows: int
    last_us: int | None
    bits: int | None
    blocks: BlockMaker | None
    precision: Precision
    time_blocks: TimeBlockMaker | None = None

    def accepts(self, rows: Recording) -> bool:
        """Return True if rows fit: same day, axis and origin, not earlier."""
        first_us = int(microseconds(rows.times_s[:1])[0])
        name = StoreName.parse(self.path.name)
        if self.bits is not None and self.precision is Precision.EXACT:
            return False
        if name is None or name.day != day_of(first_us) or (self.last_us is not None and first_us < self.last_us):
            return False
        mine, theirs = _attributes(self.path), recording_metadata(rows) | {"frequencies": len(rows.frequencies_hz)}
        return _identity(mine) == _identity(theirs) and _is_near(mine.get("cadence_s"), theirs.get("cadence_s"))

    def append(self, rows: Recording) -> None:
        """Commit rows that fit.

        Raises
        ------
        OSError
            If they cannot be written; rows of earlier commits are not changed.
        """
        # Only the consolidated metadata define what was committed.
        zarr = _zarr()
        stop = self.nrows + len(rows)
        times_us = microseconds(rows.times_s)
        # Without a known cadence the noise of rows is unknown, so they keep all their bits.
        rows = rounded_rows(rows, self.bits if rows.cadence_s > 0 else None)
        blocks = {} if self.blocks is None else self.blocks.add(rows.data)
        missing = counted_missing(rows, times_us, self.last_us)
        chunks = [] if self.time_blocks is None else self.time_blocks.add(rows.data, times_us, missing)
        # Chunks without a valid value are written too, so that a missing chunk was certainly deleted.
        with zarr.config.set({"array.write_empty_chunks": True}):
            group = zarr.open_group(self.path, mode="r+", use_consolidated=True, zarr_format=3)
            for name, values in (("time", times_us), *_variables(rows)):
                _write(group[name], self.nrows, values)
            for name, values in blocks.items():
                _write(group[f"{BLOCKS}/{name}"], self.nrows // BLOCK_ROWS, values)
            if self.time_blocks is not None:
                write_time_blocks(group, self.nrows, missing, chunks)
                if chunks:
                    write_coverage(self.path, self.time_blocks.rows_covered, self.time_blocks.chunks_covered)
        zarr.consolidate_metadata(self.path, zarr_format=3)
        self.nrows, self.last_us = stop, int(times_us[-1])


def _write(array: Any, begin: int, values: Any) -> None:
    """Write rows from `begin` on, after the committed rows."""
    if len(values):
        array.resize((begin + len(values), *array.shape[1:]))
        array[begin:] = values


def rounded_rows(rows: Recording, bits: int | None) -> Recording:
    """Return rows as a store with `bits` of mantissa keeps them."""
    if bits is None:
        return rows
    data = rounded(rows.data, bits)
    if set(WIRE_PRODUCTS[:2]) <= set(rows.products):
        xx, yy = (rows.data[..., rows.products.index(each)] for each in WIRE_PRODUCTS[:2])
        for number, product in enumerate(rows.products):
            if product in WIRE_PRODUCTS[2:]:
                data[..., number] = rounded_to_steps_of(rows.data[..., number], xx, yy, bits)
    return replace(rows, data=data)


def _bits_for(rows: Recording) -> int | None:
    """Return the number of mantissa bits above the noise of rows.

    The result is None, for all bits, if the noise is unknown.
    """
    channels = channels_of(rows.frequencies_hz)
    if channels is None or not rows.cadence_s > 0:
        return None
    bits = needed_bits(channels.channel_average * CHANNEL_WIDTH_HZ, rows.cadence_s)
    return bits if bits < MANTISSA_BITS else None


def _variables(rows: Recording) -> list[tuple[str, Any]]:
    return [(plain_name(product), rows.data[..., i]) for i, product in enumerate(rows.products)]


def last_store(
    directory: Path, rows: Recording, damaged: Collection[Path] = (), precision: Precision = Precision.EXACT
) -> tuple[ArchiveStore | None, StoreName]:
    """Find the store for rows, the last part of their day.

    Parameters
    ----------
    directory
        The archive.
    rows
        The first rows to write.
    damaged
        Damaged stores, to which no rows may be added.
    precision
        Precision of a new store; if it is exact, a store with less precision does not fit.

    Returns
    -------
    tuple
        The store, or None if the rows do not fit; and the name of the next part.

    Raises
    ------
    OSError
        If the disk cannot be read.
    """
    day = day_of(int(microseconds(rows.times_s[:1])[0]))
    parts = [name for path in directory.glob(f"{day}*.zarr") if (name := StoreName.parse(path.name))]
    last = max(parts, default=None)
    if last is None:
        return None, StoreName(day)
    path, following = directory / str(last), StoreName(day, last.part + 1)
    store = _reopened(path, precision) if path not in damaged else None
    return (store if store is not None and store.accepts(rows) else None), following


def open_store(
    directory: Path, rows: Recording, damaged: Collection[Path] = (), precision: Precision = Precision.EXACT
) -> ArchiveStore:
    """Open the store for rows.

    It is the last part of their day, or a new one. Parameters are those of `last_store`.

    Raises
    ------
    OSError
        If the store cannot be written.
    """
    store, following = last_store(directory, rows, damaged, precision)
    return store or _created(directory / str(following), rows, precision)


def _created(path: Path, rows: Recording, precision: Precision) -> ArchiveStore:
    """Create a store without rows, under a temporary name at first."""
    zarr = _zarr()
    temporary = path.with_name(f".{path.name}.new")
    if os.path.lexists(temporary) and (temporary.is_symlink() or not temporary.is_dir()):
        raise ArchiveError(f"{temporary} is not a directory, so it does not belong to the archive; move it away")
    shutil.rmtree(temporary, ignore_errors=True)
    nbins = len(rows.frequencies_hz)
    # Chunks of wide frames have fewer rows, so that the memory of a chunk is limited.
    chunk_rows = max(1, min(CHUNK_ROWS, MAX_CHUNK_BYTES // max(1, 4 * nbins)))
    bits = _bits_for(rows) if precision is Precision.NOISE else None
    attributes = {
        **recording_metadata(rows),
        "frequencies": nbins,
        EVERY_CHUNK: True,
        **({} if bits is None else {BITS: bits}),
    }
    group = zarr.open_group(temporary, mode="w", attributes=attributes, zarr_format=3)
    group.create_array(
        "time", shape=(0,), chunks=(_TIME_CHUNK_ROWS,), dtype="int64", dimension_names=("time",),
        attributes={"units": TIME_UNITS, "calendar": "standard", "long_name": "end of averaging, UTC"},
    )  # fmt: skip
    axis = group.create_array(
        "frequency", shape=(nbins,), chunks=(nbins,), dtype="float64", dimension_names=("frequency",),
        attributes={"units": "Hz", "long_name": "centre of bin"},
    )  # fmt: skip
    axis[:] = rows.frequencies_hz
    # Shuffle bits: noise does not compress, but exponents and rounded bits do.
    packed = zarr.codecs.BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle")
    for name, _ in _variables(rows):
        group.create_array(
            name, shape=(0, nbins), chunks=(chunk_rows, nbins), dtype="float32", fill_value=np.nan,
            compressors=packed, dimension_names=("time", "frequency"), attributes={"units": "arbitrary"},
        )  # fmt: skip
    blocks = group.create_group(BLOCKS, attributes={"rows": BLOCK_ROWS})
    chunk_blocks = max(1, min(_CHUNK_BLOCKS, MAX_CHUNK_BYTES // max(1, 4 * nbins)))
    for name in block_arrays(rows.products):
        blocks.create_array(
            name, shape=(0, nbins), chunks=(chunk_blocks, nbins), dtype="float32", fill_value=np.nan,
            compressors=packed, dimension_names=("block", "frequency"), attributes={"units": "arbitrary"},
        )  # fmt: skip
    timed = create_time_blocks(group, rows.products, nbins, packed)
    zarr.consolidate_metadata(temporary, zarr_format=3)
    temporary.rename(path)
    return ArchiveStore(path, 0, None, bits, BlockMaker(rows.products, nbins), precision, timed)


def _reopened(path: Path, precision: Precision) -> ArchiveStore | None:
    """Reopen a store of an earlier run without uncommitted rows.

    Return None if it is not valid.
    """
    try:
        claim = check_store(path)
        for partial in path.rglob("*.partial"):
            partial.unlink(missing_ok=True)
        group = _zarr().open_group(path, mode="r+", use_consolidated=True, zarr_format=3)
        for name in claim.blocks:
            # A commit that completes no block does not write them, and would keep the shape of a failed commit.
            group[f"{BLOCKS}/{name}"].resize(group[f"{BLOCKS}/{name}"].shape)
        last_us = int(group["time"][-1]) if claim.nrows else None
        timed = reopened_time_blocks(claim, group)
        return ArchiveStore(path, claim.nrows, last_us, claim.bits, _blocks_of(claim, group), precision, timed)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - codecs and parsers raise any error for a damaged store
        log.warning("%s cannot be continued (%s); the day gets another part", path, error)
        return None


def _blocks_of(claim: StoreClaim, group: Any) -> BlockMaker | None:
    """Return a `BlockMaker` with the rows after the last block.

    The result is None if the store has no blocks.
    """
    if not claim.blocks:
        return None
    products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in claim.products)
    found = BlockMaker(products, claim.arrays["frequency"].shape[0])
    begin = claim.nrows // BLOCK_ROWS * BLOCK_ROWS
    for at in range(begin, claim.nrows, _REREAD_ROWS):
        end = min(at + _REREAD_ROWS, claim.nrows)
        found.add(np.stack([group[plain_name(each)][at:end] for each in products], axis=-1))
    return found


def _attributes(path: Path) -> dict[str, Any]:
    return dict(json.loads((path / ROOT).read_bytes()).get("attributes", {}))


def _identity(attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("products", "chan0", "channel_average", "nchan", "frequencies", "station", "source")
    return tuple(attributes.get(name) for name in names)


def _is_near(cadence_s: Any, other_s: Any) -> bool:
    """Return True if two cadences may belong to one stream.

    An unknown one fits any.
    """
    return not cadence_s or not other_s or abs(float(cadence_s) - float(other_s)) <= _CADENCE_SLACK * float(other_s)


def _zarr() -> Any:
    zarr = require_extra("zarr", "an archive")
    # The standard of version 3 does not define consolidated metadata yet. xarray and zarr read them, and they make a
    # commit atomic.
    warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
    return zarr
