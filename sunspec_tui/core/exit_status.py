"""Exit statuses of commands, and the signals that end them."""

import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from sunspec_tui.core.event_log import log_event

log = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
# Stopping a service, or ending its session, is a request to end and no failure.
_REQUESTS: dict[int, int] = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_OK, signal.SIGHUP: EXIT_OK}
# Other signals that would kill the process at once, and leave a terminal without echo. Not those of a crash.
_KILLING = (
    "SIGQUIT", "SIGABRT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGXFSZ", "SIGIO",
    "SIGPWR", "SIGSTKFLT",
)  # fmt: skip
_KILLED = 128
"""Added to the number of such a signal, as a shell does."""


def _killing_signals() -> set[int]:
    """Return the numbers of those signals that this system has."""
    real_time = range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if hasattr(signal, "SIGRTMIN") else ()
    return {int(getattr(signal, name)) for name in _KILLING if hasattr(signal, name)}.union(real_time)


STATUSES: dict[int, int] = {number: _KILLED + number for number in _killing_signals()} | _REQUESTS
"""Exit status of a service for each signal that ends it."""


def ending_signals() -> dict[int, int]:
    """Return the ending signals that are not ignored, with exit statuses.

    Signals that are no request to end are taken only where nothing else uses them, such as a profiler.
    """
    return {number: status for number, status in STATUSES.items() if _is_free(number)}


def _is_free(number: int) -> bool:
    handler = signal.getsignal(number)
    return handler is not signal.SIG_IGN if number in _REQUESTS else handler is signal.SIG_DFL


def signal_name(number: int) -> str:
    """Return a signal's name; most real-time signals have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def tell_signal(number: int | None) -> None:
    """Report a signal that ended the program without being a request to end."""
    if number is not None and number not in _REQUESTS:
        name = signal_name(number)
        log_event(log, logging.WARNING, "signal", f"{name} has come, the program ends", signal=name)


class HandledSignals:
    """Ending signals that a function of the caller handles, until they are restored."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def install(self, handle: Callable[[int, int], None]) -> None:
        """Call a function with the number and the exit status of each signal; ignored signals stay ignored."""

        def handled(number: int, _: FrameType | None) -> None:
            handle(number, STATUSES[number])

        for number in ending_signals():
            self._before[number] = signal.signal(number, handled)

    def restore(self) -> None:
        """Let signals do what they did before."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}
