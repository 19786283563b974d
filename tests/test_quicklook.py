"""Pictures of whole days: what is in them, and that any number of workers makes the same ones."""

import shutil
import subprocess
import sys
import threading
from contextlib import suppress

import numpy as np
import psutil
import pytest
from conftest import poll_until
from PIL import Image
from recordings import recording

from sunspec_tui import cli
from sunspec_tui.products import Product
from sunspec_tui.quicklook import draw, means, reduce_hour
from sunspec_tui.writers.store import open_store

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


def test_columns_are_means_of_the_rows_that_end_in_them_and_of_finite_values_alone():
    rows = recording(40, nchan=64)
    rows.data[3, 2, 0] = np.inf
    found = means(rows, 2.0)
    places = np.floor(rows.times_s / 2.0)
    assert found.cadence_s == 2.0
    np.testing.assert_array_equal(found.times_s, 2.0 * (np.unique(places) + 1))
    for i, place in enumerate(np.unique(places)):
        inside = rows.data[places == place]
        wanted = np.nanmean(np.where(np.isfinite(inside), inside, np.nan), axis=0)
        np.testing.assert_allclose(found.data[i], wanted, rtol=1e-5)


def test_a_column_without_rows_is_left_out_and_one_without_a_number_is_none():
    rows = recording(40, nchan=64, gaps=(20,))
    rows.data[:, 4, 1] = np.nan
    found = means(rows, 0.5)
    assert np.diff(found.times_s).max() > 2
    assert np.isnan(found.data[:, 4, 1]).all()


def test_an_hour_takes_the_row_that_ends_with_it_to_the_next(archive):
    ((part, count),) = reduce_hour(str(archive), "XX", HOUR_S, 60.0)
    assert count == 719
    assert part.products == (Product.XX, Product.YY)
    assert reduce_hour(str(archive), "XX", HOUR_S - 7200, 60.0) == []
    ((_, one),) = reduce_hour(str(archive), "V/I", HOUR_S + 3600, 60.0)
    assert one == 1


def test_no_hours_make_no_picture():
    assert draw([[], []], "XX", "day") == []


def test_an_axis_that_changes_within_a_day_makes_a_picture_of_each(tmp_path):
    for n, nchan in enumerate((64, 32)):
        rows = recording(20, nchan=nchan, start_s=HOUR_S + 100 * n)
        open_store(tmp_path, rows).append(rows)
    hour = reduce_hour(str(tmp_path), "XX", HOUR_S, 60.0)
    assert [rows.data.shape[1] for rows, _ in hour] == [16, 8]
    assert len(draw([hour, []], "XX", "day")) == 2


def run(archive, out, *options):
    return cli.main(["quicklook", str(archive), "--out", str(out), *options])


@pytest.mark.timeout(180)
def test_any_number_of_workers_makes_the_same_pictures_of_days(archive, tmp_path, capsys):
    assert run(archive, tmp_path / "one", "--workers", "1") == 0
    assert run(archive, tmp_path / "two", "--workers", "2") == 0
    names = ["quicklook_20250818.png", "quicklook_20250819.png"]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        with Image.open(tmp_path / "one" / name) as picture:
            assert picture.size == (1800, 1500)
    assert capsys.readouterr().out.count("quicklook_") == 4


def sockets_of(process):
    """Addresses on which a process and its children listen."""
    found = set()
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.Error):
            found |= {each.laddr for each in each.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    return found


@pytest.mark.timeout(180)
def test_pictures_are_made_without_a_socket_that_others_could_reach(archive, tmp_path):
    command = [sys.executable, "-m", "sunspec_tui", "quicklook", str(archive), "--out", str(tmp_path), "--workers", "2"]
    listening, seen = set(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as run:
        process = psutil.Process(run.pid)
        pause = threading.Event()
        while run.poll() is None:
            with suppress(psutil.Error):
                listening |= sockets_of(process)
                seen = max(seen, len(process.children(recursive=True)))
            pause.wait(0.05)
    assert run.returncode == 0
    assert seen >= 2
    assert listening == set()


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
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp"
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
    monkeypatch.setattr("sunspec_tui.quicklook._SCHEDULER_TIMEOUT_S", 1)
    assert run(archive, tmp_path, *options) in (1, 2)
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


@pytest.mark.timeout(180)
def test_a_day_that_cannot_be_read_does_not_cost_the_others_their_pictures(archive, tmp_path, capsys):
    spoilt = tmp_path / "archive"
    shutil.copytree(archive, spoilt)
    (spoilt / "2025-08-18.zarr" / "XX" / "c" / "0" / "0").write_bytes(b"")
    assert run(spoilt, tmp_path / "out", "--workers", "1") == 1
    assert "1 of 2 pictures could not be made, the first of 2025-08-18" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["quicklook_20250819.png"]


def test_a_directory_that_is_no_archive_is_one_sentence(tmp_path, capsys):
    assert run(tmp_path, tmp_path) == 1
    assert "has no stores" in capsys.readouterr().err
