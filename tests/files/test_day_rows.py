"""An archive's rows of a day, without their powers."""

import numpy as np
import pytest
from archive_runs import Following
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.files.archive.day_rows import archived_rows, covered_spans, joined_spans
from sunspec_tui.files.archive.store import open_store


def rows_at(*parts):
    """Ends of rows of parts (first end, number, cadence)."""
    return np.concatenate([first + np.arange(count) * cadence for first, count, cadence in parts])


@pytest.mark.parametrize(
    ("times_s", "spans"),
    [
        (rows_at((100, 8, 0.25)), [(99.75, 101.75)]),
        (rows_at((100, 8, 0.25), (110, 8, 0.25)), [(99.75, 101.75), (109.75, 111.75)]),
        # One row is missing.
        (rows_at((100, 8, 0.25), (102.25, 8, 0.25)), [(99.75, 101.75), (102.0, 104.0)]),
        # The cadence changes from a quarter of a second to a second.
        (rows_at((100, 40, 0.25), (110.75, 40, 1.0)), [(99.75, 149.75)]),
        # Time goes back.
        (rows_at((100, 8, 0.25), (90, 8, 0.25)), [(89.75, 91.75), (99.75, 101.75)]),
        (rows_at((100, 1, 0.25)), [(100, 100)]),
        (np.empty(0), []),
    ],
)
def test_consecutive_rows_cover_one_span(times_s, spans):
    found = joined_spans(covered_spans(times_s))
    np.testing.assert_allclose(found, np.array(spans, float).reshape(-1, 2), atol=1e-6)


@pytest.mark.parametrize(
    ("spans", "joined"),
    [
        ([(0, 1), (1, 2)], [(0, 2)]),
        ([(5, 6), (0, 10), (1, 2), (11, 12)], [(0, 10), (11, 12)]),
        ([(0, 1), (1.0005, 2)], [(0, 2)]),
        ([(0, 1), (1.01, 2)], [(0, 1), (1.01, 2)]),
        ([], []),
    ],
)
def test_spans_that_touch_are_joined(spans, joined):
    found = joined_spans(np.array(spans, float).reshape(-1, 2))
    np.testing.assert_allclose(found, np.array(joined, float).reshape(-1, 2))


def test_rows_gaps_and_covered_time_of_an_archive(tmp_path):
    rows = recording(200, nchan=64, gaps=(50, 120))
    with Following(tmp_path) as run:
        run.add(rows)
        run.wait_for(200)
    found = archived_rows(tmp_path, START_S, START_S + 3600)
    assert found.rows == 200
    assert found.covered_s == pytest.approx(200 * CADENCE_S)
    np.testing.assert_allclose(found.gaps[:, 1] - found.gaps[:, 0], [10 * CADENCE_S] * 2, atol=1e-5)
    part = archived_rows(tmp_path, START_S, START_S + 50 * CADENCE_S)
    assert (part.rows, len(part.gaps)) == (50, 0)


def test_a_day_over_midnight_is_read_from_both_stores_and_a_row_in_two_of_them_counts_once(tmp_path):
    midnight_s = (START_S // 86_400 + 1) * 86_400
    for first in (-40, 0, 20):
        times_s = midnight_s + 0.25 * (first + 1 + np.arange(40))
        rows = recording(40, nchan=64, times_s=times_s, cadence_s=0.25)
        open_store(tmp_path, rows).append(rows)
    found = archived_rows(tmp_path, midnight_s - 3600, midnight_s + 3600)
    assert found.rows == 100
    np.testing.assert_allclose(found.spans, [(midnight_s - 10, midnight_s + 15)], atol=1e-5)


def test_a_time_without_rows_and_a_directory_without_stores(tmp_path):
    with pytest.raises(ArchiveError, match="is not an archive"):
        archived_rows(tmp_path, 0, 1)
    rows = recording(10, nchan=64)
    open_store(tmp_path, rows).append(rows)
    found = archived_rows(tmp_path, 0, 1)
    assert (found.rows, found.covered_s, len(found.gaps)) == (0, 0, 0)


def test_a_store_with_a_damaged_time_is_named(tmp_path):
    rows = recording(10, nchan=64)
    open_store(tmp_path, rows).append(rows)
    for chunk in (path for path in tmp_path.glob("*.zarr/time/**/*") if path.is_file() and path.name != "zarr.json"):
        chunk.write_bytes(chunk.read_bytes()[:20] + b"x" * 10)
    with pytest.raises(ArchiveError, match=r"\.zarr.* move it away") as told:
        archived_rows(tmp_path, START_S, START_S + 3600)
    assert "\n" not in str(told.value)
