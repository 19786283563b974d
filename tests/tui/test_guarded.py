"""A single fault does not end the monitor, but many faults do."""

import inspect
import logging

from textual.app import App
from textual.message_pump import MessagePump

from sunspec_tui.core.event_log import log_event
from sunspec_tui.tui.log_lines import MAX_LINES, LogLines
from sunspec_tui.tui.terminal.guarded import MAX_FAULTS, WITHIN_S, FaultLimit


def test_textual_still_passes_every_message_to_the_guarded_method():
    assert list(inspect.signature(MessagePump._dispatch_message).parameters) == ["self", "message"]
    assert list(inspect.signature(App._handle_exception).parameters) == ["self", "error"]
    assert "await self._dispatch_message(message)" in inspect.getsource(MessagePump._process_messages_loop)


def test_few_faults_are_allowed_and_many_in_a_short_time_are_not():
    limit = FaultLimit()
    assert all(limit.allows(n * 0.1) for n in range(MAX_FAULTS))
    assert not limit.allows(MAX_FAULTS * 0.1)
    assert limit.allows(MAX_FAULTS * 0.1 + 2 * WITHIN_S)


def logger_of(lines):
    log = logging.getLogger("sunspec_tui.test_guarded")
    log.handlers[:] = [lines]
    return log


def test_waiting_log_lines_are_bounded_and_dropped_ones_are_counted():
    lines = LogLines()
    log = logger_of(lines)
    for n in range(MAX_LINES + 50):
        log.warning("line %d", n)
    found = lines.drain()
    assert found[0].text.startswith("50 lines were left out")
    assert [line.text for line in found[1:]] == [f"line {n}" for n in range(50, MAX_LINES + 50)]
    assert lines.drain() == []


def test_a_log_line_is_short_and_printable():
    lines = LogLines()
    logger_of(lines).error("a\x1b[2Jb\x9b31m\u202ec\n%s", "x" * 100_000)
    [line] = lines.drain()
    assert line.text.isprintable()
    assert len(line.text) <= 1000
    assert line.style == "bold red"


def test_a_record_that_cannot_be_formatted_is_reported():
    lines = LogLines()
    lines.handle(logging.makeLogRecord({"levelno": logging.ERROR, "msg": "%d frames", "args": ("no number",)}))
    [line] = lines.drain()
    assert "cannot be shown" in line.text


def test_a_failed_thread_is_recognised_by_its_event():
    lines = LogLines()
    log = logger_of(lines)
    log_event(log, logging.ERROR, "thread_failed", "the plots have failed")
    log.error("nothing has come")
    assert [line.is_failure for line in lines.drain()] == [True, False]
