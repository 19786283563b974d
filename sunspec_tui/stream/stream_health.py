"""Count the frames of a stream, and report its health.

It processes every frame and every rejection, and reads no clock: times are arguments, and arrivals are times of a
monotonic clock.
"""

from collections import Counter
from typing import TYPE_CHECKING

from sunspec_tui.core.errors import RejectCause
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.stream.frame_placer import FramePlacement, FramePlacer
from sunspec_tui.stream.health_reading import HealthReading, LinkState, StreamState

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame


class StreamHealth:
    """Counts and state of one stream.

    Attributes
    ----------
    link, link_detail, link_attempt
        State of the connection, as in `HealthReading`.
    frames_received, frames_missing, restarts, reversals, repeats
        Counts, as in `HealthReading`.
    rejected
        Number of rejected messages by cause.
    stalls_over
        Number of stalls that have ended.
    """

    def __init__(self) -> None:
        self.link = LinkState.IDLE
        self.link_detail, self.link_attempt = "", 0
        self.frames_received = self.frames_missing = 0
        self.restarts = self.reversals = self.repeats = 0
        self.stalls_over = 0
        self.rejected: Counter[RejectCause] = Counter()
        self._last_rejection = ""
        self._queued = self._queued_max = 0
        self._placer = FramePlacer()
        self._arrivals, self._assign_slot = self._placer.arrivals, self._placer.assign_slot

    def set_link(self, link: LinkState, detail: str = "", attempt: int = 0) -> None:
        """Set the link's state, its description and the attempt's number."""
        self.link, self.link_detail, self.link_attempt = link, detail, attempt

    # Counting

    def assign_slot(self, frame: "Frame", now_s: float, arrived_s: float) -> FramePlacement:
        """Count one frame and assign its slot, as `FramePlacer.assign_slot`."""
        placement = self._assign_slot(frame, now_s, arrived_s)
        self.frames_received += 1
        # A missing frame before this one is always marked too.
        if placement.mark or placement.silence_s:
            self._count_unusual(placement)
        return placement

    def _count_unusual(self, placement: FramePlacement) -> None:
        mark = placement.mark
        self.frames_missing += placement.missing
        self.restarts += bool(mark & Mark.RESTART)
        self.reversals += bool(mark & Mark.REVERSAL)
        self.repeats += bool(mark & Mark.REPEAT)
        self.stalls_over += placement.silence_s > 0

    def reject(self, cause: RejectCause, detail: str = "", seq: int | None = None) -> None:
        """Count one rejected message.

        Parameters
        ----------
        cause, detail
            Reason why the message is not accepted as a frame.
        seq
            The producer's number of the message; None if it could not be read.
        """
        self.rejected[cause] += 1
        self._last_rejection = f"{cause}: {detail}"
        self._placer.note_rejected(seq)

    def note_queue(self, taken: int) -> None:
        """Note the number of messages read since the queue was empty."""
        self._queued = taken
        self._queued_max = max(self._queued_max, taken)

    # Reading

    def begins_sequence(self, frame: "Frame") -> bool:
        """Return True if `frame` would begin a sequence by its time tag."""
        return self._placer.begins_sequence(frame)

    @property
    def cadence_s(self) -> float:
        """Data time from frame to frame; NaN while unknown."""
        return self._placer.cadence_s

    def state(self, now_s: float) -> StreamState:
        """Return the state for the silence at `now_s`."""
        return self._arrivals.state(now_s, self.cadence_s)

    def silence_s(self, now_s: float) -> float:
        """Return the seconds since the last frame; NaN before the first."""
        return self._arrivals.silence_s(now_s)

    def stall_after_s(self) -> float:
        """Return the silence after which a live stream counts as stalled."""
        return self._arrivals.stall_after_s(self.cadence_s)

    def reading(self, now_s: float) -> HealthReading:
        """Return the state and all counts at `now_s`."""
        state = self.state(now_s)
        return HealthReading(
            state=state,
            link=self.link,
            link_detail=self.link_detail,
            link_attempt=self.link_attempt,
            frames_received=self.frames_received,
            frames_rejected=self.rejected.total(),
            frames_missing=self.frames_missing,
            rejected={str(cause): count for cause, count in sorted(self.rejected.items())},
            restarts=self.restarts,
            reversals=self.reversals,
            repeats=self.repeats,
            cadence_s=self.cadence_s,
            rate_hz=0.0 if state is StreamState.STALLED else self._arrivals.rate_hz,
            silence_s=self.silence_s(now_s),
            stall_after_s=self.stall_after_s(),
            queue_frames=self._queued,
            queue_most=self._queued_max,
            stalls=self.stalls_over + (state is StreamState.STALLED),
            last_rejection=self._last_rejection,
            losses_known=self._placer.losses_known,
            restarts_known=self._placer.restarts_known,
            tag_problem=self._placer.tag_problem,
        )
