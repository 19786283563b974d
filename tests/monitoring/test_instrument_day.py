"""Gaps and restarts of a simulated day raise no alarm."""

from extent import extent
from instrument_day import alarms


def test_minutes_of_the_simulated_sun_raise_no_alarm():
    minutes = extent(2.5, 10)
    found = alarms(minutes / 60, 2)
    assert found.pop("looks") > 40 * minutes
    found.pop("restarts")
    assert dict(found) == {}
