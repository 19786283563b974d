"""Tests that exports of all formats are read back unchanged."""

import csv
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
from extent import extent
from publishers import producing
from radiospectra_reader import open_spectrogram
from recordings import CADENCE_S, START_S, recording
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ExportError, SourceError, UsageError
from sunspec_tui.core.products import Product
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export
from sunspec_tui.files.xarray_dataset import from_dataset, to_dataset
from sunspec_tui.producer.replay import open_replay

FORMS = ("a.fits", "a.fit.gz", "a.h5", "a.npz", "a.csv")
TIME_TOLERANCE_S = 2e-6  # a microsecond, and what a float64 of 1.7e9 s rounds
POWER_TOLERANCE = 2e-6  # relative: decibels in float32


def assert_same(found, rows, products):
    """Compare recordings; values without decibels may be NaN."""
    assert found.products == products
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=TIME_TOLERANCE_S)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz, rtol=1e-12)
    assert found.cadence_s == pytest.approx(rows.cadence_s)
    assert (found.station, found.source, found.software) == (rows.station, rows.source, rows.software)
    wanted = np.stack([rows.power(product) for product in products], axis=-1)
    if len(products) == 1 and products[0] in (Product.XX, Product.YY, Product.I):
        wanted = np.where(wanted > 0, wanted, np.nan)
    np.testing.assert_allclose(found.data, wanted, rtol=POWER_TOLERANCE)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("gaps", [(), (5, 17)])
def test_every_form_gives_back_the_same_rows_times_and_frequencies(tmp_path, name, gaps):
    rows = recording(24, gaps=gaps)
    nbytes = export(rows, tmp_path / name)
    assert nbytes == (tmp_path / name).stat().st_size
    products = (Product.XX,) if "fit" in name else rows.products
    assert_same(read_recording(tmp_path / name), rows, products)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("product", [Product.V, Product.V_OVER_I, Product.XY_REAL, Product.I])
def test_a_fits_file_holds_any_product(tmp_path, product):
    rows = recording()
    export(rows, tmp_path / "a.fits", product)
    assert_same(read_recording(tmp_path / "a.fits"), rows, (product,))


@contextmanager
def replayed(path, nrows, **options):
    """Return a receiver that has received all rows of a file."""
    with (
        producing(source=str(path), speed=0, wait=True, **options) as port,
        StreamReceiver(stream_port=port, plot_interval=0) as receiver,
    ):
        assert receiver.wait_for_frames(nrows, 20)
        yield receiver


@pytest.mark.parametrize("name", FORMS)
def test_a_replay_of_every_form_reaches_the_receiver_with_the_same_rows(tmp_path, name):
    rows = recording(24, gaps=(9,))
    export(rows, tmp_path / name)
    with replayed(tmp_path / name, 24) as receiver:
        found, axis = receiver.recording(), receiver.position().axis
    assert (axis.chan0, axis.nchan) == (560, 768)
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=1e-5)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz)
    if "fit" in name:
        assert found.products == (Product.XX,)
        np.testing.assert_allclose(
            found.data, np.where(rows.data > 0, rows.data, np.nan)[..., :1], rtol=POWER_TOLERANCE
        )
    else:
        # The recorder's scale costs the last bit.
        np.testing.assert_allclose(found.data, rows.data, rtol=2e-7 if name == "a.h5" else 0)


def test_a_gap_in_a_replayed_file_begins_a_new_sequence_whose_times_are_true(tmp_path):
    export(recording(24, gaps=(9,)), tmp_path / "a.npz")
    source = open_replay(tmp_path / "a.npz", 560)
    parts = [(begin_s, sum(len(gulp) for gulp in gulps)) for begin_s, _, gulps, _ in source.sequences()]
    assert [count for _, count in parts] == [9, 15]
    assert parts[1][0] == pytest.approx(19 * CADENCE_S, abs=1e-5)


# It leaves the file open.
def test_the_fits_file_opens_in_radiospectra_with_true_axes(tmp_path):
    rows = recording(40, gaps=(20,))
    export(rows, tmp_path / "a.fits")
    spectrogram = open_spectrogram(tmp_path / "a.fits")
    assert type(spectrogram).__name__ == "CALISTOSpectrogram"
    np.testing.assert_allclose(spectrogram.times.unix, rows.times_s - CADENCE_S, rtol=0, atol=1e-5)
    np.testing.assert_allclose(spectrogram.frequencies.to_value("Hz")[::-1], rows.frequencies_hz)
    assert spectrogram.observatory == "OVRO-LWA"
    assert spectrogram.observatory_location.lon.deg == pytest.approx(-118.28, abs=0.01)
    decibels = 10 * np.log10(np.where(rows.data[..., 0] > 0, rows.data[..., 0], np.nan))
    np.testing.assert_allclose(spectrogram.data[::-1].T, decibels, rtol=1e-5, atol=1e-5)
    assert spectrogram.plot() is not None


def test_the_hdf5_file_has_the_recorders_layout(tmp_path):
    import h5py

    rows = recording()
    export(rows, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        times = file["/Observation1/time"]
        assert times.dtype.names == ("int", "frac")
        assert (times.attrs["format"], times.attrs["scale"]) == ("unix", "utc")
        starts_s = times["int"] + times["frac"]
        np.testing.assert_allclose(starts_s, rows.times_s - CADENCE_S, rtol=0, atol=TIME_TOLERANCE_S)
        tuning = file["/Observation1/Tuning1"]
        np.testing.assert_array_equal(tuning["freq"], rows.frequencies_hz)
        assert tuning["freq"].attrs["Units"] == "Hz"
        for i, name in enumerate(("XX", "YY", "XY_real", "XY_imag")):
            assert tuning[name].dtype == np.float32
            # As the recorder, which divides its sums of 24 spectra by 24.
            np.testing.assert_array_equal(tuning[name], rows.data[..., i] / np.float32(24))
        assert file["/Observation1"].attrs["tInt"] == pytest.approx(CADENCE_S)
        assert file["/Observation1"].attrs["RBW"] == pytest.approx(95703.125)


def test_rows_that_a_recorder_has_not_written_yet_are_left_out(tmp_path):
    import h5py

    rows = recording()
    export(rows, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        times = file["/Observation1/time"][()]
        times[20:] = 0
        file["/Observation1/time"][...] = times
    assert len(read_recording(tmp_path / "a.h5")) == 20


def test_an_older_npz_file_is_read_as_i_and_v_and_replayed_as_such(tmp_path):
    rows = recording(12, npol=2, nchan=3072)
    mjd = rows.times_s / 86400 + 40587
    np.savez(tmp_path / "old.npz", data=rows.data, mjd=mjd[:, None], freq=rows.frequencies_hz / 1e6)
    found = read_recording(tmp_path / "old.npz")
    assert found.products == (Product.I, Product.V)
    assert found.data.shape == (12, 768, 2)
    np.testing.assert_allclose(found.times_s, rows.times_s, atol=2e-6, rtol=0)
    with replayed(tmp_path / "old.npz", 12) as receiver:
        np.testing.assert_allclose(receiver.get_latest_data(12, "I"), rows.data[..., 0], rtol=1e-6)
        np.testing.assert_array_equal(receiver.get_latest_data(12, "V"), rows.data[..., 1])
        np.testing.assert_allclose(receiver.get_rows().times_s, rows.times_s, atol=1e-5, rtol=0)


def test_a_dataset_has_named_axes_and_goes_back_to_the_same_recording():
    rows = recording(8)
    dataset = to_dataset(rows)
    assert dict(dataset["XY_imag"].sizes) == {"time": 8, "frequency": 192}
    assert str(dataset["time"].values[0]) == "2025-08-18T21:34:55.038117"
    assert dataset.attrs["units"] == "arbitrary"
    chosen = dataset.sel(time=slice(*np.array(["2025-08-18T21:34:55.3", "2025-08-18T21:34:56"], "datetime64[us]")))
    assert chosen.sizes["time"] == 2
    assert_same(from_dataset(dataset), rows, rows.products)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no spectra at all", "not a FITS, HDF5, NPZ.* file of spectra"),
        (b"\x89HDF\r\n\x1a\n cut off", "recorder's HDF5"),
        (b"PK\x03\x04 cut off", "NPZ"),
        (b"# station=OVRO\ntime_utc,product,20.0\n", "CSV"),
        (b"# station=OVRO\n", "CSV"),
        (b"SIMPLE  = T", "e-CALLISTO"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence_with_its_name(tmp_path, content, said):
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"broken cannot be read.*{said}"):
        read_recording(path)


def test_arrays_that_do_not_fit_each_other_are_refused(tmp_path):
    rows = recording(8)
    np.savez(tmp_path / "a.npz", data=rows.data, mjd=rows.times_s[:5], freq=rows.frequencies_hz)
    with pytest.raises(SourceError, match="do not fit 5 times"):
        read_recording(tmp_path / "a.npz")


def test_a_pickle_in_an_npz_file_is_never_loaded(tmp_path):
    np.savez(tmp_path / "a.npz", about=np.array([object()], object), mjd=1)
    with pytest.raises(SourceError, match="NPZ"):
        read_recording(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("products", "said"), [((Product.V_OVER_I,), "only V/I"), ((Product.Q,), "only Q"), ((Product.V,), None)]
)
def test_what_no_stream_carries_is_not_replayed(tmp_path, products, said):
    export(recording(4, npol=1, products=products), tmp_path / "a.npz")
    if said is None:
        assert next(open_replay(tmp_path / "a.npz", 560).gulps()).shape == (1, 1, 768, 4)
    else:
        with pytest.raises(SourceError, match=said):
            open_replay(tmp_path / "a.npz", 560)


def test_an_export_that_fails_leaves_neither_a_file_nor_a_half_of_one(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="choose another file"):
        export(recording(4), tmp_path / "file" / "a.npz")
    with pytest.raises(ExportError, match="no rows"):
        export(recording(0), tmp_path / "a.npz")
    with pytest.raises(ExportError, match="no V/I to export"):
        export(recording(4, npol=1), tmp_path / "a.fits", Product.V_OVER_I)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_csv_file_is_a_table_that_any_program_reads(tmp_path):
    rows = recording(4)
    export(rows, tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    comments = [line for line in lines if line.startswith("# ")]
    assert "# chan0=560" in comments
    table = list(csv.reader(lines[len(comments) :]))
    assert table[0][:2] == ["time_utc", "product"]
    assert float(table[0][2]) == pytest.approx(rows.frequencies_hz[0] / 1e6)
    assert table[1][:2] == ["2025-08-18T21:34:55.038117Z", "XX"]
    assert len(table) == 1 + 4 * 4


def test_the_receiver_exports_what_it_has_and_an_interval_of_it(tmp_path):
    with (
        producing(speed=20, frames=60) as port,
        StreamReceiver(stream_port=port, plot_interval=0, station="here") as receiver,
    ):
        assert receiver.wait_for_frames(40, 20)
        rows = receiver.recording()
        receiver.export(tmp_path / "all.npz")
        begin_s, end_s = float(rows.times_s[5]), float(rows.times_s[15])
        receiver.export(tmp_path / "some.fits", "I", start=begin_s, end=end_s)
        with pytest.raises(ExportError, match="no rows"):
            receiver.export(tmp_path / "none.npz", end=begin_s - 3600)
        with pytest.raises(UsageError, match="must end in"):
            receiver.export(tmp_path / "none.txt")
    assert read_recording(tmp_path / "all.npz").station == "here"
    some = read_recording(tmp_path / "some.fits")
    assert len(some) == 10
    np.testing.assert_allclose(some.data[..., 0], rows.power(Product.I)[6:16], rtol=POWER_TOLERANCE)


def test_an_export_without_rows_is_refused(tmp_path):
    receiver = StreamReceiver(stream_port=1, plot_interval=0)
    assert receiver.recording() is None
    with pytest.raises(ExportError, match="nothing has been received"):
        receiver.export(tmp_path / "a.npz")


def test_the_command_converts_a_file_and_cuts_it(tmp_path, capsys):
    export(recording(24), tmp_path / "a.npz")
    arguments = ["export", str(tmp_path / "b.h5"), "--input", str(tmp_path / "a.npz"), "--start", "2025-08-18T21:34:57"]
    assert main(arguments) == 0
    assert "16 rows" in capsys.readouterr().out
    assert len(read_recording(tmp_path / "b.h5")) == 16


def test_the_command_exports_a_live_stream(tmp_path, capsys):
    with producing(speed=20) as port:
        assert main(["export", str(tmp_path / "b.csv"), "--port", str(port), "--frames", "5"]) == 0
    assert len(read_recording(tmp_path / "b.csv")) == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "a.txt"], "must end in one of"),
        (["export"], "output"),
        (["export", "a.npz", "--start", "soon"], "soon"),
        (["export", "a.npz", "--product", "V"], "leave it out"),
        (["export", "a.npz", "--input", "missing.npz"], "cannot be read"),
        (["export", "a.npz", "--port", "1", "--timeout", "0.1"], "nothing came"),
    ],
)
def test_wrong_use_of_export_is_one_sentence(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) in (1, 2)
    # While it waits for a stream it may log that nobody answers.
    told = [line for line in capsys.readouterr().err.splitlines() if " WARNING " not in line]
    assert len(told) == 1
    assert said in told[0]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("module", "code"),
    [
        ("h5py", "from sunspec_tui.cli.main import main; sys.exit(main(['export', 'b.h5', '--input', 'a.npz']))"),
        ("xarray", "from sunspec_tui.cli.main import main; sys.exit(main(['export', 'b.npz', '--input', 'days']))"),
        (
            "distributed",
            "from sunspec_tui.cli.main import main; sys.exit(main(['quicklook', 'days', '--scheduler', 'tcp://127.0.0.1:1']))",
        ),
        (
            "zarr",
            "from sunspec_tui.cli.main import main; sys.exit(main(['--no-ui', '--archive', 'x', '--duration', '1']))",
        ),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_its_extra(tmp_path, module, code):
    export(recording(4), tmp_path / "a.npz")
    (tmp_path / "days" / "2025-08-18.zarr").mkdir(parents=True)
    run = f"import sys; sys.modules[{module!r}] = None; {code}"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'sunspec-tui[" in done.stderr
    assert done.stderr.count("\n") == 1


def test_copies_of_the_ring_are_whole_while_it_is_written():
    """Copied rows are in order while other rows are appended."""
    from sunspec_tui.core.ring_buffer import RingBuffer
    from sunspec_tui.core.ring_copy import iter_blocks

    ring = RingBuffer(300, 8, 1)
    stopping = threading.Event()

    def append():
        n = 0
        while not stopping.is_set():
            ring.append(np.full((8, 1), n, np.float32), float(n), n)
            n += 1

    writer = threading.Thread(target=append)
    writer.start()
    try:
        poll_until(lambda: ring.count > 600)
        for _ in range(50):
            found = list(iter_blocks(ring, ring.count - ring.filled, ring.count))
            times = np.concatenate([rows.times_s for rows in found])
            data = np.concatenate([rows.data for rows in found])
            assert (np.diff(times) > 0).all()
            np.testing.assert_array_equal(data[:, 0, 0], times.astype(np.float32))
    finally:
        stopping.set()
        writer.join()


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.fits"])
def test_uneven_times_are_replayed_as_they_are(tmp_path, name):
    """A stream may have steps of two lengths.

    Then its cadence is neither of them, but their mean.
    """
    rows = recording(400)
    rows.times_s[:] = rows.times_s[0] + np.cumsum(np.where(np.arange(400) % 31, 0.2507755, 0.2256980))
    export(rows, tmp_path / name)
    with replayed(tmp_path / name, 400) as receiver:
        found = receiver.get_rows().times_s
        assert receiver.snapshot().health.restarts == 0
    np.testing.assert_allclose(found, rows.times_s, rtol=0, atol=1e-5)


def test_the_cadence_of_what_is_exported_is_the_mean_of_its_steps(tmp_path):
    with (
        producing(speed=0, frames=200, wait=True) as port,
        StreamReceiver(stream_port=port, plot_interval=0) as receiver,
    ):
        assert receiver.wait_for_frames(200, 20)
        rows = receiver.recording()
    assert rows.cadence_s == pytest.approx((rows.times_s[-1] - rows.times_s[0]) / 199)
    assert receiver.snapshot().health.cadence_s != pytest.approx(rows.cadence_s, abs=1e-4)


def test_a_part_of_a_file_is_replayed(tmp_path):
    rows = recording(24)
    export(rows, tmp_path / "a.npz")
    begin, end = (str(np.datetime64(round(rows.times_s[i] * 1e6), "us")) for i in (3, 9))
    with replayed(tmp_path / "a.npz", 6, start=begin, end=end) as receiver:
        np.testing.assert_array_equal(receiver.recording().data, rows.data[4:10])
    with pytest.raises(SourceError, match="no rows in that time"):
        open_replay(tmp_path / "a.npz", 560, between_s=(0.0, 1.0))


def csv_lines(tmp_path):
    export(recording(4), tmp_path / "a.csv")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("time_utc")) + 1
    return lines[:begin], lines[begin:]


def test_a_csv_table_that_was_sorted_is_refused_instead_of_misread(tmp_path):
    head, lines = csv_lines(tmp_path)
    (tmp_path / "b.csv").write_text("\n".join([*head, *sorted(lines, key=lambda line: line.split(",")[1])]))
    with pytest.raises(SourceError, match="line 2 of the table is not"):
        read_recording(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_text("\n".join([*head, *lines[:-1]]))
    with pytest.raises(SourceError, match="lacks products"):
        read_recording(tmp_path / "c.csv")


def test_times_of_a_csv_table_without_a_zone_are_utc(tmp_path, monkeypatch):
    head, lines = csv_lines(tmp_path)
    (tmp_path / "b.csv").write_text("\n".join([*head, *(line.replace("Z,", ",", 1) for line in lines)]))
    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    try:
        np.testing.assert_array_equal(
            read_recording(tmp_path / "b.csv").times_s, read_recording(tmp_path / "a.csv").times_s
        )
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.fits", "a.csv"])
def test_a_file_cut_off_or_spoilt_anywhere_is_one_sentence_or_still_a_recording(tmp_path, name):
    export(recording(6, nchan=64), tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    rng = np.random.default_rng(4)
    # Each HDF5 file takes a process.
    for n in range(extent(10 if name == "a.h5" else 20, 40)):
        spoilt = bytearray(whole[: int(rng.integers(8, len(whole)))] if n % 2 else whole)
        for place in rng.integers(0, len(spoilt), 8):
            spoilt[place] = int(rng.integers(256))
        (tmp_path / "spoilt").write_bytes(spoilt)
        try:
            read_recording(tmp_path / "spoilt")
        except SourceError as error:
            assert "spoilt" in str(error)  # noqa: PT017 - either is well


def test_a_recording_of_one_frequency_is_exported_and_not_replayed(tmp_path):
    rows = recording(6, nchan=4)
    for name in ("a.npz", "a.h5", "a.csv", "a.fits"):
        export(rows, tmp_path / name)
        assert read_recording(tmp_path / name).data.shape[:2] == (6, 1)
    with pytest.raises(SourceError, match="single frequency"):
        open_replay(tmp_path / "a.npz", 560)


def test_a_recorders_file_without_a_row_says_so(tmp_path):
    import h5py

    export(recording(4), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        file["/Observation1/time"][...] = np.zeros(4, file["/Observation1/time"].dtype)
    with pytest.raises(SourceError, match="none of its 4 rows has a time"):
        read_recording(tmp_path / "a.h5")


def test_a_start_after_the_end_is_one_sentence_wherever_it_is_said(tmp_path, capsys):
    span = ["--start", "2025-08-18T22:00", "--end", "2025-08-18T21:00"]
    for words in (["export", str(tmp_path / "x.npz")], ["quicklook", str(tmp_path)], ["stream", "--source", "x.npz"]):
        assert main([*words, *span]) == 2
        assert "is after the end" in capsys.readouterr().err


def test_paths_may_be_text(tmp_path):
    path = str(tmp_path / "rows.npz")
    export(recording(3), path)
    assert len(read_recording(path)) == 3


def test_exports_to_one_name_at_once_are_each_whole(tmp_path):
    rows = recording(200)
    threads = [threading.Thread(target=export, args=(rows, tmp_path / "a.npz")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(read_recording(tmp_path / "a.npz").data, rows.data)
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("suffix", [".csv", ".fits", ".h5", ".npz"])
@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_file_may_have_the_longest_name_that_the_disk_takes(tmp_path, letter, suffix):
    name = letter * ((255 - len(suffix)) // len(letter.encode())) + suffix
    export(recording(3), tmp_path / name)
    assert len(read_recording(tmp_path / name)) == 3
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_first_time_is_that_of_the_file(tmp_path):
    export(recording(4), tmp_path / "a.npz")
    assert read_recording(tmp_path / "a.npz").starts_s[0] == pytest.approx(START_S, abs=1e-5)
