"""Standard output and its neighbours: closed, full, without a reader, in another alphabet.

A command that does one thing prints through `DirectOutput`, which waits for room as any program does. A service uses
a `LineWriter`, which never waits.
"""

import os
import sys

from sunspec_tui.errors import SunspecError
from sunspec_tui.line_writer import encoded, standard_sink


class OutputError(SunspecError):
    """What a command was to print cannot be written."""


class DirectOutput:
    """Standard output of a command that ends when it has done its work.

    What cannot be written is remembered, and the work goes on; `check` raises it at the end.
    """

    def __init__(self) -> None:
        self._sink = standard_sink(sys.stdout)
        self._error: OSError | None = None

    def say(self, text: str) -> None:
        """Print a text and a line feed."""
        if self._error is not None:
            return
        try:
            self._sink.write(encoded(text, self._sink), lambda: True)
        except OSError as error:
            self._error = error

    def check(self) -> None:
        """Raise what could not be written, unless the reader had read enough.

        Raises
        ------
        OutputError
            With the reason.
        """
        if self._error is not None and not isinstance(self._error, BrokenPipeError):
            raise OutputError(f"cannot write to standard output: {self._error.strerror}")


def hold_descriptors() -> None:
    """Open the null device where standard input, output or error is closed.

    Else the next file or socket would take the number, and what is printed would go there.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null <= 2:
        # The lowest free number is always the next one.
        os.set_inheritable(null, True)
        null = os.open(os.devnull, os.O_RDWR)
    os.close(null)


def release() -> None:
    """Leave nothing that the interpreter's own end would try to write, and fail with a status of its own."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)
