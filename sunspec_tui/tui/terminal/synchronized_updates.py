"""Synchronized updates, of which kitty may lose a part.

A terminal shows a synchronized update at once. kitty 0.26 has two faults, and no reply tells of them:

- If it has read the start of an update and only a part of the sequence after it, it loses this sequence. A busy machine
  reads so, and a long sequence with pixels is often cut. So a carriage return, which cannot be cut, comes first.
- If the end of an update does not come within 2 s, kitty shows what it has so far. If it has just read the first or
  second byte of a sequence, it loses these bytes, and with them a whole picture or a position. So an update is sent
  again if its reply came late, and the next ones are not synchronized until replies come in time.

The caller passes all times; this module reads no clock and no terminal.
"""

_START, _END = "\x1b[?2026h\r", "\x1b[?2026l"


class SynchronizedUpdates:
    """Brackets around updates, and a judge of which updates may be lost."""

    limit_s = 1.8
    """Time to the reply from which on a part may be lost. The time that the terminal sees is shorter."""

    def __init__(self) -> None:
        self._sent_s: float | None = None
        self._is_bracketed = self._is_slow = False

    def bracketed(self, text: str, now_s: float) -> str:
        """Return an update to send now.

        It has no brackets on a slow terminal. The cursor may be anywhere at its start.
        """
        # The first update without a reply is the one that has waited longest.
        self._sent_s = now_s if self._sent_s is None else self._sent_s
        if self._is_slow:
            return text
        self._is_bracketed = True
        return _START + text + _END

    def may_be_lost(self, now_s: float, *, has_replied: bool) -> bool:
        """Return True, once, if part of an update may be lost.

        Parameters
        ----------
        now_s
            Present time.
        has_replied
            True if the terminal has replied to all updates.
        """
        is_late = self._sent_s is not None and now_s - self._sent_s >= self.limit_s
        if not is_late and not has_replied:
            return False
        if self._sent_s is not None:
            self._is_slow = is_late
        lost, self._sent_s, self._is_bracketed = is_late and self._is_bracketed, None, False
        return lost
