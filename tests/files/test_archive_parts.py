"""Tests of histories from several stores, and of missing rows."""

from dataclasses import replace

import numpy as np
import pytest
from archive_runs import Following
from archive_timelines import MIDNIGHT_S, Stretch, assert_blocks_agree_with_rows, timeline_of, write
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.core.time_blocks import STEPS_S, joined
from sunspec_tui.files.archive import store_union, time_blocks_reader
from sunspec_tui.files.archive.layout import stores
from sunspec_tui.files.archive.store_union import united_blocks
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks

FIRST = Stretch(MIDNIGHT_S + 3600, 2600, npol=2)


def twice(directory):
    """Write rows, and again their second half and some more."""
    rows = Stretch(FIRST.begin_s, 3000, npol=2).recording()
    write(directory, rows.only(slice(0, 2600)))
    write(directory, rows.only(slice(1300, None)))
    assert len(stores(directory)) == 2
    return rows


def test_rows_in_two_stores_count_once(tmp_path):
    rows = twice(tmp_path)
    assert assert_blocks_agree_with_rows(tmp_path) == len(rows)
    assert len(ArchiveBlocks(tmp_path).recording(0, 1e10)) == len(rows)


def test_in_a_long_overlap_the_earlier_store_has_the_blocks(tmp_path, monkeypatch):
    rows = twice(tmp_path)
    monkeypatch.setattr(store_union, "MAX_SHARED_ROWS", 0)
    found = joined(ArchiveBlocks(tmp_path).blocks(16, 0, 1e10, Product.XX))
    (expected,) = timeline_of(Stretch(FIRST.begin_s, 3000, npol=2)).blocks(16, 0, 1e10, Product.XX)
    np.testing.assert_array_equal(found.begin_us, expected.begin_us)
    # Only in the block where the earlier store ends, its later rows are left out.
    fewer = np.flatnonzero(found.rows != expected.rows)
    assert len(fewer) <= 1
    assert found.rows.sum() >= len(rows) - 64


@pytest.mark.parametrize("step_s", [0, *STEPS_S])
def test_each_axis_is_a_part_of_its_own(tmp_path, step_s):
    rows = FIRST.recording()
    write(tmp_path, rows)
    other = Stretch(FIRST.begin_s + 655, 500, npol=2, seed=1).recording()
    write(tmp_path, replace(other, frequencies_hz=other.frequencies_hz + 4 * CHANNEL_WIDTH_HZ))
    history = ArchiveBlocks(tmp_path)
    first, second = history.parts(step_s, 0, 1e10, Product.XX)
    np.testing.assert_array_equal(first.frequencies_hz, rows.frequencies_hz)
    np.testing.assert_array_equal(second.frequencies_hz, history.axis().frequencies_hz)
    assert (first.blocks.rows.sum(), second.blocks.rows.sum()) == (2600, 500)
    assert [each.rows for each in history.extents()] == [2600, 500]
    assert len(history.recording(0, FIRST.begin_s + 600)) > 2300
    with pytest.raises(time_blocks_reader.ArchiveError, match="products or frequencies change at 2025-08-19 01:10:55"):
        history.recording(0, 1e10)


def test_blocks_of_parts_with_different_steps_are_joined_at_the_longest():
    (fine,) = timeline_of(FIRST).blocks(2, 0, FIRST.begin_s + 300, Product.XX)
    (coarse,) = timeline_of(FIRST).blocks(128, FIRST.begin_s // 128 * 128 + 384, 1e10, Product.XX)
    found = united_blocks([fine, coarse], lambda *_: pytest.fail("no rows are shared"))
    assert (found.step_s, found.rows.sum()) == (128, fine.rows.sum() + coarse.rows.sum())
    assert (np.diff(found.begin_us) > 0).all()


def test_only_stores_of_the_requested_days_are_opened(tmp_path, monkeypatch):
    for day in range(4):
        write(tmp_path, Stretch(MIDNIGHT_S + 86_400 * day, 30, npol=2).recording())
    opened = []
    check = time_blocks_reader.check_store
    monkeypatch.setattr(time_blocks_reader, "check_store", lambda path: opened.append(path.name) or check(path))
    history = ArchiveBlocks(tmp_path)
    for _ in range(3):
        assert history.blocks(2, MIDNIGHT_S + 86_400, MIDNIGHT_S + 2 * 86_400, Product.XX)
    assert opened == ["2025-08-20.zarr"]
    for _ in range(3):
        assert history.extent().end_s == pytest.approx(MIDNIGHT_S + 3 * 86_400 + 7.5)
    assert opened == ["2025-08-20.zarr", "2025-08-19.zarr", "2025-08-22.zarr"]


def test_the_memory_for_open_stores_is_bounded(tmp_path, monkeypatch):
    for day in range(4):
        write(tmp_path, Stretch(MIDNIGHT_S + 86_400 * day, 30, npol=2).recording())
    monkeypatch.setattr(time_blocks_reader, "MAX_OPEN_STORES", 2)
    history = ArchiveBlocks(tmp_path)
    assert [each.rows for each in history.extents()] == [30] * 4
    assert len(history._open) == 2


def test_missing_rows_and_restarts_are_those_that_the_receiver_counted(tmp_path):
    rows = recording(200, nchan=32, start_s=START_S)
    slots = np.arange(200) + 5 * (np.arange(200) >= 50) + 20 * (np.arange(200) >= 120)
    marks = np.where(np.arange(200) == 120, int(Mark.RESTART), 0)
    with Following(tmp_path, nchan=32) as run:
        columns = rows.times_s.tolist(), slots.tolist(), marks.tolist()
        for row, time_s, slot, mark in zip(rows.data, *columns, strict=True):
            run.ring.append(row, time_s, slot, mark)
        run.wait_for(200)
    (found,) = ArchiveBlocks(tmp_path).blocks(0, 0, 1e10, Product.XX)
    assert np.flatnonzero(found.missing).tolist() == [50]
    assert found.missing[50] == 5
    assert np.flatnonzero(found.restarts).tolist() == [120]


def test_rows_that_left_the_ring_before_they_were_written_are_missing(tmp_path):
    rows = recording(300, nchan=32)
    with Following(tmp_path, nchan=32, length=100, commit_s=60.0) as run:
        slots = np.arange(300)
        for row, time_s, slot in zip(rows.data[:40], rows.times_s[:40].tolist(), slots.tolist(), strict=False):
            run.ring.append(row, time_s, slot)
        run.wait_for(40)
        for number in range(40, 300):
            run.ring.append(rows.data[number], float(rows.times_s[number]), number)
    (found,) = ArchiveBlocks(tmp_path).blocks(0, 0, 1e10, Product.XX)
    assert found.rows.sum() + found.missing.sum() == 300
    assert found.missing.sum() == run.writer.status().rows_missed > 0


def test_a_pause_of_the_program_counts_as_missing_rows_of_its_length(tmp_path):
    rows = recording(100, nchan=32, gaps=(60,))
    for begin, end in ((0, 60), (60, 100)):
        with Following(tmp_path, nchan=32) as run:
            run.add(rows.only(slice(begin, end)))
    (found,) = ArchiveBlocks(tmp_path).blocks(0, 0, 1e10, Product.XX)
    assert np.flatnonzero(found.missing).tolist() == [60]
    assert found.missing[60] == 10
    assert found.end_us[60] - found.begin_us[60] == pytest.approx(CADENCE_S * 1e6, abs=2)
