"""Count the producer's subscriptions, and find peers that send too many.

A subscription is valid if frames can match it: ``data`` begins with its topic. ZeroMQ stores every other subscription
too, with about fifty bytes of memory for each byte of its topic, so each peer has a budget for them. Bookkeeping only:
`publisher` reads the messages and closes connections.
"""

from collections import Counter
from dataclasses import dataclass, field

TOPIC = b"data"
MAX_TOPIC_BYTES = 512
"""A longer message from a peer closes its connection; the handshake of a valid peer has a few hundred bytes."""

MAX_PEER_BYTES, MAX_ALL_BYTES, MIN_PEER_BYTES = 16 * 1024, 256 * 1024, 1024
"""Budgets of topics that match no frame: one peer, all peers together, and the least share of a peer among many."""

_MESSAGE_BYTES, _FRAME_BYTES, _GREETING_BYTES = 16, 2, 64
_SUBSCRIBE, _CANCEL = b"\x01", b"\x00"


@dataclass
class _Peer:
    """Subscriptions of one connection that match no frame."""

    nbytes: int = 0
    wire_nbytes: int = 0
    topics: set[bytes] = field(default_factory=set)


class Subscriptions:
    """Counter of subscriptions that finds peers over their budget.

    Attributes
    ----------
    count
        Number of valid subscriptions that are active.
    """

    def __init__(self) -> None:
        self.count = 0
        self._peers: dict[int, _Peer] = {}
        self._valid: Counter[int] = Counter()

    def update(self, message: bytes, peer: int | None) -> bool:
        """Note a peer's message; return True if it is over budget.

        Parameters
        ----------
        message
            Byte 1 or 0, and a topic; any other message counts as a topic that matches no frame.
        peer
            File descriptor of the connection; None if the connection has ended.
        """
        kind, topic = message[:1], message[1:]
        if kind in (_SUBSCRIBE, _CANCEL) and TOPIC.startswith(topic):
            self._count(kind, peer)
            return False
        return peer is not None and self._charge(kind, topic, peer)

    def _count(self, kind: bytes, peer: int | None) -> None:
        if kind == _SUBSCRIBE:
            self.count += 1
            if peer is not None:
                self._valid[peer] += 1
        elif peer is None or self._valid[peer] > 0:
            # A peer may cancel a subscription that it never made; that is not another peer's.
            self.count = max(0, self.count - 1)
            if peer is not None:
                self._valid[peer] -= 1

    def _charge(self, kind: bytes, topic: bytes, number: int) -> bool:
        peer = self._peers.setdefault(number, _Peer())
        peer.wire_nbytes += _FRAME_BYTES + len(kind) + len(topic)
        cost = _MESSAGE_BYTES + len(topic)
        if kind == _CANCEL and topic in peer.topics:
            peer.topics.remove(topic)
            peer.nbytes -= cost
            return False
        if kind == _SUBSCRIBE:
            if topic not in peer.topics:
                peer.topics.add(topic)
            else:
                # A repeated subscription costs time but no memory: charge it, and never refund it.
                cost = _MESSAGE_BYTES
        peer.nbytes += cost
        return peer.nbytes > max(MIN_PEER_BYTES, min(MAX_PEER_BYTES, MAX_ALL_BYTES // len(self._peers)))

    def wire_bytes(self, peer: int) -> int:
        """Return the least number of bytes that the noted messages needed."""
        entry = self._peers.get(peer)
        return _GREETING_BYTES + (0 if entry is None else entry.wire_nbytes)

    def forget(self, peer: int) -> None:
        """Forget a descriptor whose connection was closed or replaced."""
        self._peers.pop(peer, None)
