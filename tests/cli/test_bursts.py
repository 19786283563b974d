"""The command bursts."""

import os
import re
from dataclasses import replace

import fake_finder
import numpy as np
import pytest
from fake_finder import FINDER
from recordings import recording

from sunspec_tui.cli import progress_line
from sunspec_tui.cli.burst_text import aligned, burst_lines, comparison_lines, counts_text
from sunspec_tui.cli.main import main
from sunspec_tui.core.bursts import BurstType
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.burst_table import read_burst_table
from sunspec_tui.files.radio_reports import RadioReport
from sunspec_tui.files.write import export
from sunspec_tui.monitoring import burst_finder, burst_parts
from sunspec_tui.monitoring.burst_comparison import Comparison, Outcome, ReportResult

DAY_S = 1_755_475_200.0  # 2025-08-18
HEAD = "date,begin_utc,end_utc,observatory,low_mhz,high_mhz,type\n"


@pytest.fixture(autouse=True)
def hours(monkeypatch):
    """Search in parts of an hour: tests have few hours."""
    monkeypatch.setattr(burst_parts, "PART_S", 3600.0)


@pytest.fixture(autouse=True)
def finder(monkeypatch):
    """Find bright rows, in this process."""
    monkeypatch.setattr(burst_finder, "usual_finder", lambda: FINDER)


def rows(begin_s, end_s, bright=(600, 3595)):
    """Return rows of a day with bright ones."""
    times_s = DAY_S + np.arange(begin_s, end_s, 5.0) + 5
    made = recording(len(times_s), npol=2, nchan=2400, channel_average=100, times_s=times_s, cadence_s=5.0)
    data = np.full_like(made.data, 10)
    for at_s in bright:
        data[(times_s > DAY_S + at_s) & (times_s <= DAY_S + at_s + 20)] = 100
    return replace(made, data=data)


@pytest.fixture
def files(tmp_path):
    """Two hours in two files."""
    directory = tmp_path / "files"
    export(rows(0, 3600), directory / "a.npz")
    export(rows(3600, 7200), directory / "b.npz")
    return directory


def bursts(*words):
    return main(["bursts", *map(str, words), "--workers", "1"])


def test_bursts_are_printed_with_their_counts(files, capsys):
    assert bursts(files / "*.npz") == 0
    told = capsys.readouterr()
    head, first, second, last = told.out.splitlines()
    assert head.split() == ["type", "conf", "begin", "UTC", "peak", "end", "MHz", "dB", "MHz/s", "reason", "source"]
    assert first.split() == [
        "III", "0.75", "2025-08-18", "00:10:05", "00:10:05", "00:10:20", "40-60", "10.0", "bright", "rows", "a.npz",
    ]  # fmt: skip
    assert "01:00:00" in second
    assert last == "2 bursts: 2 III"
    assert "fake" not in told.out


def test_bursts_of_one_source_do_not_repeat_it(files, capsys):
    assert bursts(files / "a.npz") == 0
    assert "a.npz" not in capsys.readouterr().out


def test_an_archive_and_a_table(tmp_path, capsys):
    made = rows(0, 7200)
    open_store(tmp_path / "archive", made).append(made)
    for name in ("bursts.ecsv", "bursts.csv"):
        assert bursts(tmp_path / "archive", "--out", tmp_path / name) == 0
        assert capsys.readouterr().out.endswith(f"2 bursts: 2 III; written to {tmp_path / name}\n")
        table = read_burst_table(tmp_path / name)
        assert [each.begin_s - DAY_S for each in table] == [605, 3600]
        assert {each.source for each in table} == {"archive"}


def test_no_burst_is_no_error(files, capsys):
    assert bursts(files, "--start", "2025-08-18T01:10") == 0
    assert capsys.readouterr().out == "0 bursts\n"


def test_a_list_is_compared(files, tmp_path, capsys):
    path = tmp_path / "list.csv"
    path.write_text(
        f"{HEAD}2025-08-18,00:10,00:12,SAG,25,180,III\n2025-08-18,00:30,00:31,SAG,25,180,II\n"
        "2025-08-18,05:30,05:31,SAG,25,180,II\n2025-08-18,00:20,00:21,S\x1bG,25,180,XY\n"
    )
    assert bursts(files, "--against", path) == 0
    lines = capsys.readouterr().out.splitlines()
    begin = lines.index(f"compared with {path}:")
    assert re.split(r"  +", lines[begin + 2]) == [
        "hit", "2025-08-18 00:10-00:12 III SAG 25-180 MHz", "III 00:10:05", "+5 s", "+15 MHz", "-10 MHz",
    ]  # fmt: skip
    assert re.split(r"  +", lines[begin + 3]) == ["miss", "2025-08-18 00:30-00:31 II SAG 25-180 MHz", "nothing"]
    assert lines[begin + 4] == "false alarms: bursts that no report covers:"
    assert lines[begin + 5] == "  III 01:00:00 40-60 MHz 10.0 dB, confidence 0.75"
    assert lines[begin + 6] == (
        "2 reports covered, 1 hit, 0 with bursts of another type only, 1 missed, 1 false alarm, begins differ by 5 s "
        "in the median, 1 of the list not covered, 1 of other types (XY)"
    )
    assert lines[-1] == "2 bursts: 2 III"


def test_a_report_in_a_gap_of_the_rows_is_not_covered(tmp_path, capsys):
    export(rows(0, 600), tmp_path / "a.npz")
    export(rows(1800, 3000), tmp_path / "b.npz")
    path = tmp_path / "list.csv"
    path.write_text(
        f"{HEAD}2025-08-18,00:15,00:20,SAG,25,180,II\n2025-08-18,00:20,00:30,SAG,25,180,II\n"
        "2025-08-18,00:29,00:31,SAG,25,180,II\n2025-08-18,00:09,00:12,SAG,25,180,II\n"
    )
    assert bursts(tmp_path / "*.npz", "--against", path) == 0
    told = capsys.readouterr().out
    assert "2 reports covered, 0 hit" in told
    assert "2 missed, 0 false alarms, 2 of the list not covered" in told
    assert "00:15-00:20" not in told


def test_progress_counts_parts(files, capsys, monkeypatch):
    monkeypatch.setattr(progress_line, "PLAIN_INTERVAL_S", 0.0)
    assert bursts(files) == 0
    assert "sunspec-tui: 1 of 2 parts searched\n" in capsys.readouterr().err


def test_parts_that_fail_are_reported_after_the_others(files, capsys, monkeypatch):
    monkeypatch.setattr(burst_finder, "usual_finder", lambda: FINDER._replace(search=fake_finder.FailingSearch))
    assert bursts(files) == 1
    told = capsys.readouterr()
    assert "2 bursts" in told.out
    assert "1 part could not be searched, the first: 2025-08-18 01:00:00 UTC: a bad part" in told.err


@pytest.mark.parametrize(
    ("words", "status", "part"),
    [
        (["none.fit"], 1, "none.fit cannot be read"),
        (["files", "--out", "a.txt"], 2, "end it with .ecsv or .csv"),
        (["files", "--out", "files"], 2, "end it with .ecsv or .csv"),
        (["files", "--out", "/dev/null/a.csv"], 1, "cannot write /dev/null/a.csv"),
        (["files", "--out", "pipe.csv"], 1, "pipe.csv: it is a named pipe (FIFO), not a regular file"),
        (["files", "--out", "files.csv"], 1, "files.csv: it is a directory, not a regular file"),
        (["files", "--against", "none.csv"], 1, "none.csv cannot be read as a list of radio events"),
        (["files", "--start", "2026-01-01"], 1, "no rows in that time"),
        (["files", "--start", "noon"], 2, "not a date and time"),
        (["files", "--workers", "0"], 2, "at least 1"),
        (["archive", "--tuning", "1"], 2, "an archive has one axis"),
    ],
)
def test_wrong_use_is_one_sentence(files, capsys, monkeypatch, words, status, part):
    monkeypatch.chdir(files.parent)
    (files.parent / "archive" / "2025-08-18.zarr").mkdir(parents=True)
    (files.parent / "files.csv").mkdir()
    os.mkfifo(files.parent / "pipe.csv")
    assert main(["bursts", *words]) == status
    told = capsys.readouterr()
    assert part in told.err
    # Options are checked before the search.
    assert told.out == ""
    assert len(told.err.splitlines()) == 1


def test_a_table_of_text_is_aligned_and_printable():
    from burst_values import burst

    lines = burst_lines([burst(), burst(reason="\x1b[2J" * 50, drift_mhz_s=-12.3, drift_error_mhz_s=0.4)])
    assert all(line.isprintable() for line in lines)
    assert "-12.30±0.40" in lines[2]
    assert max(map(len, lines)) < 150
    assert aligned([("a", "bb"), ("ccc", "d")], {0}) == ["a    bb", "ccc   d"]


def test_a_small_difference_is_not_minus_zero():
    from burst_values import T0, burst

    report = RadioReport(T0, T0 + 60, 30.2, 80.4, "III", ("SAG",))
    result = ReportResult(report, Outcome.HIT, (burst(),), -0.4, -0.2, 0.4)
    assert "+0 s  +0 MHz  +0 MHz" in comparison_lines(Comparison((result,), (), (), (), ()), "a list")[2]


def test_counts_name_interference_apart():
    from burst_values import burst

    found = [burst(), burst(type=BurstType.INTERFERENCE), burst(type=BurstType.II), burst()]
    assert counts_text(found) == "3 bursts: 2 III, 1 II; 1 of interference (RFI)"
    assert counts_text(found[:1]) == "1 burst: 1 III"


def test_files_of_another_band_are_reported(tmp_path, capsys):
    for name in ("a.npz", "b.npz"):
        made = rows(0, 3600) if name == "a.npz" else rows(3600, 7200)
        export(replace(made, frequencies_hz=made.frequencies_hz + 300e6), tmp_path / name)
    assert bursts(tmp_path) == 0
    text = "WARNING a and 1 more: no frequency lies between 20 and 200 MHz, so there is nothing to search"
    assert text in capsys.readouterr().err
