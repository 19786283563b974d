"""Read an archive as xarray Datasets, loaded on demand.

A Dataset may have any number of days. Stores can be read while they grow; a Dataset has the rows that were committed
when it was opened. xarray, zarr and dask are imported with the first archive.
"""

import logging
import math
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ArchiveError, NoRowsError, SourceError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.times import parse_time_range
from sunspec_tui.files.archive.array_check import StoreRefused
from sunspec_tui.files.archive.layout import StoreName, stores
from sunspec_tui.files.archive.store_check import BITS, StoreClaim, check_store, missing_chunks
from sunspec_tui.files.xarray_dataset import from_dataset

if TYPE_CHECKING:
    import xarray

log = logging.getLogger(__name__)

_MAX_BYTES_LOADED = 2_000_000_000
_MAX_REASON = 75
_MAX_STRETCHES = 20


def is_archive(path: Path) -> bool:
    """Return True for a directory: an archive or one of its stores."""
    return path.is_dir()


def open_archive(
    directory: str | Path, start: "str | float | datetime | None" = None, end: "str | float | datetime | None" = None
) -> "xarray.Dataset":
    """Open an archive as one Dataset, sorted by time without duplicates.

    Only times are loaded at once.

    Parameters
    ----------
    directory
        The archive, or one of its stores.
    start, end
        Only rows that end after `start` and not after `end`: seconds since 1970, a datetime, or text such as
        ``2026-11-25T18:00``, in UTC.

    Returns
    -------
    xarray.Dataset
        A variable for each product, such as ``XX``, over ``time`` and ``frequency``, in chunks of dask. The attribute
        ``precision`` is the number of mantissa bits of powers, or ``exact``.

    Raises
    ------
    ArchiveError
        If there is no archive, there are no rows in that time, or the frequency axis changes within it.
    MissingExtraError
        If xarray, zarr or dask is not installed.
    """
    groups = open_by_axis(directory, start, end)
    if len(groups) > 1:
        when = str(groups[1]["time"].values[0])[:19]
        raise ArchiveError(
            f"{directory}: products or frequencies change at {when} UTC; choose --start and --end on one side of it"
        )
    return groups[0]


def open_by_axis(
    directory: str | Path, start: Any = None, end: Any = None, *, quiet: bool = False
) -> "list[xarray.Dataset]":
    """Open an archive as several Datasets.

    There is one for each frequency axis and set of products, sorted by the times of their first rows. With `quiet`,
    missing rows are not reported; other parameters are those of `open_archive`.
    """
    library = require_extra("xarray", "reading an archive")
    require_extra("zarr", "reading an archive")
    require_extra("dask", "reading an archive")
    # As in `files.archive.store`: consolidated metadata, which make a commit atomic, are not in the standard yet.
    warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
    begin_s, end_s = parse_time_range(start, end)
    low, high = -math.inf if begin_s is None else begin_s, math.inf if end_s is None else end_s
    groups: dict[Any, list[Any]] = {}
    for claim, each in _opened(library, Path(directory), low, high):
        begin, end = _numbers_between(each, low, high)
        found = each.isel(time=slice(begin, end))
        if found.sizes["time"]:
            if not quiet:
                warn_missing_rows(claim, _times_us(each), begin, end)
            groups.setdefault((tuple(found.data_vars), found["frequency"].values.tobytes()), []).append(found)
    if not groups:
        raise NoRowsError(f"{directory} has no rows in that time; choose another --start or --end, or another archive")
    joined = (_joined(library, parts, quiet=quiet) for parts in groups.values())
    return sorted(joined, key=lambda each: int(_times_us(each)[0]))


def read_archive(path: Path, start_s: float | None = None, end_s: float | None = None) -> Recording:
    """Load rows of an archive into memory.

    Raises
    ------
    SourceError
        If there are no rows, or they need too much memory.
    """
    try:
        dataset = open_archive(path, start_s, end_s)
    except ArchiveError as error:
        raise SourceError(str(error)) from error
    nbytes = dataset.nbytes
    if nbytes > _MAX_BYTES_LOADED:
        raise SourceError(
            f"{path} has {nbytes / 1e9:.1f} GB in that time, too much to load at once; choose --start and --end"
        )
    try:
        return from_dataset(dataset)
    except (RuntimeError, ValueError) as error:
        raise SourceError(
            f"{path} has a chunk that cannot be read: {error}; choose --start and --end beside it"
        ) from error


def checked_stores(directory: Path, low: float, high: float) -> list[StoreClaim]:
    """Check the stores that may have rows between two times.

    Times are in seconds since 1970.

    Raises
    ------
    ArchiveError
        If there is no store at all, or one cannot be opened.
    """
    if StoreName.parse(directory.name) and directory.is_dir():
        paths = [directory]
    else:
        named = [(StoreName.parse(path.name), path) for path in stores(directory)]
        paths = [path for name, path in named if name is not None and name.may_hold(low, high)]
        if not named:
            raise ArchiveError(f"{directory} is not an archive: it has no stores such as 2026-11-25.zarr")
    found = []
    for path in paths:
        try:
            found.append(check_store(path))
        except Exception as error:
            raise _unreadable(path, error) from error
    return found


def _opened(library: Any, directory: Path, low: float, high: float) -> list[tuple[StoreClaim, Any]]:
    """Check and open the stores that may have rows between two times."""
    opened = []
    for claim in checked_stores(directory, low, high):
        try:
            opened.append((claim, library.open_zarr(claim.path, chunks={}, consolidated=True, zarr_format=3)))
        except Exception as error:
            raise _unreadable(claim.path, error) from error
    return opened


def _unreadable(path: Path, error: Exception) -> ArchiveError:
    why = str(error) if isinstance(error, StoreRefused) else printable(f"{type(error).__name__}: {error}", _MAX_REASON)
    return ArchiveError(f"{printable_name(path)} cannot be opened: {why}; move it away to read the others")


def warn_missing_rows(claim: StoreClaim, times_us: NDArray[np.int64], begin: int, end: int) -> None:
    """Warn about rows that read as NaN because their files are missing.

    Raises
    ------
    ArchiveError
        If a file cannot be read, or was not written by this program.
    """
    try:
        missing = missing_chunks(claim, begin, end)
    except (StoreRefused, OSError) as error:
        raise _unreadable(claim.path, error) from error
    why = "files were deleted" if claim.complete else "files are missing or never held a valid value"
    for n, ((first, stop), names) in enumerate(sorted(missing.items())):
        if n == _MAX_STRETCHES:
            log.warning("%s: %d more ranges of rows are missing", printable_name(claim.path), len(missing) - n)
            return
        log.warning(
            "%s: %s of %d rows from %s to %s UTC read as NaN: their %s",
            printable_name(claim.path), ", ".join(names), stop - first, _utc(times_us[first]),
            _utc(times_us[stop - 1]), why,
        )  # fmt: skip


def _utc(time_us: np.int64) -> str:
    return f"{np.datetime64(int(time_us), 'us')}"[:19].replace("T", " ")


def _times_us(dataset: Any) -> NDArray[np.int64]:
    return np.asarray(dataset["time"].values).astype("datetime64[us]").astype(np.int64)


def _numbers_between(dataset: Any, low: float, high: float) -> tuple[int, int]:
    """Return the range of rows that end between two times.

    It is given as (first, last + 1).
    """
    times_us = _times_us(dataset)
    begin = 0 if math.isinf(low) else int(np.searchsorted(times_us, round(low * 1e6), "right"))
    end = len(times_us) if math.isinf(high) else int(np.searchsorted(times_us, round(high * 1e6), "right"))
    return begin, max(begin, end)


def _joined(library: Any, parts: list[Any], *, quiet: bool) -> Any:
    """Join stores of one axis in the order of time.

    Rows that an earlier part has are left out.
    """
    joined = library.concat(
        parts, "time", data_vars="minimal", coords="minimal", compat="override", join="override",
        combine_attrs="override",
    )  # fmt: skip
    times_us = [_times_us(part) for part in parts]
    order = _merged(times_us)
    left_out = sum(map(len, times_us)) - len(order)
    if left_out and not quiet:
        log.warning("%d rows are twice in the archive, those of the later part are left out", left_out)
    joined.attrs["precision"] = _precision({part.attrs.get(BITS) for part in parts})
    # Usually parts follow each other, and no selection is needed.
    return joined if np.array_equal(order, np.arange(joined.sizes["time"])) else joined.isel(time=order)


def _precision(bits: set[int | None]) -> str:
    """Return the precision of stores as text, from their mantissa bits.

    None means all bits.
    """
    rounded = [each for each in bits if each is not None]
    if not rounded:
        return "exact"
    return f"{'at least ' if len(bits) > 1 else ''}{min(rounded)} bits of mantissa"


def _merged(times_us: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Return the order of the rows of all parts by time.

    Rows that an earlier part has are left out. Within a part a time may be repeated, as from a stream without precise
    times.
    """
    new, seen = [], np.empty(0, np.int64)
    for part in times_us:
        new.append(~np.isin(part, seen))
        seen = np.concatenate([seen, part])
    places = np.flatnonzero(np.concatenate(new))
    return places[np.argsort(seen[places], kind="stable")]
