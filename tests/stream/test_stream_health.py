"""Counts of a stream and slots of its rows, as tables."""

import itertools
import math

import numpy as np
import pytest

from sunspec_tui.core.errors import RejectCause
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.stream.frame_placer import LONGEST_GAP_ROWS
from sunspec_tui.stream.health_reading import DEFAULT_INTERVAL_S, LONG_SILENCE_S, HealthReading, LinkState, StreamState
from sunspec_tui.stream.stream_health import StreamHealth

EMPTY = np.empty((1, 1, 1), np.float32)


FIRST_TAG = 351_963_334_208_787_952  # 2026-11-26


def frame(time_s=math.nan, *, seq=None, tag=None, interval=None, sent_s=math.nan):
    time_tag = None if tag is None else FIRST_TAG + tag
    return Frame(EMPTY, time_s, sent_s, time_tag=time_tag, seq=seq, interval_s=interval)


def place_all(frames, health=None, step_s=0.25):
    health = health or StreamHealth()
    return health, [health.assign_slot(each, 1e9 + n * step_s, n * step_s) for n, each in enumerate(frames)]


def slots_of(times_s, **keys):
    _, found = place_all([frame(time_s, **keys) for time_s in times_s])
    return [each.slot for each in found]


@pytest.mark.parametrize(
    ("times_s", "slots"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2, 4.4], [0, 1, 2, 4]),
        ([0, 1, 2, 4.6], [0, 1, 2, 5]),
        ([0, 1, 2, 3.7], [0, 1, 2, 4]),
        ([0, 1, 2, 3.99], [0, 1, 2, 4]),
        ([0, 1, 2, 2.2], [0, 1, 2, 3]),
        ([0, 1, 2, 2], [0, 1, 2, 3]),
        ([0, 1, 2, 1], [0, 1, 2, 3]),
        ([0, 1, 2, 7.49, 8.49], [0, 1, 2, 7, 8]),
    ],
)
def test_a_row_is_placed_at_the_nearest_slot_and_at_least_one_further(times_s, slots):
    assert slots_of(times_s) == slots


@pytest.mark.parametrize(
    ("times_s", "missing", "mark"),
    [
        ([0, 1, 2, 3], 0, Mark.NONE),
        ([0, 1, 2, 4], 1, Mark.GAP_BEFORE),
        ([0, 1, 2, 5.4], 2, Mark.GAP_BEFORE),
        ([0, 1, 2, 2], 0, Mark.REPEAT),
        ([0, 1, 2, 0.5], 0, Mark.REVERSAL),
    ],
)
def test_the_datas_time_shows_losses_repeats_and_reversals(times_s, missing, mark):
    health, found = place_all([frame(time_s) for time_s in times_s])
    assert (found[-1].missing, found[-1].mark, health.frames_missing) == (missing, mark, missing)
    assert (health.repeats, health.reversals) == (mark == Mark.REPEAT, mark == Mark.REVERSAL)
    assert health.frames_received == 4


@pytest.mark.parametrize(
    ("numbers", "missing", "restarts"),
    [
        ([5, 6, 7], 0, 0),
        ([5, 6, 9], 2, 0),
        ([5, 6, 6], 0, 0),
        ([5, 6, 5], 0, 1),
        ([5, 6, 0], 0, 1),
        ([0, 1, LONGEST_GAP_ROWS, LONGEST_GAP_ROWS + 1], LONGEST_GAP_ROWS - 2, 0),
        ([0, 1, LONGEST_GAP_ROWS + 2, LONGEST_GAP_ROWS + 3], 0, 1),
        ([0, 1, LONGEST_GAP_ROWS, 3, 4], 0, 0),
    ],
)
def test_the_producers_numbers_show_losses_and_restarts(numbers, missing, restarts):
    health, _ = place_all([frame(n, seq=seq) for n, seq in enumerate(numbers)])
    assert (health.frames_missing, health.restarts) == (missing, restarts)


@pytest.mark.parametrize(
    ("tags", "restarts"),
    [
        ([1, 1, 1], 0),
        ([1, 1, 2], 1),
        ([2, 2, 1], 1),
        ([None, None, 1], 0),
        ([1, 1, None], 0),
        ([None, None, None], 0),
        ([0, 0, 1], 1),
        ([1, 2, 3], 0),
    ],
)
def test_another_sequence_is_a_restart(tags, restarts):
    health, found = place_all([frame(n, tag=tag) for n, tag in enumerate(tags)])
    assert health.restarts == restarts
    assert bool(found[-1].mark & Mark.RESTART) == bool(restarts)
    assert not found[0].mark


def test_a_restart_is_placed_by_the_datas_time_and_nothing_is_missing_before_it():
    frames = [frame(0, tag=1), frame(1, tag=1), frame(2, tag=1), frame(7, tag=2), frame(8, tag=2)]
    health, found = place_all(frames)
    assert [each.slot for each in found] == [0, 1, 2, 7, 8]
    assert found[3].mark == Mark.RESTART | Mark.GAP_BEFORE
    assert (health.frames_missing, found[3].missing) == (0, 0)


def test_a_step_of_the_datas_time_that_is_too_wide_is_a_restart():
    begin = [frame(0), frame(1), frame(2)]
    _, found = place_all([*begin, frame(1 + LONGEST_GAP_ROWS), frame(2 + LONGEST_GAP_ROWS)])
    assert found[-1].mark == Mark.GAP_BEFORE
    assert found[-1].slot == 2 + LONGEST_GAP_ROWS
    health, found = place_all([*begin, frame(3 + LONGEST_GAP_ROWS), frame(4 + LONGEST_GAP_ROWS)])
    assert found[-1].mark == Mark.RESTART | Mark.GAP_BEFORE
    assert (found[-1].slot, health.restarts, health.frames_missing) == (2 + LONGEST_GAP_ROWS, 1, 0)


def test_steps_from_before_a_restart_are_forgotten_at_once():
    frames = [frame(n, tag=1) for n in range(31)] + [frame(100 + n / 4, tag=2) for n in range(3)]
    health, found = place_all(frames)
    assert health.cadence_s == 0.25
    assert [each.slot - found[31].slot for each in found[31:]] == [0, 1, 2]
    health, _ = place_all([frame(n, tag=1) for n in range(31)] + [frame(100, tag=2, interval=0.5)])
    assert health.cadence_s == 0.5


def test_a_gulp_from_before_a_restart_is_forgotten_at_once():
    frames = [frame(n, tag=1, sent_s=5.0) for n in range(8)] + [frame(10 + n, tag=2, sent_s=20.0 + n) for n in range(2)]
    health, _ = place_all(frames)
    assert health.stall_after_s() == 3.0


@pytest.mark.parametrize(
    ("steps_s", "cadence_s"),
    [
        ([1.0], 1.0),
        ([1.0, 3.0], 1.0),
        ([3.0, 1.0], 1.0),
        ([1.0, 2.0, 3.0], 2.0),
        ([4.0, 3.0, 2.0, 1.0], 2.0),
        ([0.0, 2.0], 2.0),
        ([2.0, -1.0], 2.0),
        ([9.0] * 16 + [1.0] * 15, 9.0),
        ([9.0] * 16 + [1.0] * 16, 1.0),
    ],
)
def test_the_cadence_is_the_lower_median_of_the_last_steps(steps_s, cadence_s):
    health, _ = place_all([frame(time_s) for time_s in itertools.accumulate([0.0, *steps_s])])
    assert health.cadence_s == cadence_s


def test_the_cadence_is_the_stated_one_before_the_second_frame():
    assert math.isnan(place_all([frame(0)])[0].cadence_s)
    assert place_all([frame(0, interval=0.5)])[0].cadence_s == 0.5


@pytest.mark.parametrize(
    ("block_s", "sent_s", "time_s", "mark"),
    [(5.0, 7.0, 5.0, Mark.NONE), (math.nan, 7.0, 7.0, Mark.TIME_GUESSED), (math.nan, math.nan, 1e9, Mark.TIME_GUESSED)],
)
def test_a_rows_time_is_the_datas_else_the_senders_else_the_arrivals(block_s, sent_s, time_s, mark):
    found = StreamHealth().assign_slot(frame(block_s, sent_s=sent_s), 1e9, 0.0)
    assert (found.time_s, found.mark, found.slot, found.missing, found.silence_s) == (time_s, mark, 0, 0, 0.0)


@pytest.mark.parametrize("sent_s", [(0, 1, 9), (0, 1, 1), (0, 1, 0.5)])
def test_guessed_times_show_neither_losses_nor_repeats_nor_reversals(sent_s):
    health, found = place_all([frame(sent_s=each) for each in sent_s])
    assert (health.frames_missing, health.repeats, health.reversals) == (0, 0, 0)
    assert [each.slot for each in found] == [0, 1, 2]
    assert {each.mark for each in found} == {Mark.TIME_GUESSED}


def test_guessed_times_with_numbers_are_placed_by_the_numbers():
    health, found = place_all([frame(sent_s=n, seq=seq) for n, seq in enumerate((0, 1, 4))])
    assert health.frames_missing == 2
    assert [each.slot for each in found] == [0, 1, 4]
    assert found[2].mark == Mark.TIME_GUESSED | Mark.GAP_BEFORE


def test_numbers_with_a_larger_step_than_the_times_place_the_row():
    health, found = place_all([frame(0, seq=0), frame(1, seq=1), frame(2, seq=6)])
    assert (found[2].slot, health.frames_missing) == (6, 4)


@pytest.mark.parametrize(
    ("keys", "losses", "restarts"),
    [
        ({"time_s": 1.0}, True, False),
        ({"time_s": 1.0, "tag": 3}, True, True),
        ({"sent_s": 1.0}, False, False),
        ({"sent_s": 1.0, "seq": 3}, True, True),
        ({"sent_s": 1.0, "tag": 3}, False, True),
    ],
)
def test_counts_that_headers_do_not_allow_are_unknown(keys, losses, restarts):
    health = StreamHealth()
    assert (health.reading(0.0).losses_known, health.reading(0.0).restarts_known) == (True, True)
    health.assign_slot(frame(**keys), 1e9, 0.0)
    reading = health.reading(0.0)
    assert (reading.losses_known, reading.restarts_known) == (losses, restarts)
    assert reading.missing == (0 if losses else None)


def test_a_rejected_message_is_not_missing_too():
    health = StreamHealth()
    health.reject(RejectCause.TOPIC)
    for seq in (0, 1):
        health.assign_slot(frame(seq, seq=seq), 1e9, 0.0)
    health.reject(RejectCause.PARTS)
    health.reject(RejectCause.SHAPE, seq=2)
    health.reject(RejectCause.SHAPE, seq=1)
    health.reject(RejectCause.SHAPE, seq=0)
    assert health.assign_slot(frame(5, seq=5), 1e9, 0.0).missing == 1
    assert health.assign_slot(frame(7, seq=7), 1e9, 0.0).missing == 1
    assert (health.frames_missing, health.rejected.total()) == (2, 5)


@pytest.mark.parametrize("rejected", [1, 5])
def test_rejected_messages_never_make_losses_negative(rejected):
    health = StreamHealth()
    for _ in range(rejected):
        health.reject(RejectCause.TOPIC)
    for seq in (0, 1, 2):
        health.assign_slot(frame(seq, seq=seq), 1e9, 0.0)
        health.reject(RejectCause.TOPIC)
    assert health.frames_missing == 0


def test_rejections_keep_their_cause_and_the_last_reason():
    health = StreamHealth()
    assert health.reading(0.0).last_rejection == ""
    health.reject(RejectCause.TOPIC, "first")
    health.reject(RejectCause.SHAPE, "second")
    health.reject(RejectCause.TOPIC, "third")
    health.reject(RejectCause.EMPTY)
    reading = health.reading(0.0)
    assert (reading.frames_rejected, reading.rejected) == (4, {"empty": 1, "shape": 1, "topic": 2})
    assert list(reading.rejected) == ["empty", "shape", "topic"]
    assert reading.last_rejection == "empty: "
    health.reject(RejectCause.TOPIC, "fourth")
    assert health.reading(0.0).last_rejection == "topic: fourth"


def test_the_queue_is_shown_as_it_was_last_and_at_most():
    health = StreamHealth()
    for taken in (3, 9, 2):
        health.note_queue(taken)
    assert (health.reading(0.0).queue_frames, health.reading(0.0).queue_most) == (2, 9)


def test_before_the_first_frame_all_is_unknown_or_0():
    reading = StreamHealth().reading(5.0)
    assert (reading.state, reading.link) == (StreamState.CONNECTING, LinkState.IDLE)
    assert (reading.frames_received, reading.frames_missing, reading.frames_rejected) == (0, 0, 0)
    assert (reading.restarts, reading.reversals, reading.repeats, reading.stalls) == (0, 0, 0, 0)
    assert all(math.isnan(value) for value in (reading.cadence_s, reading.rate_hz, reading.silence_s))
    assert (reading.queue_frames, reading.queue_most, reading.rejected) == (0, 0, {})
    assert reading.stall_after_s == pytest.approx(3 * 1.0272)


@pytest.mark.parametrize(
    ("arrivals_s", "at_s", "rate_hz", "silence_s"),
    [
        ([0.0], 0.5, math.nan, 0.5),
        ([0.0, 0.5], 0.5, 2.0, 0.0),
        ([0.0, 0.5, 1.5], 2.0, 4 / 3, 0.5),
        ([0.0, 0.0], 0.0, math.nan, 0.0),
        ([0.0, 0.5], 99.0, 0.0, 98.5),
        ([n / 2 for n in range(50)], 24.5, 2.0, 0.0),
    ],
)
def test_the_rate_is_that_of_the_last_arrivals(arrivals_s, at_s, rate_hz, silence_s):
    health = StreamHealth()
    for n, arrived_s in enumerate(arrivals_s):
        health.assign_slot(frame(n), 1e9, arrived_s)
    reading = health.reading(at_s)
    assert reading.rate_hz == pytest.approx(rate_hz, nan_ok=True)
    assert reading.silence_s == pytest.approx(silence_s)


def test_the_rate_is_of_the_last_thirty_one_arrivals_alone():
    health = StreamHealth()
    for n in range(40):
        health.assign_slot(frame(n), 1e9, float(n) if n < 10 else 9.0 + (n - 9) / 10)
    assert health.reading(12.0).rate_hz == pytest.approx(10.0)


def fed(cadence_s, *, frames_a_gulp=1, gulps=10):
    """Return a health after gulps without delay, and the last arrival."""
    health = StreamHealth()
    for n in range(frames_a_gulp * gulps):
        gulp_s = (n // frames_a_gulp) * frames_a_gulp * cadence_s
        health.assign_slot(frame(n * cadence_s, sent_s=1e9 + gulp_s), 1e9, gulp_s)
    return health, gulp_s


@pytest.mark.parametrize(
    ("cadence_s", "frames_a_gulp", "stall_after_s"),
    [
        (0.25, 1, 0.75),
        (0.5, 2, 3.0),
        (0.5, 4, 6.0),
        (1.0, 3, 9.0),
        (1.0, 4, 10.0),
        (3.0, 1, 9.0),
        (4.0, 1, 10.0),
        (6.5, 1, 10.0),
        (8.0, 1, 12.0),
        (100.0, 1, 150.0),
        (100.0, 2, 150.0),
    ],
)
def test_silence_of_three_gulps_is_a_stall(cadence_s, frames_a_gulp, stall_after_s):
    health, last_s = fed(cadence_s, frames_a_gulp=frames_a_gulp)
    assert health.stall_after_s() == pytest.approx(stall_after_s)
    assert health.reading(last_s).stall_after_s == health.stall_after_s()
    assert health.state(last_s + stall_after_s * 0.999) is StreamState.LIVE
    assert health.state(last_s + stall_after_s * 1.001) is StreamState.STALLED


def test_the_largest_of_the_last_eight_gulps_counts():
    health = StreamHealth()
    sent_s = [0.0] * 3 + [float(n) for n in range(1, 8)]
    for n, each in enumerate(sent_s):
        health.assign_slot(frame(n * 0.25, sent_s=each), 1e9, 0.0)
    assert health.stall_after_s() == pytest.approx(3 * 3 * 0.25)
    health.assign_slot(frame(10 * 0.25, sent_s=8.0), 1e9, 0.0)
    assert health.stall_after_s() == pytest.approx(3 * 0.25)


def test_a_stall_is_over_with_the_next_frame_which_says_how_long_it_was():
    health, last_s = fed(0.25)
    found = health.assign_slot(frame(100.0), 1e9, last_s + 5.0)
    assert found.silence_s == pytest.approx(5.0)
    assert health.state(last_s + 5.0) is StreamState.LIVE
    assert math.isnan(health.reading(last_s + 5.0).rate_hz)
    assert health.assign_slot(frame(100.25), 1e9, last_s + 5.25).silence_s == 0.0
    assert [health.reading(last_s + after_s).stalls for after_s in (5.5, 7.0)] == [1, 2]


@pytest.mark.parametrize(
    ("state", "silence_s", "silent"),
    [
        (StreamState.STALLED, LONG_SILENCE_S, True),
        (StreamState.STALLED, LONG_SILENCE_S - 0.1, False),
        (StreamState.LIVE, LONG_SILENCE_S + 1, False),
        (StreamState.CONNECTING, math.nan, False),
    ],
)
def test_a_long_stall_needs_the_operator(state, silence_s, silent):
    assert HealthReading(state=state, silence_s=silence_s).is_silent is silent


def test_a_reading_has_all_counts():
    frames = [(0, 1, 0), (1, 1, 1), (2, 1, 2), (2, 1, 3), (1, 1, 4), (9, 2, 5)]
    health, _ = place_all([frame(time_s, tag=tag, seq=seq) for time_s, tag, seq in frames])
    health.link = LinkState.CONNECTED
    reading = health.reading(1.25)
    assert (reading.frames_received, reading.restarts, reading.reversals, reading.repeats) == (6, 1, 1, 1)
    assert (reading.state, reading.link, reading.cadence_s) == (StreamState.LIVE, LinkState.CONNECTED, 1.0)
    assert DEFAULT_INTERVAL_S == 0.25


def test_each_count_increases_repeatedly():
    times_s, tags = [0, 1, 1, 1, 2, 1, 0.5, 9, 10, 19], [1, 1, 1, 1, 1, 1, 1, 2, 2, 3]
    health, _ = place_all([frame(time_s, tag=tag) for time_s, tag in zip(times_s, tags, strict=True)])
    for n, at_s in enumerate((100.0, 200.0, 300.0)):
        health.assign_slot(frame(20.0 + 3 * n, tag=3), 1e9, at_s)
    reading = health.reading(300.0)
    assert (reading.repeats, reading.reversals, reading.restarts, reading.stalls) == (2, 2, 2, 3)
    assert reading.frames_missing == health.frames_missing > 0


def test_counts_of_a_quarter_second_stream_are_in_its_own_steps():
    times_s = [0, 0.25, 0.5, 1.5, 1.75, 3.0]
    health, found = place_all([frame(time_s) for time_s in times_s])
    assert [each.slot for each in found] == [0, 1, 2, 6, 7, 12]
    assert health.frames_missing == 7
    far_s = 0.5 + 0.3 * LONGEST_GAP_ROWS
    _, found = place_all([frame(0), frame(0.25), frame(0.5), frame(far_s), frame(far_s + 0.25)])
    assert found[-1].mark == Mark.RESTART | Mark.GAP_BEFORE


@pytest.mark.parametrize(("first", "second"), [(None, 5), (5, None)])
def test_a_number_that_only_one_frame_has_counts_nothing(first, second):
    health, found = place_all([frame(0, seq=first), frame(1, seq=second), frame(2, seq=second)])
    assert health.restarts == 0
    assert health.frames_missing == 0
    assert [each.slot for each in found] == [0, 1, 2]


@pytest.mark.parametrize(("time_s", "mark"), [(1, Mark.REPEAT), (0.5, Mark.REVERSAL), (1.25, Mark.NONE)])
def test_a_restart_may_repeat_or_reverse_the_time_too(time_s, mark):
    _, found = place_all([frame(0, tag=1), frame(1, tag=1), frame(time_s, tag=2)])
    assert found[2].mark == Mark.RESTART | mark


def test_steps_of_long_ago_do_not_count_for_the_cadence():
    health, _ = place_all([frame(time_s) for time_s in itertools.accumulate([0.0] + [9.0] * 60 + [1.0] * 16)])
    assert health.cadence_s == 1.0


def test_a_number_that_repeats_does_not_open_a_gap():
    health, found = place_all([frame(n / 4, seq=seq) for n, seq in enumerate((3, 4, 4, 5))])
    assert [each.slot for each in found] == [0, 1, 2, 3]
    assert (health.frames_missing, health.restarts) == (0, 0)


def test_a_long_silence_by_numbers_is_a_stall_before_the_next_frame():
    health, last_s = fed(1.0)
    assert health.state(last_s + 3.0) is StreamState.LIVE
    assert health.state(last_s + 3.0001) is StreamState.STALLED


def test_the_connection_is_shown_with_its_words():
    health = StreamHealth()
    assert (health.reading(0.0).link_words, health.reading(0.0).link_attempt) == ("not started", 0)
    health.set_link(LinkState.LOST, "no route to host", 3)
    reading = health.reading(0.0)
    assert (reading.link, reading.link_detail, reading.link_attempt) == (LinkState.LOST, "no route to host", 3)
    assert reading.link_words == "no route to host"
    health.set_link(LinkState.CONNECTED)
    reading = health.reading(0.0)
    assert (reading.link, reading.link_words, reading.link_attempt) == (LinkState.CONNECTED, "connected", 0)
