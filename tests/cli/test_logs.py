"""A warning of a library is one line of the log."""

import json
import logging
from contextlib import ExitStack

import pytest

from sunspec_tui.cli.logging_setup import start_logging


@pytest.fixture
def logged(tmp_path):
    """Start logging to files.

    The returned function stops the logging, and returns the lines of the log and the events.
    """
    started, file, events = ExitStack(), tmp_path / "log", tmp_path / "events"
    start_logging(started, "INFO", file, events, terminal=False)

    def end():
        started.close()
        return file.read_text().splitlines(), [json.loads(line) for line in events.read_text().splitlines()]

    yield end
    started.close()


def test_an_error_of_a_library_is_one_line_with_its_exception(logged, capfd):
    error = OSError(24, "Too many open files")
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: <Task>", exc_info=error)
    [line], [event] = logged()
    assert line.endswith("ERROR asyncio: Task exception was never retrieved (OSError(24, 'Too many open files'))")
    assert (event["event"], event["library"]) == ("library", "asyncio")
    assert capfd.readouterr() == ("", "")


def test_a_flood_of_library_warnings_is_few_lines_with_their_number(logged):
    for _ in range(1000):
        logging.getLogger("somebody").warning("again")
    lines, events = logged()
    assert len(lines) < 20
    assert sum(event["count"] for event in events) == 1000


@pytest.mark.parametrize("text", ["", "\x1b[2J", "x" * 10_000, "%d"])
def test_any_text_of_a_library_is_one_short_printable_line(logged, text, capfd):
    logging.getLogger("somebody").warning(text)
    [line], _ = logged()
    assert line.isprintable()
    assert len(line) < 300
    assert capfd.readouterr() == ("", "")


def test_messages_of_libraries_below_warnings_are_not_logged(logged):
    logging.getLogger("somebody").info("all is well")
    assert logged() == ([], [])


def test_after_the_end_python_handles_messages_of_libraries(logged):
    before = len(logging.getLogger().handlers)
    logged()
    assert len(logging.getLogger().handlers) == before - 1
