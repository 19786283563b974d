"""Full, closed, blocked or removed outputs.

The program counts lost lines, reports the failure once, and continues.
"""

import json
import os
import pty
import select
import signal
import subprocess
from contextlib import ExitStack, contextmanager

import pytest
from commands import END_S, SERVICE, broken_pipe, closing, events, full_pipe, published, running
from extent import pairs
from peers import free_port
from terminals import PROGRAM, Terminal
from waiting import poll_until


@contextmanager
def output(kind):
    """Open an output of a kind.

    Return it with the preparation that the child process needs.
    """
    with ExitStack() as opened:
        if kind == "full disk":
            yield opened.enter_context(open("/dev/full", "wb")), None  # noqa: PTH123 - a device
        elif kind == "closed pipe":
            yield opened.enter_context(broken_pipe()), None
        elif kind == "closed":
            yield subprocess.DEVNULL, 1
        else:
            yield opened.enter_context(full_pipe(nonblocking=kind == "non-blocking pipe that nobody reads")), None


KINDS = ("full disk", "closed pipe", "closed", "pipe that nobody reads", "non-blocking pipe that nobody reads")


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_goes_on_when_its_standard_output_fails_and_says_so_once(kind, tmp_path):
    log = tmp_path / "events"
    with output(kind) as (stdout, descriptor):
        # A pipe takes 64 KiB before it is full.
        done = subprocess.run(
            [*SERVICE, "--duration", "2", "--status-interval", "0.01", "--status-format", "json",
             "--event-log", str(log)],
            stdout=stdout, stderr=subprocess.PIPE, preexec_fn=descriptor and closing(descriptor),
            cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    told = done.stderr.decode()
    assert done.returncode == 0, told
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    assert told.count("standard output") == 1, told
    [problem] = events(log, "problem")
    assert problem["part"] == "standard output"


@pytest.mark.parametrize("kind", KINDS)
def test_a_service_goes_on_when_its_standard_error_fails_and_its_status_says_so(kind, tmp_path):
    with output(kind) as (stderr, descriptor):
        done = subprocess.run(
            [*SERVICE, "--duration", "2", "--status-interval", "0.2", "--status-format", "json",
             "--log-level", "DEBUG"],
            stderr=stderr, stdout=subprocess.PIPE, preexec_fn=descriptor and closing(2),
            cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert len(records) >= 2
    if "nobody reads" not in kind:
        # A few lines fit into the pipe.
        assert "standard error" in records[-1]["problems"][0]
        assert records[-1]["lines_lost"] > 0


@pytest.mark.parametrize(
    ("option", "kind"), pairs(["--log-file", "--event-log"], ["full disk", "FIFO without a reader"])
)
def test_a_service_goes_on_when_a_log_fails_and_says_so_once(option, kind, tmp_path):
    path = "/dev/full"
    if kind != "full disk":
        path = str(tmp_path / "log")
        os.mkfifo(path)
    done = subprocess.run(
        [*SERVICE, "--duration", "2", "--status-format", "json", option, path],
        capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count(path) == 1, done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert path in record["problems"][0]
    assert record["lines_lost"] > 0
    assert record["frames_received"] > 0


def test_a_service_with_all_standard_descriptors_closed_ends_as_asked_and_writes_into_no_other_file(tmp_path):
    log = tmp_path / "log"
    done = subprocess.run(
        [*SERVICE, "--duration", "2", "--status-interval", "0.2", "--log-file", str(log)],
        preexec_fn=closing(0, 1, 2), cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    lines = log.read_text().splitlines()
    assert all(line[:2] == "20" and line[19] == "Z" for line in lines), lines


def test_a_log_that_is_rotated_or_removed_goes_on_in_a_new_file(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    log, old = folder / "log", folder / "log.1"
    words = [*SERVICE, "--log-level", "DEBUG", "--log-file", str(log), "--start-webshow", "--web-port", "0"]
    with running(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        poll_until(lambda: log.exists() and log.read_text(), 30)
        log.rename(old)
        process.terminate()
        assert process.wait(END_S) == 0
    assert "Done" in log.read_text()
    assert "Done" not in old.read_text()


def test_a_line_that_was_cut_off_by_a_full_disk_spoils_no_later_line(tmp_path):
    from sunspec_tui.core.line_writer import LineWriter

    class Disk:
        encoding = "utf-8"
        room = 5

        def __init__(self):
            self.written = b""

        def write(self, data, may_wait):
            self.written += data[: self.room]
            if len(data) > self.room:
                raise OSError(28, "No space left on device")

        def close(self):
            pass

    disk, told = Disk(), []
    writer = LineWriter("the disk", disk, lambda *report: told.append(report))
    writer.write("first line")
    poll_until(lambda: told)
    disk.room = 100
    writer.write("second")
    writer.write("third")
    assert writer.close()
    assert disk.written.decode().splitlines() == ["first", "second", "third"]
    assert told == [("the disk", "cannot write to the disk: No space left on device", 1), ("the disk", "", 1)]


def test_a_queue_of_lines_keeps_the_newest():
    from sunspec_tui.core.line_writer import DescriptorSink, LineWriter

    with full_pipe() as pipe:
        reported = []
        writer = LineWriter("the pipe", DescriptorSink(pipe), lambda *report: reported.append(report), max_lines=3)
        for n in range(2000):
            writer.write(f"{n:100d}")
        assert not writer._lines or int(writer._lines[-1]) == 1999
        assert len(writer._lines) <= 3
        assert writer.lines_lost > 1000
        assert "accepts no data" in reported[0][1]
        assert writer.close(0.2)
        assert writer.lines_lost <= 2000


# Commands that do one thing


@pytest.fixture(scope="module")
def port():
    with published() as number:
        yield number


ONCE = {
    "doctor": ["doctor", "--frames", "2"],
    "doctor --json": ["doctor", "--frames", "2", "--json"],
    "snapshot": ["snapshot", "--frames", "2"],
    "export": ["export", "rows.npz", "--frames", "2"],
}


@pytest.mark.parametrize("name", ONCE)
def test_a_command_whose_reader_has_gone_ends_quietly_as_it_would_have(name, port, tmp_path):
    with broken_pipe() as pipe:
        done = subprocess.run(
            [*PROGRAM, *ONCE[name], "--port", port],
            stdout=pipe, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize(
    ("name", "kind"), pairs([*ONCE, "--help", "--version", "doctor --help"], ["full disk", "closed"])
)
def test_a_command_that_cannot_print_says_so_in_one_line_with_status_1(name, kind, request, tmp_path):
    words = [*ONCE[name], "--port", request.getfixturevalue("port")] if name in ONCE else name.split()
    with output(kind) as (stdout, descriptor):
        done = subprocess.run(
            [*PROGRAM, *words], stdout=stdout, stderr=subprocess.PIPE, preexec_fn=descriptor and closing(descriptor),
            cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    told = done.stderr.decode()
    assert done.returncode == 1, told
    assert told.startswith("sunspec-tui: cannot write to standard output")
    assert told.count("\n") == 1


def test_a_producer_goes_on_when_its_outputs_fail(tmp_path):
    with broken_pipe() as pipe:
        done = subprocess.run(
            [*PROGRAM, "stream", "--port", "0", "--frames", "8"],
            stdout=pipe, stderr=pipe, cwd=tmp_path, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0


@pytest.mark.parametrize("words", [[], ["stream", "--port", "0"]], ids=["monitor", "stream"])
def test_letters_that_an_output_has_not_are_escaped_and_end_nothing(words, tmp_path):
    environment = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0", "TZ": "No/Where"}
    given = (
        [*words, "--frames", "4"] if words else ["--no-ui", "--duration", "1", "--port", "1", "--plot-interval", "0"]
    )
    done = subprocess.run(
        [*PROGRAM, *given], capture_output=True, cwd=tmp_path, env=environment, timeout=60, check=False
    )
    assert done.returncode == (0 if words else 1), done.stderr
    assert done.stdout.isascii()
    assert done.stdout


# The end


SERVICES = {
    "json": [*SERVICE, "--status-interval", "0.001", "--status-format", "json"],
    "text": [*SERVICE, "--status-interval", "0.001", "--log-level", "DEBUG", "--start-webshow", "--web-port", "0"],
    "stream": [*PROGRAM, "stream", "--port", "0", "--log-level", "DEBUG"],
}


@pytest.mark.parametrize(("name", "number"), pairs([*SERVICES], [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]))
def test_a_signal_ends_a_service_whose_outputs_nobody_reads(name, number, tmp_path):
    words = SERVICES[name]
    with full_pipe() as pipe, running(words, stdout=pipe, stderr=pipe, cwd=tmp_path) as process:
        if words[-2:] == ["--status-format", "json"] or "--status-interval" in words:
            # A pipe that is full is not ready for more.
            poll_until(lambda: not select.select([], [pipe], [], 0)[1], 60, "a full pipe")
        else:
            poll_until(lambda: _is_listening(process.pid), 60, "a producer")
        process.send_signal(number)
        assert process.wait(END_S) == (130 if number == signal.SIGINT else 0)


def _is_listening(pid):
    from psutil import Process

    return any(each.status == "LISTEN" for each in Process(pid).net_connections())


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words):
        # The shell knows the name of a terminal that is made only now.
        command = ["sh", "-c", 'TERMINAL=$(tty); eval exec "$@"', "sh", *PROGRAM, "--port", str(free_port()), *words]
        opened.append(Terminal(command, tmp_path))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


@pytest.mark.parametrize("option", ["--log-file", "--event-log"])
@pytest.mark.parametrize("name", ["/dev/tty", "/dev/stdout", "/dev/stderr", "$TERMINAL"])
def test_a_log_on_the_terminal_of_the_picture_is_wrong_use(terminal, option, name):
    run = terminal(option, name)
    run.shows(f"sunspec-tui: {option} is /dev/", "choose a file, or run with --no-ui")
    assert run.process.wait(60) == 2


def test_a_log_on_another_terminal_or_without_a_picture_is_written(terminal, tmp_path):
    other, own = pty.openpty()
    try:
        run = terminal("--log-file", os.ttyname(own))
        run.shows("nobody")
    finally:
        os.close(other)
        os.close(own)
    service = terminal("--no-ui", "--duration", "0.5", "--plot-interval", "0", "--log-file", "/dev/tty")
    assert service.process.wait(60) == 1
