"""The commands that look at a stream for a moment, or at files: snapshot, doctor, export, quicklook.

Each takes its settings and a way to say lines, and gives an exit status; none reads arguments or prints.
"""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sunspec_tui.core.errors import ArchiveError, ExportError, UsageError
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK
from sunspec_tui.core.printable import printable, printable_values
from sunspec_tui.core.settings import ExportSettings, LookSettings, QuicklookSettings
from sunspec_tui.core.times import span_s

if TYPE_CHECKING:
    from sunspec_tui.core.recording import Recording
    from sunspec_tui.receiver import StreamReceiver

Say = Callable[[str], None]


def snapshot(settings: LookSettings, say: Say) -> int:
    """A text figure of the stream's latest spectrum, and a PNG where one is asked for."""
    from sunspec_tui.cli import headless
    from sunspec_tui.core.products import Product

    if settings.json:
        raise UsageError("--json is doctor's: snapshot draws a figure")
    if settings.remove_background and settings.png is None:
        raise UsageError("--remove-background is for the PNG figure: name its file with --png, or leave it out")
    with _looking(settings) as receiver:
        receiver.wait_for_frames(settings.frames, settings.timeout)
        seen = receiver.snapshot(most=1)
        if settings.png is not None and seen.axis is not None:
            _write_png(receiver, settings.png, remove_background=settings.remove_background)
    say(headless.figure(seen, Product.XX))
    say(headless.text_line(seen))
    return EXIT_OK if seen.axis is not None else EXIT_FAILED


def doctor(settings: LookSettings, say: Say) -> int:
    """What the stream says of itself, or why nothing comes."""
    from sunspec_tui.monitoring.stream_findings import findings, report

    if settings.png is not None or settings.remove_background:
        raise UsageError("--png and --remove-background are snapshot's: doctor draws nothing")
    with _looking(settings) as receiver:
        arrivals_s = _arrivals(receiver, settings.frames, settings.timeout)
        seen, frame = receiver.snapshot(most=1), receiver.last_frame()
        found = findings(seen, frame, arrivals_s, _delays(receiver))
    for line in [json.dumps(printable_values(found))] if settings.json else map(printable, report(found)):
        say(line)
    return EXIT_OK if seen.health.frames_received else EXIT_FAILED


def export(settings: ExportSettings, say: Say) -> int:
    """Write rows of a file, an archive or a stream to a file."""
    from sunspec_tui.core.rebinning import rebinned
    from sunspec_tui.core.recording import FileForm, file_form
    from sunspec_tui.files.write import check_digits
    from sunspec_tui.files.write import export as write

    # Before anything is waited for.
    form = file_form(settings.output)
    if settings.product is not None and form is not FileForm.CALLISTO:
        raise UsageError(f"{settings.output.suffix} holds all products: --product is for .fits, leave it out")
    if settings.digits:
        check_digits(settings.output)
    start_s, end_s = span_s(settings.start, settings.end)
    if settings.input is not None:
        from sunspec_tui.files.file_series import read_rows
        from sunspec_tui.files.read_limits import Asked

        asked = Asked(start_s, end_s, settings.observation, settings.tuning, settings.chan0)
        rows = read_rows(settings.inputs, asked)
    else:
        rows = _received(settings).between(start_s, end_s)
    rows = rebinned(rows, settings.average_time, settings.average_channels)
    nbytes = write(rows, settings.output, settings.product, digits=settings.digits)
    length = "" if settings.average_time is None else f" of {rows.cadence_s:.4g} s"
    say(f"{printable(settings.output)}: {len(rows)} rows{length}, {nbytes / 1e6:.2f} MB")
    return EXIT_OK


def quicklook(settings: QuicklookSettings, say: Say) -> int:
    """Draw the days or hours of an archive, or files; says each picture as it is written."""
    from sunspec_tui.files.archive.reader import is_archive
    from sunspec_tui.files.input_paths import input_paths

    # Before anything is read.
    span_s(settings.start, settings.end)
    paths = input_paths(settings.paths)
    archive = paths[0] if len(paths) == 1 and is_archive(paths[0]) else None
    count = 0
    for path in _pictures_of_files(settings, paths) if archive is None else _pictures_of_archive(settings, archive):
        say(printable(path))
        count += 1
    if not count:
        raise ArchiveError(f"{paths[0]} has no rows in that time, there is nothing to draw")
    return EXIT_OK


def _pictures_of_archive(settings: QuicklookSettings, archive: Path) -> Iterator[Path]:
    from sunspec_tui.plots.quicklook import quicklook as pictures

    if (settings.observation, settings.tuning, settings.chan0) != (None, None, None):
        raise UsageError("an archive has one axis: leave --observation, --tuning and --chan0 out")
    start_s, end_s = span_s(settings.start, settings.end)
    return pictures(
        archive,
        settings.out,
        product=settings.product or "XX",
        per=settings.per or "day",
        show=settings.show,
        remove_background=settings.remove_background,
        start_s=-math.inf if start_s is None else start_s,
        end_s=math.inf if end_s is None else end_s,
        scheduler=settings.scheduler,
        workers=settings.workers,
    )


def _pictures_of_files(settings: QuicklookSettings, paths: list[Path]) -> Iterator[Path]:
    from sunspec_tui.files.read_limits import Asked
    from sunspec_tui.plots.file_quicklook import file_quicklook

    if (settings.scheduler, settings.workers) != (None, None):
        raise UsageError("--scheduler and --workers are for an archive: leave them out with files")
    asked = Asked(*span_s(settings.start, settings.end), settings.observation, settings.tuning, settings.chan0)
    return file_quicklook(
        paths,
        settings.out,
        asked,
        product=settings.product,
        per=settings.per,
        show=settings.show,
        remove_background=settings.remove_background,
    )


def _looking(settings: LookSettings) -> "StreamReceiver":
    """A receiver that keeps what is to be looked at."""
    from sunspec_tui.receiver import StreamReceiver

    rows = max(2, settings.frames)
    return StreamReceiver(settings.addr, settings.stream_port, rows, plot_interval=0, chan0=settings.chan0)


def _received(settings: ExportSettings) -> "Recording":
    """Rows of a stream that was listened to for a while."""
    from sunspec_tui.receiver import StreamReceiver

    with StreamReceiver(
        settings.addr,
        settings.port,
        max(2, settings.frames),
        plot_interval=0,
        chan0=settings.first_channel,
        channel_average=settings.channel_average,
        station=settings.station,
    ) as receiver:
        receiver.wait_for_frames(settings.frames, settings.timeout)
        rows = receiver.recording()
    if rows is None:
        raise ExportError(f"nothing came from {receiver.source} in {settings.timeout:g} s, there is nothing to export")
    return rows


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


def _arrivals(receiver: "StreamReceiver", count: int, timeout_s: float) -> list[float]:
    """When frames came, until there are enough of them or the time is up."""
    end_s, arrivals_s = time.monotonic() + timeout_s, list[float]()
    while len(arrivals_s) < count and (left_s := end_s - time.monotonic()) > 0:
        if not receiver.wait_for_frames(len(arrivals_s) + 1, left_s):
            break
        arrivals_s.append(time.monotonic())
    return arrivals_s


def _delays(receiver: "StreamReceiver") -> dict[str, float]:
    """The message delay by each method that needs nothing from the user."""
    found = {}
    for method in ("buffer", "auto"):
        receiver.set_delay_calculation_method(method)
        found[method] = receiver.get_current_delay()
    return found
