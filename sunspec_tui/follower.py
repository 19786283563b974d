"""Frames as they come, for whoever processes the stream in a loop of their own.

The receiver's thread puts frames in, any other thread takes them out. A loop that is too slow never holds the
receiver up: its oldest frames are dropped, and counted. Nothing here decodes or keeps rows.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

from sunspec_tui.frame import Frame


class Follower(Iterator[Frame]):
    """An iterator over frames that arrive after it was made; it ends when the receiver stops.

    Parameters
    ----------
    most
        Frames that may wait to be taken.
    timeout_s
        End after so many seconds without a frame; None waits for ever.

    Attributes
    ----------
    frames_missed
        Frames dropped because nobody took them in time.
    """

    def __init__(self, most: int, timeout_s: float | None) -> None:
        self._waiting: deque[Frame] = deque(maxlen=most)
        self._timeout_s = timeout_s
        self._changed = threading.Condition()
        self._ended = False
        self.frames_missed = 0

    def put(self, frame: Frame) -> None:
        """Let a frame wait to be taken."""
        with self._changed:
            if self._ended:
                return
            self.frames_missed += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(frame)
            self._changed.notify()

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
            return self._waiting.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_ended(self) -> bool:
        """Whether no frame will be taken any more."""
        return self._ended
