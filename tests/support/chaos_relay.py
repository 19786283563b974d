"""Relay between a producer and the monitor that records every message.

It knows what the producer sent, what the monitor's queue refused (those messages are missing), and what it added
itself. One relay serves one life of a producer.
"""

import multiprocessing
import random
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import zmq

QUEUE_FRAMES = 100
"""Messages that may wait for the monitor; at full speed, a monitor that is stopped for a second loses some."""

_QUIET_MS = 500
_STRAY_SHARE = 0.0005
_SUBSCRIBER_S = 30.0


@dataclass(slots=True)
class Account:
    """All messages of one producer, in the order of relaying.

    One array entry is one message.

    Attributes
    ----------
    seq
        The producer's number, shape (n,); -1 for a stray message.
    good
        Whether the message is a frame.
    taken
        True if the monitor's queue accepted the message. Other messages can never arrive.
    time_us
        End of the frame's data in microseconds since 1970; 0 where the message is no frame.
    """

    seq: "np.ndarray[Any, np.dtype[np.int64]]"
    good: "np.ndarray[Any, np.dtype[np.bool_]]"
    taken: "np.ndarray[Any, np.dtype[np.bool_]]"
    time_us: "np.ndarray[Any, np.dtype[np.int64]]"


@dataclass(slots=True)
class _Notes:
    """Records made while messages pass."""

    seq: list[int] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)
    taken: list[bool] = field(default_factory=list)
    time_us: list[int] = field(default_factory=list)

    def add(self, seq: int, good: bool, taken: bool, time_us: int) -> None:
        """Record one message."""
        self.seq.append(seq)
        self.good.append(good)
        self.taken.append(taken)
        self.time_us.append(time_us)

    def account(self) -> Account:
        """Return all records as arrays."""
        return Account(
            np.array(self.seq, np.int64), np.array(self.good, bool), np.array(self.taken, bool),
            np.array(self.time_us, np.int64),
        )  # fmt: skip


class Relay:
    """A relay in a separate process.

    Parameters
    ----------
    upstream, port
        Port of the producer, and the port that the monitor connects to.
    seed
        Of the stray messages.
    """

    def __init__(self, upstream: int, port: int, seed: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._passed = context.Value("q", 0)
        self._process = context.Process(target=_run, args=(theirs, self._passed, upstream, port, seed), daemon=True)
        self._process.start()

    @property
    def passed(self) -> int:
        """Number of messages received from the producer so far."""
        return int(self._passed.value)

    def end(self, *, abrupt: bool) -> Account:
        """End the producer's connection.

        An abrupt end drops the messages in transit to the monitor, as a killed producer does.
        """
        self._pipe.send(abrupt)
        account: Account = self._pipe.recv()
        self._process.join(30)
        return account

    def kill(self) -> None:
        """Kill it."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join(10)


def _run(pipe: Any, passed: Any, upstream: int, port: int, seed: int) -> None:
    context = zmq.Context()
    down = context.socket(zmq.XPUB)
    down.sndhwm = QUEUE_FRAMES
    # A full queue is reported, so that each lost message is recorded.
    down.setsockopt(zmq.XPUB_NODROP, 1)
    down.bind(f"tcp://127.0.0.1:{port}")
    notes = _Notes()
    up = context.socket(zmq.SUB)
    up.rcvhwm = QUEUE_FRAMES
    up.subscribe(b"")
    abrupt = True
    if down.poll(int(_SUBSCRIBER_S * 1000)):
        down.recv()
        up.connect(f"tcp://127.0.0.1:{upstream}")
        abrupt = _pass_on(pipe, passed, up, down, notes, random.Random(seed))  # noqa: S311 - no secret
    down.close(linger=0 if abrupt else 10_000)
    if abrupt:
        _note_lost(up, notes)
    up.close(linger=0)
    context.term()
    pipe.send(notes.account())


def _pass_on(pipe: Any, passed: Any, up: Any, down: Any, notes: _Notes, chance: random.Random) -> bool:
    """Relay messages until the end; return True if it is abrupt."""
    seq, asked = -1, None
    while asked is not True:
        if pipe.poll(0):
            asked = pipe.recv()
        if not up.poll(50 if asked is None else _QUIET_MS):
            if asked is not None:
                break
            continue
        parts = up.recv_multipart(copy=False)
        seq += 1
        known = _frame_time_us(parts, seq)
        if known and notes.taken and notes.taken[-1] and chance.random() < _STRAY_SHARE:
            notes.add(-1, False, _offer(down, _stray(chance)), 0)
            # The queue certainly accepts the next message, so that the stray one is not in a gap.
            while not _offer(down, parts):
                time.sleep(0.001)
            notes.add(seq, True, True, known)
        else:
            notes.add(seq, bool(known), _offer(down, parts), known)
        passed.value = seq + 1
    return bool(asked)


def _note_lost(up: Any, notes: _Notes) -> None:
    """Record the messages that came and were not passed on."""
    seq = max(notes.seq, default=-1)
    while up.poll(_QUIET_MS):
        up.recv_multipart(copy=False)
        seq += 1
        notes.add(seq, False, False, 0)


def _offer(down: Any, parts: Any) -> bool:
    """Send a message to the monitor; return False if refused.

    The monitor's queue refuses a message when it is full.
    """
    try:
        down.send_multipart(parts, zmq.NOBLOCK, copy=False)
    except zmq.Again:
        return False
    return True


def _frame_time_us(parts: Any, seq: int) -> int:
    """Return the end time of a frame's data.

    It is 0 if the producer corrupted the message.
    """
    if len(parts) != 3 or parts[0].bytes != b"data":
        return 0
    try:
        header = orjson.loads(parts[1].buffer)
    except orjson.JSONDecodeError:
        return 0
    nbeam, nchan, npol = header["data_shape"]
    if len(parts[2].buffer) != nbeam * nchan * npol * 4:
        return 0
    if header["seq"] != seq:
        raise AssertionError(f"the producer's number {header['seq']} came where {seq} was due")
    return int(np.datetime64(header["last_block_time"], "us").astype(np.int64))


def _stray(chance: random.Random) -> list[bytes]:
    """Return a message of another program.

    It has another topic, an invalid header, or no content.
    """
    return chance.choice(
        [[b"weather", b'{"wind": 3}', b"calm"], [b"hello"], [b"data", b"\xff\xfe", b"12345678"], [b""]]
    )
