"""Read and write e-CALLISTO FITS files.

A station's image holds 8-bit "digits" of a logarithmic detector. This program's images hold decibels or, for a signed
product, linear values. Files of other programs differ in their axes, dates and units; notes report the assumptions.
astropy is imported when a file is opened.
"""

import logging
import math
import warnings
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.flux_scale import ARBITRARY, SFU, level_unit
from sunspec_tui.core.instrument import SITE_HEIGHT_M, SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG, STATION
from sunspec_tui.core.levels import to_db
from sunspec_tui.core.notes import NOTE_KEYS
from sunspec_tui.core.printable import quote_line, unquote_line
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.recording import Recording, measured_cadence_s, recording_metadata
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
from sunspec_tui.files.fits_axes import Axes, axes_of
from sunspec_tui.files.fits_dates import observation_start_s
from sunspec_tui.files.fits_hdus import HeaderDataUnits
from sunspec_tui.files.fits_values import UNIT_CARD, blocks_of, has_sfu, scale_of
from sunspec_tui.files.read_limits import BLOCK_BYTES, RowSelection, Unreadable
from sunspec_tui.files.reader_notes import report_notes
from sunspec_tui.files.validation import Declared, plausible_cadence_s, possible_lengths, validated_recording

_OURS = "sunspec-tui"
_OUR_CARDS = ("PRODUCT", "SOURCE", "CREATOR", "CHAN0", "CHANAVG")


def read_callisto(file: BinaryIO, path: Path, selection: RowSelection) -> Recording:
    """Read a recording of one product; a station's product is named I.

    Raises
    ------
    Unreadable
        If the file is not such a spectrogram, or is above a limit.
    """
    notes = list[str]()
    with warnings.catch_warnings():
        # Stations write invalid header cards, which are ignored; a truncated file is an error.
        warnings.simplefilter("ignore")
        recording = _read(file, path, selection, notes)
    report_notes(path, notes, selection)
    return recording


def _read(file: BinaryIO, path: Path, selection: RowSelection, notes: list[str]) -> Recording:
    units = HeaderDataUnits(file)
    notes += units.notes
    header = units.image.header
    start_s = observation_start_s(header, notes)
    axes = axes_of(units, start_s, notes)
    ours = _is_ours(header)
    cadence_s = _cadence_s(header, axes.offsets_s, ours=ours)
    # The times of the file are the starts of rows.
    times_s = start_s + axes.offsets_s + _lengths_s(units, axes, cadence_s, ours=ours)
    metadata = {"cadence_s": header.get("CDELT1", 0) if ours else cadence_s} | _names(header, path, ours=ours)
    if ours and has_sfu(header):
        metadata["units"] = SFU

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        _load(units, axes, rows, out[..., 0], notes)

    shape = (len(times_s), len(axes.lines), 1)
    declared = Declared(shape, (_product(header, ours=ours),), times_s, axes.frequencies_hz, metadata, load)
    return validated_recording(path, declared, selection, units.nbytes)


def _is_ours(header: Any) -> bool:
    """Return True if this program wrote the file.

    The rows may have come from another program.
    """
    return unquote_line(str(header.get("CREATOR", ""))).startswith(_OURS) or all(name in header for name in _OUR_CARDS)


def _product(header: Any, *, ours: bool) -> Product:
    name = str(header.get("PRODUCT", "")) if ours else str(Product.I)
    if name not in tuple(Product):
        raise Unreadable(f"its PRODUCT is not one of {', '.join(Product)}")
    return Product(name)


def _cadence_s(header: Any, offsets_s: NDArray[np.float64], *, ours: bool) -> float:
    """Return the cadence; NaN if unknown.

    It is in the header of this program's files. For other files, it is measured from their times.
    """
    declared_s = plausible_cadence_s(header.get("CDELT1"))
    if ours:
        return declared_s
    measured_s = measured_cadence_s(offsets_s)
    # A single row has no step.
    return declared_s if math.isnan(measured_s) else measured_s


def _lengths_s(units: HeaderDataUnits, axes: Axes, cadence_s: float, *, ours: bool) -> NDArray[np.float64] | float:
    """Return the seconds that each row averages.

    This program's files have a column of them if the cadence changes.
    """
    if not ours or LENGTH_COLUMN not in units.columns:
        return cadence_s if cadence_s > 0 else 0.0
    found = units.columns[LENGTH_COLUMN].values
    if len(found) < len(axes.offsets_s) or not possible_lengths(found):
        raise Unreadable(f"its column {LENGTH_COLUMN} does not hold the seconds that each row lasts")
    return found[: len(axes.offsets_s)]


def _names(header: Any, path: Path, *, ours: bool) -> dict[str, str]:
    """Return the names in the header.

    Text is unquoted only if this program wrote the file.
    """
    text = unquote_line if ours else str
    return {
        "station": text(str(header.get("INSTRUME", ""))),
        "source": text(str(header.get("SOURCE", path.name))),
        "software": text(str(header.get("CREATOR", ""))),
        **(_notes(header) if ours else {}),
    }


def _notes(header: Any) -> dict[str, str]:
    """Return the notes of a file of this program."""
    named = ((key, _note_card(key)) for key in NOTE_KEYS)
    return {key: unquote_line(str(header[card])) for key, card in takewhile(lambda pair: pair[1] in header, named)}


def _load(
    units: HeaderDataUnits, axes: Axes, rows: NDArray[np.intp], out: NDArray[np.float32], notes: list[str]
) -> None:
    """Load rows of an image whose lines are channels."""
    scale = scale_of(units, notes)
    for begin, raw in blocks_of(units, BLOCK_BYTES):
        first, last = np.searchsorted(axes.lines, (begin, begin + len(raw)))
        out[:, first:last] = scale.power(raw[axes.lines[first:last] - begin][:, rows]).T


log = logging.getLogger(__name__)
_CARD_ROOM = 60
_Card = tuple[str, str | int | float, str]


def write_callisto(recording: Recording, path: Path, product: str, *, digits: bool = False) -> None:
    """Write one product of a recording.

    Parameters
    ----------
    recording, path
        The recording, and the file to write.
    product
        Product of the image.
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
    # A ratio has no unit.
    unit = ARBITRARY if product == Product.V_OVER_I else recording.unit
    values, shown_unit, scale = _image(recording.power(Product(product)), Product(product), unit, digits=digits)
    if unit != ARBITRARY:
        scale.append((UNIT_CARD, unit, "unit of power"))
    # Files of the network have the highest frequency first, and the starts of rows as times.
    image = fits.PrimaryHDU(np.ascontiguousarray(values.T[::-1]))
    starts_s, lengths_s = recording.starts_s, recording.lengths_s
    offsets_s = starts_s - starts_s[0]
    mhz = recording.frequencies_hz[::-1] / 1e6
    _describe(image.header, recording, Product(product), shown_unit, scale)
    columns = [
        fits.Column("TIME", f"{len(offsets_s)}D", unit="s", array=offsets_s[None]),
        fits.Column("FREQUENCY", f"{len(mhz)}D", unit="MHz", array=mhz[None]),
    ]
    if np.ptp(lengths_s):
        columns.append(fits.Column(LENGTH_COLUMN, f"{len(lengths_s)}D", unit="s", array=lengths_s[None]))
    fits.HDUList([image, fits.BinTableHDU.from_columns(columns)]).writeto(path)


def _image(
    power: NDArray[np.float32], product: Product, unit: str, *, digits: bool
) -> tuple[NDArray[Any], str, list[_Card]]:
    """Return the image's values, their unit, and the scale's cards."""
    if not digits:
        return (power, unit, []) if product in SIGNED_PRODUCTS else (to_db(power), level_unit(unit), [])
    if product in SIGNED_PRODUCTS:
        raise ExportError(f"{product} has a sign, which digits have not; choose XX, YY or I, or leave --digits out")
    found = digits_of(to_db(power))
    if found.outside:
        low, high = (found.zero_db + each * DB_PER_DIGIT for each in (1, MAX_DIGIT))
        log.warning(
            "%d values are not between %.1f and %.1f dB, the range of 8-bit digits, and become the nearest digit",
            found.outside, low, high,
        )  # fmt: skip
    return found.values, "digits", _cards_of(found, unit)


def _cards_of(digits: Digits, unit: str) -> list[_Card]:
    """Return the header cards that describe the digits.

    Stations write the first four; the others are of this program.
    """
    return [
        ("BZERO", 0.0, "scaling offset"),
        ("BSCALE", 1.0, "scaling factor"),
        ("DATAMIN", int(digits.values.min()), "minimum element in image"),
        ("DATAMAX", int(digits.values.max()), "maximum element in image"),
        (NO_VALUE_CARD, NO_VALUE, "digit of no value: not a number, or no power"),
        (STEP_CARD, DB_PER_DIGIT, "[dB] of a digit, 2500/255/25.4"),
        (ZERO_CARD, digits.zero_db, "[dB] of digit 0"),
        (
            "COMMENT",
            f"Power in {level_unit(unit)} is {ZERO_CARD} + digit * {STEP_CARD}; a digit of {NO_VALUE} is no value.",
            "",
        ),
    ]


def _site(station: str) -> tuple[_Card, ...]:
    """Return the header cards of the telescope's position.

    There are none for another station, because its position is unknown.
    """
    if station.casefold() not in ("", STATION.casefold()):
        return ()
    return (
        ("OBS_LAT", SITE_LATITUDE_DEG, "observatory latitude in degree"),
        ("OBS_LAC", "N", "observatory latitude code {N,S}"),
        # Use east with a sign: readers interpret the code W in different ways.
        ("OBS_LON", SITE_LONGITUDE_DEG, "observatory longitude in degree, east positive"),
        ("OBS_LOC", "E", "observatory longitude code {E,W}"),
        ("OBS_ALT", SITE_HEIGHT_M, "observatory altitude in meter asl"),
    )


def _describe(header: Any, recording: Recording, product: Product, unit: str, scale: list[_Card]) -> None:
    begin, end = (datetime.fromtimestamp(float(at), UTC) for at in (recording.starts_s[0], recording.times_s[-1]))
    metadata = recording_metadata(recording)
    # FITS headers hold only ASCII.
    station, source, software = (
        quote_line(text, ascii_only=True) for text in (recording.station, recording.source, recording.software)
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
        ("CHAN0", metadata.get("chan0", -1), "first channel of 23925.78125 Hz, -1 unknown"),
        ("CHANAVG", metadata.get("channel_average", -1), "channels averaged to a bin, -1 unknown"),
    )
    for name, value, comment in (*cards, *_site(recording.station), *scale):
        # A card holds 68 characters for the value and its comment.
        header[name] = (value, comment if len(str(value)) + len(comment) <= _CARD_ROOM else "")
    for key in NOTE_KEYS:
        if key in metadata:
            # A long note continues on the next cards.
            header[_note_card(key)] = quote_line(str(metadata[key]), ascii_only=True)


def _note_card(key: str) -> str:
    """Return the name of the card of a note, such as ``NOTE12``."""
    return key.replace("_", "").upper()
