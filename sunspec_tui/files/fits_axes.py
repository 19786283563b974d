"""Read the time and frequency axes of a FITS image.

The axes are in tables, or else in the header cards CRVAL and CDELT. Notes report assumptions and omissions. Axes that
contradict the image are refused.
"""

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.printable import printable
from sunspec_tui.files.fits_hdus import FREQUENCY, TIME, Column, HeaderDataUnits
from sunspec_tui.files.read_limits import Unreadable
from sunspec_tui.files.validation import HZ_OF_UNIT, MAX_HZ, MIN_HZ, number, plausible_cadence_s

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "ms": 1e-3, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_BRACKETS = re.compile(r"\[([^\]]*)\]")
_MAX_UNIT = 20
_DAY_S, _MIN_DAY_S = 86_400.0, 60.0
_MAX_OFFSET_S = 366 * _DAY_S
_CARDS = (("CRVAL", None), ("CDELT", None), ("CRPIX", 0))


class Axes(NamedTuple):
    """Axes of an image.

    Attributes
    ----------
    offsets_s
        Seconds from the start of the observation to each row; NaN for a row without a time.
    frequencies_hz
        Frequencies of the channels that are kept, in their order in the image.
    lines
        Numbers of the image's lines that are kept, ascending.
    """

    offsets_s: NDArray[np.float64]
    frequencies_hz: NDArray[np.float64]
    lines: NDArray[np.intp]


def axes_of(units: HeaderDataUnits, start_s: float, notes: list[str]) -> Axes:
    """Return the axes of the image.

    Parameters
    ----------
    units
        The file.
    start_s
        Start of the observation, seconds since 1970.
    notes
        List to which notes about assumptions and omissions are added.

    Raises
    ------
    Unreadable
        If there are no axes, or they do not fit the image.
    """
    nlines, nrows = units.image.shape
    frequencies_hz = _frequencies_hz(units, nlines, notes)
    offsets_s = _offsets_s(units, nrows, start_s, notes)
    unused = np.isnan(frequencies_hz) | (frequencies_hz == 0)
    if unused.all():
        raise Unreadable("none of its channels has a frequency")
    if unused.any():
        notes.append(f"{unused.sum()} of its {nlines} channels are left out: they have no frequency, or 0 MHz")
    return Axes(offsets_s, frequencies_hz[~unused], np.flatnonzero(~unused))


def _offsets_s(units: HeaderDataUnits, count: int, start_s: float, notes: list[str]) -> NDArray[np.float64]:
    column = units.columns.get(TIME)
    if column is None:
        step_s = plausible_cadence_s(units.image.header.get("CDELT1"))
        if not step_s > 0:
            raise Unreadable("it has no times: neither a column TIME nor CDELT1")
        notes.append(f"it has no table of times: they are counted in steps of CDELT1, {step_s:g} s")
        return np.asarray(np.arange(count) * step_s, np.float64)
    offsets_s = _fitting(units, column, count, "times") * _factor(column.unit, _SECONDS, "s", "times")
    _check_offsets(offsets_s, notes)
    day_s = start_s % _DAY_S
    if day_s > _MIN_DAY_S and abs(offsets_s[0] - day_s) < 1:
        notes.append("its times are read as seconds of the day, because they begin with that of TIME-OBS")
        return offsets_s - day_s
    return offsets_s


def _check_offsets(offsets_s: NDArray[np.float64], notes: list[str]) -> None:
    """Refuse impossible times.

    Notes report rows without a time, and steps that are not positive.
    """
    timed = np.isfinite(offsets_s)
    dated_s = offsets_s[timed]
    if dated_s.size and np.abs(dated_s).max() > _MAX_OFFSET_S:
        raise Unreadable("its column TIME is not seconds from the start: it reaches over a year")
    steps_s = np.diff(dated_s)
    if steps_s.size and not steps_s.any():
        raise Unreadable(f"it has no times: all {len(dated_s)} values of its column TIME are the same")
    if missing := len(offsets_s) - len(dated_s):
        notes.append(f"{missing} of its {len(offsets_s)} rows are left out: they have no time")
    back = np.flatnonzero(steps_s < 0)
    if back.size:
        row = int(np.flatnonzero(timed)[back[0]]) + 1
        more = f" and {back.size - 1} times more" if back.size > 1 else ""
        notes.append(f"its time goes back {-steps_s[back[0]]:g} s after row {row}{more}: a new sequence begins there")
    if equal := int((steps_s == 0).sum()):
        notes.append(f"{equal} of its rows have the same time as the row before")


def _frequencies_hz(units: HeaderDataUnits, count: int, notes: list[str]) -> NDArray[np.float64]:
    column = units.columns.get(FREQUENCY)
    if column is None:
        values, unit = _counted(units.image.header, count), _card_unit(units.image.header)
        notes.append("it has no table of frequencies: they are counted from CRVAL2 in steps of CDELT2")
    else:
        values, named = _fitting(units, column, count, "frequencies"), _card_unit(units.image.header)
        unit = column.unit or (named if named.lower() in HZ_OF_UNIT else "")
    factor = _factor(unit, HZ_OF_UNIT, "MHz", "frequencies")
    if _plausible(values * factor):
        return values * factor
    for name in ("Hz", "MHz"):
        if _plausible(values * HZ_OF_UNIT[name.lower()]):
            notes.append(f"its frequencies, {_span(values)}, can only be in {name}")
            return values * HZ_OF_UNIT[name.lower()]
    return values * factor


def _counted(header: Any, count: int) -> NDArray[np.float64]:
    """Return the frequencies of the cards CRVAL2, CDELT2 and CRPIX2."""
    first, step, reference = (number(header.get(f"{name}2", default)) for name, default in _CARDS)
    if not (np.isfinite([first, step, reference]).all() and (step or count == 1)):
        raise Unreadable("it has no frequencies: neither a column FREQUENCY nor CRVAL2 and CDELT2")
    # Stations count from 0 and write a reference pixel of 0; the standard counts from 1.
    values = first + (np.arange(count) - (reference - 1 if reference else 0)) * step
    # Stations write the numbers of the channels instead of frequencies.
    if abs(step) == 1 and values.min() in (0, 1) and values[0 if step < 0 else -1] in (count, count - 1):
        raise Unreadable("it has no frequencies: no column FREQUENCY, and CRVAL2 only counts channels")
    return np.asarray(values, np.float64)


def _card_unit(header: Any) -> str:
    """Return the unit of the second axis.

    It is in CUNIT2, or in the brackets of CTYPE2.
    """
    named = str(header.get("CUNIT2", "")).strip()
    found = _BRACKETS.search(str(header.get("CTYPE2", "")))
    return named or (found[1].strip() if found else "")


def _fitting(units: HeaderDataUnits, column: Column, count: int, what: str) -> NDArray[np.float64]:
    """Return the values of a column for the image.

    The image may be shorter than its table.
    """
    if len(column.values) < count:
        nlines, nrows = units.image.shape
        raise Unreadable(f"an image of {nlines} x {nrows} values does not fit its {len(column.values)} {what}")
    return column.values[:count]


def _factor(unit: str, known: dict[str, float], usual: str, what: str) -> float:
    """Return the factor of a unit.

    If no unit is given, it is the usual one.
    """
    factor = known.get((unit.strip(" []") or usual).lower())
    if factor is None:
        choices = "Hz, kHz, MHz or GHz" if known is HZ_OF_UNIT else "s, ms, min, h or d"
        raise Unreadable(f"the unit of its {what}, {printable(unit, _MAX_UNIT)!r}, is not {choices}")
    return factor


def _plausible(frequencies_hz: NDArray[np.float64]) -> bool:
    """Return True if all frequencies of channels in use are possible."""
    used = frequencies_hz[~(np.isnan(frequencies_hz) | (frequencies_hz == 0))]
    return bool(used.size and used.min() >= MIN_HZ and used.max() <= MAX_HZ)


def _span(values: NDArray[np.float64]) -> str:
    used = values[values > 0]
    return f"{used.min():.4g} to {used.max():.4g}"
