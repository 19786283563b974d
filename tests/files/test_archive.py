"""Tests that the archive has each received row once, in order."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import xarray
from archive_runs import Following
from archive_timelines import assert_blocks_agree_with_rows
from publishers import producing
from recordings import CADENCE_S, START_S, recording
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ArchiveError, NoRowsError, SourceError
from sunspec_tui.files.archive.layout import StoreName, split_by_day, stores
from sunspec_tui.files.archive.reader import open_archive
from sunspec_tui.files.archive.status import ArchiveState
from sunspec_tui.files.archive.store import ArchiveStore, open_store
from sunspec_tui.files.read import read_recording

MIDNIGHT_S = 1_755_561_600.0  # 2025-08-19


def test_rows_come_back_as_they_were_with_axes_and_origin(tmp_path):
    rows = recording(300, nchan=64, gaps=(100,))
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(300)
        status = run.writer.status()
    assert (status.state, status.rows_missed, status.problem) == (ArchiveState.WRITING, 0, "")
    assert status.last_time_s == rows.times_s[-1]
    found = read_recording(tmp_path)
    np.testing.assert_array_equal(found.data, rows.data)
    np.testing.assert_allclose(found.times_s, rows.times_s, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(found.frequencies_hz, rows.frequencies_hz)
    assert (found.products, found.station) == (rows.products, "OVRO-LWA")
    assert found.cadence_s == pytest.approx(CADENCE_S)
    assert [path.name for path in stores(tmp_path)] == ["2025-08-18.zarr"]


def test_xarray_opens_a_store_as_it_is(tmp_path):
    rows = recording(50, nchan=64)
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(50)
    with xarray.open_zarr(tmp_path / "2025-08-18.zarr", consolidated=True) as dataset:
        assert dict(dataset.sizes) == {"time": 50, "frequency": 16}
        assert set(dataset.data_vars) == {"XX", "YY", "XY_real", "XY_imag"}
        assert str(dataset["time"].values[0])[:26] == "2025-08-18T21:34:55.038117"
        assert dataset.attrs["units"] == "arbitrary"
        np.testing.assert_array_equal(dataset["XY_imag"].values, rows.data[..., 3])


def test_an_archive_can_be_read_while_it_grows(tmp_path):
    rows = recording(500, nchan=64)
    seen = []
    with Following(tmp_path) as run:
        for start in range(0, 500, 25):
            run.add(rows.only(slice(start, start + 25)))
            run.wait_for(start + 25)
            dataset = open_archive(tmp_path)
            times_us = dataset["time"].values.astype("datetime64[us]").astype(np.int64)
            seen.append(len(times_us))
            np.testing.assert_array_equal(times_us, np.rint(rows.times_s[: len(times_us)] * 1e6))
            assert np.isfinite(dataset["YY"].values).all()
    assert seen == list(range(25, 501, 25))


def test_midnight_begins_another_store(tmp_path):
    rows = recording(40, nchan=64, start_s=MIDNIGHT_S - 20 * CADENCE_S)
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(40)
    assert [path.name for path in stores(tmp_path)] == ["2025-08-18.zarr", "2025-08-19.zarr"]
    found = read_recording(tmp_path)
    np.testing.assert_array_equal(found.data, rows.data)
    evening = open_archive(tmp_path, end="2025-08-18T23:59:59.999999")
    assert evening.sizes["time"] == 19


def test_a_later_run_goes_on_in_the_same_store(tmp_path):
    rows = recording(60, nchan=64)
    for start in (0, 30):
        with Following(tmp_path) as run:
            run.add(rows.only(slice(start, start + 30)))
    assert len(stores(tmp_path)) == 1
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


def test_what_was_received_until_the_end_is_committed_by_stop(tmp_path):
    rows = recording(60, nchan=64)
    with Following(tmp_path, commit_s=60.0) as run:
        run.add(rows)
    assert len(read_recording(tmp_path)) == 60


def test_times_that_go_back_begin_another_part_and_are_read_once(tmp_path):
    rows = recording(60, nchan=64)
    with Following(tmp_path) as run:
        run.add(rows.only(slice(0, 40)))
        run.add(rows.only(slice(20, 60)))
        run.wait_for(80)
    assert [path.name for path in stores(tmp_path)] == ["2025-08-18.zarr", "2025-08-18_2.zarr"]
    found = read_recording(tmp_path)
    np.testing.assert_allclose(found.times_s, rows.times_s, atol=1e-6, rtol=0)
    np.testing.assert_array_equal(found.data, rows.data)


def test_another_axis_begins_another_part_and_the_old_rings_rows_are_not_lost(tmp_path):
    before = recording(30, nchan=64)
    after = recording(30, nchan=32, start_s=START_S + 60)
    with Following(tmp_path, commit_s=60.0) as run:
        run.writer.update_source()
        run.add(before)
        run.change(after.only(slice(0, 0)))
        run.add(after)
    assert len(stores(tmp_path)) == 2
    with pytest.raises(ArchiveError, match="frequencies change at 2025-08-18T21:35:5"):
        open_archive(tmp_path)
    assert open_archive(tmp_path, end=float(before.times_s[-1])).sizes == {"time": 30, "frequency": 16}
    assert open_archive(tmp_path, start=START_S + 60).sizes == {"time": 30, "frequency": 8}


def test_rows_that_leave_the_ring_unwritten_are_counted_and_told(tmp_path):
    rows = recording(100, nchan=64)
    with Following(tmp_path, length=40, commit_s=60.0) as run:
        run.writer.update_source()
        run.add(rows)
    status = run.writer.status()
    assert (status.rows_written, status.rows_missed) == (40, 60)
    assert any("60 rows left the ring" in event.text for event in run.events)
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data[60:])


def test_a_fast_stream_is_committed_before_the_ring_goes_round(tmp_path):
    rows = recording(2000, nchan=64)
    with Following(tmp_path, length=200, commit_s=60.0) as run:
        for start in range(0, 2000, 50):
            run.add(rows.only(slice(start, start + 50)))
            run.wait_for(start - 50)
    assert run.writer.status().rows_missed == 0
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


def test_two_monitors_never_write_to_one_archive(tmp_path):
    with Following(tmp_path) as first:
        first.add(recording(10, nchan=64))
        first.wait_for(10)
        with Following(tmp_path) as second:
            second.add(recording(10, nchan=64, start_s=START_S + 100))
            poll_until(lambda: second.writer.status().state is ArchiveState.FAILING, 10)
            assert "another monitor" in second.writer.status().problem
            first.writer.stop()
            second.wait_for(10)
            assert second.writer.status().problem == ""
    assert len(read_recording(tmp_path)) == 20


def test_an_archive_that_cannot_be_written_is_told_once_and_goes_on_by_itself(tmp_path):
    (tmp_path / "file").write_text("")
    directory = tmp_path / "file" / "archive"
    rows = recording(50, nchan=64)
    with Following(directory) as run:
        run.add(rows)
        poll_until(lambda: run.writer.status().failures > 3, 10)
        status = run.writer.status()
        assert status.state is ArchiveState.FAILING
        assert "--archive" in status.problem
        (tmp_path / "file").unlink()
        run.wait_for(50)
        assert (run.writer.status().state, run.writer.status().problem) == (ArchiveState.WRITING, "")
    assert [event.ok for event in run.events] == [False, True]
    np.testing.assert_array_equal(read_recording(directory).data, rows.data)


def test_a_store_that_is_none_any_more_is_left_alone_and_the_day_gets_another_part(tmp_path):
    broken = tmp_path / "2025-08-18.zarr"
    broken.mkdir()
    (broken / "zarr.json").write_text("{ cut off")
    with Following(tmp_path) as run:
        run.add(recording(10, nchan=64))
        run.wait_for(10)
    assert (broken / "zarr.json").read_text() == "{ cut off"
    assert len(read_recording(tmp_path / "2025-08-18_2.zarr")) == 10
    with pytest.raises(SourceError, match=r"2025-08-18\.zarr cannot be opened.*move it away"):
        read_recording(tmp_path)


def test_nothing_is_written_while_the_sun_is_too_low(tmp_path):
    rows = recording(1000, nchan=64)
    rises_s = float(rows.times_s[500])
    with Following(
        tmp_path, length=2000, min_elevation_deg=5.0, elevation_deg=lambda time_s: 10.0 if time_s > rises_s else 0.0
    ) as run:
        for start in range(0, 1000, 100):
            run.add(rows.only(slice(start, start + 100)))
            run.wait_for(start + 100)
        status = run.writer.status()
    assert status.state is ArchiveState.WRITING
    assert status.rows_written + status.rows_unwanted == 1000
    # The Sun is looked at once a minute of data time.
    assert 499 <= status.rows_unwanted <= 501 + 60 / CADENCE_S + 100
    assert status.rows_missed == 0


def day_of(hour, count=40):
    """Return rows of one hour of 2045-06-21.

    astropy has no table of the Earth's rotation for that day.
    """
    begin_s = datetime(2045, 6, 21, hour, tzinfo=UTC).timestamp()
    return recording(count, nchan=64, start_s=begin_s)


@pytest.mark.parametrize(("hour", "wanted"), [(20, True), (8, False)])  # noon and midnight over the site
def test_the_suns_elevation_needs_neither_a_table_nor_a_download(tmp_path, monkeypatch, hour, wanted):
    monkeypatch.setitem(sys.modules, "astropy", None)  # an import fails, whatever its tables are
    with Following(tmp_path, min_elevation_deg=5.0) as run:
        run.add(day_of(hour))
        run.wait_for(40)
        status = run.writer.status()
    assert (status.rows_written, status.rows_unwanted) == ((40, 0) if wanted else (0, 40))
    assert status.state is (ArchiveState.WRITING if wanted else ArchiveState.NIGHT)
    assert [event.ok for event in run.events] == [True] * wanted


def test_rows_are_kept_where_the_suns_elevation_is_unknown_which_is_reported_once(tmp_path):
    elevations = iter([90.0, ValueError("too far"), math.nan, OSError("no table"), 90.0])

    def elevation_deg(_):
        found = next(elevations)
        if isinstance(found, Exception):
            raise found
        return found

    rows = recording(5, nchan=64, times_s=START_S + 100.0 * np.arange(5))
    with Following(tmp_path, min_elevation_deg=5.0, elevation_deg=elevation_deg) as run:
        for n in range(5):
            run.add(rows.only(slice(n, n + 1)))
            run.wait_for(n + 1)
        status = run.writer.status()
    assert (status.rows_written, status.rows_unwanted) == (5, 0)
    problems = [event.text for event in run.events if not event.ok]
    assert problems == ["the Sun's elevation is unknown, so all rows are archived: too far"]


@pytest.mark.parametrize(
    ("times_s", "found"),
    [
        ([10, 11, 12], [(0, 3)]),
        ([86399, 86400, 86401], [(0, 1), (1, 3)]),
        ([86399.9999998, 86400.25], [(0, 2)]),  # to the microsecond it is midnight
        ([10, 11, 5, 6], [(0, 2), (2, 4)]),
        ([10, 10, 11], [(0, 3)]),
        ([], []),
    ],
)
def test_rows_are_parted_by_days_and_where_time_goes_back(times_s, found):
    assert [(part.start, part.stop) for part in split_by_day(np.array(times_s, float))] == found


@pytest.mark.parametrize(
    ("name", "store"),
    [
        ("2025-08-18.zarr", StoreName("2025-08-18")),
        ("2025-08-18_12.zarr", StoreName("2025-08-18", 12)),
        (".2025-08-18.zarr.new", None),
        ("2025-13-45.zarr", None),
        ("notes", None),
    ],
)
def test_a_stores_name_says_its_day_and_part(name, store):
    assert StoreName.parse(name) == store
    assert store is None or str(store) == name


def test_an_archive_without_rows_in_that_time_is_one_sentence(tmp_path):
    with pytest.raises(ArchiveError, match="is not an archive"):
        open_archive(tmp_path)
    with Following(tmp_path) as run:
        run.add(recording(10, nchan=64))
        run.wait_for(10)
    with pytest.raises(ArchiveError, match="no rows in that time"):
        open_archive(tmp_path, start="2026-01-01")


def test_days_are_loaded_only_where_they_are_looked_at(tmp_path):
    for day in range(3):
        rows = recording(30, nchan=64, start_s=START_S + day * 86400)
        open_store(tmp_path, rows).append(rows)
    dataset = open_archive(tmp_path)
    assert dataset.sizes["time"] == 90
    assert dataset["YY"].chunks is not None
    shutil.rmtree(tmp_path / "2025-08-20.zarr" / "YY" / "c")
    first = dataset["YY"].sel(time="2025-08-18").values
    assert first.shape == (30, 16)
    assert np.isfinite(first).all()


def times_us(rows):
    return np.rint(rows.times_s * 1e6).astype(np.int64).tolist()


def test_one_row_of_a_clock_that_went_ahead_hides_no_other(tmp_path):
    rows = recording(200, nchan=64)
    rows.times_s[50] += 20
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(200)
    found = read_recording(tmp_path)
    assert times_us(found) == sorted(times_us(rows))
    order = np.argsort(rows.times_s)
    np.testing.assert_array_equal(found.data, rows.data[order])


def test_rows_of_one_time_stay_in_one_store_and_none_is_lost(tmp_path):
    rows = recording(40, nchan=64)
    rows.times_s[1::2] = rows.times_s[::2]
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(40)
    assert len(stores(tmp_path)) == 1
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


def test_a_writer_that_begins_again_does_not_write_over_what_another_has_added(tmp_path):
    rows = recording(90, nchan=64)
    first = Following(tmp_path)
    with first:
        first.add(rows.only(slice(0, 30)))
    with Following(tmp_path) as second:
        second.add(rows.only(slice(30, 60)))
    with first:
        first.add(rows.only(slice(60, 90)))
    assert first.writer.status().rows_written == 60
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


def test_an_archive_that_is_moved_away_is_begun_anew_and_both_writers_never_share_it(tmp_path):
    rows = recording(60, nchan=64)
    with Following(tmp_path / "archive") as run:
        run.add(rows.only(slice(0, 30)))
        run.wait_for(30)
        (tmp_path / "archive").rename(tmp_path / "moved")
        run.add(rows.only(slice(30, 60)))
        run.wait_for(60)
        with Following(tmp_path / "archive") as second:
            second.add(rows)
            poll_until(lambda: "another monitor" in second.writer.status().problem, 10)
            run.writer.stop()
    assert len(read_recording(tmp_path / "moved")) == 30
    np.testing.assert_array_equal(read_recording(tmp_path / "archive").data, rows.data)


@pytest.mark.parametrize("spoilt", ["time/c/0", "XX/c/0/0", "zarr.json"])
def test_a_store_that_was_spoilt_costs_its_own_rows_and_not_the_rest_of_the_day(tmp_path, spoilt):
    rows = recording(60, nchan=64)
    with Following(tmp_path) as run:
        run.add(rows.only(slice(0, 30)))
    (tmp_path / "2025-08-18.zarr" / spoilt).write_bytes(b"")
    with Following(tmp_path) as run:
        run.add(rows.only(slice(30, 60)))
        run.wait_for(30)
    assert len(stores(tmp_path)) == 2
    np.testing.assert_array_equal(read_recording(tmp_path / "2025-08-18_2.zarr").data, rows.data[30:])
    with pytest.raises(SourceError, match="cannot be"):
        read_recording(tmp_path)


def test_rings_that_are_replaced_again_and_again_are_all_read_to_their_ends(tmp_path):
    parts = [recording(20, nchan=64 - 8 * n, start_s=START_S + 60 * n) for n in range(3)]
    with Following(tmp_path, commit_s=60.0) as run:
        for part in parts:
            run.change(part.only(slice(0, 0)))
            run.writer.update_source()
            run.add(part)
    assert run.writer.status().rows_written == 60
    assert run.writer.status().rows_missed == 0
    assert len(stores(tmp_path)) == 3


@pytest.mark.parametrize("other", [{"source": "simulate"}, {"station": "elsewhere"}, {"cadence_s": 0.5136}])
def test_rows_of_another_origin_never_go_under_the_first_ones_label(tmp_path, other):
    rows, others = recording(20, nchan=64), recording(20, nchan=64, start_s=START_S + 60, **other)
    open_store(tmp_path, rows).append(rows)
    open_store(tmp_path, others).append(others)
    assert len(stores(tmp_path)) == 2
    found = read_recording(tmp_path / "2025-08-18_2.zarr")
    assert (found.source, found.station) == (others.source, others.station)


def test_a_cadence_that_is_not_known_is_left_out_and_may_be_any(tmp_path):
    rows = recording(20, nchan=64, cadence_s=float("nan"))
    open_store(tmp_path, rows).append(rows)
    assert "NaN" not in (tmp_path / "2025-08-18.zarr" / "zarr.json").read_text().partition("consolidated")[0]
    later = recording(20, nchan=64, start_s=START_S + 60)
    open_store(tmp_path, later).append(later)
    assert len(stores(tmp_path)) == 1


def test_losses_while_writing_fails_are_counted_at_once_and_told_when_it_is_over(tmp_path):
    (tmp_path / "file").write_text("")
    rows = recording(300, nchan=64)
    with Following(tmp_path / "file" / "archive", length=40) as run:
        run.add(rows.only(slice(0, 40)))
        poll_until(lambda: run.writer.status().failures > 1, 10)
        for start in range(40, 300, 20):
            run.add(rows.only(slice(start, start + 20)))
        poll_until(lambda: run.writer.status().rows_missed == 260, 10)
        assert len(run.events) == 1
        (tmp_path / "file").unlink()
        run.wait_for(40)
    assert run.writer.status().rows_missed == 260
    assert [event.text.partition(" ")[0] for event in run.events] == ["cannot", "archiving", "260"]


def test_a_disk_that_does_not_answer_does_not_hold_up_the_end(tmp_path, monkeypatch):
    hanging = threading.Event()
    run = Following(tmp_path, stop_s=0.1)
    monkeypatch.setattr(ArchiveStore, "append", lambda *_: hanging.wait(60))
    run.writer.start()
    run.add(recording(10, nchan=64))
    poll_until(lambda: run.writer.status().rows_waiting, 10)
    run.writer.stop()
    left = next(thread for thread in threading.enumerate() if thread.name == "sunspec-archive")
    assert left.is_alive()
    assert "its disk or this machine is too slow" in run.events[-1].text
    assert run.events[-1].text.startswith("10 rows were still waiting")
    hanging.set()
    left.join(10)
    assert not left.is_alive()


@pytest.mark.parametrize("given_s", [0.3, 60.0])
def test_a_slow_machine_has_the_time_that_the_end_may_take(tmp_path, monkeypatch, given_s):
    """A block that needs over three seconds is still written."""
    slow, entered = threading.Event(), threading.Event()
    run = Following(tmp_path)
    append = ArchiveStore.append

    def slowly(store, part):
        entered.set()
        slow.wait(3.5)
        append(store, part)

    monkeypatch.setattr(ArchiveStore, "append", slowly)
    run.writer.start()
    run.add(recording(10, nchan=64))
    assert entered.wait(10)
    begun_s = time.monotonic()
    run.writer.stop(begun_s + given_s)
    written = run.writer.status().rows_written
    if given_s < 3.5:
        assert (written, time.monotonic() - begun_s < 2) == (0, True)
        slow.set()
        run.writer.stop()
    else:
        assert (written, [event for event in run.events if not event.ok]) == (10, [])
    assert run.writer.status().rows_written == 10


KILLED = """
import sys, threading, time
from pathlib import Path
# The writer loads zarr with its first rows; the kill must come later.
import zarr
sys.path.insert(0, {tests!r})
from recordings import recording
from archive_runs import Following
from archive_timelines import assert_blocks_agree_with_rows
rows = recording(20_000, nchan=64)
with Following(Path(sys.argv[1]), length=20_000, commit_s=0.01) as run:
    start = int(sys.argv[2])
    print("ready", flush=True)
    for n in range(start, len(rows)):
        run.add(rows.only(slice(n, n + 1)))
        if n % 7 == 0:
            status = run.writer.status()
            print(start + status.rows_written, flush=True)
            time.sleep(0.001)
"""


def has_rows(directory):
    """Return False for an archive that was killed before its first commit."""
    try:
        return bool(stores(directory)) and bool(len(open_archive(directory)["time"]))
    except NoRowsError:
        return False


@pytest.mark.timeout(300)
def test_a_kill_at_any_moment_leaves_every_row_up_to_the_last_commit_once_and_in_order(tmp_path):
    rng = np.random.default_rng(8)
    rows = recording(20_000, nchan=64)
    kept = rounds = 0
    # On a busy machine the first kills may come before the first commit.
    while rounds < 5 or (not kept and rounds < 12):
        rounds += 1
        code = KILLED.format(tests=str(Path(__file__).parents[1] / "support"))
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(kept)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout.readline() == "ready\n"
            threading.Event().wait(rng.uniform(0.05, 0.12 * rounds))  # the moment is the test's subject
            os.kill(writer.pid, signal.SIGKILL)
            told = [int(line) for line in writer.stdout.read().splitlines() if line]
        committed = max(told, default=kept)
        found = read_recording(tmp_path) if has_rows(tmp_path) else recording(0, nchan=64)
        kept = len(found)
        assert kept >= committed
        assert assert_blocks_agree_with_rows(tmp_path) == kept
        np.testing.assert_array_equal(found.data, rows.data[:kept])
        np.testing.assert_allclose(found.times_s, rows.times_s[:kept], atol=1e-6, rtol=0)
    assert kept > 0


def test_the_receiver_archives_every_frame_that_it_gets(tmp_path):
    with (
        producing(speed=20, frames=50, wait=True) as port,
        StreamReceiver(stream_port=port, plot_interval=0, archive_dir=tmp_path, archive_precision="exact") as receiver,
    ):
        assert receiver.wait_for_frames(50, 20)
        rows = receiver.recording()
    archive = receiver.snapshot().archive
    assert (archive.rows_written, archive.rows_missed) == (50, 0)
    np.testing.assert_array_equal(read_recording(tmp_path).data, rows.data)


def test_headless_says_how_the_archive_is(tmp_path, capsys):
    with producing(speed=10) as port:
        arguments = ["--no-ui", "--port", str(port), "--duration", "2", "--plot-interval", "0"]
        assert main([*arguments, "--archive", str(tmp_path), "--status-format", "json"]) == 0
    record = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (record["archive"], record["archive_error"]) == ("writing", "")
    assert len(read_recording(tmp_path)) == record["archive_rows"] >= record["frames_received"] > 0
