"""Command ``sunspec-tui export``: write rows of files or streams to a file."""

from typing import TYPE_CHECKING

from sunspec_tui.cli.probe import Say
from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.exit_status import EXIT_OK
from sunspec_tui.core.printable import printable
from sunspec_tui.core.settings import ExportSettings
from sunspec_tui.core.times import parse_time_range

if TYPE_CHECKING:
    from sunspec_tui.core.recording import Recording


def run(settings: ExportSettings, say: Say) -> int:
    """Write rows of files, an archive or a stream."""
    from sunspec_tui.core.flux_scale import load_flux_scale, scale_recording
    from sunspec_tui.core.rebinning import rebinned
    from sunspec_tui.files.file_formats import file_format
    from sunspec_tui.files.write import check_digits
    from sunspec_tui.files.write import export as write

    # Check the options before waiting for the stream.
    form = file_format(settings.output)
    if settings.product is not None and not form.has_one_product:
        raise UsageError(f"{settings.output.suffix} holds all products, --product is only for .fits; leave it out")
    if settings.digits:
        check_digits(settings.output)
    start_s, end_s = parse_time_range(settings.start, settings.end)
    flux_scale = load_flux_scale(settings.flux_scale)
    if settings.input is not None:
        from sunspec_tui.files.file_series import read_rows
        from sunspec_tui.files.read_limits import RowSelection

        selection = RowSelection(start_s, end_s, settings.observation, settings.tuning, settings.chan0)
        rows = read_rows(settings.inputs, selection)
    else:
        rows = _received(settings).between(start_s, end_s)
    rows = rebinned(scale_recording(rows, flux_scale), settings.average_time, settings.average_channels)
    nbytes = write(rows, settings.output, settings.product, digits=settings.digits)
    length = "" if settings.average_time is None else f" of {rows.cadence_s:.4g} s"
    say(f"{printable(settings.output)}: {len(rows)} rows{length}, {nbytes / 1e6:.2f} MB")
    return EXIT_OK


def _received(settings: ExportSettings) -> "Recording":
    """Receive a stream and return its rows.

    Receive until there are enough rows or the time is up.
    """
    from sunspec_tui.receiver import StreamReceiver

    with StreamReceiver(
        settings.addr,
        settings.port,
        max(2, settings.frames),
        plot_interval=0,
        chan0=settings.first_channel,
        channel_average=settings.channel_average,
        station=settings.station,
        # So short a ring loses its rows before the search has read them.
        bursts=False,
    ) as receiver:
        receiver.wait_for_frames(settings.frames, settings.timeout)
        rows = receiver.recording()
    if rows is None:
        raise ExportError(
            f"nothing came from {receiver.source} in {settings.timeout:g} s, so there is nothing to export"
        )
    return rows
