"""The commands sun and summary."""

import json
import time

import pytest
from recordings import recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.observing_day import observing_day, observing_day_at
from sunspec_tui.core.times import format_iso
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.monitoring.day_count_files import DayCountFile
from sunspec_tui.monitoring.day_counts import DayCounts, Totals

DAY = observing_day("2025-08-18")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """Directory of the saved states."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "sunspec-tui"


@pytest.fixture
def archive(tmp_path):
    """Archive with a hundred rows around the transit of `DAY`."""
    rows = recording(100, nchan=64, start_s=DAY.transit_s)
    open_store(tmp_path / "archive", rows).append(rows)
    return tmp_path / "archive"


@pytest.mark.parametrize(
    ("words", "status", "parts"),
    [
        ("2026-06-21T20:00", 0, ("up: elevation 76.16 deg, azimuth 184.77 deg; sets 2026-06-22 03:16:5",)),
        ("2026-06-21T05:00", 1, ("down: elevation -", "rises 2026-06-21 12:33:0", "Observing day 2026-06-20: rises")),
        ("2026-06-21T12:35", 0, ("Observing day 2026-06-21",)),
        ("2026-06-21T12:35 --horizon 5", 1, ("is down: elevation -0.", "rises 2026-06-21 13:0")),
        ("2026-06-21T00:00 --latitude 78.2 --longitude 15.6", 0, ("the Sun does not set", "sets 2026-08-2")),
        ("2026-12-21T11:00 --latitude 78.2 --longitude 15.6", 1, ("the Sun does not rise", "rises 2027-02-16")),
        ("2026-12-21T11:00 --latitude -33.9 --longitude 18.4", 0, ("latitude -33.9000, longitude 18.4000 deg",)),
    ],
)
def test_sun_prints_the_position_and_its_status_says_if_the_sun_is_up(words, status, parts, capsys):
    assert main(["sun", "--time", *words.split()]) == status
    told = capsys.readouterr()
    assert told.err == ""
    for part in parts:
        assert part in told.out


def test_sun_as_json_has_the_same_values(capsys):
    assert main(["sun", "--time", "2026-11-28T00:30", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["up"], record["day"], record["horizon_deg"]) == (True, "2026-11-27", -0.833)
    assert record["set"] == record["next_set"]
    assert record["set"].startswith("2026-11-28T00:36:4")
    assert record["rise"] < record["transit"] < record["time"] < record["next_set"] < record["next_rise"]
    assert record["elevation_deg"] == pytest.approx(0.34, abs=0.1)


def test_sun_without_a_time_is_that_of_now(capsys):
    status = main(["sun", "--json"])
    record = json.loads(capsys.readouterr().out)
    assert status == (0 if record["up"] else 1)
    assert record["day"] == observing_day_at(time.time()).name


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["sun", "--time", "yesterday"], "not a date and time"),
        (["sun", "--time", "9999-12-31"], "1800 to 2200"),
        (["sun", "--time", "0001-01-01"], "1800 to 2200"),
        (["sun", "--latitude", "91"], "--latitude is 91.0, it must be at most 90"),
        (["sun", "--longitude", "nan"], "finite"),
        (["summary", "tomorrow"], "'tomorrow' is not a day; write it as 2026-11-25"),
        (["summary", "\x1b[2J"], "not a day"),
    ],
)
def test_wrong_use_is_one_sentence_with_status_2(words, complaint, capsys):
    assert main(words) == 2
    told = capsys.readouterr()
    assert complaint in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err[:-1].isprintable()


def test_a_summary_joins_archive_log_notes_counts_and_quicklooks(archive, state, tmp_path, capsys):
    log, pictures = tmp_path / "events.jsonl", tmp_path / "figs"
    events = [
        {"time": format_iso(DAY.transit_s), "level": "warning", "event": "pipelines", "text": "3 dead"},
        {"time": format_iso(DAY.transit_s + 60), "level": "info", "event": "pipelines", "text": "none"},
    ]
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    note = {"time_utc": format_iso(DAY.transit_s + 5), "text": "type III", "author": "WS"}
    (archive / "notes.jsonl").write_text(json.dumps(note) + "\n")
    pictures.mkdir()
    for name in ("20250818.png", "20250819.png", "20250820.png", "20250818_18.png"):
        (pictures / f"quicklook_{name}").touch()
    file = DayCountFile(state, "127.0.0.1:9798")
    file.save([DayCounts(DAY.name, DAY.begin_s, DAY.end_s, Totals(frames=120, missing=2), 60.0, 30.0, 1)])
    file.finish()
    words = ["summary", DAY.name, "--archive", str(archive), "--event-log", str(log), "--quicklooks", str(pictures)]
    assert main(words) == 0
    told = capsys.readouterr()
    assert told.err == ""
    for part in ("Stream      127.0.0.1:9798", "100 rows from", "120 received", "2 missing", "3 dead", "type III (WS)"):
        assert part in told.out
    assert "quicklook_20250818.png" in told.out
    assert "quicklook_20250820.png" not in told.out
    assert main([*words, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["archive"]["rows"], record["receiver"]["frames_received"], record["complete"]) == (100, 120, True)
    assert [note["text"] for note in record["notes"]] == ["type III"]
    assert len(record["faults"]) == 1
    assert len(record["quicklooks"]) == 2


def test_of_several_streams_the_one_with_the_most_frames_is_shown_unless_another_is_chosen(state, capsys):
    for port, frames in ((9798, 5), (9799, 50), (9800, 7)):
        file = DayCountFile(state, f"sun:{port}")
        file.save([DayCounts(DAY.name, DAY.begin_s, DAY.end_s, Totals(frames=frames), 60.0)])
        file.finish()
    assert main(["summary", DAY.name]) == 0
    told = capsys.readouterr().out
    assert "Stream      sun:9799" in told
    assert "also watched sun:9798, sun:9800" in told
    assert main(["summary", DAY.name, "--stream", "sun:9800", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["receiver"]["frames_received"] == 7


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_day_without_data_is_one_sentence_with_status_1(archive, capsys, words):
    assert main(["summary", "2025-08-20", "--archive", str(archive), *words]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("sunspec-tui: there are no data of 2025-08-20 in ")
    assert told.err.count("\n") == 1


def test_a_day_of_which_nothing_is_named_says_what_to_name(capsys):
    assert main(["summary", "yesterday"]) == 1
    assert "name the archive with --archive, or the event log with --event-log" in capsys.readouterr().err


def test_a_day_without_frames_shows_how_long_the_monitor_ran_and_has_status_1(state, capsys):
    file = DayCountFile(state, "sun:9798")
    file.save([DayCounts(DAY.name, DAY.begin_s, DAY.end_s, Totals(stalls=1), 7200.0, 0.0, 1)])
    file.finish()
    assert main(["summary", DAY.name]) == 1
    told = capsys.readouterr()
    assert "ran for 2 h 00 min, 1 start" in told.out
    assert "no data of 2025-08-18 are known" in told.err


def test_a_day_in_the_future_has_not_begun(capsys):
    assert main(["summary", "2199-01-01"]) == 1
    assert "the day 2199-01-01 has not begun" in capsys.readouterr().err


def test_today_is_the_present_observing_day_and_the_usual_one(state, capsys):
    today = observing_day_at(time.time())
    file = DayCountFile(state, "sun:9798")
    file.save([DayCounts(today.name, today.begin_s, today.end_s, Totals(frames=5), 60.0)])
    file.finish()
    statuses = {main(["summary"]), main(["summary", "today"])}
    told = capsys.readouterr()
    # Before sunrise the day has not begun.
    assert statuses == {0} if time.time() > today.begin_s else {1}
    assert today.name in told.out + told.err


@pytest.mark.parametrize(
    ("option", "name", "complaint"),
    [("--archive", "none", "is not an archive"), ("--event-log", "none", "check --event-log")],
)
def test_a_source_that_cannot_be_read_is_one_sentence_with_status_1(tmp_path, capsys, option, name, complaint):
    assert main(["summary", DAY.name, option, str(tmp_path / name)]) == 1
    told = capsys.readouterr()
    assert complaint in told.err
    assert (told.out, told.err.count("\n")) == ("", 1)
