"""Found bursts beside the reports of observatories."""

import math
import time

import pytest
from burst_values import burst
from solar_event import DATA, needs_events

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import SourceError
from sunspec_tui.files.radio_reports import RadioReport, read_radio_reports
from sunspec_tui.monitoring.burst_comparison import Outcome, compare, grouped
from sunspec_tui.monitoring.burst_series import Covered, FoundSeries, joined_spans

NOON_S = 1_504_699_200.0  # 2017-09-06 12:00
III, GROUP, II, IV, RFI, STORM = (
    BurstType.III, BurstType.GROUP, BurstType.II, BurstType.CONTINUUM, BurstType.INTERFERENCE, BurstType.STORM,
)  # fmt: skip


def report(kind, begin_min=0, end_min=5, *, low=25.0, high=180.0, by="SAG", files=()):
    return RadioReport(
        NOON_S + 60 * begin_min, NOON_S + 60 * end_min, low, high, kind, (by,) if by else (), frozenset(files)
    )


def found(kind, begin_s=30, end_s=60, **keys):
    return burst(NOON_S + begin_s, NOON_S + end_s, type=kind, name=f"{kind}{begin_s}", **keys)


def series(*bursts, begin_s=-900, end_s=900, name="A", low=20.0, high=90.0):
    return FoundSeries(name, (Covered(name, ((NOON_S + begin_s, NOON_S + end_s),), low, high),), bursts)


@pytest.mark.parametrize(
    ("kind", "types", "outcome"),
    [
        ("III", [III], "hit"),
        ("III", [GROUP], "hit"),
        ("VI", [GROUP], "hit"),
        ("VII", [III], "hit"),
        ("VII", [IV], "hit"),
        ("II", [II], "hit"),
        ("IV", [IV], "hit"),
        ("CTM", [IV], "hit"),
        ("I", [STORM], "hit"),
        ("II", [III], "other type"),
        ("III", [II, BurstType.UNKNOWN], "other type"),
        ("CTM", [STORM], "other type"),
        ("V", [IV], "other type"),
        ("V", [III, IV], "hit"),
        ("III", [RFI], "miss"),
        ("III", [], "miss"),
    ],
)
def test_types_of_reports_fit_types_of_bursts(kind, types, outcome):
    bursts = [found(each, 30 + 10 * number) for number, each in enumerate(types)]
    (result,) = compare([report(kind)], [series(*bursts)]).results
    assert result.outcome == outcome


def test_continuum_is_of_type_v_only_right_after_type_iii():
    late = series(found(III, 0, 10), found(IV, 100, 200))
    assert compare([report("V")], [late]).results[0].outcome is Outcome.OTHER_TYPE
    soon = series(found(III, 0, 50), found(IV, 100, 200))
    assert compare([report("V")], [soon]).results[0].outcome is Outcome.HIT


def test_a_hit_has_the_differences_of_begin_and_band():
    bursts = series(found(III, 42, low_mhz=30.0, high_mhz=60.0), found(III, 90, low_mhz=28.0, high_mhz=88.0))
    (result,) = compare([report("III")], [bursts]).results
    assert [each.name for each in result.bursts] == ["III42", "III90"]
    # The band of the report is limited to that of the rows.
    assert (result.begin_difference_s, result.low_difference_mhz, result.high_difference_mhz) == (42, 3, -2)


def test_the_begin_is_that_of_the_nearest_burst():
    bursts = series(found(III, -50, -40), found(III, 12), found(III, 90, 100))
    (result,) = compare([report("III")], [bursts]).results
    assert [each.name for each in result.bursts] == ["III-50", "III12", "III90"]
    assert result.begin_difference_s == 12


def test_a_report_that_begins_without_rows_has_no_difference_of_begins():
    rows = Covered("A", ((NOON_S - 900, NOON_S - 60), (NOON_S + 60, NOON_S + 900)), 20.0, 90.0)
    bursts = (found(III, 90, 120),)
    for begin_min, known in ((0, False), (1, True)):
        (result,) = compare([report("III", begin_min)], [FoundSeries("A", (rows,), bursts)]).results
        assert result.outcome is Outcome.HIT
        assert math.isfinite(result.begin_difference_s) == known


@pytest.mark.parametrize(
    ("spans", "joined"),
    [
        ([], ()),
        ([(0, 10), (70, 80)], ((0, 80),)),
        ([(71, 80), (0, 10)], ((0, 10), (71, 80))),
        ([(0, 100), (5, 20), (30, 40)], ((0, 100),)),
    ],
)
def test_spans_are_joined_across_gaps_of_a_minute(spans, joined):
    assert joined_spans(spans) == joined


def test_a_minute_is_tolerated_and_no_more():
    assert compare([report("III", 1)], [series(found(III, -20, 0))]).results[0].outcome is Outcome.HIT
    assert compare([report("III", 1)], [series(found(III, -20, -1))]).results[0].outcome is Outcome.MISS
    assert compare([report("III")], [series(found(III, 360, 400))]).results[0].outcome is Outcome.HIT
    assert compare([report("III")], [series(found(III, 361, 400))]).results[0].outcome is Outcome.MISS
    assert compare([report("III", low=81.0)], [series(found(III))]).results[0].outcome is Outcome.MISS


def test_reports_count_only_where_the_rows_cover_them():
    reports = [
        report("III", 20, 25), report("III", -20, -15), report("III", low=100.0), report("III", files=["B"]),
        report("III", files=["A", "B"]), report("III", by="SVI", begin_min=14, end_min=20),
    ]  # fmt: skip
    comparison = compare(reports, [series()])
    assert [each.report.begin_s - NOON_S for each in comparison.results] == [0, 840]
    assert len(comparison.not_covered) == 4


def test_a_begin_before_the_rows_is_not_compared():
    (result,) = compare([report("II", -20, 5)], [series(found(II, -900, 100))]).results
    assert result.outcome is Outcome.HIT
    assert math.isnan(result.begin_difference_s)


def test_a_report_of_hours_is_hit_by_any_burst_within_it():
    (result,) = compare([report("VI", -10, 120)], [series(found(III, 300))]).results
    assert result.outcome is Outcome.HIT
    assert math.isnan(result.begin_difference_s)


def test_false_alarms_are_bursts_of_the_sun_that_no_report_covers():
    bursts = series(
        found(III, 30), found(III, 500), found(RFI, 600), found(II, 40), found(BurstType.UNKNOWN, 700), found(IV, 510)
    )
    reports = [report("III"), report("VI", -10, 120, low=85.0), report("CTM", -100, 100, low=85.0)]
    comparison = compare(reports, [bursts])
    assert [each.name for each in comparison.other_types] == ["II40"]
    assert [each.name for each in comparison.false_alarms] == ["III500", "IV510", "?700"]
    # A report of hours explains only its own type.
    comparison = compare([report("VI", -10, 120)], [bursts])
    assert [each.name for each in comparison.false_alarms] == ["II40", "IV510", "?700"]


def test_reports_of_several_observatories_of_one_burst_are_one():
    reports = [
        report("III", 0, 3, low=30, high=80, by="SAG"), report("III", 2, 6, by="SVI", files=["A"]),
        report("III", 5, 9, by="LEA"), report("III", 1, 4, by="SAG"), report("II", 0, 3, by="SVI"),
        report("IV", 0, 30, by="SVI"), report("CTM", 1, 20, by="SAG"), report("III", 2, 5, by="COM", low=200, high=300),
    ]  # fmt: skip
    joined = [
        (each.type, "+".join(each.observatories), each.low_mhz, (each.end_s - NOON_S) / 60) for each in grouped(reports)
    ]
    assert joined == [
        ("III", "SAG+SVI", 25, 6), ("II", "SVI", 25, 3), ("IV", "SVI+SAG", 25, 30), ("III", "SAG", 25, 4),
        ("III", "COM", 200, 5), ("III", "LEA", 25, 9),
    ]  # fmt: skip


def test_a_list_of_decades_takes_no_minutes():
    # Each report was compared with all others: 20 000 took a quarter of a minute.
    reports = [report("III", 5 * number, 5 * number + 1, by="SAG") for number in range(20_000)]
    begun_s = time.process_time()
    assert len(grouped(reports)) == len(reports)
    comparison = compare(reports, [series(begin_s=-900, end_s=10_000 * 300)])
    assert time.process_time() - begun_s < 3
    assert (len(comparison.results), len(comparison.not_covered)) == (10_000, 10_000)


def test_unknown_types_are_not_compared():
    comparison = compare([report("XYZ")], [series(found(III))])
    assert comparison.results == ()
    assert [each.type for each in comparison.not_compared] == ["XYZ"]
    # The burst lies within a report, although of an unknown type.
    assert comparison.false_alarms == ()


@needs_events
def test_the_list_beside_the_project_is_read():
    reports = read_radio_reports(DATA / "events" / "noaa_events.csv")
    assert len(reports) == 17
    assert reports[3].text == "2012-07-04 16:35-16:40 V SVI 25-180 MHz"
    assert reports[3].files == {"BIR_20120704_163000_01"}
    assert len(grouped(reports)) == 17


HEAD = "date,begin_utc,end_utc,observatory,low_mhz,high_mhz,type"


def test_an_event_may_end_on_the_next_day(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n2017-09-06,23:50,00:10,SAG,25,180,iii\n2017-09-06,00:00,24:00,SVI,25,80,IV\n")
    long, short = read_radio_reports(path)
    assert (long.duration_s, short.duration_s, short.type, short.files) == (86400, 1200, "III", frozenset())


def test_an_event_at_one_frequency_is_part_of_a_list(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n2017-09-06,12:00,12:01,SVI,60,60,RBR\n")
    reports = read_radio_reports(path)
    assert len(compare(reports, [series(found(III))]).not_compared) == 1


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("6 Sep,11:00,12:00,SAG,25,180,III", "'6 Sep' as date"),
        ("2017-09-06,1100,12:00,SAG,25,180,III", "no time such as 16:35"),
        ("2017-09-06,25:00,12:00,SAG,25,180,III", "no time such as 16:35"),
        ("2017-09-06,12:00,24:01,SAG,25,180,III", "no time such as 16:35"),
        ("2017-09-06,11:00,12:00,SAG,180,25,III", "below low_mhz"),
        ("2017-09-06,11:00,12:00,SAG,x,25,III", "not a number"),
        ("2017-09-06,11:00,12:00,SAG,25,180", "6 cells, not 7"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path, line, part):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n{line}\n")
    with pytest.raises(SourceError, match="cannot be read as a list of radio events: line 2") as raised:
        read_radio_reports(path)
    assert part in str(raised.value)
