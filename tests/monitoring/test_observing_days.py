"""Frames and losses are counted by observing day."""

import json
import logging
import os
from dataclasses import replace

import numpy as np
import pytest
from monitors import CADENCE_S, START_S, StillReceiver

from sunspec_tui.core.observing_day import observing_day, observing_day_at
from sunspec_tui.core.sun import ObservingSite
from sunspec_tui.core.times import parse_block_time
from sunspec_tui.monitoring.day_count_files import MAX_DAYS, MAX_FILES, DayCountFile, saved_counts
from sunspec_tui.monitoring.day_counter import MAX_PAUSE_S, SAVE_EVERY_S
from sunspec_tui.monitoring.day_counts import (
    MAX_NAMES,
    OTHERS,
    DayCounts,
    Totals,
    counts_from_record,
    counts_record,
)
from sunspec_tui.monitoring.day_text import counts_sentence, long_duration
from sunspec_tui.monitoring.finding import Finding
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.sun_reading import SunReader

DAY = observing_day_at(START_S)
SKY = np.random.default_rng(0).gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)


@pytest.fixture
def summaries(caplog):
    """Events of the kind `day_summary` so far, with their texts."""
    caplog.set_level(logging.INFO)
    logging.getLogger("sunspec_tui").propagate = True

    def found():
        events = [(getattr(record, "sunspec_event", {}), record.getMessage()) for record in caplog.records]
        return [(event, text) for event, text in events if event.get("event") == "day_summary"]

    return found


def watched(directory=None, frames=8, **options):
    """Receiver that has received some frames, with a snapshot after each."""
    receiver = StillReceiver(day_dir=directory, **options)
    receiver.parts._days.load()
    receiver.snapshot()
    for _ in range(frames):
        receiver.feed(SKY)
        receiver.snapshot(checks=False)
    return receiver


def counts_of(receiver, day=DAY.name):
    return receiver.parts._days.counts(day)


def test_frames_losses_and_time_are_counted_from_snapshot_to_snapshot():
    receiver = watched(frames=4)
    receiver.skip(3)
    receiver.feed(SKY)
    with receiver.handler.receiving():
        receiver.handler.on_message([b"data"])
    receiver.snapshot()
    counts = counts_of(receiver)
    assert (counts.totals.frames, counts.totals.missing, counts.totals.rejected) == (5, 3, {"parts": 1})
    assert counts.data_s == pytest.approx(5 * CADENCE_S, abs=CADENCE_S)
    assert counts.watched_s == pytest.approx(receiver.now_s - START_S)
    assert (counts.starts, counts.begin_s, counts.end_s) == (1, DAY.begin_s, DAY.end_s)


def test_a_pause_of_the_program_and_a_clock_that_is_set_add_no_time():
    receiver = watched()
    before_s = counts_of(receiver).watched_s
    receiver.now_s += MAX_PAUSE_S + 1
    receiver.snapshot(checks=False)
    receiver.now_s -= 3600
    receiver.snapshot(checks=False)
    assert counts_of(receiver).watched_s == before_s


def test_nothing_is_counted_at_night():
    receiver = watched()
    receiver.now_s = DAY.end_s + 3600
    receiver.snapshot()
    before = counts_of(receiver)
    receiver.frames += 1
    with receiver.handler.receiving():
        receiver.handler.on_message([b"data"])
    receiver.snapshot()
    assert counts_of(receiver) == before
    assert counts_of(receiver, observing_day("2026-06-08").name) is None


def test_a_replay_is_not_counted():
    receiver = StillReceiver()
    receiver.feed(SKY, time_shift=86_400.0 * 1000, recorded=True)
    snapshot = receiver.snapshot()
    assert snapshot.replay
    assert counts_of(receiver) is None


def test_the_day_is_summarised_once_at_sunset(summaries):
    receiver = watched()
    assert not summaries()
    receiver.now_s = DAY.end_s + 0.5
    for _ in range(3):
        receiver.snapshot()
    ((event, text),) = summaries()
    assert event["day"] == DAY.name
    assert event["source"] == receiver.source
    assert (event["frames_received"], event["frames_missing"], event["starts"]) == (8, 0, 1)
    # The cadence is known from the second frame on.
    assert text.startswith(f"day {DAY.name}: data for 1.75 s of 14 h")
    assert "8 frames, 0 missing, 0 rejected" in text
    assert json.loads(json.dumps(event)) == event


def test_counts_continue_after_a_restart_of_the_program(tmp_path, summaries):
    watched(tmp_path).parts._days.finish()
    second = watched(tmp_path, frames=3)
    counts = counts_of(second)
    assert (counts.totals.frames, counts.starts) == (11, 2)
    second.now_s = DAY.end_s + 1
    second.snapshot()
    second.parts._days.finish()
    watched(tmp_path, frames=0).parts._days.finish()
    assert [event["frames_received"] for event, _ in summaries()] == [11]


def test_a_monitor_that_did_not_run_at_sunset_summarises_the_day_when_it_starts(tmp_path, summaries):
    watched(tmp_path).parts._days.finish()
    late = StillReceiver(day_dir=tmp_path)
    late.now_s = DAY.end_s + 12 * 3600
    late.parts._days.load()
    late.snapshot()
    assert [(event["day"], event["frames_received"]) for event, _ in summaries()] == [(DAY.name, 8)]


def test_counts_are_saved_every_minute(tmp_path):
    receiver = watched(tmp_path, frames=1)
    receiver.parts._days._file.finish()
    (path,) = tmp_path.glob("day-counts-*.json")
    saved = json.loads(path.read_text())
    receiver.now_s += SAVE_EVERY_S / 2
    receiver.snapshot(checks=False)
    receiver.parts._days._file.finish()
    assert json.loads(path.read_text()) == saved
    receiver.now_s += SAVE_EVERY_S / 2
    receiver.snapshot(checks=False)
    receiver.parts._days._file.finish()
    assert json.loads(path.read_text())["days"][0]["watched_s"] > saved["days"][0]["watched_s"]


def test_the_days_of_another_site_are_others():
    receiver = watched(site=(35.0, 139.0))
    assert counts_of(receiver) is None
    # In Japan it is night.
    assert receiver.snapshot().sun.elevation_deg < 0


def test_an_error_of_the_counts_does_not_stop_the_monitor(monkeypatch, warnings_logged):
    receiver = StillReceiver()
    monkeypatch.setattr(receiver.parts._days, "update", lambda snapshot: 1 / 0)
    assert receiver.snapshot().health.frames_received == 0
    assert ["day's counts" in text for text in warnings_logged()] == [True]


# Arithmetic


def test_totals_are_added_and_subtracted_by_cause():
    before, after = (
        Totals(frames=5, rejected={"parts": 1}),
        Totals(frames=9, stalls=1, rejected={"parts": 1, "axis": 2}),
    )
    added = after.plus(before, -1)
    assert added == Totals(frames=4, stalls=1, rejected={"axis": 2})
    assert before.plus(added) == after


def test_faults_are_counted_in_seconds_under_a_limited_number_of_names():
    counts, snapshot = DayCounts.of(DAY), Snapshot(START_S, "a:1")
    for n in range(2 * MAX_NAMES):
        finding = Finding("pipelines", f"XX {n} dead\x1b[2J", "text")
        snapshot.__dict__["findings"] = (
            finding,
            Finding("clock", "recorded", "", is_normal=True),
            Finding("axis", "", ""),
        )
        counts = counts.plus(snapshot, Totals(), 2.0)
    assert len(counts.faults_s) == MAX_NAMES + 1
    assert counts.faults_s["pipelines: XX 3 dead\\x1b[2J"] == 2.0
    assert counts.faults_s[OTHERS] == 2.0 * MAX_NAMES


def test_without_sequence_numbers_missing_frames_are_unknown():
    counts = DayCounts.of(DAY).plus(Snapshot(START_S, "a:1"), Totals(frames=3), 1.0)
    assert counts.missing == 0
    health = replace(Snapshot(START_S, "a:1").health, losses_known=False)
    counts = counts.plus(Snapshot(START_S, "a:1", health), Totals(frames=3), 1.0)
    assert counts.missing is None
    assert "missing unknown" in counts_sentence(counts)
    assert counts_from_record(counts_record(counts)).missing is None


def test_a_record_is_read_as_it_was_written():
    totals = Totals(1, 2, 3, 4, 5, 6, 7, 8, 9, {"parts": 1})
    counts = DayCounts(DAY.name, 1.8e9, 1.8e9 + 3600, totals, 100.5, 90.1, 2, faults_s={"gain: XX": 12.5})
    assert counts_from_record(json.loads(json.dumps(counts_record(counts)))) == counts


VALID = counts_record(DayCounts(DAY.name, 1.8e9, 1.8e9 + 3600, Totals(frames=5)))


@pytest.mark.parametrize(
    "change",
    [
        {"day": 5}, {"day": "2026-06-07\n"}, {"day": "२०२६-06-07"}, {"begin": "x"}, {"begin": None}, {"end": [1]},
        {"end": VALID["begin"]}, {"begin": "0001-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_a_record_with_an_invalid_day_is_left_out(change):
    assert counts_from_record(VALID | change) is None


@pytest.mark.parametrize("value", [-1, 1.5, True, "7", None, 10**400, float("nan"), [1], {}])
def test_another_invalid_value_counts_as_nothing(value):
    names = ("restarts", "watched_s", "starts", "rejected", "faults_s", "archive_rows")
    found = counts_from_record(VALID | dict.fromkeys(names, value))
    assert found.totals.frames == 5
    assert (found.totals.restarts, found.totals.rejected, found.starts, found.totals.archive_rows) == (0, {}, 0, 0)
    assert 0 <= found.watched_s < 2


def test_a_record_of_many_names_is_cut():
    names = {f"cause {n}\n": 1 for n in range(10_000)}
    found = counts_from_record(VALID | {"rejected": names, "faults_s": names})
    assert len(found.totals.rejected) == len(found.faults_s) == MAX_NAMES + 1
    assert all(name.isprintable() for name in found.faults_s)


# Files


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "null", "\x00", "[" * 50_000, '{"days": 3}', '{"days": [3, null, {}]}', "x" * 100_000]
)
def test_an_invalid_file_begins_the_counts_anew(tmp_path, content):
    file = DayCountFile(tmp_path, "sun:9798")
    path = tmp_path / "day-counts-0123456789abcdef.json"
    path.write_text(content)
    file.save([])
    file.finish()
    next(iter(tmp_path.glob("day-counts-*"))).write_text(content)
    assert DayCountFile(tmp_path, "sun:9798").load() == []
    assert list(saved_counts(tmp_path, DAY.name)) == []


def test_the_last_days_of_a_few_streams_are_kept_in_a_file_that_can_be_read_again(tmp_path):
    names = {f"{'fault' * 30} {n}"[-100:]: 86_000.0 for n in range(MAX_NAMES + 1)}
    days = [
        replace(DayCounts.of(observing_day(f"2026-06-{n:02}")), watched_s=1.0, faults_s=names) for n in range(1, 31)
    ]
    for n in range(MAX_FILES + 5):
        old = tmp_path / f"day-counts-{n:016}.json"
        old.write_text("{}")
        os.utime(old, (n, n))
    file = DayCountFile(tmp_path, "sun:9798")
    file.save(reversed(days))
    file.finish()
    loaded = DayCountFile(tmp_path, "sun:9798").load()
    assert [each.day for each in loaded] == [each.day for each in days[-MAX_DAYS:]]
    assert len(list(tmp_path.glob("day-counts-*"))) <= MAX_FILES
    assert [source for source, _ in saved_counts(tmp_path, "2026-06-30")] == ["sun:9798"]


def test_without_a_directory_nothing_is_kept(tmp_path):
    file = DayCountFile(None, "sun:9798")
    assert file.save([DayCounts.of(DAY)])
    file.finish()
    assert file.load() == []
    assert not list(tmp_path.iterdir())


# The Sun's reading


def test_the_sun_is_read_at_most_once_a_second():
    reader = SunReader()
    first = reader.read(START_S)
    assert reader.read(START_S + 0.9) is first
    assert reader.read(START_S + 1.1).elevation_deg > first.elevation_deg
    assert reader.read(START_S - 10.0).elevation_deg < first.elevation_deg


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        ("2026-11-27 14:44:00", "rises 14:44"), ("2026-11-27 14:45:00", "sets 00:36"),
        ("2026-11-28 00:36:40", "sets 00:36"), ("2026-11-28 00:37:00", "rises 14:45"),
    ],
)  # fmt: skip
def test_the_next_event_is_the_next_rise_or_set(moment, text):
    reading = SunReader().read(parse_block_time(moment))
    assert reading.next_text == text
    assert reading.is_up is text.startswith("sets")


def test_a_day_without_sunset_says_so():
    assert SunReader(ObservingSite(78.2, 15.6)).read(START_S).next_text == "does not set"


@pytest.mark.parametrize("time_s", [float("nan"), 1e300, -1e12])
def test_at_an_impossible_time_the_sun_is_unknown(time_s):
    reading = SunReader().read(time_s)
    assert not reading.is_known
    assert (reading.position_text, reading.next_text, reading.is_up) == ("", "", False)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"), (9.99, "9.99 s"), (9.996, "10 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"), (35_880, "9 h 58 min"), (86_400, "24 h 00 min"),
    ],
)  # fmt: skip
def test_durations_of_a_day_have_suitable_units(seconds, text):
    assert long_duration(seconds) == text
