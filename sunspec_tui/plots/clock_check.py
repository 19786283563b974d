"""Decide if the wall clock is trusted for expiring plots.

A wall clock jumps when it is set, manually or by NTP after a start with an empty battery. A monotonic clock does not.
The wall clock is trusted after both clocks have agreed for a while.
"""

import time
from collections.abc import Callable

AGREEMENT_S = 600.0
"""Both clocks must agree for this time before the wall clock is trusted."""

_TOLERANCE_S = 2.0


class ClockCheck:
    """Comparison of the two clocks; call `agrees` regularly.

    Parameters
    ----------
    clock, monotonic
        Wall clock (seconds since 1970) and monotonic clock.
    agreement_s
        Time for which the clocks must agree, in seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        agreement_s: float = AGREEMENT_S,
    ) -> None:
        self._clock, self._monotonic, self._agreement_s = clock, monotonic, agreement_s
        self._since_s = monotonic()
        self._offset_s = clock() - self._since_s

    def agrees(self) -> bool:
        """Return True if the clocks have agreed for long enough.

        The offset is compared with that of the last call, so that a slow correction of the clock is not a jump.
        """
        now_s = self._monotonic()
        offset_s = self._clock() - now_s
        # "not <=" instead of ">", so that a clock that returns NaN never agrees.
        if not abs(offset_s - self._offset_s) <= _TOLERANCE_S:
            self._since_s = now_s
        self._offset_s = offset_s
        return now_s - self._since_s >= self._agreement_s
