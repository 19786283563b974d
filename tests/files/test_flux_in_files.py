"""Powers in sfu in files, the archive and pictures of files."""

import re
from dataclasses import replace

import numpy as np
import pytest
from archive_runs import Following
from recordings import START_S, recording

from sunspec_tui import export, read_recording
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.flux_scale import load_flux_scale, scale_recording
from sunspec_tui.core.products import Product
from sunspec_tui.files.file_series import read_rows
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.producer.replay import open_replay

FACTOR = 4.1667e-06


def in_sfu(**options):
    rows = recording(24, nchan=64, **options)
    return rows, scale_recording(rows, load_flux_scale(FACTOR))


@pytest.mark.parametrize("suffix", [".fits", ".h5", ".npz", ".csv"])
def test_each_format_keeps_powers_in_sfu_and_their_unit(tmp_path, suffix):
    rows, scaled = in_sfu(npol=1)
    export(scaled, tmp_path / f"a{suffix}")
    found = read_recording(tmp_path / f"a{suffix}")
    assert found.unit == "sfu"
    valid = rows.data > 0
    np.testing.assert_allclose(found.data[valid], rows.data[valid] * np.float32(FACTOR), rtol=1e-5)
    export(found, tmp_path / f"b{suffix}")
    assert read_recording(tmp_path / f"b{suffix}").unit == "sfu"
    export(rows, tmp_path / f"c{suffix}")
    assert read_recording(tmp_path / f"c{suffix}").unit == "arbitrary"


@pytest.mark.parametrize(
    ("product", "digits", "unit", "card"),
    [
        ("XX", False, "dB(sfu)", "sfu"),
        ("V", False, "sfu", "sfu"),
        ("V/I", False, "arbitrary", None),
        ("I", True, "digits", "sfu"),
    ],
)
def test_fits_names_the_unit(tmp_path, caplog, product, digits, unit, card):
    from astropy.io import fits

    rows, scaled = in_sfu(npol=4)
    export(scaled, tmp_path / "a.fits", product, digits=digits)
    with fits.open(tmp_path / "a.fits") as file:
        assert file[0].header["BUNIT"] == unit
        assert file[0].header.get("FLUXUNIT") == card
        assert ("dB(sfu) is" in str(file[0].header.get("COMMENT", ""))) == digits
    caplog.clear()
    found = read_recording(tmp_path / "a.fits")
    assert not caplog.messages
    factor = 1 if product == "V/I" else FACTOR
    expected = rows.power(Product(product)) * factor
    valid = (expected > 0) | (product in ("V", "V/I"))
    tolerance = 0.05 if digits else 1e-4
    np.testing.assert_allclose(found.data[..., 0][valid], expected[valid], rtol=tolerance)


def test_hdf5_in_sfu_is_not_divided_as_the_recorders_is(tmp_path):
    import h5py

    _, scaled = in_sfu(npol=4)
    export(scaled, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        values = file["Observation1/Tuning1/XX"]
        assert (file.attrs["sunspec_units"], values.attrs["units"]) == ("sfu", "sfu")
        assert "sunspec_navg" not in file.attrs
        np.testing.assert_array_equal(values[()], scaled.data[..., 0])


def test_a_dataset_names_the_unit_of_each_variable():
    pytest.importorskip("xarray")
    from sunspec_tui.files.xarray_dataset import from_dataset, to_dataset

    _, scaled = in_sfu(npol=4)
    dataset = to_dataset(scaled)
    assert (dataset["XX"].attrs["units"], dataset.attrs["units"]) == ("sfu", "sfu")
    assert from_dataset(dataset).unit == "sfu"


def test_files_of_different_units_do_not_belong_together(tmp_path):
    rows, scaled = in_sfu(npol=1)
    export(rows, tmp_path / "a.npz")
    export(replace(scaled, times_s=scaled.times_s + 60), tmp_path / "b.npz")
    with pytest.raises(SourceError, match="has powers in sfu, not arbitrary"):
        read_rows([tmp_path / "a.npz", tmp_path / "b.npz"], RowSelection())


def test_a_replay_in_sfu_says_that_the_stream_has_no_unit(tmp_path, caplog):
    rows, scaled = in_sfu()
    for each, count in ((rows, 0), (scaled, 1)):
        export(each, tmp_path / "a.npz")
        caplog.clear()
        open_replay(tmp_path / "a.npz", 560)
        assert sum("powers in sfu" in text for text in caplog.messages) == count


# Commands


def test_an_archive_keeps_powers_as_received_and_is_exported_in_sfu(tmp_path, capsys):
    rows = recording(24, nchan=64)
    with Following(tmp_path / "archive") as archive:
        archive.add(rows)
        archive.wait_for(len(rows))
    kept = read_recording(tmp_path / "archive")
    assert kept.unit == "arbitrary"
    out, scale = str(tmp_path / "a.npz"), ["--flux-scale", str(FACTOR)]
    assert main(["export", out, "--input", str(tmp_path / "archive"), *scale]) == 0
    found = read_recording(out)
    assert found.unit == "sfu"
    np.testing.assert_array_equal(found.data, kept.data * np.float32(FACTOR))
    capsys.readouterr()
    assert main(["export", str(tmp_path / "b.npz"), "--input", out, *scale]) == 2
    assert "in sfu already; leave --flux-scale out" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [["--no-ui"], ["snapshot"], ["export", "b.npz", "--input", "a.npz"], ["quicklook", "a.npz"]]
)
@pytest.mark.parametrize("content", [None, "10 1\n5 1\n"])
def test_a_wrong_file_is_wrong_use(tmp_path, monkeypatch, capsys, command, content):
    monkeypatch.chdir(tmp_path)
    export(recording(4, nchan=64), tmp_path / "a.npz")
    if content is not None:
        (tmp_path / "scale.txt").write_text(content)
    assert main([*command, "--flux-scale", "scale.txt"]) == 2
    assert re.fullmatch(r"[^\n]*--flux-scale [^\n]*scale.txt[^\n]*\n", capsys.readouterr().err)
    assert not (tmp_path / "b.npz").exists()


def test_a_picture_of_files_is_labelled_in_sfu(tmp_path, monkeypatch):
    from sunspec_tui.plots.figure import SpectrumFigure
    from sunspec_tui.plots.file_quicklook import file_quicklook
    from sunspec_tui.plots.quicklook_figure import FigureChoices

    drawn = []
    monkeypatch.setattr(SpectrumFigure, "draw", lambda self, job: drawn.append(job))
    monkeypatch.setattr(SpectrumFigure, "png", lambda self: b"")
    export(recording(24, nchan=64), tmp_path / "a.npz")
    for scale in (None, load_flux_scale(FACTOR)):
        list(file_quicklook([tmp_path / "a.npz"], tmp_path, RowSelection(), choices=FigureChoices(flux_scale=scale)))
    before, after = drawn
    assert (before.unit, after.unit) == ("arbitrary", "sfu")
    np.testing.assert_allclose(after.data, before.data * np.float32(FACTOR), rtol=1e-6)
    np.testing.assert_allclose(after.spectra["XX"], before.spectra["XX"] * np.float32(FACTOR), rtol=1e-5)
    assert after.times_s[0] > START_S
