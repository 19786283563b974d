"""Figures for publishing: their panels, values and levels."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from recordings import recording

from sunspec_tui.core.products import Product
from sunspec_tui.plots import published_figure
from sunspec_tui.plots.column_reduction import reduce_rows
from sunspec_tui.plots.published_figure import drawn, published_png

PANELS = ("highest", "mean", "V/I")


def reduced(*, npol=4, column_s=2.0, product=Product.I, nrows=80):
    """Quiet rows with a burst of one row, which is circularly polarised."""
    rows = recording(nrows, nchan=64, npol=npol, times_s=1_755_550_800 + 0.5 * np.arange(1, nrows + 1), cadence_s=0.5)
    rows.data[...] = 0
    rows.data[..., :2] = 100 * np.arange(1, 17)[None, :, None]
    rows.data[40, :, :2] *= 100
    if npol == 4:
        rows.data[40, :, 3] = rows.data[40, :, 0] / 2
    return reduce_rows(rows, product, column_s, whole=True)


@pytest.fixture
def panels(monkeypatch):
    """Panels that are drawn, with their levels."""
    found, really = [], published_figure._draw

    def draw(axes, bar, panel, levels, **keys):
        found.append((panel, levels))
        really(axes, bar, panel, levels, **keys)

    monkeypatch.setattr(published_figure, "_draw", draw)
    return found


def test_highest_mean_and_ratio_are_below_each_other(panels):
    png = published_png([reduced()], Product.I, PANELS, per="hour", period_s=3600)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (1800, 1464)
    texts = [panel.text for panel, _ in panels]
    assert texts == ["I, highest values, background removed", "I, means, background removed", "V/I, means"]
    (highest, levels), (mean, other_levels), (ratio, ratio_levels) = panels
    # The burst has one of the four rows of its column.
    assert np.nanmax(highest.image) == pytest.approx(20, abs=0.01)
    assert np.nanmax(mean.image) == pytest.approx(10 * np.log10((3 + 100) / 4), abs=0.01)
    assert np.nanmedian(highest.image) == np.nanmedian(mean.image) == 0
    assert np.nanmax(ratio.image) == pytest.approx(0.5 * 100 / 103, abs=1e-4)
    assert levels == other_levels
    assert ratio_levels.low == -ratio_levels.high


def test_the_background_can_be_kept(panels):
    published_png([reduced()], Product.I, ("mean",), per="day", period_s=86_400, remove_background=False)
    ((panel, _),) = panels
    assert panel.text == "I, means"
    assert np.nanmin(panel.image) == pytest.approx(20)


@pytest.mark.parametrize(
    ("unit", "product", "remove_background", "label"),
    [
        ("arbitrary", "I", False, "dB, arbitrary zero"),
        ("sfu", "I", False, "dB(sfu)"),
        ("sfu", "I", True, "dB above background"),
        ("arbitrary", "V", True, "arbitrary units above background"),
        ("sfu", "V", True, "sfu above background"),
        ("sfu", "V", False, "sfu"),
        ("sfu", "V/I", False, "V/I"),
    ],
)
def test_the_bar_of_a_panel_names_the_unit(monkeypatch, unit, product, remove_background, label):
    labels, really = [], published_figure._draw

    def draw(axes, bar, panel, levels, **keys):
        really(axes, bar, panel, levels, **keys)
        labels.append(bar.get_ylabel())

    monkeypatch.setattr(published_figure, "_draw", draw)
    part = reduced(product=Product(product))
    part = part._replace(means=replace(part.means, unit=unit))
    published_png([part], Product(product), ("mean",), per=None, period_s=0, remove_background=remove_background)
    assert labels == [label]


@pytest.mark.parametrize(
    ("keys", "product", "asked", "found"),
    [
        ({}, Product.I, PANELS, ["highest", "mean", "V/I"]),
        ({}, Product.I, ("V/I", "highest"), ["V/I", "highest"]),
        # Without the cross products there is no V.
        ({"npol": 2}, Product.I, PANELS, ["highest", "mean"]),
        ({"npol": 2}, Product.I, ("V/I",), ["mean"]),
        # Where each column is a row, its highest value is its mean.
        ({"column_s": 0.0}, Product.I, PANELS, ["highest", "V/I"]),
        ({"product": Product.V_OVER_I}, Product.V_OVER_I, PANELS, ["highest", "mean"]),
    ],
)
def test_panels_that_say_nothing_new_are_left_out(keys, product, asked, found):
    assert drawn(reduced(**keys), product, asked) == found


def test_text_of_a_stream_is_no_formula():
    part = reduced()
    named = part._replace(
        means=part.means.only(slice(None)).__class__(
            **{
                **{
                    name: getattr(part.means, name)
                    for name in ("data", "products", "times_s", "frequencies_hz", "cadence_s")
                },
                "station": "$\\frac{1}$\x1b[2J",
            }
        )
    )
    assert published_png([named], Product.I, ("mean",), per=None, period_s=0).startswith(b"\x89PNG")


def test_two_colour_maps_share_the_palette_without_visible_steps():
    png = published_png([reduced()], Product.I, PANELS, per="hour", period_s=3600)
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.mode == "P"
        bar = np.asarray(picture.convert("RGB"))[120:500, 1655]
    assert len(np.unique(bar, axis=0)) > 60
