"""Days of an archive: their state, and the times of their rows."""

import numpy as np
import pytest
from recordings import recording

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.files.archive.day_stores import read_store_times, rows_between, stores_by_day, stores_stamp
from sunspec_tui.files.archive.store import open_store

HOUR_S = 1_755_550_800.0  # 2025-08-18 21:00


def archive(directory, day=0, *, npol=4, nrows=40):
    rows = recording(nrows, nchan=64, npol=npol, times_s=HOUR_S + 86_400 * day + 5.0 * np.arange(1, nrows + 1))
    open_store(directory, rows).append(rows)


def test_stores_are_grouped_by_day(tmp_path):
    for day, npol in ((1, 4), (0, 4), (0, 2)):
        archive(tmp_path, day, npol=npol)
    (tmp_path / "notes.jsonl").touch()
    names = {day: [path.name for path in paths] for day, paths in stores_by_day(tmp_path).items()}
    assert names == {"2025-08-18": ["2025-08-18.zarr", "2025-08-18_2.zarr"], "2025-08-19": ["2025-08-19.zarr"]}
    assert list(stores_by_day(tmp_path / "2025-08-19.zarr")) == ["2025-08-19"]
    assert stores_by_day(tmp_path / "missing") == {}


def test_the_state_changes_with_each_commit(tmp_path):
    archive(tmp_path)
    paths = stores_by_day(tmp_path)["2025-08-18"]
    before = stores_stamp(paths)
    assert stores_stamp(paths) == before
    later = recording(8, nchan=64, times_s=HOUR_S + 400 + 5.0 * np.arange(8))
    open_store(tmp_path, later).append(later)
    assert stores_stamp(paths) != before
    assert stores_stamp([tmp_path / "2025-08-20.zarr"]) == [["2025-08-20.zarr"]]


def test_a_row_that_ends_with_a_period_belongs_to_the_next_one(tmp_path):
    archive(tmp_path)
    times = read_store_times(tmp_path / "2025-08-18.zarr")
    assert (times.name, len(times.times_us), times.products, times.nbins) == ("2025-08-18.zarr", 40, WIRE_PRODUCTS, 16)
    assert rows_between(times, HOUR_S, HOUR_S + 5) == (0, 0)
    assert rows_between(times, HOUR_S + 5, HOUR_S + 15) == (0, 2)
    assert rows_between(times, HOUR_S + 3600, HOUR_S) == (40, 40)


@pytest.mark.parametrize("damage", ["zarr.json", "time/c/0", "file"])
def test_a_damaged_store_is_one_sentence(tmp_path, damage):
    archive(tmp_path)
    path = tmp_path / "2025-08-18.zarr"
    if damage == "file":
        path.rename(tmp_path / "kept")
        path.touch()
    else:
        (path / damage).write_bytes(b"")
    with pytest.raises(ArchiveError) as refused:
        read_store_times(path)
    assert "2025-08-18.zarr" in str(refused.value)
    assert "\n" not in str(refused.value)
