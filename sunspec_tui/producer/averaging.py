"""Spectra of a recorder's sequence, averaged over exact windows of data time.

State and arithmetic: the ring is read and messages are sent elsewhere.
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
_NOT_NUMBERS = ("end_ticks", "recorded", "station")


@dataclass(frozen=True)
class RingSequence:
    """What the header of a recorder's sequence says.

    Attributes
    ----------
    time_tag
        Start, in ticks of 196 MHz since 1970.
    nbeam, nchan, npol
        Shape of a spectrum.
    chan0
        First channel, None where it is not said.
    spectrum_ticks
        Ticks from spectrum to spectrum.
    end_ticks
        End of each spectrum in ticks from the start, where spectra are recorded frames whose times are uneven: each is
        a window of its own then. None where they are even.
    recorded, station
        Whether the spectra are a recording, whose times are not those of now, and whose they are; empty if not said.
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

    def __str__(self) -> str:
        beams = "1 beam" if self.nbeam == 1 else f"{self.nbeam} beams"
        first = "" if self.chan0 is None else f" from {self.chan0}"
        return f"{beams}, {self.nchan} channels{first}, {self.npol} products, time tag {self.time_tag}"

    @classmethod
    def from_header(cls, header: Any) -> "RingSequence":
        """Read a sequence's header, in whatever form the ring hands it out.

        Raises
        ------
        SourceError
            If it is no JSON object, or lacks what an average needs.
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
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SourceError(
                f"the header of the ring's sequence cannot be used ({error!r}); it needs a time_tag and nchan in JSON"
            ) from error
        if min(*sequence.shape, sequence.spectrum_ticks) < 1:
            raise SourceError(f"the header of the ring's sequence has a size below 1: {sequence}")
        if not 0 <= sequence.time_tag < LATEST_PLAUSIBLE_S * CLOCK_HZ:
            raise SourceError(f"the time tag of the ring's sequence lies outside the years 1970 to 2100: {sequence}")
        return sequence

    @property
    def origin(self) -> dict[str, Any]:
        """What a frame's header says of where its data come from; empty for a live stream of this telescope."""
        return ({"recorded": True} if self.recorded else {}) | ({"station": self.station} if self.station else {})

    def fields(self) -> dict[str, int]:
        """Its numbers by name; -1 for a first channel that is not said."""
        known = {name: value for name, value in asdict(self).items() if name not in _NOT_NUMBERS}
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
    """Fields of a header: a dictionary, or its JSON as text, bytes or an array of bytes (older rings: ``tostring``)."""
    if not isinstance(header, (dict, str, bytes)):
        header = header.tobytes() if hasattr(header, "tobytes") else header.tostring()
    fields = header if isinstance(header, dict) else json.loads(header)
    if not isinstance(fields, dict):
        raise TypeError(f"{type(fields).__name__} instead of an object")
    return fields


class WindowAverager:
    """Means of spectra over exact windows of data time.

    Window n holds the spectra whose start lies in [n, n + 1) intervals from the sequence's start, in integer ticks;
    a spectrum as long as the interval or longer is a window of its own.

    Parameters
    ----------
    sequence
        Whose spectra they are.
    interval_s
        Length of a window in seconds.
    """

    def __init__(self, sequence: RingSequence, interval_s: float) -> None:
        self._ticks = sequence.spectrum_ticks
        self._end_ticks = sequence.end_ticks
        self._interval_ticks = max(round(interval_s * CLOCK_HZ), self._ticks)
        self._sum = np.zeros(sequence.shape, np.float64)
        self._held = 0
        self._taken = 0

    @property
    def interval_ticks(self) -> int:
        """Length of a window."""
        return self._interval_ticks

    @property
    def pending(self) -> int:
        """Spectra of the window that is not complete yet."""
        return self._held

    def add(self, spectra: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Take spectra, and give each window that they complete.

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
                self._taken += 1
                yield spectrum.astype("<f4"), self._end_ticks[self._taken - 1]
            return
        start = 0
        while start < len(spectra):
            stop = min(len(spectra), start + self._until_boundary())
            self._sum += spectra[start:stop].sum(axis=0, dtype=np.float64)
            self._held += stop - start
            self._taken += stop - start
            start = stop
            if self._begins_window(self._taken):
                yield (self._sum / self._held).astype("<f4"), self._taken * self._ticks
                self._sum[...] = 0
                self._held = 0

    def _until_boundary(self) -> int:
        """Spectra from here that still belong to the window of the next one."""
        window = self._taken * self._ticks // self._interval_ticks
        first_of_next = -(-(window + 1) * self._interval_ticks // self._ticks)
        return first_of_next - self._taken

    def _begins_window(self, spectrum: int) -> bool:
        before = (spectrum - 1) * self._ticks // self._interval_ticks
        return spectrum * self._ticks // self._interval_ticks != before


class PartAverager:
    """Means of equal parts of each gulp; a short last gulp is dropped.

    Parameters
    ----------
    sequence
        Whose spectra they are.
    ntime_gulp
        Spectra of a whole gulp.
    nparts
        Parts of a gulp; spectra that are left over after division are dropped.
    """

    def __init__(self, sequence: RingSequence, ntime_gulp: int, nparts: int) -> None:
        self._ticks = sequence.spectrum_ticks
        self._ntime_gulp = ntime_gulp
        self._ntime_part = max(1, ntime_gulp // nparts)
        self._nparts = min(nparts, ntime_gulp)
        self._taken = 0
        self.pending = 0

    @property
    def interval_ticks(self) -> int:
        """Length of a part."""
        return self._ntime_part * self._ticks

    def add(self, spectra: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Take one gulp, and give the mean of each part, as `WindowAverager.add` does."""
        if len(spectra) < self._ntime_gulp:
            self.pending = len(spectra)
            return
        ntime = self._ntime_part
        for part in range(self._nparts):
            mean = spectra[part * ntime : (part + 1) * ntime].mean(axis=0, dtype=np.float64)
            yield mean.astype("<f4"), (self._taken + (part + 1) * ntime) * self._ticks
        self._taken += len(spectra)
