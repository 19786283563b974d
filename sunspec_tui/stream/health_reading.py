"""State and counts of the stream as immutable values for front ends."""

import math
from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_INTERVAL_S = 0.25

LONG_SILENCE_S = 10.0
"""A longer stall is not just a delay on a busy machine."""


class StreamState(StrEnum):
    """Liveness of the stream."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"


class LinkState(StrEnum):
    """State of the connection, described for users."""

    IDLE = "not started"
    CONNECTING = "connecting"
    REFUSED = "nobody answers there, retrying"
    UNREACHABLE = "no answer from there, retrying"
    UNRESOLVED = "the name does not resolve, retrying"
    CONNECTED = "connected"
    SILENT = "connected, but silent, reconnecting"
    LOST = "connection lost, retrying"
    NO_PUBLISHER = "a ZeroMQ socket of another type answers there, not a publisher, retrying"
    FOREIGN = "something else answers there, no ZeroMQ publisher, retrying"
    FAILED = "receiver failed"


@dataclass(frozen=True, slots=True)
class HealthReading:
    """State and counts of the stream at one moment.

    Attributes
    ----------
    state, link
        State of the stream, and of its connection.
    link_detail
        Description of the link for users, if more is known than `link`; else empty.
    link_attempt
        Number of the attempt to reconnect, while another program answers or no message arrives; else 0.
    frames_received, frames_rejected, frames_missing
        Counts since the start. A rejected message is not missing: until the last received frame, the producer has
        sent as many messages as the sum of the three.
    rejected
        Count by `RejectCause`.
    restarts, reversals, repeats
        How often the sequence was restarted, the data's time went back, or the data's time was repeated.
    cadence_s
        Data time from frame to frame; NaN while unknown.
    rate_hz
        Frames per second, measured over the last few arrivals; 0 while stalled, NaN while unknown.
    silence_s
        Seconds since the last frame; NaN before the first.
    stall_after_s
        Silence after which the stream counts as stalled.
    queue_frames, queue_most
        Messages read in a row until the receive queue was empty: the last number, and the largest since the start.
        This is an upper limit of the queue's depth, because messages also arrive while it is read.
    stalls
        Number of stalls, including one that has not ended.
    last_rejection
        Reason why the last rejected message was rejected.
    losses_known, restarts_known
        True if the headers have the values that are needed to count missing frames, and restarts.
    tag_problem
        Why the time tags mark no sequence; empty if they do.
    """

    state: StreamState = StreamState.CONNECTING
    link: LinkState = LinkState.IDLE
    frames_received: int = 0
    frames_rejected: int = 0
    frames_missing: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    reversals: int = 0
    repeats: int = 0
    cadence_s: float = math.nan
    rate_hz: float = math.nan
    silence_s: float = math.nan
    stall_after_s: float = math.nan
    queue_frames: int = 0
    queue_most: int = 0
    stalls: int = 0
    last_rejection: str = ""
    losses_known: bool = True
    restarts_known: bool = True
    link_detail: str = ""
    link_attempt: int = 0
    tag_problem: str = ""

    @property
    def link_words(self) -> str:
        """Description of the link for users: the detail, or else the state."""
        return self.link_detail or str(self.link)

    @property
    def missing(self) -> int | None:
        """Number of missing frames.

        None if the headers do not allow to count them.
        """
        return self.frames_missing if self.losses_known else None

    @property
    def is_silent(self) -> bool:
        """True if, after this stall, the operator should check the stream."""
        return is_long_silence(self.state, self.silence_s)


def is_long_silence(state: StreamState, silence_s: float) -> bool:
    """Return True if the operator should check a stream after this silence."""
    return state is StreamState.STALLED and silence_s >= LONG_SILENCE_S
