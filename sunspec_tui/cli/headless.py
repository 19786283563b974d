"""Run the monitor as a service that prints status lines.

The service starts and stops the given receiver, takes snapshots and passes text to a print function. It never loads
the terminal interface.
"""

import json
import math
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from sunspec_tui.cli.signals import Ending
from sunspec_tui.core.exit_status import EXIT_FAILED, EXIT_OK, log_signal
from sunspec_tui.core.flux_scale import ARBITRARY
from sunspec_tui.core.levels import Levels, chosen_levels
from sunspec_tui.core.printable import printable, printable_name, printable_values
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product, available, derive
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.times import format_clock, format_iso
from sunspec_tui.files.archive.status import ArchiveState
from sunspec_tui.monitoring.burst_status import BurstState, BurstStatus, counts_text
from sunspec_tui.monitoring.snapshot import NO_ROWS, Snapshot
from sunspec_tui.monitoring.status_record import status_record
from sunspec_tui.monitoring.web_status import WebState
from sunspec_tui.plots.text_figure import text_figure
from sunspec_tui.receiver import StreamReceiver

EXIT_NO_DATA = EXIT_FAILED
_POLL_S = 1.0
# The checks of the instrument cost as much as ten seconds of frames.
_CHECK_S = 2.0
_SETTLE_S, _SETTLE_AFTER_SIGNAL_S = 2.0, 0.5
# Part of the time for the end that is reserved for the last status.
_LAST_STATUS_S = 0.7
# Fields of the health that a stop resets; all other fields are counts.
_STATES = ("state", "link", "link_detail", "link_attempt", "silence_s", "rate_hz")
_MAX_LINE = 4000


def run(
    receiver: StreamReceiver,
    settings: Settings,
    say: Callable[[str], None],
    *,
    show: Callable[[str], None] = lambda _: None,
    ending: Ending | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> int:
    """Receive until the end, with a status every `status_interval` seconds.

    Parameters
    ----------
    receiver
        Receiver that this function starts and stops.
    settings
        Settings of the user.
    say
        Prints one status, a line or a figure; never waits for its reader.
    show
        Prints a line on a terminal only: the web view's address with its token.
    ending
        Reports when a signal asks to end; None uses a new `Ending`.
    monotonic
        Monotonic clock, in seconds.

    Returns
    -------
    int
        Exit status: 0; 1 if no frame came in `duration`; 130 if interrupted.
    """
    line = json_line if settings.status_format == "json" else text_line
    with ExitStack() as started:
        if ending is None:
            ending = started.enter_context(Ending())
        with receiver:
            if (web := receiver.web_status()).asks_for_token:
                show(f"open {web.url}")
            _report_until_end(receiver, settings, ending, lambda snapshot: say(line(snapshot)), monotonic)
            running = _stop(receiver, ending)
        last = _at_end(running, receiver.snapshot(most=1))
        say(line(last))
        if settings.status_format == "text" and last.axis is not None:
            say(figure(last, Product(settings.product or Product.XX), chosen_levels(settings.levels)))
        return _status_of(last) if ending.exit_status is None else ending.exit_status


def _stop(receiver: StreamReceiver, ending: Ending) -> Snapshot:
    """Stop the receiver, and return its last snapshot before the stop."""
    log_signal(ending.signal_number)
    ending.end_within(_status_of(receiver.snapshot(since=NO_ROWS)))
    _settle(receiver, _SETTLE_S if ending.exit_status is None else _SETTLE_AFTER_SIGNAL_S)
    running = receiver.snapshot(since=NO_ROWS)
    receiver.stop(deadline_s=ending.end_by_s - _LAST_STATUS_S)
    return running


def _status_of(snapshot: Snapshot) -> int:
    """Return the exit status of a run without a signal."""
    return EXIT_OK if snapshot.health.frames_received else EXIT_NO_DATA


def _at_end(running: Snapshot, stopped: Snapshot) -> Snapshot:
    """Return the final counts with the states from before the stop."""
    states = {name: getattr(running.health, name) for name in _STATES}
    return replace(stopped, health=replace(stopped.health, **states), memory=running.memory, web=running.web)


def _report_until_end(
    receiver: StreamReceiver,
    settings: Settings,
    ending: Ending,
    report: Callable[[Snapshot], None],
    monotonic: Callable[[], float],
) -> None:
    """Report a status every `status_interval` seconds.

    Return when the time is up or a signal comes.
    """
    begun_s = monotonic()
    end_s = begun_s + settings.duration if settings.duration else math.inf
    status_s, check_s = begun_s + settings.status_interval, begun_s
    while (now_s := monotonic()) < end_s:
        if now_s >= status_s:
            report(receiver.snapshot(since=NO_ROWS))
            status_s, check_s = next_due_s(status_s, settings.status_interval, now_s), now_s + _CHECK_S
        elif now_s >= check_s:
            receiver.snapshot(since=NO_ROWS, memory=False)
            check_s = now_s + _CHECK_S
        elif receiver.has_news():
            receiver.snapshot(since=NO_ROWS, checks=False, memory=False)
        # Check every second, so that a change of state is logged when it happens.
        if ending.wait(min(status_s, end_s, now_s + _POLL_S) - monotonic()):
            return


def next_due_s(due_s: float, interval_s: float, now_s: float) -> float:
    """Return the time of the next status on schedule; skip missed ones."""
    return due_s + interval_s * (1 + math.floor((now_s - due_s) / interval_s))


def _settle(receiver: StreamReceiver, timeout_s: float) -> None:
    """Wait for a plot in progress, which the last status must count."""
    deadline_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while receiver.snapshot(since=NO_ROWS).plots.busy and time.monotonic() < deadline_s:
        pause.wait(0.02)


def json_line(snapshot: Snapshot) -> str:
    """Format a status as one line of JSON."""
    return json.dumps(printable_values(status_record(snapshot)), allow_nan=False)


def text_line(snapshot: Snapshot) -> str:
    """Format a status as one line of text."""
    health, plots = snapshot.health, snapshot.plots
    parts = [
        format_iso(snapshot.taken_s),
        f"{health.state} ({health.link_words})",
        f"{health.frames_received} frames",
        f"missing {'–' if health.missing is None else health.missing}",
        f"rejected {health.frames_rejected}",
        f"cadence {_shown(health.cadence_s, 4)} s",
        f"delay {_shown(snapshot.delay.value_s, 3)} s ({snapshot.delay.used})",
        f"age {_shown(snapshot.data_age_s, 2)} s",
        f"RSS {_shown(snapshot.memory.rss_mb, 0)} MiB",
        f"plots {plots.written}",
    ]
    if snapshot.replay:
        parts.append(snapshot.replay)
    if snapshot.delay.note:
        parts.append(snapshot.delay.note)
    if snapshot.archive.state is not ArchiveState.OFF:
        archive = snapshot.archive
        lost = f", {archive.rows_missed} lost" if archive.rows_missed else ""
        waiting = f", {archive.rows_waiting} waiting" if archive.problem and archive.rows_waiting else ""
        parts.append(f"archive {archive.state}, {archive.rows_written} rows{waiting}{lost}")
    if snapshot.bursts.state is not BurstState.OFF:
        parts += _burst_parts(snapshot.bursts)
    if snapshot.web.state is WebState.SERVING:
        parts.append(f"web {snapshot.web.viewers} {'viewer' if snapshot.web.viewers == 1 else 'viewers'}")
    parts += filter(
        None, (plots.last_error, plots.note, snapshot.archive.problem, snapshot.web.problem, *snapshot.problems)
    )
    return printable("  ".join(map(printable, parts)), _MAX_LINE)


def _burst_parts(bursts: BurstStatus) -> list[str]:
    """Return the day's bursts, the newest one, and problems."""
    newest, parts = bursts.newest, [f"bursts {counts_text(bursts.today) or 0}"]
    if newest is not None:
        when = "in progress" if newest.is_open else f"{_shown(bursts.since_last_s, 0)} s ago"
        parts.append(f"newest {newest.short_text}, {when}")
    if bursts.rows.skipped:
        parts.append(f"{bursts.rows.skipped} rows not searched")
    if bursts.command.dropped:
        parts.append(f"{bursts.command.dropped} calls of --on-event left out")
    return [*parts, *filter(None, (bursts.problem, bursts.table_problem, bursts.command.problem))]


def _shown(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def figure(snapshot: Snapshot, product: Product, levels: Levels | None = None) -> str:
    """Return the latest spectrum as a text figure.

    If there is no spectrum, return a sentence. The levels are those of the product.
    """
    rows, axis = snapshot.rows, snapshot.axis
    if rows is None or axis is None or not len(rows):
        return "nothing received, so there is no figure"
    shown = product if product in available(axis.npol) else Product.XX
    words = (printable_name(snapshot.source), snapshot.replay, shown, f"{format_clock(float(rows.times_s[-1]))} UTC")
    title = "  ".join(filter(None, words))
    spectra = {str(shown): derive(rows.data[-1], shown)}
    levels = levels if shown is product else None
    linear = shown in SIGNED_PRODUCTS
    unit = ARBITRARY if shown is Product.V_OVER_I else snapshot.unit
    return text_figure(axis.frequencies_mhz, spectra, title=title, linear=linear, levels=levels, unit=unit)
