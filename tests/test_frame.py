"""Whatever arrives, decoding gives a frame or a typed reason, and nothing else."""

import json
import math

import numpy as np
from conftest import header_of
from hypothesis import given, settings
from hypothesis import strategies as st

from sunspec_tui.delay import DelayMethod
from sunspec_tui.errors import RejectCause, RejectedMessage
from sunspec_tui.frame import Frame, decode
from sunspec_tui.intake import DelayChoice, Intake

GOOD = np.ones((1, 8, 4), np.float32)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def outcome(call):
    """What a call gives, or the cause of its rejection; anything else that it raises fails the test."""
    try:
        return call()
    except RejectedMessage as error:
        return error.cause


KEYS = st.sampled_from([*header_of(GOOD), "seq", "chan0", "interval", "lwa_time"])


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(st.binary(max_size=60), max_size=5))
def test_any_bytes_are_a_frame_or_rejected(parts):
    assert isinstance(outcome(lambda: decode([b"data", *parts])), (Frame, RejectCause))


@settings(max_examples=500, deadline=None)
@given(changes=st.dictionaries(KEYS, JSON, max_size=4), gone=st.sets(KEYS), payload=st.sampled_from([128, 64, 12, 4]))
def test_any_header_is_a_frame_that_the_state_can_take_or_rejected(changes, gone, payload):
    header = {key: value for key, value in (header_of(GOOD) | changes).items() if key not in gone}
    intake = Intake(5, 4, 560, 0, DelayChoice(DelayMethod.AUTO))
    for n in range(3):
        parts = [b"data", json.dumps(header).encode(), bytes(payload)]
        placement = outcome(lambda parts=parts, n=n: intake.take(decode(parts), 1.7e9 + n, float(n)))
        if not isinstance(placement, RejectCause):
            assert math.isfinite(placement.time_s)
            assert math.isfinite(intake.delay.value_s)
            assert math.isfinite(intake.axis.frequencies_mhz[0])
