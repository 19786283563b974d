"""Exit statuses of commands, and the signals that end them."""

import logging
import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from sunspec_tui.core.event_log import log_event

log = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
# Stopping a service, or ending its session, is a request to end and not a failure.
_END_REQUESTS: dict[int, int] = {signal.SIGINT: EXIT_INTERRUPTED, signal.SIGTERM: EXIT_OK, signal.SIGHUP: EXIT_OK}
# Other signals that would kill the process at once and leave the terminal without echo. Signals of a crash are not
# included.
_KILLING_SIGNAL_NAMES = (
    "SIGQUIT", "SIGABRT", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGXFSZ", "SIGIO",
    "SIGPWR", "SIGSTKFLT",
)  # fmt: skip
_SIGNAL_STATUS_BASE = 128
"""The exit status of a killing signal is its number plus this base, as in a shell."""


def _killing_signals() -> set[int]:
    """Return the numbers of the killing signals that this system has."""
    real_time = range(signal.SIGRTMIN, signal.SIGRTMAX + 1) if hasattr(signal, "SIGRTMIN") else ()
    return {int(getattr(signal, name)) for name in _KILLING_SIGNAL_NAMES if hasattr(signal, name)}.union(real_time)


STATUSES: dict[int, int] = {number: _SIGNAL_STATUS_BASE + number for number in _killing_signals()} | _END_REQUESTS
"""Exit status of a service for each signal that ends it."""


def ending_signals() -> dict[int, int]:
    """Return the ending signals that are not ignored, with exit statuses.

    A signal that is not a request to end is included only if nothing else, such as a profiler, handles it.
    """
    return {number: status for number, status in STATUSES.items() if _is_free(number)}


def _is_free(number: int) -> bool:
    handler = signal.getsignal(number)
    return handler is not signal.SIG_IGN if number in _END_REQUESTS else handler is signal.SIG_DFL


def signal_name(number: int) -> str:
    """Return a signal's name; most real-time signals have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def log_signal(number: int | None) -> None:
    """Log the signal that ended the program.

    A request to end is not logged.
    """
    if number is not None and number not in _END_REQUESTS:
        name = signal_name(number)
        log_event(log, logging.WARNING, "signal", f"received {name}, the program ends", signal=name)


class HandledSignals:
    """Handlers of the ending signals, until they are restored."""

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}

    def install(self, handle: Callable[[int, int], None]) -> None:
        """Call `handle` for each ending signal.

        Its arguments are the number and the exit status of the signal. Ignored signals stay ignored.
        """

        def handled(number: int, _: FrameType | None) -> None:
            handle(number, STATUSES[number])

        for number in ending_signals():
            self._before[number] = signal.signal(number, handled)

    def restore(self) -> None:
        """Restore the previous handlers."""
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before = {}
