"""Tests of FITS files of 8-bit digits.

They are for tools that expect the files of e-CALLISTO stations.
"""

import numpy as np
import pytest
from radiospectra_reader import open_spectrogram
from recordings import recording

from sunspec_tui import export, read_recording
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.products import Product
from sunspec_tui.files.callisto_digits import DB_PER_DIGIT, digits_of


def opened(path):
    """Return image and header as astropy reads them."""
    from astropy.io import fits

    with fits.open(path) as file:
        return file[0].data.copy(), file[0].header.copy(), [name.upper() for name in file[1].columns.names]


def with_levels(low_db, high_db):
    """Return rows whose XX goes from one level to another."""
    rows = recording(8)
    rows.data[..., 0] = 10 ** (np.linspace(low_db, high_db, rows.data[..., 0].size) / 10).reshape(8, -1)
    return rows


@pytest.mark.parametrize(
    ("low_db", "high_db", "zero"),
    [
        # As received, as the recorder's files, weak, strong: an offset only where the digits do not reach.
        (44, 77, 0), (30, 63, 0), (0.4, 98.4, 0), (-40, 20, -105), (60, 150, 154), (98.2, 98.6, 253), (-0.5, -0.4, -3),
    ],
)  # fmt: skip
def test_digits_are_read_back_within_half_a_digit(tmp_path, warnings_logged, low_db, high_db, zero):
    rows = with_levels(low_db, high_db)
    rows.data[2, 3:6, 0] = np.nan, 0, -4
    export(rows, tmp_path / "a.fit", digits=True)
    found = read_recording(tmp_path / "a.fit")
    assert found.products == (Product.XX,)
    valid = rows.data[..., 0] > 0
    error_db = 10 * np.log10(found.data[..., 0][valid].astype(float) / rows.data[..., 0][valid])
    assert np.abs(error_db).max() <= DB_PER_DIGIT / 2 + 1e-4
    assert np.isnan(found.data[..., 0][~valid]).all()
    np.testing.assert_allclose(found.times_s, rows.times_s, rtol=0, atol=2e-6)
    np.testing.assert_allclose(found.frequencies_hz, rows.frequencies_hz, rtol=1e-12)
    assert (found.station, found.software, found.cadence_s) == (rows.station, rows.software, rows.cadence_s)
    assert opened(tmp_path / "a.fit")[1]["DBZERO"] == pytest.approx(zero * DB_PER_DIGIT, rel=1e-12)
    assert warnings_logged() == []


def test_other_programs_see_what_a_station_writes(tmp_path):
    rows = with_levels(44, 77)
    rows.data[2, 3, 0] = np.nan
    export(rows, tmp_path / "a.fit", digits=True)
    image, header, names = opened(tmp_path / "a.fit")
    assert image.dtype == np.uint8
    assert (header["BITPIX"], header["BZERO"], header["BSCALE"], header["BUNIT"]) == (8, 0, 1, "digits")
    assert (header["DATAMIN"], header["DATAMAX"]) == (image.min(), image.max())
    assert names == ["TIME", "FREQUENCY"]
    # No card that would make astropy give floats with NaN.
    assert "BLANK" not in header
    # What scripts of the network do with a digit gives our decibels.
    decibels = image[::-1].T * 2500.0 / 255.0 / 25.4
    wanted = 10 * np.log10(rows.data[..., 0])
    assert np.nanmax(np.abs(decibels - wanted)) <= DB_PER_DIGIT / 2 + 1e-4
    assert decibels[2, 3] == 0


def test_the_header_says_what_a_digit_is(tmp_path):
    export(with_levels(-40, 20), tmp_path / "a.fit", digits=True)
    _, header, _ = opened(tmp_path / "a.fit")
    assert header["NODATA"] == 0
    assert "no value" in header.comments["NODATA"]
    assert header["DBDIGIT"] == pytest.approx(DB_PER_DIGIT, rel=1e-12)
    assert header["DBZERO"] == pytest.approx(-105 * DB_PER_DIGIT, rel=1e-12)
    assert "DBZERO + digit * DBDIGIT; a digit of 0 is no value" in str(header["COMMENT"])


def test_digits_open_in_radiospectra(tmp_path):
    rows = with_levels(44, 77)
    export(rows, tmp_path / "a.fit", digits=True)
    spectrogram = open_spectrogram(tmp_path / "a.fit")
    assert spectrogram.data.dtype == np.uint8
    np.testing.assert_allclose(spectrogram.times.unix, rows.starts_s, rtol=0, atol=1e-5)
    assert spectrogram.plot() is not None


def test_a_range_of_more_than_8_bits_keeps_the_highest_and_says_so(tmp_path, warnings_logged):
    rows = with_levels(-60, 60)
    export(rows, tmp_path / "a.fit", digits=True)
    found, (note,) = read_recording(tmp_path / "a.fit").data[..., 0], warnings_logged()
    power = rows.data[..., 0]
    low_db = -98 * DB_PER_DIGIT
    inside = 10 * np.log10(power) >= low_db - DB_PER_DIGIT / 2
    np.testing.assert_allclose(10 * np.log10(found[inside] / power[inside]), 0, atol=DB_PER_DIGIT / 2 + 1e-4)
    np.testing.assert_allclose(found[~inside], 10 ** (low_db / 10), rtol=1e-5)
    assert note.startswith(f"{np.sum(~inside)} values are not between -37.8 and 60.2 dB")


def test_rows_without_a_value_are_digits_of_no_value():
    found = digits_of(np.full((2, 3), np.nan, np.float32))
    assert (found.values.tolist(), found.zero_db, found.outside) == ([[0] * 3] * 2, 0.0, 0)


def test_a_file_of_a_station_has_no_digit_of_no_value(tmp_path):
    """Digit 0 of a station is the lowest level."""
    from astropy.io import fits

    export(with_levels(44, 77), tmp_path / "a.fit", digits=True)
    with fits.open(tmp_path / "a.fit", mode="update") as file:
        for name in ("NODATA", "DBDIGIT", "DBZERO", "CREATOR"):
            del file[0].header[name]
        file[0].data[0, 0] = 0
    assert read_recording(tmp_path / "a.fit").data[0, -1, 0] == 1


@pytest.mark.parametrize("product", ["V", "V/I", "Q", "XY_real"])
def test_a_product_with_a_sign_has_no_digits(tmp_path, product):
    with pytest.raises(ExportError, match="has a sign, which digits have not; choose XX, YY or I"):
        export(recording(4), tmp_path / "a.fit", product, digits=True)
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_digits(tmp_path, capsys):
    export(with_levels(44, 77), tmp_path / "a.npz")
    words = ["export", "--input", str(tmp_path / "a.npz"), "--digits"]
    assert main([*words, str(tmp_path / "b.fit.gz"), "--product", "I"]) == 0
    assert opened(tmp_path / "b.fit.gz")[0].dtype == np.uint8
    assert capsys.readouterr().err == ""
    assert main([*words, str(tmp_path / "b.npz")]) == 2
    assert ".npz has no digits" in capsys.readouterr().err
    with pytest.raises(UsageError, match="no digits"):
        export(recording(4), tmp_path / "b.h5", digits=True)
