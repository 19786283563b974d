"""What a file declares, held against itself and against limits before its power is read.

Each reader brings what it has found and a way to load rows; what does not fit is refused here in one sentence, and
only rows that were asked for are loaded.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.printable import printable
from sunspec_tui.products import Product
from sunspec_tui.recording import MAX_CADENCE_S, MAX_NAME, MIN_CADENCE_S, Recording, measured_cadence_s
from sunspec_tui.sources.limits import BLOCK_BYTES, MAX_BINS, MAX_ROWS, Asked, Unreadable, check_size
from sunspec_tui.times import LATEST_PLAUSIBLE_S

log = logging.getLogger(__name__)

_MIN_HZ, _MAX_HZ = 1e3, 1e12

Load = Callable[[NDArray[np.intp], NDArray[np.float32]], None]
"""Reads rows of these numbers, ascending, into an array of shape (n, nbins, nproducts)."""


class Declared(NamedTuple):
    """What a file says that it holds; its power is not read yet.

    Attributes
    ----------
    shape
        Of its power: rows, bins, products.
    products
        Names of the last axis.
    times_s, frequencies_hz
        End of each row's averaging since 1970, and centres of the bins.
    said
        What else the file says: ``cadence_s``, ``station``, ``source``, ``software``.
    load
        Reads rows.
    """

    shape: tuple[int, ...]
    products: tuple[Product, ...]
    times_s: NDArray[Any]
    frequencies_hz: NDArray[Any]
    said: dict[str, Any]
    load: Load


def checked(path: Path, declared: Declared, asked: Asked, file_bytes: int) -> Recording:
    """The rows that were asked for, frequencies ascending; rows without a time are left out.

    Parameters
    ----------
    path
        The file, whose name is the source where it does not say.
    declared, asked
        What it has, and which rows are wanted.
    file_bytes
        Its size.

    Raises
    ------
    Unreadable
        If what it declares does not fit itself, is not plausible, or is too much.
    """
    times_s = np.asarray(declared.times_s, np.float64)
    frequencies_hz = np.asarray(declared.frequencies_hz, np.float64)
    _check_shape(declared, len(times_s), len(frequencies_hz))
    _check_frequencies(frequencies_hz)
    picked = _picked(times_s, asked)
    check_size(len(picked) * math.prod(declared.shape[1:]) * 4, file_bytes)
    data = np.empty((len(picked), *declared.shape[1:]), np.float32)
    # Values that float32 does not hold become infinite, and are shown as such.
    with np.errstate(over="ignore", invalid="ignore"):
        declared.load(picked, data)
    order = np.argsort(frequencies_hz, kind="stable")
    _reorder(data, order)
    return Recording(
        data,
        declared.products,
        times_s[picked],
        frequencies_hz[order],
        _cadence_s(path, declared.said, times_s),
        station=_text(declared.said.get("station", "")),
        source=_text(declared.said.get("source", path.name)),
        software=_text(declared.said.get("software", "")),
    )


def number(value: Any) -> float:
    """A number that a file says; NaN where it is none."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def plausible_cadence_s(value: Any) -> float:
    """A cadence that a file says; NaN where it is none that is believed."""
    said_s = number(value)
    return said_s if MIN_CADENCE_S <= said_s <= MAX_CADENCE_S else math.nan


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
        raise Unreadable("it holds values that are no frequencies")
    if low < _MIN_HZ or high > _MAX_HZ:
        raise Unreadable(f"its frequencies, {low:.4g} to {high:.4g} Hz, do not lie between 1 kHz and 1 THz")


def _picked(times_s: NDArray[np.float64], asked: Asked) -> NDArray[np.intp]:
    """Numbers of the rows that are wanted."""
    # A recorder makes room for more rows than it writes in the end.
    dated = np.isfinite(times_s) & (times_s > 0)
    if not dated.any():
        raise Unreadable(f"none of its {len(times_s)} rows has a time; nothing was written to it")
    picked = np.flatnonzero(dated & asked.picks(times_s))
    late = picked[times_s[picked] >= LATEST_PLAUSIBLE_S]
    if late.size:
        row = int(late[0])
        raise Unreadable(
            f"row {row + 1} lies at {times_s[row]:.6g} s since 1970, after 2100; choose an --end before it"
        )
    return picked


def _cadence_s(path: Path, said: dict[str, Any], times_s: NDArray[np.float64]) -> float:
    """What the file says, where that can be; else what its times say."""
    cadence_s = plausible_cadence_s(said.get("cadence_s", math.nan))
    if cadence_s > 0:
        return cadence_s
    measured_s = measured_cadence_s(times_s[(times_s > 0) & (times_s < LATEST_PLAUSIBLE_S)])
    if number(said.get("cadence_s")) > 0:
        # What is only missing, or marked as unknown, is nothing to report.
        log.warning(
            "%s says %s s from row to row, which is not believed; its times say %.6g s",
            printable(path, 80), printable(said["cadence_s"], 20), measured_s,
        )  # fmt: skip
    return measured_s


def _text(value: Any) -> str:
    """A name that a file says, no longer than names are."""
    return str(value)[:MAX_NAME] if isinstance(value, str) else printable(value, MAX_NAME)


def _reorder(data: NDArray[np.float32], order: NDArray[np.intp]) -> None:
    """Put bins in another order, without a second copy of all of them."""
    if np.array_equal(order, np.arange(len(order))):
        return
    step = max(1, BLOCK_BYTES // max(1, data[:1].nbytes))
    for begin in range(0, len(data), step):
        data[begin : begin + step] = data[begin : begin + step][:, order]
