"""Rare events on their way to the app, all on one page.

What happens with every frame is no message: the screen pulls snapshots at its own rate. A message
carries plain values.
"""

import logging
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from textual.message import Message

MAX_WAITING_LINES = 200
"""Lines of the log that wait for the screen: as many as its panel keeps. Older ones are left out, and counted."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line for the log panel."""

    level: int
    time_s: float
    text: str

    @property
    def style(self) -> str:
        """Style of the line after its level."""
        if self.level >= logging.ERROR:
            return "bold red"
        return "yellow" if self.level >= logging.WARNING else "dim"


class Logged(Message):
    """There are new lines for the log panel.

    Parameters
    ----------
    take
        Gives the lines that wait, once.
    """

    def __init__(self, take: Callable[[], list[LogLine]]) -> None:
        super().__init__()
        self.take = take


class CellPointed(Message):
    """The mouse points at a column (None in the spectrum) and a bin."""

    def __init__(self, number: int | None, bin_number: int) -> None:
        super().__init__()
        self.number = number
        self.bin = bin_number


class Wheeled(Message):
    """The wheel turns over the waterfall: through time, or through frequency."""

    def __init__(self, by: int, *, zoom: bool) -> None:
        super().__init__()
        self.by = by
        self.zoom = zoom


class KeyClicked(Message):
    """A key of the last line was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action


class LogHandler(logging.Handler):
    """Hands log records to an app, from any thread, with one message in its queue at a time.

    Parameters
    ----------
    post
        The app's `post_message`.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        super().__init__()
        self._post = post
        self._waiting: deque[LogLine] = deque(maxlen=MAX_WAITING_LINES)
        self._left_out = 0
        self._posted = False

    def emit(self, record: logging.LogRecord) -> None:
        """Let one record wait, and tell the app unless it has been told; logging holds the handler's lock."""
        self._left_out += len(self._waiting) == MAX_WAITING_LINES
        self._waiting.append(LogLine(record.levelno, record.created, record.getMessage()))
        if not self._posted:
            # An app that has ended takes no message, and none is lost that anybody could read.
            self._posted = self._post(Logged(self.take)) is not False

    def take(self) -> list[LogLine]:
        """The lines that wait, oldest first, with a line about those that were left out."""
        with self.lock or nullcontext():
            lines, left_out = list(self._waiting), self._left_out
            self._waiting.clear()
            self._left_out, self._posted = 0, False
        if left_out:
            text = f"{left_out} lines were left out here; --log-file has all of them"
            lines.insert(0, LogLine(logging.WARNING, lines[0].time_s, text))
        return lines
