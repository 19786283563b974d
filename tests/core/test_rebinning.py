"""Tests of means over time and over neighbouring frequencies.

A mean has only valid values, and never spans a gap.
"""

from dataclasses import replace

import numpy as np
import pytest
from publishers import producing
from recordings import CADENCE_S, START_S, recording

from sunspec_tui import StreamReceiver, export, read_recording, rebinned
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import WIRE_PRODUCTS, Product
from sunspec_tui.core.recording import Recording, channels_of

FORMS = ("a.fits", "a.h5", "a.npz", "a.csv")


def counted(ends_s, cadence_s):
    """Return rows whose power is their number.

    They have 8 bins of 4 channels.
    """
    ends_s = np.asarray(ends_s, float)
    data = np.arange(len(ends_s), dtype=np.float32)[:, None, None] + np.zeros((1, 8, 1), np.float32)
    return Recording(data, WIRE_PRODUCTS[:1], ends_s, bin_frequencies_hz(560, 32, 4), cadence_s, station="here")


@pytest.mark.parametrize(
    ("ends_s", "cadence_s", "row_s", "means", "new_ends_s", "new_cadence_s", "left_out"),
    [
        # Even rows, with a rest at the end.
        (np.arange(1, 11), 1.0, 4, [1.5, 5.5], [4, 8], 4.0, 2),
        (np.arange(1, 11), 1.0, 1, np.arange(10), np.arange(1, 11), 1.0, 0),
        (np.arange(1, 11), 1.0, 10, [4.5], [10], 10.0, 0),
        # A whole number of rows comes nearest.
        (0.25 * np.arange(1, 9), 0.25, 1.1, [1.5, 5.5], [1, 2], 1.0, 0),
        # Each group is counted from the first row after a gap.
        ([1, 2, 3, 4, 5, 11, 12, 13, 14], 1.0, 2, [0.5, 2.5, 5.5, 7.5], [2, 4, 12, 14], 2.0, 1),
        # Time goes back, and a time comes twice.
        ([1, 2, 3, 1, 2, 3, 4], 1.0, 2, [0.5, 3.5, 5.5], [2, 2, 4], 2.0, 1),
        ([1, 2, 2, 3], 1.0, 2, [0.5, 2.5], [2, 3], 2.0, 0),
        # Rows of half the length between others are no part of their group.
        ([1, 2, 3, 3.5, 4.5, 5.5], 1.0, 2, [0.5, 3.5], [2, 4.5], 2.0, 2),
        # The cadence changes from 1 s to 0.5 s; the rows of the result are all as long.
        (np.cumsum([1.0] * 12 + [0.5] * 12), 0.5, 2, [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 13.5, 17.5, 21.5],
         [2, 4, 6, 8, 10, 12, 14, 16, 18], 2.0, 0),
        # Steps of two lengths are one cadence.
        (np.cumsum([0.3, 0.2] * 6), 0.25, 1, [1.5, 5.5, 9.5], [1, 2, 3], 1.0, 0),
        ([7.0, 8.0], 1.0, 2, [0.5], [8], 2.0, 0),
    ],
)  # fmt: skip
def test_rows_are_averaged_within_their_runs(
    warnings_logged, ends_s, cadence_s, row_s, means, new_ends_s, new_cadence_s, left_out
):
    found = rebinned(counted(ends_s, cadence_s), row_s)
    np.testing.assert_allclose(found.data[:, 0, 0], means)
    np.testing.assert_allclose(found.times_s, new_ends_s)
    assert found.cadence_s == pytest.approx(new_cadence_s)
    assert found.station == "here"
    assert [note.partition(" rows")[0] for note in warnings_logged()] == [f"{left_out} of {len(ends_s)}"] * bool(
        left_out
    )


def test_a_group_never_spans_a_restart_and_its_mark_stays(warnings_logged):
    rows = replace(counted(np.arange(1, 13), 1.0), restart_ends_s=np.array([6.0, 12.0]))
    found = rebinned(rows, 2)
    # The second restart has no whole group.
    np.testing.assert_allclose(found.data[:, 0, 0], [0.5, 2.5, 5.5, 7.5, 9.5])
    assert found.times_s[found.restarts].tolist() == [7.0]
    assert len(warnings_logged()) == 1
    assert rebinned(rows, bins=2).times_s[rebinned(rows, bins=2).restarts].tolist() == [6.0, 12.0]


def test_the_beginnings_of_longer_rows_are_those_of_their_first_rows():
    rows = recording(24, gaps=(9,))
    found = rebinned(rows, 4 * CADENCE_S)
    np.testing.assert_allclose(found.starts_s, rows.starts_s[[0, 4, 9, 13, 17]], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.times_s, rows.times_s[[3, 7, 12, 16, 20]], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("nchan", "average", "joined"), [(768, 4, 2), (768, 4, 3), (70, 4, 4), (71, 4, 5), (64, 1, 64)]
)
def test_bins_are_averaged_and_their_centres_are_those_of_their_channels(nchan, average, joined):
    """A last bin of fewer channels has a smaller weight."""
    each_channel = recording(6, nchan=nchan, channel_average=1)
    spectra = each_channel.data.astype(np.float64)
    spectra[~np.isfinite(spectra)] = 1
    bins = [spectra[:, i : i + average].mean(axis=1) for i in range(0, nchan, average)]
    rows = recording(6, nchan=nchan, channel_average=average, data=np.stack(bins, axis=1).astype(np.float32))
    found = rebinned(rows, bins=joined)
    wide = [spectra[:, i : i + average * joined].mean(axis=1) for i in range(0, nchan, average * joined)]
    np.testing.assert_allclose(found.data, np.stack(wide, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.frequencies_hz, bin_frequencies_hz(560, nchan, average * joined), rtol=1e-14)
    assert (found.times_s == rows.times_s).all()
    assert found.cadence_s == rows.cadence_s


def test_frequencies_of_another_instrument_are_averaged_as_they_are():
    mhz = np.array([20.0, 20.5, 22.0, 22.25, 30.0])
    rows = recording(4, nchan=20, frequencies_hz=mhz * 1e6)
    found = rebinned(rows, bins=2)
    assert channels_of(rows.frequencies_hz) is None
    np.testing.assert_allclose(found.frequencies_hz, [20.25e6, 22.125e6, 30e6])


def test_only_valid_values_count_and_none_makes_none():
    rows = recording(4, npol=1, nchan=32)
    rows.data[:] = 1
    rows.data[0, 0], rows.data[1, 0], rows.data[2, 0] = np.nan, np.inf, 5
    rows.data[:, 4:6] = np.nan
    rows.data[3, 6] = -np.inf
    found = rebinned(rows, 4 * CADENCE_S, 2).data[0, :, 0]
    # Of eight values each: two are bad, all are bad, one is bad.
    np.testing.assert_allclose(found, [10 / 6, 1, np.nan, 1])
    both = rebinned(rebinned(rows, 4 * CADENCE_S), bins=2).data[0, :, 0]
    assert both[0] == pytest.approx(2)  # a mean of means counts a bin's few values as much as the other's many


def test_derived_products_are_those_of_the_means():
    rows = recording(8)
    found = rebinned(rows, 8 * CADENCE_S)
    mean_v = np.nanmean(rows.data[..., 3].astype(np.float64), axis=0)
    mean_i = np.nanmean(rows.data[..., :2].astype(np.float64), axis=0).mean(axis=-1)
    np.testing.assert_allclose(found.power(Product.V_OVER_I)[0], mean_v / mean_i, rtol=1e-4)


def test_a_long_recording_is_averaged_in_blocks():
    rows = counted(np.arange(1, 40_001), 1.0)
    rows = rebinned(Recording(np.repeat(rows.data, 40, axis=1), rows.products, rows.times_s,
                              bin_frequencies_hz(0, 320, 1), 1.0), 7)  # fmt: skip
    assert len(rows) == 40_000 // 7
    np.testing.assert_allclose(rows.data[:, 0, 0], 3 + 7 * np.arange(len(rows)))


@pytest.mark.parametrize(
    ("rows", "row_s", "bins", "error", "said"),
    [
        (recording(8), 0.01, None, ExportError, "already 0.2508 s long; choose an --average-time of more"),
        (recording(8), 60, None, ExportError, "there are no 60 s of rows without a gap"),
        (recording(1, cadence_s=np.nan), 1, None, ExportError, "no regular step"),
        *((recording(8), bad, None, UsageError, "must be above 0") for bad in (0, -1, np.nan, np.inf, "1")),
        *((recording(8), None, bad, UsageError, "whole number of at least 1") for bad in (0, -1, 1.5, "2")),
    ],
)
def test_what_cannot_be_averaged_is_one_sentence(rows, row_s, bins, error, said):
    with pytest.raises(error, match=said):
        rebinned(rows, row_s, bins)


def test_rows_of_two_lengths_are_told(warnings_logged):
    ends_s = np.cumsum([1.0] * 12 + [0.28] * 20)
    found = rebinned(counted(ends_s, 0.28), 0.9)
    assert found.cadence_s == pytest.approx(1)
    np.testing.assert_allclose(found.times_s[12:], 12 + 0.84 * np.arange(1, 7))
    assert "2 of 32 rows are left out" in warnings_logged()[0]
    assert "rows are 0.84 to 1 s long; export the parts separately" in warnings_logged()[1]


@pytest.mark.parametrize("name", FORMS)
def test_the_command_averages_into_every_form(tmp_path, capsys, name):
    rows = recording(25, gaps=(9,))
    export(rows, tmp_path / "in.npz")
    words = ["export", str(tmp_path / name), "--input", str(tmp_path / "in.npz")]
    assert main([*words, "--average-time", "1", "--average-channels", "6"]) == 0
    said = capsys.readouterr()
    assert "6 rows of 1.003 s" in said.out
    assert "1 of 25 rows are left out" in said.err
    found, wanted = read_recording(tmp_path / name), rebinned(rows, 1, 6)
    np.testing.assert_allclose(found.times_s, rows.times_s[[3, 7, 12, 16, 20, 24]], rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.starts_s, rows.starts_s[[0, 4, 9, 13, 17, 21]], rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.frequencies_hz, bin_frequencies_hz(560, 768, 24), rtol=1e-12)
    assert found.cadence_s == pytest.approx(4 * CADENCE_S)
    power = wanted.data[..., :1] if name == "a.fits" else wanted.data
    np.testing.assert_allclose(found.data, power, rtol=2e-6)


def test_files_say_how_long_and_how_wide_their_means_are(tmp_path):
    import h5py
    from astropy.io import fits

    rows = rebinned(recording(24), 1, 6)
    export(rows, tmp_path / "a.h5")
    export(rows, tmp_path / "a.fits")
    with h5py.File(tmp_path / "a.h5") as file:
        said = file["Observation1"].attrs
        assert (said["nChan"], said["RBW"]) == (32, pytest.approx(24 * 196e6 / 8192))
        assert said["tInt"] == pytest.approx(4 * CADENCE_S)
        assert (file.attrs["sunspec_chan0"], file.attrs["sunspec_channel_average"]) == (560, 24)
    with fits.open(tmp_path / "a.fits") as file:
        header, starts_s = file[0].header, file[1].data["TIME"][0]
        np.testing.assert_allclose(starts_s, 4 * CADENCE_S * np.arange(6), rtol=0, atol=2e-6)
    assert (header["CHAN0"], header["CHANAVG"], header["NAXIS1"], header["NAXIS2"]) == (560, 24, 6, 32)
    assert header["CDELT1"] == pytest.approx(4 * CADENCE_S)


def test_the_receiver_exports_means(tmp_path):
    with (
        producing(speed=0, frames=40, wait=True) as port,
        StreamReceiver(stream_port=port, plot_interval=0) as receiver,
    ):
        assert receiver.wait_for_frames(40, 20)
        receiver.export(tmp_path / "a.npz", average_time=1.0, average_channels=8)
        rows = receiver.recording()
    found = read_recording(tmp_path / "a.npz")
    assert found.data.shape == (10, 96, 4)
    np.testing.assert_array_equal(found.times_s, rows.times_s[3::4])


def test_the_first_row_begins_where_the_file_begins(tmp_path):
    export(rebinned(recording(8), 1), tmp_path / "a.h5")
    assert read_recording(tmp_path / "a.h5").starts_s[0] == pytest.approx(START_S, abs=1e-5)


@pytest.mark.parametrize(("option", "value"), [("--average-time", "0"), ("--average-channels", "0")])
def test_a_wrong_number_is_one_sentence(tmp_path, capsys, option, value):
    assert main(["export", str(tmp_path / "a.npz"), option, value]) == 2
    assert f"{option} is" in capsys.readouterr().err
