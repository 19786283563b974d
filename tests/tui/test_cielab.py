"""CIELAB, luminance and contrast, tested with published values."""

import numpy as np
import pytest

from sunspec_tui.tui.terminal.cielab import cielab, contrast_ratio, luminance, luminance_of_lightness


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((0, 0, 0), (0, 0, 0)), ((255, 255, 255), (100, 0, 0)), ((119, 119, 119), (50.03, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)), ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)), ((8, 8, 8), (2.19, 0, 0)),
    ],
)  # fmt: skip
def test_colours_have_the_published_lightness_and_hue(rgb, lab):
    np.testing.assert_allclose(cielab(np.array(rgb)), lab, atol=0.35)


def test_the_luminance_of_a_lightness_is_that_of_its_grey():
    greys = np.repeat(np.arange(256)[:, None], 3, axis=1)
    np.testing.assert_allclose(luminance_of_lightness(cielab(greys)[:, 0]), luminance(greys), atol=1e-6)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ((0, 0, 0), (255, 255, 255), 21), ((255, 255, 255), (0, 0, 0), 21), ((119, 119, 119), (255, 255, 255), 4.48),
        ((118, 118, 118), (255, 255, 255), 4.54), ((9, 9, 9), (9, 9, 9), 1),
    ],
)  # fmt: skip
def test_contrast_is_that_of_the_web_guidelines(one, other, ratio):
    assert contrast_ratio(np.array(one), np.array(other)) == pytest.approx(ratio, abs=0.01)
