"""The figure of a recording, for scripts."""

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
    """The figure of a recording: its last spectrum above, its waterfall below.

    Parameters
    ----------
    recording
        From `StreamReceiver.recording`, a file or an archive.
    product
        Product of the waterfall; the only one of the recording by default, or else XX.
    start_s, end_s
        Only rows that end after `start_s` and not after `end_s`, seconds since 1970.
    remove_background
        Show the waterfall without the quiet background: the median of each bin over the quieter half of the rows.

    Returns
    -------
    matplotlib.figure.Figure
        On an Agg canvas, 12 x 10 inches: ``figure.savefig("event.png")`` writes it. It belongs to the caller.

    Raises
    ------
    UsageError
        If there is no such product, or no row in that time.
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
