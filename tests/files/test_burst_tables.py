"""Tables of bursts beside an archive and beside files."""

import os
from dataclasses import replace

import pytest
from burst_values import T0, burst

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import ExportError, SourceError
from sunspec_tui.files import burst_tables
from sunspec_tui.files.burst_table import mark_in_tables, read_burst_table, write_burst_table
from sunspec_tui.files.burst_tables import BurstTables

DAY_S = 86_400.0
HOUR_S = 3600.0
ROWS = T0, T0 + HOUR_S
"""Interval of the rows."""


def names(tables):
    return [each.name for each in tables.bursts]


def archive_of(directory, **days):
    """Write tables of days to an archive's directory."""
    for day, bursts in days.items():
        for extension in ("ecsv", "csv"):
            write_burst_table(bursts, directory / f"bursts-2017-09-{day.removeprefix('d')}.{extension}")
    return BurstTables([directory], 100, is_archive=True)


def test_an_archive_has_the_tables_of_its_days(tmp_path):
    others = {"d04": [burst(T0 - 2 * DAY_S)], "d08": [burst(T0 + 2 * DAY_S)]}
    over_midnight = burst(T0 - DAY_S, T0 + 60, name="long")
    tables = archive_of(tmp_path, d06=[burst(), burst(T0 + 90)], d05=[over_midnight], **others)
    write_burst_table([burst(T0 + 50)], tmp_path / "bursts-of-mine.ecsv")
    assert tables.refresh(*ROWS)
    assert names(tables) == ["long", "b1504698901", "b1504698991"]
    assert not tables.refresh(*ROWS)


def test_an_archive_without_tables_of_days_may_have_another_one(tmp_path):
    tables = BurstTables([tmp_path], 100, is_archive=True)
    tables.refresh(*ROWS)
    assert tables.is_empty
    write_burst_table([burst()], tmp_path / "bursts.ecsv")
    assert tables.refresh(*ROWS)
    assert (names(tables), tables.is_empty) == (["b1504698901"], False)


def test_files_have_all_tables_beside_them_once_and_in_their_time(tmp_path):
    given = [burst(), burst(T0 - 5 * HOUR_S)]
    for name in ("bursts.ecsv", "bursts.csv", "bursts_of_ours.csv", "others.ecsv"):
        write_burst_table(given, tmp_path / name)
    (tmp_path / "bursts.png").write_bytes(b"")
    tables = BurstTables([tmp_path / "a.fits", tmp_path / "b.fits"], 100, is_archive=False)
    tables.refresh(*ROWS)
    assert names(tables) == ["b1504698901"]


def test_bursts_of_files_that_are_not_shown_are_left_out(tmp_path):
    (tmp_path / "other.fits").write_bytes(b"")
    sources = ["a.fits", "other.fits", "moved-away.fits", "", "10.0.0.5:9798", "../x/other.fits"]
    given = [burst(T0 + n, name=str(n), source=source) for n, source in enumerate(sources)]
    write_burst_table(given, tmp_path / "bursts.ecsv")
    tables = BurstTables([tmp_path / "a.fits"], 100, is_archive=False)
    tables.refresh(*ROWS)
    assert names(tables) == ["0", "2", "3", "4", "5"]


def test_equal_names_in_two_tables_are_told_apart_and_marked_in_their_own(tmp_path):
    for name, begin_s in (("bursts-1.csv", T0), ("bursts-2.csv", T0 + 60)):
        write_burst_table([burst(begin_s, name="same")], tmp_path / name)
    tables = BurstTables([tmp_path / "a.fits"], 100, is_archive=False)
    tables.refresh(*ROWS)
    assert names(tables) == ["same of bursts-1.csv", "same"]
    tables.mark({"same of bursts-1.csv": True, "unknown": True})
    read = {name: read_burst_table(tmp_path / name)[0].is_wrong for name in ("bursts-1.csv", "bursts-2.csv")}
    assert read == {"bursts-1.csv": True, "bursts-2.csv": False}


def test_a_mark_leaves_what_another_program_has_written_in_the_meantime(tmp_path):
    tables = archive_of(tmp_path, d06=[burst()])
    tables.refresh(*ROWS)
    archive_of(tmp_path, d06=[burst(peak_db=30.0), burst(T0 + 60)])
    tables.mark({"b1504698901": True})
    for extension in ("ecsv", "csv"):
        found = read_burst_table(tmp_path / f"bursts-2017-09-06.{extension}")
        assert [(each.peak_db, each.is_wrong) for each in found] == [(30.0, True), (12.5, False)]
    assert tables.refresh(*ROWS)
    assert tables.bursts[0].is_wrong


def test_a_table_with_further_columns_is_not_written(tmp_path):
    path = tmp_path / "bursts.csv"
    path.write_text(
        "begin_utc,end_utc,low_mhz,high_mhz,type,my note\n2017-09-06T12:00,2017-09-06T12:01,20,80,II,good\n"
    )
    before = path.read_text()
    with pytest.raises(ExportError, match=r"further columns, which would be lost \('my note'\); edit is_wrong there"):
        mark_in_tables([path], {"line 2": True})
    assert path.read_text() == before


def test_a_damaged_table_is_a_problem_and_stays_as_it_is(tmp_path):
    tables = archive_of(tmp_path, d06=[burst()], d05=[burst(T0 - DAY_S, T0 + 9, name="long")])
    path = tmp_path / "bursts-2017-09-06.ecsv"
    path.write_text("nothing\x1b[2J\n")
    assert tables.refresh(*ROWS)
    assert names(tables) == ["long"]
    assert len(tables.problems) == 1
    assert "\x1b" not in tables.problems[0]
    assert not tables.refresh(*ROWS)
    tables.mark({"b1504698901": True})
    assert path.read_text() == "nothing\x1b[2J\n"
    with pytest.raises(SourceError):
        mark_in_tables([path], {"a": True})


def test_a_pipe_is_no_table_and_nobody_waits_for_it(tmp_path):
    os.mkfifo(tmp_path / "bursts.ecsv")
    tables = BurstTables([tmp_path / "a.fits"], 100, is_archive=False)
    tables.refresh(*ROWS)
    assert "named pipe" in tables.problems[0]
    assert not tables.bursts


def test_bursts_and_tables_are_bounded_and_the_newest_are_read(tmp_path, monkeypatch):
    days = {
        f"d{day:02d}": [burst(T0 + (day - 6) * DAY_S + n, name=f"{day}-{n}") for n in range(4)] for day in range(1, 9)
    }
    archive_of(tmp_path, **days)
    tables = BurstTables([tmp_path], 6, is_archive=True)
    tables.refresh(T0 - 9 * DAY_S, T0 + 9 * DAY_S)
    assert names(tables) == ["7-2", "7-3", "8-0", "8-1", "8-2", "8-3"]
    monkeypatch.setattr(burst_tables, "MAX_TABLES", 1)
    tables.refresh(T0 - 9 * DAY_S, T0 + 9 * DAY_S)
    assert {name[0] for name in names(tables)} == {"8"}


def test_interference_does_not_displace_bursts(tmp_path):
    given = [burst(T0 + n, name=str(n), type=BurstType.INTERFERENCE if n else BurstType.II) for n in range(200)]
    tables = archive_of(tmp_path, d06=given)
    tables.refresh(*ROWS)
    assert (len(tables.bursts), tables.bursts[0].type) == (100, BurstType.II)


def test_a_directory_that_is_gone_has_no_tables(tmp_path):
    tables = BurstTables([tmp_path / "gone"], 10, is_archive=True)
    assert not tables.refresh(*ROWS)
    assert tables.is_empty


def test_a_change_of_the_table_is_read(tmp_path):
    tables = archive_of(tmp_path, d06=[burst()])
    tables.refresh(*ROWS)
    archive_of(tmp_path, d06=[replace(burst(), is_wrong=True)])
    # The end of the rows alone does not lead to reading.
    assert tables.refresh(ROWS[0], ROWS[1] + 1)
    assert tables.bursts[0].is_wrong
    assert not tables.refresh(ROWS[0], ROWS[1] + 2)
