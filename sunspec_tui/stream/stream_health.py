"""What can be said of the stream: is it alive, how fast is it, what was lost and why.

A tracker that is told of every frame and every rejection and keeps no clock: times come as
arguments, arrivals on a clock that never goes back. The cadence is measured from the data's own
time, never assumed; losses are counted from the producer's sequence number where there is one,
else from steps of the data's time.
"""

import math
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.errors import RejectCause
from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.stream.cadence import STEP_COUNT, Cadence
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, HealthReading, LinkState, StreamState
from sunspec_tui.stream.odd_steps import MANY_FRAMES, WIDE_S, Arrived, JumpDoubt, StepBack
from sunspec_tui.stream.sequence_tags import SequenceTags

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame

LONGEST_GAP_ROWS = 10_000_000
"""A wider step (a month at 0.25 s) is no loss but another stream: it counts as a restart."""

_WRAP = 2**32
_USUAL_STEPS = 1.5  # a longer step is a gap
_STALL_GULPS, _STALL_LEAST_STEPS = 3, 1.5
# The longest gulp that a recorder is known to have: what silence is measured by until the cadence is known.
_LONGEST_GULP_S = 1.0272
_GULPS = 8


class FramePlacement(NamedTuple):
    """Where a frame belongs.

    Attributes
    ----------
    time_s, slot
        End of its data, and its place on the time axis.
    mark, missing
        `Mark` bits, and the number of frames that are missing before it.
    silence_s
        How long a stall it has ended.
    doubt
        What the frame says and nothing confirms: its ``time`` or its ``number``; else empty.
    """

    time_s: float
    slot: int
    mark: int
    missing: int = 0
    silence_s: float = 0.0
    doubt: str = ""


class StreamHealth:
    """Keeps count of one stream; see the module for what it may not do."""

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
        self._queued = self._queued_most = 0
        self._stalls_over = 0
        self._losses_known = self._restarts_known = True
        self._last_rejection = ""
        self._rejected_since = 0
        self._tags = SequenceTags()
        self._last: Frame | None = None
        self._last_time_s = self._last_arrived_s = math.nan
        self._doubt, self._back = JumpDoubt(), StepBack()
        self._slot = -1

    def linked(self, link: LinkState, detail: str = "", attempt: int = 0) -> None:
        """Set the link's state, its description and the attempt's number."""
        self.link, self.link_detail, self.link_attempt = link, detail, attempt

    def reject(self, cause: RejectCause, detail: str = "", seq: int | None = None) -> None:
        """Count one rejected message.

        Parameters
        ----------
        cause, detail
            Why the message is not a frame.
        seq
            The producer's number of the message; None if it could not be read.
        """
        self.rejected[cause] += 1
        self._last_rejection = f"{cause}: {detail}"
        # The message has come, so it is not missing, unless its number belongs before the last frame.
        last = None if self._last is None else self._last.seq
        self._rejected_since += seq is None or last is None or seq > last

    def begins_sequence(self, frame: "Frame") -> bool:
        """Return True if the next frame, `frame`, would begin a sequence by its time tag."""
        return self._tags.begins_sequence(frame.time_tag)

    def queued(self, taken: int) -> None:
        """Learn how many messages have been taken in a row since the receive queue was last empty."""
        self._queued = taken
        self._queued_most = max(self._queued_most, taken)

    def assign_slot(self, frame: "Frame", now_s: float, arrived_s: float) -> FramePlacement:
        """Count one frame and find its place on the time axis.

        Parameters
        ----------
        frame
            What arrived.
        now_s
            Wall clock at the arrival, seconds since 1970: the row's time where the frame has none.
        arrived_s
            The arrival on a clock that never goes back.
        """
        if self._is_usual(frame, arrived_s):
            return self._place_next(frame, arrived_s)
        self.frames_received += 1
        silence_s = self._end_stall(arrived_s)
        self._note_arrival(frame, arrived_s)
        time_s, mark = _row_time(frame, now_s)
        exact = not mark & Mark.TIME_GUESSED
        # Neither numbers nor the data's own time: a gap cannot be told from a slow network.
        self._losses_known = frame.seq is not None or exact
        begins = self._take_tag(frame)
        missing = 0
        if self._last is None:
            self._slot = 0
            if frame.interval_s is not None:
                self.cadence_s = self._cadence.add(frame.interval_s)
        else:
            came_before = 0
            # Nearly all steps are small, and each microsecond here is one a frame.
            if self._is_wide(frame, time_s) or self._doubt.pending or self._back.pending:
                arrived = Arrived(frame, time_s if exact else math.nan, arrived_s)
                came_before = self._catch_up(arrived)
                if exact and not came_before:
                    came_before = self._return(arrived)
                    mark |= Mark.GAP_BEFORE if came_before else Mark.NONE
                if (
                    not begins
                    and not came_before
                    and (doubt := self._doubt.find_doubt(self._last_arrived(), arrived, self.cadence_s))
                ):
                    return self._placed_in_doubt(arrived, doubt, silence_s)
            step_s = time_s - self._last_time_s
            restarted = begins or _counts_anew(self._last, frame) or self._jumped(frame, step_s)
            if restarted:
                self._back.forget()
            elif exact and step_s < 0:
                self._back.begin(self._last_arrived())
            mark |= self._note_step(step_s, restarted, exact=exact)
            lacking = max(0, self._lacking(frame, step_s, restarted, mark) - came_before)
            self._back.account(lacking)
            mark, missing = self._advance(step_s, lacking, mark, came_before)
            if restarted:
                self._begin_steps(frame)
        self._rejected_since = 0
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing, silence_s)

    def _is_usual(self, frame: "Frame", arrived_s: float) -> bool:
        """Return True for the next frame of a steady stream, which nearly all are.

        False only costs time: `assign_slot` then looks for what is unusual.
        """
        last, longest_s = self._last, _USUAL_STEPS * self.cadence_s
        if last is None or frame.time_tag != last.time_tag or self._rejected_since:
            return False
        if self._doubt.pending or self._back.pending:
            return False
        if frame.seq is None or last.seq is None:
            if frame.seq is not last.seq:
                return False
        elif frame.seq - last.seq != 1:
            return False
        step_s = frame.block_time_s - self._last_time_s
        return 0 < step_s < min(longest_s, WIDE_S) and arrived_s - self._arrivals[-1] < longest_s

    def _place_next(self, frame: "Frame", arrived_s: float) -> FramePlacement:
        """Place the next frame of a steady stream, as `assign_slot` does, without looking for what is unusual."""
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
            # The step is no longer than usual, but the cadence has just become shorter.
            mark, missing = self._advance(step_s, self._lacking(frame, step_s, False, mark), mark, 0)
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing)

    def _take_tag(self, frame: "Frame") -> bool:
        """Learn the time tag of a frame; return True if it begins a sequence."""
        begins = self._tags.update(frame.time_tag)
        self._restarts_known = frame.seq is not None or (frame.time_tag is not None and not self._tags.problem)
        return begins

    def _advance(self, step_s: float, lacking: int, mark: int, came_before: int) -> tuple[int, int]:
        """Go on by the slots of a step; return the row's mark, and the number of frames that are missing."""
        missing = max(0, lacking - self._rejected_since)
        stride = max(1, min(self._stride(step_s, lacking + came_before, mark), LONGEST_GAP_ROWS) - came_before)
        self._slot += stride
        self.frames_missing += missing
        return (mark | Mark.GAP_BEFORE if stride > 1 else mark), missing

    def _end_stall(self, arrived_s: float) -> float:
        """Return how long the stall was that a frame ends, 0 if there was none."""
        arrivals, silence_s = self._arrivals, 0.0
        # A stall is longer than that, and computing the state costs a tenth of the work here.
        prompt = arrivals and arrived_s - arrivals[-1] <= _STALL_LEAST_STEPS * self.cadence_s
        if not prompt and self.state(arrived_s) is StreamState.STALLED:
            silence_s = arrived_s - arrivals[-1]
            self._stalls_over += 1
            # A rate over a silence has no meaning.
            arrivals.clear()
        return silence_s

    def _note_arrival(self, frame: "Frame", arrived_s: float) -> None:
        """Count a frame into its gulp."""
        self._arrivals.append(arrived_s)
        # Frames of one gulp are sent with one timestamp.
        if self._last is not None and frame.sent_s == self._last.sent_s:
            self._gulps[-1] += 1
        else:
            self._gulps.append(1)

    def _last_arrived(self) -> Arrived:
        assert self._last is not None  # noqa: S101 - place() asks only then
        return Arrived(self._last, self._last_time_s, self._last_arrived_s)

    def _is_wide(self, frame: "Frame", time_s: float) -> bool:
        """Return True if the step to a frame is so wide that it may be a stray one."""
        assert self._last is not None  # noqa: S101 - place() asks only then
        if time_s - self._last_time_s > WIDE_S:
            return True
        return frame.seq is not None and self._last.seq is not None and frame.seq - self._last.seq > MANY_FRAMES

    def _catch_up(self, arrived: Arrived) -> int:
        """Go back to before a doubted frame if this one confirms it; return the number of frames that came since."""
        before = self._doubt.confirmed_by(arrived, self.cadence_s)
        if before is None:
            return 0
        self._last, self._last_time_s = before.frame, before.time_s
        return 1

    def _return(self, arrived: Arrived) -> int:
        """Go on from before the data's time went back if this frame does; return the number of frames since then."""
        found = self._back.returned(self._last_arrived(), arrived, self.cadence_s)
        if found is None:
            return 0
        before, came = found
        self._last, self._last_time_s = before.frame, before.time_s
        # An empty slot, because the row does not begin where the one before ends.
        self._slot += 1
        return came

    def _placed_in_doubt(self, arrived: Arrived, doubt: str, silence_s: float) -> FramePlacement:
        """Place a frame as the next one of the stream, whatever it says of itself."""
        last = self._last_arrived().frame
        self._last = last._replace(seq=None if last.seq is None else last.seq + 1)
        self._last_time_s += self.cadence_s if self.cadence_s > 0 else 0.0
        self._last_arrived_s = arrived.arrived_s
        self._slot += 1
        guessed = doubt == "time"
        time_s, mark = (self._last_time_s, Mark.TIME_GUESSED) if guessed else (arrived.time_s, Mark.NONE)
        return FramePlacement(time_s, self._slot, mark, 0, silence_s, doubt)

    def _begin_steps(self, frame: "Frame") -> None:
        """Measure the cadence anew: what comes now may have another one."""
        self._cadence.clear()
        self._gulps.clear()
        self._gulps.append(1)
        if frame.interval_s is not None:
            self.cadence_s = self._cadence.add(frame.interval_s)

    def _jumped(self, frame: "Frame", step_s: float) -> bool:
        """Whether the stream is somewhere else altogether: a step too wide to be a loss."""
        assert self._last is not None  # noqa: S101 - place() asks only then
        if frame.seq is not None and self._last.seq is not None and frame.seq - self._last.seq > LONGEST_GAP_ROWS:
            return True
        return self.cadence_s > 0 and step_s / self.cadence_s > LONGEST_GAP_ROWS

    def _note_step(self, step_s: float, restarted: bool, *, exact: bool) -> int:
        """Learn the cadence from a step of the data's time, and say what was unusual about it."""
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
        """Return the number of rows missing between the last frame and this.

        The producer's own numbers tell exactly. Without them the data's time tells, but neither
        across a restart, where nothing was sent, nor from a time that is only a guess.
        """
        assert self._last is not None  # noqa: S101 - place() asks only then
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
        """Slots from the last row to this one: at least one, and one for each row that should be there."""
        if mark & Mark.TIME_GUESSED or not self.cadence_s > 0 or not step_s > 0:
            return 1 + lacking
        return max(1 + lacking, round(step_s / self.cadence_s))

    @property
    def stalls_over(self) -> int:
        """Number of stalls that have ended."""
        return self._stalls_over

    def state(self, arrived_s: float) -> StreamState:
        """State at `arrived_s`: silence turns it."""
        if not self._arrivals:
            return StreamState.CONNECTING
        silent = arrived_s - self._arrivals[-1] > self.stall_after_s()
        return StreamState.STALLED if silent else StreamState.LIVE

    def silence_s(self, arrived_s: float) -> float:
        """Seconds since the last frame; NaN before the first."""
        return arrived_s - self._arrivals[-1] if self._arrivals else math.nan

    def stall_after_s(self) -> float:
        """Silence after which a live stream counts as stalled: three gulps, of one frame or of several."""
        known = self.cadence_s > 0
        gulp_s = self.cadence_s * max(self._gulps, default=1) if known else _LONGEST_GULP_S
        # Data that come less often than that are not stalled between any two frames.
        return min(_STALL_GULPS * gulp_s, max(LONG_SILENCE_S, _STALL_LEAST_STEPS * self.cadence_s if known else 0))

    def reading(self, arrived_s: float) -> HealthReading:
        """All of it at `arrived_s`, as a value."""
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
            queue_most=self._queued_most,
            stalls=self._stalls_over + (state is StreamState.STALLED),
            last_rejection=self._last_rejection,
            losses_known=self._losses_known,
            restarts_known=self._restarts_known,
            tag_problem=self._tags.problem,
        )


def _row_time(frame: "Frame", now_s: float) -> tuple[float, int]:
    """End of the frame's data: from the header, else when it was sent, else when it arrived."""
    if not math.isnan(frame.block_time_s):
        return frame.block_time_s, Mark.NONE
    if not math.isnan(frame.sent_s):
        return frame.sent_s, Mark.TIME_GUESSED
    return now_s, Mark.TIME_GUESSED


def _has_wrapped(before: int, seq: int) -> bool:
    """Return True if a number of 32 bits has passed its largest value, near enough to be no restart."""
    return before < _WRAP and seq + _WRAP - before < _WRAP // 2


def _counts_anew(last: "Frame", frame: "Frame") -> bool:
    """Return True if the producer's numbers begin again."""
    if frame.seq is None or last.seq is None or frame.seq > last.seq or _has_wrapped(last.seq, frame.seq):
        return False
    return frame.seq < last.seq or frame.time_tag != last.time_tag
