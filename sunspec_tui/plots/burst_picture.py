"""Build the picture of one burst for the plot process.

The picture shows the rows of the burst and some before and after it, without the quiet background. Its upper panel is
the spectrum at the peak. Nothing is drawn here.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.printable import printable
from sunspec_tui.core.recording import Recording
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.job_builder import recorded_job

_MIN_MARGIN_S, _MAX_MARGIN_S, _MARGIN = 15.0, 120.0, 0.25
_MAX_NOTE = 120


def limits_around_peak(burst: Burst, longest_s: float) -> tuple[float, float]:
    """Return begin and end of the rows that show a burst.

    They are in seconds since 1970 UTC, with a margin before and after the burst.

    Parameters
    ----------
    burst
        The burst.
    longest_s
        Longest time between them; of a longer burst, the time around its peak is returned.
    """
    margin_s = min(_MAX_MARGIN_S, max(_MIN_MARGIN_S, _MARGIN * burst.duration_s))
    begin_s, end_s = burst.begin_s - margin_s, burst.end_s + margin_s
    if end_s - begin_s > longest_s:
        begin_s = min(max(begin_s, burst.peak_s - longest_s / 2), end_s - longest_s)
    return begin_s, min(end_s, begin_s + longest_s)


def burst_job(recording: Recording, burst: Burst, path: Path, remark: str = "") -> PlotJob:
    """Return the job that draws a burst.

    Parameters
    ----------
    recording
        Its rows, at least one, in the order of time, of one product.
    burst
        The burst.
    path
        File of the picture; a file of that name is replaced.
    remark
        What the picture lacks, for its title.
    """
    product = recording.default_product()
    peak = int(np.argmin(np.abs(recording.times_s - burst.peak_s)))
    return replace(
        recorded_job(recording, product),
        spectra=recorded_job(recording.only(slice(peak, peak + 1)), product).spectra,
        heading="spectrum at the peak",
        note=printable(", ".join(filter(None, (burst.type.words, burst.short_text, remark))), _MAX_NOTE),
        remove_background=True,
        directory=str(path.parent),
        stem=path.stem,
    )
