"""Gaps and restarts of a simulated day raise no alarm."""

from instrument_day import alarms


def test_ten_minutes_of_the_simulated_sun_raise_no_alarm():
    found = alarms(1 / 6, 2)
    assert found.pop("looks") > 400
    found.pop("restarts")
    assert dict(found) == {}
