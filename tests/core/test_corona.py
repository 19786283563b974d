"""Frequencies have the heights, and drifts the speeds, of published models."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.corona import DensityModel, density_cm3, height_rsun, plasma_density_cm3, radial_speed_km_s

MODELS = list(DensityModel)


@pytest.mark.parametrize(
    ("model", "height", "density"),
    [
        # The formulas of both papers, by hand.
        (DensityModel.NEWKIRK, 1.0, 4.2e4 * 10**4.32),
        (DensityModel.NEWKIRK, 2.16, 4.2e6),
        (DensityModel.SAITO, 1.0, 1.6936e8),
        (DensityModel.SAITO, 2.0, 1.36e6 / 2**2.14 + 1.68e8 / 2**6.13),
    ],
)
def test_densities_are_those_of_the_papers(model, height, density):
    assert density_cm3(model, np.array([height]))[0] == pytest.approx(density, rel=1e-12)


def test_the_plasma_frequency_of_a_density():
    # 1e8 electrons per cm^3 have a plasma frequency of 89.8 MHz.
    assert plasma_density_cm3(np.array([89.8]))[0] == pytest.approx(1e8)
    assert plasma_density_cm3(np.array([179.6]), harmonic=2)[0] == pytest.approx(1e8)


@pytest.mark.parametrize("model", MODELS)
@given(height=st.floats(1.001, 200.0), harmonic=st.sampled_from([1, 2]))
def test_a_height_comes_back_from_its_frequency(model, height, harmonic):
    frequency_mhz = 8.98e-3 * math.sqrt(density_cm3(model, np.array([height]))[0]) * harmonic
    # The density of Newkirk is nearly constant far from the Sun.
    assert height_rsun(model, np.array([frequency_mhz]), harmonic)[0] == pytest.approx(height, rel=2e-4)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("frequency", [0.0, -1.0, math.nan, math.inf, 5000.0])
def test_a_frequency_outside_the_model_has_no_height(model, frequency):
    assert np.isnan(height_rsun(model, np.array([frequency]))).all()


def test_there_is_no_corona_below_the_surface():
    assert np.isnan(density_cm3(DensityModel.SAITO, np.array([0.5, -1.0, math.nan]))).all()


@pytest.mark.parametrize("model", MODELS)
def test_a_burst_that_drifts_down_moves_away_from_the_sun(model):
    away = radial_speed_km_s(model, (0.0, 70.0), (5.0, 35.0))
    assert away > 0
    assert radial_speed_km_s(model, (0.0, 35.0), (5.0, 70.0)) == pytest.approx(-away)
    # The order of both points does not matter.
    assert radial_speed_km_s(model, (5.0, 35.0), (0.0, 70.0)) == pytest.approx(away)


def test_the_speed_of_a_moving_source():
    speed_km_s, heights = 60_000.0, np.array([1.4, 1.9])
    frequencies = 8.98e-3 * np.sqrt(density_cm3(DensityModel.NEWKIRK, heights))
    seconds = (heights[1] - heights[0]) * 695_700.0 / speed_km_s
    found = radial_speed_km_s(DensityModel.NEWKIRK, (10.0, frequencies[0]), (10.0 + seconds, frequencies[1]))
    assert found == pytest.approx(speed_km_s, rel=1e-4)


def test_points_at_one_time_have_no_speed():
    assert math.isnan(radial_speed_km_s(DensityModel.NEWKIRK, (3.0, 70.0), (3.0, 35.0)))
