"""Replay a recorder's file while it is still being written.

A gap in its times begins a new sequence. The source ends when the file is closed and all its rows are sent.
"""

import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.printable import printable_name
from sunspec_tui.core.recording import Recording, continuous_runs
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.recorder_growing import is_being_written
from sunspec_tui.producer.replay import Replay
from sunspec_tui.producer.ring_feeder import Gulps, SourceSequence

POLL_S = 0.5
_LATEST_STEP = 1.5


class FollowedFile:
    """Source that sends the rows of a file as they are written.

    Parameters
    ----------
    path
        Path of the file.
    chan0
        First channel of the grid, if the file's frequencies are not those of channels.
    between_s
        Limits of the rows' times.
    observation, tuning
        Numbers of the Observation and the Tuning; the first ones by default.
    wait
        Function called with the seconds to wait before the next check of the file.

    Raises
    ------
    SourceError
        If the file cannot be read, or has no row yet.
    """

    def __init__(
        self,
        path: Path,
        chan0: int,
        *,
        between_s: tuple[float | None, float | None] = (None, None),
        observation: int | None = None,
        tuning: int | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._path, self._chan0, self._wait = path, chan0, wait
        self._end_s, self._choice = between_s[1], (observation, tuning)
        self._first = self._read(between_s[0], quiet=False)
        if not len(self._first):
            raise SourceError(f"{printable_name(path)} has no rows in that time yet; choose another --start or --end")
        replay = self._replay(self._first)
        self.spectrum_s, self.ntime_gulp = replay.spectrum_s, replay.ntime_gulp
        self.frames_as_recorded = True
        self._shape = next(replay.gulps()).shape[1:]
        self._next: Recording | None = None

    def sequences(self, shift_s: float = 0.0) -> Iterator[SourceSequence]:
        """Yield sequences of rows without a gap.

        Each ends when the next begins, or with the file.
        """
        first_s, runs = float(self._first.starts_s[0]), self._runs()
        self._next = next(runs)
        while self._next is not None:
            run, self._next = self._next, None
            begin_s = float(run.starts_s[0]) - first_s
            yield SourceSequence(begin_s, self._replay(run).header(shift_s), self._gulps(run, runs), self.spectrum_s)

    def _gulps(self, run: Recording, runs: Iterator[Recording | None]) -> Gulps:
        """Yield the power of a run and its continuations."""
        yield from self._replay(run).gulps()
        end_s = float(run.times_s[-1])
        for more in runs:
            if more is None:
                # An empty gulp makes the writer notice if the ring was closed.
                yield np.empty((0, *self._shape), np.float32)
                continue
            step_s = float(more.times_s[0]) - end_s
            if not 0.5 * self.spectrum_s <= step_s <= _LATEST_STEP * self.spectrum_s:
                self._next = more
                return
            yield from self._replay(more).gulps()
            end_s = float(more.times_s[-1])

    def _runs(self) -> Iterator[Recording | None]:
        """Yield runs of rows without a gap as they are written.

        None while there is none.
        """
        rows = self._first
        while True:
            for piece in continuous_runs(rows.times_s, rows.cadence_s):
                yield rows.only(piece)
            newest_s = float(rows.times_s[-1])
            rows = yield from self._newer(newest_s)
            if not len(rows):
                return

    def _newer(self, newest_s: float) -> Generator[None, None, Recording]:
        """Return rows after a time once some are written.

        No rows at the end of the file.
        """
        last_state = None
        while True:
            # Check this before reading the rows, so that the last ones are not missed.
            still_written, now = self._state()
            if now != last_state or not still_written:
                rows, last_state = self._read(newest_s), now
                if len(rows) or not still_written:
                    return rows
            yield None
            self._wait(POLL_S)

    def _state(self) -> tuple[bool, tuple[int, int]]:
        """Return the file's state.

        This is True while it is being written, and values that change with each write.
        """
        try:
            status = self._path.stat()
            return is_being_written(self._path), (status.st_mtime_ns, status.st_size)
        except OSError as error:
            raise SourceError(f"{printable_name(self._path)} cannot be followed: {error.strerror}") from error

    def _read(self, start_s: float | None, *, quiet: bool = True) -> Recording:
        observation, tuning = self._choice
        return read_recording(self._path, start_s, self._end_s, observation=observation, tuning=tuning, quiet=quiet)

    def _replay(self, rows: Recording) -> Replay:
        return Replay(rows, self._chan0, name=printable_name(self._path), frames_as_recorded=False)
