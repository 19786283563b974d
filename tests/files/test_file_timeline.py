"""Timeline of files: it equals that of their rows.

`RowTimeline` computes each block by brute force from all rows.
"""

from dataclasses import replace

import hostile_formats  # noqa: F401 - registers its makers
import numpy as np
import pytest
from extent import extent
from hostile_files import MAKERS
from recorder_files import FIRST_S, NAVG, STEP_S, as_times, fill, power
from recordings import START_S, recording
from solar_event import DATA, needs_event
from timelines import RowTimeline

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import Product, available
from sunspec_tui.files import file_timeline
from sunspec_tui.files.file_index import build_index
from sunspec_tui.files.file_timeline import FileTimeline
from sunspec_tui.files.read import read_recording, read_selection
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.write import export

EVENTS = DATA / "events"
HOUR = [f"BIR_20120704_{clock}_01.fit.gz" for clock in ("160000", "161500", "163000", "164500")]
ALL_STEPS = (0, 2, 16, 128)


def reference(rows, missing=None, restarts=None):
    """Return the brute-force timeline of a recording."""
    count = len(rows)
    steps = np.rint(np.diff(rows.times_s) / rows.lengths_s[1:]).astype(np.int64) - 1
    return RowTimeline(
        rows.times_s,
        rows.data,
        rows.lengths_s,
        np.concatenate([[0], steps]) if missing is None else missing,
        np.zeros(count, bool) if restarts is None else restarts,
        rows.frequencies_hz,
        coarse_before_s=0.0,
        coarse_s=1,
    )


def limits_of(timeline, step_s):
    extent = timeline.extent()
    step_s = step_s or 1
    return extent.begin_s // step_s * step_s, extent.end_s // step_s * step_s + step_s


def check_equal(found, expected):
    """Compare blocks of one product; times may differ by a microsecond."""
    assert [len(each.rows) for each in found] == [len(each.rows) for each in expected]
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.step_s == theirs.step_s
        for name in ("begin_us", "end_us", "first_us", "last_us"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=0, atol=1, err_msg=name)
        for name in ("rows", "missing", "restarts"):
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), err_msg=name)
        for name in ("mean", "peak"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), rtol=2e-5, atol=3e-5, err_msg=name)


def exported(directory, rows, ending, cuts):
    paths = [directory / f"{name}{ending}" for name in "abcdefgh"[: len(cuts)]]
    for path, (begin, end) in zip(paths, cuts, strict=True):
        export(rows.only(slice(begin, end)), path)
    return paths


@pytest.mark.parametrize("ending", [".npz", ".h5", ".csv"])
def test_blocks_of_files_equal_those_of_the_rows(ending, tmp_path):
    rows = recording(1300, nchan=32, gaps=(30, 700))
    timeline = FileTimeline(exported(tmp_path, rows, ending, ((600, 1300), (0, 600))))
    whole = reference(rows)
    assert timeline.axis().products == available(4)
    np.testing.assert_allclose(timeline.axis().frequencies_hz, rows.frequencies_hz)
    assert timeline.extent().begin_s == pytest.approx(START_S, abs=2e-6)
    assert timeline.extent().end_s == pytest.approx(rows.times_s[-1], abs=2e-6)
    for step_s in ALL_STEPS:
        for product in available(4):
            limits = limits_of(whole, step_s)
            check_equal(timeline.blocks(step_s, *limits, product), whole.blocks(step_s, *limits, product))


# Each part takes a process. Chunks are of 16 and of 128 s.
@pytest.mark.parametrize(("chunk_bytes", "count"), [(10_000, 200), (70_000, 1300)])
def test_a_recorders_file_is_read_in_parts_with_the_same_result(chunk_bytes, count, tmp_path, monkeypatch):
    rows = recording(count, nchan=32, gaps=(count // 2,))
    (path,) = exported(tmp_path, rows, ".h5", ((0, count),))
    monkeypatch.setattr("sunspec_tui.files.file_chunks.MAX_CHUNK_BYTES", chunk_bytes)
    timeline, whole, reads = FileTimeline([path]), reference(rows), []
    monkeypatch.setattr(file_timeline, "read_selection", lambda *words: reads.append(words) or read_selection(*words))
    middle_s = (START_S + 16) // 16 * 16
    limits = middle_s, middle_s + 16
    check_equal(timeline.blocks(2, *limits, Product.I), whole.blocks(2, *limits, Product.I))
    # The chunk with these times is read.
    assert len(reads) == 1
    assert reads[0][1].end_s - reads[0][1].start_s < 128
    for step_s in (0, 16, 128):
        limits = limits_of(whole, step_s)
        check_equal(timeline.blocks(step_s, *limits, Product.V_OVER_I), whole.blocks(step_s, *limits, Product.V_OVER_I))


def test_a_changed_cadence_is_not_a_gap(tmp_path):
    rows = recording(400, nchan=32)
    times_s = START_S + np.cumsum(np.where(np.arange(400) < 200, 0.25, 0.5))
    (path,) = exported(tmp_path, replace(rows, times_s=times_s, cadence_s=0.25), ".npz", ((0, 400),))
    (found,) = FileTimeline([path]).blocks(0, START_S, START_S + 1000, Product.XX)
    assert not found.missing.any()
    np.testing.assert_allclose((found.end_us - found.begin_us)[[0, 100, 300, 399]], [25e4, 25e4, 5e5, 5e5], atol=1)


def test_a_time_that_goes_back_begins_a_sequence(tmp_path, warnings_logged):
    rows = recording(60, nchan=32)
    times_s = rows.times_s - np.where(np.arange(60) < 40, 0, 100)
    (path,) = exported(tmp_path, replace(rows, times_s=times_s), ".npz", ((0, 60),))
    (found,) = FileTimeline([path]).blocks(0, START_S - 200, START_S + 200, Product.XX)
    assert (np.diff(found.last_us) > 0).all()
    assert np.flatnonzero(found.restarts).tolist() == [0]
    np.testing.assert_array_equal(found.mean[0], rows.data[40, :, 0])
    np.testing.assert_array_equal(found.mean[20], rows.data[0, :, 0])


def test_rows_that_repeat_a_time_are_left_out_and_reported_once(tmp_path, warnings_logged):
    rows = recording(400, nchan=32)
    timeline = FileTimeline(exported(tmp_path, rows, ".npz", ((0, 200), (150, 350), (100, 180), (350, 400))))
    whole = reference(rows)
    for step_s in (0, 2, 16):
        limits = limits_of(whole, step_s)
        check_equal(timeline.blocks(step_s, *limits, Product.I), whole.blocks(step_s, *limits, Product.I))
    (note,) = warnings_logged()
    assert note.startswith("130 rows of c.npz and 1 other file repeat times")


def test_a_file_of_one_product_joins_those_of_all(tmp_path):
    rows = recording(200, nchan=32)
    paths = exported(tmp_path, rows, ".npz", ((0, 100),))
    only_i = replace(rows, data=rows.power(Product.I)[100:, :, None], times_s=rows.times_s[100:], products=(Product.I,))
    export(only_i, tmp_path / "i.npz")
    timeline, whole = FileTimeline([*paths, tmp_path / "i.npz"]), reference(rows)
    assert timeline.axis().products == available(4)
    limits = limits_of(whole, 16)
    check_equal(timeline.blocks(16, *limits, Product.I), whole.blocks(16, *limits, Product.I))
    (of_v,) = timeline.blocks(0, *limits, Product.V)
    assert len(of_v.rows) == 100


def test_a_timeline_of_xx_alone_has_no_other_product(tmp_path):
    rows = recording(20, npol=1, nchan=32)
    timeline = FileTimeline(exported(tmp_path, rows, ".npz", ((0, 20),)))
    assert timeline.axis().products == (Product.XX,)
    assert timeline.blocks(2, START_S - 10, START_S + 100, Product.I) == []


def test_other_frequencies_are_drawn_at_the_nearest_bins(tmp_path, warnings_logged):
    rows, others = recording(200, nchan=32), recording(50, nchan=40)
    (path,) = exported(tmp_path, rows, ".npz", ((0, 200),))
    shifted_hz = bin_frequencies_hz(564, 40, 4)
    export(replace(others, times_s=rows.times_s[-50:] + 100, frequencies_hz=shifted_hz), tmp_path / "x.npz")
    timeline = FileTimeline([path, tmp_path / "x.npz"])
    np.testing.assert_allclose(timeline.axis().frequencies_hz, rows.frequencies_hz)
    (found,) = timeline.blocks(0, rows.times_s[-1] + 10, rows.times_s[-1] + 200, Product.XX)
    assert np.isnan(found.mean[:, 0]).all()
    np.testing.assert_array_equal(found.mean[:, 1:], others.data[:, :7, 0])
    assert any("other frequencies" in note for note in warnings_logged())


# Damaged files


def test_damaged_files_are_reported_once_and_left_out(tmp_path, warnings_logged):
    rows = recording(60, nchan=32)
    paths = exported(tmp_path, rows, ".npz", ((0, 20), (20, 40), (40, 60)))
    paths[1].write_bytes(paths[1].read_bytes()[:200])
    timeline = FileTimeline(paths)
    assert len(warnings_logged()) == 1
    assert "b.npz cannot be read" in warnings_logged()[0]
    (found,) = timeline.blocks(0, START_S - 1, START_S + 100, Product.XX)
    assert len(found.rows) == 40


def test_a_file_that_is_damaged_later_is_reported_once_and_the_others_stay(tmp_path, warnings_logged):
    rows = recording(60, nchan=32)
    paths = exported(tmp_path, rows, ".npz", ((0, 20), (20, 40), (40, 60)))
    timeline = FileTimeline(paths)
    paths[1].write_bytes(b"PK")
    for _ in range(3):
        (found,) = timeline.blocks(0, START_S - 1, START_S + 100, Product.XX)
        assert len(found.rows) == 40
    assert len(warnings_logged()) == 1
    assert [file.path for file in timeline.files] == [paths[0], paths[2]]


def test_a_replaced_file_is_reported_and_left_out(tmp_path, warnings_logged):
    rows = recording(60, nchan=32)
    paths = exported(tmp_path, rows, ".npz", ((0, 20), (20, 40)))
    timeline = FileTimeline(paths)
    export(rows.only(slice(45, 60)), paths[1])
    (found,) = timeline.blocks(0, START_S - 1, START_S + 100, Product.XX)
    assert len(found.rows) == 20
    (note,) = warnings_logged()
    assert "has changed since it was opened" in note


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ([b"no spectra"], "a.npz cannot be read: it is not a"),
        ([b"x", b""], "none of the 2 files can be read; the first"),
    ],
)
def test_without_a_readable_file_there_is_no_timeline(contents, sentence, tmp_path):
    paths = [tmp_path / f"{name}.npz" for name in "ab"[: len(contents)]]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    with pytest.raises(SourceError, match=sentence):
        FileTimeline(paths)


def test_a_time_without_rows_is_reported(tmp_path):
    paths = exported(tmp_path, recording(20, nchan=32), ".npz", ((0, 10), (10, 20)))
    with pytest.raises(SourceError, match=r"a.npz and 1 more: no rows in that time"):
        FileTimeline(paths, RowSelection(start_s=START_S + 1e6))


def test_hostile_files_beside_a_good_one_are_left_out(tmp_path, warnings_logged):
    """Each is told in one sentence of limited length."""
    names = sorted(MAKERS)[:: 85 // extent(10, 85)]
    paths = []
    for name in names:
        (tmp_path / name).mkdir()
        paths.append(MAKERS[name](tmp_path / name))
    good = exported(tmp_path, recording(60, nchan=32), ".npz", ((0, 60),))
    timeline = FileTimeline([*paths, *good])
    (found,) = timeline.blocks(2, START_S // 2 * 2, START_S // 2 * 2 + 60, Product.XX)
    assert found.rows.sum() == 60
    told = [text for text in warnings_logged() if text.endswith("; the file is left out")]
    assert len(told) >= 0.9 * len(names)
    assert all(len(text) < 250 and text.isprintable() for text in told)


# Export, progress, memory


def test_a_recording_has_the_rows_of_its_time_as_the_files_have_them(tmp_path):
    rows = recording(60, nchan=32)
    timeline = FileTimeline(exported(tmp_path, rows, ".npz", ((0, 20), (20, 40), (40, 60))))
    found = timeline.recording(rows.times_s[10], rows.times_s[50])
    np.testing.assert_array_equal(found.data, rows.data[10:50])
    assert found.station == "OVRO-LWA"
    assert timeline.recording(START_S + 1e6, START_S + 2e6) is None


def test_progress_counts_all_files(tmp_path):
    paths, counts = exported(tmp_path, recording(60, nchan=32), ".npz", ((0, 20), (20, 40), (40, 60))), []
    build_index(paths, RowSelection(), lambda *count: counts.append(count))
    assert counts == [(1, 3), (2, 3), (3, 3)]


def test_only_shown_files_are_read_and_memory_stays_bounded(tmp_path, monkeypatch):
    rows = recording(1200, nchan=400)
    monkeypatch.setattr(file_timeline, "MAX_ROWS_NBYTES", 1_000_000)
    monkeypatch.setattr(file_timeline, "MAX_BLOCKS_NBYTES", 100_000)
    paths = exported(tmp_path, rows, ".npz", [(begin, begin + 200) for begin in range(0, 1200, 200)])
    timeline, reads = FileTimeline(paths), []
    read = file_timeline.read_selection
    monkeypatch.setattr(file_timeline, "read_selection", lambda path, chosen: reads.append(path) or read(path, chosen))
    timeline.blocks(2, *(START_S // 2 * 2 + at for at in (0, 30)), Product.XX)
    assert reads == paths[:1]
    timeline.blocks(2, *(START_S // 2 * 2 + at for at in (0, 30)), Product.YY)
    assert reads == paths[:1]
    whole = reference(rows)
    limits = limits_of(whole, 2)
    check_equal(timeline.blocks(2, *limits, Product.Q), whole.blocks(2, *limits, Product.Q))
    assert set(reads) == set(paths)
    assert timeline.kept_nbytes <= 1_100_000


# Growing files


def test_a_growing_recorders_file_brings_its_new_rows(tmp_path, warnings_logged):
    import h5py

    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver="latest") as file:
        parts = fill(file, ("XX", "YY"), nrows=0)
        file.swmr_mode = True
        write_rows(parts, 0, 7)
        timeline = FileTimeline([path])
        assert timeline.is_growing
        assert not timeline.refresh()
        limits = FIRST_S // 2 * 2, FIRST_S // 2 * 2 + 10
        (before,) = timeline.blocks(2, *limits, Product.YY)
        write_rows(parts, 7, 15)
        assert timeline.refresh()
        assert timeline.extent().end_s == pytest.approx(FIRST_S + 15 * STEP_S)
        (after,) = timeline.blocks(0, *limits, Product.YY)
        np.testing.assert_array_equal(after.mean, power("YY")[:15] * np.float32(NAVG))
        (blocks,) = timeline.blocks(2, *limits, Product.YY)
        assert (before.rows.sum(), blocks.rows.sum()) == (7, 15)


def write_rows(parts, begin, end):
    for name in ("XX", "YY"):
        parts.tuning[name][begin:end] = power(name)[begin:end]
        parts.tuning[name].flush()
    parts.observation["time"][begin:end] = as_times(FIRST_S + STEP_S * np.arange(begin, end))
    parts.observation["time"].flush()


# Real files


@needs_event
def test_four_quarter_hours_are_an_hour(warnings_logged):
    timeline = FileTimeline([EVENTS / name for name in HOUR])
    assert not warnings_logged()
    axis, extent = timeline.axis(), timeline.extent()
    assert axis.products == (Product.I,)
    # The lowest frequency is in the files eight times.
    assert (len(axis.frequencies_hz), axis.frequencies_hz[0]) == (193, 10e6)
    assert extent.end_s - extent.begin_s == pytest.approx(3600, abs=1)
    (rows,) = timeline.blocks(0, extent.begin_s, extent.end_s + 1, Product.I)
    assert len(rows.rows) == 4 * 3600
    gaps_s = (rows.begin_us[1:] - rows.end_us[:-1]) / 1e6
    # The files begin 0.1 to 0.2 s after the end of the one before.
    assert np.flatnonzero(np.abs(gaps_s) > 0.001).tolist() == [3599, 7199, 10799]
    for step_s in (2, 16, 128):
        (blocks,) = timeline.blocks(step_s, *limits_of(timeline, step_s), Product.I)
        check_equal([blocks], [rows.merged(step_s)])
    own = read_recording(EVENTS / HOUR[2], quiet=True)
    np.testing.assert_array_equal(rows.mean[7200:10800], own.data[:, 7:, 0])


@needs_event
def test_files_of_several_stations_and_receivers_are_one_timeline(warnings_logged):
    timeline = FileTimeline(sorted(EVENTS.glob("*.fit.gz")))
    told = sorted(warnings_logged())
    assert len(told) == 2
    assert told[0].startswith("3600 rows of GREENLAND_20170906_115514_62.fit.gz repeat times")
    assert told[1].startswith("BLENSW_20140128_113000_59.fit.gz and 4 more: other frequencies")
    assert len(timeline.files) == 11
    flare = next(file for file in timeline.files if file.path.name.startswith("GREENLAND_20170906_1155"))
    (blocks,) = timeline.blocks(16, flare.begin_us // 16_000_000 * 16, flare.end_us // 16_000_000 * 16, Product.I)
    assert np.isfinite(blocks.mean).mean() > 0.9
