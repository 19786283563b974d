"""Convert headers to older versions, to test receivers with these.

Pure functions from the newest header to an older one; the payload is the same in all versions.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.frame import Encode, Message, encode
from sunspec_tui.core.times import LWA_TIME_GULP_S, format_block_time, parse_block_time

_IN_2025_08 = ("time_tag", "nbeam", "nchan", "npol", "timestamp", "data_shape")
_MINIMAL = ("nchan", "npol")
_ORIGIN = ("recorded", "station", "time_shift")


def _of_2025_08(header: dict[str, Any]) -> dict[str, Any]:
    """Omit data type, frame number and first channel.

    Use the beginning of the newest gulp as the time.
    """
    begin_s = parse_block_time(header["last_block_time"]) - LWA_TIME_GULP_S
    return {key: header[key] for key in _IN_2025_08} | {"lwa_time": format_block_time(begin_s)}


def _minimal(header: dict[str, Any]) -> dict[str, Any]:
    """Return only the shape, and the time of sending as a number."""
    return {key: header[key] for key in _MINIMAL} | {"timestamp": float(header["timestamp"])}


def _of_test_producer(header: dict[str, Any]) -> dict[str, Any]:
    """Return the older system's test header.

    It has a tag of microseconds, and local time with a literal %f.
    """
    sent_s = float(header["timestamp"])
    local = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sent_s)) + ".%f"
    times = {"time_tag": round(sent_s * 1e6), "timestamp": sent_s, "last_block_time": local}
    return {key: header[key] for key in ("nbeam", "nchan", "npol", "data_shape")} | times


FORMATS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "today": dict,
    "2025-08": _of_2025_08,
    "minimal": _minimal,
    "test-producer": _of_test_producer,
}
"""Conversion of the newest header to a version, by the version's name."""


def encode_as(form: str) -> Encode:
    """Return an encoder for a header version.

    Every version keeps the fields of recorded data.
    """
    convert = FORMATS[form]

    def encode_form(header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
        origin = {key: header[key] for key in _ORIGIN if key in header}
        return encode(convert(header) | origin, mean)

    return encode_form
