"""Options of snapshot and monitor that decide how the data look."""

import numpy as np
import pytest
from monitors import StillReceiver

from sunspec_tui.cli.argument_order import with_joined_values
from sunspec_tui.cli.arguments import monitor_settings
from sunspec_tui.cli.headless import figure
from sunspec_tui.cli.main import main
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.plots.job import newest_seconds


@pytest.fixture
def receiver():
    """Twenty rows; V is negative."""
    fed = StillReceiver()
    for n in range(20):
        data = np.full((1, 384, 4), 20.0 + n, np.float32)
        data[..., 3] = -4.0
        fed.feed(data)
    return fed


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--levels", "35,10"], "--levels is '35,10', the floor must be below the ceiling"),
        (["--levels", "-5"], "--levels is '-5', it must be two numbers"),
        (["--span", "0"], "--span is 0.0, it must be above 0"),
        (["--palette", "blue"], "--palette"),
        (["snapshot", "--span", "1e9"], "--span is 1000000000.0, it must be at most 600"),
        (["snapshot", "--palette", "turbo"], "--palette is for the PNG figure"),
        (["doctor", "--span", "9"], "--span is only for snapshot"),
        (["doctor", "--levels", "-1,1"], "--levels is only for snapshot"),
    ],
)
def test_wrong_looks_are_refused_with_a_remedy(words, complaint, capsys):
    assert main(words) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        (["--levels", "-5,30"], ["--levels=-5,30"]),
        (["--levels", "-.5,1", "--span", "9"], ["--levels=-.5,1", "--span", "9"]),
        (["--levels", "--span"], ["--levels", "--span"]),
        (["--levels"], ["--levels"]),
        (["--levels", "1,2"], ["--levels", "1,2"]),
    ],
)
def test_levels_may_begin_with_a_minus_sign(words, joined):
    assert with_joined_values(words) == joined


def test_a_file_sets_the_look_and_the_command_line_overrides_it(tmp_path):
    path = tmp_path / "wall.toml"
    path.write_text('palette = "gray"\nlevels = "-2,8"\nspan = 60\nproduct = "V"\n')
    found = monitor_settings(["--config", str(path), "--levels", "auto"], ())
    assert (found.palette, found.levels, found.span, found.product) == ("gray", "auto", 60.0, "V")


def test_a_text_figure_has_the_levels_as_its_limits(receiver):
    text = figure(receiver.snapshot(most=1), Product.XX, Levels(-7, 43))
    assert "43.0" in text
    assert "-7.0" in text


def test_a_signed_product_is_drawn_linear(receiver):
    text = figure(receiver.snapshot(most=1), Product.V)
    assert "linear power" in text
    assert "no valid values" not in text


@pytest.mark.parametrize(("span_s", "rows"), [(0.1, 1), (1.0, 4), (2.5, 10), (100.0, 20)])
def test_a_job_is_cut_to_its_newest_seconds(receiver, span_s, rows):
    job = newest_seconds(receiver.plot_job(), span_s)
    assert len(job.data) == len(job.times_s) == len(job.begins_s) == job.rows_received == rows
    assert job.times_s[-1] == receiver.plot_job().times_s[-1]


def test_a_png_has_the_palette_and_the_levels(receiver):
    from dataclasses import replace

    from sunspec_tui.plots.matplotlib_loader import load_matplotlib

    load_matplotlib()
    from sunspec_tui.plots.figure import SpectrumFigure

    drawn = SpectrumFigure()
    drawn.draw(replace(receiver.plot_job(), palette="inferno", levels=Levels(3, 33)))
    assert drawn.waterfall.get_cmap().name == "inferno"
    assert drawn.waterfall.get_clim() == (3, 33)
    drawn.draw(receiver.plot_job())
    assert drawn.waterfall.get_cmap().name == "viridis"
    assert drawn.waterfall.get_clim() != (3, 33)
