"""Tests of parsed times at their limits, as tables."""

import math
import time
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from sunspec_tui.core import instrument, times
from sunspec_tui.core.errors import UsageError

START_2000_S, START_2100_S = 946_684_800, 4_102_444_800


def test_a_tag_of_whole_seconds_and_of_ticks():
    assert times.tag_to_unix(196_000_000 * 7) == 7.0
    assert times.tag_to_unix(196_000_000 * 7 + 98_000_000) == 7.5
    assert times.tag_to_unix(49_000_000) == 0.25


def test_a_tag_counts_microseconds():
    assert times.unix_to_tag(2.0) == 392_000_000
    assert times.unix_to_tag(1e-6) == 196
    assert times.unix_to_tag(1.4e-6) == 196
    assert times.unix_to_tag(1.6e-6) == 392


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (0.0, 0.0),
        (99_999_999_999.0, 99_999_999_999.0),
        (1e11, 1e8),
        (-99_999_999_999.0, -99_999_999_999.0),
        (-1e11, -1e8),
        (99_999_999_999_999.0, 99_999_999_999.999),
        (1e14, 1e8),
        (1e17, 1e8),
        (9e19, 9e10),
    ],
)
def test_a_clock_tells_its_unit_at_the_limits(value, seconds):
    assert times.scale_to_seconds(value) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize("value", [1e20, -1e20, math.nan, math.inf, -math.inf])
def test_a_number_that_is_no_clock_is_named(value):
    with pytest.raises(ValueError, match=r"^.*not a time in s, ms, us or ns since 1970$") as caught:
        times.scale_to_seconds(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (START_2000_S, START_2000_S),
        (START_2100_S - 1, START_2100_S - 1),
        (START_2000_S * 1000, START_2000_S),
        ((START_2100_S - 1) * 1000, START_2100_S - 1),
        (str(START_2000_S * 10**6), START_2000_S),
    ],
)
def test_wall_clocks_of_2000_to_2100_are_plausible(value, seconds):
    assert times.parse_wall_clock(value) == seconds


@pytest.mark.parametrize(
    "value", [START_2000_S - 1, START_2100_S, (START_2000_S - 1) * 1000, START_2100_S * 1000, 0, "-5"]
)
def test_wall_clocks_of_other_years_are_refused_with_the_years(value):
    with pytest.raises(ValueError, match=r"lies outside the years 2000 to 2100$") as caught:
        times.parse_wall_clock(value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2000-01-01 00:00:00", START_2000_S),
        ("2099-12-31 23:59:59.5", START_2100_S - 0.5),
        ("2000-01-01T02:00:00+02:00", START_2000_S),
        ("2099-12-31 23:59:58", START_2100_S - 2),
        ("2016-12-31 23:59:60", 1_483_228_800),
        ("2016-12-31T23:59:60.5", 1_483_228_800.5),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
    ],
)
def test_block_times_of_2000_to_2100_are_plausible(text, seconds):
    assert times.parse_block_time(text) == seconds


@pytest.mark.parametrize("text", ["1999-12-31 23:59:59", "2100-01-01 00:00:00", "2099-12-31 23:59:60", "1970-01-01"])
def test_block_times_of_other_years_are_refused_with_the_years(text):
    with pytest.raises(ValueError, match=r"^'.*' lies outside the years 2000 to 2100$") as caught:
        times.parse_block_time(text)
    assert text in str(caught.value)


def test_a_literal_percent_f_is_named_as_a_local_time():
    with pytest.raises(ValueError, match=r"^'2025-08-18 14:34:54\.%f' is a local time of an unknown zone") as caught:
        times.parse_block_time("2025-08-18 14:34:54.%f")
    assert str(caught.value).endswith("(a literal %f)")


@pytest.mark.parametrize("text", ["yesterday", "2016-12-31 23:59:61", "2016-12-31 23:59:600"])
def test_text_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"[Ii]nvalid isoformat|must be in"):
        times.parse_block_time(text)


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        (3, 3.0),
        (2.5, 2.5),
        (np.int32(4), 4.0),
        (np.float64(0.5), 0.5),
        (np.datetime64("1970-01-01T00:00:01.500000"), 1.5),
        (np.datetime64("1970-01-02"), 86_400.0),
        ("  1970/01/02  ", 86_400.0),
        ("1970-01-01T01:00+01:00", 0.0),
        (datetime(1970, 1, 1, 0, 0, 9), 9.0),
        (datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), 0.0),
        (datetime(1970, 1, 1, tzinfo=UTC), 0.0),
        (date(1970, 1, 3), 172_800.0),
    ],
)
def test_a_named_moment_is_seconds_since_1970(moment, seconds):
    found = times.parse_user_time(moment)
    assert (found, type(found)) == (seconds, float)


@pytest.mark.parametrize("moment", ["noon", math.nan, None, [], "1970-13-01"])
def test_a_moment_that_cannot_be_read_is_named_with_an_example(moment):
    with pytest.raises(UsageError) as caught:
        times.parse_user_time(moment)
    assert str(caught.value) == f"{moment!r} is not a date and time; write it as 2026-11-25T18:00 (UTC)"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(None, None, (None, None)), (1, None, (1.0, None)), (None, 2, (None, 2.0)), (1, 2, (1.0, 2.0)), (3, 3, (3.0, 3.0)),
     (0, 0, (0.0, 0.0))],
)  # fmt: skip
def test_a_span_is_two_moments(start, end, expected):
    assert times.parse_time_range(start, end) == expected


def test_a_span_that_ends_before_it_starts_is_refused():
    with pytest.raises(UsageError) as caught:
        times.parse_time_range("1970-01-02", 0)
    assert str(caught.value) == "the start, 1970-01-02, is after the end, 0; exchange them"


@pytest.mark.parametrize(
    ("unix_s", "block_time", "iso"),
    [
        (1_755_552_894.0, "2025-08-18 21:34:54", "2025-08-18T21:34:54.000Z"),
        (1_755_552_894.5, "2025-08-18 21:34:54.500000", "2025-08-18T21:34:54.500Z"),
        (0.0, "1970-01-01 00:00:00", "1970-01-01T00:00:00.000Z"),
    ],
)
def test_times_are_written_in_utc(unix_s, block_time, iso):
    assert times.format_block_time(unix_s) == block_time
    assert times.format_iso(unix_s) == iso


@pytest.mark.parametrize(
    ("unix_s", "digits", "text"),
    [
        (1_755_552_894.75, 0, "21:34:54"),
        (1_755_552_894.75, 1, "21:34:54.7"),
        (1_755_552_894.0625, 3, "21:34:54.062"),
        (1_755_552_894.0, 2, "21:34:54.00"),
        (math.nan, 0, "--:--:--"),
        (math.inf, 3, "--:--:--"),
    ],
)
def test_a_time_of_day_has_as_many_digits_as_asked_for(unix_s, digits, text):
    assert times.format_clock(unix_s, digits) == text


def test_a_time_of_day_has_no_fraction_unless_asked_for():
    assert times.format_clock(1.9) == "00:00:01"


def test_channels_lie_a_width_apart_from_the_first():
    np.testing.assert_array_equal(instrument.channel_frequencies_hz(2, 3), np.array([2, 3, 4]) * 23_925.78125)
    assert instrument.channel_frequencies_hz(2, 3).dtype == np.float64


@pytest.mark.parametrize(
    ("chan0", "nchan", "average", "centres"),
    [(0, 8, 4, [1.5, 5.5]), (560, 4, 1, [560, 561, 562, 563]), (10, 5, 2, [10.5, 12.5, 14.0]), (3, 2, 5, [3.5])],
)
def test_a_bin_has_the_centre_of_its_channels(chan0, nchan, average, centres):
    found = instrument.bin_frequencies_hz(chan0, nchan, average)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, np.array(centres) * 23_925.78125)


@pytest.fixture
def far_from_greenwich(monkeypatch):
    """Set a local time that is half a day from UTC."""
    monkeypatch.setenv("TZ", "XST-12")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("far_from_greenwich")
def test_the_zone_of_the_machine_does_not_matter():
    assert times.format_block_time(1_755_552_894.5) == "2025-08-18 21:34:54.500000"
    assert times.format_iso(1_755_552_894.5) == "2025-08-18T21:34:54.500Z"
    assert times.format_clock(1_755_552_894.5) == "21:34:54"
    assert times.parse_block_time("2025-08-18 21:34:54.500000") == 1_755_552_894.5
    for moment in ("2025-08-18T21:34:54.5", datetime(2025, 8, 18, 21, 34, 54, 500_000)):
        assert times.parse_user_time(moment) == 1_755_552_894.5


def test_a_tag_is_a_whole_number_and_frequencies_are_doubles_whatever_comes():
    assert type(times.unix_to_tag(2.5)) is int
    assert instrument.channel_frequencies_hz(np.float32(2), 3).dtype == np.float64
