"""The Sun's position, and its rise, transit and set."""

import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from extent import extent

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.observing_day import (
    SunEventKind,
    day_name_at,
    next_event,
    observing_day,
    observing_day_at,
    sun_events,
    utc_midnight_s,
)
from sunspec_tui.core.sun import OVRO_LWA, ObservingSite, sun_elevation_deg, sun_hour_angle_deg, sun_position

CAPE, JAPAN, KIRUNA = ObservingSite(-33.9, 18.4), ObservingSite(35.0, 139.0), ObservingSite(67.85, 20.2)
SITES = {"OVRO": OVRO_LWA, "Cape": CAPE, "Japan": JAPAN, "Kiruna": KIRUNA}


def utc(text):
    """Seconds since 1970 of a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "elevation_deg", "azimuth_deg"),
    # Computed with astropy 8.0.2, without refraction: get_sun, seen from the site.
    [
        ("2024-03-20T03:06:00", -12.9634, 280.0756),
        ("2024-12-21T19:50:00", 29.3192, 179.5846),
        ("2026-06-21T20:00:00", 76.1553, 184.7819),
        ("2026-11-26T16:00:00", 11.9989, 128.4805),
        ("2028-02-29T23:30:00", 24.6125, 238.1299),
        ("2031-09-23T13:45:00", -0.1914, 90.0293),
        ("2034-07-04T12:00:00", -7.2061, 54.0255),
        ("2037-10-15T18:15:00", 39.9146, 152.5793),
        ("2041-05-05T02:20:00", 4.0043, 287.5018),
        ("2045-01-01T08:00:00", -75.6982, 3.0217),
    ],
)
def test_the_suns_position_is_right_to_a_hundredth_of_a_degree(moment, elevation_deg, azimuth_deg):
    position = sun_position(utc(moment))
    assert position.elevation_deg == pytest.approx(elevation_deg, abs=0.01)
    # Near the zenith a degree of azimuth is a small angle in the sky.
    assert (position.azimuth_deg - azimuth_deg) * math.cos(math.radians(elevation_deg)) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -math.inf])
def test_a_time_that_is_not_finite_has_no_elevation(time_s):
    with pytest.raises(ValueError, match="not a time"):
        sun_elevation_deg(time_s)
    with pytest.raises(UsageError, match="not a time"):
        observing_day_at(time_s)


def astropy_position(times_s, site):
    """Elevations and azimuths as astropy gives them, without its downloads."""
    import astropy.units as u
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    with iers.conf.set_temp("auto_download", False), iers.conf.set_temp("auto_max_age", None):
        times = Time(times_s, format="unix")
        place = EarthLocation(lat=site.latitude_deg * u.deg, lon=site.longitude_deg * u.deg, height=1183 * u.m)
        seen = get_sun(times).transform_to(AltAz(obstime=times, location=place))
    return seen.alt.deg, seen.az.deg


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("site", SITES.values(), ids=SITES)
def test_positions_agree_with_astropy(site):
    # The tables of the Earth's rotation that astropy brings along end in a few years.
    times_s = np.random.default_rng(5).uniform(utc("2020-01-01"), utc("2026-01-01"), extent(50, 2000))
    elevations_deg, azimuths_deg = astropy_position(times_s, site)
    found = np.array([sun_position(time_s, site) for time_s in times_s.tolist()])
    np.testing.assert_allclose(found[:, 0], elevations_deg, atol=0.01)
    differences_deg = (found[:, 1] - azimuths_deg + 180) % 360 - 180
    np.testing.assert_allclose(differences_deg * np.cos(np.radians(elevations_deg)), 0, atol=0.01)


@pytest.mark.parametrize(
    ("name", "day", "rise", "transit", "sets"),
    # Computed with astropy 8.0.2: the centre at -0.833 degrees and on the meridian.
    [
        ("OVRO", "2026-03-20", "2026-03-20 13:56:24", "2026-03-20 20:00:27", "2026-03-21 02:05:07"),
        ("OVRO", "2026-06-21", "2026-06-21 12:33:09", "2026-06-21 19:55:00", "2026-06-22 03:16:52"),
        ("OVRO", "2026-11-27", "2026-11-27 14:44:40", "2026-11-27 19:40:50", "2026-11-28 00:36:44"),
        ("OVRO", "2031-09-23", "2031-09-23 13:41:46", "2031-09-23 19:45:26", "2031-09-24 01:48:30"),
        ("Cape", "2026-06-21", "2026-06-21 05:51:21", "2026-06-21 10:48:12", "2026-06-21 15:45:03"),
        ("Cape", "2026-11-27", "2026-11-27 03:29:17", "2026-11-27 10:33:59", "2026-11-27 17:39:01"),
        ("Japan", "2026-11-27", "2026-11-26 21:29:29", "2026-11-27 02:31:28", "2026-11-27 07:33:12"),
        ("Kiruna", "2026-03-20", "2026-03-20 04:39:32", "2026-03-20 10:46:39", "2026-03-20 16:55:44"),
        ("Kiruna", "2026-11-27", "2026-11-27 08:48:18", "2026-11-27 10:26:46", "2026-11-27 12:04:34"),
    ],
)
def test_rise_transit_and_set_are_right_to_a_few_seconds(name, day, rise, transit, sets):
    found = observing_day(day, SITES[name])
    assert found.rise_s == pytest.approx(utc(rise), abs=4)
    assert found.transit_s == pytest.approx(utc(transit), abs=4)
    assert found.set_s == pytest.approx(utc(sets), abs=4)
    assert (found.begin_s, found.end_s, found.is_up, found.remark) == (found.rise_s, found.set_s, True, "")


def test_at_rise_and_set_the_centre_is_at_the_horizon_and_at_transit_on_the_meridian():
    for site in SITES.values():
        for horizon_deg in (-18.0, -0.833, 5.0):
            day = observing_day("2026-10-01", site, horizon_deg)
            for time_s in (day.rise_s, day.set_s):
                assert sun_elevation_deg(time_s, site) == pytest.approx(horizon_deg, abs=1e-3)
            assert sun_hour_angle_deg(day.transit_s, site) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("day", "is_up", "remark"),
    [("2026-06-21", True, "the Sun does not set"), ("2026-12-21", False, "the Sun does not rise")],
)
def test_a_day_without_sunrise_or_sunset_says_so_and_lasts_24_hours(day, is_up, remark):
    found = observing_day(day, ObservingSite(78.2, 15.6))
    assert (found.rise_s, found.set_s, found.is_up, found.remark) == (None, None, is_up, remark)
    assert found.end_s - found.begin_s == pytest.approx(86_400, abs=60)
    assert found.begin_s < found.transit_s < found.end_s


def test_at_a_pole_the_sun_rises_and_sets_once_a_year():
    pole = ObservingSite(90.0, 0.0)
    year = sun_events(utc("2026-01-01"), utc("2027-01-01"), pole)
    kinds = [event.kind for event in year if event.kind is not SunEventKind.TRANSIT]
    assert kinds == [SunEventKind.RISE, SunEventKind.SET]
    rises, sets = (
        next(observing_day_at(event.time_s, pole) for event in year if event.kind is kind) for kind in SunEventKind
        if kind is not SunEventKind.TRANSIT
    )  # fmt: skip
    assert (rises.set_s, rises.remark) == (None, "the Sun does not set")
    assert (sets.rise_s, sets.remark) == (None, "the Sun did not set in the night before")


def test_observing_days_follow_each_other_without_overlap_also_around_the_midnight_sun():
    for site in (OVRO_LWA, JAPAN, ObservingSite(65.8, 24.0), ObservingSite(0.0, 180.0), ObservingSite(0.0, -180.0)):
        first = datetime(2026, 5, 20, tzinfo=UTC).date()
        days = [observing_day(first + timedelta(days=n), site) for n in range(60)]
        for before, after in pairwise(days):
            assert before.end_s <= after.begin_s + 1e-3
            assert 0 < after.transit_s - before.transit_s - 86_400 + 40 < 80


def test_an_observing_day_has_the_utc_date_of_sunrise_at_the_telescope_on_each_day():
    first = datetime(2026, 1, 1, tzinfo=UTC).date()
    for n in range(0, 365, extent(7, 1)):
        day = observing_day(first + timedelta(days=n))
        assert datetime.fromtimestamp(day.rise_s, UTC).date().isoformat() == day.name
        assert day_name_at(day.rise_s) == day_name_at(day.transit_s) == day_name_at(day.set_s) == day.name
        assert observing_day_at(day.set_s) == day
        assert day.contains(day.transit_s)
        assert not day.contains(day.set_s + 1)


def test_a_utc_day_at_the_telescope_begins_with_the_sunset_of_the_day_before():
    midnight_s = utc_midnight_s("2026-11-28")
    events = sun_events(midnight_s, midnight_s + 86_400)
    assert [event.kind for event in events] == ["set", "rise", "transit"]
    assert events[0].time_s == observing_day("2026-11-27").set_s
    assert events[1].time_s == observing_day("2026-11-28").rise_s


@pytest.mark.parametrize(
    ("kind", "moment", "expected"),
    [
        ("rise", "2026-11-27 14:44:30", "2026-11-27 14:44:40"),
        ("rise", "2026-11-27 14:45:00", "2026-11-28 14:45:39"),
        ("transit", "2026-11-28 03:00:00", "2026-11-28 19:41:11"),
        ("set", "2026-11-28 00:30:00", "2026-11-28 00:36:44"),
        ("set", "2026-11-28 00:37:00", "2026-11-29 00:36:27"),
    ],
)
def test_the_next_event_of_a_kind_is_found(kind, moment, expected):
    assert next_event(SunEventKind(kind), utc(moment)) == pytest.approx(utc(expected), abs=4)


def test_the_next_event_may_be_months_away_or_beyond_the_search():
    site, winter_s = ObservingSite(78.2, 15.6), utc("2026-12-21T11:00:00")
    assert next_event(SunEventKind.RISE, winter_s, site) is None
    found_s = next_event(SunEventKind.RISE, winter_s, site, days=366)
    assert day_name_at(found_s, site) == "2027-02-16"


@pytest.mark.parametrize(
    ("day", "why"),
    [
        ("2026-13-01", "not a day"), ("", "not a day"), ("27.11.2026", "not a day"), ("2026-11-27T00:00", "not a day"),
        ("x" * 10_000, "not a day"), ("\x1b[2J", "not a day"), ("1700-01-01", "1800 to 2200"),
        ("9999-12-31", "1800 to 2200"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_a_day_is_one_sentence(day, why):
    with pytest.raises(UsageError, match=why) as told:
        observing_day(day)
    assert len(str(told.value)) < 200
    assert str(told.value).isprintable()
