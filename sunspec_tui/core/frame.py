"""Decode messages of the stream into `Frame` values, and encode frames.

A message that is not a frame raises `RejectedMessage` with a typed cause. Headers come from many versions of producers,
and each key is missing in one of them: missing values are derived from the others, and wrong values reject the message.
`header_values` parses the values of a header, `payload_layout` the shape and type of a payload. This module has no
state, reads no clock and evaluates no text.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.header_values import end_of_data, interval_s, time_shift_s, wall_clock, whole_numbers
from sunspec_tui.core.instrument import channel_frequencies_hz
from sunspec_tui.core.payload_layout import payload_array
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.times import format_date_and_clock
from sunspec_tui.core.usual_frames import DEFAULT_CHAN0

TOPIC = b"data"
MAX_HEADER_BYTES = 64 * 1024


class Frame(NamedTuple):
    """One averaged power spectrum as it was received.

    Attributes
    ----------
    data
        Power, usually float32, shape (nbeam, nchan, npol), arbitrary linear units.
    block_time_s
        End of the averaged data, seconds since 1970 UTC; NaN if not in the header.
    sent_s
        The sender's wall clock when the message was made, seconds since 1970; NaN if unknown.
    time_problem
        Why `block_time_s` or `sent_s` could not be read, for users; empty without a problem.
    time_tag
        Start of the producer's sequence, in ticks of 196 MHz since 1970.
    seq
        The producer's number of the frame; None if the producer does not count frames.
    chan0
        First channel; None if not in the header.
    interval_s
        The producer's nominal step from frame to frame; None if not in the header.
    assumed_chan0
        First channel that is used if the header has none.
    header
        The complete header, unchanged.
    """

    data: NDArray[Any]
    block_time_s: float
    sent_s: float
    time_problem: str = ""
    time_tag: int | None = None
    seq: int | None = None
    chan0: int | None = None
    interval_s: float | None = None
    assumed_chan0: int = DEFAULT_CHAN0
    header: Mapping[str, Any] = MappingProxyType({})

    def __repr__(self) -> str:
        nbeam, nchan, npol = self.data.shape
        number = "" if self.seq is None else f", seq {self.seq}"
        return f"<Frame {nbeam} x {nchan} x {npol}, data until {format_date_and_clock(self.block_time_s)} UTC{number}>"

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nbeam, nchan, npol)."""
        nbeam, nchan, npol = self.data.shape
        return nbeam, nchan, npol

    @property
    def recorded(self) -> bool:
        """True if the header marks the data as a recording.

        Its times are then in the past.
        """
        return self.header.get("recorded") is True

    @property
    def station(self) -> str:
        """Station in the header, for display; empty if the header has none."""
        station = self.header.get("station", "")
        return printable_name(station) if isinstance(station, str) else ""

    @property
    def recorded_s(self) -> float:
        """Time at which a replay's data were recorded, seconds since 1970.

        NaN if the times of the data are not shifted.
        """
        return self.block_time_s - (time_shift_s(self.header.get("time_shift")) or math.nan)

    @property
    def frequencies_hz(self) -> NDArray[np.float64]:
        """Centres of the channels in Hz, shape (nchan,)."""
        chan0 = self.assumed_chan0 if self.chan0 is None else self.chan0
        return channel_frequencies_hz(chan0, self.data.shape[1])


def decode(parts: Sequence[bytes | memoryview], assumed_chan0: int = DEFAULT_CHAN0) -> Frame:
    """Decode one multipart message.

    Parameters
    ----------
    parts
        The parts of the message in order: topic, header, payload.
    assumed_chan0
        First channel if the header has none.

    Raises
    ------
    RejectedMessage
        If the message is not a frame; its cause is the key of the counter of rejected messages.
    """
    topic, raw_header, payload = _three_parts(parts)
    if topic != TOPIC:
        raise RejectedMessage(RejectCause.TOPIC, f"topic {bytes(topic[:32])!r} is not {TOPIC!r}")
    header = parse_header(raw_header)
    data = payload_array(header, payload)
    block_time_s, block_problem = end_of_data(header)
    sent_s, sent_problem = wall_clock(header.get("timestamp"))
    time_tag, seq, chan0 = whole_numbers(header)
    return Frame(
        data,
        block_time_s,
        sent_s,
        block_problem or sent_problem,
        time_tag,
        seq,
        chan0,
        interval_s(header.get("interval")),
        assumed_chan0,
        header,
    )


def parse_header(raw: bytes | memoryview) -> dict[str, Any]:
    """Parse the header of a message.

    Raises
    ------
    RejectedMessage
        If the header is too large, not UTF-8, not JSON or not an object.
    """
    if len(raw) > MAX_HEADER_BYTES:
        raise RejectedMessage(RejectCause.HEADER_SIZE, f"header of {len(raw)} bytes, over {MAX_HEADER_BYTES}")
    try:
        header = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _unreadable(raw, error) from error
    if not isinstance(header, dict):
        raise RejectedMessage(RejectCause.HEADER_JSON, f"header is a JSON {type(header).__name__}, not an object")
    return header


def _unreadable(raw: bytes | memoryview, error: Exception) -> RejectedMessage:
    """Return the rejection of an unreadable header."""
    try:
        bytes(raw).decode()
    except UnicodeDecodeError:
        return RejectedMessage(RejectCause.HEADER_ENCODING, "header is not UTF-8")
    return RejectedMessage(RejectCause.HEADER_JSON, f"header is not JSON: {error}")


def _three_parts(parts: Sequence[bytes | memoryview]) -> Sequence[bytes | memoryview]:
    if len(parts) == 3 and len(parts[2]):
        return parts
    if not any(len(part) for part in parts):
        raise RejectedMessage(RejectCause.EMPTY, "empty message")
    if len(parts) == 3:
        raise RejectedMessage(RejectCause.EMPTY, "empty payload")
    raise RejectedMessage(RejectCause.PARTS, f"{len(parts)} parts instead of topic, header and payload")


Message = list[bytes]
"""Topic, header and payload."""


Encode = Callable[[dict[str, Any], NDArray[np.float32]], Iterable[Message]]
"""Function from a frame's header and its mean, shape (nbeam, nchan, npol), to the messages to send."""


def encode(header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
    """Encode a frame as one message.

    Its parts are the topic ``data``, the header as JSON, and the bytes of the mean.
    """
    return ([TOPIC, json.dumps(header).encode(), mean.tobytes()],)
