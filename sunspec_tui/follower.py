"""Frames as they come, for whoever processes the stream in a loop of their own.

The receiver's thread puts frames in, any other thread takes them out. A loop that is too slow never holds the
receiver up: its oldest frames are dropped, and counted. Nothing here decodes or keeps rows.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

from sunspec_tui.budgets import MAX_FOLLOWER_BYTES
from sunspec_tui.frame import Frame


class Follower(Iterator[Frame]):
    """An iterator over frames that arrive after it was made; it ends when the receiver stops.

    Parameters
    ----------
    most
        Frames that may wait to be taken.
    timeout_s
        End after so many seconds without a frame; None waits for ever.
    max_nbytes
        Largest memory of those frames; the newest frame is kept at any size.

    Attributes
    ----------
    frames_missed
        Frames dropped because nobody took them in time.
    """

    def __init__(self, most: int, timeout_s: float | None, max_nbytes: int = MAX_FOLLOWER_BYTES) -> None:
        self._waiting: deque[tuple[Frame, int]] = deque()
        self._most, self._max_nbytes, self._nbytes = most, max_nbytes, 0
        # A lock refuses a longer timeout.
        self._timeout_s = None if timeout_s is None else min(timeout_s, threading.TIMEOUT_MAX)
        self._changed = threading.Condition()
        self._ended = False
        self.frames_missed = 0

    def put(self, frame: Frame, nbytes: int | None = None) -> None:
        """Queue a frame.

        Parameters
        ----------
        frame
            The new frame.
        nbytes
            Memory of the frame; by default that of its data.
        """
        with self._changed:
            if self._ended:
                return
            self._waiting.append((frame, frame.data.nbytes if nbytes is None else nbytes))
            self._nbytes += self._waiting[-1][1]
            while len(self._waiting) > self._most or (self._nbytes > self._max_nbytes and len(self._waiting) > 1):
                self._pop()
                self.frames_missed += 1
            self._changed.notify()

    def _pop(self) -> Frame:
        """Remove and return the oldest queued frame, under the lock."""
        frame, nbytes = self._waiting.popleft()
        self._nbytes -= nbytes
        return frame

    def close(self) -> None:
        """End, after the frames that wait have been taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def __next__(self) -> Frame:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended, self._timeout_s)
            if not self._waiting:
                self._ended = True
                raise StopIteration
            return self._pop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_ended(self) -> bool:
        """Whether no frame will be taken any more."""
        return self._ended
