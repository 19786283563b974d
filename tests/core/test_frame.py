"""Tests of decoding: any message is a frame or rejected."""

import json
import math

import numpy as np
import orjson
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from publishers import header_of

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.frame import Frame, decode
from sunspec_tui.core.times import format_clock, parse_wall_clock
from sunspec_tui.stream.ingest import DelayChoice, FrameIngester
from sunspec_tui.stream.message_delay import DelayMethod

GOOD = np.ones((1, 8, 4), np.float32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def outcome(call):
    """Return the result of a call, or its cause of rejection.

    Any other error fails the test.
    """
    try:
        return call()
    except RejectedMessage as error:
        return error.cause


KEYS = st.sampled_from([*header_of(GOOD), "seq", "chan0", "interval", "lwa_time"])


@settings(max_examples=extent(100, 300), deadline=None)
@given(parts=st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_a_frame_or_rejected(parts):
    assert isinstance(outcome(lambda: decode([b"data", *parts])), (Frame, RejectCause))


@settings(max_examples=extent(120, 500), deadline=None)
@given(changes=st.dictionaries(KEYS, JSON, max_size=4), gone=st.sets(KEYS), payload=st.sampled_from([128, 64, 12, 4]))
def test_any_header_is_a_frame_that_the_state_can_take_or_rejected(changes, gone, payload):
    header = {key: value for key, value in (header_of(GOOD) | changes).items() if key not in gone}
    ingester = FrameIngester(5, 4, 560, 0, DelayChoice(DelayMethod.AUTO))
    for n in range(3):
        parts = [b"data", json.dumps(header).encode(), bytes(payload)]
        placement = outcome(lambda parts=parts, n=n: ingester.ingest(decode(parts), 1.7e9 + n, float(n)))
        if not isinstance(placement, RejectCause):
            assert math.isfinite(placement.time_s)
            assert math.isfinite(ingester.delay.value_s)
            assert math.isfinite(ingester.axis.frequencies_mhz[0])


DEEP = json.loads("[" * 900 + "]" * 900)
HOSTILE = {
    "a deep shape": {"data_shape": DEEP},
    "a deep number": {"nchan": DEEP, "data_shape": None},
    "a deep time": {"timestamp": DEEP},
    "a deep block time": {"last_block_time": DEEP},
    "a deep interval": {"interval": DEEP},
    "a deep sequence": {"seq": {"a": DEEP}},
    "a long shape": {"data_shape": ["x" * 5000] * 10},
    "a shape of many axes": {"data_shape": [1] * 20_000},
    "a long type": {"data_type": "z" * 60_000},
    "text in place of a number": {"chan0": "\x1b]0;x\x07" * 5000},
    "an old name of a type": {"data_type": "a4"},
    "an old name of a type with its order": {"data_type": "<a8"},
    "numpy's old integers": {"data_type": "int0"},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_rejection_is_one_short_line_without_a_warning_however_odd_the_value(name):
    header = {key: value for key, value in (header_of(GOOD) | HOSTILE[name]).items() if value is not None}
    with pytest.raises(RejectedMessage) as rejected:
        decode([b"data", orjson.dumps(header) if name.startswith("a long") else dumped(header), bytes(128)])
    assert len(str(rejected.value)) <= 400
    assert str(rejected.value).isprintable()


def dumped(value):
    """Return JSON text of any depth."""
    if isinstance(value, dict):
        return b"{" + b",".join(json.dumps(k).encode() + b":" + dumped(v) for k, v in value.items()) + b"}"
    if value is DEEP:
        return b"[" * 1020 + b"]" * 1020
    return json.dumps(value).encode()


@pytest.mark.parametrize("data_type", ["<f4", "<f8"])
def test_the_mean_over_times_of_huge_values_does_not_warn(data_type):
    most = np.finfo(data_type).max
    values = np.full((2, 1, 8, 4), most, data_type)
    values[0, 0, 0] = np.inf
    values[1, 0, 0] = -np.inf
    header = header_of(values[0], data_shape=[2, 1, 8, 4], data_type=data_type)
    frame = decode([b"data", json.dumps(header).encode(), values.tobytes()])
    assert not np.isfinite(frame.data).any()


def test_a_time_of_any_size_is_read_or_named_as_none():
    for value in (10**400, -(10**400), float("inf"), "1e999", "9" * 5000):
        with pytest.raises(ValueError, match=r"time|number|inf"):
            parse_wall_clock(value)


@pytest.mark.parametrize("unix_s", [math.inf, -math.inf, math.nan, 1e15, -1e12, 253402300799.9999])
def test_a_clock_is_text_for_any_number(unix_s):
    assert len(format_clock(unix_s)) == 8
