"""AvgStreamingOp: averages the recorder's spectra over time and publishes them.

Replaces the class of the same name in the recorder's ``dr_beam.py``. It reads a ring of the recorder's
interface, averages over the data's own time and sends each average as one message. It never makes the
recorder wait: what a slow subscriber does not take is dropped for that subscriber, unseen here (ZeroMQ does not
tell); ``seq`` shows it to the subscriber. Only this module and `subscriber` may use zmq.
"""

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from sunspec_tui.errors import SourceError, UsageError
from sunspec_tui.times import CLOCK_HZ, TICKS_PER_SPECTRUM, format_block_time, tag_to_unix

SEND_QUEUE_FRAMES = 1000
_LINGER_MS = 1000
_DEFAULT_NAVG = 24
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Sequence:
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
    """

    time_tag: int
    nbeam: int
    nchan: int
    npol: int
    chan0: int | None
    spectrum_ticks: int

    def __str__(self) -> str:
        beams = "1 beam" if self.nbeam == 1 else f"{self.nbeam} beams"
        first = "" if self.chan0 is None else f" from {self.chan0}"
        return f"{beams}, {self.nchan} channels{first}, {self.npol} products, time tag {self.time_tag}"

    @classmethod
    def from_header(cls, header: Any) -> "Sequence":
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
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"the header of the ring's sequence cannot be used ({error!r}); it needs a time_tag and nchan in JSON"
            ) from error
        if min(*sequence.shape, sequence.spectrum_ticks) < 1:
            raise SourceError(f"the header of the ring's sequence has a size below 1: {sequence}")
        return sequence

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

    def __init__(self, sequence: Sequence, interval_s: float) -> None:
        self._ticks = sequence.spectrum_ticks
        self._interval_ticks = max(round(interval_s * CLOCK_HZ), self._ticks)
        self._sum = np.zeros(sequence.shape, np.float64)
        self._held = 0
        self._taken = 0

    @property
    def held(self) -> int:
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


class AvgStreamingOp:
    """Reads a ring, averages and publishes.

    Parameters
    ----------
    log
        Where the recorder logs; this module's own logger where None.
    iring
        Ring of the recorder's reading interface.
    ntime_gulp
        Spectra that are read at once.
    guarantee
        Whether the ring must keep what is not read yet.
    core
        Processor that `main` is pinned to; None leaves it free.
    stream_addr, stream_port
        Where to publish; port 0 takes a free one, see `port`.
    stream_interval
        Seconds of data in a frame.
    wait
        Begin to read with the first subscriber.
    lossless
        Wait for slow subscribers instead of dropping: for a replayed file, never for a recorder.
    max_frames
        End after so many frames; None goes on to the end of the ring.
    clock
        Wall clock for ``timestamp``.

    Attributes
    ----------
    frames_sent
        Frames handed to ZeroMQ, and the ``seq`` of the next one.
    subscribers
        Subscriptions that hold.

    Raises
    ------
    UsageError
        If a gulp would hold no spectrum, or a frame no time.
    """

    def __init__(
        self,
        log: logging.Logger | None,
        iring: Any,
        ntime_gulp: int = 250,
        guarantee: bool = True,
        core: int | None = None,
        stream_addr: str = "127.0.0.1",
        stream_port: int = 9798,
        stream_interval: float = 0.25,
        *,
        wait: bool = False,
        lossless: bool = False,
        max_frames: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if ntime_gulp < 1:
            raise UsageError(f"a gulp of {ntime_gulp} spectra holds none; choose an ntime_gulp of 1 or more")
        if not (math.isfinite(stream_interval) and stream_interval > 0):
            raise UsageError(f"an interval of {stream_interval} s cannot be averaged over; choose one above 0")
        self.log = log or logging.getLogger(__name__)
        self.iring = iring
        self.ntime_gulp = ntime_gulp
        self.guarantee = guarantee
        self.core = core
        self.stream_addr = stream_addr
        self.port = stream_port
        self.stream_interval = stream_interval
        self.frames_sent = 0
        self.subscribers = 0
        self._wait, self._lossless, self._max_frames = wait, lossless, max_frames
        self._clock = clock
        self._stopping = threading.Event()
        self._context: zmq.Context[Any] | None = None
        self._socket: zmq.Socket[bytes]

    def bind(self) -> int:
        """Open the socket and return its port; `main` does it where it has not been done, a second call nothing.

        Raises
        ------
        UsageError
            If the address is taken or is none.
        """
        if self._context is not None:
            return self.port
        self._context = zmq.Context()
        self._socket = socket = self._context.socket(zmq.XPUB)
        socket.sndhwm = SEND_QUEUE_FRAMES
        socket.linger = _LINGER_MS
        # VERBOSE alone would pass on every subscription, but only the last unsubscription.
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        if self._lossless:
            socket.setsockopt(zmq.XPUB_NODROP, 1)
        try:
            socket.bind(f"tcp://{self.stream_addr}:{self.port or '*'}")
        except zmq.ZMQError as error:
            self._close()
            raise UsageError(
                f"cannot publish on {self.stream_addr}:{self.port}: {error}; choose another --addr or --port"
            ) from error
        self.port = int(socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
        return self.port

    def main(self) -> None:
        """Publish until the ring ends or `shutdown` is called; the socket is closed on every way out.

        Raises
        ------
        UsageError
            If the socket cannot be bound.
        SourceError
            If a sequence's header cannot be used.
        """
        self.bind()
        try:
            self._pin()
            if not self._wait or self._first_subscriber():
                self._publish_ring()
        finally:
            self._close()
            self.log.info("AvgStreamingOp - Done, %d frames sent", self.frames_sent)

    def shutdown(self) -> None:
        """End `main` from another thread; a ring that has ``close`` is closed, so that no read holds it up.

        bifrost's rings have none: there a read that waits for data ends when the ring's writer ends, as all of a
        recorder's readers do.
        """
        self._stopping.set()
        close = getattr(self.iring, "close", None)
        if close is not None:
            close()

    def _pin(self) -> None:
        if self.core is None:
            return
        if not hasattr(os, "sched_setaffinity"):
            self.log.warning("this system cannot pin a thread to core %d", self.core)
            return
        try:
            os.sched_setaffinity(threading.get_native_id(), {self.core})
        except OSError as error:
            # Averages from the wrong core are worth more than none.
            self.log.warning("cannot pin the producer to core %d: %s", self.core, error)

    def _close(self) -> None:
        """Send what is queued for a moment more, then close."""
        context, self._context = self._context, None
        if context is not None:
            context.destroy(linger=0 if self._stopping.is_set() else _LINGER_MS)

    def _first_subscriber(self) -> bool:
        """Wait for somebody to listen; False when asked to end first."""
        self.log.info("waiting for a subscriber on %s:%d", self.stream_addr, self.port)
        while not self._stopping.is_set():
            if self._socket.poll(100):
                self._read_subscriptions()
            if self.subscribers:
                return True
        return False

    def _read_subscriptions(self) -> None:
        """Count who comes and goes: a message of 1 or 0 and a topic; anything else is not for us."""
        while self._socket.poll(0):
            self.subscribers += {b"\x01": 1, b"\x00": -1}.get(self._socket.recv()[:1], 0)

    def _publish_ring(self) -> None:
        for iseq in self.iring.read(guarantee=self.guarantee):
            sequence = Sequence.from_header(iseq.header)
            self.log.info("a new sequence: %s", sequence)
            averager = WindowAverager(sequence, self.stream_interval)
            for spectra in self._gulps(iseq, sequence):
                for mean, end_ticks in averager.add(spectra):
                    self._send(sequence, mean, end_ticks)
                    if self._done():
                        return
            if averager.held:
                self.log.info("the last %d spectra fill no interval and are not sent", averager.held)
            if self._done():
                return

    def _done(self) -> bool:
        return self._stopping.is_set() or self.frames_sent == self._max_frames

    def _gulps(self, iseq: Any, sequence: Sequence) -> Iterator[NDArray[np.float32]]:
        """Spectra of each span; a last short one holds fewer."""
        for ispan in iseq.read(self.ntime_gulp * sequence.spectrum_nbytes):
            ntime = ispan.size // sequence.spectrum_nbytes
            values = ispan.data_view(np.float32).reshape(-1)[: ntime * math.prod(sequence.shape)]
            yield values.reshape(ntime, *sequence.shape)

    def _send(self, sequence: Sequence, mean: NDArray[np.float32], end_ticks: int) -> None:
        message = [b"data", json.dumps(self._header(sequence, end_ticks)).encode(), mean.tobytes()]
        self._read_subscriptions()
        while not self._stopping.is_set():
            try:
                self._socket.send_multipart(message, zmq.NOBLOCK)
            except zmq.Again:
                # Only where nothing may be dropped. XPUB calls itself writable while any subscriber is,
                # so there is nothing to poll for; wait a moment, or for the end.
                self._stopping.wait(0.002)
                continue
            self.frames_sent += 1
            return

    def _header(self, sequence: Sequence, end_ticks: int) -> dict[str, Any]:
        spectrum_s = sequence.spectrum_ticks / CLOCK_HZ
        header: dict[str, Any] = {
            "time_tag": sequence.time_tag,
            "nbeam": sequence.nbeam,
            "nchan": sequence.nchan,
            "npol": sequence.npol,
            "timestamp": f"{self._clock():.6f}",
            "last_block_time": format_block_time(tag_to_unix(sequence.time_tag + end_ticks)),
            "data_shape": list(sequence.shape),
            "data_type": "<f4",
            "seq": self.frames_sent,
            "interval": max(self.stream_interval, spectrum_s),
        }
        if sequence.chan0 is not None:
            header["chan0"] = sequence.chan0
        return header
