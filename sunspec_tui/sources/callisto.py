"""Reads e-CALLISTO FITS files: those of the network's stations, and those that `writers.callisto` makes.

A station's image holds 8-bit "digits" of a logarithmic detector, ours decibels or, for a signed product, linear
values. astropy loads when a file is opened.
"""

import warnings
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.printable import printable, unquoted
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording, measured_cadence_s
from sunspec_tui.sources.arrays import Declared, checked, number, plausible_cadence_s
from sunspec_tui.sources.fits_units import Image, Units
from sunspec_tui.sources.limits import BLOCK_BYTES, Asked, Unreadable

DB_PER_DIGIT = 2500 / 255 / 25.4
"""An e-CALLISTO digit in dB: 8 bits over 2500 mV of a detector with 25.4 mV a dB."""

_OURS = "sunspec-tui"
_MAX_DATE = 40


def read_callisto(file: BinaryIO, path: Path, asked: Asked) -> Recording:
    """Read a recording of one product; a station's product is named I.

    Raises
    ------
    Unreadable
        If the file is not such a spectrogram, or is above a limit.
    """
    with warnings.catch_warnings():
        # Stations write invalid header cards, which are ignored; a truncated file is an error.
        warnings.simplefilter("ignore")
        return _read(file, path, asked)


def _read(file: BinaryIO, path: Path, asked: Asked) -> Recording:
    units = Units(file)
    header = units.image.header
    offsets_s, file_mhz = (_column(units.table, name) for name in ("TIME", "FREQUENCY"))
    if units.image.shape != (len(file_mhz), len(offsets_s)):
        raise Unreadable(
            f"an image of {units.image.shape} does not fit {len(file_mhz)} frequencies and {len(offsets_s)} times"
        )
    # Channels that have the same frequency in the file are averaged.
    mhz, places = np.unique(file_mhz, return_inverse=True)
    said = _said(header, path, offsets_s)
    cadence_s = plausible_cadence_s(said["cadence_s"])
    # Times are those of the beginnings.
    times_s = _start_s(header) + offsets_s + (cadence_s if cadence_s > 0 else 0.0)
    product = Product(header["PRODUCT"]) if "CREATOR" in header and "PRODUCT" in header else Product.I

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        _load(units, places, rows, out[..., 0])

    declared = Declared((len(offsets_s), len(mhz), 1), (product,), times_s, mhz * 1e6, said, load)
    return checked(path, declared, asked, units.nbytes)


def _said(header: Any, path: Path, offsets_s: NDArray[np.float64]) -> dict[str, Any]:
    """Return the metadata of the header; text is unquoted only if this program wrote the file."""
    ours = "CREATOR" in header
    text = unquoted if unquoted(str(header.get("CREATOR", ""))).startswith(_OURS) else str
    return {
        "cadence_s": header.get("CDELT1", 0) if ours else measured_cadence_s(offsets_s),
        "station": text(str(header.get("INSTRUME", ""))),
        "source": text(str(header.get("SOURCE", path.name))),
        "software": text(str(header.get("CREATOR", ""))),
    }


def _column(table: Any, name: str) -> NDArray[np.float64]:
    """Return the first row of a column."""
    try:
        return np.atleast_1d(np.asarray(table[name][0], np.float64)).ravel()
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise Unreadable(f"its table has no numeric column {name}") from error


def _start_s(header: Any) -> float:
    """Return the start of the first row, seconds since 1970."""
    from astropy.time import Time

    day, clock = (str(header.get(name, ""))[:_MAX_DATE].strip() for name in ("DATE-OBS", "TIME-OBS"))
    try:
        return _unix_s(Time(f"{day.replace('/', '-')}T{clock}", scale="utc"))
    except (ValueError, TypeError) as error:
        shown = printable(f"{day} {clock}", 40)
        raise Unreadable(f"its DATE-OBS and TIME-OBS, {shown!r}, are not a valid date and time") from error


def _unix_s(moment: Any) -> float:
    """Return the seconds since 1970 of an astropy time, in which every day has 86 400 s.

    A leap second is the second after it again. astropy's own `unix` stretches the seconds of a day that has one.
    """
    at = moment.ymdhms
    days = date(int(at["year"]), int(at["month"]), int(at["day"])).toordinal() - date(1970, 1, 1).toordinal()
    return days * 86_400 + int(at["hour"]) * 3600 + int(at["minute"]) * 60 + float(at["second"])


def _load(units: Units, places: NDArray[np.intp], rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
    """Load rows of an image whose lines are channels, each into its bin."""
    image = units.image
    count, ntime = np.bincount(places), image.shape[1]
    shared = count.max() > 1
    if shared:
        out[:] = 0
    lines, step = units.lines(), max(1, BLOCK_BYTES // (ntime * 8))
    for begin in range(0, len(places), step):
        bins = places[begin : begin + step]
        raw = np.frombuffer(lines.take(len(bins)), image.dtype).reshape(len(bins), ntime)
        values = _scaled(raw[:, rows], image).T
        if not shared:
            out[:, bins] = _linear(values, image.header)
            continue
        for i, place in enumerate(bins.tolist()):
            out[:, place] += values[:, i] / count[place]
    if shared:
        # Average the digits first, then convert the mean to decibels.
        for begin in range(0, len(out), step):
            out[begin : begin + step] = _linear(out[begin : begin + step].astype(np.float64), image.header)


def _scaled(raw: NDArray[Any], image: Image) -> NDArray[np.float64]:
    """Apply the image's scale and offset; blank values become NaN."""
    scale, zero = number(image.header.get("BSCALE", 1)), number(image.header.get("BZERO", 0))
    values = raw.astype(np.float64) * scale + zero
    blank = image.header.get("BLANK")
    if type(blank) is int and raw.dtype.kind != "f":
        values[raw == blank] = np.nan
    return values


def _linear(values: NDArray[np.float64], header: Any) -> NDArray[np.float64]:
    """Convert the image's values to power."""
    unit = str(header.get("BUNIT", "digits")).strip().lower()
    if unit == "arbitrary":
        return values
    return np.asarray(10 ** (values * (1.0 if unit == "db" else DB_PER_DIGIT) / 10), np.float64)
