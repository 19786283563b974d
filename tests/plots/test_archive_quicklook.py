"""Pictures of whole days: their content, with any number of workers."""

import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PIL import Image
from pixels import STREAMS
from recordings import recording
from waiting import poll_until

from sunspec_tui.cli.main import main
from sunspec_tui.core.products import Product
from sunspec_tui.core.row_spans import GAP
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.plots.archive_quicklook import draw, hour_calls, reduce_hour
from sunspec_tui.plots.column_reduction import reduce_rows
from sunspec_tui.plots.figure import column_image
from sunspec_tui.plots.job_builder import recorded_job
from sunspec_tui.plots.process_pool import run_here
from sunspec_tui.plots.quicklook_figure import FigureChoices

HOUR_S = 1_755_550_800.0  # 2025-08-18 21:00


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two days, each with an hour of a row every 5 s."""
    directory = tmp_path_factory.mktemp("archive")
    for day in range(2):
        times_s = HOUR_S + 86400 * day + 5.0 * np.arange(1, 721)
        rows = recording(720, nchan=64, times_s=times_s, cadence_s=5.0, seed=day)
        open_store(directory, rows).append(rows)
    return directory


@pytest.fixture
def drawn(monkeypatch):
    """Record of the pictures that this process draws."""
    from sunspec_tui.plots.figure import SpectrumFigure

    jobs, really = [], SpectrumFigure.draw
    monkeypatch.setattr(SpectrumFigure, "draw", lambda self, job: (jobs.append(job), really(self, job)))
    return jobs


def test_an_hour_takes_the_row_that_ends_with_it_to_the_next(archive):
    (part,) = reduce_hour(str(archive), "XX", HOUR_S, 60.0)
    assert part.rows == 719
    assert part.means.products == (Product.XX, Product.YY)
    assert reduce_hour(str(archive), "XX", HOUR_S - 7200, 60.0) == []
    (one,) = reduce_hour(str(archive), "V/I", HOUR_S + 3600, 60.0)
    assert one.rows == 1


@pytest.mark.parametrize("stream", STREAMS)
def test_columns_of_a_quick_look_begin_and_end_at_their_minutes(stream):
    spans, _ = STREAMS[stream]
    ends_s = np.sort(HOUR_S + 5 * spans[:, 1])
    rows = recording(len(ends_s), nchan=32, times_s=ends_s, cadence_s=1.0)
    made = recorded_job(reduce_rows(rows, Product.XX, 60.0).means, "XX")
    _, columns, timed = column_image(made)
    assert timed
    shown = columns.rows != GAP
    minutes_s = 60.0 * np.unique(np.floor(ends_s / 60.0))
    np.testing.assert_array_equal(columns.edges_s[:-1][shown], minutes_s)
    np.testing.assert_array_equal(columns.edges_s[1:][shown], minutes_s + 60.0)


def test_no_hours_make_no_picture():
    assert draw([[], []], "XX") == []


def test_an_axis_that_changes_within_a_day_makes_a_picture_of_each(tmp_path):
    for n, nchan in enumerate((64, 32)):
        rows = recording(20, nchan=nchan, start_s=HOUR_S + 100 * n)
        open_store(tmp_path, rows).append(rows)
    hour = reduce_hour(str(tmp_path), "XX", HOUR_S, 60.0)
    assert [part.highest.shape[1] for part in hour] == [16, 8]
    assert len(draw([hour, []], "XX")) == 2


def run(archive, out, *options):
    return main(["quicklook", str(archive), "--out", str(out), *options])


def sockets_of(processes):
    """Addresses on which processes listen."""
    found = set()
    for each in processes:
        with suppress(psutil.Error):
            found |= {each.laddr for each in each.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    return found


def family_of(process):
    """Return a process with its children, as long as it lives."""
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return []


@dataclass
class WatchedRun:
    """Pictures of two processes, and what was seen of these.

    Attributes
    ----------
    out
        Directory of the pictures.
    told
        Standard output of the command.
    status
        Exit status.
    children, listening
        The largest number of children, and all addresses on which a process has listened.
    """

    out: Path
    told: str = ""
    status: int = -1
    children: int = 0
    listening: set[Any] = field(default_factory=set)


@pytest.fixture(scope="module")
def two_workers(archive, tmp_path_factory):
    """The command has drawn the archive with two processes."""
    seen = WatchedRun(tmp_path_factory.mktemp("two"))
    command = [sys.executable, "-m", "sunspec_tui", "quicklook", str(archive), "--out", str(seen.out), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        process, pause = psutil.Process(run.pid), threading.Event()
        while run.poll() is None:
            family = family_of(process)
            seen.listening |= sockets_of(family)
            seen.children = max(seen.children, len(family) - 1)
            pause.wait(0.1)
        seen.told, _ = run.communicate()
    seen.status = run.returncode
    return seen


@pytest.mark.timeout(180)
def test_any_number_of_workers_makes_the_same_pictures_of_days(archive, two_workers, tmp_path, capsys):
    assert run(archive, tmp_path, "--workers", "1") == 0
    assert two_workers.status == 0
    names = ["quicklook_20250818.png", "quicklook_20250819.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert sorted(path.name for path in two_workers.out.iterdir()) == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (two_workers.out / name).read_bytes()
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (1800, 1500)
    assert capsys.readouterr().out.count("quicklook_") == two_workers.told.count("quicklook_") == 2


@pytest.mark.timeout(180)
def test_pictures_are_made_without_a_socket_that_others_could_reach(two_workers):
    assert two_workers.status == 0
    assert two_workers.children >= 2
    assert two_workers.listening == set()


@pytest.mark.timeout(180)
def test_processes_that_make_pictures_end_with_a_parent_that_is_killed(archive, tmp_path):
    command = [sys.executable, "-m", "sunspec_tui", "quicklook", str(archive), "--out", str(tmp_path), "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        process = psutil.Process(run.pid)
        poll_until(lambda: len(process.children()) >= 2, 60, "the processes")
        children = process.children(recursive=True)
        run.kill()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


@pytest.mark.timeout(180)
def test_a_cluster_of_the_users_own_makes_pictures_of_hours(archive, tmp_path):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        protocol="tcp",
    ) as cluster:
        options = [
            "--scheduler",
            cluster.scheduler_address,
            "--per",
            "hour",
            "--start",
            "2025-08-19",
            "--product",
            "V/I",
        ]
        assert run(archive, tmp_path, *options) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["quicklook_20250819_21.png", "quicklook_20250819_22.png"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--start", "2030-01-01"], "has no stores"),
        (["--product", "Z"], "invalid choice"),
        (["--scheduler", "tcp://127.0.0.1:9"], "no scheduler answers at tcp://127.0.0.1:9"),
    ],
)
def test_wrong_use_of_quicklook_is_one_sentence(archive, tmp_path, capsys, monkeypatch, options, said):
    monkeypatch.setattr("sunspec_tui.plots.archive_quicklook._SCHEDULER_TIMEOUT_S", 1)
    assert run(archive, tmp_path, *options) in (1, 2)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.fixture
def in_this_process(monkeypatch):
    """Draw here: processes start slowly, and other tests use them."""
    monkeypatch.setattr("sunspec_tui.plots.archive_quicklook.run_in_processes", lambda tasks, workers: run_here(tasks))


@pytest.mark.usefixtures("in_this_process")
def test_a_day_that_cannot_be_read_does_not_cost_the_others_their_pictures(archive, tmp_path, capsys):
    spoilt = tmp_path / "archive"
    shutil.copytree(archive, spoilt)
    (spoilt / "2025-08-18.zarr" / "XX" / "c" / "0" / "0").write_bytes(b"")
    assert run(spoilt, tmp_path / "out", "--workers", "1") == 1
    assert "1 of 2 pictures could not be made, the first of 2025-08-18" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quicklook_20250819.png"]


def burst_archive(directory):
    """An hour of one row a second, with a short burst.

    The burst lasts two seconds.
    """
    rows = recording(3600, nchan=64, npol=2, times_s=HOUR_S + 1.0 * np.arange(1, 3601), cadence_s=1.0)
    rows.data[...] = np.random.default_rng(0).normal(100, 1, rows.data.shape)
    rows.data[1800:1802] *= 10
    open_store(directory, rows).append(rows)


@pytest.mark.parametrize(("show", "wanted_db"), [("highest", 30), ("mean", 27)])
def test_an_hours_columns_fit_it_and_show_a_short_burst(show, wanted_db, tmp_path, drawn):
    burst_archive(tmp_path / "archive")
    parts = [
        reduce_hour(*arguments)
        for _, arguments in hour_calls(tmp_path / "archive", Product.XX, HOUR_S - 21 * 3600, "day")
    ]
    (png,) = draw(parts, "XX", FigureChoices("day", show))
    assert png.startswith(b"\x89PNG")
    (job,) = drawn
    assert (job.cadence_s, job.rows_received) == (1.0, 3600)
    # 2.5 s, not a minute, a column.
    assert 1440 <= job.data.shape[0] <= 1441
    what = "highest value" if show == "highest" else "mean"
    assert job.note == f"each column the {what} of 2.5 s, 4 % of the day"
    assert 10 * np.log10(job.data.max()) == pytest.approx(wanted_db, abs=2)
    assert job.heading == "mean of the day"


@pytest.mark.usefixtures("in_this_process")
def test_one_store_is_a_day(tmp_path):
    burst_archive(tmp_path / "archive")
    assert run(tmp_path / "archive" / "2025-08-18.zarr", tmp_path / "out", "--workers", "1", "--product", "YY") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quicklook_20250818.png"]


def test_a_directory_that_is_no_archive_is_one_sentence(tmp_path, capsys):
    assert run(tmp_path, tmp_path) == 1
    assert "has no stores" in capsys.readouterr().err
