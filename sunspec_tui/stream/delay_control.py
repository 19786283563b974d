"""Read the message delay, and change its method, from any thread."""

import math
import threading
from dataclasses import replace

from sunspec_tui.core.argument_checks import is_number, parse_choice
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_delay import DelayMethod


class DelayControl:
    """Access to the message delay of the newest frame.

    Parameters
    ----------
    ingester
        Ingester of frames, which measures the delay.
    lock
        Lock that protects `ingester`.
    """

    def __init__(self, ingester: FrameIngester, lock: threading.Lock) -> None:
        self._ingester, self._lock = ingester, lock

    @property
    def value_s(self) -> float:
        """Message delay of the last frame in seconds; NaN before the first."""
        return self._ingester.delay.value_s

    @property
    def method(self) -> DelayMethod:
        """Method of the delay."""
        return self._ingester.choice.method

    def set_method(self, method: str) -> None:
        """Measure the delay by ``auto``, ``buffer`` or ``manual`` from now on.

        Raises
        ------
        UsageError
            If the method is unknown.
        """
        chosen = parse_choice(DelayMethod, "delay method", method)
        with self._lock:
            self._ingester.set_delay_choice(replace(self._ingester.choice, method=chosen))

    def set_manual(self, delay_s: float) -> None:
        """Set the delay of the method ``manual`` and use that method.

        Raises
        ------
        UsageError
            If it is not a finite number.
        """
        if not is_number(delay_s) or not math.isfinite(delay_s):
            raise UsageError(f"a delay of {short_repr(delay_s)} s cannot be set, it must be a finite number")
        with self._lock:
            choice = replace(self._ingester.choice, method=DelayMethod.MANUAL, manual_s=float(delay_s))
            self._ingester.set_delay_choice(choice)
