"""Plots have the palette that the observer chose.

Terminal and page have the same colours.
"""

import io

import numpy as np
import pytest
from monitors import Screen, StillReceiver
from PIL import Image
from plot_jobs import job
from sky_frames import sky

from sunspec_tui.core.colormaps import DIVERGING, PALETTES, colours
from sunspec_tui.core.errors import UsageError
from sunspec_tui.plots.figure import SpectrumFigure


@pytest.fixture(scope="module")
def figure():
    return SpectrumFigure()


@pytest.mark.parametrize("name", PALETTES)
def test_a_plot_has_the_colours_of_its_palette(figure, name):
    figure.draw(job(palette=name))
    shown = figure.waterfall.get_cmap()(np.arange(256), bytes=True)[:, :3]
    np.testing.assert_allclose(shown.astype(int), colours(name).astype(int), atol=7)
    assert figure.waterfall.get_cmap().name == name


def test_the_picture_of_a_plot_has_the_ends_of_its_palette(figure):
    figure.draw(job(palette="inferno"))
    with Image.open(io.BytesIO(figure.png())) as picture:
        found = np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0).astype(int)
    for end in colours("inferno")[[0, -1]].astype(int):
        assert np.abs(found - end).max(axis=1).min() < 12


def test_a_signed_product_has_the_diverging_map_whatever_the_palette(figure):
    data = np.random.default_rng(2).normal(0, 5, (40, 96)).astype(np.float32)
    figure.draw(job(data=data, product="V", spectra={"V": data[-1]}, palette="inferno"))
    shown = figure.waterfall.get_cmap()(np.arange(256), bytes=True)[:, :3]
    np.testing.assert_array_equal(shown, colours(DIVERGING))


def test_a_receiver_plots_with_its_palette():
    receiver = StillReceiver(palette="cividis", plot_ratio=True)
    receiver.feed(sky(0))
    assert receiver.plot_job().palette == "cividis"
    receiver.set_palette("gray")
    assert receiver.plot_job().palette == receiver.plot_job().second.palette == "gray"


@pytest.mark.parametrize("name", ["", "jet", DIVERGING])
def test_an_unknown_palette_is_refused_with_the_choices(name):
    with pytest.raises(UsageError, match="must be one of viridis"):
        StillReceiver(palette=name)
    receiver = StillReceiver()
    with pytest.raises(UsageError, match="must be one of viridis"):
        receiver.set_palette(name)


def test_plots_follow_the_key_of_the_monitor():
    receiver = StillReceiver()
    receiver.feed(sky(0))
    screen = Screen(80, 24, receiver)
    try:
        assert receiver.plot_job().palette == PALETTES[0]
        screen.act("change_view('next_palette', 1)")
        assert receiver.plot_job().palette == PALETTES[1]
    finally:
        screen.close()
