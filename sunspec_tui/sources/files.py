"""Reads recordings back: what this program exports, what recorders and e-CALLISTO stations write, older NPZ files.

A file's form is told by its first bytes, not by its name. What cannot be read is one sentence.
"""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.errors import SourceError, SunspecError
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording
from sunspec_tui.sources.archive import is_archive, read_archive
from sunspec_tui.sources.arrays import checked
from sunspec_tui.sources.callisto import read_callisto
from sunspec_tui.sources.recorder import read_recorder
from sunspec_tui.times import moment_s

_MJD_OF_1970 = 40_587
_DAY_S = 86_400.0
_LEAST_HZ = 1e5
_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, KeyError, IndexError, TypeError, ValueError)


def read_recording(path: str | Path, start_s: float | None = None, end_s: float | None = None) -> Recording:
    """A recording from a file, or from an archive's directory.

    Parameters
    ----------
    path
        The file.
    start_s, end_s
        Only rows that end after `start_s` and not after `end_s`, seconds since 1970.

    Raises
    ------
    SourceError
        If it cannot be read.
    MissingExtraError
        If that needs a library that is not installed.
    """
    path = Path(path)
    if is_archive(path):
        return read_archive(path, start_s, end_s)
    read = _reader(path)
    try:
        return read(path).between(start_s, end_s)
    except (SunspecError, MemoryError):
        raise
    except Exception as error:
        # A foreign file may hold anything, and each library has errors of its own for what it does not expect.
        raise SourceError(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def _reader(path: Path) -> Callable[[Path], Recording]:
    try:
        with path.open("rb") as file:
            begin = file.read(8)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    for magic, read in _READERS:
        if begin.startswith(magic):
            return read
    raise SourceError(
        f"{path} cannot be read: it is no FITS, HDF5, NPZ or CSV file of spectra; docs/files.md has what can be"
    )


def _read_npz(path: Path) -> Recording:
    try:
        # Opened here, because numpy leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return _older_npz(path, arrays) if "mjd" in arrays else _npz(path, arrays)
    except _UNREADABLE as error:
        raise SourceError(f"{path} cannot be read as an NPZ file of spectra: {error}") from error


def _npz(path: Path, arrays: Any) -> Recording:
    said = json.loads(str(arrays["about"]))
    return checked(
        path,
        arrays["data"],
        tuple(Product(name) for name in arrays["products"].tolist()),
        arrays["times"],
        arrays["frequencies"],
        said,
    )


def _older_npz(path: Path, arrays: Any) -> Recording:
    """``data`` (nt, nbins, 2) of I and V, ``mjd`` (nt, 1), ``freq`` in MHz or Hz."""
    data, freq = np.asarray(arrays["data"], np.float32), np.asarray(arrays["freq"], np.float64).ravel()
    frequencies_hz = freq if freq.max() > _LEAST_HZ else freq * 1e6
    times_s = (np.asarray(arrays["mjd"], np.float64).ravel() - _MJD_OF_1970) * _DAY_S
    return checked(path, data, (Product.I, Product.V)[: data.shape[-1]], times_s, frequencies_hz, {})


def _read_csv(path: Path) -> Recording:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            said, names = _csv_head(file)
            lines = [line for line in csv.reader(file) if line]
        products = tuple(dict.fromkeys(Product(line[1]) for line in lines))
        _check_order(lines, products)
        values = np.array([[float(text) for text in line[2:]] for line in lines], np.float32)
        data = values.reshape(-1, len(products), len(names) - 2).transpose(0, 2, 1)
        times_s = np.array([moment_s(line[0]) for line in lines[:: len(products)]])
        frequencies_hz = np.array([float(name) for name in names[2:]]) * 1e6
    except (*_UNREADABLE, ZeroDivisionError) as error:
        raise SourceError(f"{path} cannot be read as a CSV file of spectra: {error}") from error
    return checked(path, data, products, times_s, frequencies_hz, said)


def _check_order(lines: list[list[str]], products: tuple[Product, ...]) -> None:
    """Each row has a line for each product, in their order, and all of them its time: a sorted table has not."""
    count = len(products)
    for i, line in enumerate(lines):
        if line[1] != products[i % count] or line[0] != lines[i - i % count][0]:
            raise ValueError(f"line {i + 1} of the table is not {products[i % count]} of {lines[i - i % count][0]}")
    if not lines or len(lines) % count:
        raise ValueError("its last row lacks products" if lines else "it has no rows")


def _csv_head(file: Any) -> tuple[dict[str, Any], list[str]]:
    """What the comments say, and the names of the columns."""
    said: dict[str, Any] = {}
    for line in file:
        if not line.startswith("#"):
            return said, next(csv.reader([line]))
        key, _, value = line[1:].strip().partition("=")
        said[key] = value
    raise ValueError("it has no line of column names")


_READERS: tuple[tuple[bytes, Callable[[Path], Recording]], ...] = (
    (b"SIMPLE", read_callisto),
    (b"\x1f\x8b", read_callisto),
    (b"\x89HDF", read_recorder),
    (b"PK", _read_npz),
    (b"# ", _read_csv),
    (b"time_utc", _read_csv),
)
