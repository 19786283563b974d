"""Command ``sunspec-tui snapshot``: print or draw the latest spectrum."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say, probe_receiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK
from sunspec_tui.core.printable import printable
from sunspec_tui.core.settings import ProbeSettings

if TYPE_CHECKING:
    from sunspec_tui.plots.job import PlotJob
    from sunspec_tui.receiver import StreamReceiver

_PRODUCT = "XX"


def run(settings: ProbeSettings, say: Say) -> int:
    """Print the stream's latest spectrum, and write a requested PNG."""
    from sunspec_tui.cli import headless
    from sunspec_tui.core.levels import chosen_levels
    from sunspec_tui.core.products import Product

    _check(settings)
    chosen = settings.product or _PRODUCT
    with probe_receiver(settings) as receiver:
        receiver.set_product(chosen)
        _receive(receiver, settings)
        snapshot = receiver.snapshot(most=1)
        job = None if snapshot.axis is None else _job(receiver, settings, chosen)
    written = ""
    if job is not None and settings.png is not None:
        written = _write_png(job, settings.png)
    if job is not None and job.product != chosen:
        say(f"the stream has no {chosen}: showing {job.product}")
    if job is not None and settings.span is not None:
        say(_mean_figure(job))
    else:
        say(headless.figure(snapshot, Product(chosen), chosen_levels(settings.levels)))
    say(headless.text_line(snapshot))
    if written:
        say(written)
    return EXIT_OK if snapshot.axis is not None else EXIT_FAILED


def _check(settings: ProbeSettings) -> None:
    if settings.json:
        raise UsageError("--json is only for doctor: snapshot draws a figure; leave it out")
    for name, is_given in (
        ("--remove-background", settings.remove_background),
        ("--palette", settings.palette is not None),
    ):
        if is_given and settings.png is None:
            raise UsageError(f"{name} is for the PNG figure: name its file with --png, or leave it out")


def _receive(receiver: "StreamReceiver", settings: ProbeSettings) -> None:
    """Wait for the frames, or for those of the time span."""
    from sunspec_tui.monitoring.snapshot import NO_ROWS

    receiver.wait_for_frames(settings.frames, settings.timeout)
    if settings.span is not None:
        cadence_s = receiver.snapshot(since=NO_ROWS, memory=False).health.cadence_s
        if cadence_s > 0:
            receiver.wait_for_frames(math.ceil(settings.span / cadence_s), settings.span + settings.timeout)


def _job(receiver: "StreamReceiver", settings: ProbeSettings, chosen: str) -> "PlotJob | None":
    """Return the plot job that the options describe."""
    from sunspec_tui.core.levels import chosen_levels
    from sunspec_tui.plots.job import newest_seconds

    job = receiver.plot_job()
    if job is None:
        return None
    job = replace(
        job,
        remove_background=settings.remove_background,
        palette=settings.palette or job.palette,
        levels=chosen_levels(settings.levels) if job.product == chosen else None,
    )
    return job if settings.span is None else newest_seconds(job, settings.span)


def _mean_figure(job: "PlotJob") -> str:
    """Return the mean spectrum of the rows as a text figure."""
    import numpy as np

    from sunspec_tui.core.flux_scale import ARBITRARY
    from sunspec_tui.core.printable import printable_name
    from sunspec_tui.core.products import Product
    from sunspec_tui.core.times import format_clock
    from sunspec_tui.plots.plot_reduction import finite_means
    from sunspec_tui.plots.text_figure import text_figure

    mean = finite_means(job.data, np.zeros(1, np.int64))[0]
    begin, end = format_clock(float(job.begins_s[0])), format_clock(float(job.times_s[-1]))
    title = f"{printable_name(job.station)}  {job.product}  mean of {begin} to {end} UTC"
    unit = ARBITRARY if job.product == Product.V_OVER_I else job.unit
    spectra = {job.product: mean}
    return text_figure(job.frequencies_mhz, spectra, title=title, linear=job.signed, levels=job.levels, unit=unit)


def _write_png(job: "PlotJob", path: Path) -> str:
    """Write the figure; return a line about the file."""
    from sunspec_tui.plots.matplotlib_loader import load_matplotlib

    load_matplotlib()
    from sunspec_tui.plots.figure import SpectrumFigure

    figure = SpectrumFigure()
    figure.draw(job)
    try:
        figure.save(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --png") from error
    rows = "1 row" if len(job.times_s) == 1 else f"{len(job.times_s)} rows"
    return f"{printable(path)}: figure of {rows} of {job.product}"
