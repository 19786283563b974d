"""Writes one product as an e-CALLISTO FITS file, which radiospectra and the network's own tools open.

The image is in dB where the product has decibels: detectors of that network are logarithmic, and their tools take
differences. Tools that expect the 8-bit digits of a station get them on request. astropy loads with the first file.
"""

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.levels import to_db
from sunspec_tui.core.printable import quoted
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.recording import (
    SITE_HEIGHT_M,
    SITE_LATITUDE_DEG,
    SITE_LONGITUDE_DEG,
    STATION,
    UNITS,
    Recording,
    about,
)
from sunspec_tui.files.callisto_digits import (
    DB_PER_DIGIT,
    LENGTH_COLUMN,
    MAX_DIGIT,
    NO_VALUE,
    NO_VALUE_CARD,
    STEP_CARD,
    ZERO_CARD,
    Digits,
    digits_of,
)

log = logging.getLogger(__name__)

_CARD_ROOM = 60
_Card = tuple[str, str | int | float, str]


def write_callisto(recording: Recording, path: Path, product: str, *, digits: bool = False) -> None:
    """Write one product of a recording.

    Parameters
    ----------
    recording, path
        What, and where to.
    product
        Which of its products.
    digits
        Write 8-bit digits instead of float32.

    Raises
    ------
    ExportError
        If the recording has no such product, or it has no decibels for digits.
    """
    from astropy.io import fits

    if product not in recording.carries():
        has = ", ".join(recording.carries())
        raise ExportError(f"there is no {product} to export, choose a --product of {has}")
    values, unit, scale = _image(recording.power(Product(product)), Product(product), digits=digits)
    # The network's files have the highest frequency first, and times of the beginnings.
    image = fits.PrimaryHDU(np.ascontiguousarray(values.T[::-1]))
    starts_s, lengths_s = recording.starts_s, recording.lengths_s
    offsets_s = starts_s - starts_s[0]
    mhz = recording.frequencies_hz[::-1] / 1e6
    _describe(image.header, recording, Product(product), unit, scale)
    columns = [
        fits.Column("TIME", f"{len(offsets_s)}D", unit="s", array=offsets_s[None]),
        fits.Column("FREQUENCY", f"{len(mhz)}D", unit="MHz", array=mhz[None]),
    ]
    if np.ptp(lengths_s):
        columns.append(fits.Column(LENGTH_COLUMN, f"{len(lengths_s)}D", unit="s", array=lengths_s[None]))
    fits.HDUList([image, fits.BinTableHDU.from_columns(columns)]).writeto(path)


def _image(power: NDArray[np.float32], product: Product, *, digits: bool) -> tuple[NDArray[Any], str, list[_Card]]:
    """Return the values of the image, their unit and the cards of their scale."""
    if not digits:
        return (power, UNITS, []) if product in SIGNED_PRODUCTS else (to_db(power), "dB", [])
    if product in SIGNED_PRODUCTS:
        raise ExportError(f"{product} has a sign, which digits have not; choose XX, YY or I, or leave --digits out")
    found = digits_of(to_db(power))
    if found.outside:
        low, high = (found.zero_db + each * DB_PER_DIGIT for each in (1, MAX_DIGIT))
        log.warning(
            "%d values are not between %.1f and %.1f dB, the range of 8-bit digits, and become the nearest digit",
            found.outside, low, high,
        )  # fmt: skip
    return found.values, "digits", _cards_of(found)


def _cards_of(digits: Digits) -> list[_Card]:
    """Return the cards that stations write with their digits, and those that explain ours."""
    return [
        ("BZERO", 0.0, "scaling offset"),
        ("BSCALE", 1.0, "scaling factor"),
        ("DATAMIN", int(digits.values.min()), "minimum element in image"),
        ("DATAMAX", int(digits.values.max()), "maximum element in image"),
        (NO_VALUE_CARD, NO_VALUE, "digit of no value: not a number, or no power"),
        (STEP_CARD, DB_PER_DIGIT, "[dB] of a digit, 2500/255/25.4"),
        (ZERO_CARD, digits.zero_db, "[dB] of digit 0"),
        ("COMMENT", f"Power in dB is {ZERO_CARD} + digit * {STEP_CARD}; a digit of {NO_VALUE} is no value.", ""),
    ]


def _site(station: str) -> tuple[_Card, ...]:
    """Where the telescope stands; nothing of another station, whose place is not known here."""
    if station.casefold() not in ("", STATION.casefold()):
        return ()
    return (
        ("OBS_LAT", SITE_LATITUDE_DEG, "observatory latitude in degree"),
        ("OBS_LAC", "N", "observatory latitude code {N,S}"),
        # East, with its sign: readers disagree about what W does to a number.
        ("OBS_LON", SITE_LONGITUDE_DEG, "observatory longitude in degree, east positive"),
        ("OBS_LOC", "E", "observatory longitude code {E,W}"),
        ("OBS_ALT", SITE_HEIGHT_M, "observatory altitude in meter asl"),
    )


def _describe(header: Any, recording: Recording, product: Product, unit: str, scale: list[_Card]) -> None:
    begin, end = (datetime.fromtimestamp(float(at), UTC) for at in (recording.starts_s[0], recording.times_s[-1]))
    said = about(recording)
    # FITS headers hold only ASCII.
    station, source, software = (
        quoted(text, ascii_only=True) for text in (recording.station, recording.source, recording.software)
    )
    step_mhz = float(np.diff(recording.frequencies_hz).mean()) / 1e6 if len(recording.frequencies_hz) > 1 else 0.0
    cards: tuple[_Card, ...] = (
        ("DATE", f"{begin:%Y-%m-%d}", "time of observation"),
        ("CONTENT", f"{begin:%Y/%m/%d}  Radio flux density, e-CALLISTO ({station})", "title of image"),
        ("ORIGIN", station, "organization name"),
        ("TELESCOP", "Radio Spectrometer", "type of instrument"),
        ("INSTRUME", station, "name of the spectrometer"),
        ("OBJECT", "Sun", "object description"),
        ("DATE-OBS", f"{begin:%Y/%m/%d}", "date observation starts"),
        ("TIME-OBS", f"{begin:%H:%M:%S.%f}", "time observation starts"),
        ("DATE-END", f"{end:%Y/%m/%d}", "date observation ends"),
        ("TIME-END", f"{end:%H:%M:%S.%f}", "time observation ends"),
        ("BUNIT", unit, "z-axis title"),
        ("CTYPE1", "Time [UT]", "title of axis 1"),
        ("CRPIX1", 0, "reference pixel of axis 1"),
        ("CRVAL1", begin.hour * 3600 + begin.minute * 60 + begin.second + begin.microsecond / 1e6, "[sec of day]"),
        ("CDELT1", recording.cadence_s if recording.cadence_s > 0 else 0.0, "step of axis 1 without gaps"),
        ("CTYPE2", "Frequency [MHz]", "title of axis 2"),
        ("CRPIX2", 0, "reference pixel of axis 2"),
        ("CRVAL2", float(recording.frequencies_hz[-1]) / 1e6, "value on axis 2 at the reference pixel"),
        ("CDELT2", -step_mhz, "mean step of axis 2"),
        ("PRODUCT", str(product), "polarisation product"),
        ("SOURCE", source, "stream or file that the rows came from"),
        ("CREATOR", software, "program that wrote this file"),
        ("CHAN0", said.get("chan0", -1), "first channel of 23925.78125 Hz, -1 unknown"),
        ("CHANAVG", said.get("channel_average", -1), "channels averaged to a bin, -1 unknown"),
    )
    for name, value, comment in (*cards, *_site(recording.station), *scale):
        # A card holds 68 characters for the value and its comment.
        header[name] = (value, comment if len(str(value)) + len(comment) <= _CARD_ROOM else "")
