"""A noise storm has many grains in many places of the band."""

import numpy as np
import pytest
from burst_runs import run

from sunspec_tui.bursts.noise_storms import is_storm


def grains(bins):
    """Return grains of three bins, the strongest in the middle."""
    return [
        tuple(run(number + i, 20 * at, 20 * at + 4, peak_db=5.0 - abs(i)) for i in (-1, 0, 1))
        for at, number in enumerate(bins)
    ]


def test_grains_in_many_places_are_a_storm():
    assert is_storm(grains(np.random.default_rng(0).integers(50, 110, 40).tolist()))
    assert not is_storm(grains(range(60, 70)))


@pytest.mark.parametrize("jitter", [0, 1])
def test_grains_of_a_few_carriers_are_none(jitter):
    shifts = np.random.default_rng(0).integers(-jitter, jitter + 1, 40)
    assert not is_storm(grains((np.tile([60, 80, 100], 14)[:40] + shifts).tolist()))
