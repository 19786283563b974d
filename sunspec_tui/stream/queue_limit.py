"""Lower the limit of a ZeroMQ receive queue in safe steps.

ZeroMQ's own thread fills a queue up to its limit. The reader reports to that thread how many messages it has read, but
only when their number is a multiple of half the limit. If the new limit is not larger than the number of messages read
since the last report, the thread takes the queue for full although it is empty. The reader then gets no more messages
and so never reports again. The limit is therefore lowered in steps. Pure arithmetic.
"""


class QueueLimit:
    """Limit of one connected socket's receive queue, which only becomes lower.

    Parameters
    ----------
    limit
        Largest number of messages in the queue at the start.

    Attributes
    ----------
    now
        The current limit.
    target
        The limit to be reached.
    """

    def __init__(self, limit: int) -> None:
        self.now = self.target = limit
        self._reported = self._changed = 0

    @property
    def is_reached(self) -> bool:
        """True if the target is set."""
        return self.now == self.target

    def lower_towards(self, target: int, read: int) -> int:
        """Return the limit to set now.

        Call it after each message until the target is reached.

        Parameters
        ----------
        target
            Limit to be reached; a higher one than before changes nothing.
        read
            Messages read so far.
        """
        last = read - read % _half(self.now)
        if last > self._changed:
            self._reported = last
        self.target = min(self.target, target)
        limit = min(self.now, self.target if self._is_safe(self.target, read) else self._step(read))
        if limit < self.now:
            self.now, self._changed = limit, read
        return self.now

    def _is_safe(self, limit: int, read: int) -> bool:
        """Return True if a full queue reaches the reader's next report.

        The queue is full with `limit` messages.
        """
        return read - self._reported <= limit - _half(limit)

    def _step(self, read: int) -> int:
        """Return the safe limit with the earliest next report.

        The current one if none is safe.
        """
        halves = range(read - self._reported + 1, _half(self.now) + 1)
        return 2 * min(halves, key=lambda half: half - read % half) - 1 if halves else self.now


def _half(limit: int) -> int:
    """Return the number of messages after which ZeroMQ's reader reports."""
    return (limit + 1) // 2
