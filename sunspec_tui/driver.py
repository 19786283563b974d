"""Textual's driver of the terminal, made to bear what happens at either end of an SSH session.

Standard error may go to a file, so the terminal is what standard output is: the command line has seen that it is one.

A process may be continued that was never suspended by us: the kernel sends SIGCONT along with SIGHUP, and
so does whoever stops and continues it from outside. And the terminal may go away: the thread that writes to it
ends then, and its queue must not be waited for. What is Textual's own here is tested in `tests/test_terminal.py`.
"""

import sys
from io import TextIOWrapper
from typing import Any, cast

from textual.drivers.linux_driver import LinuxDriver


class Driver(LinuxDriver):
    """The driver of the monitor."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        output = cast("TextIOWrapper", sys.__stdout__)
        # As forgiving as standard error: a character that the terminal's encoding lacks must not end the display.
        output.reconfigure(errors="backslashreplace")
        self._file = output

    @property
    def is_writing(self) -> bool:
        """Whether what is written can still arrive."""
        return self._writer_thread is not None and self._writer_thread.is_alive()

    @property
    def is_gone(self) -> bool:
        """Whether the terminal has gone away; one that was given back for a while has not."""
        return self._writer_thread is not None and not self.is_writing and not self._must_signal_resume

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again, if it was given back; else draw all anew, for it may hold anything."""
        if self._must_signal_resume:
            super()._sigcont_application()
        else:
            self._app.call_later(self._app.action_redraw)  # type: ignore[attr-defined]

    def write(self, data: str) -> None:
        """Write to the terminal, while there is one."""
        if self.is_writing:
            super().write(data)

    def close(self) -> None:
        """End the thread that writes, unless the terminal has ended it."""
        if self.is_writing:
            super().close()
