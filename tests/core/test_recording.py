"""Tests of what a recording derives from its rows."""

import math
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import (
    Channels,
    channels_of,
    continuous_runs,
    measured_cadence_s,
    recording_metadata,
    slots,
)
from sunspec_tui.core.times import parse_user_time
from sunspec_tui.files.file_formats import file_format


@given(st.integers(0, 2000), st.integers(1, 16), st.integers(2, 3072))
def test_channels_are_found_again_from_the_frequencies_of_any_bins(chan0, average, nchan):
    frequencies_hz = bin_frequencies_hz(chan0, nchan, average)
    if len(frequencies_hz) > 2 or nchan % average == 0:
        found = channels_of(frequencies_hz)
        assert found == Channels(chan0, average, nchan) if len(frequencies_hz) > 1 else found is None


@pytest.mark.parametrize(
    "frequencies_hz",
    [[20e6, 20.1e6, 20.3e6], np.linspace(20e6, 80e6, 200), [1e6], [np.nan, 2e6], np.linspace(80e6, 20e6, 100)],
)
def test_frequencies_of_other_instruments_are_no_channels(frequencies_hz):
    assert channels_of(np.array(frequencies_hz)) is None


@pytest.mark.parametrize(
    ("times_s", "cadence_s", "found"),
    [
        ([0, 1, 2], 1.0, [0, 1, 2]),
        ([0, 1, 5, 6.2], 1.0, [0, 1, 5, 6]),
        ([0, 1, 1, 0.5], 1.0, [0, 1, 2, 3]),
        ([7.0], 1.0, [0]),
        ([], 1.0, []),
        ([0, 9, 10], math.nan, [0, 1, 2]),
    ],
)
def test_slots_follow_the_times_and_never_stand_still(times_s, cadence_s, found):
    assert slots(np.array(times_s, float), cadence_s).tolist() == found


@pytest.mark.parametrize(
    ("times_s", "found"),
    [
        ([0, 1, 2], [(0, 3)]),
        ([0, 1, 3, 4], [(0, 2), (2, 4)]),
        ([0, 1, 1, 2], [(0, 2), (2, 4)]),
        ([5, 6, 0, 1], [(0, 2), (2, 4)]),
        ([0], [(0, 1)]),
    ],
)
def test_rows_are_parted_where_one_is_missing_repeated_or_earlier(times_s, found):
    assert [(run.start, run.stop) for run in continuous_runs(np.array(times_s, float), 1.0)] == found


def test_the_cadence_is_the_mean_of_steps_that_are_no_gaps():
    assert measured_cadence_s(recording(40, gaps=(7, 20)).times_s) == pytest.approx(CADENCE_S)
    assert math.isnan(measured_cadence_s(np.array([1.0])))


def test_rows_between_two_times_end_after_the_first_and_not_after_the_second():
    rows = recording(10)
    chosen = rows.between(float(rows.times_s[2]), float(rows.times_s[5]))
    np.testing.assert_array_equal(chosen.times_s, rows.times_s[3:6])
    np.testing.assert_array_equal(chosen.data, rows.data[3:6])


def test_derived_products_follow_from_those_that_came():
    rows = recording(6)
    np.testing.assert_allclose(rows.power(Product.I), rows.data[..., :2].mean(axis=-1), rtol=1e-6)
    assert Product.V_OVER_I in rows.carries()
    assert recording(6, npol=1).carries() == (Product.XX,)
    alone = recording(6, npol=2, products=(Product.I, Product.V))
    assert alone.carries() == (Product.I, Product.V)


def test_what_says_what_it_is_names_station_channels_units_and_software():
    said = recording_metadata(recording())
    assert said["station"] == "OVRO-LWA"
    assert (said["chan0"], said["channel_average"], said["nchan"]) == (560, 4, 768)
    assert said["units"] == "arbitrary"
    assert said["products"] == "XX,YY,XY_real,XY_imag"
    assert said["software"] == "sunspec-tui 0.1.0"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.fits", "FITS"),
        ("A.FIT.GZ", "FITS"),
        ("a.h5", "HDF5"),
        ("a.csv", "CSV"),
    ],
)
def test_a_name_says_its_form(name, kind):
    assert file_format(Path(name)).kind == kind


def test_a_name_that_says_no_form_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match=r"\.fits.*\.npz"):
        file_format(Path("event.txt"))


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2025-08-18T21:34:54.787341", START_S),
        ("2025/08/18 21:34:54.787341Z", START_S),
        ("2025-08-18 23:34:54.787341+02:00", START_S),
        ("2025-08-18", 1_755_475_200.0),
        (12.5, 12.5),
        (np.int64(12), 12.0),
        (np.datetime64("2025-08-18T21:34:54.787341"), START_S),
        (date(2025, 8, 18), 1_755_475_200.0),
        (datetime(2025, 8, 18), 1_755_475_200.0),
    ],
)
def test_moments_are_read_as_utc(moment, seconds):
    assert parse_user_time(moment) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("moment", ["yesterday", math.nan, math.inf, None])
def test_a_moment_that_is_none_is_refused_with_an_example(moment):
    with pytest.raises(UsageError, match="2026-11-25T18:00"):
        parse_user_time(moment)
