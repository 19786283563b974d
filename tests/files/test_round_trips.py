"""Tests of the contents of each export format.

They are those of the table in docs/files.md, and are read back.
"""

import csv
import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from recordings import START_S, recording

from sunspec_tui import export, plot_window, read_recording, rebinned
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CLOCK_HZ
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.times import parse_user_time
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT
from sunspec_tui.producer.replay import open_replay

NAVG = 24
POWERS = (Product.XX, Product.YY, Product.I)


class Raw(NamedTuple):
    """Contents of a file as another program reads them."""

    starts_s: np.ndarray | None
    ends_s: np.ndarray | None
    hz: np.ndarray
    power: np.ndarray
    said: dict[str, Any]


def raw_fits(path: Path) -> Raw:
    """Read a FITS file as other programs do.

    The image starts with the highest frequency, times are starts of rows, values are dB or linear.
    """
    from astropy.io import fits

    with fits.open(path) as file:
        header, image = dict(file[0].header), file[0].data[::-1].T.astype(float)
        offsets_s, mhz = file[1].data["TIME"][0].copy(), file[1].data["FREQUENCY"][0].copy()
    begin_s = parse_user_time(f"{header['DATE-OBS'].replace('/', '-')}T{header['TIME-OBS']}")
    if header["BUNIT"] == "digits":
        # As the scripts of the network do.
        image = np.where(image == 0, np.nan, image * 2500.0 / 255.0 / 25.4 + header["DBZERO"])
    power = image if header["BUNIT"] == "arbitrary" else 10 ** (image / 10)
    said = {"station": header["INSTRUME"], "software": header["CREATOR"], "cadence_s": header["CDELT1"]}
    return Raw(begin_s + offsets_s, None, mhz[::-1] * 1e6, power[..., None], said)


def raw_hdf5(path: Path) -> Raw:
    """Read an HDF5 file as other programs do.

    As the recorder's, it has starts in two parts, sums of 24 spectra divided by 24, and Stokes parameters as sums.
    """
    import h5py

    with h5py.File(path) as file:
        observation, tuning = file["Observation1"], file["Observation1/Tuning1"]
        starts_s = observation["time"]["int"] + observation["time"]["frac"]
        names = [name for name in ("XX", "YY", "XY_real", "XY_imag", "I", "Q", "U", "V", "V_over_I") if name in tuning]
        factors = [{"V_over_I": 1}.get(name, NAVG if name[0] in "XY" else NAVG / 2) for name in names]
        power = np.stack([tuning[name][()] * factor for name, factor in zip(names, factors, strict=True)], axis=-1)
        said = {"station": file.attrs["StationName"].upper(), "software": file.attrs["FileGenerator"]}
        return Raw(starts_s, None, tuning["freq"][()], power, said | {"cadence_s": observation.attrs["tInt"]})


def raw_npz(path: Path) -> Raw:
    with np.load(path) as file:
        return Raw(None, file["times"], file["frequencies"], file["data"], json.loads(str(file["about"])))


def raw_csv(path: Path) -> Raw:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line[2:].split("=", 1) for line in lines if line.startswith("# ")]
    table = list(csv.reader(lines[len(comments) :]))
    products = list(dict.fromkeys(row[1] for row in table[1:]))
    values = np.array([[float(cell) for cell in row[2:]] for row in table[1:]])
    values = values.reshape(-1, len(products), values.shape[1])
    ends_s = np.array([parse_user_time(row[0]) for row in table[1 :: len(products)]])
    said = dict(comments)
    hz = np.array([float(cell) for cell in table[0][2:]]) * 1e6
    return Raw(None, ends_s, hz, values.swapaxes(1, 2), said | {"cadence_s": float(said["cadence_s"])})


class Format(NamedTuple):
    """Export format, and how other programs read it.

    It also has the precision of its powers, and a mark if it holds one image.
    """

    name: str
    raw: Any
    image: bool
    tolerance: float
    digits: bool = False


DIGIT = 10 ** (DB_PER_DIGIT / 20) - 1
FORMATS = {
    "FITS": Format("a.fits", raw_fits, True, 2e-6),
    "FITS, gzip": Format("a.fit.gz", raw_fits, True, 2e-6),
    "FITS of digits": Format("a.fit", raw_fits, True, 1.0001 * DIGIT, digits=True),
    "HDF5": Format("a.h5", raw_hdf5, False, 2e-7),
    "NPZ": Format("a.npz", raw_npz, False, 0),
    "CSV": Format("a.csv", raw_csv, False, 0),
}
TWO_CADENCES_S = START_S + np.cumsum([1.0] * 20 + [0.5] * 30)
RECORDINGS = {
    "as received": recording(24),
    "with a gap": recording(24, gaps=(9,)),
    "averaged": rebinned(recording(25, gaps=(9,)), 1.0, 6),
    "of two products": recording(12, npol=2),
    "of I alone": recording(8, npol=1, products=(Product.I,)),
    "of V alone": recording(8, npol=1, products=(Product.V,)),
    "of I and V": recording(8, npol=2, products=(Product.I, Product.V)),
    "of one row": recording(1),
    "of two cadences": recording(50, times_s=TWO_CADENCES_S, cadence_s=0.5),
    "of another instrument": recording(8, nchan=40, frequencies_hz=np.geomspace(20e6, 900e6, 10)),
}


def expected(rows: Recording, form: Format, product: Product) -> np.ndarray:
    """Return the power that a file can hold.

    An image in dB has none where there are no decibels.
    """
    if not form.image:
        return rows.data
    power = rows.power(product)[..., None]
    return np.where(power > 0, power, np.nan) if product in POWERS else power


def cases():
    for kind, rows in RECORDINGS.items():
        for name, form in FORMATS.items():
            signed = rows.default_product() not in POWERS
            # Digits have no sign, and I and V together have no XX.
            if (form.digits and signed) or (form.image and kind == "of I and V"):
                continue
            yield pytest.param(kind, name, id=f"{name}, {kind}")


@pytest.mark.parametrize(("kind", "name"), list(cases()))
def test_a_file_says_what_its_format_promises_and_comes_back(tmp_path, kind, name):
    rows, form = RECORDINGS[kind], FORMATS[name]
    product = rows.default_product()
    export(rows, tmp_path / form.name, digits=form.digits)
    power = expected(rows, form, product)

    raw = form.raw(tmp_path / form.name)
    if raw.starts_s is not None:
        np.testing.assert_allclose(raw.starts_s, rows.starts_s, rtol=0, atol=2e-6)
    if raw.ends_s is not None:
        np.testing.assert_allclose(raw.ends_s, rows.times_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(raw.hz, rows.frequencies_hz, rtol=1e-12)
    np.testing.assert_allclose(raw.power, power, rtol=max(form.tolerance, 1e-6))
    assert (raw.said["station"], raw.said["software"]) == (rows.station, rows.software)
    assert raw.said["cadence_s"] == pytest.approx(rows.cadence_s)

    found = read_recording(tmp_path / form.name)
    assert found.products == ((product,) if form.image else rows.products)
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.starts_s, rows.starts_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz, rtol=1e-12)
    np.testing.assert_allclose(found.data, power, rtol=form.tolerance)
    assert found.cadence_s == pytest.approx(rows.cadence_s)
    assert (found.station, found.source, found.software) == (rows.station, rows.source, rows.software)


@pytest.mark.parametrize("name", FORMATS)
def test_each_row_keeps_its_beginning_and_its_end_over_a_change_of_cadence(tmp_path, name):
    form = FORMATS[name]
    export(RECORDINGS["of two cadences"], tmp_path / form.name, digits=form.digits)
    raw, found = form.raw(tmp_path / form.name), read_recording(tmp_path / form.name)
    starts_s = np.array([*range(20), *np.arange(20, 35, 0.5)])
    lengths_s = [1.0] * 20 + [0.5] * 30
    if raw.starts_s is not None:
        np.testing.assert_allclose(raw.starts_s - START_S, starts_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.starts_s - START_S, starts_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.times_s - found.starts_s, lengths_s, rtol=0, atol=2e-6)
    part = read_recording(tmp_path / form.name, start_s=START_S + 10.5, end_s=START_S + 30.1)
    np.testing.assert_allclose(part.times_s - START_S, [*range(11, 20), *np.arange(20, 30.1, 0.5)], rtol=0, atol=2e-6)


def hdf5_lengths(path, lengths):
    import h5py

    with h5py.File(path, "a") as file:
        del file["Observation1/sunspec_lengths"]
        file["Observation1/sunspec_lengths"] = lengths


def fits_lengths(path, lengths):
    from astropy.io import fits

    with fits.open(path) as file:
        columns = [fits.Column(name, f"{len(file[1].data[name][0])}D", array=file[1].data[name][:1].copy())
                   for name in ("TIME", "FREQUENCY")]  # fmt: skip
        columns.append(fits.Column("LENGTH", f"{len(lengths)}D", array=np.array(lengths)[None]))
        image = fits.PrimaryHDU(file[0].data.copy(), file[0].header)
        fits.HDUList([image, fits.BinTableHDU.from_columns(columns)]).writeto(path, overwrite=True)


@pytest.mark.parametrize("change", [("a.fits", fits_lengths), ("a.h5", hdf5_lengths)], ids=["FITS", "HDF5"])
@pytest.mark.parametrize(
    "lengths", [[1.0] * 49, [math.nan] * 50, [-1.0] * 50, [0.0] * 50, [1e9] * 50],
    ids=["too few", "NaN", "negative", "zero", "too long"],
)  # fmt: skip
def test_impossible_lengths_of_rows_are_refused(tmp_path, change, lengths):
    name, write = change
    export(RECORDINGS["of two cadences"], tmp_path / name)
    write(tmp_path / name, lengths)
    with pytest.raises(SourceError, match="does not hold the seconds that each row lasts"):
        read_recording(tmp_path / name)


def test_a_replay_begins_a_sequence_where_the_cadence_changes(tmp_path):
    export(RECORDINGS["of two cadences"], tmp_path / "a.npz")
    parts = list(open_replay(tmp_path / "a.npz", 600).sequences())
    assert [(part.begin_s, part.spectrum_s) for part in parts] == [(0.0, 1.0), (20.0, 0.5)]
    assert [part.header["spectrum_ticks"] / CLOCK_HZ for part in parts] == [1.0, 0.5]
    assert [sum(map(len, part.gulps)) for part in parts] == [20, 30]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_a_file_is_the_same(tmp_path, name):
    """Powers and times do not change from export to export."""
    form = FORMATS[name]
    export(recording(24, gaps=(9,)), tmp_path / form.name, digits=form.digits)
    first = read_recording(tmp_path / form.name)
    export(first, tmp_path / f"again_{form.name}", digits=form.digits)
    again = read_recording(tmp_path / f"again_{form.name}")
    np.testing.assert_allclose(again.data, first.data, rtol=2e-6)
    np.testing.assert_allclose(again.times_s, first.times_s, rtol=0, atol=2e-6)


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.image])
def test_the_only_product_is_taken_without_a_name(tmp_path, name):
    form = FORMATS[name]
    products = POWERS if form.digits else tuple(Product)
    for product in products:
        rows = recording(6, npol=1, products=(product,))
        export(rows, tmp_path / form.name, digits=form.digits)
        assert read_recording(tmp_path / form.name).products == (product,)


def test_the_command_takes_the_only_product(tmp_path, capsys):
    from sunspec_tui.cli.main import main

    export(recording(6, npol=1, products=(Product.V,)), tmp_path / "a.h5")
    assert main(["export", str(tmp_path / "b.fits"), "--input", str(tmp_path / "a.h5")]) == 0
    assert read_recording(tmp_path / "b.fits").products == (Product.V,)
    export(recording(6, npol=2, products=(Product.I, Product.V)), tmp_path / "c.npz")
    assert main(["export", str(tmp_path / "d.fits"), "--input", str(tmp_path / "c.npz")]) == 1
    assert "no XX to export, choose a --product of I, V" in capsys.readouterr().err


def test_a_figure_takes_the_only_product(tmp_path):
    export(recording(6), tmp_path / "a.fits", "V")
    figure = plot_window(read_recording(tmp_path / "a.fits"))
    assert any("  V  " in axes.get_title() for axes in figure.axes) or "  V  " in str(figure.get_suptitle())


@pytest.mark.parametrize(
    ("product", "place"), [("XX", 0), ("YY", 1), ("XY_real", 2), ("XY_imag", 3), ("I", 0), ("U", 2), ("V", 3)]
)
def test_a_replay_takes_the_only_product(tmp_path, product, place):
    rows = recording(6, npol=1, products=(Product(product),))
    export(rows, tmp_path / "a.npz")
    sent = np.concatenate(list(open_replay(tmp_path / "a.npz", 560).gulps()))[:, 0, ::4]
    np.testing.assert_array_equal(sent[..., place], rows.data[..., 0])


def test_a_replay_of_a_product_that_is_not_shown_at_first_names_it(tmp_path, capsys):
    from sunspec_tui.cli.main import main

    export(recording(6, npol=1, products=(Product.V,)), tmp_path / "a.npz")
    words = ["stream", "--source", str(tmp_path / "a.npz"), "--port", "0", "--frames", "1", "--speed", "0"]
    assert main(words) == 0
    assert "has only V; show it with --product V" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["as received", "with a gap", "averaged", "of two products"])
def test_the_archive_gives_back_its_rows(tmp_path, kind):
    from sunspec_tui.files.archive.store import open_store

    rows = RECORDINGS[kind]
    open_store(tmp_path, rows).append(rows)
    found = read_recording(tmp_path)
    np.testing.assert_array_equal(found.data, rows.data)
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.frequencies_hz, rows.frequencies_hz)
    assert (found.products, found.station, found.source) == (rows.products, rows.station, rows.source)
    assert found.cadence_s == pytest.approx(rows.cadence_s, rel=1e-5)


def test_a_file_of_the_older_system_gives_its_bins_on_their_own_axis(tmp_path):
    rows = recording(12, npol=2, nchan=3072)
    mjd, freq = rows.times_s / 86400 + 40587, np.linspace(600, 3671, 768) * CHANNEL_WIDTH_HZ
    np.savez(tmp_path / "old.npz", data=rows.data, mjd=mjd[:, None], freq=freq)
    found = read_recording(tmp_path / "old.npz", chan0=560)
    assert found.products == (Product.I, Product.V)
    np.testing.assert_array_equal(found.data, rows.data)
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz, rtol=1e-12)
