"""The message delay and its statistics, as tables of numbers."""

import math

import pytest

from sunspec_tui.stream.message_delay import (
    DelayHistory,
    DelayMethod,
    DelayReading,
    DelayStatistics,
    buffer_delay_s,
    delay_statistics,
    message_delay,
)

AUTO, BUFFER, MANUAL = DelayMethod


def reading(method, sent_s, *, now_s=10_000.0, time_problem=""):
    return message_delay(
        method, now_s=now_s, sent_s=sent_s, time_problem=time_problem, buffer_s=7.0, manual_s=2.5
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "sent_s", "expected"),
    [
        (MANUAL, 9_999.0, DelayReading(2.5, MANUAL, MANUAL, "")),
        (MANUAL, math.nan, DelayReading(2.5, MANUAL, MANUAL, "")),
        (BUFFER, 9_999.0, DelayReading(7.0, BUFFER, BUFFER, "")),
        (BUFFER, math.nan, DelayReading(7.0, BUFFER, BUFFER, "")),
        (AUTO, 9_998.5, DelayReading(1.5, AUTO, AUTO, "")),
        (AUTO, 10_000.0, DelayReading(0.0, AUTO, AUTO, "")),
        (AUTO, 10_000.25, DelayReading(-0.25, AUTO, AUTO, "clock skew")),
        (AUTO, 10_060.0, DelayReading(-60.0, AUTO, AUTO, "clock skew")),
        (AUTO, 10_060.5, DelayReading(7.0, AUTO, BUFFER, "timestamp is 60 s in the future")),
        (AUTO, 10_100.0, DelayReading(7.0, AUTO, BUFFER, "timestamp is 100 s in the future")),
        (AUTO, 6_400.0, DelayReading(3_600.0, AUTO, AUTO, "")),
        (AUTO, 6_399.5, DelayReading(3_600.5, AUTO, AUTO, "recorded data")),
    ],
)
def test_each_method_gives_its_value_its_source_and_its_note(method, sent_s, expected):
    assert reading(method, sent_s) == expected


@pytest.mark.parametrize(
    ("problem", "note"),
    [("timestamp cannot be read: x", "timestamp cannot be read: x"), ("", "the header has no timestamp")],
)
def test_an_unknown_timestamp_falls_back_to_the_buffer_estimate_with_the_reason(problem, note):
    assert reading(AUTO, math.nan, time_problem=problem) == DelayReading(7.0, AUTO, BUFFER, note)


def test_the_method_key_cycles_through_all_methods():
    assert [method.next() for method in (AUTO, BUFFER, MANUAL)] == [BUFFER, MANUAL, AUTO]


@pytest.mark.parametrize(
    ("found", "oddity"),
    [
        (DelayReading(7.0, AUTO, BUFFER, "x"), "fallback"),
        (DelayReading(-7.0, MANUAL, MANUAL), ""),
        (DelayReading(9_999.0, BUFFER, BUFFER), ""),
        (DelayReading(-0.1, AUTO, AUTO), "clock skew"),
        (DelayReading(0.0, AUTO, AUTO), ""),
        (DelayReading(3_600.0, AUTO, AUTO), ""),
        (DelayReading(3_600.1, AUTO, AUTO), "recorded"),
    ],
)
def test_an_unusual_delay_has_one_name(found, oddity):
    assert found.oddity == oddity


@pytest.mark.parametrize(("index", "interval_s", "delay_s"), [(0, 0.25, 300.0), (1200, 0.25, 0.0), (200, 0.5, 500.0)])
def test_the_buffer_estimate_counts_the_rows_that_are_still_free(index, interval_s, delay_s):
    assert buffer_delay_s(1200, index, interval_s) == delay_s


@pytest.mark.parametrize(
    ("delays_s", "expected"),
    [
        ([2.0], (2.0, 2.0, 2.0)),
        ([1.0, 2.0], (1.5, 2.0, 2.0)),
        ([3.0, 1.0, 2.0], (2.0, 3.0, 3.0)),
        ([4.0, math.nan, 1.0, math.inf, 2.0, 10.0], (3.0, 10.0, 10.0)),
        ([float(n) for n in range(1, 21)], (10.5, 19.0, 20.0)),
        ([float(n) for n in range(100)], (49.5, 94.0, 99.0)),
        ([float(n) for n in range(101)], (50.0, 95.0, 100.0)),
    ],
)
def test_statistics_are_the_median_the_nearest_rank_and_the_longest(delays_s, expected):
    assert delay_statistics(iter(delays_s)) == DelayStatistics(*expected)


@pytest.mark.parametrize("delays_s", [[], [math.nan], [math.inf, -math.inf]])
def test_statistics_of_no_known_delay_are_unknown(delays_s):
    found = delay_statistics(delays_s)
    assert all(math.isnan(value) for value in (found.median_s, found.p95_s, found.max_s))


def test_the_history_keeps_exactly_its_span():
    history = DelayHistory(span_s=10.0)
    for at_s, delay_s in ((0.0, 1.0), (4.0, 2.0), (10.0, 3.0)):
        history.add(at_s, delay_s)
    assert history.before(10.0) == ((10.0, 1.0), (6.0, 2.0), (0.0, 3.0))
    assert history.before(10.5) == ((6.5, 2.0), (0.5, 3.0))
    history.add(14.5, 4.0)
    assert history.before(10.0) == ((0.0, 3.0), (-4.5, 4.0))
    history.clear()
    assert history.before(14.5) == ()


def test_the_history_is_of_a_minute_and_bounded_whatever_the_rate():
    history = DelayHistory()
    for n in range(6_000):
        history.add(n * 1e-3, float(n))
    kept = history.before(6.0)
    assert len(kept) == 4096
    assert kept[-1][1] == 5_999.0
    assert history.before(6.0 + 59.0)[-1][0] == pytest.approx(59.001)
    assert history.before(6.0 + 60.0) == ()
