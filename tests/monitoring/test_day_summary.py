"""The summary of a day: events, notes, text and JSON."""

import json
from pathlib import Path

import numpy as np
import pytest
from live_bursts import burst

from sunspec_tui.core.bursts import BurstList, BurstType
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.notes import Note
from sunspec_tui.core.observing_day import observing_day
from sunspec_tui.core.sun import OVRO_LWA
from sunspec_tui.core.times import format_iso
from sunspec_tui.files.archive.day_rows import ArchivedRows
from sunspec_tui.monitoring import day_events
from sunspec_tui.monitoring.day_counts import DayCounts, Totals, counts_record
from sunspec_tui.monitoring.day_events import MAX_ITEMS, MAX_LINE_BYTES, OTHERS, read_day_events
from sunspec_tui.monitoring.day_report import WIDTH, report
from sunspec_tui.monitoring.day_summary import MAX_GAPS, DaySummary, summary_record

DAY = observing_day("2026-11-27")
NOON_S = DAY.transit_s


def line(kind, time_s=NOON_S, level="info", **values):
    """Line of an event log."""
    return json.dumps({"time": format_iso(time_s), "level": level, "event": kind} | values | {"text": f"{kind} text"})


@pytest.fixture
def logged(tmp_path):
    """Function that returns the day's events of a log with these lines."""

    def read(*lines):
        path = tmp_path / "events.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return read_day_events([path], DAY)

    return read


def test_events_of_the_day_are_counted_and_their_losses_summed(logged):
    found = logged(
        line("gap", missing=3, count=2), line("gap", missing=1), line("restart"), line("state", state="live"),
        line("rejected", count=3, causes={"parts": 2, "axis": 1}), line("rejected", causes={"parts": 1}),
        line("state", state="stalled"),
        line("gap", DAY.begin_s - 1, missing=100), line("gap", DAY.end_s + 1, missing=100),
        line("gap", NOON_S - 86_400, missing=100),
    )  # fmt: skip
    assert found.counts == {"gap": 3, "rejected": 4, "restart": 1, "state": 2}
    assert (found.missing, found.rejected, found.stalls) == (4, {"parts": 3, "axis": 1}, 1)
    assert (found.faults, found.failures, found.unreadable, found.remarks) == ([], {}, 0, [])


def test_a_fault_lasts_until_the_next_event_of_its_kind_and_may_begin_before_sunrise(logged):
    found = logged(
        line("pipelines", DAY.begin_s - 600, "warning"), line("gain", NOON_S, "warning"), line("pipelines", NOON_S),
        line("gain", NOON_S + 60, "warning"), line("signal", NOON_S - 60, "error"), line("signal", NOON_S - 50),
        line("axis", DAY.begin_s - 600, "warning"), line("axis", DAY.begin_s - 300),
    )  # fmt: skip
    spans = [(fault.kind, fault.begin_s, fault.end_s) for fault in found.faults]
    assert spans == [
        ("pipelines", DAY.begin_s, pytest.approx(NOON_S, abs=1e-3)),
        ("signal", pytest.approx(NOON_S - 60, abs=1e-3), pytest.approx(NOON_S - 50, abs=1e-3)),
        ("gain", pytest.approx(NOON_S, abs=1e-3), pytest.approx(NOON_S + 60, abs=1e-3)),
        ("gain", pytest.approx(NOON_S + 60, abs=1e-3), None),
    ]


def test_errors_of_the_program_are_listed_once_with_their_number(logged):
    found = logged(*[line("archive_failed", NOON_S + n, "error") for n in range(5)], line("plot_failed", level="error"))
    assert [(each.kind, each.events) for each in found.failures.values()] == [("archive_failed", 5), ("plot_failed", 1)]


def test_the_last_summary_of_each_stream_is_read_also_if_it_was_logged_days_later(logged):
    counts = [DayCounts.of(DAY), DayCounts(DAY.name, DAY.begin_s, DAY.end_s, Totals(frames=7))]
    other = DayCounts.of(observing_day("2026-11-26"))
    later_s = DAY.end_s + 5 * 86_400
    found = logged(
        *[line("day_summary", later_s, source="a:1", **counts_record(each)) for each in (*counts, other)],
        line("day_summary", later_s, source="b:2", **counts_record(counts[0])),
    )
    assert {source: each.totals.frames for source, each in found.summaries.items()} == {"a:1": 7, "b:2": 0}
    assert not found.counts


def test_lines_that_are_no_events_are_counted_and_change_nothing(logged):
    bad = [
        "2026-11-27", '{"time": "2026-11-27"}', '{"time": "2026-11-27", "x": ' + "[" * 10_000,
        '"2026-11-27"', "2026-11-27\x00\x1b[2J",
        '{"time": "2026-11-27T25:00:00Z", "event": "gap"}', '{"time": "2026-11-27T20:00:00Z", "event": 5}',
        '{"time": 20261127, "event": "2026-11-27"}', "2026-11-27" + "x" * 3 * MAX_LINE_BYTES, "[" * 100 + "2026-11-27",
    ]  # fmt: skip
    found = logged(*bad, line("gap", missing=1))
    assert (found.unreadable, found.counts) == (len(bad), {"gap": 1})


@pytest.mark.parametrize("value", [-5, 1.5, "7", None, True, 10**300, [1], {}])
def test_an_invalid_number_of_an_event_is_not_believed(logged, value):
    rejected = [line("rejected", causes=causes) for causes in (value, {"parts": value})]
    found = logged(line("gap", missing=value, count=value), *rejected)
    assert found.counts == {"gap": 1, "rejected": 2}
    assert (found.missing, sum(found.rejected.values())) == (0, 0)


def test_kinds_causes_faults_and_errors_are_limited_and_printable(logged):
    many = range(4 * MAX_ITEMS)
    found = logged(
        *[line(f"kind {n}\x1b[2J") for n in many],
        *[line("rejected", causes={f"cause {n}\n": 1}) for n in many],
        *[line("gain", level="warning") for n in many],
        *[json.dumps(json.loads(line("web_failed", level="error")) | {"text": f"why {n}\u202e"}) for n in many],
    )
    assert len(found.counts) <= MAX_ITEMS + 1
    assert found.counts[OTHERS] >= 4 * MAX_ITEMS
    assert (len(found.rejected), len(found.faults), len(found.failures)) == (MAX_ITEMS + 1, MAX_ITEMS, MAX_ITEMS)
    assert all(text.isprintable() for text in (*found.counts, *found.rejected, *found.failures))


def test_of_a_large_log_the_end_is_read(logged, monkeypatch):
    monkeypatch.setattr(day_events, "MAX_LOG_BYTES", 10_000)
    found = logged(*[line("gap", missing=1) for _ in range(1000)])
    assert 50 < found.counts["gap"] < 200
    assert "only the last" in found.remarks[0]


def test_logs_of_a_day_that_was_rotated_are_read_in_turn(tmp_path):
    paths = [tmp_path / "a", tmp_path / "b"]
    paths[0].write_text(line("gain", NOON_S, "warning") + "\n")
    paths[1].write_text(line("gain", NOON_S + 60) + "\n")
    (fault,) = read_day_events(paths, DAY).faults
    assert fault.end_s == pytest.approx(NOON_S + 60, abs=1e-3)


@pytest.mark.parametrize("name", ["missing", ".", "/dev/zero"])
def test_a_log_that_cannot_be_read_is_one_sentence(tmp_path, name):
    with pytest.raises(SourceError, match="check --event-log"):
        read_day_events([tmp_path / name], DAY)


# Notes


# The two forms


def whole_summary(logged, **changes):
    """Summary with all that there may be, and long hostile texts."""
    hostile = "x\x1b[2J\n" * 100
    faults = [json.loads(line("pipelines", NOON_S + n, "warning")) for n in range(40)]
    failures = [json.loads(line("web_failed", NOON_S, "error")) for _ in range(40)]
    bad = [json.dumps(event | {"text": f"{n} {hostile}"}) for n, event in enumerate(faults + failures)]
    events = logged(line("gap", missing=3), line("burst"), line("burst"), *bad)
    totals = Totals(140_000, 12, 1, 0, 2, 3, 139_000, 5, 0, {"parts": 2, "header_json": 1})
    counts = DayCounts(DAY.name, DAY.begin_s, DAY.end_s, totals, 35_000.0, 34_900.0, 2)
    spans = np.array([(DAY.begin_s, NOON_S), (NOON_S + 10, NOON_S + 20), (NOON_S + 100, DAY.end_s)])
    notes = [Note(NOON_S, f"{n} {hostile[:200]}", NOON_S + 60 if n else None, "WS") for n in range(40)]
    fields = {
        "counts": counts, "source": "127.0.0.1:9798", "archive": Path("/data") / "a b" / ("d" * 90),
        "archived": ArchivedRows(139_000, spans), "events": events, "notes": notes,
        "quicklooks": [Path("figs/quicklook_20261127.png")], "remarks": [hostile],
    } | changes  # fmt: skip
    return DaySummary(DAY, OVRO_LWA, DAY.end_s, **fields)


def test_the_text_has_lines_of_80_visible_characters(logged):
    text = report(whole_summary(logged))
    lines = text.split("\n")
    assert lines[0] == "Summary of the observing day 2026-11-27"
    assert all(line == "" or line.isprintable() for line in lines)
    assert max(map(len, lines)) <= WIDTH
    for part in (
        "rises 11-27 14:44, transit 11-27 19:40, sets 11-28 00:36 UTC", "Data        9 h 51 min of 9 h 52 min (99.7%)",
        "Monitor     ran for 9 h 43 min, 2 starts", "Frames      140000 received",
        "12 missing, 3 rejected (2 parts, 1 header json), 5 rows not archived", "1 restart, 3 stalls, 2 reversals",
        "139000 rows from 14:44:40 to 00:36:44 UTC", "Gaps        2, 1 min 30 s in all; the longest 1 min 20 s",
        "and 28 more faults", "and 28 more errors", "and 28 more notes", "Events      2 burst",
        "Quick-look  figs/quicklook_20261127.png",
    ):  # fmt: skip
        assert part in text, part


def test_what_is_unknown_has_no_line(logged):
    text = report(DaySummary(DAY, OVRO_LWA, NOON_S, events=logged(line("gap", missing=2))))
    assert text.startswith("Summary of the observing day 2026-11-27, so far\n")
    assert "2 missing, 0 rejected" in text
    for word in ("Data", "Frames", "Archive", "Notes", "Quick-look", "Remarks"):
        assert word not in text


def test_a_day_without_sunrise_says_so():
    day = observing_day("2026-12-21", OVRO_LWA._replace(latitude_deg=78.2))
    text = report(DaySummary(day, OVRO_LWA._replace(latitude_deg=-78.2), day.end_s))
    assert "(the Sun does not rise)" in text
    assert "78.200 S 118.282 W" in text


def test_the_record_is_json_with_unknown_values_as_null(logged):
    record = json.loads(json.dumps(summary_record(whole_summary(logged)), allow_nan=False))
    assert (record["day"], record["complete"], record["frames_missing"], record["frames_rejected"]) == (
        "2026-11-27", True, 12, 3,
    )  # fmt: skip
    assert (record["restarts"], record["repeats"], record["reversals"], record["stalls"]) == (1, 0, 2, 3)
    assert record["archive"]["gaps"] == len(record["archive"]["longest_gaps"]) == 2
    assert record["receiver"]["frames_received"] == 140_000
    assert record["data_s"] == pytest.approx(DAY.end_s - DAY.begin_s - 90, abs=0.1)
    empty = json.loads(json.dumps(summary_record(DaySummary(DAY, OVRO_LWA, NOON_S))))
    assert empty.keys() == record.keys()
    for name in ("data_s", "data_share", "frames_missing", "rejected", "restarts", "archive", "receiver", "events"):
        assert empty[name] is None


def test_of_many_gaps_the_record_has_the_longest():
    begins = NOON_S + np.arange(5000) * 2.0
    spans = np.stack([begins, begins + 1 + np.arange(5000) / 10_000], axis=1)
    record = summary_record(DaySummary(DAY, OVRO_LWA, DAY.end_s, archived=ArchivedRows(9, spans), archive=Path("a")))
    assert (record["archive"]["gaps"], len(record["archive"]["longest_gaps"])) == (4999, MAX_GAPS)
    assert record["archive"]["longest_gaps"][0][0] == format_iso(spans[0, 1])


def test_without_counts_of_the_receiver_those_of_the_log_are_used(logged):
    events = logged(line("restart", count=2), line("state", state="stalled"), line("gap", missing=7))
    record = summary_record(DaySummary(DAY, OVRO_LWA, DAY.end_s, events=events))
    assert (record["restarts"], record["stalls"], record["frames_missing"]) == (2, 1, 7)


def burst_line(kind, peak_db, text):
    """Line of a burst that has ended."""
    return line("burst_end", type=kind, peak_db=peak_db).replace("burst_end text", f"burst: {text}")


def test_bursts_of_a_log_are_counted_by_type_and_the_strongest_are_named(logged):
    lines = [burst_line("III", float(peak_db), f"III {peak_db}") for peak_db in range(8)]
    found = logged(*lines, burst_line("II", None, "weak"), burst_line("bell\x07", 99.0, "none"), line("burst_begin"))
    assert found.burst_types == {"III": 8, "II": 1}
    assert [burst.text for burst in found.strongest] == ["III 7", "III 6", "III 5", "III 4", "III 3"]
    summary = DaySummary(DAY, OVRO_LWA, DAY.end_s, events=found)
    text = report(summary)
    assert "Bursts      8 III, 1 II\nStrongest   III 7\n" in text
    assert "burst begin" not in text
    record = summary_record(summary)
    assert (record["bursts"], record["strongest_bursts"][0]) == ({"III": 8, "II": 1}, "III 7")


def test_what_ended_as_interference_is_none_of_the_strongest(logged):
    found = logged(burst_line("RFI", 40.0, "RFI"), burst_line("?", 30.0, "?"), burst_line("III", 3.0, "III"))
    assert found.burst_types == {"RFI": 1, "?": 1, "III": 1}
    assert [burst.text for burst in found.strongest] == ["III"]


def test_bursts_of_a_table_come_before_those_of_counts_and_logs(logged):
    bursts = [
        burst("a", NOON_S, peak_db=3.0), burst("b", NOON_S + 60, peak_db=9.0), burst("c", NOON_S, is_wrong=True),
        burst("d", NOON_S, type=BurstType.INTERFERENCE, peak_db=40.0),
    ]  # fmt: skip
    counts = DayCounts("2026-11-27", DAY.begin_s, DAY.end_s, Totals(frames=1, bursts={"IV": 2}))
    summary = DaySummary(DAY, OVRO_LWA, DAY.end_s, counts=counts, bursts=BurstList(bursts))
    assert summary_record(summary)["bursts"] == {"III": 2, "RFI": 1}
    strongest = summary.strongest_bursts
    assert ("9.0 dB" in strongest[0], "3.0 dB" in strongest[1], len(strongest)) == (True, True, 2)
    assert "Bursts      2 III\n" in report(summary)
    only_counts = DaySummary(DAY, OVRO_LWA, DAY.end_s, counts=counts)
    assert "Bursts      2 IV\n" in report(only_counts) + "\n"
    assert summary_record(DaySummary(DAY, OVRO_LWA, DAY.end_s))["bursts"] is None
