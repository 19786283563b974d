"""One store of the archive: a Zarr group that grows by commits.

Chunks are replaced whole, children grow, and last of all the group's consolidated metadata is replaced in one step: it
alone says how many rows there are. Whatever ends the process between, the next one goes on from the last commit.
zarr loads with the first store.
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
    MAX_CHUNK_BYTES,
    ROOT,
    TIME_UNITS,
    StoreClaim,
    check_store,
)

log = logging.getLogger(__name__)

_TIME_CHUNK_ROWS = 64 * CHUNK_ROWS
_CHUNK_BLOCKS, _REREAD_ROWS = 256, 16
# Another cadence than the store's, by more than noise makes of it, is another stream.
_CADENCE_SLACK = 0.1


@dataclass
class ArchiveStore:
    """A store that is open for writing.

    Attributes
    ----------
    path
        Its directory.
    nrows
        Rows committed.
    last_us
        Time of the last of them, microseconds since 1970; None where there is none.
    bits
        Bits of mantissa that it keeps; None if all.
    blocks
        Makes blocks of its rows; None if the store has none, as those of earlier versions.
    wanted
        Precision that whoever writes wants.
    """

    path: Path
    nrows: int
    last_us: int | None
    bits: int | None
    blocks: BlockMaker | None
    wanted: Precision

    def takes(self, rows: Recording) -> bool:
        """Whether rows belong into it: of its day, axis and origin, and not earlier than what it has."""
        first_us = int(microseconds(rows.times_s[:1])[0])
        name = StoreName.parse(self.path.name)
        if self.bits is not None and self.wanted is Precision.EXACT:
            return False
        if name is None or name.day != day_of(first_us) or (self.last_us is not None and first_us < self.last_us):
            return False
        mine, theirs = _attributes(self.path), recording_metadata(rows) | {"frequencies": len(rows.frequencies_hz)}
        return _identity(mine) == _identity(theirs) and _is_near(mine.get("cadence_s"), theirs.get("cadence_s"))

    def append(self, rows: Recording) -> None:
        """Commit rows that it takes.

        Raises
        ------
        OSError
            If the disk does not take them; what was committed before stays.
        """
        # The consolidated metadata alone say what was committed.
        zarr = _zarr()
        stop = self.nrows + len(rows)
        times_us = microseconds(rows.times_s)
        # The noise of rows without a known cadence is not known, so they keep all their bits.
        rows = rounded_rows(rows, self.bits if rows.cadence_s > 0 else None)
        blocks = {} if self.blocks is None else self.blocks.add(rows.data)
        # Chunks without any valid value are written too, so that a missing chunk means that it was deleted.
        with zarr.config.set({"array.write_empty_chunks": True}):
            group = zarr.open_group(self.path, mode="r+", use_consolidated=True, zarr_format=3)
            for name, values in (("time", times_us), *_variables(rows)):
                _write(group[name], self.nrows, values)
            for name, values in blocks.items():
                _write(group[f"{BLOCKS}/{name}"], self.nrows // BLOCK_ROWS, values)
        zarr.consolidate_metadata(self.path, zarr_format=3)
        self.nrows, self.last_us = stop, int(times_us[-1])


def _write(array: Any, begin: int, values: Any) -> None:
    """Write rows from `begin` on, behind those that were committed."""
    if len(values):
        array.resize((begin + len(values), *array.shape[1:]))
        array[begin:] = values


def rounded_rows(rows: Recording, bits: int | None) -> Recording:
    """Return rows as a store of so many bits keeps them."""
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
    """Return the bits that the noise of rows leaves meaningful; None for all, if the noise is not known."""
    channels = channels_of(rows.frequencies_hz)
    if channels is None or not rows.cadence_s > 0:
        return None
    bits = needed_bits(channels.channel_average * CHANNEL_WIDTH_HZ, rows.cadence_s)
    return bits if bits < MANTISSA_BITS else None


def _variables(rows: Recording) -> list[tuple[str, Any]]:
    return [(plain_name(product), rows.data[..., i]) for i, product in enumerate(rows.products)]


def last_store(
    directory: Path, rows: Recording, spoilt: Collection[Path] = (), wanted: Precision = Precision.EXACT
) -> tuple[ArchiveStore | None, StoreName]:
    """Look for the store that rows go into: the last part of their day.

    Parameters
    ----------
    directory
        The archive.
    rows
        What is to be written first.
    spoilt
        Stores that are not to be gone on with.
    wanted
        Precision of a new store; an exact one is wanted also instead of one with less.

    Returns
    -------
    tuple
        The store, or None where it does not take them; and the name of the part that would be next.

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
    store = _reopened(path, wanted) if path not in spoilt else None
    return (store if store is not None and store.takes(rows) else None), following


def open_store(
    directory: Path, rows: Recording, spoilt: Collection[Path] = (), wanted: Precision = Precision.EXACT
) -> ArchiveStore:
    """The store that rows go into: the last part of their day, or a new one where it does not take them.

    Parameters are those of `last_store`.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    store, following = last_store(directory, rows, spoilt, wanted)
    return store or _created(directory / str(following), rows, wanted)


def _created(path: Path, rows: Recording, wanted: Precision) -> ArchiveStore:
    """A store without rows; it gets its name when it is whole."""
    zarr = _zarr()
    temporary = path.with_name(f".{path.name}.new")
    if os.path.lexists(temporary) and (temporary.is_symlink() or not temporary.is_dir()):
        raise ArchiveError(f"{temporary} is not a directory, so it does not belong to the archive; move it away")
    shutil.rmtree(temporary, ignore_errors=True)
    nbins = len(rows.frequencies_hz)
    # Chunks of wide frames have fewer rows, so that the memory of a chunk is limited.
    chunk_rows = max(1, min(CHUNK_ROWS, MAX_CHUNK_BYTES // max(1, 4 * nbins)))
    bits = _bits_for(rows) if wanted is Precision.NOISE else None
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
    # Bits of a kind side by side: noise does not compress, exponents and bits that were rounded away do.
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
    zarr.consolidate_metadata(temporary, zarr_format=3)
    temporary.rename(path)
    return ArchiveStore(path, 0, None, bits, BlockMaker(rows.products, nbins), wanted)


def _reopened(path: Path, wanted: Precision) -> ArchiveStore | None:
    """A store that an earlier run has left, or None where it is none; what was not committed is forgotten."""
    try:
        claim = check_store(path)
        for partial in path.rglob("*.partial"):
            partial.unlink(missing_ok=True)
        group = _zarr().open_group(path, mode="r+", use_consolidated=True, zarr_format=3)
        for name in claim.blocks:
            # A commit that completes no block leaves them alone, and would take over the shape of one that failed.
            group[f"{BLOCKS}/{name}"].resize(group[f"{BLOCKS}/{name}"].shape)
        last_us = int(group["time"][-1]) if claim.nrows else None
        return ArchiveStore(path, claim.nrows, last_us, claim.bits, _blocks_of(claim, group), wanted)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a codec or a parser makes of a spoilt store
        log.warning("%s is no store that can be gone on with (%s); the day gets another part", path, error)
        return None


def _blocks_of(claim: StoreClaim, group: Any) -> BlockMaker | None:
    """Return what goes on with a store's blocks, with the rows behind the last of them; None if it has none."""
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


def _identity(said: Mapping[str, Any]) -> tuple[Any, ...]:
    names = ("products", "chan0", "channel_average", "nchan", "frequencies", "station", "source")
    return tuple(said.get(name) for name in names)


def _is_near(cadence_s: Any, other_s: Any) -> bool:
    """Whether two cadences may be of one stream; one that is not known yet may be any."""
    return not cadence_s or not other_s or abs(float(cadence_s) - float(other_s)) <= _CADENCE_SLACK * float(other_s)


def _zarr() -> Any:
    zarr = require_extra("zarr", "an archive")
    # Version 3 has no rule for it yet; xarray and zarr read it, and it is what makes a commit one step.
    warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
    return zarr
