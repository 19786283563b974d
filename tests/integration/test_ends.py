"""Exit status of every command, for each signal.

Each command ends within 5 s, even if a part of it hangs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from commands import END_S, SERVICE, full_pipe, ignoring, published, running
from extent import pairs, some
from peers import free_port
from terminals import PROGRAM
from waiting import poll_until

from sunspec_tui.core.exit_status import ending_signals, signal_name

HANGING = """
import sys, threading
from sunspec_tui.cli.main import main
from sunspec_tui.cli import signals
{patch}
sys.argv = ["sunspec-tui", *sys.argv[1:]]
sys.exit(main())
"""
FOREVER = "lambda *arguments: threading.Event().wait()"
PARTS = {
    "archive": f"import sunspec_tui.files.archive.writer as m; m.ArchiveWriter.stop = {FOREVER}",
    "plots": f"import sunspec_tui.plots.plot_service as m; m.PlotService.stop = {FOREVER}",
    "web": f"import sunspec_tui.web as m; m.WebServer.stop = {FOREVER}",
    "subscriber": f"import sunspec_tui.stream.subscriber as m; m.Subscriber.stop = {FOREVER}",
    "a thread that is no daemon": f"threading.Thread(target={FOREVER}).start()",
    "the lock of standard error": f"""
import sunspec_tui.files.archive.writer as m
class Stuck:
    flush = {FOREVER}
def stop(*_):
    sys.stderr = Stuck()
    Stuck.flush()
m.ArchiveWriter.stop = stop
""",
    "the exit of the interpreter": f"import atexit; atexit.register({FOREVER})",
}


ENDS = {
    "TERM, usual limit": (signal.SIGTERM, 0, ""),
    "INT, short limit": (signal.SIGINT, 130, "signals.ORDERLY_S = 0.5"),
}


def begun(process):
    """A service's first line."""
    assert process.stdout.readline(), process.stderr and process.stderr.read()


# The short form hangs each part once.
@pytest.mark.parametrize(("part", "name"), some([(part, name) for part in PARTS for name in ENDS], len(PARTS)))
def test_a_signal_ends_the_monitor_whatever_part_of_it_hangs(part, name, tmp_path):
    number, status, limit = ENDS[name]
    patch = f"{PARTS[part]}\n{limit}"
    words = [sys.executable, "-c", HANGING.format(patch=patch), *SERVICE[3:], "--status-interval", "0.1"]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        begun(process)
        process.send_signal(number)
        assert process.wait(END_S) == status


def test_a_forced_end_says_what_still_ran(tmp_path):
    words = [sys.executable, "-c", HANGING.format(patch=PARTS["archive"]), *SERVICE[3:], "--status-interval", "0.1"]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        begun(process)
        process.terminate()
        _, told = process.communicate(timeout=END_S)
    assert "not ended in time" in told
    assert "sunspec-producer" in told


COMMANDS = {"stream": ["stream", "--port", "0"], "doctor": ["doctor", "--timeout", "1000", "--port", "1"]}


@pytest.mark.parametrize(
    ("part", "name"), pairs(["a thread that is no daemon", "the exit of the interpreter"], [*COMMANDS])
)
def test_a_signal_ends_other_commands_whatever_hangs(part, name, tmp_path):
    words = COMMANDS[name]
    given = [sys.executable, "-c", HANGING.format(patch=PARTS[part]), *words]
    with running(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        if words[0] == "stream":
            assert "publishing" in process.stderr.readline()
        else:
            poll_until(lambda: watches_for_signals(process.pid), 60)
        process.send_signal(signal.SIGINT)
        assert process.wait(END_S) == 130


SERVICES = {
    "monitor": [*SERVICE, "--status-interval", "0.1"],
    "stream": [*PROGRAM, "stream", "--port", "0"],
}


@pytest.mark.parametrize(("name", "number"), pairs([*SERVICES], [signal.SIGUSR1, signal.SIGQUIT, signal.SIGRTMIN + 3]))
def test_a_signal_that_would_kill_a_service_ends_it_in_order(name, number, tmp_path):
    words = SERVICES[name]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        if "--demo" in words:
            begun(process)
        else:
            assert "publishing" in process.stderr.readline()
        process.send_signal(number)
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 128 + number
    assert f"received {signal_name(number)}, the program ends" in told


def test_a_signal_that_would_kill_a_command_ends_it_with_status_1(tmp_path):
    words = [*PROGRAM, "doctor", "--timeout", "1000", "--port", "1"]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        poll_until(lambda: watches_for_signals(process.pid), 60)
        process.send_signal(signal.SIGUSR1)
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 1
    assert told.splitlines()[-1] == "sunspec-tui: ended by SIGUSR1 before it was done"


def test_a_signal_that_something_else_handles_is_left_to_it():
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        assert signal.SIGUSR1 not in ending_signals()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert ending_signals()[signal.SIGUSR1] == 128 + signal.SIGUSR1


@pytest.fixture
def port():
    with published() as number:
        yield number


@pytest.mark.parametrize(
    "words",
    [
        ["doctor", "--timeout", "1000", "--port", "1"],
        ["snapshot", "--timeout", "1000", "--port", "1"],
        ["export", "a.npz", "--timeout", "1000", "--port", "1"],
    ],
    ids=lambda words: words[0],
)
def test_a_command_that_is_ended_before_it_is_done_says_so_with_status_1(words, tmp_path):
    with running([*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        # It watches for signals as soon as its receiver runs.
        poll_until(lambda: watches_for_signals(process.pid), 60)
        process.terminate()
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 1
    # Lines of the log, such as one about a port on which nobody answers, may come before it.
    assert told.decode().splitlines()[-1] == "sunspec-tui: ended by SIGTERM before it was done"
    assert b"Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def watches_for_signals(pid):
    """Return True once a command's threads run."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())) > 5


def test_doctor_whose_output_nobody_reads_ends_with_a_signal(port, tmp_path):
    with full_pipe(nonblocking=True) as pipe:
        filled(pipe)
        words = [*PROGRAM, "doctor", "--port", port, "--frames", "1"]
        with running(words, stdout=pipe, stderr=subprocess.PIPE, cwd=tmp_path) as process:
            poll_until(lambda: watches_for_signals(process.pid), 60)
            process.send_signal(signal.SIGINT)
            assert process.wait(END_S) == 130


def filled(pipe):
    try:
        while True:
            os.write(pipe, bytes(4096))
    except BlockingIOError:
        os.set_blocking(pipe, True)


# Signals that are ignored


@pytest.mark.parametrize("words", [[*SERVICE, "--status-interval", "0.1"], [*PROGRAM, "stream", "--port", "0"]],
                         ids=["monitor", "stream"])  # fmt: skip
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT], ids=["HUP", "INT"])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(words, number, tmp_path):
    with running(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, preexec_fn=ignoring(number)
    ) as process:
        if words[0:2] == SERVICE[0:2] and "--demo" in words:
            begun(process)
        else:
            assert "publishing" in process.stderr.readline()
        process.send_signal(number)
        if "--demo" in words:
            for _ in range(20):
                begun(process)
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
        process.terminate()
        assert process.wait(END_S) == 0


# Status lines


def test_after_a_suspension_there_is_one_status_line_and_not_all_that_were_missed(tmp_path):
    words = [*SERVICE, "--status-interval", "0.1", "--status-format", "json", "--plot-dir", str(tmp_path)]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path) as process:
        records = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        poll_until(lambda: time.monotonic() > stopped_s + 5, 10)
        process.send_signal(signal.SIGCONT)
        records += [json.loads(process.stdout.readline()) for _ in range(20)]
    times_s = [datetime.fromisoformat(record["time"]).timestamp() for record in records]
    first = next(n for n in range(1, 23) if times_s[n] - times_s[n - 1] > 3)
    later_s = times_s[first : first + 8]
    assert len(later_s) == 8
    # They come on the schedule: those that were missed would come at once.
    assert later_s[-1] - later_s[0] > 0.5


def test_the_last_status_counts_what_the_archive_holds(tmp_path):
    port = str(free_port())
    producer = [*PROGRAM, "stream", "--port", port, "--speed", "40"]
    words = [*PROGRAM, "--no-ui", "--port", port, "--plot-interval", "0", "--archive", str(tmp_path / "archive"),
             "--duration", "6", "--status-format", "json", "--buffer-length", "4000"]  # fmt: skip
    with running(producer, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        done = subprocess.run(words, capture_output=True, text=True, timeout=90, check=False, cwd=tmp_path)
    record = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stderr
    assert record["frames_received"] > 20
    kept = record["archive_rows"] + record["archive_rows_lost"] + record["archive_rows_waiting"]
    assert kept == record["frames_received"]


INTERRUPTED = """
import sys
from sunspec_tui import __main__

class Interrupts:
    def find_spec(self, name, *_):
        if name == "sunspec_tui.cli.main":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupts())
sys.exit(__main__.main())
"""


def test_ctrl_c_during_the_imports_ends_without_a_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, cwd=tmp_path, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
