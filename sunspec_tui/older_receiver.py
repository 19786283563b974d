"""Base class that keeps scripts for the older receiver working.

Scripts for it run unchanged. Attributes are read-only: a script that sets one gets an error instead of no effect.
Nothing here changes the received rows.
"""

import gc
import logging
import math
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.memory_usage import MemoryReading, object_count, vms_mb
from sunspec_tui.core.products import Product, available, bin_count, derive
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_copy import iter_blocks
from sunspec_tui.core.usual_frames import USUAL_NCHAN
from sunspec_tui.monitoring.snapshot import NO_ROWS, Snapshot
from sunspec_tui.monitoring.stream_diagnosis import header_lines
from sunspec_tui.monitoring.web_status import WebState, WebStatus
from sunspec_tui.plots.job import PlotEvent, PlotStatus
from sunspec_tui.receiver_options import ReceiverOptions
from sunspec_tui.receiver_parts import ReceiverParts

log = logging.getLogger(__name__)

MAX_PLOT_S = 60.0
"""Longest wait for a plot, in seconds."""
_CHECK_S = 0.2


class OlderReceiver(ABC):
    """Attributes and methods that scripts for the older receiver use.

    It has many methods because the older receiver has them.

    Attributes
    ----------
    options
        The parameters.
    parts
        The parts that do the work.
    history
        The received rows.
    """

    def __init__(self, options: ReceiverOptions, parts: ReceiverParts) -> None:
        self.options, self.parts, self.history = options, parts, parts.history
        self._plot_ended, self._plot_events = threading.Condition(), 0

    @abstractmethod
    def snapshot(self, since: int = 0, *, epoch: int = 0, most: int | None = None) -> Snapshot:
        """Return the current state."""

    @abstractmethod
    def get_current_delay(self) -> float:
        """Return the message delay of the last frame in seconds."""

    @abstractmethod
    def set_web(self, on: bool) -> WebStatus:
        """Start or stop the web view."""

    # Options

    @property
    def stream_addr(self) -> str:
        """Address of the stream."""
        return self.options.stream_addr

    @property
    def stream_port(self) -> int:
        """Port of the stream."""
        return self.options.stream_port

    @property
    def buffer_length(self) -> int:
        """Number of rows that are kept."""
        return self.options.buffer_length

    @property
    def gc_interval(self) -> int:
        """Frames from one garbage collection to the next; 0 is off."""
        return self.parts.collector.interval

    @property
    def plot_interval(self) -> float:
        """Seconds from plot to plot; 0 is off."""
        return self.parts.plots.status().interval_s

    @property
    def plot_dir(self) -> str:
        """Directory of the plots."""
        return str(self.parts.plots.status().directory)

    @property
    def start_webshow(self) -> bool:
        """True if the web view is wanted."""
        return self.parts.web_wanted

    @property
    def streaming_interval(self) -> float:
        """Seconds per row for the delay method ``buffer``.

        The chosen value, else the measured cadence.
        """
        return self.parts.interval_s

    @property
    def verbose(self) -> bool:
        """True if the header of the first frame is logged."""
        return self.options.verbose

    # State

    @property
    def running(self) -> bool:
        """True between `start` and `stop`."""
        return self.parts.running

    @property
    def plot_running(self) -> bool:
        """True while plots are written on a schedule."""
        plots = self.parts.plots.status()
        return plots.running and plots.interval_s > 0

    @property
    def last_plot_time(self) -> float | None:
        """Time of the last plot, seconds since 1970; None before it."""
        return self.parts.plots.status().last_time_s

    @property
    def delay(self) -> float:
        """Message delay of the last frame in seconds; NaN before the first."""
        return self.get_current_delay()

    @property
    def buffer_index(self) -> int:
        """Row of `ring_buffer` that is written next."""
        ring = self.history.ring()
        return 0 if ring is None else ring.index

    @property
    def ring_buffer(self) -> NDArray[np.float32]:
        """Copy of one product's rows, each at its index in the ring.

        The array is read-only, float32, of shape (buffer_length, nbins). Rows that have not arrived are 0.
        """
        ring = self.history.ring()
        found = np.zeros((self.buffer_length, self._bins(ring)), np.float32)
        if ring is not None:
            product = self._carried_product(ring.npol)
            for rows in iter_blocks(ring, ring.count - ring.filled, ring.count):
                first = ring.index_of(rows.count - len(rows))
                found[(first + np.arange(len(rows))) % ring.length] = derive(rows.data, product)
        found.flags.writeable = False
        return found

    def _bins(self, ring: RingBuffer | None) -> int:
        """Return the number of bins, before the first frame the usual one."""
        return bin_count(USUAL_NCHAN, self.options.channel_average) if ring is None else ring.nbins

    def _carried_product(self, npol: int) -> Product:
        """Return the receiver's product, or XX if the stream lacks it."""
        return self.history.product if self.history.product in available(npol) else Product.XX

    def get_buffer_status(self) -> dict[str, Any]:
        """Return the older receiver's status, and the stream's health."""
        snapshot = self.snapshot(since=NO_ROWS)
        ring, health = self.history.ring(), snapshot.health
        return {
            "buffer_index": ring.index if ring else 0,
            "buffer_shape": (self.buffer_length, self._bins(ring)),
            "buffer_filled": ring.filled if ring else 0,
            "is_running": self.running,
            "plot_running": snapshot.plots.running and snapshot.plots.interval_s > 0,
            "last_plot_time": snapshot.plots.last_time_s,
            "last_plot": snapshot.plots.last_path,
            "latest_data": self._latest_statistics(),
            "current_delay": snapshot.delay.value_s,
            # The machine's clock is not corrected here, as in the older receiver.
            "clock_offset": None,
            "last_sync_time": None,
            "synchronized_time": snapshot.taken_s,
            "webserver": self.get_webserver_status(),
            "delay_method": str(snapshot.delay.method),
            "delay_median": snapshot.delay_statistics.median_s,
            "delay_p95": snapshot.delay_statistics.p95_s,
            "delay_max": snapshot.delay_statistics.max_s,
            "data_age": snapshot.data_age_s,
            "state": str(health.state),
            "frames_received": health.frames_received,
            "frames_rejected": health.frames_rejected,
            "frames_missing": health.missing,
            "cadence": health.cadence_s,
        }

    def _latest_statistics(self) -> dict[str, float]:
        """Return min, max, mean and std of the newest row's finite bins."""
        ring = self.history.ring()
        power = np.empty(0)
        if ring is not None:
            newest = derive(ring.latest(1).data, self._carried_product(ring.npol)).astype(np.float64)
            power = newest[np.isfinite(newest)]
        if not power.size:
            return dict.fromkeys(("min", "max", "mean", "std"), math.nan)
        return {
            "min": float(power.min()),
            "max": float(power.max()),
            "mean": float(power.mean()),
            "std": float(power.std()),
        }

    # Plots

    def create_plot(self) -> str | None:
        """Write a plot now and wait for it.

        No plot is written if plots are off.

        Returns
        -------
        str or None
            Path of the plot; None without a plot, with the reason in the log.
        """
        if not self.plot_interval:
            return None
        with self.parts.lifecycle_lock:
            if not self.running:
                self.parts.plots.start()
                try:
                    return self._plot_and_wait()
                finally:
                    self.parts.plots.stop()
        return self._plot_and_wait()

    def _plot_and_wait(self) -> str | None:
        before, until_s = self.parts.plots.status(), time.monotonic() + MAX_PLOT_S
        with self._plot_ended:
            events = self._plot_events
            self.parts.plots.plot_now()
            while self._is_plotting(before, events) and time.monotonic() < until_s:
                self._plot_ended.wait(_CHECK_S)
        status = self.parts.plots.status()
        return None if status.written == before.written else status.last_path

    def _is_plotting(self, before: PlotStatus, events: int) -> bool:
        """Return True while the requested plot has no result."""
        status = self.parts.plots.status()
        return status.running and self._plot_events == events and status.failed == before.failed

    def _on_plot_event(self, event: PlotEvent) -> None:
        """Report an event of the plot service, and wake `create_plot`."""
        self.parts.reporter.report_plot(event)
        with self._plot_ended:
            self._plot_events += 1
            self._plot_ended.notify_all()

    # The web view

    def start_webserver(self) -> None:
        """Start the web view."""
        self.set_web(True)

    def stop_webserver(self) -> None:
        """Stop the web view."""
        self.set_web(False)

    def is_webserver_running(self) -> bool:
        """Return True while the web view is served."""
        return self.parts.web.status().state is WebState.SERVING

    def get_webserver_status(self) -> dict[str, Any]:
        """Return the web view's state, and its address without a token."""
        status, wanted = self.parts.web.status(), self.parts.web_wanted
        words = {WebState.SERVING: "running", WebState.FAILED: "failed", WebState.OFF: "stopped"}
        return {
            "enabled": wanted,
            "running": status.state is WebState.SERVING,
            "url": status.address or None,
            "status": words[status.state] if wanted else "disabled",
        }

    # The header

    def debug_header_info(self, header: Mapping[str, Any]) -> None:
        """Log each key of a header, with all plausible interpretations of times."""
        for line in header_lines(header):
            log.info("%s", line)

    # Memory

    def get_memory_info(self) -> dict[str, float]:
        """Return the memory usage in MiB, and counts of the garbage collector.

        ``rss_mb`` and ``vms_mb`` are of this process, ``pss_mb`` of all processes that it has started, ``buffer_mb``
        of the kept rows.
        """
        reading, objects = self._memory(), object_count()
        return {
            "rss_mb": reading.rss_mb,
            "vms_mb": vms_mb(),
            "pss_mb": reading.pss_mb,
            "buffer_mb": reading.ring_mb,
            "gc_runs": reading.gc_runs,
            "gc_collected": reading.gc_collected,
            "gc_interval": reading.gc_interval,
            "gc_objects": objects,
            "gc_garbage": len(gc.garbage),
            "objects": objects,
        }

    def force_garbage_collection(self) -> int:
        """Collect garbage now; return how many objects were freed."""
        return self.parts.collector.collect()

    def optimize_memory(self) -> dict[str, Any]:
        """Free memory, but no received data; return what was freed."""
        before = self.get_memory_info()
        found = self.parts.collector.optimise(self.parts.child_pids)
        return {
            **found,
            "memory_before": before,
            "memory_after": self.get_memory_info(),
            "objects_collected": int(found["collected"]),
        }

    def _memory(self) -> MemoryReading:
        ring = self.history.ring()
        return self.parts.collector.reading(ring.nbytes if ring else 0, self.parts.child_pids)
