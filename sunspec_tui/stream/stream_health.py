"""Track the health of the stream: liveness, cadence, missing and rejected frames.

It processes every frame and every rejection, and reads no clock: times are arguments, and arrivals are times of a
monotonic clock. The cadence is measured from the data's time, never assumed. Missing frames are counted from the
producer's frame number if there is one, else from steps of the data's time.
"""

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.errors import RejectCause
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.stream.cadence import STEP_COUNT, Cadence
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, HealthReading, LinkState, StreamState
from sunspec_tui.stream.odd_steps import MANY_FRAMES, WIDE_S, EarlierTime, TimedFrame, UnconfirmedJump
from sunspec_tui.stream.sequence_tags import SequenceTags

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame

LONGEST_GAP_ROWS = 10_000_000
"""A wider step (a month at 0.25 s) counts as a restart, not as missing frames."""

_WRAP = 2**32
_USUAL_STEPS = 1.5  # a longer step is a gap
_STALL_GULPS, _STALL_MIN_STEPS = 3, 1.5
# Longest gulp of a known recorder: the scale of a silence until the cadence is known.
_LONGEST_GULP_S = 1.0272
_GULPS = 8


class FramePlacement(NamedTuple):
    """Place of a frame on the time axis, with its marks.

    Attributes
    ----------
    time_s, slot
        End of its data, and its index on the time axis.
    mark, missing
        `Mark` bits, and the number of frames that are missing before it.
    silence_s
        Length of the stall that it has ended; 0 without a stall.
    unconfirmed
        Value of the frame that has jumped and is not confirmed, ``time`` or ``number``; else empty.
    """

    time_s: float
    slot: int
    mark: int
    missing: int = 0
    silence_s: float = 0.0
    unconfirmed: str = ""


class StreamHealth:
    """Counts and state of one stream."""

    def __init__(self) -> None:
        self.link = LinkState.IDLE
        self.link_detail, self.link_attempt = "", 0
        self.frames_received = 0
        self.frames_missing = 0
        self.restarts = 0
        self.reversals = 0
        self.repeats = 0
        self.rejected: Counter[RejectCause] = Counter()
        self.cadence_s = math.nan
        self._cadence = Cadence()
        self._arrivals: deque[float] = deque(maxlen=STEP_COUNT)
        self._gulps: deque[int] = deque(maxlen=_GULPS)
        self._queued = self._queued_max = 0
        self._stalls_over = 0
        self._losses_known = self._restarts_known = True
        self._last_rejection = ""
        self._rejected_since = 0
        self._tags = SequenceTags()
        self._last: Frame | None = None
        self._last_time_s = self._last_arrived_s = math.nan
        self._jump, self._earlier_time = UnconfirmedJump(), EarlierTime()
        self._slot = -1

    def set_link(self, link: LinkState, detail: str = "", attempt: int = 0) -> None:
        """Set the link's state, its description and the attempt's number."""
        self.link, self.link_detail, self.link_attempt = link, detail, attempt

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
        # The message has arrived, so it is not missing, unless its number is not after the last frame's.
        last = None if self._last is None else self._last.seq
        self._rejected_since += seq is None or last is None or seq > last

    def begins_sequence(self, frame: "Frame") -> bool:
        """Return True if `frame` would begin a sequence by its time tag."""
        return self._tags.begins_sequence(frame.time_tag)

    def note_queue(self, taken: int) -> None:
        """Note the number of messages read since the queue was empty."""
        self._queued = taken
        self._queued_max = max(self._queued_max, taken)

    def assign_slot(self, frame: "Frame", now_s: float, arrived_s: float) -> FramePlacement:
        """Count one frame and assign its slot on the time axis.

        Parameters
        ----------
        frame
            The received frame.
        now_s
            Wall clock at the arrival, seconds since 1970: the row's time if the frame has none.
        arrived_s
            Time of the arrival by a monotonic clock.
        """
        if self._is_usual(frame, arrived_s):
            return self._place_next(frame, arrived_s)
        self.frames_received += 1
        silence_s = self._end_stall(arrived_s)
        self._note_arrival(frame, arrived_s)
        time_s, mark = _row_time(frame, now_s)
        exact = not mark & Mark.TIME_GUESSED
        # With neither a number nor the data's time, a gap cannot be distinguished from a slow network.
        self._losses_known = frame.seq is not None or exact
        begins = self._take_tag(frame)
        missing = 0
        if self._last is None:
            self._slot = 0
            if frame.interval_s is not None:
                self.cadence_s = self._cadence.add(frame.interval_s)
        else:
            came_before = 0
            # Nearly all steps are small, and these checks would cost microseconds in each frame.
            if self._is_wide(frame, time_s) or self._jump.pending or self._earlier_time.pending:
                arrived = TimedFrame(frame, time_s if exact else math.nan, arrived_s)
                came_before = self._accept_confirmed_jump(arrived)
                if exact and not came_before:
                    came_before = self._resume_earlier_time(arrived)
                    mark |= Mark.GAP_BEFORE if came_before else Mark.NONE
                if (
                    not begins
                    and not came_before
                    and (unconfirmed := self._jump.check(self._last_arrived(), arrived, self.cadence_s))
                ):
                    return self._place_unconfirmed(arrived, unconfirmed, silence_s)
            step_s = time_s - self._last_time_s
            restarted = begins or _numbers_restarted(self._last, frame) or self._jumped(frame, step_s)
            if restarted:
                self._earlier_time.forget()
            elif exact and step_s < 0:
                self._earlier_time.begin(self._last_arrived())
            mark |= self._note_step(step_s, restarted, exact=exact)
            lacking = max(0, self._lacking(frame, step_s, restarted, mark) - came_before)
            self._earlier_time.account(lacking)
            mark, missing = self._advance(step_s, lacking, mark, came_before)
            if restarted:
                self._restart_cadence(frame)
        self._rejected_since = 0
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing, silence_s)

    def _is_usual(self, frame: "Frame", arrived_s: float) -> bool:
        """Return True for a steady stream's next frame, as nearly all are.

        A wrong False only costs time: `assign_slot` then does all its checks.
        """
        last, longest_s = self._last, _USUAL_STEPS * self.cadence_s
        if last is None or frame.time_tag != last.time_tag or self._rejected_since:
            return False
        if self._jump.pending or self._earlier_time.pending:
            return False
        if frame.seq is None or last.seq is None:
            if frame.seq is not last.seq:
                return False
        elif frame.seq - last.seq != 1:
            return False
        step_s = frame.block_time_s - self._last_time_s
        return 0 < step_s < min(longest_s, WIDE_S) and arrived_s - self._arrivals[-1] < longest_s

    def _place_next(self, frame: "Frame", arrived_s: float) -> FramePlacement:
        """Place a frame of a steady stream, as `assign_slot` without its checks."""
        self.frames_received += 1
        self._note_arrival(frame, arrived_s)
        self._losses_known = True
        self._take_tag(frame)
        time_s = frame.block_time_s
        step_s = time_s - self._last_time_s
        self.cadence_s = self._cadence.add(step_s)
        mark, missing = int(Mark.NONE), 0
        if step_s < _USUAL_STEPS * self.cadence_s:
            self._slot += 1
        else:
            # The step is not longer than usual, but the cadence has just become shorter.
            mark, missing = self._advance(step_s, self._lacking(frame, step_s, False, mark), mark, 0)
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing)

    def _take_tag(self, frame: "Frame") -> bool:
        """Process the time tag of a frame.

        Return True if it begins a sequence.
        """
        begins = self._tags.update(frame.time_tag)
        self._restarts_known = frame.seq is not None or (frame.time_tag is not None and not self._tags.problem)
        return begins

    def _advance(self, step_s: float, lacking: int, mark: int, came_before: int) -> tuple[int, int]:
        """Advance the slot by a step.

        Return the row's mark and the number of missing frames.
        """
        missing = max(0, lacking - self._rejected_since)
        stride = max(1, min(self._stride(step_s, lacking + came_before, mark), LONGEST_GAP_ROWS) - came_before)
        self._slot += stride
        self.frames_missing += missing
        return (mark | Mark.GAP_BEFORE if stride > 1 else mark), missing

    def _end_stall(self, arrived_s: float) -> float:
        """Return the length of the stall that a frame ends.

        0 if there was none.
        """
        arrivals, silence_s = self._arrivals, 0.0
        # Every stall is longer, and computing the state would be a tenth of the work per frame.
        prompt = arrivals and arrived_s - arrivals[-1] <= _STALL_MIN_STEPS * self.cadence_s
        if not prompt and self.state(arrived_s) is StreamState.STALLED:
            silence_s = arrived_s - arrivals[-1]
            self._stalls_over += 1
            # A rate over a silence has no meaning.
            arrivals.clear()
        return silence_s

    def _note_arrival(self, frame: "Frame", arrived_s: float) -> None:
        """Store a frame's arrival, and count the frame into its gulp."""
        self._arrivals.append(arrived_s)
        # Frames of one gulp are sent with one timestamp.
        if self._last is not None and frame.sent_s == self._last.sent_s:
            self._gulps[-1] += 1
        else:
            self._gulps.append(1)

    def _last_arrived(self) -> TimedFrame:
        assert self._last is not None  # noqa: S101 - assign_slot() calls it only after a frame
        return TimedFrame(self._last, self._last_time_s, self._last_arrived_s)

    def _is_wide(self, frame: "Frame", time_s: float) -> bool:
        """Return True if a step is wide enough for a stray frame."""
        assert self._last is not None  # noqa: S101 - assign_slot() calls it only after a frame
        if time_s - self._last_time_s > WIDE_S:
            return True
        return frame.seq is not None and self._last.seq is not None and frame.seq - self._last.seq > MANY_FRAMES

    def _accept_confirmed_jump(self, arrived: TimedFrame) -> int:
        """If a frame confirms a jump, continue from before the jump.

        Return the number of frames since then.
        """
        before = self._jump.confirmed_by(arrived, self.cadence_s)
        if before is None:
            return 0
        self._last, self._last_time_s = before.frame, before.time_s
        return 1

    def _resume_earlier_time(self, arrived: TimedFrame) -> int:
        """Continue the time before it went back, if a frame does.

        Return the number of frames since then.
        """
        earlier = self._earlier_time.returned(self._last_arrived(), arrived, self.cadence_s)
        if earlier is None:
            return 0
        before, came = earlier
        self._last, self._last_time_s = before.frame, before.time_s
        # Leave a slot empty, because the row does not begin where the previous one ends.
        self._slot += 1
        return came

    def _place_unconfirmed(self, arrived: TimedFrame, unconfirmed: str, silence_s: float) -> FramePlacement:
        """Place a frame as the next one, without regard to its jump."""
        last = self._last_arrived().frame
        self._last = last._replace(seq=None if last.seq is None else last.seq + 1)
        self._last_time_s += self.cadence_s if self.cadence_s > 0 else 0.0
        self._last_arrived_s = arrived.arrived_s
        self._slot += 1
        guessed = unconfirmed == "time"
        time_s, mark = (self._last_time_s, Mark.TIME_GUESSED) if guessed else (arrived.time_s, Mark.NONE)
        return FramePlacement(time_s, self._slot, mark, 0, silence_s, unconfirmed)

    def _restart_cadence(self, frame: "Frame") -> None:
        """Measure the cadence anew.

        The stream may have another one after a restart.
        """
        self._cadence.clear()
        self._gulps.clear()
        self._gulps.append(1)
        if frame.interval_s is not None:
            self.cadence_s = self._cadence.add(frame.interval_s)

    def _jumped(self, frame: "Frame", step_s: float) -> bool:
        """Return True if a step is too wide for missing frames."""
        assert self._last is not None  # noqa: S101 - assign_slot() calls it only after a frame
        if frame.seq is not None and self._last.seq is not None and frame.seq - self._last.seq > LONGEST_GAP_ROWS:
            return True
        return self.cadence_s > 0 and step_s / self.cadence_s > LONGEST_GAP_ROWS

    def _note_step(self, step_s: float, restarted: bool, *, exact: bool) -> int:
        """Update the cadence by a step of the data's time.

        Return the marks of an unusual step.
        """
        mark: int = Mark.NONE
        if restarted:
            self.restarts += 1
            mark |= Mark.RESTART
        if step_s > 0 and not restarted:
            self.cadence_s = self._cadence.add(step_s)
        elif exact and step_s == 0:
            self.repeats += 1
            mark |= Mark.REPEAT
        elif exact and step_s < 0:
            self.reversals += 1
            mark |= Mark.REVERSAL
        return mark

    def _lacking(self, frame: "Frame", step_s: float, restarted: bool, mark: int) -> int:
        """Return the number of rows missing before this frame.

        The producer's frame numbers give the exact number, else the data's time does. It is 0 after a restart, where
        nothing was sent, and for a time that is only a guess.
        """
        assert self._last is not None  # noqa: S101 - assign_slot() calls it only after a frame
        if restarted:
            return 0
        if frame.seq is not None and self._last.seq is not None:
            lacking = frame.seq - self._last.seq - 1
            if lacking < -1 and _has_wrapped(self._last.seq, frame.seq):
                lacking += _WRAP
            return lacking if 0 <= lacking < LONGEST_GAP_ROWS else 0
        if mark & Mark.TIME_GUESSED:
            return 0
        return max(0, self._stride(step_s, 0, mark) - 1)

    def _stride(self, step_s: float, lacking: int, mark: int) -> int:
        """Return one slot for this row and one per missing row."""
        if mark & Mark.TIME_GUESSED or not self.cadence_s > 0 or not step_s > 0:
            return 1 + lacking
        return max(1 + lacking, round(step_s / self.cadence_s))

    @property
    def stalls_over(self) -> int:
        """Number of stalls that have ended."""
        return self._stalls_over

    def state(self, arrived_s: float) -> StreamState:
        """Return the state for the silence at `arrived_s`."""
        if not self._arrivals:
            return StreamState.CONNECTING
        silent = arrived_s - self._arrivals[-1] > self.stall_after_s()
        return StreamState.STALLED if silent else StreamState.LIVE

    def silence_s(self, arrived_s: float) -> float:
        """Return the seconds since the last frame; NaN before the first."""
        return arrived_s - self._arrivals[-1] if self._arrivals else math.nan

    def stall_after_s(self) -> float:
        """Return the silence after which a live stream counts as stalled.

        It is three gulps, of one or more frames each.
        """
        known = self.cadence_s > 0
        gulp_s = self.cadence_s * max(self._gulps, default=1) if known else _LONGEST_GULP_S
        # A stream with a longer cadence must not count as stalled between two frames.
        return min(_STALL_GULPS * gulp_s, max(LONG_SILENCE_S, _STALL_MIN_STEPS * self.cadence_s if known else 0))

    def reading(self, arrived_s: float) -> HealthReading:
        """Return the state and all counts at `arrived_s`."""
        arrivals, state = self._arrivals, self.state(arrived_s)
        span_s = arrivals[-1] - arrivals[0] if len(arrivals) > 1 else 0.0
        rate_hz = (len(arrivals) - 1) / span_s if span_s > 0 else math.nan
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
            rate_hz=0.0 if state is StreamState.STALLED else rate_hz,
            silence_s=self.silence_s(arrived_s),
            stall_after_s=self.stall_after_s(),
            queue_frames=self._queued,
            queue_most=self._queued_max,
            stalls=self._stalls_over + (state is StreamState.STALLED),
            last_rejection=self._last_rejection,
            losses_known=self._losses_known,
            restarts_known=self._restarts_known,
            tag_problem=self._tags.problem,
        )


def _row_time(frame: "Frame", now_s: float) -> tuple[float, int]:
    """Return the end of the frame's data, and its mark.

    Without it in the header, use the time of sending, else the arrival.
    """
    if not math.isnan(frame.block_time_s):
        return frame.block_time_s, Mark.NONE
    if not math.isnan(frame.sent_s):
        return frame.sent_s, Mark.TIME_GUESSED
    return now_s, Mark.TIME_GUESSED


def _has_wrapped(before: int, seq: int) -> bool:
    """Return True if a 32-bit number has wrapped around.

    A larger step is a restart.
    """
    return before < _WRAP and seq + _WRAP - before < _WRAP // 2


def _numbers_restarted(last: "Frame", frame: "Frame") -> bool:
    """Return True if the producer's numbers begin again."""
    if frame.seq is None or last.seq is None or frame.seq > last.seq or _has_wrapped(last.seq, frame.seq):
        return False
    return frame.seq < last.seq or frame.time_tag != last.time_tag
