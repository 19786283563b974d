"""Build the picture of one burst for the plot process.

The picture shows the rows of the burst and some before and after it, without the quiet background. Its upper panel is
the spectrum at the peak. Nothing is drawn here.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_builder import recorded_job

MAX_PICTURE_S = 1800.0
"""Longest time in a picture; of a longer burst, the time around its peak is shown."""

_MIN_MARGIN_S, _MAX_MARGIN_S, _MARGIN = 15.0, 120.0, 0.25
_MAX_NOTE = 80


def picture_limits(burst: Burst) -> tuple[float, float]:
    """Return begin and end of the rows in a burst's picture.

    They are in seconds since 1970 UTC.
    """
    margin_s = min(_MAX_MARGIN_S, max(_MIN_MARGIN_S, _MARGIN * burst.duration_s))
    begin_s, end_s = burst.begin_s - margin_s, burst.end_s + margin_s
    if end_s - begin_s > MAX_PICTURE_S:
        begin_s = min(max(begin_s, burst.peak_s - MAX_PICTURE_S / 2), end_s - MAX_PICTURE_S)
    return begin_s, min(end_s, begin_s + MAX_PICTURE_S)


def picture_product(recording: Recording) -> Product:
    """Return the product of a burst's files.

    It is I if the rows have it.
    """
    return Product.I if Product.I in recording.carries() else recording.default_product()


def burst_job(recording: Recording, burst: Burst, path: Path) -> PlotJob:
    """Return the job that draws a burst.

    Parameters
    ----------
    recording
        Its rows, at least one, in the order of time.
    burst
        The burst.
    path
        File of the picture; a file of that name is replaced.
    """
    product = picture_product(recording)
    peak = int(np.argmin(np.abs(recording.times_s - burst.peak_s)))
    return replace(
        recorded_job(recording, product),
        spectra=recorded_job(recording.only(slice(peak, peak + 1)), product).spectra,
        heading="spectrum at the peak",
        note=printable(f"{burst.type.words}, {burst.short_text}", _MAX_NOTE),
        remove_background=True,
        directory=str(path.parent),
        stem=path.stem,
    )
