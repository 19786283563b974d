"""The log: what libraries warn of is one line of ours, never a traceback on the screen."""

import json
import logging
from contextlib import ExitStack

import pytest

from sunspec_tui.cli.logging_setup import start_logging


@pytest.fixture
def logged(tmp_path):
    """Start logging to files; the function that is given ends it, and returns the log and the events."""
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


def test_what_libraries_say_below_a_warning_is_not_logged(logged):
    logging.getLogger("somebody").info("all is well")
    assert logged() == ([], [])


def test_after_the_end_libraries_are_left_to_python(logged):
    before = len(logging.getLogger().handlers)
    logged()
    assert len(logging.getLogger().handlers) == before - 1
