"""Draw a time window of a recording as a matplotlib Figure."""

import io
from dataclasses import replace

from matplotlib.figure import Figure

from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.plots.job_builder import recorded_job


def plot_window(
    recording: Recording,
    product: Product | str | None = None,
    *,
    start_s: float | None = None,
    end_s: float | None = None,
    remove_background: bool = False,
) -> Figure:
    """Draw a recording: its last spectrum above, its waterfall below.

    Parameters
    ----------
    recording
        Recording of `StreamReceiver.recording`, a file or an archive.
    product
        Product of the waterfall; by default the only one of the recording, or else XX.
    start_s, end_s
        Limits of the rows, which end after `start_s` and not after `end_s`, seconds since 1970.
    remove_background
        True to show the waterfall without the quiet background: the median of each bin over the quieter half of the
        rows.

    Returns
    -------
    matplotlib.figure.Figure
        Figure on an Agg canvas, 12 x 10 inches: ``figure.savefig("event.png")`` writes it. It belongs to the caller.

    Raises
    ------
    UsageError
        If the recording does not have the product, or has no row in that time.
    """
    shown = SpectrumFigure()
    job = recorded_job(recording.between(start_s, end_s), product)
    shown.draw(replace(job, remove_background=remove_background))
    return shown.figure


def png_of(recording: Recording) -> bytes:
    """Return the figure of a recording as a PNG, for notebooks."""
    png = io.BytesIO()
    plot_window(recording).savefig(png, format="png", dpi=75)
    return png.getvalue()
