"""Place frames on the time axis, and count missing frames.

It reads no clock: times are arguments, and arrivals are times of a monotonic clock. The cadence is measured from the
data's time, never assumed. Missing frames are counted from the producer's frame number if there is one, else from
steps of the data's time.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

from sunspec_tui.core.ring_buffer import Mark
from sunspec_tui.stream.arrivals import Arrivals
from sunspec_tui.stream.cadence import Cadence
from sunspec_tui.stream.jump_detection import MANY_FRAMES, WIDE_S, EarlierTime, TimedFrame, UnconfirmedJump
from sunspec_tui.stream.sequence_tags import SequenceTags

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame

LONGEST_GAP_ROWS = 10_000_000
"""A wider step (a month at 0.25 s) counts as a restart, not as missing frames."""

_WRAP = 2**32
_USUAL_STEPS = 1.5  # a longer step is a gap
_NO_MARK = int(Mark.NONE)


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


class FramePlacer:
    """Time axis of one stream, which assigns a slot to each frame.

    Attributes
    ----------
    cadence_s
        Data time from frame to frame; NaN while unknown.
    arrivals
        Arrivals of the frames.
    """

    def __init__(self) -> None:
        self.cadence_s = math.nan
        self.arrivals = Arrivals()
        self._cadence = Cadence()
        self._tags = SequenceTags()
        self._newest: Frame | None = None
        # The frame from which the next step is measured. After an unconfirmed jump, it is not the newest one.
        self._last: Frame | None = None
        self._last_time_s = self._last_arrived_s = math.nan
        self._jump, self._earlier_time = UnconfirmedJump(), EarlierTime()
        self._rejected_since = 0
        self._slot = -1

    @property
    def tag_problem(self) -> str:
        """Reason why the time tags mark no sequences; empty if they do."""
        return self._tags.problem

    @property
    def losses_known(self) -> bool:
        """True if the newest header allows to count missing frames.

        With neither a number nor the data's time, a gap cannot be distinguished from a slow network.
        """
        newest = self._newest
        return newest is None or newest.seq is not None or not math.isnan(newest.block_time_s)

    @property
    def restarts_known(self) -> bool:
        """True if the newest header allows to count restarts."""
        newest = self._newest
        return newest is None or newest.seq is not None or (newest.time_tag is not None and not self._tags.problem)

    def begins_sequence(self, frame: "Frame") -> bool:
        """Return True if `frame` would begin a sequence by its time tag."""
        return self._tags.begins_sequence(frame.time_tag)

    def note_rejected(self, seq: int | None) -> None:
        """Note a rejected message, with the producer's number if known.

        The message has arrived, so it is not missing, unless its number is not after the last frame's.
        """
        last = None if self._last is None else self._last.seq
        self._rejected_since += seq is None or last is None or seq > last

    def assign_slot(self, frame: "Frame", now_s: float, arrived_s: float) -> FramePlacement:
        """Assign a slot to the next frame.

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
        return self.assign_slot_with_checks(frame, now_s, arrived_s)

    # The usual frame

    def _is_usual(self, frame: "Frame", arrived_s: float) -> bool:
        """Return True for a steady stream's next frame, as nearly all are.

        A wrong False only costs time: `assign_slot_with_checks` gives the same placement.
        """
        last, longest_s = self._last, _USUAL_STEPS * self.cadence_s
        if last is None or frame.time_tag != last.time_tag or self._rejected_since:
            return False
        if self._jump.frames or self._earlier_time.before:
            return False
        if frame.seq is None or last.seq is None:
            if frame.seq is not last.seq:
                return False
        elif frame.seq - last.seq != 1:
            return False
        step_s = frame.block_time_s - self._last_time_s
        if not 0 < step_s < longest_s or step_s >= WIDE_S:
            return False
        return arrived_s - self.arrivals.times_s[-1] < longest_s

    def _place_next(self, frame: "Frame", arrived_s: float) -> FramePlacement:
        """Place a frame of a steady stream."""
        self._note_arrival(frame, arrived_s)
        self._tags.update(frame.time_tag)
        time_s = frame.block_time_s
        step_s = time_s - self._last_time_s
        self.cadence_s = self._cadence.add(step_s)
        mark, missing = _NO_MARK, 0
        if step_s < _USUAL_STEPS * self.cadence_s:
            self._slot += 1
        else:
            # The step is not longer than usual, but the cadence has just become shorter.
            mark, missing = self._advance(step_s, self._lacking(frame, step_s, mark), mark, 0)
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing)

    def _note_arrival(self, frame: "Frame", arrived_s: float) -> None:
        """Note the newest frame and its arrival."""
        # Frames of one gulp are sent with one timestamp.
        same_gulp = self._last is not None and frame.sent_s == self._last.sent_s
        self.arrivals.add(arrived_s, same_gulp)
        self._newest = frame

    # Any other frame

    def assign_slot_with_checks(self, frame: "Frame", now_s: float, arrived_s: float) -> FramePlacement:
        """Assign a slot as `assign_slot`, without its short cut for usual frames."""
        silence_s = self.arrivals.end_stall(arrived_s, self.cadence_s)
        self._note_arrival(frame, arrived_s)
        time_s, mark = _row_time(frame, now_s)
        begins, missing = self._tags.update(frame.time_tag), 0
        if self._last is None:
            self._slot = 0
            self._use_stated_cadence(frame)
        else:
            arrived = TimedFrame(frame, math.nan if mark else time_s, arrived_s)
            came_before, resumed, unconfirmed = self._check_jumps(arrived, time_s, begins=begins)
            if unconfirmed:
                return self._place_unconfirmed(arrived, unconfirmed, silence_s)
            mark, missing = self._place_after(self._last, frame, time_s, mark | resumed, came_before, begins=begins)
        self._rejected_since = 0
        self._last, self._last_time_s, self._last_arrived_s = frame, time_s, arrived_s
        return FramePlacement(time_s, self._slot, mark, missing, silence_s)

    def _place_after(
        self, last: "Frame", frame: "Frame", time_s: float, mark: int, came_before: int, *, begins: bool
    ) -> tuple[int, int]:
        """Advance the slot from the last frame to this one.

        Return the row's mark and the number of missing frames.
        """
        step_s = time_s - self._last_time_s
        restarted = begins or _numbers_restarted(last, frame) or self._jumped(last, frame, step_s)
        if restarted:
            self._earlier_time.forget()
        elif not mark & Mark.TIME_GUESSED and step_s < 0:
            self._earlier_time.begin(self._last_arrived())
        mark = self._note_step(step_s, mark, restarted=restarted)
        # After a restart nothing is missing, because nothing was sent.
        lacking = 0 if restarted else max(0, self._lacking(frame, step_s, mark) - came_before)
        self._earlier_time.account(lacking)
        mark, missing = self._advance(step_s, lacking, mark, came_before)
        if restarted:
            self._restart_cadence(frame)
        return mark, missing

    def _advance(self, step_s: float, lacking: int, mark: int, came_before: int) -> tuple[int, int]:
        """Advance the slot by a step.

        Return the row's mark and the number of missing frames.
        """
        missing = max(0, lacking - self._rejected_since)
        stride = max(1, min(self._stride(step_s, lacking + came_before, mark), LONGEST_GAP_ROWS) - came_before)
        self._slot += stride
        return (mark | Mark.GAP_BEFORE if stride > 1 else mark), missing

    def _note_step(self, step_s: float, mark: int, *, restarted: bool) -> int:
        """Update the cadence by a step of the data's time.

        Return the mark with those of an unusual step.
        """
        exact = not mark & Mark.TIME_GUESSED
        if restarted:
            mark |= Mark.RESTART
        if step_s > 0 and not restarted:
            self.cadence_s = self._cadence.add(step_s)
        elif exact and step_s == 0:
            mark |= Mark.REPEAT
        elif exact and step_s < 0:
            mark |= Mark.REVERSAL
        return mark

    def _restart_cadence(self, frame: "Frame") -> None:
        """Measure the cadence anew.

        The stream may have another one after a restart.
        """
        self._cadence.clear()
        self.arrivals.restart_gulps()
        self._use_stated_cadence(frame)

    def _use_stated_cadence(self, frame: "Frame") -> None:
        if frame.interval_s is not None:
            self.cadence_s = self._cadence.add(frame.interval_s)

    # Steps

    def _lacking(self, frame: "Frame", step_s: float, mark: int) -> int:
        """Return the number of rows missing before this frame.

        The producer's frame numbers give the exact number, else the data's time does. It is 0 for a time that is only
        a guess.
        """
        assert self._last is not None  # noqa: S101 - called only after a frame
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

    def _jumped(self, last: "Frame", frame: "Frame", step_s: float) -> bool:
        """Return True if a step is too wide for missing frames."""
        if frame.seq is not None and last.seq is not None and frame.seq - last.seq > LONGEST_GAP_ROWS:
            return True
        return self.cadence_s > 0 and step_s / self.cadence_s > LONGEST_GAP_ROWS

    # Jumps of time or number

    def _check_jumps(self, arrived: TimedFrame, time_s: float, *, begins: bool) -> tuple[int, int, str]:
        """Confirm an earlier jump, or detect a new one.

        Returns
        -------
        (came_before, mark, unconfirmed)
            Number of frames since the one that `arrived` continues, 0 if that is the last one; mark of a time that
            continues from before it went back; and the value that has jumped, as in `FramePlacement`.
        """
        # Nearly all steps are small, and these checks would cost microseconds in each frame.
        if not (self._is_wide(arrived.frame, time_s) or self._jump.frames or self._earlier_time.before):
            return 0, Mark.NONE, ""
        if came_before := self._accept_confirmed_jump(arrived):
            return came_before, Mark.NONE, ""
        if not math.isnan(arrived.time_s) and (came_before := self._resume_earlier_time(arrived)):
            return came_before, Mark.GAP_BEFORE, ""
        return 0, Mark.NONE, "" if begins else self._jump.check(self._last_arrived(), arrived, self.cadence_s)

    def _is_wide(self, frame: "Frame", time_s: float) -> bool:
        """Return True if a step is wide enough for a stray frame."""
        assert self._last is not None  # noqa: S101 - called only after a frame
        if time_s - self._last_time_s > WIDE_S:
            return True
        return frame.seq is not None and self._last.seq is not None and frame.seq - self._last.seq > MANY_FRAMES

    def _last_arrived(self) -> TimedFrame:
        assert self._last is not None  # noqa: S101 - called only after a frame
        return TimedFrame(self._last, self._last_time_s, self._last_arrived_s)

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
