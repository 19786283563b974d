"""Print a service's status lines without waiting; keep secrets out of files."""

import sys
from collections.abc import Callable
from contextlib import ExitStack

from sunspec_tui.cli.signals import print_soon
from sunspec_tui.core.line_writer import LineWriter, standard_sink
from sunspec_tui.core.printable import printable_lines
from sunspec_tui.monitoring.problems import Problems

MAX_LINE = 100_000
"""Longest line in characters; a line of JSON must not be cut."""

_MAX_STATUS_LINES = 8


def status_output(started: ExitStack, problems: Problems) -> Callable[[str], None]:
    """Return a print function for a service, which never waits.

    When standard output blocks, older lines are dropped for newer ones.
    """
    sink = standard_sink(sys.stdout)
    writer = LineWriter("standard output", sink, problems.report, max_lines=_MAX_STATUS_LINES)
    started.callback(writer.close)
    return lambda text: writer.write(printable_lines(text, MAX_LINE))


def show_secret(text: str) -> None:
    """Print a secret line only on a terminal, never to a file."""
    if sys.stderr is not None and sys.stderr.isatty():
        print_soon(printable_lines(text, MAX_LINE))
