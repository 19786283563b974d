"""Jumps of time or frame number: stray frames are ignored."""

import math

import numpy as np
import pytest
from monitors import CADENCE_S, START_S, StillReceiver

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.core.times import format_block_time
from sunspec_tui.stream.jump_detection import Step, is_number_jump, is_steady_step, is_time_jump

SKY = np.ones((1, 64, 4), np.float32)


@pytest.mark.parametrize(
    ("data_s", "arrived_s", "cadence_s", "jumped"),
    [
        (0.25, 0.25, 0.25, False),
        (59.0, 0.25, 0.25, False),
        (3600.0, 0.25, 0.25, True),
        (3600.0, 3600.0, 0.25, False),
        (3600.0, 0.25, math.nan, False),
        (300.0, 0.25, 100.0, False),
        (-3600.0, 0.25, 0.25, False),
        (math.nan, 0.25, 0.25, False),
    ],
)
def test_a_time_far_ahead_of_the_arrivals_is_a_jump(data_s, arrived_s, cadence_s, jumped):
    assert is_time_jump(Step(data_s, arrived_s, None), cadence_s) is jumped


@pytest.mark.parametrize(
    ("frames", "data_s", "jumped"),
    [
        (1, 0.25, False),
        (1000, 0.25, False),
        (1001, 0.25, True),
        (1001, 250.0, False),
        (None, 0.25, False),
        (-5, 0.25, False),
    ],
)
def test_a_number_far_ahead_of_the_time_is_a_jump(frames, data_s, jumped):
    assert is_number_jump(Step(data_s, 0.25, frames), 0.25) is jumped
    assert not is_number_jump(Step(data_s, 0.25, frames), math.nan)


@pytest.mark.parametrize(
    ("data_s", "frames", "steady"),
    [
        (0.25, 1, True),
        (2.0, 8, True),
        (2.1, 1, False),
        (0.25, 9, False),
        (0.0, 1, False),
        (0.25, None, True),
        (math.nan, 1, True),
    ],
)
def test_a_steady_step_confirms(data_s, frames, steady):
    assert is_steady_step(Step(data_s, 0.25, frames), 0.25) is steady


def fed(shift_of):
    """Return a receiver after 120 frames.

    `shift_of` returns the error of frame n: seconds, and a difference of the frame number.
    """
    receiver = StillReceiver()
    for n in range(120):
        shift_s, shift = shift_of(n)
        end_s = START_S + n * CADENCE_S + shift_s
        receiver.feed(SKY, last_block_time=format_block_time(end_s), seq=n + shift)
    return receiver


@pytest.mark.parametrize("shift", [(3600.0, 0), (0.0, 9_000_000), (0.0, 2**40), (3600.0, 14_400)])
def test_one_stray_frame_moves_and_counts_nothing(shift):
    receiver = fed(lambda n: shift if n == 60 else (0.0, 0))
    rows, health = receiver.get_rows(), receiver.snapshot().health
    assert rows.slots.tolist() == list(range(120))
    assert np.diff(rows.times_s) == pytest.approx(CADENCE_S)
    assert (health.frames_missing, health.restarts, health.reversals) == (0, 0, 0)
    assert bool(rows.marks[60] & Mark.TIME_GUESSED) == (shift[0] > 0)


def test_a_jump_that_the_next_frame_confirms_counts_as_a_gap():
    receiver = fed(lambda n: (3600.0, 14_400) if n >= 60 else (0.0, 0))
    rows, health = receiver.get_rows(), receiver.snapshot().health
    assert (health.frames_missing, health.restarts, health.reversals) == (14_400, 0, 0)
    assert rows.slots[59:63].tolist() == [59, 60, 61 + 14_400, 62 + 14_400]
    assert rows.times_s[61] == pytest.approx(START_S + 61 * CADENCE_S + 3600)
    assert rows.marks[61] == Mark.GAP_BEFORE


def test_rejected_messages_before_a_stray_frame_are_not_missing():
    receiver = StillReceiver()
    for n in range(40):
        if n in (20, 21, 22):
            receiver.skip(1)
            receiver.handler.on_message([b"data", b"{", b"x"])
        else:
            receiver.feed(SKY, seq=9_000_000 if n == 23 else n)
    health = receiver.snapshot().health
    assert (health.frames_received, health.frames_rejected, health.frames_missing) == (37, 3, 0)


def test_two_stray_frames_apart_and_in_a_row_move_nothing():
    for strays in ((60, 70), (60, 61)):
        receiver = fed(lambda n, strays=strays: (1000.0 * n, 0) if n in strays else (0.0, 0))
        assert receiver.get_rows().slots.tolist() == list(range(120))


def test_an_hour_of_silence_is_a_gap_at_once():
    receiver = StillReceiver()
    for n in range(40):
        receiver.frames += 14_400 if n == 20 else 0
        receiver.feed(SKY)
    rows = receiver.get_rows()
    assert rows.slots[20] == 14_420
    assert receiver.snapshot().health.frames_missing == 14_400


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize(("shift_s", "strays"), [(-3600.0, 1), (-30.0, 1), (-2.0, 1), (-3600.0, 4), (-1e6, 1)])
def test_a_time_that_goes_back_and_returns_leaves_no_gap_of_that_length(numbered, shift_s, strays):
    receiver = StillReceiver()
    for n in range(120):
        end_s = START_S + n * CADENCE_S + (shift_s if 60 <= n < 60 + strays else 0)
        receiver.feed(SKY, last_block_time=format_block_time(end_s), seq=n if numbered else None)
    rows, health = receiver.get_rows(), receiver.snapshot().health
    assert (health.frames_missing, health.restarts, health.reversals) == (0, 0, 1)
    assert health.cadence_s == pytest.approx(CADENCE_S)
    # One empty slot, because the row that returns does not begin where the stray one ends.
    assert rows.slots[-1] == 120
    assert rows.marks[60 + strays] == Mark.GAP_BEFORE


def test_a_time_that_goes_back_for_good_opens_no_gap_when_it_passes_its_earlier_value():
    receiver = StillReceiver()
    for n in range(120):
        end_s = START_S + n * CADENCE_S - (1.0 if n >= 60 else 0.0)
        receiver.feed(SKY, last_block_time=format_block_time(end_s), seq=None)
    assert receiver.get_rows().slots.tolist() == list(range(120))
    assert receiver.snapshot().health.frames_missing == 0


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("is_lost", [True, False])
def test_a_frame_that_is_lost_while_the_time_is_back_counts_once(numbered, is_lost):
    receiver = StillReceiver()
    for n in range(120):
        if n == 62:
            if not is_lost:
                receiver.handler.on_reject(RejectedMessage(RejectCause.PARTS, "damaged"))
            continue
        end_s = START_S + n * CADENCE_S - (30.0 if 60 <= n < 65 else 0)
        receiver.feed(SKY, last_block_time=format_block_time(end_s), seq=n if numbered else None)
    health = receiver.snapshot().health
    assert (health.frames_received, health.frames_missing, health.frames_rejected) == (
        119,
        int(is_lost),
        int(not is_lost),
    )
