"""Command ``sunspec-tui snapshot``: print or draw the latest spectrum."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say, probe_receiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK
from sunspec_tui.core.settings import ProbeSettings

if TYPE_CHECKING:
    from sunspec_tui.receiver import StreamReceiver


def run(settings: ProbeSettings, say: Say) -> int:
    """Print the stream's latest spectrum, and write a requested PNG."""
    from sunspec_tui.cli import headless
    from sunspec_tui.core.products import Product

    if settings.json:
        raise UsageError("--json is doctor's: snapshot draws a figure")
    if settings.remove_background and settings.png is None:
        raise UsageError("--remove-background is for the PNG figure: name its file with --png, or leave it out")
    with probe_receiver(settings) as receiver:
        receiver.wait_for_frames(settings.frames, settings.timeout)
        snapshot = receiver.snapshot(most=1)
        if settings.png is not None and snapshot.axis is not None:
            _write_png(receiver, settings.png, remove_background=settings.remove_background)
    say(headless.figure(snapshot, Product.XX))
    say(headless.text_line(snapshot))
    return EXIT_OK if snapshot.axis is not None else EXIT_FAILED


def _write_png(receiver: "StreamReceiver", path: Path, *, remove_background: bool) -> None:
    from sunspec_tui.plots.matplotlib_loader import load_matplotlib

    load_matplotlib()
    from sunspec_tui.plots.figure import SpectrumFigure

    job = receiver.plot_job()
    if job is None:
        return
    figure = SpectrumFigure()
    figure.draw(replace(job, remove_background=remove_background))
    try:
        figure.save(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --png") from error
