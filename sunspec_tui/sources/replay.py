"""Replays a recorded spectrum file as the recorder would have sent it.

Reads e-CALLISTO FITS files: times, frequencies and 8-bit "digits" of a logarithmic detector. Digits become
power, frequencies are interpolated to the channel grid, and channels outside the file's band are not a number:
no data. astropy loads when a file is opened.
"""

import math
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.errors import SourceError
from sunspec_tui.times import CLOCK_HZ, channel_frequencies_hz, unix_to_tag

DB_PER_DIGIT = 2500 / 255 / 25.4
"""An e-CALLISTO digit in dB: 8 bits over 2500 mV of a detector with 25.4 mV a dB."""

NCHAN = 3072
_GULP_S = 0.1
# What astropy lets through when a file is no FITS, is cut off, or has other tables than expected.
_UNREADABLE = (OSError, EOFError, zlib.error, KeyError, IndexError, TypeError, ValueError, AttributeError)


class CallistoFile:
    """An e-CALLISTO spectrogram on the channel grid.

    Parameters
    ----------
    path
        The file, ``.fit`` or ``.fit.gz``.
    chan0
        First channel of the grid.
    start_s
        Time of the first spectrum, seconds since 1970, or a clock that is asked when the first sequence begins; the
        file's own time where None.

    Raises
    ------
    SourceError
        If the file cannot be read as such a spectrogram.
    """

    def __init__(self, path: Path, chan0: int, start_s: float | Callable[[], float] | None = None) -> None:
        digits, offsets_s, file_mhz, file_start_s = _read(path)
        self._chan0 = chan0
        self._digits, self._file_hz = _ascending(digits, file_mhz * 1e6)
        self.spectrum_s = _period_s(path, offsets_s)
        self.nspectra = len(offsets_s)
        self._start_s = file_start_s + float(offsets_s[0]) if start_s is None else start_s
        self.ntime_gulp = max(1, int(_GULP_S / self.spectrum_s))
        self._grid_hz = channel_frequencies_hz(chan0, NCHAN)
        self._check_band(path)

    def header(self, shift_s: float = 0.0) -> dict[str, Any]:
        """Header of a sequence that begins `shift_s` after the first spectrum."""
        if callable(self._start_s):
            self._start_s = self._start_s()
        return {
            "time_tag": unix_to_tag(self._start_s + shift_s),
            "chan0": self._chan0,
            "nbeam": 1,
            "nchan": NCHAN,
            "npol": 4,
            "spectrum_ticks": round(self.spectrum_s * CLOCK_HZ),
        }

    def gulps(self) -> Iterator[NDArray[np.float32]]:
        """Power of shape (ntime, 1, 3072, 4): XX = YY = the file's intensity, no cross products."""
        for start in range(0, self.nspectra, self.ntime_gulp):
            spectra = self._digits[start : start + self.ntime_gulp]
            gulp = np.full((len(spectra), 1, NCHAN, 4), np.nan, np.float32)
            for row, spectrum in zip(gulp, spectra, strict=True):
                row[0, :, :2] = self._on_grid(spectrum)[:, None]
            yield gulp

    def _check_band(self, path: Path) -> None:
        """Refuse a file of which no channel would show anything."""
        low, high = self._file_hz[[0, -1]] / 1e6
        grid_low, grid_high = self._grid_hz[[0, -1]] / 1e6
        if high < grid_low or low > grid_high:
            raise SourceError(
                f"{path} covers {low:.1f}-{high:.1f} MHz, but the channels {grid_low:.1f}-{grid_high:.1f} MHz; "
                "choose another --chan0 or another file"
            )

    def _on_grid(self, spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power on the channel grid, interpolated in dB; NaN outside the file's band."""
        db = np.interp(self._grid_hz, self._file_hz, spectrum * DB_PER_DIGIT, left=math.nan, right=math.nan)
        return np.asarray(10 ** (db / 10))


def _read(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Digits (ntime, nfreq), times in s from the start, frequencies in MHz, start since 1970."""
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
            offsets_s = np.asarray(units[1].data["TIME"][0], np.float64)
            file_mhz = np.asarray(units[1].data["FREQUENCY"][0], np.float64)
            header = units[0].header
            start = f"{header['DATE-OBS'].replace('/', '-')}T{header['TIME-OBS'].strip()}"
            start_s = float(Time(start, scale="utc").unix)
    except (*_UNREADABLE, fits.VerifyError) as error:
        raise SourceError(f"{path} cannot be read as an e-CALLISTO FITS file: {error}") from error
    if image.shape != (len(file_mhz), len(offsets_s)) or image.size == 0:
        raise SourceError(
            f"{path}: an image of {image.shape} does not fit {len(file_mhz)} frequencies and {len(offsets_s)} times"
        )
    if not (np.isfinite(file_mhz).all() and file_mhz.min() > 0):
        raise SourceError(f"{path}: its FREQUENCY column holds values that are no frequencies; it cannot be replayed")
    return image.T, offsets_s, file_mhz, start_s


def _ascending(
    digits: NDArray[np.float64], file_hz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Channels in ascending order; those that the file lists several times at one frequency averaged."""
    unique_hz, place = np.unique(file_hz, return_inverse=True)
    sums = np.zeros((len(digits), len(unique_hz)))
    np.add.at(sums.T, place, digits.T)
    return sums / np.bincount(place), unique_hz


def _period_s(path: Path, offsets_s: NDArray[np.float64]) -> float:
    steps = np.diff(offsets_s)
    if not len(steps) or not np.all(steps > 0):
        raise SourceError(f"{path}: its times do not increase; it is no spectrogram that can be replayed")
    period_s = float(np.median(steps))
    # Spectra leave at even steps: a hole in the file would shift all that follows it in time.
    late_s = np.abs(offsets_s - offsets_s[0] - period_s * np.arange(len(offsets_s)))
    if late_s.max() > period_s / 2:
        raise SourceError(
            f"{path}: its spectra are not evenly spaced in time (row {int((late_s > period_s / 2).argmax())}); "
            "cut the file where spectra are missing"
        )
    return period_s
