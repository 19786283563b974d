"""Tests of the times and frequencies of stream and instrument."""

from datetime import date, datetime, timedelta

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core import instrument, times


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1755552894.787341", 1755552894.787341),
        (1755552894, 1755552894.0),
        (1755552894787.341, 1755552894.787341),
        (1755552894787341, 1755552894.787341),
        (1755552894787341000, 1755552894.787341),
    ],
)
def test_a_wall_clock_tells_its_unit_by_its_size(value, seconds):
    assert times.parse_wall_clock(value) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("value", ["", "soon", 0, 1.0, "nan", "inf", 1e30, 5_000_000_000])
def test_a_wall_clock_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        times.parse_wall_clock(value)


@pytest.mark.parametrize(
    "text",
    [
        "2025-08-18 21:34:54.787341",
        "2025-08-18T21:34:54.787341",
        "2025-08-18T21:34:54.787341Z",
        "2025-08-18T14:34:54.787341-07:00",
    ],
)
def test_block_times_of_every_form_agree_with_astropy(text):
    truth = Time("2025-08-18T21:34:54.787341", scale="utc").unix
    assert times.parse_block_time(text) == pytest.approx(truth, abs=1e-6)


LEAP_DAYS = {date(2005, 12, 31), date(2008, 12, 31), date(2012, 6, 30), date(2015, 6, 30), date(2016, 12, 31)}


@pytest.mark.filterwarnings("ignore:.*dubious year")
@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)))
def test_block_times_of_all_days_agree_with_astropy_but_for_days_that_have_a_leap_second(moment):
    apart_s = times.parse_block_time(str(moment)) - float(Time(moment, scale="utc").unix)
    # On those days astropy's seconds since 1970 are a little longer, so that no two moments have the same.
    assert abs(apart_s) <= (1.0 if moment.date() in LEAP_DAYS else 2e-6)


@pytest.mark.parametrize("day", sorted(LEAP_DAYS))
def test_around_a_leap_second_time_goes_on_as_clocks_count_it(day):
    midnight_s = Time(str(day + timedelta(days=1)), scale="utc").unix
    read = [times.parse_block_time(f"{day} 23:59:{second}") for second in ("58", "59", "59.75", "60", "60.250000")]
    assert [second - midnight_s for second in read] == pytest.approx([-2, -1, -0.25, 0, 0.25], abs=1e-6)
    assert times.parse_block_time(f"{day}T16:59:60-07:00") == pytest.approx(midnight_s, abs=1e-6)
    assert times.parse_block_time(str(day + timedelta(days=1)) + " 00:00:01") == pytest.approx(midnight_s + 1, abs=1e-6)


@pytest.mark.filterwarnings("ignore:.*dubious year")
@given(st.integers(946_771_200, 4_102_358_400), st.integers(0, instrument.CLOCK_HZ - 1))
def test_time_tags_agree_with_astropy(seconds, ticks):
    truth = Time(seconds, ticks / instrument.CLOCK_HZ, format="unix", scale="utc")
    tag = Time(times.tag_to_unix(seconds * instrument.CLOCK_HZ + ticks), format="unix", scale="utc")
    assert abs((tag - truth).sec) < 1e-6


@pytest.mark.parametrize("text", ["2016-12-31 23:59:61", "2016-12-31 23:60:60", "2016-12-31 60", "2016-60-31 23:59:00"])
def test_sixty_is_a_second_and_nothing_else(text):
    with pytest.raises(ValueError, match=r"."):
        times.parse_block_time(text)


def test_a_block_time_without_a_fraction_is_read():
    assert times.parse_block_time("2025-08-18 21:34:54") == Time("2025-08-18T21:34:54", scale="utc").unix


@pytest.mark.parametrize("text", ["2025-08-18 14:34:54.%f", "yesterday", "", "1970-01-01 00:00:00", "2400-01-01"])
def test_a_block_time_that_cannot_be_trusted_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        times.parse_block_time(text)


def test_a_time_tag_keeps_its_microseconds_above_two_to_the_53():
    assert times.tag_to_unix(times.unix_to_tag(1755552894.787341)) == pytest.approx(1755552894.787341, abs=1e-6)


def test_block_time_is_written_without_a_fraction_of_zero():
    assert times.format_block_time(1755552894.0) == "2025-08-18 21:34:54"
    assert times.format_block_time(1755552894.5) == "2025-08-18 21:34:54.500000"


def test_the_deployed_band_runs_from_13_4_to_86_9_mhz():
    mhz = instrument.channel_frequencies_hz(560, 3072) / 1e6
    assert mhz[0] == pytest.approx(13.398, abs=5e-4)
    assert mhz[-1] == pytest.approx(86.875, abs=5e-3)


@pytest.mark.parametrize(("nchan", "average", "nbins"), [(3072, 4, 768), (1000, 4, 250), (10, 4, 3), (3, 4, 1)])
def test_a_bin_lies_at_the_mean_of_its_channels(nchan, average, nbins):
    channels = instrument.channel_frequencies_hz(560, nchan)
    bins = instrument.bin_frequencies_hz(560, nchan, average)
    assert len(bins) == nbins
    for i in range(nbins):
        assert bins[i] == pytest.approx(channels[i * average : (i + 1) * average].mean())
