"""Tests of several files as one source.

Rows are in the order of their times, with gaps, without repeated rows, and in little memory.
"""

import tracemalloc
from dataclasses import replace
from pathlib import PurePath

import numpy as np
import pytest
from recorder_files import FIRST_S, NROWS, STEP_S, as_times, recorder_file
from recordings import CADENCE_S, START_S, recording
from solar_event import EVENT

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import Product
from sunspec_tui.files.file_series import FileSeries, open_rows, read_rows
from sunspec_tui.files.input_paths import input_paths
from sunspec_tui.files.read import read_recording, read_selection
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.time_order import FileRows, in_order
from sunspec_tui.files.write import export
from sunspec_tui.producer.replay import open_replay

MAX_SENTENCE = 200
EVENTS = EVENT.parent / "events"
GREENLAND = "GREENLAND_20170906_1*_63.fit.gz"
CUTS = ((40, 60), (0, 20), (20, 40))
"""Rows of the files `names`, which are in another order than their times."""


def cut(directory, ending, rows=None, cuts=CUTS):
    """Write parts of a recording to files."""
    rows = recording(60, nchan=64, gaps=(30,)) if rows is None else rows
    paths = [directory / f"{name}{ending}" for name in "abcdefgh"[: len(cuts)]]
    for path, (begin, end) in zip(paths, cuts, strict=True):
        export(rows.only(slice(begin, end)), path)
    return paths


def parts_of(source):
    """Return start and number of spectra of each sequence."""
    return [(begin_s, sum(map(len, gulps))) for begin_s, _, gulps, _ in source.sequences()]


@pytest.mark.parametrize("ending", [".npz", ".csv", ".fits", ".fit.gz", ".h5"])
def test_files_in_any_order_are_the_recording_that_was_cut(ending, tmp_path):
    rows = recording(60, nchan=64, gaps=(30,))
    export(rows, tmp_path / f"whole{ending}")
    whole = read_recording(tmp_path / f"whole{ending}")
    found = read_rows(cut(tmp_path, ending, rows), RowSelection())
    np.testing.assert_array_equal(found.data, whole.data)
    np.testing.assert_allclose(found.times_s, whole.times_s, rtol=0, atol=2e-6)
    assert (found.products, found.station) == (whole.products, "OVRO-LWA")
    assert found.cadence_s == pytest.approx(whole.cadence_s)
    np.testing.assert_array_equal(found.frequencies_hz, whole.frequencies_hz)


# Each block of HDF5 takes a process.
@pytest.mark.parametrize(("block_rows", "suffix"), [(1, ".npz"), (7, ".npz"), (1000, ".npz"), (20, ".h5")])
def test_any_rows_can_be_asked_for_in_any_blocks(block_rows, suffix, tmp_path, monkeypatch):
    paths = cut(tmp_path, suffix)
    whole, series = read_rows(paths, RowSelection()), FileSeries(paths, RowSelection())
    monkeypatch.setattr("sunspec_tui.files.file_series.MAX_BLOCK_BYTES", block_rows * series.row_bytes)
    for begin, end in ((0, 60), (15, 45), (59, 60), (3, 3), (20, 40)):
        part = series.only(slice(begin, end))
        np.testing.assert_array_equal(part.data, whole.data[begin:end])
        np.testing.assert_array_equal(part.times_s, whole.times_s[begin:end])


def test_files_that_follow_each_other_are_one_sequence_and_a_gap_begins_another(tmp_path):
    source = open_replay(cut(tmp_path, ".npz"), 560)
    assert parts_of(source) == [(0.0, 30), (pytest.approx(40 * CADENCE_S, abs=1e-5), 30)]
    whole = np.concatenate(list(source.gulps()))
    np.testing.assert_array_equal(whole[:, 0, ::4, 0], recording(60, nchan=64, gaps=(30,)).data[..., 0])


def test_rows_that_repeat_a_time_are_left_out_once_and_told(tmp_path, capsys):
    rows = recording(60, nchan=64)
    paths = cut(tmp_path, ".npz", rows, ((0, 30), (25, 50), (10, 20), (45, 60)))
    assert main(["export", str(tmp_path / "out.npz"), "--input", *map(str, paths)]) == 0
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "20 rows of c.npz and 2 other files repeat earlier times and are left out" in told
    np.testing.assert_array_equal(read_recording(tmp_path / "out.npz").data, rows.data)


def test_the_same_file_twice_is_that_file(tmp_path):
    (path,) = cut(tmp_path, ".npz", cuts=((0, 60),))
    assert len(read_rows([path, path], RowSelection())) == 60


def test_a_file_fills_the_gap_of_another(tmp_path):
    rows = recording(60, nchan=64)
    around, within = tmp_path / "around.npz", tmp_path / "within.npz"
    export(rows.only((np.arange(60) < 20) | (np.arange(60) >= 40)), around)
    export(rows.only(slice(20, 40)), within)
    source = open_replay([around, within], 560)
    assert parts_of(source) == [(0.0, 60)]
    np.testing.assert_array_equal(read_rows([within, around], RowSelection()).data, rows.data)


@pytest.mark.parametrize(
    ("times_s", "wanted", "left_out"),
    [
        ([[1, 2, 3], [4, 5]], [(0, 0, 3), (1, 0, 2)], [0, 0]),
        ([[4, 5], [1, 2, 3]], [(1, 0, 3), (0, 0, 2)], [0, 0]),
        # A row that begins less than half a row early is kept, another one is not.
        ([[1, 2, 3], [3.6, 4.6]], [(0, 0, 3), (1, 0, 2)], [0, 0]),
        ([[1, 2, 3], [3.4, 4.4]], [(0, 0, 3), (1, 1, 2)], [0, 1]),
        ([[1, 2, 5, 6], [2, 3, 4, 5]], [(0, 0, 2), (1, 1, 3), (0, 2, 4)], [0, 2]),
        # Time that goes back within a file, and times that are equal.
        ([[1, 2, 3, 2, 3, 4], [5, 5]], [(0, 0, 3), (0, 5, 6), (1, 0, 2)], [2, 0]),
        ([[], [1]], [(1, 0, 1)], [0, 0]),
        ([[], []], [], [0, 0]),
    ],
)
def test_rows_of_files_are_in_order_and_none_is_given_twice(times_s, wanted, left_out):
    found = in_order([np.array(each, np.float64) + START_S for each in times_s], 1.0)
    assert found == ([FileRows(*each) for each in wanted], left_out)


def test_without_a_cadence_only_equal_times_repeat():
    found = in_order([np.array([1.0, 2.0]), np.array([2.0, 2.1])], np.nan)
    assert found == ([FileRows(0, 0, 2), FileRows(1, 1, 2)], [0, 1])


def other_axis(rows):
    return replace(rows, frequencies_hz=bin_frequencies_hz(600, 64, 4))


def fewer_bins(rows):
    return replace(rows, data=rows.data[:, :8], frequencies_hz=rows.frequencies_hz[:8])


def one_product(rows):
    return replace(rows, data=rows.data[..., :1], products=(Product.XX,))


def other_station(rows):
    return replace(rows, station="BIR")


def other_cadence(rows):
    return replace(rows, times_s=START_S + 100 + np.arange(20.0), cadence_s=1.0)


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (other_axis, "b.npz", "has 16 frequencies of 14.3914-15.8269 MHz, not 16 frequencies of 13.4343-14.8699 MHz"),
        (fewer_bins, "b.npz", "has 8 frequencies"),
        (one_product, "b.npz", "has XX, not XX, YY, XY_real, XY_imag"),
        (other_station, "b.npz", "is of station BIR, not OVRO-LWA"),
        (other_cadence, "b.npz", "has rows of 1 s, not 0.2508 s"),
        (lambda rows: rows, "b.csv", "is CSV, not NPZ"),
        (lambda rows: rows, f"{'b' * 200}.csv", "is CSV, not NPZ"),
    ],
)
@pytest.mark.parametrize("command", ["export", "stream", "quicklook"])
def test_files_that_do_not_belong_together_are_refused_in_one_sentence(command, change, name, said, tmp_path, capsys):
    rows = recording(40, nchan=64)
    export(rows.only(slice(0, 20)), tmp_path / "a.npz")
    export(change(rows.only(slice(20, 40))), tmp_path / name)
    words = {
        "export": ["export", str(tmp_path / "out.npz"), "--input"],
        "stream": ["stream", "--port", "0", "--source"],
        "quicklook": ["quicklook", "--out", str(tmp_path / "figs")],
    }[command]
    assert main([*words, str(tmp_path / name), str(tmp_path / "a.npz")]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert " as a.npz; choose files that belong together" in told
    assert said in told
    assert name[:20] in told
    assert len(told.removeprefix("sunspec-tui: ").rstrip()) <= MAX_SENTENCE


def test_a_file_of_the_set_that_cannot_be_read_is_named(tmp_path, capsys):
    paths = cut(tmp_path, ".npz")
    paths[1].write_bytes(paths[1].read_bytes()[:500])
    assert main(["export", str(tmp_path / "out.npz"), "--input", *map(str, paths)]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "b.npz cannot be read" in told


def test_a_directory_is_its_files_of_spectra_and_others_are_told(tmp_path, capsys):
    day = tmp_path / "day"
    cut(day, ".npz")
    (day / "README.md").write_text("# all that is known")
    (day / "notes.csv").write_text("what, when")
    (day / ".hidden.npz").write_bytes(b"PK")
    (day / "more").mkdir()
    assert main(["export", str(tmp_path / "out.npz"), "--input", str(day)]) == 0
    told = capsys.readouterr().err
    assert "2 of 5 files are not files of spectra and are left out, the first is README.md" in told
    assert told.count("\n") == 1
    assert len(read_recording(tmp_path / "out.npz")) == 60


def test_a_pattern_that_the_shell_left_alone_is_expanded(tmp_path, monkeypatch, capsys):
    cut(tmp_path, ".npz")
    monkeypatch.chdir(tmp_path)
    assert main(["export", "out.csv", "--input", "[ab].npz"]) == 0
    assert len(read_recording(tmp_path / "out.csv")) == 40
    assert main(["export", "out.csv", "--input", "x*.npz"]) == 1
    assert "no file matches x*.npz; check the pattern" in capsys.readouterr().err


def test_a_name_that_looks_like_a_pattern_is_a_file(tmp_path):
    path = tmp_path / "a[1].npz"
    export(recording(4, nchan=64), path)
    assert len(open_rows([str(path)], RowSelection())) == 4


def test_a_directory_without_files_is_one_sentence(tmp_path, capsys):
    (tmp_path / "day").mkdir()
    assert main(["stream", "--source", str(tmp_path / "day"), "--port", "0"]) == 1
    told = capsys.readouterr().err
    assert "has no stores such as 2026-11-25.zarr" in told
    assert told.count("\n") == 1


def test_an_archive_is_read_alone(tmp_path, capsys):
    (tmp_path / "archive" / "2025-08-18.zarr").mkdir(parents=True)
    (path,) = cut(tmp_path, ".npz", cuts=((0, 60),))
    words = ["export", str(tmp_path / "out.npz"), "--input", str(path), str(tmp_path / "archive")]
    assert main(words) == 1
    assert "archive is an archive, which is read alone; leave the others out" in capsys.readouterr().err


def test_only_rows_between_start_and_end_are_read(tmp_path, capsys):
    paths = [str(path) for path in cut(tmp_path, ".npz", recording(60, nchan=64))]
    span = ["--start", "2025-08-18T21:34:59", "--end", "2025-08-18T21:35:02"]
    assert main(["export", str(tmp_path / "out.npz"), "--input", *paths, *span]) == 0
    assert 10 < len(read_recording(tmp_path / "out.npz")) < 14
    span = ["--start", "2030-01-01", "--end", "2030-01-02"]
    assert main(["export", str(tmp_path / "out.npz"), "--input", *paths, *span]) == 1
    assert "no rows in that time; choose another --start or --end" in capsys.readouterr().err


@pytest.mark.parametrize("last", [True, False])
def test_the_output_may_follow_the_inputs(last, tmp_path):
    paths, out = [str(path) for path in cut(tmp_path, ".npz")], str(tmp_path / "out.csv")
    words = ["--input", *paths, out, "--frames", "9"] if last else [out, "--input", *paths]
    assert main(["export", *words]) == 0
    assert len(read_recording(out)) == 60


def test_inputs_without_an_output_replace_none_of_them(tmp_path, capsys):
    paths = cut(tmp_path, ".npz")
    before = [path.read_bytes() for path in paths]
    assert main(["export", "--input", *map(str, paths)]) == 2
    assert "may be an input; name the output first" in capsys.readouterr().err
    assert [path.read_bytes() for path in paths] == before
    assert main(["export", str(tmp_path / "x.npz"), "--input", *map(str, paths), "--frames", "many"]) == 2
    assert "invalid int value" in capsys.readouterr().err


def test_stream_sends_every_row_of_a_directory(tmp_path, capsys):
    cut(tmp_path / "day", ".h5")
    assert main(["stream", "--source", str(tmp_path / "day"), "--port", "0", "--speed", "0"]) == 0
    assert capsys.readouterr().out == "60 frames sent\n"


def test_one_file_alone_is_followed(tmp_path, capsys):
    paths = [str(path) for path in cut(tmp_path, ".h5")]
    assert main(["stream", "--source", *paths, "--follow", "--port", "0"]) == 2
    assert "name only that one with --source" in capsys.readouterr().err


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path):
    paths = cut(tmp_path, ".npz")
    source = open_replay(paths, 560)
    export(recording(20, nchan=64, start_s=START_S + 3600), paths[0])
    with pytest.raises(SourceError, match=r"a\.npz has changed while it was read; start again"):
        list(source.gulps())


def older(path, n):
    """Write a file of the older system with ten rows."""
    mjd = 40_587 + (START_S + 10 * n + np.arange(10)) / 86_400
    freq = np.linspace(600, 3671, 768) * 196 / 8192
    np.savez(path, data=np.ones((10, 768, 2), np.float32), mjd=mjd[:, None], freq=freq)
    return path


def test_a_note_on_several_files_is_told_once(tmp_path, capsys):
    paths = [older(tmp_path / f"{n}.npz", n) for n in range(3)]
    assert main(["export", str(tmp_path / "out.npz"), "--input", *map(str, paths)]) == 0
    told = capsys.readouterr().err
    assert told.count("chan0 600 assumed") == 1
    assert told.count("\n") == 1
    assert len(read_recording(tmp_path / "out.npz")) == 30


@pytest.mark.parametrize("ending", [".npz", ".h5"])
def test_times_are_read_without_power(ending, tmp_path):
    rows = recording(2000, nchan=3072)
    export(rows, tmp_path / f"a{ending}")
    read_selection(tmp_path / f"a{ending}", RowSelection(times_only=True))
    tracemalloc.start()
    found = read_selection(tmp_path / f"a{ending}", RowSelection(times_only=True))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=2e-6)
    assert found.data.shape == rows.data.shape
    assert peak < rows.data.nbytes / 10


def test_one_file_at_a_time_is_in_memory(tmp_path):
    rows = recording(800, nchan=3072)
    paths = cut(tmp_path, ".npz", rows, [(100 * n, 100 * n + 100) for n in range(8)])
    file_bytes = rows.data[:100].nbytes
    del rows
    series = FileSeries(paths, RowSelection())
    tracemalloc.start()
    assert sum(len(series.only(slice(begin, begin + 10))) for begin in range(0, 800, 10)) == 800
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The file, what it is read from, and the rows of before.
    assert peak < 4 * file_bytes


def test_a_recorders_file_is_read_in_parts(tmp_path, monkeypatch):
    rows = recording(800, nchan=3072)
    (path,) = cut(tmp_path, ".h5", rows, ((0, 800),))
    series = FileSeries([path], RowSelection())
    monkeypatch.setattr("sunspec_tui.files.file_series.MAX_BLOCK_BYTES", 100 * series.row_bytes)
    tracemalloc.start()
    assert sum(len(series.only(slice(begin, begin + 100))) for begin in range(0, 800, 100)) == 800
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < rows.data.nbytes / 3


def test_a_series_above_the_limit_of_memory_is_streamed_and_not_exported(tmp_path, monkeypatch, capsys):
    paths = cut(tmp_path, ".npz")
    monkeypatch.setattr("sunspec_tui.files.read_limits.MAX_POWER_BYTES", 30 * 16 * 4 * 4)
    assert main(["export", str(tmp_path / "out.npz"), "--input", *map(str, paths)]) == 1
    told = capsys.readouterr().err
    assert "cannot be read at once: it needs 15.4 kB, more than 7.68 kB; choose --start and --end" in told
    assert sum(map(len, open_replay(paths, 560).gulps())) == 60


def test_a_recorders_file_above_the_limit_of_memory_is_streamed(tmp_path, monkeypatch):
    (path,) = cut(tmp_path, ".h5", cuts=((0, 60),))
    monkeypatch.setattr("sunspec_tui.files.read_limits.MAX_POWER_BYTES", 30 * 16 * 4 * 4)
    monkeypatch.setattr("sunspec_tui.files.file_series.MAX_BLOCK_BYTES", 13 * 16 * 4 * 4)
    with pytest.raises(SourceError, match="choose --start and --end"):
        read_recording(path)
    assert parts_of(open_replay(path, 560)) == [(0.0, 30), (pytest.approx(40 * CADENCE_S, abs=1e-5), 30)]


def test_rows_of_one_file_stay_in_their_order(tmp_path):
    times_s = START_S + CADENCE_S * np.array([1, 2, 3, 4, 2, 3, 4, 5])
    rows = recording(8, nchan=64, times_s=times_s)
    export(rows, tmp_path / "a.npz")
    series = FileSeries([tmp_path / "a.npz"], RowSelection())
    np.testing.assert_array_equal(series.times_s, times_s)
    np.testing.assert_array_equal(series.only(slice(2, 7)).data, rows.data[2:7])


def test_recorders_files_of_room_for_more_rows_follow_each_other(tmp_path):
    def later(n):
        times = as_times(FIRST_S + STEP_S * (NROWS * n + np.arange(NROWS)))
        return lambda parts: parts.observation["time"].write_direct(times, dest_sel=np.s_[:NROWS])

    paths = [recorder_file(tmp_path / f"{2 - n}.h5", later(n)) for n in range(3)]
    source = open_replay(paths, 560)
    assert parts_of(source) == [(0.0, 3 * NROWS)]


@pytest.mark.skipif(not EVENTS.exists(), reason="the events are not beside the project")
def test_quarter_hours_of_a_station_are_one_source():
    rows = open_rows([EVENTS / GREENLAND], RowSelection())
    assert isinstance(rows, FileSeries)
    assert rows.station.startswith("GREENLAND")
    assert (np.diff(rows.times_s) > 0).all()
    assert rows.cadence_s == pytest.approx(0.25)
    assert len(rows) == sum(len(read_recording(path)) for path in EVENTS.glob(GREENLAND))
    # The directory holds other stations too, and a station has several receivers.
    with pytest.raises(SourceError, match="choose files that belong together"):
        open_rows([EVENTS], RowSelection())
    with pytest.raises(
        SourceError, match=r"GREENLAND_20170906_115514_62\.fit\.gz is of receiver 62, not 63 as GREENLAND"
    ):
        open_rows(EVENTS.glob("GREENLAND*"), RowSelection())


def test_a_directory_of_many_files_is_listed_in_linear_time(tmp_path, monkeypatch):
    count, hashes = 300, []
    for number in range(count):
        (tmp_path / f"{number:03d}.npz").write_bytes(b"PK\x03\x04")
    found_hash = PurePath.__hash__

    def counted(path):
        hashes.append(path)
        return found_hash(path)

    monkeypatch.setattr(PurePath, "__hash__", counted)
    assert len(input_paths([tmp_path])) == count
    assert len(hashes) < 10 * count


def test_tables_of_bursts_and_notes_belong_beside_files(tmp_path, capsys):
    day = tmp_path / "day"
    cut(day, ".npz")
    for name in ("bursts.ecsv", "bursts-2026-11-25.csv", "notes.jsonl"):
        (day / name).write_text("not spectra\n")
    assert main(["export", str(tmp_path / "out.npz"), "--input", str(day)]) == 0
    assert "files of spectra" not in capsys.readouterr().err
