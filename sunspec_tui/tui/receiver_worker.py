"""Run the receiver in a Textual worker until the app ends."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.tui.display.history_loader import LiveSource

log = logging.getLogger(__name__)

PREVIEW_S = 0.4
"""Time for which the receiver waits for a first picture of the archive.

Its libraries would take processor time from the picture.
"""

ARCHIVE_WITHIN_S = 3.0
"""Time in which the archive may write its last rows at the end."""


class Startable(Protocol):
    """Object that can be started and stopped."""

    def start(self) -> Any:
        """Start it."""

    def stop(self, *, deadline_s: float) -> Any:
        """Stop it before a time on the monotonic clock."""


class Preview(LiveSource, Protocol):
    """Rows that are shown before the receiver runs."""

    listeners: Listeners
    unit: str

    def start(self) -> None:
        """Start to open the rows, in a thread of its own."""

    def settle(self) -> None:
        """Note that the picture is complete, or that there is none."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until `settle` was called; return False after the timeout."""
        ...


Receiver = TypeVar("Receiver", bound=Startable)


class ReceiverWorker(Generic[Receiver]):
    """Worker that makes, starts and stops the receiver.

    Parameters
    ----------
    open_receiver
        Makes the receiver. It is called in the worker, because its imports would delay the first screen.
    prepare
        Called in the worker with the started receiver, before `receiver` is set.
    on_ready
        Called in the worker after `receiver` was set.
    open_preview
        Makes the rows that are shown before there is a receiver, in the worker; None for no such rows.
    on_news
        Called when the preview can be shown.
    on_end
        Called at the end, also while the receiver is still being made: then `open_receiver` may raise an error.

    Attributes
    ----------
    preview
        Rows that are shown before there is a receiver; None without.
    receiver
        The running receiver; None before it was started.
    failure
        The error, if the receiver could not be made.
    """

    def __init__(
        self,
        open_receiver: Callable[[], Receiver],
        *,
        prepare: Callable[[Receiver], None],
        on_ready: Callable[[], None],
        open_preview: Callable[[], Preview | None] = lambda: None,
        on_news: Callable[[], None] = lambda: None,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self._open_receiver, self._prepare, self._on_ready = open_receiver, prepare, on_ready
        self._open_preview, self._on_news, self._on_end = open_preview, on_news, on_end
        self.preview: Preview | None = None
        self._ending = threading.Event()
        self.receiver: Receiver | None = None
        self.failure: SunspecError | None = None

    def end(self) -> None:
        """Make `run` stop the receiver and return."""
        self._ending.set()
        self._on_end()

    def run(self) -> None:
        """Run the receiver until `end` is called.

        A failure is logged, and the screen keeps showing it.
        """
        try:
            self._show_preview()
            receiver = self._open_receiver()
        except SunspecError as error:
            self.failure = None if self._ending.is_set() else error
            return
        except Exception as error:  # noqa: BLE001 - the observer must see that nothing is received
            log_failure("the receiver", error)
            return
        try:
            receiver.start()
            self._prepare(receiver)
            self.receiver = receiver
            self._on_ready()
            self._ending.wait()
        except SunspecError as error:
            log.error("%s", error)  # noqa: TRY400 - one sentence, no traceback
        except Exception as error:  # noqa: BLE001 - as above
            log_failure("the receiver", error)
        finally:
            receiver.stop(deadline_s=time.monotonic() + ARCHIVE_WITHIN_S)

    def _show_preview(self) -> None:
        """Show archived rows first: they need few libraries."""
        preview = self._open_preview()
        if preview is not None:
            self.preview = preview
            preview.listeners.add(self._on_news)
            preview.start()
            preview.wait(PREVIEW_S)


def log_failure(what: str, error: Exception) -> None:
    """Log that a part of the monitor has failed and stopped."""
    log_event(log, logging.ERROR, "thread_failed", f"{what} has failed: {error!r}; start the monitor again")
    log.debug("the failure", exc_info=error)
