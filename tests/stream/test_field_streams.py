"""Streams of deployed producers: right times, no false restarts, one note."""

import json
import logging

import numpy as np
import pytest
from publishers import block_time, message

from sunspec_tui import StreamReceiver
from sunspec_tui.core.frame import decode
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.times import LWA_TIME_GULP_S

GOOD = np.random.default_rng(1).uniform(1, 2, (1, 64, 4)).astype(np.float32)
START_S = 1755552894.0
TAG = 1755552894 * CLOCK_HZ


def feed_frame(receiver, **keys):
    with receiver.handler.receiving():
        receiver.handler.on_message(message(GOOD, **keys))


def example(n):
    """Header keys of the older system's test producer."""
    now_s = START_S + n / 4
    return {"time_tag": round(now_s * 1e6), "timestamp": now_s, "last_block_time": "2025-08-18 14:34:54.%f"}


def test_the_older_systems_test_producer_is_shown_correctly(caplog):
    caplog.set_level(logging.INFO)
    receiver = StreamReceiver(plot_interval=0)
    for n in range(60):
        feed_frame(receiver, **example(n), data_type=None)
        seen = receiver.snapshot()
    assert (seen.health.frames_received, seen.health.restarts) == (60, 0)
    assert seen.health.cadence_s == pytest.approx(0.25)
    assert seen.rows.times_s[-1] == pytest.approx(START_S + 59 / 4)
    assert [note for note in seen.notes if "time_tag" in note] == [seen.health.tag_problem]
    assert [record.levelname for record in caplog.records if "time_tag" in record.getMessage()] == ["WARNING"]


def test_a_stray_shape_among_frames_with_moving_tags_is_not_accepted():
    receiver = StreamReceiver(plot_interval=0)
    for n in range(40):
        with receiver.handler.receiving():
            receiver.handler.on_message(message(GOOD[:, :32] if n == 20 else GOOD, **example(n)))
    assert len(receiver.snapshot().rows) == 39


def test_numbers_that_begin_again_are_a_restart_whatever_the_tags():
    receiver = StreamReceiver(plot_interval=0)
    for n in (0, 1, 2, 0, 1):
        feed_frame(receiver, seq=n, time_tag=TAG, last_block_time=block_time(n))
    assert receiver.snapshot().health.restarts == 1
    feed_frame(receiver, seq=0, time_tag=TAG + 5, last_block_time=block_time(9))
    feed_frame(receiver, seq=0, time_tag=TAG + 9, last_block_time=block_time(20))
    assert receiver.snapshot().health.restarts == 3


@pytest.mark.parametrize(("last", "then", "missing"), [(2**32 - 1, 0, 0), (2**32 - 2, 3, 4)])
def test_a_frame_number_of_32_bits_that_wraps_is_no_restart(last, then, missing):
    receiver = StreamReceiver(plot_interval=0)
    for n, seq in enumerate([last - 2, last - 1, last, then]):
        feed_frame(receiver, seq=seq, last_block_time=block_time(n + missing * (seq == then)))
    health = receiver.snapshot().health
    assert (health.restarts, health.frames_missing) == (0, missing)


def test_lwa_time_is_the_beginning_of_the_newest_gulp():
    frame = decode(message(GOOD, last_block_time=None, lwa_time="2025-08-18 21:34:54"))
    assert frame.block_time_s == pytest.approx(START_S + 0.25077551)
    assert pytest.approx(0.25077551) == LWA_TIME_GULP_S


def test_a_last_block_time_of_null_counts_as_missing():
    header = {"last_block_time": None, "lwa_time": "2025-08-18 21:34:54"}
    topic, _, payload = message(GOOD)
    frame = decode([topic, json.dumps({"data_shape": GOOD.shape} | header).encode(), payload])
    assert frame.block_time_s == pytest.approx(START_S + LWA_TIME_GULP_S)
    frame = decode([topic, json.dumps({"data_shape": GOOD.shape, "lwa_time": None}).encode(), payload])
    assert (np.isnan(frame.block_time_s), frame.time_problem) == (True, "")


def test_a_last_block_time_counts_more_than_an_lwa_time():
    frame = decode(message(GOOD, last_block_time="2025-08-18 21:34:54", lwa_time="2025-08-18 21:34:50"))
    assert frame.block_time_s == START_S
