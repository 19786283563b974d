"""Draw the current figure as a PNG on request, and cache it.

The cache keeps a figure for a few seconds. A separate plot process starts with the first request and ends after a while
without requests. Requests that arrive while a figure is drawn get that figure. The figures with and without background
are cached separately and drawn one after the other. Requests write nothing into the user's plot directory.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.plots.job import PlotEvent, PlotJob
from sunspec_tui.plots.plot_service import PlotService

FRESH_S = 5.0
IDLE_S = 60.0
_DRAW_S = 30.0

Answer = tuple[bytes | None, str]
"""A PNG, or None and the reason why there is no PNG."""
_ENDED: Answer = None, "the web view is shutting down"


class FigureCache:
    """Cache of the current figure.

    Parameters
    ----------
    make_job
        Returns the data of the figure, or None before the first row.
    monotonic
        A monotonic clock, in seconds.
    """

    def __init__(self, make_job: Callable[[], PlotJob | None], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._make_job, self._monotonic = make_job, monotonic
        self._drawn: dict[bool | None, tuple[float, bytes]] = {}
        self._drawing: dict[bool | None, asyncio.Task[Answer]] = {}
        self._turn = asyncio.Lock()
        self._remove_background: bool | None = None
        self._requested_s = 0.0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._writer: PlotService | None = None
        self._event: asyncio.Future[PlotEvent] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def png(self, *, remove_background: bool | None = None) -> Answer:
        """Return the figure, or None and the reason.

        The figure is at most a few seconds old.

        Parameters
        ----------
        remove_background
            True removes the quiet background from the waterfall; None uses the setting of the plot job.
        """
        requested = remove_background
        self._requested_s = self._monotonic()
        if self._closed:
            return _ENDED
        if requested in self._drawn and self._requested_s - self._drawn[requested][0] < FRESH_S:
            return self._drawn[requested][1], ""
        if requested not in self._drawing or self._drawing[requested].done():
            self._drawing[requested] = asyncio.create_task(self._draw_in_turn(requested))
        # A visitor that disconnects must not cancel the drawing for the others.
        return await asyncio.shield(self._drawing[requested])

    async def _draw_in_turn(self, requested: bool | None) -> Answer:
        async with self._turn:
            if self._closed:
                return _ENDED
            self._remove_background = requested
            picture, why = await self._draw()
        if picture is not None:
            self._drawn[requested] = self._monotonic(), picture
        return picture, why

    async def _draw(self) -> Answer:
        self._loop = asyncio.get_running_loop()
        self._event = self._loop.create_future()
        writer = self._running_service()
        failed = writer.status().failed
        writer.plot_now()
        try:
            event = await asyncio.wait_for(self._event, _DRAW_S)
        except TimeoutError:
            return None, "the figure took too long"
        if self._closed:
            return _ENDED
        path = writer.status().last_path
        if not event.ok or path is None:
            # Do not send the error's text: it may contain a directory of this machine.
            return None, "nothing has been received yet" if writer.status().failed == failed else "the figure failed"
        try:
            return Path(path).read_bytes(), ""
        except OSError:
            # Another program deleted our temporary directory.
            return None, "the figure failed"

    def _running_service(self) -> PlotService:
        if self._writer is None:
            self._directory = tempfile.TemporaryDirectory(prefix="sunspec-web-", ignore_cleanup_errors=True)
            writer = PlotService(Path(self._directory.name), 0, self._job, on_event=self._on_event)
            writer.start()
            self._writer = writer
        return self._writer

    def _on_event(self, event: PlotEvent) -> None:
        """Pass an event from the plot writer's thread to the loop."""
        # Changes of the plot directory do not matter here, and after the loop has ended no request waits.
        if self._loop is not None and not event.unusual:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._set_event, event)

    def _set_event(self, event: PlotEvent) -> None:
        if self._event is not None and not self._event.done():
            self._event.set_result(event)

    def _job(self) -> PlotJob | None:
        job, directory = self._make_job(), self._directory
        if job is None or directory is None:
            return None
        requested = self._remove_background
        remove = job.remove_background if requested is None else requested
        return replace(
            job, directory=directory.name, keep=RetentionPolicy(number=1), second=None, remove_background=remove
        )

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the plot process and its fork.

        Empty while it does not run.
        """
        writer = self._writer
        return () if writer is None else writer.child_pids

    async def run(self) -> None:
        """End the plot process after a while without requests; run until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S / 4)
            drawing = any(not each.done() for each in self._drawing.values())
            if self._writer is not None and not drawing and self._monotonic() - self._requested_s > IDLE_S:
                # Ending the process may take a moment; requests are answered meanwhile.
                await asyncio.to_thread(self._end)

    def refuse(self) -> None:
        """Stop drawing and answer the waiting requests; call on the loop's thread."""
        self._closed = True
        self._set_event(PlotEvent(False, _ENDED[1]))

    def close(self) -> None:
        """End the plot process.

        Call it on the loop's thread, or after the loop has ended.
        """
        self._closed = True
        self._end()

    def _end(self) -> None:
        writer, self._writer = self._writer, None
        directory, self._directory = self._directory, None
        if writer is not None:
            writer.stop()
        if directory is not None:
            with suppress(OSError):
                directory.cleanup()
