"""Draw the picture of a quick-look from reduced rows, and write it."""

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.flux_scale import FluxScale
from sunspec_tui.core.products import Product
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.plots.column_reduction import Reduced, join_columns, scale_columns
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_builder import recorded_job
from sunspec_tui.plots.plot_reduction import finite_means

_MAX_NAME_BYTES = 180
_VALUES = {"highest": "highest value", "mean": "mean"}


@dataclass(frozen=True)
class FigureChoices:
    """Content of the figures of a quick-look.

    Attributes
    ----------
    per
        Period of a figure: ``day``, ``hour``, or None for all rows.
    show
        Value of a column in the waterfall: ``highest`` or ``mean`` of its rows.
    remove_background
        True to show the waterfalls without their quiet background.
    flux_scale
        Scale of the powers; None to show them as they are.
    panels
        Panels of a figure for publishing, see `published_figure.published_png`; `show` is then not used. None for the
        usual figure.
    """

    per: str | None = None
    show: str = "highest"
    remove_background: bool = False
    flux_scale: FluxScale | None = None
    panels: tuple[str, ...] | None = None

    @property
    def needs_all_products(self) -> bool:
        """True if a figure shows the means of all products."""
        return self.panels is not None


def quicklook_png(parts: list[Reduced], product: Product, choices: FigureChoices, period_s: float) -> bytes:
    """Draw reduced rows of one frequency axis as a PNG.

    Parameters
    ----------
    parts
        Reduced rows, in the order of time.
    product
        Product of the waterfall.
    choices
        Content of the figure.
    period_s
        Length of the period; NaN or 0 if unknown.
    """
    from sunspec_tui.plots.matplotlib_loader import load_matplotlib

    load_matplotlib()
    parts = [scale_columns(part, product, choices.flux_scale) for part in parts]
    if choices.panels is None:
        return _waterfall_png(join_columns(parts), product, choices, period_s)
    from sunspec_tui.plots.published_figure import published_png

    return published_png(
        parts,
        product,
        choices.panels,
        per=choices.per,
        period_s=period_s,
        remove_background=choices.remove_background,
    )


def _waterfall_png(whole: Reduced, product: Product, choices: FigureChoices, period_s: float) -> bytes:
    """Draw the usual figure, with one waterfall."""
    from sunspec_tui.plots.figure import SpectrumFigure

    job = replace(
        column_job(whole, product, choices.show),
        heading=f"mean of the {choices.per}" if choices.per else "mean of all rows",
        note=coverage_note(whole, f"the {_VALUES[choices.show]} of", choices.per or "time", period_s),
        remove_background=choices.remove_background,
    )
    figure = SpectrumFigure()
    figure.draw(within_rows(job, whole))
    return figure.png()


def column_job(whole: Reduced, product: Product, show: str) -> PlotJob:
    """Build a job of columns, whose spectra are means of all rows."""
    shown = whole.means
    mean_spectrum = replace(shown, data=finite_means(shown.data, np.zeros(1, np.int64)), times_s=shown.times_s[-1:])
    if show != "mean":
        shown = replace(shown, data=whole.highest[..., None], products=(product,))
    return replace(
        recorded_job(shown, product),
        spectra=recorded_job(mean_spectrum, product).spectra,
        cadence_s=whole.cadence_s,
        rows_received=whole.rows,
    )


def write_picture(out: Path, stem: str, png: bytes) -> Path:
    """Write a picture atomically, and return its path.

    Raises
    ------
    UsageError
        If it cannot be written.
    """
    # `stem` may contain the name of a file that already has the largest possible length.
    path = out / f"{os.fsdecode(os.fsencode(stem)[:_MAX_NAME_BYTES])}.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(png)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --out") from error
    return path


def within_rows(job: PlotJob, whole: Reduced) -> PlotJob:
    """Limit the first and the last column to the rows."""
    if not whole.column_s:
        return job
    begins_s, ends_s = job.begins_s.copy(), job.times_s.copy()
    begins_s[0] = whole.begin_s
    # A row that ends with a column belongs to the next column, which begins at this time. Keep that column visible.
    min_s = whole.cadence_s if whole.cadence_s > 0 else whole.column_s
    ends_s[-1] = min(ends_s[-1], max(whole.end_s, begins_s[-1] + min_s))
    return replace(job, begins_s=begins_s, times_s=ends_s)


def coverage_note(whole: Reduced, value: str, what: str, period_s: float) -> str:
    """Return the title's part about column values and coverage.

    Parameters
    ----------
    whole
        The reduced rows.
    value
        Value of a column, such as ``the mean of``; may be empty.
    what
        Name of the period.
    period_s
        Length of the period; NaN or 0 if unknown.
    """
    column = f"each column {value} {whole.column_s:g} s" if whole.column_s else "each column a row"
    covered = whole.rows * whole.cadence_s / period_s if period_s > 0 else math.nan
    share = f", {min(100.0, 100 * covered):.0f} % of the {what}" if math.isfinite(covered) else ""
    return " ".join(f"{column}{share}".split())
