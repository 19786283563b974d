"""The current figure as a PNG, drawn when somebody asks and kept a few seconds for who asks next.

It has a plot process of its own, started with the first request and ended when nobody has asked for a while, so that a
visitor writes nothing into the user's plot directory.
"""

import asyncio
import queue
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sunspec_tui.plots import PlotEvent, PlotJob
from sunspec_tui.retention import Keep
from sunspec_tui.writers.png import PngWriter

FRESH_S = 5.0
IDLE_S = 60.0
_DRAW_S = 30.0


class Figures:
    """Draws the current figure.

    Parameters
    ----------
    make_job
        Gives its data, or None while nothing has come.
    monotonic
        A clock that never goes back.
    """

    def __init__(self, make_job: Callable[[], PlotJob | None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._make_job, self._monotonic = make_job, monotonic
        self._lock = asyncio.Lock()
        self._drawn: tuple[float, bytes] | None = None
        self._asked_s = 0.0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._writer: PngWriter | None = None
        self._events: queue.SimpleQueue[PlotEvent] = queue.SimpleQueue()

    async def png(self) -> tuple[bytes | None, str]:
        """The figure, at most a few seconds old; else None, and why there is none."""
        async with self._lock:
            self._asked_s = self._monotonic()
            if self._drawn is not None and self._asked_s - self._drawn[0] < FRESH_S:
                return self._drawn[1], ""
            event, picture = await asyncio.to_thread(self._draw)
            if picture is not None:
                self._drawn = self._monotonic(), picture
            return picture, event

    def _draw(self) -> tuple[str, bytes | None]:
        if self._writer is None:
            self._directory = tempfile.TemporaryDirectory(prefix="sunspec-web-")
            self._writer = PngWriter(Path(self._directory.name), 0, self._job, on_event=self._events.put)
            self._writer.start()
        while not self._events.empty():
            self._events.get_nowait()
        self._writer.plot_now()
        try:
            event = self._events.get(timeout=_DRAW_S)
        except queue.Empty:
            return "the figure took too long", None
        path = self._writer.status().last_path
        if not event.ok or path is None:
            # The sentence may name a directory of this machine.
            return "nothing has been received yet" if self._make_job() is None else "the figure failed", None
        return "", Path(path).read_bytes()

    def _job(self) -> PlotJob | None:
        job = self._make_job()
        if job is None or self._directory is None:
            return None
        return replace(job, directory=self._directory.name, keep=Keep(number=1), second=None)

    async def run(self) -> None:
        """End the plot process when nobody has asked for a while, until cancelled; then for good."""
        try:
            while True:
                await asyncio.sleep(IDLE_S / 4)
                if self._writer is not None and self._monotonic() - self._asked_s > IDLE_S:
                    async with self._lock:
                        await asyncio.to_thread(self._end)
        finally:
            self._end()

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.stop()
            # Who waits for a figure that was under way waits no longer.
            self._events.put(PlotEvent(False, "the web view ends"))
        directory, self._directory = self._directory, None
        if directory is not None:
            with suppress(OSError):
                directory.cleanup()
