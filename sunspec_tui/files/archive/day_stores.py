"""Describe the stores of each day: their state and row times.

The state changes with each commit, so a program that follows the archive knows which days have changed.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, plain_name
from sunspec_tui.files.archive.layout import StoreName, stores
from sunspec_tui.files.archive.reader import checked_stores
from sunspec_tui.files.archive.store_check import ROOT


class StoreTimes(NamedTuple):
    """Rows of one store.

    Attributes
    ----------
    name
        Name of the store.
    times_us
        End of each row, microseconds since 1970, ascending.
    products
        Products of the rows on the wire.
    nbins
        Number of frequencies.
    """

    name: str
    times_us: NDArray[np.int64]
    products: tuple[Product, ...]
    nbins: int


def stores_by_day(directory: Path) -> dict[str, list[Path]]:
    """Return the stores of each UTC day, the first day first.

    `directory` may also be one store.
    """
    paths = [directory] if StoreName.parse(directory.name) and directory.is_dir() else stores(directory)
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = StoreName.parse(path.name)
        if name is not None:
            found.setdefault(name.day, []).append(path)
    return found


def stores_stamp(paths: list[Path]) -> list[list[str | int]]:
    """Return the state of stores, which changes with each commit."""
    return [[path.name, *_file_state(path / ROOT)] for path in paths]


def _file_state(path: Path) -> list[int]:
    """Return inode, size and time of a file; empty without a file."""
    try:
        status = path.lstat()
    except OSError:
        return []
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def read_store_times(path: Path) -> StoreTimes:
    """Read the times of a store's rows.

    Raises
    ------
    ArchiveError
        If the store cannot be read.
    """
    if not path.is_dir():
        raise ArchiveError(f"{printable_name(path)} is not a directory, so it is no store; move it away")
    (claim,) = checked_stores(path, -math.inf, math.inf)
    zarr = require_extra("zarr", "reading an archive")
    try:
        group = zarr.open_group(path, mode="r", use_consolidated=True, zarr_format=3)
        times_us = np.asarray(group["time"][:], np.int64)
    except Exception as error:
        # Codecs and parsers raise any error for a damaged store.
        raise ArchiveError(
            f"{printable_name(path)} cannot be read: {printable(f'{type(error).__name__}: {error}', 75)}"
        ) from error
    held = tuple(product for product in WIRE_PRODUCTS if plain_name(product) in claim.products)
    return StoreTimes(path.name, times_us, held, claim.arrays["frequency"].shape[0])


def rows_between(times: StoreTimes, begin_s: float, end_s: float) -> tuple[int, int]:
    """Return the rows of a period, as (first, last + 1).

    A row that ends with a period belongs to the next one.
    """
    first, stop = np.searchsorted(times.times_us, [round(begin_s * 1e6), round(end_s * 1e6)])
    return int(first), max(int(first), int(stop))
