"""Bursts are kept: tables of days, pictures, restarts, failing disks."""

import logging
import math

import numpy as np
import pytest
from burst_values import burst
from PIL import Image
from timelines import RowTimeline
from waiting import poll_until

from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import ExportError
from sunspec_tui.files import burst_days
from sunspec_tui.files.burst_days import BurstDays, day_table
from sunspec_tui.files.burst_table import mark_in_tables, read_burst_table, write_burst_table
from sunspec_tui.files.read import read_recording
from sunspec_tui.monitoring import burst_keeper, burst_pictures
from sunspec_tui.monitoring.burst_keeper import RETRY_S, WRITE_S, BurstKeeper
from sunspec_tui.monitoring.burst_pictures import BurstPictures, file_stem
from sunspec_tui.monitoring.burst_rows import read_burst_rows
from sunspec_tui.plots.burst_picture import burst_job

NOON_S = 1_755_518_400.0  # 2025-08-18 12:00
DAY = "2025-08-18"


class Clock:
    """A clock that a test moves."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


class FakeProcess:
    """Draws nothing; its answers are given."""

    def __init__(self, answers):
        self.answers, self.jobs, self.is_ended = answers, [], False

    def request(self, job, answer_timeout_s):
        self.jobs.append(job)
        return self.answers.pop(0) if self.answers else {"ok": True}

    def end_reason(self):
        return "killed"

    def kill(self):
        pass

    def end(self):
        self.is_ended = True


def rows(count=1200, begin_s=NOON_S - 600):
    """Return a timeline of rows of a second each."""
    return RowTimeline.steady(begin_s, 1.0, np.random.default_rng(1).lognormal(5, 1, (count, 16, 4)).astype(np.float32))


class Desk:
    """A keeper that the test calls, with its board and clock."""

    def __init__(self, directory, min_db=None, answers=(), timeline=None):
        self.directory, self.board, self.clock, self.processes = directory, BurstBoard(), Clock(), []
        self._answers = list(answers)
        timeline = timeline or rows()
        pictures = BurstPictures(directory / "bursts", timeline, min_db, self.process)
        self.keeper = BurstKeeper(
            directory, self.board, timeline, clock=lambda: NOON_S, monotonic=self.clock, pictures=pictures
        )

    def process(self):
        self.processes.append(FakeProcess(self._answers))
        return self.processes[-1]

    def kept(self, day=DAY, extension=".ecsv"):
        path = day_table(self.directory, day, extension)
        return [each.name for each in read_burst_table(path)] if path.exists() else []


def test_a_burst_that_has_ended_is_in_both_tables_of_its_day(tmp_path):
    desk = Desk(tmp_path / "archive")
    assert desk.keeper.update() is None
    assert not (tmp_path / "archive").exists()
    desk.board.add([burst(NOON_S, is_open=True)])
    desk.keeper.update()
    assert desk.kept() == []
    desk.board.add([burst(NOON_S), burst(NOON_S - 86400, name="before")])
    assert desk.keeper.update() == WRITE_S
    assert desk.kept() == desk.kept(extension=".csv") == [f"b{NOON_S:.0f}"]
    assert desk.kept("2025-08-17") == ["before"]


def test_writing_is_limited_and_nothing_is_written_without_a_change(tmp_path, monkeypatch):
    desk, written = Desk(tmp_path), []
    monkeypatch.setattr(
        burst_days, "write_burst_table", lambda bursts, path: (written.append(path), write_burst_table(bursts, path))
    )
    for number in range(20):
        desk.board.add([burst(NOON_S + number)])
        desk.keeper.update()
        desk.clock.now_s += 1
    desk.clock.now_s += WRITE_S
    desk.keeper.update()
    assert len(desk.kept()) == 20
    assert len(written) == 2 * 5
    desk.clock.now_s += WRITE_S
    assert desk.keeper.update() is None
    assert len(written) == 2 * 5


def test_a_verdict_is_kept_and_read_after_a_restart(tmp_path):
    desk = Desk(tmp_path)
    desk.board.add([burst(NOON_S, name="a"), burst(NOON_S - 86400, name="yesterday")])
    desk.keeper.update()
    desk.board.mark_wrong("a")
    desk.clock.now_s += WRITE_S
    desk.keeper.update()
    again = Desk(tmp_path)
    assert again.keeper.update() is None
    assert [(each.name, each.is_wrong) for each in again.board.bursts] == [("yesterday", False), ("a", True)]
    again.board.add([burst(NOON_S + 60, name="b")])
    again.keeper.update()
    assert again.kept() == ["a", "b"]
    assert [each.is_wrong for each in read_burst_table(day_table(tmp_path, DAY))] == [True, False]


def marked(path, name, is_wrong=True):
    """Mark a burst in a table, as another program does."""
    mark_in_tables([path], {name: is_wrong})


def test_a_verdict_of_another_program_reaches_the_board(tmp_path):
    desk, path = Desk(tmp_path), day_table(tmp_path, DAY)
    desk.board.add([burst(NOON_S, name="a"), burst(NOON_S + 9, name="b")])
    desk.keeper.update()
    for is_wrong in (True, False):
        marked(path, "a", is_wrong)
        desk.clock.now_s += WRITE_S
        desk.keeper.update()
        assert [each.is_wrong for each in desk.board.bursts] == [is_wrong, False]
        # The table in the other format gets it too.
        assert [each.is_wrong for each in read_burst_table(path.with_suffix(".csv"))] == [is_wrong, False]
        desk.clock.now_s += WRITE_S
        assert desk.keeper.update() is None
    # The detector's later values do not change a verdict.
    marked(path, "a")
    desk.clock.now_s += WRITE_S
    desk.keeper.update()
    desk.board.add([burst(NOON_S, name="a", peak_db=20.0)])
    assert [each.is_wrong for each in desk.board.bursts] == [True, False]


def test_a_verdict_of_another_program_is_not_overwritten(tmp_path):
    days, path = BurstDays(tmp_path), day_table(tmp_path, DAY)
    days.add([burst(NOON_S, name="a")])
    days.write()
    marked(path, "a")
    days.add([burst(NOON_S, name="a", peak_db=20.0)])
    days.write()
    (found,) = read_burst_table(path)
    assert (found.peak_db, found.is_wrong) == (20.0, True)
    assert days.take_verdicts() == {"a": True}
    assert days.take_verdicts() == {}


def test_a_table_that_another_program_is_writing_is_read_later(tmp_path):
    desk, path = Desk(tmp_path), day_table(tmp_path, DAY)
    desk.board.add([burst(NOON_S, name="a")])
    desk.keeper.update()
    marked(path, "a")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    for content, is_wrong in ((whole[:-30], False), (whole, True)):
        path.write_bytes(content)
        desk.clock.now_s += WRITE_S
        desk.keeper.update()
        assert [each.is_wrong for each in desk.board.bursts] == [is_wrong]
    assert not list(tmp_path.glob("*.damaged"))


def test_the_thread_looks_at_the_tables(tmp_path, monkeypatch):
    monkeypatch.setattr(burst_keeper, "CHECK_S", 0.01)
    monkeypatch.setattr(burst_keeper, "WRITE_S", 0.01)
    board = BurstBoard()
    keeper = BurstKeeper(tmp_path, board, rows(), clock=lambda: NOON_S)
    keeper.start()
    board.add([burst(NOON_S, name="a")])
    poll_until(lambda: day_table(tmp_path, DAY, ".csv").exists())
    marked(day_table(tmp_path, DAY), "a")
    poll_until(lambda: board.bursts[0].is_wrong)
    keeper.stop()


def test_rows_that_another_program_adds_stay(tmp_path):
    desk = Desk(tmp_path)
    desk.board.add([burst(NOON_S, name="a")])
    desk.keeper.update()
    path = day_table(tmp_path, DAY)
    write_burst_table([*read_burst_table(path), burst(NOON_S + 9, name="theirs")], path)
    desk.board.add([burst(NOON_S + 60, name="b")])
    desk.clock.now_s += WRITE_S
    desk.keeper.update()
    assert desk.kept() == ["a", "theirs", "b"]


def test_a_damaged_table_is_set_aside(tmp_path, caplog):
    path = day_table(tmp_path, DAY)
    path.write_text("something else\n")
    desk = Desk(tmp_path)
    desk.board.add([burst(NOON_S)])
    desk.keeper.update()
    assert len(desk.kept()) == 1
    assert path.with_name(f"{path.name}.damaged").read_text() == "something else\n"
    assert "kept as bursts-2025-08-18.ecsv.damaged" in caplog.text


def test_a_table_that_is_damaged_while_the_program_runs_loses_nothing(tmp_path, caplog, monkeypatch):
    desk, path = Desk(tmp_path), day_table(tmp_path, DAY)
    desk.board.add([burst(NOON_S, name="a")])
    desk.keeper.update()
    written = path.read_text()
    for number, wrong in enumerate((",III,", ",III,"), 1):
        path.write_text(written.replace(wrong, f",edited by hand {number},"))
        desk.board.add([burst(NOON_S + number, name=f"b{number}")])
        desk.clock.now_s += RETRY_S
        with monkeypatch.context() as failing:
            failing.setattr(burst_days, "write_burst_table", disk_full)
            desk.keeper.update()
        desk.clock.now_s += RETRY_S
        desk.keeper.update()
    assert desk.kept() == ["a", "b1", "b2"]
    assert "by hand 1" in path.with_name(f"{path.name}.damaged").read_text()
    assert "by hand 2" in path.with_name(f"{path.name}.damaged-2").read_text()


def disk_full(bursts, path):
    raise ExportError("cannot write: No space left on device")


def test_columns_that_an_observer_adds_are_kept_in_a_copy(tmp_path, caplog):
    desk, path = Desk(tmp_path), day_table(tmp_path, DAY)
    desk.board.add([burst(NOON_S, name="a")])
    desk.keeper.update()
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-2], lines[-2] + ",comment", lines[-1] + ",seen by eye", ""]))
    desk.board.add([burst(NOON_S + 1, name="b")])
    for _ in range(3):
        desk.clock.now_s += WRITE_S
        desk.keeper.update()
    assert desk.kept() == ["a", "b"]
    assert "seen by eye" in path.with_name(f"{path.name}.edited").read_text()
    assert caplog.text.count("further columns") == 1


def test_a_table_of_one_day_stays_small_enough_to_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(burst_days, "MAX_DAY_ROWS", 3)
    days = BurstDays(tmp_path)
    days.add(burst(NOON_S + number, name=f"b{number}") for number in range(5))
    days.write()
    assert [each.name for each in read_burst_table(day_table(tmp_path, DAY))] == ["b2", "b3", "b4"]


def test_a_long_table_takes_a_small_share_of_the_time(tmp_path, monkeypatch):
    desk = Desk(tmp_path)

    def write(bursts, path):
        desk.clock.now_s += 1
        write_burst_table(bursts, path)

    monkeypatch.setattr(burst_days, "write_burst_table", write)
    desk.board.add([burst(NOON_S)])
    begun_s = desk.clock.now_s
    desk.keeper.update()
    desk.board.add([burst(NOON_S + 1)])
    desk.clock.now_s = begun_s + 39
    desk.keeper.update()
    assert len(desk.kept()) == 1
    desk.clock.now_s = begun_s + 40
    desk.keeper.update()
    assert len(desk.kept()) == 2


def test_a_failing_disk_is_reported_once_and_tried_again(tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    desk, is_full = Desk(tmp_path), [True]

    def write(bursts, path):
        if is_full[0]:
            raise ExportError("no space left")
        write_burst_table(bursts, path)

    monkeypatch.setattr(burst_days, "write_burst_table", write)
    desk.board.add([burst(NOON_S)])
    for _ in range(3):
        assert desk.keeper.update() == RETRY_S
        desk.clock.now_s += RETRY_S
    assert "no space left" in desk.keeper.table_problem
    assert len([each for each in caplog.records if each.levelname == "WARNING"]) == 1
    is_full[0] = False
    desk.keeper.update()
    assert len(desk.kept()) == 1
    assert desk.keeper.table_problem == desk.keeper.problem == ""
    assert "can be written again" in caplog.text


def test_a_table_that_cannot_be_read_at_the_start_is_tried_again(tmp_path, caplog):
    path = day_table(tmp_path, DAY)
    path.mkdir()
    desk = Desk(tmp_path)
    desk.board.add([burst(NOON_S)])
    assert desk.keeper.update() == RETRY_S
    assert "cannot be read" in caplog.text
    path.rmdir()
    desk.clock.now_s += RETRY_S
    desk.keeper.update()
    assert len(desk.kept()) == 1


def test_only_strong_bursts_of_the_sun_get_files(tmp_path):
    desk = Desk(tmp_path, min_db=10.0)
    desk.board.add(
        [
            burst(NOON_S, name="strong"),
            burst(NOON_S + 1, name="weak", peak_db=9.0),
            burst(NOON_S + 2, name="unknown", peak_db=math.nan),
            burst(NOON_S + 3, name="rfi", type=BurstType.INTERFERENCE),
            burst(NOON_S + 4, name="wrong", is_wrong=True),
        ]
    )
    assert desk.keeper.update() == WRITE_S
    assert [path.name for path in (tmp_path / "bursts").iterdir()] == ["strong.fits"]
    ((job,),) = [process.jobs for process in desk.processes]
    assert (job.directory, job.stem, job.heading) == (str(tmp_path / "bursts"), "strong", "spectrum at the peak")
    assert "type III" in job.note
    assert desk.processes[0].is_ended
    # The files of a burst are made once.
    desk.board.mark_wrong("strong")
    desk.board.mark_wrong("strong", is_wrong=False)
    desk.clock.now_s += WRITE_S
    desk.keeper.update()
    assert len(desk.processes) == 1


def test_a_burst_that_grows_after_its_end_gets_new_files(tmp_path):
    desk = Desk(tmp_path, min_db=0.0)
    for end_s in (20, 40, 40, 30):
        desk.board.add([burst(NOON_S, NOON_S + end_s, peak_db=20.0 + end_s)])
        desk.keeper.update()
        desk.clock.now_s += WRITE_S
    jobs = [job for process in desk.processes for job in process.jobs]
    assert [job.times_s[-1] - NOON_S for job in jobs] == [34, 54]
    assert len(list((tmp_path / "bursts").iterdir())) == 1


def test_a_burst_waits_once_for_its_files(tmp_path):
    pictures = BurstPictures(tmp_path, rows(), 0.0, lambda: FakeProcess([]))
    for end_s in (20, 30, 40):
        pictures.add(burst(NOON_S, NOON_S + end_s))
    assert pictures.write_next() == ""
    assert not pictures.has_waiting


def test_a_failing_picture_is_tried_again_and_then_dropped(tmp_path, caplog):
    desk = Desk(
        tmp_path, min_db=0.0, answers=[{"ok": False, "error": "no space left"}, None, {"ok": False, "error": "x"}]
    )
    desk.board.add([burst(NOON_S)])
    problems = []
    for _ in range(4):
        desk.keeper.update()
        problems.append(desk.keeper.problem)
        desk.clock.now_s += RETRY_S
    assert problems[0] == "no space left"
    assert problems[1] == "the process that draws bursts has ended (killed)"
    assert problems[2] == "x"
    assert desk.keeper.update() is None
    assert len(desk.kept()) == 1


def test_rows_that_have_left_the_memory_are_reported(tmp_path, caplog):
    desk = Desk(tmp_path, min_db=0.0, timeline=rows(count=10))
    desk.board.add([burst(NOON_S)])
    desk.keeper.update()
    assert "not available any more" in caplog.text


def test_loaded_bursts_get_no_files(tmp_path):
    write_burst_table([burst(NOON_S)], day_table(tmp_path, DAY))
    desk = Desk(tmp_path, min_db=0.0)
    assert desk.keeper.update() is None
    assert desk.processes == []


def test_many_strong_bursts_do_not_fill_the_memory(tmp_path):
    pictures = BurstPictures(tmp_path, rows(), 0.0, lambda: FakeProcess([]))
    for number in range(500):
        pictures.add(burst(NOON_S + number))
    assert len(pictures._waiting) == burst_pictures.MAX_WAITING


def test_the_thread_writes_and_ends_with_what_waits(tmp_path):
    board = BurstBoard()
    keeper = BurstKeeper(tmp_path, board, rows(), clock=lambda: NOON_S)
    keeper.start()
    keeper.start()
    board.add([burst(NOON_S, name="a")])
    poll_until(lambda: day_table(tmp_path, DAY, ".csv").exists())
    # The next writing is due in seconds, and the end does not wait for it.
    board.add([burst(NOON_S + 1, name="b")])
    keeper.stop()
    assert [each.name for each in read_burst_table(day_table(tmp_path, DAY))] == ["a", "b"]
    board.add([burst(NOON_S + 2, name="c")])
    assert len(read_burst_table(day_table(tmp_path, DAY))) == 2
    keeper.start()
    poll_until(lambda: len(read_burst_table(day_table(tmp_path, DAY))) == 3)
    keeper.stop()
    keeper.stop()


def test_the_thread_survives_an_unforeseen_error(tmp_path, caplog):
    board = BurstBoard()

    class Failing(RowTimeline):
        def known_rows(self, begin_s, end_s):
            raise RuntimeError("unforeseen")

    failing = Failing(**vars(rows()))
    keeper = BurstKeeper(tmp_path, board, failing, 0.0, clock=lambda: NOON_S)
    keeper.start()
    board.add([burst(NOON_S)])
    poll_until(lambda: "unforeseen" in keeper.problem)
    keeper.stop()
    assert "RuntimeError: unforeseen" in caplog.text


def test_a_real_process_draws_the_picture(tmp_path):
    pictures = BurstPictures(tmp_path / "bursts", rows(), 0.0)
    pictures.add(burst(NOON_S, name="20250818T120000-1"))
    try:
        assert pictures.write_next() == ""
    finally:
        pictures.end()
        pictures.release()
    assert sorted(path.name for path in (tmp_path / "bursts").iterdir()) == [
        "20250818T120000-1.fits",
        "20250818T120000-1.png",
    ]
    with Image.open(tmp_path / "bursts" / "20250818T120000-1.png") as picture:
        assert picture.width > 1000
    written = read_recording(tmp_path / "bursts" / "20250818T120000-1.fits")
    assert written.products == ("I",)
    assert written.times_s[0] < NOON_S < NOON_S + 20 < written.times_s[-1]
    assert written.notes == ()


def test_the_spectrum_of_a_picture_is_that_of_the_peak(tmp_path):
    found = read_burst_rows(rows(), burst(NOON_S)).shown
    job = burst_job(found, burst(NOON_S), tmp_path / "a.png")
    peak = found.data[np.flatnonzero(found.times_s == NOON_S + 5)[0]]
    np.testing.assert_array_equal(job.spectra["I"], peak[:, 0])


def test_a_burst_without_its_begin_says_so_in_title_and_header(tmp_path):
    desk = Desk(tmp_path, min_db=0.0, timeline=rows(600, NOON_S + 30))
    desk.board.add([burst(NOON_S, NOON_S + 90, name="late", peak_s=NOON_S + 60)])
    desk.keeper.update()
    ((job,),) = [process.jobs for process in desk.processes]
    assert job.note.endswith(", rows from 12:00:30 on")
    (note,) = read_recording(tmp_path / "bursts" / "late.fits").notes
    assert note.text == "this file has the rows from 12:00:30 to 12:01:52 of a burst from 12:00:00 to 12:01:30 UTC"


@pytest.mark.parametrize(("name", "stem"), [("20250818T12-1", "20250818T12-1"), ("../é\x00", "_____"), ("", "burst")])
def test_a_name_cannot_leave_the_directory(name, stem):
    assert file_stem(name) == stem


def test_old_days_leave_the_memory(tmp_path):
    days = BurstDays(tmp_path)
    for number in range(6):
        days.add([burst(NOON_S + 86400 * number)])
        days.write()
    assert len(days._kept) == 3
    assert len(list(tmp_path.iterdir())) == 12
