"""Rate at which pixels are sent through tmux.

tmux answers for its terminal at once, so round trips do not show how slow that terminal's link is. But tmux counts the
bytes that it has sent. If it falls behind, the rate is halved; while it keeps up, the rate grows again.

The caller passes all times; this module reads no clock and no terminal.
"""

MAX_RATE_BYTES_S, MIN_RATE_BYTES_S = 128_000, 8_000
# With a lower rate, a picture takes too long.
_USEFUL_RATE_BYTES_S = 16_000
_BURST_S = 0.1
# Largest backlog of tmux that is no fault, in seconds at the present rate.
_BEHIND_S = 1.0
_GROW_AFTER_S = 30.0
# tmux sends a little less than it gets, because it unwraps the sequences that it passes on.
_UNWRAPPED = 7 / 8


class PassthroughRate:
    """Rate of pixels through tmux, and the bytes allowed now.

    Attributes
    ----------
    rate_bytes_s
        Present rate.
    """

    def __init__(self) -> None:
        self.rate_bytes_s = MAX_RATE_BYTES_S
        self._credit = 0.0
        self._credit_s: float | None = None
        self._sent_nbytes = 0
        self._reports: tuple[int, int] | None = None
        self._behind = 0.0
        self._changed_s: float | None = None

    @property
    def is_useful(self) -> bool:
        """True if the rate is high enough for pictures."""
        return self.rate_bytes_s >= _USEFUL_RATE_BYTES_S

    def budget(self, sent_nbytes: int, now_s: float) -> int:
        """Return the number of bytes that may be sent now.

        `sent_nbytes` were sent so far.
        """
        before_s = self._credit_s
        if before_s is None:
            before_s, self._sent_nbytes = now_s, sent_nbytes
        limit = self.rate_bytes_s * _BURST_S
        self._credit -= sent_nbytes - self._sent_nbytes
        self._credit = min(limit, self._credit + (now_s - before_s) * self.rate_bytes_s)
        self._credit_s, self._sent_nbytes = now_s, sent_nbytes
        return max(0, int(self._credit)) if self._behind <= self.rate_bytes_s * _BEHIND_S else 0

    def note_report(self, sent_nbytes: int, written_nbytes: int, now_s: float) -> None:
        """Note how many bytes tmux has sent to its terminal so far."""
        if self._changed_s is None:
            self._changed_s = now_s
        before, self._reports = self._reports, (sent_nbytes, written_nbytes)
        if before is None or written_nbytes < before[1]:
            self._behind = 0.0
            return
        more = _UNWRAPPED * (sent_nbytes - before[0]) - (written_nbytes - before[1])
        self._behind = max(0.0, self._behind + more)
        if self._behind > self.rate_bytes_s * _BEHIND_S:
            self._change(max(MIN_RATE_BYTES_S, self.rate_bytes_s // 2), now_s)
        elif now_s - self._changed_s >= _GROW_AFTER_S:
            self._change(min(MAX_RATE_BYTES_S, self.rate_bytes_s * 2), now_s)

    def forget_reports(self) -> None:
        """Forget the reports.

        Tmux has passed nothing on for a while, or to another terminal.
        """
        self._reports, self._behind = None, 0.0

    def _change(self, rate_bytes_s: int, now_s: float) -> None:
        self.rate_bytes_s, self._changed_s = rate_bytes_s, now_s
