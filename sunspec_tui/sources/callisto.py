"""Reads e-CALLISTO FITS files: those of the network's stations, and those that `writers.callisto` makes.

A station's image holds 8-bit "digits" of a logarithmic detector, ours decibels or, for a signed product, linear
values. astropy loads when a file is opened.
"""

import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.errors import SourceError
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording, measured_cadence_s
from sunspec_tui.sources.arrays import checked

DB_PER_DIGIT = 2500 / 255 / 25.4
"""An e-CALLISTO digit in dB: 8 bits over 2500 mV of a detector with 25.4 mV a dB."""

# What astropy lets through when a file is no FITS, is cut off, or has other tables than expected.
_UNREADABLE = (OSError, EOFError, zlib.error, KeyError, IndexError, TypeError, ValueError, AttributeError)


def read_callisto(path: Path) -> Recording:
    """A recording of one product; that of a station is called I.

    Raises
    ------
    SourceError
        If the file cannot be read as such a spectrogram.
    """
    image, offsets_s, mhz, header, start_s = _read(path)
    if image.shape != (len(mhz), len(offsets_s)) or image.size == 0:
        raise SourceError(
            f"{path}: an image of {image.shape} does not fit {len(mhz)} frequencies and {len(offsets_s)} times"
        )
    if not (np.isfinite(mhz).all() and mhz.min() > 0):
        raise SourceError(f"{path}: its FREQUENCY column holds values that are no frequencies; it cannot be replayed")
    values, mhz = _ascending(image.T, mhz)
    cadence_s = float(header.get("CDELT1", 0)) if "CREATOR" in header else measured_cadence_s(offsets_s)
    # Times are those of the beginnings.
    times_s = start_s + offsets_s + (cadence_s if cadence_s > 0 else 0.0)
    said = {
        "cadence_s": cadence_s,
        "station": header.get("INSTRUME", ""),
        "source": header.get("SOURCE", path.name),
        "software": header.get("CREATOR", ""),
    }
    # What a station calls a product is its own.
    product = Product(header["PRODUCT"]) if "CREATOR" in header and "PRODUCT" in header else Product.I
    return checked(path, _linear(values, header)[..., None], (product,), times_s, mhz * 1e6, said)


def _linear(values: NDArray[np.float64], header: Any) -> NDArray[np.float32]:
    """Power of what the image holds."""
    unit = str(header.get("BUNIT", "digits")).strip().lower()
    if unit == "arbitrary":
        return values.astype(np.float32)
    return np.asarray(10 ** (values * (1.0 if unit == "db" else DB_PER_DIGIT) / 10), np.float32)


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], Any, float]:
    """Image (nfreq, ntime), times in s from the start, frequencies in MHz, header, start since 1970."""
    from astropy.io import fits
    from astropy.time import Time
    from astropy.utils.exceptions import AstropyUserWarning

    try:
        # Opened here, because astropy leaves a file open that it cannot read.
        with warnings.catch_warnings(), path.open("rb") as file:
            # Stations write odd header cards, which do not matter; what is cut off fails below.
            warnings.simplefilter("ignore", AstropyUserWarning)
            units = fits.open(file, memmap=False)
            image = np.asarray(units[0].data, np.float64)
            offsets_s = np.atleast_1d(np.asarray(units[1].data["TIME"][0], np.float64))
            file_mhz = np.atleast_1d(np.asarray(units[1].data["FREQUENCY"][0], np.float64))
            header = units[0].header
            start = f"{header['DATE-OBS'].replace('/', '-')}T{header['TIME-OBS'].strip()}"
            start_s = float(Time(start, scale="utc").unix)
    except (*_UNREADABLE, fits.VerifyError) as error:
        raise SourceError(f"{path} cannot be read as an e-CALLISTO FITS file: {error}") from error
    return image, offsets_s, file_mhz, header, start_s


def _ascending(
    values: NDArray[np.float64], mhz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Channels in ascending order; those that the file lists several times at one frequency averaged."""
    unique_mhz, place, count = np.unique(mhz, return_inverse=True, return_counts=True)
    if len(unique_mhz) == len(mhz):
        return values[:, np.argsort(mhz)], unique_mhz
    sums = np.zeros((len(values), len(unique_mhz)))
    np.add.at(sums.T, place, values.T)
    return sums / count, unique_mhz
