"""Run commands of the program as child processes.

Their outputs are set as services and shells set them.
"""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from terminals import PROGRAM

SERVICE = [*PROGRAM, "--demo", "--no-ui", "--plot-interval", "0"]
END_S = 30
"""An end takes 5 s at most; the machine may be busy."""


@contextmanager
def running(words: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A command that is killed at the end if it still runs."""
    with subprocess.Popen(words, **options) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def published() -> Iterator[str]:
    """Start a producer in its own process; yield its port.

    It publishes already.
    """
    words = [*PROGRAM, "stream", "--port", "0"]
    with running(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "publishing" in line, line
        yield line.rpartition(":")[2].strip()


def closing(*descriptors: int) -> Callable[[], None]:
    """Close descriptors between fork and exec, as ``>&-`` does."""

    def close() -> None:
        for descriptor in descriptors:
            os.close(descriptor)

    return close


def ignoring(*numbers: signal.Signals) -> Callable[[], None]:
    """Ignore signals between fork and exec, as nohup does."""

    def ignore() -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)

    return ignore


@contextmanager
def full_pipe(*, nonblocking: bool = False) -> Iterator[int]:
    """Return the writing end of an open pipe that is never read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, not nonblocking)
    try:
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


@contextmanager
def broken_pipe() -> Iterator[int]:
    """Return the writing end of a pipe whose reading end is closed."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def events(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the events of one kind in an event log."""
    return [event for event in map(json.loads, path.read_text().splitlines()) if event["event"] == kind]
