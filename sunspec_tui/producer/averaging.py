"""Arithmetic of averaging spectra over exact windows of data time.

State and arithmetic; other modules read the ring and send messages.
"""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import CLOCK_HZ, TICKS_PER_SPECTRUM
from sunspec_tui.core.times import LATEST_PLAUSIBLE_S

_DEFAULT_NAVG = 24
_FLOAT_BYTES = 4
_NON_NUMERIC = ("end_ticks", "recorded", "station", "time_shift_s")


@dataclass(frozen=True)
class RingSequence:
    """Header of a recorder's sequence.

    Attributes
    ----------
    time_tag
        Start, in ticks of 196 MHz since 1970.
    nbeam, nchan, npol
        Shape of a spectrum.
    chan0
        First channel; None if the header does not give it.
    spectrum_ticks
        Ticks from spectrum to spectrum.
    end_ticks
        End of each spectrum in ticks from the start, if the spectra are recorded frames with uneven times; each is then
        one window. None for even times.
    recorded, station
        True if the spectra are a recording, whose times are in the past; and the station, empty if unknown.
    time_shift_s
        Seconds added to the times of a recording; 0 for its own times.
    """

    time_tag: int
    nbeam: int
    nchan: int
    npol: int
    chan0: int | None
    spectrum_ticks: int
    end_ticks: tuple[int, ...] | None = None
    recorded: bool = False
    station: str = ""
    time_shift_s: float = 0.0

    def __str__(self) -> str:
        beams = "1 beam" if self.nbeam == 1 else f"{self.nbeam} beams"
        first = "" if self.chan0 is None else f" from {self.chan0}"
        return f"{beams}, {self.nchan} channels{first}, {self.npol} products, time tag {self.time_tag}"

    @classmethod
    def from_header(cls, header: Any) -> "RingSequence":
        """Read a sequence's header in any form that a ring returns.

        Raises
        ------
        SourceError
            If it is not a JSON object, or a needed field is missing or invalid.
        """
        try:
            fields = _header_fields(header)
            navg = int(fields.get("navg", _DEFAULT_NAVG))
            sequence = cls(
                int(fields["time_tag"]),
                int(fields.get("nbeam", 1)),
                int(fields["nchan"]),
                int(fields.get("npol", 4)),
                None if fields.get("chan0") is None else int(fields["chan0"]),
                int(fields.get("spectrum_ticks", navg * TICKS_PER_SPECTRUM)),
                None if fields.get("end_ticks") is None else tuple(map(int, fields["end_ticks"])),
                fields.get("recorded") is True,
                str(fields.get("station", "")),
                float(fields.get("time_shift", 0.0)),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SourceError(
                f"the header of the ring's sequence cannot be used ({error!r}); it needs a time_tag and nchan in JSON"
            ) from error
        if min(*sequence.shape, sequence.spectrum_ticks) < 1:
            raise SourceError(f"the header of the ring's sequence has a size below 1: {sequence}")
        if not 0 <= sequence.time_tag < LATEST_PLAUSIBLE_S * CLOCK_HZ:
            raise SourceError(f"the time tag of the ring's sequence is outside the years 1970 to 2100: {sequence}")
        return sequence

    @property
    def origin(self) -> dict[str, Any]:
        """Header fields about the origin of the data.

        Empty for a live stream of this telescope.
        """
        fields = {"recorded": self.recorded, "station": self.station, "time_shift": self.time_shift_s}
        return {name: value for name, value in fields.items() if value}

    def fields(self) -> dict[str, int]:
        """Return the numbers of the header by name.

        -1 for an unknown first channel.
        """
        known = {name: value for name, value in asdict(self).items() if name not in _NON_NUMERIC}
        return known | {"chan0": -1 if self.chan0 is None else self.chan0}

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nbeam, nchan, npol)."""
        return self.nbeam, self.nchan, self.npol

    @property
    def spectrum_nbytes(self) -> int:
        """Bytes of one spectrum."""
        return math.prod(self.shape) * _FLOAT_BYTES


def _header_fields(header: Any) -> dict[str, Any]:
    """Return the fields of a header in any form.

    It is a dictionary, or JSON as text, bytes or an array of bytes.

    Arrays of older rings have only ``tostring``.
    """
    if not isinstance(header, (dict, str, bytes)):
        header = header.tobytes() if hasattr(header, "tobytes") else header.tostring()
    fields = header if isinstance(header, dict) else json.loads(header)
    if not isinstance(fields, dict):
        raise TypeError(f"{type(fields).__name__} instead of an object")
    return fields


class WindowAverager:
    """Averager of spectra over exact windows of data time.

    Window n has the spectra whose start is in [n, n + 1) intervals from the sequence's start, in integer ticks. A
    spectrum that is as long as the interval or longer is one window.

    Parameters
    ----------
    sequence
        Sequence of the spectra.
    interval_s
        Length of a window in seconds.
    """

    def __init__(self, sequence: RingSequence, interval_s: float) -> None:
        self._ticks = sequence.spectrum_ticks
        self._end_ticks = sequence.end_ticks
        self._interval_ticks = max(round(interval_s * CLOCK_HZ), self._ticks)
        self._sum = np.zeros(sequence.shape, np.float64)
        self._count = 0
        self._total = 0

    @property
    def interval_ticks(self) -> int:
        """Length of a window in ticks."""
        return self._interval_ticks

    @property
    def pending(self) -> int:
        """Number of spectra in the incomplete window."""
        return self._count

    def add(self, spectra: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Add spectra, and yield each window that they complete.

        Parameters
        ----------
        spectra
            Shape (ntime, nbeam, nchan, npol).

        Yields
        ------
        (mean, end_ticks)
            Mean of the window, float32 of shape (nbeam, nchan, npol), and the end of its data in ticks from the start.
        """
        if self._end_ticks is not None:
            for spectrum in spectra:
                self._total += 1
                yield spectrum.astype("<f4"), self._end_ticks[self._total - 1]
            return
        start = 0
        while start < len(spectra):
            stop = min(len(spectra), start + self._spectra_to_boundary())
            self._sum += spectra[start:stop].sum(axis=0, dtype=np.float64)
            self._count += stop - start
            self._total += stop - start
            start = stop
            if self._begins_window(self._total):
                yield (self._sum / self._count).astype("<f4"), self._total * self._ticks
                self._sum[...] = 0
                self._count = 0

    def _spectra_to_boundary(self) -> int:
        """Return the number of further spectra in the current window."""
        window = self._total * self._ticks // self._interval_ticks
        first_of_next = -(-(window + 1) * self._interval_ticks // self._ticks)
        return first_of_next - self._total

    def _begins_window(self, spectrum: int) -> bool:
        before = (spectrum - 1) * self._ticks // self._interval_ticks
        return spectrum * self._ticks // self._interval_ticks != before


class PartAverager:
    """Averager of equal parts of each gulp.

    A short last gulp is dropped.

    Parameters
    ----------
    sequence
        Sequence of the spectra.
    ntime_gulp
        Spectra of a complete gulp.
    nparts
        Parts of a gulp; the remaining spectra after the division are dropped.
    """

    def __init__(self, sequence: RingSequence, ntime_gulp: int, nparts: int) -> None:
        self._ticks = sequence.spectrum_ticks
        self._ntime_gulp = ntime_gulp
        self._ntime_part = max(1, ntime_gulp // nparts)
        self._nparts = min(nparts, ntime_gulp)
        self._total = 0
        self.pending = 0

    @property
    def interval_ticks(self) -> int:
        """Length of a part in ticks."""
        return self._ntime_part * self._ticks

    def add(self, spectra: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Add one gulp, and yield the means as `WindowAverager.add` does."""
        if len(spectra) < self._ntime_gulp:
            self.pending = len(spectra)
            return
        ntime = self._ntime_part
        for part in range(self._nparts):
            mean = spectra[part * ntime : (part + 1) * ntime].mean(axis=0, dtype=np.float64)
            yield mean.astype("<f4"), (self._total + (part + 1) * ntime) * self._ticks
        self._total += len(spectra)
