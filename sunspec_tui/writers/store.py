"""One store of the archive: a Zarr group that grows by commits.

Chunks are replaced whole, children grow, and last of all the group's consolidated metadata is replaced in one step: it
alone says how many rows there are. Whatever ends the process between, the next one goes on from the last commit.
zarr loads with the first store.
"""

import json
import logging
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.archiving import CHUNK_ROWS, StoreName, day_of
from sunspec_tui.datasets import TIME_UNITS, variable_name
from sunspec_tui.errors import ArchiveError
from sunspec_tui.extras import optional
from sunspec_tui.recording import Recording, about

log = logging.getLogger(__name__)

_TIME_CHUNK_ROWS = 16 * CHUNK_ROWS
_ROOT = "zarr.json"
# What zarr lets through where a store is no store, or another's.
UNUSABLE = (ValueError, KeyError, TypeError, json.JSONDecodeError)


@dataclass
class ArchiveStore:
    """A store that is open for writing.

    Attributes
    ----------
    path
        Its directory.
    nrows
        Rows committed.
    last_s
        Time of the last of them, seconds since 1970; minus infinity where there is none.
    """

    path: Path
    nrows: int
    last_s: float

    def fits(self, rows: Recording) -> bool:
        """Whether rows have its axis and products."""
        return _axis_of(_attributes(self.path)) == _axis_of(about(rows) | {"frequencies": len(rows.frequencies_hz)})

    def append(self, rows: Recording) -> None:
        """Commit rows that are later than all that it holds.

        Raises
        ------
        OSError
            If the disk does not take them; what was committed before stays.
        """
        zarr = _zarr()
        group = zarr.open_group(self.path, mode="r+", use_consolidated=self.nrows > 0 or None)
        stop = self.nrows + len(rows)
        times_us = np.rint(rows.times_s * 1e6).astype(np.int64)
        for name, values in (("time", times_us), *_variables(rows)):
            array = group[name]
            array.resize((stop, *array.shape[1:]))
            array[self.nrows : stop] = values
        zarr.consolidate_metadata(self.path)
        self.nrows, self.last_s = stop, float(rows.times_s[-1])


def _variables(rows: Recording) -> list[tuple[str, Any]]:
    return [(variable_name(product), rows.data[..., i]) for i, product in enumerate(rows.products)]


def open_store(directory: Path, rows: Recording) -> ArchiveStore:
    """The store that rows go into: the last part of their day, or a new one where they do not fit it.

    Parameters
    ----------
    directory
        The archive.
    rows
        What is to be written first.

    Raises
    ------
    OSError
        If the disk does not take it.
    """
    day = day_of(float(rows.times_s[0]))
    parts = [name for path in directory.glob(f"{day}*.zarr") if (name := StoreName.parse(path.name))]
    last = max(parts, default=None)
    if last is not None:
        store = _reopened(directory / str(last))
        if store is not None and store.fits(rows) and rows.times_s[0] > store.last_s:
            return store
    part = last.part + 1 if last else 1
    return _created(directory / str(StoreName(day, part)), rows)


def _created(path: Path, rows: Recording) -> ArchiveStore:
    """A store without rows; it gets its name when it is whole."""
    zarr = _zarr()
    temporary = path.with_name(f".{path.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    nbins = len(rows.frequencies_hz)
    group = zarr.open_group(temporary, mode="w", attributes={**about(rows), "frequencies": nbins})
    group.create_array(
        "time", shape=(0,), chunks=(_TIME_CHUNK_ROWS,), dtype="int64", dimension_names=("time",),
        attributes={"units": TIME_UNITS, "calendar": "standard", "long_name": "end of averaging, UTC"},
    )  # fmt: skip
    axis = group.create_array(
        "frequency", shape=(nbins,), chunks=(nbins,), dtype="float64", dimension_names=("frequency",),
        attributes={"units": "Hz", "long_name": "centre of bin"},
    )  # fmt: skip
    axis[:] = rows.frequencies_hz
    # Bits of a kind side by side: noise does not compress, exponents do.
    packed = zarr.codecs.BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle")
    for name, _ in _variables(rows):
        group.create_array(
            name, shape=(0, nbins), chunks=(CHUNK_ROWS, nbins), dtype="float32", fill_value=np.nan,
            compressors=packed, dimension_names=("time", "frequency"), attributes={"units": "arbitrary"},
        )  # fmt: skip
    zarr.consolidate_metadata(temporary)
    temporary.rename(path)
    return ArchiveStore(path, 0, -np.inf)


def _reopened(path: Path) -> ArchiveStore | None:
    """A store that an earlier run has left, or None where it is none; what was not committed is forgotten."""
    for partial in path.rglob("*.partial"):
        partial.unlink(missing_ok=True)
    try:
        times = _zarr().open_group(path, mode="r", use_consolidated=True)["time"]
        nrows = int(times.shape[0])
        return ArchiveStore(path, nrows, float(times[-1]) / 1e6 if nrows else -np.inf)
    except UNUSABLE as error:
        log.warning("%s is no store that can be gone on with (%s); the day gets another part", path, error)
        return None


def _attributes(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / _ROOT).read_bytes())
    except ValueError as error:
        raise ArchiveError(f"{path} has metadata that cannot be read: {error}") from error
    return dict(found.get("attributes", {}))


def _axis_of(said: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(said.get(name) for name in ("products", "chan0", "channel_average", "nchan", "frequencies"))


def _zarr() -> Any:
    zarr = optional("zarr", "an archive")
    # Version 3 has no rule for it yet; xarray and zarr read it, and it is what makes a commit one step.
    warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
    return zarr
