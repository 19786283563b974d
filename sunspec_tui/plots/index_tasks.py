"""Make the pictures and files of an index, in any process.

Workers reduce rows, and draw pictures or cut out intervals; only the results are returned.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sunspec_tui.core.errors import NoRowsError
from sunspec_tui.core.flux_scale import FluxScale
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, plain_name
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.archive.reader import open_by_axis
from sunspec_tui.files.xarray_dataset import from_dataset
from sunspec_tui.plots.archive_quicklook import PERIODS_S, Hour, by_axis, hour_calls
from sunspec_tui.plots.column_reduction import column_width_s, reduce_rows, scale_columns
from sunspec_tui.plots.index_record import DAY
from sunspec_tui.plots.process_pool import Call, Task

MAX_INTERVAL_S = 86_400.0
"""Longest interval that gets a FITS file."""

_MAX_INTERVAL_VALUES = 4_000_000  # 16 MB of float32
_MIN_INTERVAL_ROWS, _MAX_INTERVAL_ROWS = 16, 20_000
_HOUR_S = 3600.0

Key = tuple[str, str]
"""A day, and a period or an interval."""


class PictureOptions(NamedTuple):
    """Choices of the user for the pictures of an index.

    Attributes
    ----------
    product
        Product of the pictures; None for I, or else the first one of the day.
    panels
        Panels of a figure.
    remove_background
        True to show the product without its quiet background.
    flux_scale
        Scale of the powers; None to show them as archived.
    """

    product: str | None = None
    panels: tuple[str, ...] = ("highest", "mean", "V/I")
    remove_background: bool = True
    flux_scale: FluxScale | None = None


class Drawn(NamedTuple):
    """Pictures of a period, one for each frequency axis.

    Attributes
    ----------
    pngs
        The pictures.
    thumbnail
        Small picture of a day; empty for an hour.
    rows, column_s, low_mhz, high_mhz
        Rows, length of a column, and frequencies of all pictures.
    """

    pngs: list[bytes]
    thumbnail: bytes
    rows: int
    column_s: float
    low_mhz: float
    high_mhz: float


def picture_task(directory: Path, key: Key, begin_s: float, product: Product, options: PictureOptions) -> Task[Key]:
    """Return the task that draws a period.

    Parameters
    ----------
    directory
        The archive.
    key
        The day, and ``day`` or the hour.
    begin_s
        Begin of the period.
    product
        Product of the pictures.
    options
        Choices of the user.
    """
    per = "day" if key[1] == DAY else "hour"
    finish = partial(draw_panels, product=str(product), per=per, begin_s=begin_s, options=options)
    return Task(key, hour_calls(directory, product, begin_s, per, whole=True), finish)


def draw_panels(hours: list[Hour], product: str, per: str, begin_s: float, options: PictureOptions) -> Drawn:
    """Draw a period's hours: one picture for each frequency axis."""
    axes = by_axis(hours)
    if not axes:
        return Drawn([], b"", 0, 0.0, 0.0, 0.0)
    from sunspec_tui.plots.matplotlib_loader import load_matplotlib

    load_matplotlib()
    from sunspec_tui.plots.published_figure import published_png
    from sunspec_tui.plots.thumbnail import thumbnail_png

    shown = Product(product)
    axes = [[scale_columns(part, shown, options.flux_scale) for part in parts] for parts in axes]
    png = partial(published_png, per=per, period_s=PERIODS_S[per], remove_background=options.remove_background)
    # The thumbnail shows the axis of most rows.
    longest = max(axes, key=lambda parts: sum(part.rows for part in parts))
    edges_hz = np.array([part.means.frequencies_hz[[0, -1]] for parts in axes for part in parts])
    return Drawn(
        [png(parts, shown, options.panels) for parts in axes],
        thumbnail_png(longest, shown, begin_s) if per == "day" else b"",
        sum(part.rows for parts in axes for part in parts),
        longest[0].column_s,
        float(edges_hz.min() / 1e6),
        float(edges_hz.max() / 1e6),
    )


def interval_column_s(begin_s: float, end_s: float, rows: int, nbins: int) -> float:
    """Return the length of the rows of an interval's file.

    It is 0 if all rows fit into the largest file, else the rows are averaged.
    """
    most = min(_MAX_INTERVAL_ROWS, max(_MIN_INTERVAL_ROWS, _MAX_INTERVAL_VALUES // max(1, nbins)))
    return column_width_s(end_s - begin_s, math.nan, rows, most)


def interval_task(
    directory: Path, key: Key, begin_s: float, end_s: float, product: Product, column_s: float
) -> Task[Key]:
    """Return the task that cuts out an interval.

    Its result is a recording of one product for each frequency axis.
    """
    # Hours are read one after another, so that a long interval needs little memory.
    edges = [begin_s, *np.arange(_HOUR_S * (begin_s // _HOUR_S + 1), end_s, _HOUR_S).tolist(), end_s]
    calls: list[Call[list[Recording]]] = [
        (interval_rows, (str(directory.absolute()), str(product), low, high, column_s)) for low, high in pairwise(edges)
    ]
    return Task(key, calls, join_intervals)


def interval_rows(directory: str, product: str, begin_s: float, end_s: float, column_s: float) -> list[Recording]:
    """Return one product of an interval, for each frequency axis."""
    try:
        datasets = open_by_axis(directory, begin_s, end_s, quiet=True)
    except NoRowsError:
        return []
    chosen = Product(product)
    names = [plain_name(each) for each in ((chosen,) if chosen in WIRE_PRODUCTS else WIRE_PRODUCTS)]
    found = []
    with require_extra("dask.config", "reading an archive").set(scheduler="synchronous"):
        for dataset in datasets:
            rows = from_dataset(dataset[[name for name in names if name in dataset]])
            if chosen in rows.carries():
                means = reduce_rows(rows, chosen, column_s, whole=True).means
                found.append(replace(means, data=means.power(chosen)[..., None].copy(), products=(chosen,)))
    return found


def join_intervals(parts: Sequence[list[Recording]]) -> list[Recording]:
    """Join consecutive recordings of each frequency axis."""
    axes: dict[bytes, list[Recording]] = {}
    for recording in (recording for part in parts for recording in part):
        axes.setdefault(recording.frequencies_hz.tobytes(), []).append(recording)
    return [
        replace(
            same[0],
            data=np.concatenate([each.data for each in same]),
            times_s=np.concatenate([each.times_s for each in same]),
        )
        for same in axes.values()
    ]
