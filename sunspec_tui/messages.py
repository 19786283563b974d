"""Rare events on their way to the app, all on one page.

What happens with every frame is no message: the screen pulls snapshots at its own rate. A message
carries plain values.
"""

import logging
from collections.abc import Callable

from textual.message import Message


class Logged(Message):
    """A line for the log panel, from any thread."""

    def __init__(self, level: int, time_s: float, text: str) -> None:
        super().__init__()
        self.level = level
        self.time_s = time_s
        self.text = text

    @property
    def style(self) -> str:
        """Style of the line after its level."""
        if self.level >= logging.ERROR:
            return "bold red"
        return "yellow" if self.level >= logging.WARNING else "dim"


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
    """Hands log records to an app as messages, from any thread.

    Parameters
    ----------
    post
        The app's `post_message`.
    """

    def __init__(self, post: Callable[[Message], object]) -> None:
        super().__init__()
        self._post = post

    def emit(self, record: logging.LogRecord) -> None:
        """Post one record."""
        self._post(Logged(record.levelno, record.created, record.getMessage()))
