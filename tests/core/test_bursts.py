"""Bursts as values."""

import json
import math

from sunspec_tui.core.bursts import NO_BURSTS, Burst, BurstList, BurstType, burst_record

BEGIN_S = 1_780_857_690.0


def burst(name, begin_s, end_s=None, **numbers):
    """A burst between 20 and 80 MHz."""
    return Burst(name, begin_s, begin_s + 1, begin_s + 5 if end_s is None else end_s, 20.0, 80.0, **numbers)


def test_a_list_is_in_the_order_of_begins_and_gives_those_that_touch_an_interval():
    bursts = BurstList([burst("c", 30.0), burst("a", 10.0, 40.0), burst("b", 20.0)])
    assert [each.name for each in bursts] == ["a", "b", "c"]
    assert [each.name for each in bursts.between(26.0, 31.0)] == ["a", "c"]
    assert bursts[1].name == "b"
    assert len(bursts) == 3
    assert NO_BURSTS.between(0.0, 1e12) == ()


def test_a_change_replaces_the_burst_of_its_name_and_drops_the_oldest():
    bursts = BurstList([burst("a", 10.0), burst("b", 20.0)])
    changed = bursts.changed([burst("b", 19.0, type=BurstType.III), burst("c", 30.0)], most=2)
    assert [(each.name, each.type) for each in changed] == [("b", BurstType.III), ("c", BurstType.UNKNOWN)]
    assert [each.name for each in bursts] == ["a", "b"]
    assert changed.counts()[BurstType.III] == 1
    assert changed.counts()[BurstType.II] == 0


def test_a_record_is_valid_json_with_unknown_numbers_as_null():
    record = burst_record(burst("a", BEGIN_S, type=BurstType.II, peak_db=3.5, half_power_s=((45.0, 2.5),)))
    assert json.loads(json.dumps(record, allow_nan=False)) == record | {"half_power_s": [[45.0, 2.5]]}
    assert record["begin_utc"] == "2026-06-07T18:41:30.000000Z"
    assert record["drift_mhz_s"] is None
    assert record["peak_db"] == 3.5
    assert record["type"] == "II"


def test_texts_name_type_time_and_band():
    one = burst("a", BEGIN_S, type=BurstType.GROUP, peak_db=12.34)
    assert one.short_text == "IIIG 18:41:30 20-80 MHz 12.3 dB"
    assert burst("a", BEGIN_S).short_text == "? 18:41:30 20-80 MHz"
    assert one.is_solar
    assert not burst("a", 1.0, type=BurstType.INTERFERENCE).is_solar
    assert all(kind.words for kind in BurstType)
    assert math.isnan(one.lane_ratio)
    assert one.duration_s == 5.0
