"""A short part of the long runs.

Unusual streams pass through every reader, and mutated messages through `decode`.
"""

import fuzz_decode
import pytest
import random_streams
from extent import extent


@pytest.mark.parametrize("seed", [0, 1])
def test_no_reader_fails_whatever_the_stream_is(seed):
    random_streams.drive(seed, extent(100, 300))


@pytest.mark.parametrize("seed", [0, 1])
def test_mutated_messages_are_frames_or_rejected_in_little_time(seed):
    outcomes = fuzz_decode.fuzz(seed, 0, extent(3_000, 10_000))
    assert outcomes["frame"] > extent(150, 500)
    assert len(outcomes) > 8
