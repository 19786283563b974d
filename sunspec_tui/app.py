"""The monitor on a terminal: hosts the receiver as a worker and shows its snapshots.

Values come from `receiver.snapshot()` at the screen's own rate and go to the widgets as plain arrays and
texts. Keys become calls of the receiver. Nothing here reads a socket, keeps rows or draws a plot.
"""

import asyncio
import logging
import math
import signal
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, RichLog, Static

from sunspec_tui.config import Settings
from sunspec_tui.delay import DelayMethod
from sunspec_tui.errors import SunspecError
from sunspec_tui.messages import Logged
from sunspec_tui.products import Product, available, derive
from sunspec_tui.receiver import StreamReceiver
from sunspec_tui.snapshot import Snapshot
from sunspec_tui.times import format_clock
from sunspec_tui.widgets.dialogs import DelayScreen, HelpScreen
from sunspec_tui.widgets.panels import DelayPanel, Panel
from sunspec_tui.widgets.readings import health_text, memory_text, plots_text, status_text, waiting_text
from sunspec_tui.widgets.spectrum import Spectrum
from sunspec_tui.widgets.waterfall import Waterfall

TICK_S = 0.1
READINGS_S = 0.5
NARROW_COLUMNS = 100
PLOT_INTERVALS_S = (0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
ROWS_PER_COLUMN = (1, 2, 4, 8, 16, 32, 64)
EXIT_INTERRUPTED = 130
# A terminal that hangs up or a service that is stopped has asked us to end: that is no failure.
_SIGNALS = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: 0, signal.SIGHUP: 0}


class Monitor(App[int]):
    """The live monitor.

    Parameters
    ----------
    receiver
        What is shown; started and stopped here.
    settings
        As the user gave them.
    """

    CSS_PATH = "styles.tcss"
    TITLE = "sunspec-tui"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW_COLUMNS, "-wide")]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "delay_method", "Delay", tooltip="next delay method: auto, buffer, manual"),
        Binding("m", "manual_delay", "Manual", tooltip="type a manual delay in seconds"),
        Binding("plus,equals_sign", "plot_interval(1)", "Plots", key_display="+-", tooltip="longer plot interval"),
        Binding(
            "minus",
            "plot_interval(-1)",
            "Plots",
            key_display="-",
            show=False,
            tooltip="shorter plot interval, down to off",
        ),
        Binding("p", "plot_now", "Plot", tooltip="write a plot now"),
        Binding("g", "collect_garbage", "GC", tooltip="collect garbage now"),
        Binding("o", "optimise_memory", "Mem", tooltip="free what memory can be freed; rows stay"),
        Binding("space", "pause", "Pause", tooltip="hold the picture; receiving goes on"),
        Binding("c", "palette", "Colour", tooltip="next colour map"),
        Binding(
            "left_square_bracket", "span(-1)", "Shorter", key_display="[", show=False, tooltip="fewer rows a column"
        ),
        Binding("right_square_bracket", "span(1)", "Longer", key_display="]", show=False, tooltip="more rows a column"),
        Binding("question_mark", "help", "Help", key_display="?", tooltip="this list"),
        Binding("q", "end(0)", "Quit", tooltip="end the monitor"),
        Binding("ctrl+c", f"end({EXIT_INTERRUPTED})", "", show=False),
    ]

    def __init__(self, receiver: StreamReceiver, settings: Settings) -> None:
        super().__init__()
        self._receiver = receiver
        self._settings = settings
        self._ending = threading.Event()
        self._log_handler = _LogHandler(self)
        self._product = Product(settings.product)
        self._paused = False
        self._count = 0
        self._epoch = -1
        self._view: tuple[object, ...] = ()
        self._readings_due_s = 0.0
        self._newest_s = math.nan

    # Life

    def compose(self) -> ComposeResult:
        """Status, pictures, panels, keys."""
        yield Static(id="status")
        with Horizontal(id="body"):
            with Vertical(id="pictures"):
                yield Static(id="waiting")
                yield Spectrum(id="spectrum")
                yield Waterfall(id="waterfall")
            with Vertical(id="panels"):
                yield DelayPanel("Delay", id="delay")
                yield Panel("Health", id="health")
                yield Panel("Memory", id="memory")
                yield Panel("Plots", id="plots")
                log = RichLog(id="log", max_lines=500, wrap=True, min_width=20)
                log.border_title = "Log"
                log.can_focus = False
                yield log
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Begin to receive and to look."""
        logging.getLogger("sunspec_tui").addHandler(self._log_handler)
        self._handle_signals(asyncio.get_running_loop())
        self.screen.add_class("-empty")
        self.run_worker(self._host_receiver, thread=True, exit_on_error=False, name="receiver")
        self.set_interval(TICK_S, self._tick)

    def on_unmount(self) -> None:
        """Let the worker stop the receiver."""
        logging.getLogger("sunspec_tui").removeHandler(self._log_handler)
        self._ending.set()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number, status in _SIGNALS.items():
            loop.add_signal_handler(number, partial(self.exit, status))

    def _host_receiver(self) -> None:
        """The worker: runs the receiver until the app ends."""
        try:
            self._receiver.start()
            self._ending.wait()
        except SunspecError as error:
            logging.getLogger(__name__).error("%s", error)  # noqa: TRY400 - one sentence, no traceback
        finally:
            self._receiver.stop()

    # From snapshots to widgets

    def _tick(self) -> None:
        """Show what is new; cheap where nothing is."""
        waterfall = self.query_one(Waterfall)
        # While the picture is held no rows are asked for; what was missed comes when it goes on.
        most = 0 if self._paused else waterfall.wanted_rows
        snapshot = self._receiver.snapshot(self._count, epoch=self._epoch, most=most)
        self.screen.set_class(snapshot.axis is None, "-empty")
        if snapshot.axis is not None and not self._paused:
            self._show_rows(snapshot, waterfall)
        now_s = time.monotonic()
        if now_s >= self._readings_due_s:
            self._readings_due_s = now_s + READINGS_S
            self._show_readings(snapshot)

    def _show_rows(self, snapshot: Snapshot, waterfall: Waterfall) -> None:
        assert snapshot.axis is not None  # noqa: S101 - _tick() has looked
        axis = snapshot.axis
        product = self._product if self._product in available(axis.npol) else Product.XX
        view = (snapshot.epoch, waterfall.columns, waterfall.rows_per_column, product)
        if view != self._view:
            self._view, self._epoch = view, snapshot.epoch
            waterfall.restart(axis.frequencies_mhz, waterfall.rows_per_column)
            snapshot = self._receiver.snapshot(0, epoch=snapshot.epoch, most=waterfall.wanted_rows)
        rows = snapshot.rows
        if rows is None or not len(rows):
            return
        self._count = rows.count
        self._newest_s = float(rows.times_s[-1])
        values = derive(rows.data, product)
        waterfall.add(values, rows.times_s, rows.slots, rows.marks)
        self.query_one(Spectrum).show(axis.frequencies_mhz, values[-1])

    def _show_readings(self, snapshot: Snapshot) -> None:
        health = snapshot.health
        status = status_text(
            health, snapshot.source, self._product, self._newest_s, snapshot.data_age_s, paused=self._paused
        )
        self.query_one("#status", Static).update(status)
        if snapshot.axis is None:
            self.query_one("#waiting", Static).update(Text(waiting_text(health, snapshot.source)))
        self.query_one(DelayPanel).show_delay(snapshot.delay, snapshot.data_age_s, snapshot.delay_history)
        self.query_one("#health", Panel).show(health_text(health))
        self.query_one("#memory", Panel).show(memory_text(snapshot.memory))
        self.query_one("#plots", Panel).show(plots_text(snapshot.plots))

    def _show_soon(self) -> None:
        """Show readings with the next tick, because a key has changed something."""
        self._readings_due_s = 0.0

    def on_logged(self, event: Logged) -> None:
        """Add a line to the log panel."""
        line = Text(f"{format_clock(event.time_s)} {event.text}", event.style)
        self.query_one("#log", RichLog).write(line)
        if event.level >= logging.ERROR and self.screen.has_class("-narrow"):
            self.notify(event.text, severity="error", markup=False)

    # Keys

    def action_delay_method(self) -> None:
        """Go to the next delay method."""
        method = self._receiver.snapshot(since=2**62).delay.method
        self._receiver.set_delay_calculation_method(DelayMethod(method).next())
        self._show_soon()

    def action_manual_delay(self) -> None:
        """Ask for a manual delay and use it."""
        self.push_screen(DelayScreen(), self._set_delay)

    def _set_delay(self, delay_s: float | None) -> None:
        if delay_s is not None:
            self._receiver.set_delay(delay_s)
            self._show_soon()

    def action_plot_interval(self, direction: int) -> None:
        """Go to the next longer or shorter plot interval."""
        interval_s = self._receiver.snapshot(since=2**62).plots.interval_s
        self._receiver.set_plot_interval(neighbour(PLOT_INTERVALS_S, interval_s, direction))
        self._show_soon()

    def action_plot_now(self) -> None:
        """Write a plot now."""
        self._receiver.plot_now()
        self._show_soon()

    def action_collect_garbage(self) -> None:
        """Collect garbage and say what it brought."""
        self.notify(f"{self._receiver.force_garbage_collection()} objects freed")
        self._show_soon()

    def action_optimise_memory(self) -> None:
        """Free memory and say what it brought."""
        found = self._receiver.optimize_memory()
        self.notify(f"RSS {found['rss_before_mb']:.1f} → {found['rss_after_mb']:.1f} MiB")
        self._show_soon()

    def action_pause(self) -> None:
        """Hold the picture, or let it go on."""
        self._paused = not self._paused
        self._show_soon()

    def action_palette(self) -> None:
        """Go to the next colour map."""
        self.notify(f"colours: {self.query_one(Waterfall).next_palette()}")

    def action_span(self, direction: int) -> None:
        """Show a shorter or a longer span of time."""
        waterfall = self.query_one(Waterfall)
        waterfall.rows_per_column = int(neighbour(ROWS_PER_COLUMN, waterfall.rows_per_column, direction))

    def action_help(self) -> None:
        """Show all keys."""
        bindings = [binding for binding in self.BINDINGS if isinstance(binding, Binding)]
        self.push_screen(HelpScreen(bindings))

    def action_end(self, status: int) -> None:
        """End the monitor with an exit status."""
        self.exit(status)


def neighbour(values: tuple[int, ...], value: float, direction: int) -> float:
    """The next value of an ascending table above (1) or below (-1) a value; the end where there is none."""
    if direction > 0:
        return next((other for other in values if other > value), values[-1])
    return next((other for other in reversed(values) if other < value), values[0])


class _LogHandler(logging.Handler):
    """Hands log records to the app as messages, from any thread."""

    def __init__(self, app: Monitor) -> None:
        super().__init__()
        self._post: Callable[[Logged], bool] = app.post_message

    def emit(self, record: logging.LogRecord) -> None:
        """Post one record."""
        self._post(Logged(record.levelno, record.created, record.getMessage()))
