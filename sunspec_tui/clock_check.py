"""Whether the wall clock can be believed: it has run beside the monotonic clock for a while.

A wall clock that is set, by hand or by NTP after a start with an empty battery, jumps; a monotonic clock does not.
"""

import time
from collections.abc import Callable

AGREEMENT_S = 600.0
"""For so long both clocks must have run alike before the wall clock is believed."""

_TOLERANCE_S = 2.0


class ClockCheck:
    """Compares the two clocks with each question, which must be put again and again.

    Parameters
    ----------
    clock, monotonic
        Wall clock (seconds since 1970) and a clock that never goes back.
    agreement_s
        For how long they must have run alike.
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
        """Whether the clocks have run alike for long enough.

        The offset is compared with that of the last question, so that a slow correction of the clock is no jump.
        """
        now_s = self._monotonic()
        offset_s = self._clock() - now_s
        # Written so that a clock that says NaN never agrees.
        if not abs(offset_s - self._offset_s) <= _TOLERANCE_S:
            self._since_s = now_s
        self._offset_s = offset_s
        return now_s - self._since_s >= self._agreement_s
