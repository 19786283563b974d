"""Bursts of files and archives, searched in parts."""

import socket
import sys
from concurrent.futures import CancelledError
from copy import copy
from dataclasses import replace
from itertools import pairwise

import fake_finder
import numpy as np
import pytest
from fake_finder import FINDER
from recordings import recording
from solar_event import EVENTS, needs_events

from sunspec_tui.core.errors import ArchiveError, MissingExtraError, SourceError
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.file_groups import group_files
from sunspec_tui.files.file_index import index_file
from sunspec_tui.files.input_paths import input_paths
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.write import export
from sunspec_tui.monitoring import burst_parts
from sunspec_tui.monitoring.burst_parts import parts_between
from sunspec_tui.monitoring.burst_search import search

DAY_S = 1_755_475_200.0  # 2025-08-18
BRIGHT_S = (600, 3595, 7000, 9005)


def rows(begin_s, end_s, *, bright=BRIGHT_S, cadence_s=5.0, **keys):
    """Return quiet rows of a day with bright ones of 20 s."""
    times_s = DAY_S + np.arange(begin_s, end_s, cadence_s) + cadence_s
    made = recording(len(times_s), npol=2, nchan=64, times_s=times_s, cadence_s=cadence_s, **keys)
    data = np.full_like(made.data, 10)
    for at_s in bright:
        data[(times_s > DAY_S + at_s) & (times_s <= DAY_S + at_s + 20)] = 100
    return replace(made, data=data)


@pytest.fixture(autouse=True)
def hours(monkeypatch):
    """Search in parts of an hour: tests have few hours."""
    monkeypatch.setattr(burst_parts, "PART_S", 3600.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of three hours in six half hours."""
    directory = tmp_path_factory.mktemp("files")
    for number, (begin_s, end_s) in enumerate(pairwise(range(0, 10801, 1800))):
        export(rows(begin_s, end_s), directory / f"part{number}.npz")
    return input_paths([directory])


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The same three hours as an archive."""
    directory = tmp_path_factory.mktemp("data") / "archive"
    made = rows(0, 10800)
    open_store(directory, made).append(made)
    return directory


def begins(result):
    return [round(burst.begin_s - DAY_S) for burst in result.bursts]


def values(result):
    return [replace(burst, source="", reason="") for burst in result.bursts]


def test_files_that_touch_are_one_series_and_name_their_bursts(files):
    found = search(files, FINDER, workers=1)
    assert begins(found) == [605, 3600, 7005, 9010]
    (series,) = found.series
    assert (series.name, len(series.covered)) == ("part0", 6)
    assert [burst.source for burst in found.bursts] == ["part0.npz", "part2.npz", "part3.npz", "part5.npz"]
    first = series.covered[0]
    assert (first.name, first.begin_s, first.end_s) == ("part0", DAY_S, DAY_S + 1800)
    assert found.failures == ()


@pytest.mark.parametrize("part_s", [1800, 3595, 7200, 86400])
def test_the_result_does_not_depend_on_the_cut(files, archive, monkeypatch, part_s):
    whole = search(files, FINDER, workers=1)
    monkeypatch.setattr(burst_parts, "PART_S", float(part_s))
    assert values(search(files, FINDER, workers=1)) == values(whole)
    assert begins(search([archive], FINDER, workers=1)) == begins(whole)


def test_the_result_does_not_depend_on_the_number_of_workers(files, archive):
    calls = []
    found = search(files, FINDER, workers=4, report=lambda *done: calls.append(done))
    assert values(found) == values(search(files, FINDER, workers=1))
    assert calls == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert begins(search([archive], FINDER, workers=2)) == [605, 3600, 7005, 9010]


def test_a_broken_store_costs_only_its_own_day(tmp_path):
    directory = tmp_path / "archive"
    for begin_s, end_s in ((-3600, 0), (0, 5400)):
        made = rows(begin_s, end_s, bright=(-1800, 20, 3000))
        open_store(directory, made).append(made)
    found = search([directory], FINDER, workers=1)
    assert begins(found) == [-1795, 25, 3005]
    (directory / "2025-08-17.zarr" / "zarr.json").write_text("{")
    found = search([directory], FINDER, workers=1)
    assert begins(found) == [25, 3005]
    assert len(found.failures) == 24
    assert "2025-08-17.zarr cannot be opened" in found.failures[0]


def test_an_archive_is_one_series_for_each_axis_and_interval(tmp_path):
    directory = tmp_path / "archive"
    for made in (rows(0, 4000), rows(9000, 10800), rows(12000, 13000, bright=(12100,), channel_average=8)):
        open_store(directory, made).append(made)
    found = search([directory], FINDER, workers=1)
    assert [series.covered[0].begin_s - DAY_S for series in found.series] == [0, 9000, 12000]
    assert [series.covered[0].end_s - DAY_S for series in found.series] == [4000, 10800, 13000]
    assert begins(found) == [605, 3600, 9010, 12105]
    names = [burst.name for burst in found.bursts]
    assert len(set(names)) == len(names)
    assert found.bursts[0].source == "archive"


def test_another_cadence_is_a_search_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(burst_parts, "PART_S", 14_400.0)
    quick, slow = rows(0, 1800), rows(1800, 7200, cadence_s=20.0)
    store = open_store(tmp_path / "archive", quick)
    store.append(quick)
    store.append(slow)
    cadences_s = []

    class Search(fake_finder.FakeSearch):
        def __init__(self, frequencies_hz, products, cadence_s):
            cadences_s.append(round(cadence_s, 6))
            super().__init__(frequencies_hz, products, cadence_s)

    found = search([tmp_path / "archive"], FINDER._replace(search=Search), workers=1)
    assert cadences_s == [5.0, 20.0]
    assert begins(found) == [605, 3600, 7020]
    assert [(each.covered[0].begin_s - DAY_S, each.covered[-1].end_s - DAY_S) for each in found.series] == [
        (0, 1800), (1800, 7200),
    ]  # fmt: skip


def test_gaps_within_a_part_are_not_covered(tmp_path, monkeypatch):
    monkeypatch.setattr(burst_parts, "PART_S", 14_400.0)
    made = rows(0, 7200)
    # Rows are missing for half a minute, and for half an hour.
    gaps = ((made.times_s > DAY_S + 600) & (made.times_s <= DAY_S + 630)) | (
        (made.times_s > DAY_S + 1800) & (made.times_s <= DAY_S + 3600)
    )
    with_gaps = made.only(~gaps)
    directory = tmp_path / "archive"
    open_store(directory, with_gaps).append(with_gaps)
    export(with_gaps, tmp_path / "one.npz")
    expected = ((DAY_S, DAY_S + 1800), (DAY_S + 3600, DAY_S + 7200))
    for path in (directory, tmp_path / "one.npz"):
        (covered,) = search([path], FINDER, workers=1).covered
        assert covered.spans_s == expected
        assert not covered.touches(DAY_S + 1800, DAY_S + 3600, 0, 100)
        assert covered.touches(DAY_S + 1740, DAY_S + 3600, 0, 100)


def test_rows_before_the_start_give_the_background_and_no_burst(files):
    found = search(files, FINDER, RowSelection(start_s=DAY_S + 605, end_s=DAY_S + 7010), workers=1)
    assert begins(found) == [610, 3600, 7005]
    assert found.covered[0].begin_s == DAY_S + 605
    assert found.covered[-1].end_s == DAY_S + 7010


def test_no_rows_in_that_time_is_an_error(files, archive):
    for paths in (files, [archive]):
        with pytest.raises(SourceError, match="no rows in that time"):
            search(paths, FINDER, RowSelection(start_s=DAY_S + 90_000), workers=1)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_with_damaged_rows_does_not_prevent_the_others(tmp_path, caplog, workers):
    for number, (begin_s, end_s) in enumerate(pairwise(range(0, 10801, 1800))):
        export(rows(begin_s, end_s), tmp_path / f"part{number}.csv")
    # Its times can still be read.
    damaged = tmp_path / "part3.csv"
    damaged.write_text(damaged.read_text().replace("XX,10.0", "XX,1o.0"))
    found = search(input_paths([tmp_path]), FINDER, workers=workers)
    assert begins(found) == [605, 3600, 9010]
    assert found.failures == ()
    (line,) = [each.getMessage() for each in caplog.records]
    assert "part3.csv" in line
    assert line.endswith("its rows are left out")


@pytest.mark.parametrize("order", ["backwards", "halves", "mixed"])
def test_rows_of_a_file_may_be_in_any_order(tmp_path, order):
    made = rows(0, 3600)
    numbers = {
        "backwards": np.arange(len(made))[::-1],
        "halves": np.roll(np.arange(len(made)), 300),
        "mixed": np.random.default_rng(1).permutation(len(made)),
    }[order]
    export(replace(made, data=made.data[numbers], times_s=made.times_s[numbers]), tmp_path / "a.npz")
    assert begins(search([tmp_path / "a.npz"], FINDER, workers=1)) == [605, 3600]


def test_files_of_two_formats_are_two_series(files, tmp_path):
    export(rows(10_800, 14_400, bright=(12_000,)), tmp_path / "part6.fits")
    found = search([*files, tmp_path / "part6.fits"], FINDER, workers=1)
    assert begins(found) == [605, 3600, 7005, 9010, 12_005]
    assert (len(found.series), found.failures) == (2, ())


def test_a_part_that_fails_does_not_prevent_the_others(files):
    finder = FINDER._replace(search=fake_finder.FailingSearch)
    found = search(files, finder, workers=1)
    # The first bright row of the second burst is the last row of the first hour.
    assert begins(found) == [605, 3600, 9010]
    (failure,) = found.failures
    assert failure == "2025-08-18 01:00:00 UTC: a bad part\\x1b[2J"


def test_missing_libraries_name_their_extra(files, archive, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"search on a cluster needs distributed.*archive"):
        search(files, FINDER, scheduler="tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "dask", None)
    assert len(search(files, FINDER, workers=1).bursts) == 4
    with pytest.raises(MissingExtraError, match=r"archive needs dask"):
        search([archive], FINDER, workers=1)


def test_a_scheduler_that_does_not_answer_is_an_error(files, monkeypatch):
    monkeypatch.setattr("sunspec_tui.plots.archive_quicklook._SCHEDULER_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(ArchiveError, match="no scheduler answers"):
        search(files, FINDER, scheduler=f"tcp://127.0.0.1:{port}")


def test_stations_bands_and_gaps_make_series_of_their_own(tmp_path):
    made = {
        "a": rows(0, 600), "b": rows(600, 1200), "c": rows(1800, 2400), "d": rows(100, 500, station="BIR"),
        "e": rows(0, 600, channel_average=8), "f": rows(1200, 1300, cadence_s=1.0),
    }  # fmt: skip
    paths = [tmp_path / f"{name}.npz" for name in made]
    for path, each in zip(paths, made.values(), strict=True):
        export(each, path)
    files = [index_file(path, RowSelection()) for path in reversed(paths)]
    groups = [[file.path.stem for file in group] for group in group_files(files, 60.0)]
    assert sorted(groups) == [["a", "b"], ["c"], ["d"], ["e"], ["f"]]
    groups = [[file.path.stem for file in group] for group in group_files(files, 600.0)]
    assert sorted(groups) == [["a", "b", "c"], ["d"], ["e"], ["f"]]


@pytest.mark.parametrize(
    ("begin_s", "end_s", "limits_s", "edges"),
    [
        (10, 100, (-np.inf, np.inf), [10, 100]),
        (10, 7210, (-np.inf, np.inf), [10, 3600, 7200, 7210]),
        (10, 7200, (20, 3700), [20, 3600, 3700]),
        (10, 100, (200, 300), []),
    ],
)
def test_parts_begin_at_whole_hours(begin_s, end_s, limits_s, edges):
    parts = list(parts_between(3, begin_s, end_s, limits_s))
    assert [(part.begin_s, part.end_s) for part in parts] == list(pairwise(edges))
    assert all(part.series == 3 for part in parts)


@pytest.mark.timeout(180)
def test_a_cluster_finds_the_same(files):
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        protocol="tcp",
    ) as cluster:
        found = search(files, FINDER, scheduler=cluster.scheduler_address)
    assert begins(found) == [605, 3600, 7005, 9010]


class LostCluster:
    """A library of clusters whose scheduler ends while it works."""

    def __init__(self, status="cancelled", error=None):
        self.status, self._error = status, error

    def Client(self, address, timeout):  # noqa: N802 - as in the library
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def nthreads(self):
        return {}

    def submit(self, *_, **__):
        return copy(self)

    def as_completed(self, futures):
        return futures

    def result(self):
        raise self._error

    def release(self):
        pass


@pytest.mark.parametrize(
    "cluster", [LostCluster(), LostCluster("lost"), LostCluster("finished", OSError("closed")),
                LostCluster("finished", CancelledError())],
)  # fmt: skip
def test_a_scheduler_that_ends_is_one_sentence(files, monkeypatch, caplog, cluster):
    monkeypatch.setitem(sys.modules, "distributed", cluster)
    with pytest.raises(ArchiveError, match="tcp://sun:1 does not answer any more; start it again"):
        search(files, FINDER, scheduler="tcp://sun:1")
    assert "no workers yet" in caplog.text


@needs_events
def test_the_quarter_hours_of_stations_are_their_series():
    found = search(EVENTS, FINDER, RowSelection(end_s=1_504_699_500), workers=1)
    assert [(series.name, len(series.covered)) for series in found.series] == [
        ("BIR_20120704_160000_01", 4),
        ("BIR_20130423_181500_01", 2),
        ("BLENSW_20140128_113000_59", 1),
        ("GREENLAND_20170906_114001_63", 2),
        ("GREENLAND_20170906_115514_62", 1),
    ]
    assert found.covered[-1].end_s == pytest.approx(1_504_699_500, abs=0.25)
    assert found.covered[0].low_mhz == pytest.approx(10, abs=15)
