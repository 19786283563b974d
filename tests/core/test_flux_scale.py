"""The flux scale: its files, factors by frequency, what is scaled."""

import os

import numpy as np
import pytest
from recordings import recording

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.flux_scale import level_unit, load_flux_scale, scale_power, scale_recording, unit_of
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer, Rows
from sunspec_tui.core.settings import ExportSettings, Settings

OLDER = 1 / (24 * 10**4)
NAN = np.nan


def scale_of(tmp_path, text):
    path = tmp_path / "scale.csv"
    path.write_text(text)
    return load_flux_scale(str(path))


@pytest.mark.parametrize(
    ("mhz", "factor"), [(9.99, NAN), (10, 1), (15, 2), (20, 3), (30, 2), (40, 1), (40.001, NAN), (NAN, NAN)]
)
def test_factors_are_linear_between_the_frequencies_of_a_file_and_end_with_them(tmp_path, mhz, factor):
    found = scale_of(tmp_path, "10 1\n20 3\n40 1\n").at(np.array([mhz]))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [factor], rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "10 1\n20 3\n",
        "10,1\n20,3",
        "# a scale; of 2025\n\n10\t1 # first\n20 ; 3\r\n",
        "MHz, factor\n10, 1\n20, 3\n",
        "\ufefffrequency factor\n1e1 1.0\n2e1 3\n",
    ],
    ids=["blanks", "commas", "comments", "names", "mark and names"],
)
def test_a_file_may_have_commas_blanks_comments_and_names(tmp_path, text):
    found = scale_of(tmp_path, text)
    assert (found.frequencies_mhz.tolist(), found.factors.tolist()) == ([10, 20], [1, 3])
    assert found.name == "scale.csv"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no factors"),
        ("# only\n", "no factors"),
        ("MHz factor\n", "no factors"),
        ("10 1\nmany\n", "line 2 is 'many'"),
        ("a\nb\n", "line 2 is 'b'"),
        ("10 1\n20\n", "line 2 is '20'"),
        ("10 1 1\n20 1 1\n", "line 2 is '20 1 1'"),
        ("20 1\n10 1\n", "do not ascend"),
        ("10 1\n10 2\n", "do not ascend"),
        ("10 0\n", "a factor is not between"),
        ("10 -1\n", "a factor is not between"),
        ("10 nan\n", "a factor is not between"),
        ("10 1e31\n", "a factor is not between"),
        ("nan 1\n", "a frequency is not between"),
        ("-5 1\n", "a frequency is not between"),
        ("10 1\n\x1b[2J\n", r"line 2 is '\\x1b\[2J'"),
        ("1 1\n" * 100_001, "more than 100000 lines"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path, text, why):
    with pytest.raises(UsageError, match=rf"^--flux-scale .*scale.csv: .*{why}.*; each line needs MHz and factor$"):
        scale_of(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"\n" * (5 * 2**20))
    for name, why in (("none", "No such file"), ("", "Is a directory"), ("bytes", "not UTF-8"), ("large", "more than")):
        with pytest.raises(UsageError, match=rf"cannot be read: .*{why}.*; give a file or a number$"):
            load_flux_scale(tmp_path / name)


def test_a_scale_may_come_from_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"10 1\n20 3\n")
    os.close(writing)
    try:
        assert load_flux_scale(f"/dev/fd/{reading}").factors.tolist() == [1, 3]
    finally:
        os.close(reading)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e31", "1e-31", "", " ", "a\0b"])
@pytest.mark.parametrize("settings", [Settings, ExportSettings])
def test_a_number_that_is_no_factor_is_refused_before_a_file_is_read(settings, text):
    with pytest.raises(UsageError, match=r"^--flux-scale is "):
        settings(flux_scale=text)


def test_one_number_is_a_factor_at_all_frequencies():
    scale = load_flux_scale("4.1667e-06")
    assert scale.at(np.array([1.0, 50.0, 1e5])).tolist() == [np.float32(4.1667e-06)] * 3
    assert load_flux_scale(4.1667e-06).factors == scale.factors == pytest.approx(OLDER, rel=1e-4)
    assert load_flux_scale(scale) is scale
    assert load_flux_scale(None) is None


POWER = np.array([[1, 2, 4]], np.float32)
FACTORS = np.array([2, 0.5, NAN], np.float32)


@pytest.mark.parametrize(
    ("product", "scaled"),
    [
        (Product.XX, [2, 1, NAN]),
        (Product.V, [2, 1, NAN]),
        (Product.XY_REAL, [2, 1, NAN]),
        (Product.V_OVER_I, [1, 2, NAN]),
    ],
)
def test_powers_are_multiplied_and_a_ratio_is_not(product, scaled):
    np.testing.assert_array_equal(scale_power(POWER, FACTORS, product), [scaled])


@pytest.mark.parametrize(
    ("unit", "product", "linear", "level"),
    [
        ("arbitrary", Product.XX, "arbitrary", "dB"),
        ("sfu", Product.XX, "sfu", "dB(sfu)"),
        ("sfu", Product.V_OVER_I, "1", "dB(sfu)"),
        ("arbitrary", Product.V_OVER_I, "arbitrary", "dB"),
    ],
)
def test_units_have_names(unit, product, linear, level):
    assert (unit_of(product, unit), level_unit(unit)) == (linear, level)


def test_a_recording_is_scaled_once(tmp_path):
    rows = recording(4, nchan=64)
    mhz = rows.frequencies_hz / 1e6
    scale = scale_of(tmp_path, f"{mhz[2]!r} 2\n{mhz[-1]!r} 2\n".replace("np.float64(", "").replace(")", ""))
    found = scale_recording(rows, scale)
    assert found.unit == "sfu"
    np.testing.assert_array_equal(found.data[:, 2:], 2 * rows.data[:, 2:])
    assert np.isnan(found.data[:, :2]).all()
    np.testing.assert_allclose(found.power(Product.V_OVER_I)[:, 2:], rows.power(Product.V_OVER_I)[:, 2:], rtol=1e-5)
    assert np.isnan(found.power(Product.V_OVER_I)[:, :2]).all()
    with pytest.raises(UsageError, match="in sfu already; leave --flux-scale out"):
        scale_recording(found, scale)
    assert scale_recording(rows, None) is rows


# The ring


def filled_ring(factors, count=6):
    ring = RingBuffer(4, 3, 4, factors=factors)
    for i in range(count):
        ring.append(np.full((3, 4), 1 + i, np.float32), float(i), i)
    return ring


def test_a_ring_is_read_in_sfu_and_keeps_powers_as_received():
    ring = filled_ring(FACTORS)
    assert (ring.unit, filled_ring(None).unit) == ("sfu", "arbitrary")
    readers = [ring.latest, lambda **how: ring.between(2, 6, **how)]
    for read in readers:
        np.testing.assert_array_equal(read(scaled=False).data[:, 0, 0], [3, 4, 5, 6])
        np.testing.assert_array_equal(read().data[:, 0, 0], [6, 8, 10, 12])
        assert np.isnan(read().data[:, 2]).all()
    np.testing.assert_array_equal(ring.since(5).data[0, :, 0], [12, 3, NAN])
    np.testing.assert_array_equal(ring.between(5, 6, Product.XX).data[0], [12, 3, NAN])
    np.testing.assert_array_equal(ring.between(5, 6, Product.V_OVER_I).data[0], [1, 1, NAN])


def test_a_trimmed_ring_is_scaled_once():
    ring = RingBuffer(100, 3, 4, factors=FACTORS)
    ring.append(np.ones((3, 4), np.float32), 0.0, 0)
    trimmed = ring.trimmed()
    assert trimmed is not ring
    np.testing.assert_array_equal(trimmed.latest().data[0, :, 0], [2, 0.5, NAN])
    np.testing.assert_array_equal(trimmed.latest(scaled=False).data[0, :, 0], [1, 1, 1])


def test_without_a_scale_reading_copies_the_same_bits():
    ring, bits = filled_ring(None), np.float32(0.1)
    ring.append(np.full((3, 4), bits, np.float32), 9.0, 9)
    assert isinstance(ring.latest(1), Rows)
    assert (ring.latest(1).data == bits).all()
