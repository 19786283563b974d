"""Fill a ring with a source's spectra at the data rate.

The schedule is absolute and starts with the reader's first read, so that it neither bursts nor drifts. The feeder owns
one thread; `stop` ends it at once.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.producer.memory_ring import MemoryRing, RingClosed

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 10.0
"""A longer gap in the replayed data is shortened to this."""


Gulps = Iterator[NDArray[np.float32]]
"""Spectra, each gulp of shape (ntime, nbeam, nchan, npol)."""


class SourceSequence(NamedTuple):
    """A sequence of a source.

    Attributes
    ----------
    begin_s
        Its beginning, in seconds after the beginning of the source.
    header
        Header of the sequence.
    gulps
        Spectra of the sequence.
    spectrum_s
        Data time of a spectrum.
    """

    begin_s: float
    header: dict[str, Any]
    gulps: Gulps
    spectrum_s: float


class Source(Protocol):
    """Interface of a source of spectra."""

    ntime_gulp: int
    spectrum_s: float
    frames_as_recorded: bool

    def sequences(self, shift_s: float) -> Iterator[SourceSequence]:
        """Yield all sequences from the beginning, with times shifted by `shift_s`."""


class RingFeeder:
    """Thread that writes the spectra of a source to a ring.

    Parameters
    ----------
    ring, source
        Ring to write to, and source to read from.
    speed
        Speed relative to real time; 0 for the speed of the reader.
    loop
        True to start again at the source's end, with a new sequence whose times continue and never go back.
    monotonic
        Monotonic clock.
    wait
        Function that waits for so many seconds and returns True if the feeder stops; by default until `stop`.
    """

    def __init__(
        self,
        ring: MemoryRing,
        source: Source,
        *,
        speed: float = 1.0,
        loop: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._ring = ring
        self._source = source
        self._speed = speed
        self._loop = loop
        self._monotonic = monotonic
        self._start_s = 0.0
        self._stopping = threading.Event()
        self._wait = wait or self._stopping.wait
        self._thread = threading.Thread(target=self._run, name="sunspec-feed", daemon=True)
        self.error: SunspecError | None = None

    def start(self) -> None:
        """Start the thread, which waits for a reader of the ring."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and both sides of the ring."""
        self._stopping.set()
        self._ring.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._ring.reading.wait()
        try:
            self._feed()
        except RingClosed:
            log.debug("the ring was closed while it was fed")
        except SunspecError as error:
            self.error = error
            log.error("the source has failed: %s", error)  # noqa: TRY400 - the message suffices
        finally:
            self._ring.end_writing()

    def _feed(self) -> None:
        shift_s = end_s = 0.0
        self._start_s = self._monotonic()
        while not self._stopping.is_set():
            for sequence in self._source.sequences(shift_s):
                self._shorten_gap(shift_s + sequence.begin_s - end_s)
                self._ring.begin_sequence(sequence.header)
                end_s = self._write(shift_s + sequence.begin_s, sequence)
                self._ring.end_sequence()
            shift_s = end_s
            if not self._loop:
                return

    def _write(self, done_s: float, sequence: SourceSequence) -> float:
        """Write a sequence that begins at `done_s` of the data's time.

        Return the time of its end.
        """
        for gulp in sequence.gulps:
            done_s += len(gulp) * sequence.spectrum_s
            if self._speed:
                wait_s = self._start_s + done_s / self._speed - self._monotonic()
                # A lock has a maximum wait, which a wrong clock could exceed.
                if self._wait(min(max(0.0, wait_s), threading.TIMEOUT_MAX)):
                    raise RingClosed
            self._ring.write(gulp)
        return done_s

    def _shorten_gap(self, gap_s: float) -> None:
        """Shorten the wait for the data after a long gap."""
        if self._speed:
            self._start_s -= max(0.0, gap_s / self._speed - LONGEST_WAIT_S)
