"""Print the output of short commands; store write errors until the end.

A command that does one thing and ends prints through `DirectOutput`, which waits for its reader as other programs do. A
service uses a `LineWriter`, which never waits.
"""

import os
import sys

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.line_writer import encoded, standard_sink


class OutputError(SunspecError):
    """The output of a command cannot be written."""


class DirectOutput:
    """Standard output of a command that does one thing and ends.

    A write error is stored, and the work continues; `check` raises the error at the end.
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
        """Raise the stored write error, unless the reader closed its pipe.

        Raises
        ------
        OutputError
            With the reason.
        """
        if self._error is not None and not isinstance(self._error, BrokenPipeError):
            raise OutputError(f"cannot write to standard output: {self._error.strerror}")


def hold_descriptors() -> None:
    """Open the null device for each standard stream that is closed.

    Otherwise the next file or socket would get the free number, and would receive the printed text.
    """
    null = os.open(os.devnull, os.O_RDWR)
    while null <= 2:
        # The lowest free number is always the next one.
        os.set_inheritable(null, True)
        null = os.open(os.devnull, os.O_RDWR)
    os.close(null)


def release() -> None:
    """Flush the standard streams; redirect those that fail to the null device.

    Otherwise the interpreter would try to write the rest when it exits, and would exit with another status.
    """
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, descriptor)
            os.close(null)
