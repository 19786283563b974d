"""Decode messages of the stream into `Frame` values, and encode frames.

A message that is not a frame raises `RejectedMessage` with a typed cause. Headers come from many versions of producers,
and each key is missing in one of them: missing values are derived from the others, and wrong values reject the message.
This module has no state, reads no clock and evaluates no text. The payload is copied only if it must be averaged.
"""

import json
import marshal
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.instrument import channel_frequencies_hz
from sunspec_tui.core.memory_budgets import MAX_CHAN0
from sunspec_tui.core.printable import printable_name, short_repr
from sunspec_tui.core.times import LWA_TIME_GULP_S, format_date_and_clock, parse_block_time, parse_wall_clock

TOPIC = b"data"
MAX_HEADER_BYTES = 64 * 1024
DEFAULT_NCHAN, DEFAULT_CHAN0 = 3072, 560
MAX_NCHAN = 65_536
"""More channels than any producer has: a header with more would request a ring of many gigabytes."""

_MAX_NUMBER = 2**63 - 1
_INTERVAL_S = (1e-3, 86_400.0)
_MAX_PROBLEM = 100
_POLARISATIONS = (1, 2, 4)
# Names that numpy accepts without a warning. Their type is checked later, because "long" depends on the machine.
_TYPE_NAME = re.compile(
    r"[<>=|]?(?:[fiu][1248]|[bBhHiIlLqQpPnNefd]|u?int(?:8|16|32|64)?|float(?:16|32|64)?|half|single|double"
    r"|u?byte|u?short|u?intc|u?intp|u?long|u?longlong)"
)
# The axes of a payload, outermost first; a shorter shape lacks the outer ones.
_AXES = ("ntime", "nbeam", "nchan", "npol")
_PLAIN_MARSHAL = 2  # the version without references: its bytes depend on the values alone
_LAYOUT_KEYS = ("nbeam", "nchan", "npol", "data_shape", "data_type")


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
    data = _payload_array(header, payload)
    block_time_s, block_problem = _end_of_data(header)
    sent_s, sent_problem = _wall_clock(header.get("timestamp"))
    time_tag, seq, chan0 = _numbers(header)
    return Frame(
        data,
        block_time_s,
        sent_s,
        block_problem or sent_problem,
        time_tag,
        seq,
        chan0,
        _interval(header.get("interval")),
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


def _numbers(header: dict[str, Any]) -> tuple[int | None, int | None, int | None]:
    """Return ``time_tag``, ``seq`` and ``chan0`` of a header; None if missing."""
    time_tag, seq, chan0 = header.get("time_tag"), header.get("seq"), header.get("chan0")
    # The usual case is checked here, because three calls of `_count` take longer.
    whole = type(time_tag) is int and type(seq) is int and type(chan0) is int
    if whole and 0 <= time_tag <= _MAX_NUMBER and 0 <= seq <= _MAX_NUMBER and 0 <= chan0 <= MAX_CHAN0:  # type: ignore[operator]
        return time_tag, seq, chan0
    return _count(header, "time_tag"), _count(header, "seq"), _count(header, "chan0", most=MAX_CHAN0)


def _count(header: dict[str, Any], key: str, *, least: int = 0, most: int = _MAX_NUMBER) -> int | None:
    """Return a whole number of the header; None if it is missing."""
    value = header.get(key)
    if type(value) is int:
        if not least <= value <= most:
            raise RejectedMessage(RejectCause.HEADER_VALUE, f"{key} is {value}, outside {least} to {most}")
        return value
    if value is None and key not in header:
        return None
    raise RejectedMessage(RejectCause.HEADER_TYPE, f"{key} is {short_repr(value)}, not a whole number")


def _interval(value: object) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float):
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"interval is {short_repr(value)}, not a number")
    seconds = float(value)  # type: ignore[arg-type]
    if not _INTERVAL_S[0] <= seconds <= _INTERVAL_S[1]:
        raise RejectedMessage(RejectCause.HEADER_VALUE, f"interval is {seconds} s, outside {_INTERVAL_S}")
    return seconds


def _end_of_data(header: dict[str, Any]) -> tuple[float, str]:
    """Return the end time of the data, and the problem with it.

    ``lwa_time`` is the beginning of the newest gulp.
    """
    end = header.get("last_block_time")
    if end is None and (begin := header.get("lwa_time")) is not None:
        begin_s, problem = _block_time(begin, "lwa_time")
        return begin_s + LWA_TIME_GULP_S, problem
    return _block_time(end)


def _block_time(value: object, key: str = "last_block_time") -> tuple[float, str]:
    """Return the time in a header's text, and the problem with it.

    An unreadable text does not reject the message.
    """
    if value is None:
        return math.nan, ""
    if type(value) is not str:
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"{key} is {short_repr(value)}, not a text")
    try:
        return parse_block_time(value), ""
    except (ValueError, OverflowError) as error:
        return math.nan, f"{key} cannot be read: {error}"[:_MAX_PROBLEM]


def _wall_clock(value: object) -> tuple[float, str]:
    """Return the time in ``timestamp``, and the problem with it."""
    if value is None:
        return math.nan, ""
    if type(value) not in (int, float, str):
        raise RejectedMessage(RejectCause.HEADER_TYPE, f"timestamp is {short_repr(value)}, neither number nor text")
    if type(value) is not str and value < 0:  # type: ignore[operator]
        raise RejectedMessage(RejectCause.HEADER_VALUE, f"timestamp is {short_repr(value)}, below 0")
    try:
        return parse_wall_clock(value), ""  # type: ignore[arg-type]
    except (ValueError, OverflowError) as error:
        return math.nan, f"timestamp cannot be read: {error}"[:_MAX_PROBLEM]


def _payload_array(header: dict[str, Any], payload: bytes | memoryview) -> NDArray[Any]:
    """Return the payload, shape (nbeam, nchan, npol).

    A leading time axis is averaged.
    """
    # The layout keys are the same from frame to frame, so their parsed layout is cached. The cache key is marshalled,
    # because marshal distinguishes 1 from 1.0 and true. A missing key is an ellipsis, which JSON cannot contain.
    get = header.get
    nbeam, nchan, npol, data_shape, data_type = _LAYOUT_KEYS
    stated = (get(nbeam, ...), get(nchan, ...), get(npol, ...), get(data_shape, ...), get(data_type, ...))
    dtype, shape = _layout(marshal.dumps(stated, _PLAIN_MARSHAL), len(payload))
    values: NDArray[Any] = np.ndarray(shape, dtype, payload)
    if len(shape) == 4:
        values = values[0] if shape[0] == 1 else _mean_spectrum(values)
    return values


def _mean_spectrum(values: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over the leading time axis."""
    # No warnings: invalid values and overflows appear as bad values in the result.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.mean(axis=0))


@lru_cache(maxsize=64)
def _layout(stated: bytes, nbytes: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape of a payload of `nbytes`.

    `stated` are the marshalled values of `_LAYOUT_KEYS`.
    """
    values = zip(_LAYOUT_KEYS, marshal.loads(stated), strict=True)  # noqa: S302 - marshalled here
    header = {key: value for key, value in values if value is not ...}
    name = header.get("data_type", "<f4")
    if type(name) is not str:
        raise RejectedMessage(RejectCause.DATA_TYPE, f"data_type is {short_repr(name)}, not a text")
    dtype = _data_type(name)
    size, rest = divmod(nbytes, dtype.itemsize)
    if rest:
        detail = f"payload of {nbytes} bytes is not a whole number of {name}"
        raise RejectedMessage(RejectCause.PAYLOAD_LENGTH, detail)
    shape = _shape(header, size)
    if math.prod(shape) != size:
        raise RejectedMessage(RejectCause.PAYLOAD_LENGTH, f"payload of {size} values, but the header says {shape}")
    if shape[-2] > MAX_NCHAN:
        raise RejectedMessage(RejectCause.SHAPE, f"{shape[-2]} channels, over {MAX_NCHAN}")
    return dtype, shape


def _data_type(name: str) -> np.dtype[Any]:
    """Return the numpy type of ``data_type``, a real number."""
    unknown = RejectedMessage(RejectCause.DATA_TYPE, f"data_type {name[:40]!r} is not known")
    if not _TYPE_NAME.fullmatch(name):
        raise unknown
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError) as error:
        raise unknown from error
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise RejectedMessage(RejectCause.DATA_TYPE, f"data_type {name!r} is not a real number of at most 8 bytes")
    return dtype


def _shape(header: dict[str, Any], size: int) -> tuple[int, ...]:
    """Return the shape of a payload of `size` values.

    It comes from ``data_shape``, else from nbeam, nchan and npol, else from `size`.
    """
    named = {axis: _count(header, axis, least=1) for axis in _AXES[1:]}
    npol = named["npol"]
    if npol is not None and npol not in _POLARISATIONS:
        raise RejectedMessage(RejectCause.SHAPE, f"npol is {npol}, not 1, 2 or 4")
    if "data_shape" in header:
        return _stated_shape(header["data_shape"], named)
    nbeam = named["nbeam"] or 1
    nchan = named["nchan"]
    if npol is None:
        npol = _guess_npol(size, nbeam, nchan)
    return nbeam, nchan or size // (nbeam * npol), npol


def _guess_npol(size: int, nbeam: int, nchan: int | None) -> int:
    """Return the npol that gives a whole number of channels.

    Try the usual 3072 channels first.
    """
    npol = size / (nbeam * (nchan or DEFAULT_NCHAN))
    if npol in _POLARISATIONS:
        return int(npol)
    return next(npol for npol in (4, 2, 1) if size % (nbeam * npol) == 0 or npol == 1)


def _stated_shape(stated: object, named: dict[str, int | None]) -> tuple[int, ...]:
    """Return ``data_shape`` with all axes.

    They are (nbeam, nchan, npol), with ntime in front if it has one.
    """
    if type(stated) is not list or not all(type(length) is int for length in stated):
        raise RejectedMessage(
            RejectCause.HEADER_TYPE, f"data_shape is {short_repr(stated)}, not a list of whole numbers"
        )
    if not 1 <= len(stated) <= 4 or min(stated) < 1:
        raise RejectedMessage(RejectCause.SHAPE, f"data_shape {short_repr(stated)} is not (ntime, nbeam, nchan, npol)")
    shape = _with_all_axes(stated)
    for axis, length in zip(_AXES[1:], shape[-3:], strict=True):
        if named[axis] not in (None, length):
            raise RejectedMessage(RejectCause.SHAPE, f"data_shape {short_repr(stated)}, but {axis} is {named[axis]}")
    if shape[-1] not in _POLARISATIONS:
        raise RejectedMessage(
            RejectCause.SHAPE, f"data_shape {short_repr(stated)} has {shape[-1]} products, not 1, 2 or 4"
        )
    return shape


def _with_all_axes(stated: list[int]) -> tuple[int, ...]:
    """Add missing axes, of length 1.

    A shape of one axis is (nchan,), one of two is (nchan, npol).
    """
    if len(stated) == 1:
        return 1, stated[0], 1
    return tuple([1] * (3 - len(stated)) + stated)


Message = list[bytes]
"""Topic, header and payload."""


Encode = Callable[[dict[str, Any], NDArray[np.float32]], Iterable[Message]]
"""Function from a frame's header and its mean, shape (nbeam, nchan, npol), to the messages to send."""


def encode(header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
    """Encode a frame as one message.

    Its parts are the topic ``data``, the header as JSON, and the bytes of the mean.
    """
    return ([b"data", json.dumps(header).encode(), mean.tobytes()],)
