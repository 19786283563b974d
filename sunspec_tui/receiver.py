"""StreamReceiver: receives a stream; returns its rows and its state.

This is the public interface; `receiver_parts` has the parts that do the work. It draws nothing, prints nothing and does
not use any front end; events go to the log of this package.
"""

import inspect
import math
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.argument_checks import number
from sunspec_tui.core.colormaps import parse_palette
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Position
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.times import lwa_time_tag_to_datetime as lwa_time_tag_to_datetime
from sunspec_tui.exporting_receiver import ExportingReceiver
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.notebook import enable_notebook_figures
from sunspec_tui.receiver_options import ReceiverOptions
from sunspec_tui.receiver_parts import ReceiverParts
from sunspec_tui.stream.frame_iterator import FrameIterator, FrameIterators, Item, Row
from sunspec_tui.stream.message_delay import DelayMethod

_P = ParamSpec("_P")

enable_notebook_figures()


def _with_parameters_of(
    options: Callable[_P, object],
) -> Callable[[Callable[..., None]], Callable[Concatenate["StreamReceiver", _P], None]]:
    """Give an initialiser the parameters of an options class.

    Help, editors, type checkers and errors then show them as its own.
    """

    def decorated(initialiser: Callable[..., None]) -> Callable[..., None]:
        """Check the arguments of an initialiser before it runs."""
        own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        signature = inspect.Signature([own, *inspect.signature(options).parameters.values()])

        @wraps(initialiser)
        def initialise(*arguments: object, **named: object) -> None:
            try:
                signature.bind(*arguments, **named)
            except TypeError as error:
                raise TypeError(f"StreamReceiver(): {error}") from None
            initialiser(*arguments, **named)

        initialise.__signature__ = signature  # type: ignore[attr-defined]
        return initialise

    return decorated


class StreamReceiver(ExportingReceiver):
    """Receiver of a stream, with its history, plots, archive and web view.

    It has many methods because it passes calls on to its parts, so that a script needs only one object.

    Parameters
    ----------
    *arguments, **options
        Parameters of `ReceiverOptions`.

    Attributes
    ----------
    options, parts, history, handler
        The parameters, the parts, the rows and the subscriber's callbacks. A subclass must not reuse these names.
    listeners, notes, bursts
        Functions that are called after each batch of messages; the observers' notes; the bursts, see `LiveBursts`.

    Raises
    ------
    UsageError
        If a parameter cannot be used; `start` raises it if an archive needs a library that is not installed.

    Examples
    --------
    >>> with StreamReceiver(stream_port=9798, plot_interval=0) as receiver:
    ...     rows = receiver.get_latest_data(n_frames=10)
    """

    @_with_parameters_of(ReceiverOptions)
    def __init__(self, *arguments: object, **options: object) -> None:
        chosen = ReceiverOptions(*arguments, **options)  # type: ignore[arg-type]
        parts = ReceiverParts(
            chosen,
            self,
            memory=self._memory,
            on_plot_event=self._on_plot_event,
            on_header=self.debug_header_info if chosen.verbose else None,
        )
        super().__init__(chosen, parts)
        self.source, self.unit = chosen.source, parts.history.unit
        self.handler, self.listeners = parts.handler, parts.listeners
        self.bursts = parts.bursts

    def __repr__(self) -> str:
        if "history" not in self.__dict__:
            # A debugger may show a receiver whose initialiser has failed.
            return object.__repr__(self)
        position = self.position()
        rows = 0 if position is None else min(position.count, position.length)
        state = "running" if self.running else "stopped"
        return f"<StreamReceiver of {self.source}: {state}, {rows} rows>"

    # Start and stop

    def start(self) -> None:
        """Start to receive and to plot.

        Without effect while the receiver runs. After `stop`, the rows that were received are kept.
        """
        self.parts.start()

    def stop(self, *, deadline_s: float = math.inf) -> None:
        """Stop all parts in reverse order; what was received stays readable.

        Loops over `frames` and `rows` end. A second call is harmless; before `start` it has no effect.

        Parameters
        ----------
        deadline_s
            Time on `time.monotonic` until which a slow disk may take the last rows of the archive.
        """
        self.parts.stop(deadline_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # Snapshots

    def has_news(self) -> bool:
        """Return True if the next snapshot would log something."""
        return self.parts.snapshots.has_news()

    def snapshot(
        self, since: int = 0, *, epoch: int = 0, most: int | None = None, checks: bool = True, memory: bool = True
    ) -> Snapshot:
        """Return the current state as one immutable value; see `SnapshotBuilder.build`."""
        return self.parts.snapshots.build(since, epoch=epoch, most=most, checks=checks, memory=memory)

    # Loops over new frames and rows

    def wait_for_frames(self, n: int, timeout_s: float) -> bool:
        """Wait until `n` frames were received since the start.

        Return False after the timeout or `stop`.
        """
        return self.handler.wait_for_frames(n, timeout_s)

    def frames(self, timeout_s: float | None = None, most: int = 1000) -> FrameIterator[Frame]:
        """Iterate over frames from now on: ``for frame in receiver.frames(): ...``.

        Parameters
        ----------
        timeout_s
            Seconds without a frame after which the iterator ends; None waits until `stop`.
        most
            Largest number of frames queued for a slow loop, within 128 MiB in all; older frames are dropped and
            counted in ``frames_missed``.

        Returns
        -------
        FrameIterator
            An iterator of `Frame` for one thread, and a context manager that ends it. It ends at once unless the
            receiver runs.
        """
        return self._add_iterator(self.handler.frame_iterators, FrameIterator[Frame](most, timeout_s))

    def rows(self, timeout_s: float | None = None, most: int = 1000) -> FrameIterator[Row]:
        """Iterate over averaged rows from now on, as `frames` does over frames."""
        return self._add_iterator(self.handler.row_iterators, FrameIterator[Row](most, timeout_s))

    def _add_iterator(self, iterators: FrameIterators[Item], iterator: FrameIterator[Item]) -> FrameIterator[Item]:
        with self.parts.lifecycle_lock:
            if self.running:
                iterators.add(iterator)
            else:
                iterator.close()
        return iterator

    # Rows

    @property
    def station(self) -> str:
        """Origin of the data; see `StreamHistory.station`."""
        return self.history.station

    def set_product(self, product: str) -> None:
        """Show another product in plots and in `get_latest_data`."""
        self.history.set_product(product)

    def set_palette(self, palette: str) -> None:
        """Show another palette in plots."""
        self.parts.palette = parse_palette(palette)

    def get_latest_data(
        self, n_frames: int = 1, product: str | None = None, *, pol: str | None = None
    ) -> NDArray[np.float32]:
        """Return the last rows of one product, (n, nbins); see `StreamHistory.get_latest_data`."""
        return self.history.get_latest_data(n_frames, product, pol=pol)

    def get_rows(self, n_frames: int | None = None, *, epoch: int | None = None) -> Rows | None:
        """Return the last rows with all products; see `StreamHistory.get_rows`."""
        return self.history.get_rows(n_frames, epoch=epoch)

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> Rows | None:
        """Return rows by their numbers; see `StreamHistory.rows_between`."""
        return self.history.rows_between(start, stop, product)

    def epochs(self) -> tuple[Epoch, ...]:
        """Return the epochs, the oldest first; see `StreamHistory.epochs`."""
        return self.history.epochs()

    def position(self) -> Position | None:
        """Return the position of the newest row; None before the first frame."""
        return self.history.position()

    def number_at(self, slot: int) -> int:
        """Return the number of the first kept row from a slot on."""
        return self.history.number_at(slot)

    def last_frame(self) -> Frame | None:
        """Return the newest frame; None before the first."""
        return self.history.last_frame()

    # Delay

    def get_current_delay(self) -> float:
        """Return the last frame's message delay in seconds; NaN before it."""
        return self.parts.delay.value_s

    @property
    def delay_method(self) -> DelayMethod:
        """Method of the message delay."""
        return self.parts.delay.method

    def set_delay_calculation_method(self, method: str = "auto") -> None:
        """Measure the delay by ``auto``, ``buffer`` or ``manual`` from now on.

        Raises
        ------
        UsageError
            If the method is unknown.
        """
        self.parts.delay.set_method(method)

    def set_delay(self, delay_seconds: float) -> None:
        """Set the delay of the method ``manual`` and use that method.

        Raises
        ------
        UsageError
            If it is not a finite number.
        """
        self.parts.delay.set_manual(delay_seconds)

    # Plots and web view

    @property
    def plot_interval_s(self) -> float:
        """Seconds from plot to plot; 0 is off."""
        return self.plot_interval

    def set_plot_interval(self, seconds: float) -> None:
        """Plot every so many seconds from now on; 0 is off."""
        self.parts.plots.set_interval(number("plot_interval", seconds, 0))

    def plot_now(self) -> None:
        """Request a plot at once; `snapshot().plots` has the result."""
        self.parts.plots.plot_now()

    def plot_job(self) -> PlotJob | None:
        """Return all rows as a plot job; None before the first row."""
        return self.parts.plot_job()

    def set_web(self, on: bool) -> WebStatus:
        """Start or stop the web view; before `start`, note the choice."""
        return self.parts.set_web(on)

    def web_status(self) -> WebStatus:
        """Return the state of the web view."""
        return self.parts.web.status()
