"""Check a file's declared axes and metadata, then load requested rows.

Each reader passes its declarations and a function that loads rows. Invalid files are refused with a message of one
sentence. Only the requested rows are loaded.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import ARBITRARY, SFU
from sunspec_tui.core.notes import notes_in_metadata
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import MAX_CADENCE_S, MAX_NAME, MIN_CADENCE_S, Recording, measured_cadence_s
from sunspec_tui.core.times import LATEST_PLAUSIBLE_S
from sunspec_tui.files.read_limits import (
    BLOCK_BYTES,
    MAX_BINS,
    MAX_ROWS,
    RowSelection,
    Unreadable,
    check_ratio,
    check_size,
)

log = logging.getLogger(__name__)

MIN_HZ, MAX_HZ = 1e3, 1e11
"""Lowest and highest frequency of a radio spectrograph."""

HZ_OF_UNIT = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
"""Units of frequencies in files, in lower case."""

Load = Callable[[NDArray[np.intp], NDArray[np.float32]], None]
"""Reads the rows with these ascending numbers into an array of shape (n, nbins, nproducts)."""


class Declared(NamedTuple):
    """Declared contents of a file whose power is not read yet.

    Attributes
    ----------
    shape
        Shape of the power: rows, bins, products.
    products
        Products on the last axis.
    times_s, frequencies_hz
        End of each row's averaging, seconds since 1970 UTC, and centres of the bins in Hz.
    metadata
        Other metadata of the file: ``cadence_s``, ``station``, ``source``, ``software``.
    load
        Reads rows.
    """

    shape: tuple[int, ...]
    products: tuple[Product, ...]
    times_s: NDArray[Any]
    frequencies_hz: NDArray[Any]
    metadata: dict[str, Any]
    load: Load


def validated_recording(path: Path, declared: Declared, selection: RowSelection, file_bytes: int) -> Recording:
    """Return the requested rows of a file.

    Frequencies are ascending, and rows without a time are left out.

    Parameters
    ----------
    path
        The file; its name is the source if the file declares none.
    declared, selection
        Contents of the file, and the requested rows.
    file_bytes
        Size of the file.

    Raises
    ------
    Unreadable
        If the declarations are inconsistent, implausible or above a limit.
    """
    times_s = np.asarray(declared.times_s, np.float64)
    frequencies_hz = np.asarray(declared.frequencies_hz, np.float64)
    _check_shape(declared, len(times_s), len(frequencies_hz))
    _check_frequencies(frequencies_hz)
    selected = _selected_rows(times_s, selection)
    order = _ascending(frequencies_hz)
    shape = (len(selected), *declared.shape[1:])
    if selection.times_only:
        check_ratio(math.prod(shape) * 4, file_bytes)
        data = np.broadcast_to(np.float32(np.nan), shape)
    else:
        check_size(math.prod(shape) * 4, file_bytes)
        data = _loaded(declared, selected, order)
    return Recording(
        data,
        declared.products,
        times_s[selected],
        frequencies_hz[order],
        _cadence_s(path, declared.metadata, times_s, quiet=selection.quiet),
        station=_text(declared.metadata.get("station", "")),
        source=_text(declared.metadata.get("source", path.name)),
        software=_text(declared.metadata.get("software", "")),
        unit=SFU if declared.metadata.get("units") == SFU else ARBITRARY,
        notes=notes_in_metadata(declared.metadata),
    )


def number(value: Any) -> float:
    """Convert a value from a file to a number.

    The result is NaN if it is not a number.
    """
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def plausible_cadence_s(value: Any) -> float:
    """Return a file's cadence, or NaN if it is implausible."""
    declared_s = number(value)
    return declared_s if MIN_CADENCE_S <= declared_s <= MAX_CADENCE_S else math.nan


def possible_lengths(lengths_s: NDArray[np.float64]) -> bool:
    """Return True if the data time of each row is plausible."""
    return bool(((lengths_s >= MIN_CADENCE_S) & (lengths_s <= MAX_CADENCE_S)).all())


def _check_shape(declared: Declared, nrows: int, nbins: int) -> None:
    wanted = (nrows, nbins, len(declared.products))
    if declared.shape != wanted or 0 in wanted:
        shape = "x".join(map(str, declared.shape[:4]))
        raise Unreadable(
            f"data of {printable(shape, 60)} do not fit {nrows} times, {nbins} frequencies and {wanted[2]} products"
        )
    if nrows > MAX_ROWS or nbins > MAX_BINS:
        raise Unreadable(f"{nrows} rows of {nbins} frequencies are more than {MAX_ROWS} of {MAX_BINS}")


def _check_frequencies(frequencies_hz: NDArray[np.float64]) -> None:
    low, high = float(frequencies_hz.min()), float(frequencies_hz.max())
    if not np.isfinite(frequencies_hz).all() or low <= 0:
        raise Unreadable("its frequencies are not all finite and positive")
    if low < MIN_HZ or high > MAX_HZ:
        raise Unreadable(f"its frequencies, {low:.4g} to {high:.4g} Hz, are not between 1 kHz and 100 GHz")


def _selected_rows(times_s: NDArray[np.float64], selection: RowSelection) -> NDArray[np.intp]:
    """Return the numbers of the requested rows."""
    # A recorder allocates more rows than it writes.
    dated = np.isfinite(times_s) & (times_s > 0)
    if not dated.any():
        raise Unreadable(f"none of its {len(times_s)} rows has a time; no data were written to it")
    selected = np.flatnonzero(dated & selection.mask(times_s))
    late = selected[times_s[selected] >= LATEST_PLAUSIBLE_S]
    if late.size:
        row = int(late[0])
        raise Unreadable(
            f"the time of row {row + 1}, {times_s[row]:.6g} s since 1970, is after 2100; choose an earlier --end"
        )
    return selected


def _cadence_s(path: Path, metadata: dict[str, Any], times_s: NDArray[np.float64], *, quiet: bool) -> float:
    """Return the file's cadence if plausible, else the cadence of its times."""
    cadence_s = plausible_cadence_s(metadata.get("cadence_s", math.nan))
    if cadence_s > 0:
        return cadence_s
    measured_s = measured_cadence_s(times_s[(times_s > 0) & (times_s < LATEST_PLAUSIBLE_S)])
    if number(metadata.get("cadence_s")) > 0 and not quiet:
        # A cadence that is missing, or not positive for unknown, is not reported.
        log.warning(
            "%s has an implausible cadence of %s s; using %.6g s from its times",
            printable(path, 80), printable(metadata["cadence_s"], 20), measured_s,
        )  # fmt: skip
    return measured_s


def _loaded(declared: Declared, selected: NDArray[np.intp], order: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return the power of rows, with the bins in ascending order."""
    data = np.empty((len(selected), *declared.shape[1:]), np.float32)
    # Values outside the range of float32 become infinite, and are shown as infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        declared.load(selected, data)
    _reorder(data, order)
    return data


def _text(value: Any) -> str:
    """Return a name from a file, in limited length."""
    return str(value)[:MAX_NAME] if isinstance(value, str) else printable(value, MAX_NAME)


def _ascending(frequencies_hz: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the order of bins by ascending frequency.

    Bins of equal frequency keep their order, or are reversed with a descending axis.
    """
    if frequencies_hz[0] <= frequencies_hz[-1]:
        return np.argsort(frequencies_hz, kind="stable")
    return len(frequencies_hz) - 1 - np.argsort(frequencies_hz[::-1], kind="stable")


def _reorder(data: NDArray[np.float32], order: NDArray[np.intp]) -> None:
    """Reorder the bins in place, without a copy of the whole array."""
    if np.array_equal(order, np.arange(len(order))):
        return
    step = max(1, BLOCK_BYTES // max(1, data[:1].nbytes))
    for begin in range(0, len(data), step):
        data[begin : begin + step] = data[begin : begin + step][:, order]
