"""Choice of the delay method while the stream is received."""

import math
import threading
from dataclasses import replace

from sunspec_tui.core.arguments import is_number, parse_choice
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import short_repr
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_delay import DelayMethod


class DelayControl:
    """The message delay of the newest frame, and its method.

    Parameters
    ----------
    intake
        Measures the delay.
    lock
        Protects `intake`.
    """

    def __init__(self, intake: FrameIngester, lock: threading.Lock) -> None:
        self._intake, self._lock = intake, lock

    @property
    def value_s(self) -> float:
        """Message delay of the last frame in seconds; NaN before the first."""
        return self._intake.delay.value_s

    @property
    def method(self) -> DelayMethod:
        """Method of the delay."""
        return self._intake.choice.method

    def set_method(self, method: str) -> None:
        """Measure the delay by ``auto``, ``buffer`` or ``manual`` from now on.

        Raises
        ------
        UsageError
            If there is no such method.
        """
        chosen = parse_choice(DelayMethod, "delay method", method)
        with self._lock:
            self._intake.choose_delay(replace(self._intake.choice, method=chosen))

    def set_manual(self, delay_s: float) -> None:
        """Set the value of ``manual`` and use it.

        Raises
        ------
        UsageError
            If it is no finite number.
        """
        if not is_number(delay_s) or not math.isfinite(delay_s):
            raise UsageError(f"a delay of {short_repr(delay_s)} s cannot be set, it must be a finite number")
        with self._lock:
            choice = replace(self._intake.choice, method=DelayMethod.MANUAL, manual_s=float(delay_s))
            self._intake.choose_delay(choice)
