"""Tests of the quiet background.

All pictures without it have the same numbers and words.
"""

import math
from dataclasses import replace

import numpy as np
import pytest
from plot_jobs import job
from recordings import recording
from tables import BACKGROUNDS, numbers, power_of

from sunspec_tui import plot_window
from sunspec_tui.cli import doctor, snapshot
from sunspec_tui.cli.main import main
from sunspec_tui.core.background import REMOVED, quiet_median, without_background
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.quicklook_settings import QuicklookSettings
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.settings import ProbeSettings, Settings
from sunspec_tui.plots.archive_quicklook import draw
from sunspec_tui.plots.column_reduction import reduce_rows
from sunspec_tui.plots.figure import SpectrumFigure, column_image
from sunspec_tui.plots.job_builder import PlotContext, live_job
from sunspec_tui.plots.quicklook_figure import FigureChoices
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.waterfall_image import Drawing, WaterfallImage


@pytest.fixture(scope="module")
def figure():
    return SpectrumFigure()


@pytest.mark.parametrize("case", BACKGROUNDS, ids=lambda case: case["name"])
def test_the_background_is_that_of_the_table_that_the_page_is_held_against(case):
    power, signed = power_of(case), case["product"] in SIGNED_PRODUCTS
    background = quiet_median(power)
    np.testing.assert_allclose(background, numbers(case["background"]), rtol=1e-6)
    last = without_background(power[-1], background, signed=signed)
    np.testing.assert_allclose(np.where(np.isfinite(last), last, np.nan), numbers(case["last"]), rtol=1e-6)


def steep(nrows=60, nbins=96, seed=2):
    """Return a steep spectrum with a burst, shape (nrows, nbins).

    The burst has 6 dB and lasts from row 30 to 39.
    """
    power = 1e8 * np.linspace(1, 5, nbins) ** -2.6 * np.random.default_rng(seed).normal(1, 0.01, (nrows, nbins))
    power[30:40] *= 4
    return power.astype(np.float32)


def test_a_figure_without_background_shows_the_burst_and_not_the_slope():
    image, columns, _ = column_image(job(60, data=steep(), remove_background=True))
    assert len(columns.rows) == 60
    assert np.abs(np.median(image[:, :30], axis=1)).max() < 0.1
    np.testing.assert_allclose(np.median(image[:, 30:40], axis=1), 10 * np.log10(4), atol=0.2)
    slope, _, _ = column_image(job(60, data=steep()))
    assert np.ptp(np.median(slope[:, :30], axis=1)) > 15


def test_terminal_and_figure_show_the_same_numbers():
    power = steep()
    image, _, _ = column_image(job(60, data=power, remove_background=True))
    picture = WaterfallImage(60, 96, 1)
    picture.add(power, np.arange(60.0), np.arange(60), np.zeros(60, np.uint8))
    picture.draw(Drawing(FrequencyWindow(0, 96, 0.0, 1.0), 96, subtract=True))
    shown = [[picture.cell_value(row, pixel).shown for row in range(60)] for pixel in range(96)]
    np.testing.assert_allclose(shown, image, atol=1e-4)


def test_title_waterfall_and_colours_say_that_the_background_is_removed(figure):
    figure.draw(job(data=steep(40), remove_background=True))
    assert f"XX, {REMOVED}  2025" in figure.figure.get_suptitle()
    assert figure.time_axes.get_title().startswith(f"waterfall of XX, {REMOVED}, 40 rows")
    assert figure.colour_bar.ax.get_ylabel() == "XX above background [dB]"
    assert REMOVED not in figure.spectrum.get_title()
    figure.draw(job(data=steep(40), product="V", remove_background=True))
    assert figure.colour_bar.ax.get_ylabel() == "V above background"
    figure.draw(job(data=steep(40)))
    assert REMOVED not in figure.figure.get_suptitle() + figure.time_axes.get_title()
    assert figure.colour_bar.ax.get_ylabel() == "power [dB, arbitrary zero]"


def test_a_window_of_a_recording_is_drawn_without_background():
    shown = plot_window(recording(40), "XX", remove_background=True)
    assert REMOVED in shown.get_suptitle()
    assert REMOVED not in plot_window(recording(40), "XX").get_suptitle()


def test_quick_looks_are_drawn_with_and_without_background():
    rows = recording(120, nchan=64)
    parts = [[reduce_rows(rows, Product.XX, 2.0)]]
    (usual,), (removed,) = draw(parts, "XX"), draw(parts, "XX", FigureChoices("day", remove_background=True))
    assert usual != removed
    assert QuicklookSettings(remove_background=True).remove_background


@pytest.mark.parametrize("removed", [False, True])
def test_plots_of_a_stream_are_as_the_option_says(removed):
    ring = RingBuffer(4, 8, 4)
    ring.append(np.ones((8, 4), np.float32), 1e9, 0, 0)
    context = PlotContext(
        now_s=1e9, source="127.0.0.1:9", cadence_s=math.nan, frames_missing=0, lag_s=math.nan, directory="plots"
    )
    axis = Axis(560, 8, 1, 4, chan0_stated=True)
    made = live_job(ring, axis, context, "XX", ratio=True, remove_background=removed)
    assert made.remove_background == made.second.remove_background == removed


def test_a_flat_or_empty_picture_without_background_is_drawn(figure):
    ones = np.ones((40, 96), np.float32)
    for data in (ones, ones * np.nan, ones * 0, ones * 3e38):
        figure.draw(job(data=data, remove_background=True))
        figure.draw(job(data=data, product="V/I", remove_background=True))
        assert figure.png().startswith(b"\x89PNG")
        assert all(math.isfinite(level) for level in figure.waterfall.get_clim())


def test_the_option_is_for_the_png_of_a_snapshot(capsys):
    with pytest.raises(UsageError, match="name its file with --png"):
        snapshot.run(ProbeSettings(remove_background=True), print)
    with pytest.raises(UsageError, match="doctor draws nothing"):
        doctor.run(ProbeSettings(remove_background=True), print)
    assert main(["doctor", "--remove-background"]) == 2
    assert "--remove-background" in capsys.readouterr().err
    assert not Settings().plot_remove_background
    assert replace(Settings(), plot_remove_background=True).plot_remove_background
