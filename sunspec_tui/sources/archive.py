"""Reads an archive: any number of days as one Dataset, loaded where it is looked at.

Stores can be read while they grow: what was committed when they were opened is what they have. xarray, zarr and dask
load with the first archive.
"""

import logging
import math
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.archiving import StoreName, stores
from sunspec_tui.datasets import from_dataset
from sunspec_tui.errors import ArchiveError, SourceError
from sunspec_tui.extras import optional
from sunspec_tui.recording import Recording
from sunspec_tui.times import moment_s

if TYPE_CHECKING:
    import xarray

log = logging.getLogger(__name__)

_MOST_ROWS_LOADED = 500_000


def is_archive(path: Path) -> bool:
    """Whether a path is an archive's directory or one of its stores."""
    return path.is_dir()


def open_archive(
    directory: str | Path, start: "str | float | datetime | None" = None, end: "str | float | datetime | None" = None
) -> "xarray.Dataset":
    """Rows of an archive as one Dataset, in the order of their times, none twice; nothing is loaded but times.

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
        A variable for each product, ``XX`` and so on, over ``time`` and ``frequency``, in chunks of dask.

    Raises
    ------
    ArchiveError
        If there is no archive, nothing in that time, or the frequency axis changes within it.
    MissingExtraError
        If xarray, zarr or dask is not installed.
    """
    library = optional("xarray", "reading an archive")
    optional("zarr", "reading an archive")
    optional("dask", "reading an archive")
    # As in `writers.store`: what makes a commit one step has no rule in version 3 yet.
    warnings.filterwarnings("ignore", message="Consolidated metadata is currently not part")
    low = -math.inf if start is None else moment_s(start)
    high = math.inf if end is None else moment_s(end)
    found: list[Any] = [_between(each, low, high) for each in _opened(library, Path(directory), low, high)]
    found = [each for each in found if each.sizes["time"]]
    if not found:
        raise ArchiveError(f"{directory} has no rows in that time; choose another --start or --end, or another archive")
    _check_axes(Path(directory), found)
    found = _in_order(found)
    joined: xarray.Dataset = library.concat(
        found, "time", data_vars="minimal", coords="minimal", compat="override", join="override",
        combine_attrs="override",
    )  # fmt: skip
    return joined


def read_archive(path: Path, start_s: float | None = None, end_s: float | None = None) -> Recording:
    """Rows of an archive, loaded.

    Raises
    ------
    SourceError
        If there is none, or more than memory should hold.
    """
    try:
        dataset = open_archive(path, start_s, end_s)
    except ArchiveError as error:
        raise SourceError(str(error)) from error
    if dataset.sizes["time"] > _MOST_ROWS_LOADED:
        raise SourceError(
            f"{path} has {dataset.sizes['time']} rows in that time, more than fit into memory; choose --start and --end"
        )
    return from_dataset(dataset)


def _opened(library: Any, directory: Path, low: float, high: float) -> list[Any]:
    """Datasets of the stores that may have rows between two times."""
    if StoreName.parse(directory.name) and directory.is_dir():
        paths = [directory]
    else:
        named = [(StoreName.parse(path.name), path) for path in stores(directory)]
        paths = [path for name, path in named if name is not None and name.may_hold(low, high)]
        if not named:
            raise ArchiveError(f"{directory} is no archive: it has no stores such as 2026-11-25.zarr")
    opened = []
    for path in paths:
        try:
            opened.append(library.open_zarr(path, chunks={}, consolidated=True))
        except (OSError, ValueError, KeyError) as error:
            raise ArchiveError(f"{path} cannot be opened: {error}; move it away to read the others") from error
    return opened


def _times_us(dataset: Any) -> NDArray[np.int64]:
    return np.asarray(dataset["time"].values).astype("datetime64[us]").astype(np.int64)


def _between(dataset: Any, low: float, high: float) -> Any:
    times_us = _times_us(dataset)
    begin = 0 if math.isinf(low) else int(np.searchsorted(times_us, round(low * 1e6), "right"))
    end = len(times_us) if math.isinf(high) else int(np.searchsorted(times_us, round(high * 1e6), "right"))
    return dataset if (begin, end) == (0, len(times_us)) else dataset.isel(time=slice(begin, end))


def _check_axes(directory: Path, found: list[Any]) -> None:
    """Refuse stores that cannot stand side by side."""
    first = found[0]
    for other in found[1:]:
        same = list(other.data_vars) == list(first.data_vars) and np.array_equal(
            other["frequency"].values, first["frequency"].values
        )
        if not same:
            when = str(other["time"].values[0])[:19]
            raise ArchiveError(
                f"{directory}: products or frequencies change at {when} UTC; choose --start and --end on one side of it"
            )


def _in_order(found: list[Any]) -> list[Any]:
    """Stores by their first rows; rows that an earlier one reaches beyond are left out of a later one."""
    ordered, last_us = [], -1
    for each in sorted(found, key=lambda dataset: int(_times_us(dataset)[0])):
        times_us = _times_us(each)
        begin = int(np.searchsorted(times_us, last_us, "right"))
        if begin:
            log.warning("%d rows come twice in the archive, the later part's are left out", begin)
        if begin < len(times_us):
            ordered.append(each.isel(time=slice(begin, None)) if begin else each)
            last_us = int(times_us[-1])
    return ordered
