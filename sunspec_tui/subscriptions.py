"""Subscriptions that peers send to the producer: which count, and which peer asks for too much.

Arithmetic and bookkeeping only: `streaming` reads the messages and closes connections. A subscription is honest where
frames can match it: its topic is a beginning of ``data``. ZeroMQ keeps every other one too, at about fifty bytes of
memory for each byte of its topic, so each peer has a budget for them.
"""

from dataclasses import dataclass, field

TOPIC = b"data"
MAX_TOPIC_BYTES = 512
"""A longer message from a peer closes its connection; the handshake of an honest one takes a few hundred bytes."""

MAX_PEER_BYTES, MAX_ALL_BYTES, MIN_PEER_BYTES = 16 * 1024, 256 * 1024, 1024
"""Topics that match no frame: of one peer, and of all together; the share of a peer in a crowd."""

_MESSAGE_BYTES, _FRAME_BYTES, _GREETING_BYTES = 16, 2, 64
_SUBSCRIBE, _CANCEL = b"\x01", b"\x00"


@dataclass
class _Peer:
    """What one connection has asked for beyond what is published."""

    nbytes: int = 0
    wire_nbytes: int = 0
    topics: set[bytes] = field(default_factory=set)


class Subscriptions:
    """Counts subscriptions and finds peers over their budget.

    Attributes
    ----------
    count
        Honest subscriptions that hold.
    """

    def __init__(self) -> None:
        self.count = 0
        self._peers: dict[int, _Peer] = {}

    def take(self, message: bytes, peer: int | None) -> bool:
        """Note a message of a peer; True where the peer is over its budget.

        Parameters
        ----------
        message
            1 or 0 and a topic; anything else counts as a topic that matches nothing.
        peer
            Descriptor of its connection; None where the connection has ended.
        """
        kind, topic = message[:1], message[1:]
        if kind in (_SUBSCRIBE, _CANCEL) and TOPIC.startswith(topic):
            # A peer may cancel what it never asked for.
            self.count = max(0, self.count + (1 if kind == _SUBSCRIBE else -1))
            return False
        return peer is not None and self._charge(kind, topic, peer)

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
                # Said again it takes no memory, but time: it is paid and never given back.
                cost = _MESSAGE_BYTES
        peer.nbytes += cost
        return peer.nbytes > max(MIN_PEER_BYTES, min(MAX_PEER_BYTES, MAX_ALL_BYTES // len(self._peers)))

    def wire_bytes(self, peer: int) -> int:
        """Bytes that the connection of a peer must have carried at least, for what was noted of it."""
        found = self._peers.get(peer)
        return _GREETING_BYTES + (0 if found is None else found.wire_nbytes)

    def forget(self, peer: int) -> None:
        """Begin anew with a descriptor: its connection has been closed, or belongs to somebody else now."""
        self._peers.pop(peer, None)
