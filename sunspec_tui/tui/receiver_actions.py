"""Actions of keys that change the receiver or use it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.monitoring.web_status import WebState, WebStatus
from sunspec_tui.stream.message_delay import DelayMethod
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import Interval, View
from sunspec_tui.tui.receiver_worker import log_failure
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.widgets.dialogs import DelayScreen, ExportScreen
from sunspec_tui.tui.widgets.plots_panel_text import NO_MARKED_ROWS, export_name, interval_text

_URL_SHOWN_S = 10.0
_FOR_RECORDED_ROWS = "this key is for recorded rows, which sunspec-tui view shows"


class ControlledReceiver(Protocol):
    """Methods of a receiver that keys call; see `StreamReceiver`."""

    @property
    def station(self) -> str:
        """Station of the data."""
        ...

    @property
    def delay_method(self) -> DelayMethod:
        """Method of the message delay."""
        ...

    @property
    def plot_interval_s(self) -> float:
        """Seconds from plot to plot; 0 is off."""
        ...

    def set_delay_calculation_method(self, method: str) -> None:
        """Select the method of the message delay."""
        ...

    def set_delay(self, delay_seconds: float) -> None:
        """Set the manual delay and select it."""
        ...

    def set_plot_interval(self, seconds: float) -> None:
        """Set the seconds from plot to plot; 0 is off."""
        ...

    def plot_now(self) -> None:
        """Write a plot now."""
        ...

    def web_status(self) -> WebStatus:
        """Return the state of the web view."""
        ...

    def set_web(self, on: bool) -> WebStatus:
        """Start or stop the web view."""
        ...

    def export_rows(self, path: Path, start: int, stop: int) -> str:
        """Write rows to a file; return a sentence about it."""
        ...

    def export_times(self, path: Path, begin_s: float, end_s: float) -> str:
        """Write rows of the timeline to a file; return a sentence."""
        ...

    def force_garbage_collection(self) -> int:
        """Collect garbage; return the number of freed objects."""
        ...

    def optimize_memory(self) -> dict[str, float]:
        """Free memory; return the resident memory before and after."""
        ...


class PlottingReceiver(Protocol):
    """Methods of `StreamReceiver` that select how plots look."""

    def set_product(self, product: str) -> None:
        """Select the product of plots."""

    def set_palette(self, palette: str) -> None:
        """Select the palette of plots."""


def follow_view(receiver: PlottingReceiver, view: View) -> None:
    """Use the product and the palette of the screen in plots."""
    receiver.set_product(view.product)
    receiver.set_palette(view.palette)


class ReceiverActions:
    """Actions of keys on the receiver; they do nothing before it runs.

    Parameters
    ----------
    app
        App that shows dialogs and notifications, and runs workers.
    scene
        Content of the pictures, for exports.
    receiver
        Returns the running receiver; None before it was started.
    refresh
        Called after a change, to show the readings soon.
    confirm
        Shows the effect of a key for a moment.
    station
        Station of the settings, for exports before the receiver runs.
    """

    def __init__(
        self,
        app: CanvasApp,
        scene: Scene,
        receiver: Callable[[], ControlledReceiver | None],
        refresh: Callable[[], None],
        confirm: Callable[[str], None],
        station: str,
    ) -> None:
        self._app, self._scene, self._receiver = app, scene, receiver
        self._refresh, self._confirm, self._station = refresh, confirm, station

    def _call(self, function: Callable[[ControlledReceiver], object]) -> None:
        """Call a function with the receiver, and show the result."""
        receiver = self._receiver()
        if receiver is not None:
            function(receiver)
            self._refresh()

    # Delay, plots and memory

    def next_delay_method(self) -> None:
        """Select the next delay method."""
        self._call(self._select_next_method)

    def _select_next_method(self, receiver: ControlledReceiver) -> None:
        method = receiver.delay_method.next()
        receiver.set_delay_calculation_method(method)
        self._confirm(f"delay method {method}")

    def ask_for_delay(self) -> None:
        """Ask for a manual delay and use it."""
        self._app.push_screen(DelayScreen(), self._set_delay)

    def _set_delay(self, numbers: tuple[float, ...] | None) -> None:
        if numbers is not None:
            self._call(lambda receiver: receiver.set_delay(numbers[0]))

    def change_plot_interval(self, direction: int) -> None:
        """Select the next longer (1) or shorter (-1) plot interval."""
        from sunspec_tui.plots.job import next_interval

        def change(receiver: ControlledReceiver) -> None:
            interval_s = next_interval(receiver.plot_interval_s, direction)
            receiver.set_plot_interval(interval_s)
            self._confirm(f"plot interval {interval_s:g} s" if interval_s else "plot interval off")

        self._call(change)

    def plot_now(self) -> None:
        """Write a plot of the shown product now."""
        self._call(self._plot_now)

    def _plot_now(self, receiver: ControlledReceiver) -> None:
        receiver.plot_now()
        self._confirm("drawing a plot")

    def collect_garbage(self) -> None:
        """Collect garbage and show the number of freed objects."""
        self._call(lambda receiver: self._confirm(f"{receiver.force_garbage_collection()} objects freed"))

    def optimise_memory(self) -> None:
        """Free memory and show the resident memory before and after."""
        self._call(self._optimise)

    def _optimise(self, receiver: ControlledReceiver) -> None:
        found = receiver.optimize_memory()
        self._confirm(f"RSS {found['rss_before_mb']:.1f} → {found['rss_after_mb']:.1f} MiB")

    # Web view

    def toggle_web(self) -> None:
        """Start or stop the web view."""
        receiver = self._receiver()
        if receiver is not None:
            work = partial(self._switch_web, receiver)
            self._app.run_worker(work, thread=True, exclusive=True, group="web", name="web")

    def _switch_web(self, receiver: ControlledReceiver) -> None:
        """Start or stop the web view, in a worker.

        Its libraries are loaded at the first start.
        """
        try:
            status = receiver.set_web(receiver.web_status().state is not WebState.SERVING)
        except Exception as error:  # noqa: BLE001 - its libraries raise many kinds of errors; the picture continues
            log_failure("the web view", error)
            return
        message = status.problem or (f"web view at {status.url}" if status.url else "the web view is off")
        severity = "error" if status.problem else "information"
        timeout = _URL_SHOWN_S if status.url else None
        self._app.call_from_thread(self._app.notify, message, severity=severity, timeout=timeout)
        self._app.call_from_thread(self._refresh)

    # Recorded rows

    def play(self) -> None:
        """Say that a stream cannot be played."""
        self._app.notify(_FOR_RECORDED_ROWS)

    def next_section(self, by: int) -> None:  # noqa: ARG002
        """Say that a stream has no files."""
        self._app.notify(_FOR_RECORDED_ROWS)

    # Export

    def export(self) -> None:
        """Ask for a file, and write rows to it.

        They are the rows of the marked interval or, without marks, of the picture.
        """
        interval = interval_of(self._scene)
        if interval is None:
            has_marks = self._scene.view.marks != (None, None)
            text = NO_MARKED_ROWS if has_marks else "there are no rows to export yet"
            self._app.notify(text, severity="warning")
            return
        self.export_interval(interval, interval_text(interval))

    def export_interval(self, interval: Interval, what: str) -> None:
        """Ask for a file, and write an interval's rows to it.

        `what` describes the rows.
        """
        receiver = self._receiver()
        station = receiver.station if receiver else self._station
        screen = ExportScreen(what, str(self._scene.shown.product), export_name(station, interval))
        self._app.push_screen(screen, partial(self._export_to, interval))

    def _export_to(self, interval: Interval, name: str | None) -> None:
        receiver = self._receiver()
        if name is not None and receiver is not None:
            path = Path(name).expanduser()
            write = (
                partial(receiver.export_rows, path, interval.start, interval.stop)
                if interval.in_ring
                else partial(receiver.export_times, path, interval.begin_s, interval.end_s)
            )
            work = partial(self._write_file, write, name)
            self._app.run_worker(work, thread=True, exit_on_error=False, name="export")

    def _write_file(self, write: Callable[[], str], name: str) -> None:
        """Write a file and show the result, in a worker.

        A large file takes seconds.
        """
        try:
            message, severity = write(), "information"
        except Exception as error:  # noqa: BLE001 - a writer's library may raise any error; all are shown
            message, severity = str(error) if isinstance(error, SunspecError) else f"{name}: {error!r}", "error"
        self._app.call_from_thread(self._app.notify, message, severity=severity)
