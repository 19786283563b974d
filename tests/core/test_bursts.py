"""Bursts as values."""

import json
import math

import pytest

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


RFI = {"type": BurstType.INTERFERENCE}


@pytest.mark.parametrize(
    ("bursts", "most", "kept"),
    [
        ([("a", {}), ("b", {}), ("c", {})], 2, "bc"),
        ([("a", {"is_open": True}), ("b", {}), ("c", {})], 2, "ac"),
        ([("a", {"is_open": True}), ("b", {"is_open": True})], 1, "ab"),
        ([("a", {}), ("b", RFI), ("c", {})], 2, "ac"),
        ([("a", {}), ("b", {"is_wrong": True}), ("c", {})], 2, "ac"),
        ([("a", {}), ("b", RFI), ("c", RFI), ("d", {})], 2, "ad"),
        ([("a", {}), ("b", RFI), ("c", {}), ("d", {})], 2, "cd"),
        ([("a", {}), ("b", RFI | {"is_open": True}), ("c", {})], 2, "bc"),
        ([("a", {}), ("b", {})], 2, "ab"),
    ],
)
def test_open_bursts_stay_and_interference_is_dropped_first(bursts, most, kept):
    given = [burst(name, 10.0 * number, **values) for number, (name, values) in enumerate(bursts)]
    assert "".join(each.name for each in NO_BURSTS.changed(given, most)) == kept


def test_the_newest_tenth_stays_whatever_it_is():
    older = BurstList(burst(f"{number:02d}", float(number)) for number in range(20))
    changed = older.changed([burst("r", 50.0, **RFI)], most=20)
    assert (changed[0].name, changed[-1].name, len(changed)) == ("01", "r", 20)


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
