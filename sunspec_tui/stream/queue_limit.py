"""Lower the limit of a receive queue in use, without stopping the queue for ever.

ZeroMQ's own thread fills a queue up to its limit. The reader tells that thread how many messages it has read, but only
when their number is a multiple of half the limit. If the new limit is no larger than the number of messages read since
then, the other thread takes the queue for full, although it is empty: the reader gets no message any more and tells
nothing. The limit is therefore lowered in steps. Pure arithmetic.
"""


class QueueLimit:
    """Limit of one connected socket's receive queue, which only becomes lower.

    Parameters
    ----------
    limit
        Messages that the queue holds at most, from its first message on.

    Attributes
    ----------
    now
        The limit now.
    wanted
        The limit that is to be reached.
    """

    def __init__(self, limit: int) -> None:
        self.now = self.wanted = limit
        self._told = self._changed = 0

    @property
    def is_reached(self) -> bool:
        """Whether the wanted limit is set."""
        return self.now == self.wanted

    def lowered(self, wanted: int, read: int) -> int:
        """Return the limit to be set now; call it again after each message until the wanted limit is reached.

        Parameters
        ----------
        wanted
            Limit to be reached; a higher one than before changes nothing.
        read
            Messages read so far.
        """
        last = read - read % _half(self.now)
        if last > self._changed:
            self._told = last
        self.wanted = min(self.wanted, wanted)
        limit = min(self.now, self.wanted if self._is_safe(self.wanted, read) else self._step(read))
        if limit < self.now:
            self.now, self._changed = limit, read
        return self.now

    def _is_safe(self, limit: int, read: int) -> bool:
        """Whether a queue that is full by this limit has enough messages for the reader to tell of them."""
        return read - self._told <= limit - _half(limit)

    def _step(self, read: int) -> int:
        """Return the safe limit with which the reader tells soonest; the present one if none is safe."""
        halves = range(read - self._told + 1, _half(self.now) + 1)
        return 2 * min(halves, key=lambda half: half - read % half) - 1 if halves else self.now


def _half(limit: int) -> int:
    """Return the number of messages after which ZeroMQ's reader tells what it has read."""
    return (limit + 1) // 2
