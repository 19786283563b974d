"""Draw the current figure as a PNG on request, and cache it for a few seconds.

A separate plot process starts with the first request and ends after a while without requests. Requests that arrive
while a figure is drawn get that figure. With and without background there are two figures, drawn one after the other.
Visitors' requests write nothing into the user's plot directory.
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
        self._drawn: dict[bool | None, tuple[float, bytes]] = {}
        self._drawing: dict[bool | None, asyncio.Task[Answer]] = {}
        self._turn = asyncio.Lock()
        self._remove_background: bool | None = None
        self._asked_s = 0.0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._writer: PlotService | None = None
        self._told: asyncio.Future[PlotEvent] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    async def png(self, *, remove_background: bool | None = None) -> Answer:
        """Return the figure, at most a few seconds old; else None, and why there is none.

        Parameters
        ----------
        remove_background
            Whether its waterfall is without the quiet background; None for what the job says.
        """
        asked = remove_background
        self._asked_s = self._monotonic()
        if self._closed:
            return _ENDED
        if asked in self._drawn and self._asked_s - self._drawn[asked][0] < FRESH_S:
            return self._drawn[asked][1], ""
        if asked not in self._drawing or self._drawing[asked].done():
            self._drawing[asked] = asyncio.create_task(self._draw_in_turn(asked))
        # A visitor that disconnects must not cancel the drawing for the others.
        return await asyncio.shield(self._drawing[asked])

    async def _draw_in_turn(self, asked: bool | None) -> Answer:
        async with self._turn:
            if self._closed:
                return _ENDED
            self._remove_background = asked
            picture, why = await self._draw()
        if picture is not None:
            self._drawn[asked] = self._monotonic(), picture
        return picture, why

    async def _draw(self) -> Answer:
        self._loop = asyncio.get_running_loop()
        self._told = self._loop.create_future()
        writer = self._started()
        failed = writer.status().failed
        writer.plot_now()
        try:
            event = await asyncio.wait_for(self._told, _DRAW_S)
        except TimeoutError:
            return None, "the figure took too long"
        if self._closed:
            return _ENDED
        path = writer.status().last_path
        if not event.ok or path is None:
            # The sentence may name a directory of this machine.
            return None, "nothing has been received yet" if writer.status().failed == failed else "the figure failed"
        try:
            return Path(path).read_bytes(), ""
        except OSError:
            # Another program deleted our temporary directory.
            return None, "the figure failed"

    def _started(self) -> PlotService:
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
                self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: PlotEvent) -> None:
        if self._told is not None and not self._told.done():
            self._told.set_result(event)

    def _job(self) -> PlotJob | None:
        job, directory = self._make_job(), self._directory
        if job is None or directory is None:
            return None
        asked = self._remove_background
        remove = job.remove_background if asked is None else asked
        return replace(
            job, directory=directory.name, keep=RetentionPolicy(number=1), second=None, remove_background=remove
        )

    @property
    def child_pids(self) -> tuple[int, ...]:
        """Process ids of the plot process and its fork; none while it does not run."""
        writer = self._writer
        return () if writer is None else writer.child_pids

    async def run(self) -> None:
        """End the plot process after a while without requests; run until cancelled."""
        while True:
            await asyncio.sleep(IDLE_S / 4)
            drawing = any(not each.done() for each in self._drawing.values())
            if self._writer is not None and not drawing and self._monotonic() - self._asked_s > IDLE_S:
                # Ending the process may take a moment; requests are answered meanwhile.
                await asyncio.to_thread(self._end)

    def refuse(self) -> None:
        """Stop drawing and answer the waiting requests; call on the loop's thread."""
        self._closed = True
        self._tell(PlotEvent(False, _ENDED[1]))

    def close(self) -> None:
        """End the plot process; call on the loop's thread or after the loop has ended."""
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
