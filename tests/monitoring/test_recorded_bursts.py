"""Bursts of recorded rows: read in the background, and marked."""

import threading

import pytest
from burst_values import T0, burst
from waiting import poll_until

from sunspec_tui.core.errors import ExportError
from sunspec_tui.files.burst_table import read_burst_table, write_burst_table
from sunspec_tui.files.burst_tables import BurstTables
from sunspec_tui.monitoring import recorded_bursts
from sunspec_tui.monitoring.recorded_bursts import RecordedBursts

ROWS = T0, T0 + 3600


class Recorded:
    """Bursts of an archive, with a clock of the test."""

    def __init__(self, directory, bursts):
        self.table = directory / "bursts-2017-09-06.ecsv"
        if bursts is not None:
            write_burst_table(bursts, self.table)
        self.now_s = 0.0
        tables = BurstTables([directory], 100, is_archive=True)
        self.bursts = RecordedBursts(tables, lambda: ROWS, lambda: self.now_s)

    def wrong(self):
        """Return the verdicts of the table, and of the board."""
        kept, shown = read_burst_table(self.table), self.bursts.board.bursts
        return [each.is_wrong for each in kept], [each.is_wrong for each in shown]


@pytest.fixture
def recorded(tmp_path):
    return lambda bursts=None: Recorded(tmp_path, bursts)


def test_the_board_has_the_bursts_of_the_tables_and_calls_for_changes_only(recorded):
    made, calls = recorded([burst(), burst(T0 + 60)]), []
    made.bursts.board.listeners.add(lambda: calls.append(1))
    for _ in range(3):
        made.bursts.update()
    assert (len(made.bursts.board.bursts), len(calls)) == (2, 1)
    write_burst_table([burst(T0 + 60)], made.table)
    made.bursts.update()
    assert [each.begin_s for each in made.bursts.board.bursts] == [T0 + 60]


def test_an_empty_board_has_a_reason(recorded, tmp_path):
    assert "no table of bursts beside these rows" in RecordedBursts(None, lambda: ROWS).why_none
    made = recorded()
    assert "being read" in made.bursts.why_none
    made.bursts.update()
    assert "no table of bursts beside these rows" in made.bursts.why_none
    write_burst_table([], made.table)
    made.bursts.update()
    assert "none of their time" in made.bursts.why_none
    made.table.write_text("?")
    made.bursts.update()
    assert "bursts-2017-09-06.ecsv cannot be read as a table of bursts" in made.bursts.why_none
    no_rows = RecordedBursts(BurstTables([tmp_path], 100, is_archive=True), lambda: None)
    no_rows.update()
    assert not no_rows.board.bursts


def test_a_mark_is_written_and_can_be_taken_back(recorded):
    made = recorded([burst(), burst(T0 + 60)])
    made.bursts.update()
    for is_wrong in (True, False):
        made.bursts.board.mark_wrong("b1504698901", is_wrong=is_wrong)
        made.bursts.update()
        assert made.wrong() == ([is_wrong, False],) * 2


def test_the_newest_mark_counts_whoever_made_it(recorded):
    made = recorded([burst()])
    made.bursts.update()
    made.bursts.board.mark_wrong("b1504698901")
    made.bursts.update()
    write_burst_table([burst(peak_db=20.0)], made.table)
    for _ in range(2):
        made.bursts.update()
        assert made.wrong() == ([False], [False])
    assert made.bursts.board.bursts[0].peak_db == 20.0


def test_a_mark_during_the_reading_is_not_lost(recorded, monkeypatch):
    made = recorded([burst()])
    made.bursts.update()
    refresh = BurstTables.refresh

    def marked_meanwhile(tables, *interval_s):
        made.bursts.board.mark_wrong("b1504698901")
        monkeypatch.undo()
        return refresh(tables, *interval_s)

    write_burst_table([burst(peak_db=20.0)], made.table)
    monkeypatch.setattr(BurstTables, "refresh", marked_meanwhile)
    made.bursts.update()
    made.bursts.update()
    assert made.wrong() == ([True], [True])


def test_a_mark_that_cannot_be_written_stays_is_reported_once_and_tried_again(recorded, monkeypatch, warnings_logged):
    made = recorded([burst()])
    made.bursts.update()

    def fails(*_):
        raise ExportError("cannot write it: the disk is full; choose another file")

    monkeypatch.setattr(BurstTables, "mark", fails)
    made.bursts.board.mark_wrong("b1504698901")
    write_burst_table([burst(peak_db=20.0)], made.table)
    for now_s in (0.0, 1.0, recorded_bursts.RETRY_S + 1):
        made.now_s = now_s
        made.bursts.update()
    assert made.wrong() == ([False], [True])
    assert warnings_logged() == [
        "what was marked as wrong is not kept: cannot write it: the disk is full; choose another file"
    ]
    monkeypatch.undo()
    made.now_s += recorded_bursts.RETRY_S
    made.bursts.update()
    assert made.wrong() == ([True], [True])


def test_a_thread_reads_and_writes_and_ends_with_the_last_mark(recorded):
    made = recorded([burst()])
    made.bursts.start()
    made.bursts.start()
    poll_until(lambda: len(made.bursts.board.bursts) == 1, 10)
    made.bursts.board.mark_wrong("b1504698901")
    made.bursts.stop()
    assert made.wrong() == ([True], [True])
    assert "sunspec-bursts-read" not in [each.name for each in threading.enumerate()]
    made.bursts.stop()


def test_an_error_of_the_reading_does_not_end_the_thread(recorded, monkeypatch, warnings_logged):
    made = recorded([burst()])
    monkeypatch.setattr(recorded_bursts, "REFRESH_S", 0.01)
    monkeypatch.setattr(made.bursts, "_interval_s", lambda: 1 / 0)
    made.bursts.start()
    poll_until(warnings_logged, 10)
    monkeypatch.setattr(made.bursts, "_interval_s", lambda: ROWS)
    poll_until(lambda: len(made.bursts.board.bursts) == 1, 10)
    made.bursts.stop()
    assert len(warnings_logged()) == 1
