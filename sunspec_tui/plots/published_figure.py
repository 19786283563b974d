"""Draw a figure for publishing: panels with one time axis.

The panels show the highest values and the means of a product without its quiet background, and V/I.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sunspec_tui.core.background import REMOVED
from sunspec_tui.core.colormaps import DIVERGING
from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Levels, without_warnings
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import Product
from sunspec_tui.core.row_spans import Columns
from sunspec_tui.plots.column_reduction import Reduced, join_columns
from sunspec_tui.plots.figure import (
    DOTS_PER_INCH,
    add_waterfall,
    column_image,
    image_levels,
    set_waterfall,
    time_span,
)
from sunspec_tui.plots.figure_style import default_style, encode_png
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.quicklook_figure import column_job, coverage_note, within_rows
from sunspec_tui.plots.time_labels import TimeLabels

_WIDTH_INCHES = 12.0
_PANEL_INCHES, _GAP_INCHES = 2.7, 0.16
_TOP_INCHES, _BOTTOM_INCHES = 0.72, 0.62
_LEFT, _WIDTH, _BAR_LEFT, _BAR_WIDTH = 0.065, 0.84, 0.915, 0.015
_BAR_LABEL = 4.1
_MAX_STATION_CHARACTERS = 80
_RATIO = str(Product.V_OVER_I)


class _Panel(NamedTuple):
    """One panel: its job, its arranged values, and its text."""

    job: PlotJob
    image: NDArray[np.float32]
    columns: Columns
    timed: bool
    text: str


def published_png(
    parts: Sequence[Reduced],
    product: Product,
    panels: Sequence[str],
    *,
    per: str | None,
    period_s: float,
    remove_background: bool = True,
) -> bytes:
    """Draw reduced rows of one frequency axis as a PNG.

    Parameters
    ----------
    parts
        Reduced rows, in the order of time.
    product
        Product of the panels ``highest`` and ``mean``.
    panels
        Panels from top to bottom: ``highest``, ``mean``, ``V/I``. V/I is left out if the rows do not carry it, or if
        `product` is V/I.
    per
        Period of the picture: ``day``, ``hour``, or None for all rows.
    period_s
        Length of the period; NaN or 0 if unknown.
    remove_background
        True to show the product without its quiet background. V/I is always shown as it is.
    """
    whole = join_columns(parts)
    with default_style(), without_warnings():
        shown = [
            _panel(whole, product, name, remove_background=remove_background) for name in drawn(whole, product, panels)
        ]
        figure, canvas = _figure(shown)
        figure.suptitle(
            f"{printable(shown[0].job.station, _MAX_STATION_CHARACTERS)}  {_times(shown[0])}\n"
            f"{coverage_note(whole, '', per or 'time', period_s)}",
            y=1 - 0.1 / figure.get_figheight(),
            fontsize=12,
            parse_math=False,
        )
    maps = [DIVERGING if panel.job.signed else panel.job.palette for panel in shown]
    return encode_png(canvas, tuple(dict.fromkeys(maps)))


def drawn(whole: Reduced, product: Product, panels: Sequence[str]) -> list[str]:
    """Return the panels that these rows have.

    Where each column is a row, its highest value is its mean.
    """
    has_ratio = product is not Product.V_OVER_I and Product.V_OVER_I in whole.means.carries()
    left_out = set() if has_ratio else {_RATIO}
    if not whole.column_s and {"highest", "mean"} <= set(panels):
        left_out.add("mean")
    # A figure has at least one panel.
    return [name for name in panels if name not in left_out] or ["mean"]


def _panel(whole: Reduced, product: Product, name: str, *, remove_background: bool) -> _Panel:
    is_ratio = name == _RATIO
    shown = Product.V_OVER_I if is_ratio else product
    job = replace(
        within_rows(column_job(whole, shown, "highest" if name == "highest" else "mean"), whole),
        remove_background=remove_background and not is_ratio,
    )
    image, columns, timed = column_image(job)
    return _Panel(job, image, columns, timed, _text(job, name, column_s=whole.column_s))


def _text(job: PlotJob, name: str, *, column_s: float) -> str:
    value = "" if not column_s else ", highest values" if name == "highest" else ", means"
    return f"{job.product}{value}" + (f", {REMOVED}" if job.remove_background else "")


def _figure(panels: Sequence[_Panel]) -> tuple[Figure, FigureCanvasAgg]:
    """Draw the panels below each other."""
    height = _TOP_INCHES + _BOTTOM_INCHES + len(panels) * _PANEL_INCHES + (len(panels) - 1) * _GAP_INCHES
    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    levels = _common_levels(panels)
    for number, panel in enumerate(panels):
        bottom = height - _TOP_INCHES - _PANEL_INCHES - number * (_PANEL_INCHES + _GAP_INCHES)
        upright = (bottom / height, _PANEL_INCHES / height)
        axes = figure.add_axes((_LEFT, upright[0], _WIDTH, upright[1]))
        bar = figure.add_axes((_BAR_LEFT, upright[0], _BAR_WIDTH, upright[1]))
        _draw(axes, bar, panel, levels[panel.job.product], is_last=number == len(panels) - 1)
    return figure, canvas


def _draw(axes: Axes, bar: Axes, panel: _Panel, levels: Levels, *, is_last: bool) -> None:
    waterfall, labels = add_waterfall(axes), TimeLabels(axes)
    left, right, low, high = set_waterfall(waterfall, panel.job, panel.image, panel.columns, levels, timed=panel.timed)
    labels.set_limits(left, right, timed=panel.timed)
    axes.set_ylim(low, high)
    axes.set_ylabel("frequency [MHz]")
    if not is_last:
        axes.set_xlabel("")
        axes.tick_params(labelbottom=False)
    axes.text(
        0.006, 0.96, panel.text, transform=axes.transAxes, va="top", fontsize=9, parse_math=False,
        bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 2.5},
    )  # fmt: skip
    figure = axes.figure
    assert figure is not None  # noqa: S101 - the axes were added to one
    figure.colorbar(waterfall, cax=bar).set_label(_unit(panel.job))
    # The labels of all bars are below each other, whatever the width of the numbers.
    bar.yaxis.set_label_coords(_BAR_LABEL, 0.5)


def _common_levels(panels: Sequence[_Panel]) -> dict[str, Levels]:
    """Return the levels of each product.

    The highest values and the means of a product have the same levels, so that their colours can be compared.
    """
    found: dict[str, Levels] = {}
    for panel in panels:
        own = image_levels(panel.image, panel.columns, signed=panel.job.signed)
        other = found.get(panel.job.product, own)
        found[panel.job.product] = Levels(min(own.low, other.low), max(own.high, other.high))
    return found


def _unit(job: PlotJob) -> str:
    """Return the label of a colour bar."""
    if job.product == _RATIO:
        return _RATIO
    is_arbitrary = job.unit == ARBITRARY
    if job.signed:
        unit = "arbitrary units" if is_arbitrary else job.unit
        return unit + (" above background" if job.remove_background else "")
    # A ratio to the background has no unit.
    if job.remove_background:
        return "dB above background"
    return "dB, arbitrary zero" if is_arbitrary else level_unit(job.unit)


def _times(panel: _Panel) -> str:
    return time_span(panel.columns) if panel.timed else "times are not valid dates"
