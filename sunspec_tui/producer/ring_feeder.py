"""Fills a ring with a source's spectra at the pace at which the data would be complete.

The schedule is absolute, from the moment the reader first asks: it neither bursts nor drifts. The feed owns
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
from sunspec_tui.producer.memory_ring import Closed, MemoryRing

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 10.0
"""A gap in what is replayed is waited for no longer than this."""


Gulps = Iterator[NDArray[np.float32]]
"""Spectra, each gulp of shape (ntime, nbeam, nchan, npol)."""


class SourceSequence(NamedTuple):
    """A sequence of a source.

    Attributes
    ----------
    begin_s
        When it begins, in seconds after the source's own beginning.
    header
        Of the sequence.
    gulps
        Its spectra.
    spectrum_s
        Data time of a spectrum.
    """

    begin_s: float
    header: dict[str, Any]
    gulps: Gulps
    spectrum_s: float


class Source(Protocol):
    """Where spectra come from."""

    ntime_gulp: int
    spectrum_s: float
    frames_as_recorded: bool

    def parts(self, shift_s: float) -> Iterator[SourceSequence]:
        """Sequences from the beginning, all of them `shift_s` later than the source has them."""


class Feed:
    """A thread between a source and a ring.

    Parameters
    ----------
    ring, source
        To where and from where.
    speed
        Times real time; 0 is as fast as the reader takes it.
    loop
        Begin again at the source's end: a new sequence whose times follow on, so that they never go back.
    monotonic
        A clock that never goes back.
    """

    def __init__(
        self,
        ring: MemoryRing,
        source: Source,
        *,
        speed: float = 1.0,
        loop: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ring = ring
        self._source = source
        self._speed = speed
        self._loop = loop
        self._monotonic = monotonic
        self._begun_s = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sunspec-feed", daemon=True)
        self.error: SunspecError | None = None

    def start(self) -> None:
        """Begin, as soon as somebody reads the ring."""
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
        except Closed:
            log.debug("the ring was closed while it was fed")
        except SunspecError as error:
            self.error = error
            log.error("the source has failed: %s", error)  # noqa: TRY400 - one sentence says it
        finally:
            self._ring.end_writing()

    def _feed(self) -> None:
        shift_s = end_s = 0.0
        self._begun_s = self._monotonic()
        while not self._stopping.is_set():
            for part in self._source.parts(shift_s):
                self._leave_out(shift_s + part.begin_s - end_s)
                self._ring.begin_sequence(part.header)
                end_s = self._write(shift_s + part.begin_s, part)
                self._ring.end_sequence()
            shift_s = end_s
            if not self._loop:
                return

    def _write(self, done_s: float, part: SourceSequence) -> float:
        """Write a sequence that begins at `done_s` of the data's time; gives the time of its end."""
        for gulp in part.gulps:
            done_s += len(gulp) * part.spectrum_s
            if self._speed:
                wait_s = self._begun_s + done_s / self._speed - self._monotonic()
                # A lock has a maximum wait, which a wrong clock could exceed.
                if self._stopping.wait(min(max(0.0, wait_s), threading.TIMEOUT_MAX)):
                    raise Closed
            self._ring.write(gulp)
        return done_s

    def _leave_out(self, gap_s: float) -> None:
        """Shorten the wait for what comes after a gap."""
        if self._speed:
            self._begun_s -= max(0.0, gap_s / self._speed - LONGEST_WAIT_S)
