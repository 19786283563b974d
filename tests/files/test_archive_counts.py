"""Tests that each received row is counted once.

It is written, lost, unwanted or waiting, and the memory is limited.
"""

import logging
import os
import shutil
import threading
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from archive_runs import Following
from publishers import producing
from recordings import CADENCE_S, START_S, recording
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.core.recording import slots
from sunspec_tui.files.archive.layout import CALM_S, CHUNK_ROWS, MAX_NEW_STORES, StoreBudget, stores
from sunspec_tui.files.archive.status import ArchiveState
from sunspec_tui.files.archive.store import ArchiveStore
from sunspec_tui.files.read import read_recording


def accounted(status):
    return status.rows_written + status.rows_missed + status.rows_unwanted + status.rows_waiting


@pytest.fixture
def unwritable(tmp_path):
    """Return the path of an archive that cannot be created.

    A file has the name of its directory.
    """
    (tmp_path / "file").write_text("")
    return tmp_path / "file" / "archive"


def test_lost_rows_never_become_fewer_while_a_slow_disk_takes_them(tmp_path, monkeypatch):
    """Rows of a running commit are not lost when overwritten."""
    entered, go = threading.Event(), threading.Event()
    with Following(tmp_path, length=40) as run:
        append = ArchiveStore.append

        def slowly(store, part):
            entered.set()
            assert go.wait(60)
            append(store, part)

        monkeypatch.setattr(ArchiveStore, "append", slowly)
        rows = recording(100, nchan=64)
        run.add(rows.only(slice(0, 30)))
        assert entered.wait(60)
        run.add(rows.only(slice(30, 90)))
        seen = [run.writer.status().rows_missed]
        go.set()
        run.add(rows.only(slice(90, 100)))
        poll_until(lambda: run.writer.status().rows_waiting == 0, 60)
        seen.append(run.writer.status().rows_missed)
    assert seen == sorted(seen)
    assert accounted(run.writer.status()) == 100


def test_rows_that_come_during_a_commit_wait_for_the_next_one(tmp_path, monkeypatch):
    """The stream is as fast as the disk.

    A new row arrives during each commit.
    """
    rows, parts, looks = recording(60, nchan=64), [], []
    with Following(tmp_path, length=100) as run:
        append, look = ArchiveStore.append, run.writer.update_source

        def append_while_one_comes(store, part):
            parts.append(len(part))
            if len(parts) <= 20:
                run.add(rows.only(slice(39 + len(parts), 40 + len(parts))))
            append(store, part)

        monkeypatch.setattr(ArchiveStore, "append", append_while_one_comes)
        run.writer.update_source = lambda: looks.append(len(parts)) or look()
        run.add(rows.only(slice(0, 40)))
        run.wait_for(60)
    assert sum(parts) == 60
    # Between two commits the writer looks for another ring or another cadence.
    assert set(range(1, 20)) <= set(looks)


def test_rows_that_wait_when_the_program_ends_are_reported_with_their_number(unwritable):
    with Following(unwritable) as run:
        run.add(recording(50, nchan=64))
        poll_until(lambda: run.writer.status().state is ArchiveState.FAILING, 60)
    status = run.writer.status()
    assert (status.rows_waiting, accounted(status)) == (50, 50)
    assert [event.text for event in run.events if event.text.startswith("50 rows")]
    assert not run.events[-1].ok


def test_an_archive_that_cannot_write_holds_no_whole_rings_of_earlier_axes(unwritable):
    """The stream changes its axis repeatedly, and the disk is full."""
    with Following(unwritable) as run:
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for n in range(12):
            rows = recording(5, nchan=768 + 4 * n, start_s=START_S + 60 * n)
            run.change(rows.only(slice(0, 0)), length=2000)
            run.add(rows)
            run.writer.update_source()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # A ring of this size takes 6 MB or more; the rows that wait in it take 15 kB.
        assert (after - before) / 1e6 < 20
        assert accounted(run.writer.status()) == 60
        assert run.writer.status().rows_waiting == 60
        unwritable.parent.unlink()
        run.wait_for(60)
    assert run.writer.status().rows_missed == 0


def test_rows_of_earlier_axes_that_do_not_fit_the_budget_are_lost_counted_and_reported_once(unwritable):
    with Following(unwritable, max_waiting_bytes=200_000) as run:
        for n in range(40):
            rows = recording(20, nchan=64 + 4 * n, start_s=START_S + 60 * n)
            run.change(rows.only(slice(0, 0)))
            run.add(rows)
            run.writer.update_source()
            assert accounted(run.writer.status()) == 20 * (n + 1)
        status = run.writer.status()
        assert status.rows_missed > 0
        assert status.rows_waiting > 0
        assert sum("the oldest are lost" in event.text for event in run.events) >= 1
        unwritable.parent.unlink()
        run.wait_for(status.rows_waiting)
        assert run.writer.status().rows_waiting == 0
    assert accounted(run.writer.status()) == 800


@pytest.mark.parametrize("time_s", [1e300, -1e300, np.nan, np.inf, -1.0])
def test_a_row_whose_time_no_store_can_hold_is_lost_alone(tmp_path, time_s):
    rows = recording(30, nchan=64)
    times_s = rows.times_s.copy()
    times_s[10] = time_s
    with Following(tmp_path) as run:
        for row, when, place in zip(rows.data, times_s.tolist(), slots(rows.times_s, CADENCE_S).tolist(), strict=True):
            run.ring.append(row, when, place)
        poll_until(lambda: run.writer.status().rows_written == 29, 60, lambda: f"{run.writer.status()}")
    assert run.writer.status().rows_missed == 1
    assert any("year of their times cannot be stored" in event.text for event in run.events)
    assert len(read_recording(tmp_path)) == 29


def test_rows_that_cannot_be_looked_at_do_not_end_the_archive(tmp_path):
    run = Following(tmp_path)
    outcomes = iter([MemoryError("none left"), MemoryError("none left")])

    def current():
        for error in outcomes:
            raise error
        return run.followed

    run.current = current
    with run:
        run.add(recording(10, nchan=64))
        run.wait_for(10)


def test_a_listener_that_fails_does_not_end_the_archive(tmp_path):
    def listen(event):
        raise RuntimeError("the screen is gone")

    with Following(tmp_path, on_event=listen) as run:
        run.add(recording(10, nchan=64))
        run.wait_for(10)


def test_a_store_that_is_taken_away_while_it_is_written_is_reported_in_one_sentence(tmp_path, monkeypatch):
    # As when the directory is removed between the look at the store and its opening.
    written = ArchiveStore.append

    def gone_once(store, rows):
        if store.nrows and not told:
            shutil.rmtree(store.path)
        written(store, rows)

    told = []
    monkeypatch.setattr(ArchiveStore, "append", gone_once)
    with Following(tmp_path, on_event=lambda event: event.ok or told.append(event.text)) as run:
        run.add(recording(10, nchan=64))
        run.wait_for(10)
        run.add(recording(10, nchan=64, start_s=START_S + 10 * CADENCE_S))
        run.wait_for(20)
    assert len(told) == 1
    assert "a store was removed while it was written; rows wait" in told[0]


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_a_lock_file_that_is_none_is_one_sentence_and_nothing_is_written_through_it(tmp_path, kind):
    lock = tmp_path / ".lock"
    if kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.symlink_to(tmp_path / "elsewhere")
    with Following(tmp_path) as run:
        run.add(recording(10, nchan=64))
        poll_until(lambda: run.writer.status().problem, 60, "a problem")
        assert "move it away" in run.writer.status().problem
        assert not (tmp_path / "elsewhere").exists()
        lock.unlink()
        run.wait_for(10)


def test_the_receivers_archive_accounts_for_every_frame_after_the_end(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    caplog.set_level(logging.INFO)
    with (
        producing(speed=20, frames=50, wait=True) as port,
        StreamReceiver(stream_port=port, plot_interval=0, archive_dir=tmp_path / "file" / "archive") as receiver,
    ):
        assert receiver.wait_for_frames(50, 20)
    status = receiver.snapshot().archive
    assert accounted(status) == 50
    assert any(record.getMessage().startswith("50 rows") for record in caplog.records)


class Clock:
    """Monotonic clock that a test can advance."""

    def __init__(self):
        self.ahead_s = 0.0

    def __call__(self):
        return time.monotonic() + self.ahead_s


def settled(run, count):
    """Wait until `count` rows are written or lost."""

    def rows():
        status = run.writer.status()
        return status.rows_written + status.rows_missed

    poll_until(lambda: rows() == count, 60, lambda: f"{run.writer.status()}")


def jumping(count, jump_s, first_s=START_S):
    """Return rows of which every other has an earlier time."""
    rows = recording(count, nchan=64, start_s=first_s)
    return replace(rows, times_s=rows.times_s - jump_s * (np.arange(count) % 2))


@pytest.mark.parametrize(
    "rows",
    [jumping(80, 30.0), replace(jumping(80, 0.0), times_s=START_S - 86_400.0 * np.arange(80))],
    ids=["back", "days"],
)
def test_a_stream_whose_time_jumps_again_and_again_begins_few_stores_and_is_reported_once(tmp_path, monkeypatch, rows):
    # Each new store takes a tenth of a second.
    monkeypatch.setattr("sunspec_tui.files.archive.layout.MAX_NEW_STORES", 16)
    clock = Clock()
    with Following(tmp_path, length=2000, monotonic=clock) as run:
        run.add(rows)
        settled(run, 80)
        status = run.writer.status()
        assert len(stores(tmp_path)) <= 16
        assert status.rows_missed > 20
        assert accounted(status) == 80
        assert "two producers" in status.problem
        assert sum("two producers" in event.text for event in run.events) == 1
        assert not [event for event in run.events if "left the ring" in event.text]
        # In order again, on a day that has no store: archiving goes on by itself.
        clock.ahead_s += CALM_S
        later = recording(20, nchan=64, start_s=START_S + 172_800)
        run.add(later)
        run.wait_for(status.rows_written + 20)
        clock.ahead_s += CALM_S
        run.add(recording(5, nchan=64, start_s=float(later.times_s[-1])))
        run.wait_for(status.rows_written + 25)
        poll_until(lambda: not run.writer.status().problem, 60)
    assert run.events[-1].ok
    assert f"{status.rows_missed} rows were lost" in run.events[-1].text
    assert accounted(run.writer.status()) == 105


def test_rows_in_order_earn_a_store_also_where_a_replay_is_fast():
    """A replay of years is faster than a day a minute."""
    budget = StoreBudget(lambda: 0.0)
    for day in range(10 * MAX_NEW_STORES):
        assert budget.allows()
        budget.begin()
        budget.count_rows(START_S + 86_400.0 * day + np.arange(CHUNK_ROWS) * CADENCE_S)


def test_a_day_has_no_more_than_its_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("sunspec_tui.files.archive.writer.MAX_PARTS", 3)
    with Following(tmp_path) as run:
        run.add(jumping(20, 30.0))
        settled(run, 20)
    assert [path.name for path in stores(tmp_path)] == ["2025-08-18.zarr", "2025-08-18_2.zarr", "2025-08-18_3.zarr"]
    assert accounted(run.writer.status()) == 20
