"""The command for each report is bounded in time, number and output.

The commands are real processes. None of these tests sleeps: a command that waits reads a pipe to which nobody writes.
"""

import json
import logging
import os
import resource
import sys
import threading
from dataclasses import replace

import psutil
import pytest
from live_bursts import NOON_S, burst
from waiting import poll_until

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.monitoring.burst_reporter import BurstReport, ReportState
from sunspec_tui.monitoring.burst_status import CommandState, CommandStatus
from sunspec_tui.monitoring.command_run import MAX_OUTPUT_BYTES, MAX_SHOWN_CHARACTERS, run_command
from sunspec_tui.monitoring.event_command import CommandLimits, EventCommand

QUICK = CommandLimits(time_s=30.0, kill_after_s=0.2, stop_s=0.1)
PATIENT = CommandLimits(time_s=30.0, stop_s=30.0)
"""Limits with which `stop` waits for the end of the command."""
log = logging.getLogger("sunspec_tui.monitoring.test")


@pytest.fixture
def events(caplog):
    """Events with a level, a kind and a text."""
    caplog.set_level(logging.INFO)
    logging.getLogger("sunspec_tui").propagate = True
    return lambda: [
        (record.levelname, record.sunspec_event["event"], record.getMessage())
        for record in caplog.records
        if hasattr(record, "sunspec_event")
    ]


@pytest.fixture
def start():
    started = []

    def run(*words, limits=QUICK, **options):
        started.append(EventCommand(tuple(map(str, words)), log, limits, **options))
        started[-1].start()
        return started[-1]

    yield run
    for each in started:
        each.stop()


def python(text):
    return sys.executable, "-c", text


@pytest.fixture
def fifo(tmp_path):
    """A pipe whose reader waits until the test writes."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


def report(number=0, state=ReportState.END, **values):
    return BurstReport(burst(f"b{number}", **values), state, is_first=True)


def test_the_command_reads_one_line_of_json(start, tmp_path):
    out = tmp_path / "lines"
    command = start("sh", "-c", f"cat >> {out}", limits=PATIENT)
    command.submit(report(1, ReportState.BEGIN, is_open=True))
    command.submit(report(1))
    lines = poll_until(lambda: len(found := out.read_text().splitlines() if out.exists() else []) == 2 and found, 30)
    begin, end = map(json.loads, lines)
    assert (begin["state"], end["state"], begin["is_open"], end["is_open"]) == ("begin", "end", True, False)
    assert (end["name"], end["type"], end["begin_utc"], end["lane_ratio"]) == (
        "b1", "III", "2026-06-07T18:41:30.000000Z", None,
    )  # fmt: skip
    command.stop()
    assert command.status() == CommandStatus(CommandState.READY, started=2)


def test_a_command_runs_in_a_process_with_many_open_files(tmp_path):
    # `select.select` takes file numbers below 1024 only.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2048), hard))
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while held[-1] < 1024:
            held.append(os.dup(held[0]))
        failure = run_command(("sh", "-c", f"cat > {tmp_path / 'line'}"), "burst", 30, 1, threading.Event(), 1)
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert failure == ""
    assert (tmp_path / "line").read_text() == "burst"


def test_words_are_no_shell(start, tmp_path, events):
    target = tmp_path / "made"
    command = start("echo", f"; touch {target}", "$(touch x)", limits=PATIENT)
    command.submit(report())
    poll_until(lambda: command.status().started == 1, 30)
    command.stop()
    assert not target.exists()
    assert not events()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("sunspec-no-such-command",), "sunspec-no-such-command cannot be started: no such command is found"),
        (("/",), "/ cannot be started: no such command is found"),
        (("sh", "-c", "echo no mail >&2; exit 3"), "sh has failed with status 3; it says: no mail"),
        (("sh", "-c", "kill -SEGV $$"), "sh was ended by the signal SIGSEGV"),
        (("sh", "-c", "printf '\\033[31mred\\n'; exit 1"), "it says: \\x1b[31mred"),
    ],
)
def test_a_failure_is_reported_once_in_one_sentence(start, events, words, text):
    command = start(*words)
    for number in range(3):
        command.submit(report(number))
    status = poll_until(lambda: (s := command.status()).failed == 3 and s, 30)
    assert (status.state, status.started) == (CommandState.FAILING, 3)
    ((level, kind, sentence),) = events()
    assert (level, kind, text in sentence) == ("ERROR", "on_event_failed", True)
    for shown in (sentence, status.problem):
        assert shown.startswith("--on-event: ")
        assert shown.endswith("; correct --on-event; the bursts are in the list and in the log")


def test_a_command_that_works_again_is_reported(start, events, tmp_path):
    good = tmp_path / "good"
    command = start("test", "-e", good)
    command.submit(report())
    poll_until(lambda: command.status().problem, 30)
    good.touch()
    command.submit(report())
    poll_until(lambda: not command.status().problem, 30)
    good.unlink()
    command.submit(report())
    poll_until(lambda: command.status().problem, 30)
    assert [kind for _, kind, _ in events()] == ["on_event_failed", "on_event", "on_event_failed"]
    assert events()[1][2] == "--on-event works again: 1 calls have failed and 0 were left out since the start"


def test_a_command_that_hangs_is_stopped_with_its_children(start, events, fifo, tmp_path):
    pids = tmp_path / "pids"
    # It ignores the signal, and so does its child.
    script = f"trap '' TERM; (echo child >> {pids}; read x < {fifo}) & echo $! >> {pids}; read x < {fifo}"
    command = start("sh", "-c", script, limits=replace(QUICK, time_s=0.5))
    command.submit(report())
    status = poll_until(lambda: (s := command.status()).failed and s, 30)
    assert "sh did not end within" in status.problem
    pid = next(int(word) for word in pids.read_text().split() if word.isdigit())
    poll_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 10)
    assert len(events()) == 1


def test_endless_output_is_read_and_forgotten(start):
    command = start("yes", "words\x1b[31m", limits=replace(QUICK, time_s=0.3))
    command.submit(report())
    status = poll_until(lambda: (s := command.status()).failed and s, 30)
    assert len(status.problem) < MAX_SHOWN_CHARACTERS + 200
    assert "\x1b" not in status.problem


def test_long_output_of_a_command_that_works_is_no_fault(start, events):
    command = start(*python(f"print('x' * {20 * MAX_OUTPUT_BYTES})"), limits=PATIENT)
    command.submit(report())
    poll_until(lambda: command.status().started, 30)
    command.stop()
    assert (command.status().failed, events()) == (0, [])


def test_input_that_is_not_read_and_closed_outputs_are_no_fault(start, events, tmp_path):
    done = tmp_path / "done"
    command = start("sh", "-c", f"exec <&- >&- 2>&-; touch {done}", limits=PATIENT)
    command.submit(report(reason="x" * 500_000))
    poll_until(done.exists, 30)
    command.stop()
    assert (command.status().failed, events()) == (0, [])


def test_a_process_left_behind_does_not_delay_the_next_call(start, fifo, tmp_path):
    done, ended = tmp_path / "done", tmp_path / "ended"
    # The process in the background keeps the output open.
    script = f"(read x < {fifo}; echo >> {ended}) & echo >> {done}"
    command = start("sh", "-c", script, limits=replace(QUICK, time_s=20.0))
    command.submit(report(1))
    command.submit(report(2))
    poll_until(lambda: done.exists() and len(done.read_text()) == 2, 10)
    # Both processes end, also one that opens the pipe late.
    with fifo.open("w") as pipe:
        pipe.write("\n\n")
        pipe.flush()
        poll_until(lambda: ended.exists() and len(ended.read_text()) == 2, 10)


def test_a_thousand_calls_are_bounded_and_counted(start, events, fifo):
    command = start("sh", "-c", f"read x < {fifo}", limits=replace(QUICK, waiting=20))
    for number in range(1000):
        command.submit(report(number))
    status = command.status()
    assert (status.waiting <= 20, status.dropped >= 979) == (True, True)
    # One runs, the others wait or were left out.
    poll_until(lambda: command.status().started == 1, 30)
    status = command.status()
    assert status.started + status.waiting + status.dropped == 1000
    command.stop()
    status = command.status()
    assert (status.started, status.waiting, status.dropped, status.failed) == (1, 0, 999, 1)
    dropped = [text for _, kind, text in events() if kind == "on_event_dropped"]
    assert 1 <= len(dropped) <= 3
    assert "20 calls wait already" in dropped[0]
    assert not [each for each in threading.enumerate() if each.name == "sunspec-on-event"]


def test_calls_of_an_hour_are_limited(start, events, tmp_path):
    now_s = [0.0]
    command = start("true", limits=replace(QUICK, per_hour=3), monotonic=lambda: now_s[0])
    for number in range(5):
        command.submit(report(number))
    poll_until(lambda: command.status().dropped == 2, 30)
    assert command.status().started == 3
    assert "3 calls have begun within an hour" in events()[0][2]
    now_s[0] = 3601.0
    command.submit(report())
    poll_until(lambda: command.status().started == 4, 30)


def test_the_end_stops_a_command_that_runs(start, events, fifo):
    command = start("sh", "-c", f"read x < {fifo}")
    command.submit(report())
    poll_until(lambda: command.status().started, 30)
    children = poll_until(lambda: [p for p in psutil.Process().children() if "read x" in " ".join(p.cmdline())], 30)
    command.stop()
    assert not any(child.is_running() for child in children)
    assert events() == [("INFO", "on_event", "--on-event: sh was stopped because the program ends")]
    assert (command.status().failed, command.status().problem) == (1, "")


def test_without_a_command_nothing_runs():
    command = EventCommand(None, log)
    command.start()
    command.submit(report(type=BurstType.II, begin_s=NOON_S))
    command.stop()
    assert command.status() == CommandStatus()
