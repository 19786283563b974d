"""Tests of recordings at the limits of each rule."""

import math
from pathlib import Path

import numpy as np
import pytest
from recordings import recording

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import (
    Channels,
    Recording,
    channels_of,
    continuous_runs,
    measured_cadence_s,
    recording_metadata,
    slots,
)
from sunspec_tui.files.file_formats import file_format


@pytest.mark.parametrize(
    ("times_s", "cadence_s", "expected"),
    [
        ([0, 1.49, 2.51, 3], 1.0, [0, 1, 2, 3]),
        ([0, 1.6, 2.0], 1.0, [0, 2, 3]),
        ([0, 2.4, 5.0], 1.0, [0, 2, 5]),
        ([0, 0.74, 1.5], 0.25, [0, 3, 6]),
        ([5, 5, 4, 9], 1.0, [0, 1, 2, 7]),
        ([5], 1.0, [0]),
        ([], 1.0, []),
        ([0, 9, 5], 0.0, [0, 1, 2]),
        ([0, 9, 5], -1.0, [0, 1, 2]),
        ([0, 9, 5], math.nan, [0, 1, 2]),
    ],
)
def test_a_row_lies_at_the_nearest_slot_and_after_the_row_before(times_s, cadence_s, expected):
    found = slots(np.array(times_s, float), cadence_s)
    assert (found.dtype, found.tolist()) == (np.int64, expected)


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        ([0, 1, 2, 3], 1.0),
        ([0, 1.1, 2, 3], 1.0),
        ([0, 1, 2, 9, 10], 1.0),
        ([0, 1, 1, 0.5, 1.5], 1.0),
        ([0, 1, 2.49], 1.245),
        ([0, 1, 2, 3, 4.5], 1.0),
        ([0, 1, 2, 3, 3.5], 1.0),
        ([0, 1, 2, 3, 4.4], 1.1),
        ([0, 0.25], 0.25),
    ],
)
def test_the_cadence_leaves_out_what_is_half_a_step_from_the_usual(times_s, expected):
    assert measured_cadence_s(np.array(times_s, float)) == pytest.approx(expected)


@pytest.mark.parametrize("times_s", [[], [3.0], [3.0, 3.0], [3.0, 2.0]])
def test_the_cadence_is_unknown_without_a_step_forward(times_s):
    assert math.isnan(measured_cadence_s(np.array(times_s, float)))


@pytest.mark.parametrize(
    ("times_s", "cadence_s", "runs"),
    [
        ([0, 2, 4, 6], 2.0, [(0, 4)]),
        ([0, 3, 6.0], 2.0, [(0, 3)]),
        ([0, 3.01, 5], 2.0, [(0, 1), (1, 3)]),
        ([0, 1, 3], 2.0, [(0, 3)]),
        ([0, 0.99, 3], 2.0, [(0, 1), (1, 3)]),
        ([0, 2, 1, 3], 2.0, [(0, 2), (2, 4)]),
        ([0, 9, 1], math.nan, [(0, 3)]),
        ([0, 9, 1], 0.0, [(0, 3)]),
        ([], 2.0, []),
    ],
)
def test_runs_end_at_gaps_and_at_steps_back(times_s, cadence_s, runs):
    assert [(run.start, run.stop) for run in continuous_runs(np.array(times_s, float), cadence_s)] == runs


def centres(*places):
    return np.array(places) * CHANNEL_WIDTH_HZ


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([0, 1, 2], Channels(0, 1, 3)),
        ([0.5, 2.5], Channels(0, 2, 4)),
        ([561.5, 565.5, 569.5], Channels(560, 4, 12)),
        ([561.5, 565.5, 569.0], Channels(560, 4, 11)),
        ([561.5, 565.5, 568.0], Channels(560, 4, 9)),
        ([561.5, 565.5, 567.5], None),
        ([561.5, 565.5, 570.0], None),
        ([-1, 0, 1], None),
        ([0, 0.4], None),
        ([5, 5, 5], None),
        ([3, 2, 1], None),
        ([7], None),
        ([], None),
        ([5, math.nan, 7], None),
        ([5, 6, math.inf], None),
        ([560.01, 561.01, 562.01], Channels(560, 1, 3)),
        ([560.03, 561.03, 562.03], None),
        ([560, 561, 562.03], None),
        ([560, 561.01, 562, 563.03, 564], None),
    ],
)
def test_channels_fit_to_a_fiftieth_of_a_channel(places, expected):
    assert channels_of(centres(*places)) == expected


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.fits", "FITS"), ("a.fit", "FITS"), ("a.fits.gz", "FITS"),
        ("a.FIT.GZ", "FITS"), ("a.h5", "HDF5"), ("a.hdf5", "HDF5"),
        ("a.npz", "NPZ"), ("a.csv", "CSV"), ("x.fits.csv", "CSV"),
    ],
)  # fmt: skip
def test_the_ending_of_a_name_says_the_form(name, kind):
    assert file_format(Path("there") / name).kind == kind


def test_a_name_without_a_form_is_refused_with_all_endings():
    with pytest.raises(UsageError) as caught:
        file_format(Path("there/event.txt"))
    assert "event.txt" in str(caught.value)
    assert "there" not in str(caught.value)
    assert "one of .fits, .fit, .fits.gz, .fit.gz, .h5, .hdf5, .npz, .csv" in str(caught.value)


def rows(times_s=(10.0, 10.25, 10.5), *, cadence_s=0.25, products=(Product.XX, Product.YY), frequencies_hz=None):
    n = len(times_s)
    data = np.arange(n * 2 * len(products), dtype=np.float32).reshape(n, 2, len(products))
    frequencies_hz = centres(560.5, 562.5) if frequencies_hz is None else frequencies_hz
    return Recording(data, products, np.array(times_s), frequencies_hz, cadence_s, source="here", software="it")


@pytest.mark.parametrize(("cadence_s", "before_s"), [(0.25, 0.25), (math.nan, 0.0), (0.0, 0.0), (-1.0, 0.0)])
def test_rows_start_a_cadence_before_their_end(cadence_s, before_s):
    found = rows(cadence_s=cadence_s)
    assert found.starts_s.tolist() == (found.times_s - before_s).tolist()
    assert len(found) == 3


@pytest.mark.parametrize(
    ("products", "carried"),
    [
        ((Product.XX,), (Product.XX,)),
        ((Product.XX, Product.YY), (Product.XX, Product.YY, Product.I, Product.Q)),
        ((Product.YY, Product.XX), (Product.YY, Product.XX)),
        ((Product.XX, Product.YY, Product.XY_REAL), (Product.XX, Product.YY, Product.XY_REAL)),
        ((Product.I,), (Product.I,)),
        ((Product.XX, Product.YY, Product.XY_REAL, Product.XY_IMAG), tuple(Product)),
    ],
)
def test_whole_sets_of_products_carry_those_that_follow(products, carried):
    assert rows(products=products).carries() == carried


def test_a_product_that_is_there_is_not_derived():
    found = rows(products=(Product.V, Product.I))
    assert found.power(Product.I).tolist() == found.data[..., 1].tolist()
    assert rows().power(Product.Q).tolist() == (-0.5 * np.ones((3, 2))).tolist()


@pytest.mark.parametrize(
    ("start_s", "end_s", "kept"),
    [
        (None, None, [10.0, 10.25, 10.5]),
        (10.0, None, [10.25, 10.5]),
        (9.9999999, None, [10.25, 10.5]),
        (9.999999, None, [10.0, 10.25, 10.5]),
        (None, 10.25, [10.0, 10.25]),
        (None, 10.2499999, [10.0, 10.25]),
        (None, 10.249999, [10.0]),
        (10.0, 10.25, [10.25]),
        (11.0, None, []),
        (0, 0, []),
    ],
)
def test_a_span_of_rows_is_open_at_its_start_to_the_microsecond(start_s, end_s, kept):
    found = rows().between(start_s, end_s)
    assert found.times_s.tolist() == kept
    assert found.data.tolist() == rows().data[[10 + n / 4 in kept for n in range(3)]].tolist()
    assert (found.source, found.cadence_s) == ("here", 0.25)


def test_a_part_of_the_rows_keeps_the_rest():
    found = recording(6).only(slice(1, 3))
    np.testing.assert_array_equal(found.data, recording(6).data[1:3])
    np.testing.assert_array_equal(found.times_s, recording(6).times_s[1:3])
    np.testing.assert_array_equal(found.frequencies_hz, recording(6).frequencies_hz)


def test_a_description_has_what_is_known_and_nothing_else():
    assert recording_metadata(rows()) == {
        "station": "OVRO-LWA", "source": "here", "software": "it", "units": "arbitrary", "products": "XX,YY",
        "time_is": "end of averaging, UTC", "cadence_s": 0.25, "chan0": 560, "channel_average": 2, "nchan": 4,
    }  # fmt: skip
    bare = recording_metadata(rows(cadence_s=math.nan, frequencies_hz=np.array([1.0, 2.0])))
    assert set(bare) == {"station", "source", "software", "units", "products", "time_is"}
    assert "cadence_s" not in recording_metadata(rows(cadence_s=0.0))
