"""Reads e-CALLISTO FITS files: those of the network's stations, and those that `files.callisto_fits_writer` makes.

A station's image holds 8-bit "digits" of a logarithmic detector, ours decibels or, for a signed product, linear
values. Files of other programs differ in their axes, dates and units: what is assumed is reported in notes. astropy
loads when a file is opened.
"""

import math
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.printable import unquoted
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording, measured_cadence_s
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT, LENGTH_COLUMN
from sunspec_tui.files.fits_axes import Axes, axes_of
from sunspec_tui.files.fits_dates import observation_start_s
from sunspec_tui.files.fits_units import Units
from sunspec_tui.files.fits_values import blocks_of, scale_of
from sunspec_tui.files.read_limits import BLOCK_BYTES, Asked, Unreadable
from sunspec_tui.files.reader_notes import report_notes
from sunspec_tui.files.validation import Declared, plausible_cadence_s, possible_lengths, validated_recording

__all__ = ["DB_PER_DIGIT", "read_callisto"]

_OURS = "sunspec-tui"
_OUR_CARDS = ("PRODUCT", "SOURCE", "CREATOR", "CHAN0", "CHANAVG")


def read_callisto(file: BinaryIO, path: Path, asked: Asked) -> Recording:
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
        recording = _read(file, path, asked, notes)
    report_notes(path, notes, asked)
    return recording


def _read(file: BinaryIO, path: Path, asked: Asked, notes: list[str]) -> Recording:
    units = Units(file)
    notes += units.notes
    header = units.image.header
    start_s = observation_start_s(header, notes)
    axes = axes_of(units, start_s, notes)
    ours = _is_ours(header)
    cadence_s = _cadence_s(header, axes.offsets_s, ours=ours)
    # Times are those of the beginnings.
    times_s = start_s + axes.offsets_s + _lengths_s(units, axes, cadence_s, ours=ours)
    said = {"cadence_s": header.get("CDELT1", 0) if ours else cadence_s} | _names(header, path, ours=ours)

    def load(rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        _load(units, axes, rows, out[..., 0], notes)

    shape = (len(times_s), len(axes.lines), 1)
    declared = Declared(shape, (_product(header, ours=ours),), times_s, axes.frequencies_hz, said, load)
    return validated_recording(path, declared, asked, units.nbytes)


def _is_ours(header: Any) -> bool:
    """Return True if `files.callisto_fits_writer` wrote the file, also if its rows came from another program."""
    return unquoted(str(header.get("CREATOR", ""))).startswith(_OURS) or all(name in header for name in _OUR_CARDS)


def _product(header: Any, *, ours: bool) -> Product:
    name = str(header.get("PRODUCT", "")) if ours else str(Product.I)
    if name not in tuple(Product):
        raise Unreadable(f"its PRODUCT is none of {', '.join(Product)}")
    return Product(name)


def _cadence_s(header: Any, offsets_s: NDArray[np.float64], *, ours: bool) -> float:
    """Return the cadence that our header says, or that of another file's times; NaN if unknown."""
    said_s = plausible_cadence_s(header.get("CDELT1"))
    if ours:
        return said_s
    measured_s = measured_cadence_s(offsets_s)
    # One row has no step.
    return said_s if math.isnan(measured_s) else measured_s


def _lengths_s(units: Units, axes: Axes, cadence_s: float, *, ours: bool) -> NDArray[np.float64] | float:
    """Return the seconds that each row averages: in our files of several cadences, they are in a column."""
    if not ours or LENGTH_COLUMN not in units.columns:
        return cadence_s if cadence_s > 0 else 0.0
    found = units.columns[LENGTH_COLUMN].values
    if len(found) < len(axes.offsets_s) or not possible_lengths(found):
        raise Unreadable(f"its column {LENGTH_COLUMN} does not hold the seconds that each row lasts")
    return found[: len(axes.offsets_s)]


def _names(header: Any, path: Path, *, ours: bool) -> dict[str, str]:
    """Return the names in the header; text is unquoted only if this program wrote the file."""
    text = unquoted if ours else str
    return {
        "station": text(str(header.get("INSTRUME", ""))),
        "source": text(str(header.get("SOURCE", path.name))),
        "software": text(str(header.get("CREATOR", ""))),
    }


def _load(units: Units, axes: Axes, rows: NDArray[np.intp], out: NDArray[np.float32], notes: list[str]) -> None:
    """Load rows of an image whose lines are channels, each into its bin."""
    scale = scale_of(units, notes)
    for begin, raw in blocks_of(units, BLOCK_BYTES):
        first, last = np.searchsorted(axes.lines, (begin, begin + len(raw)))
        out[:, first:last] = scale.power(raw[axes.lines[first:last] - begin][:, rows]).T
