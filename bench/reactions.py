"""Measure how soon the monitor reacts, and its idle costs.

    python bench/reactions.py [TREE ...]

Each function measures one tree of the sources, so that two trees can take turns. A tree runs in processes of its own
with PYTHONPATH set to it; the terminal is a bare pseudo-terminal, because an emulator would delay what it measures.
Needs Linux: CPU time comes from the process's clock, wakes from its voluntary context switches.
"""

import compileall
import fcntl
import os
import pty
import random
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import zmq
from hot_path import messages

ROOT = Path(__file__).parents[1]
COLUMNS, LINES = 120, 40
CADENCE_S = 0.25
SETTLE_S = 6.0
STARTS = 7
# Frames come just before or after their time, so that no timer of the monitor stays in step with them.
JITTER_S = 0.1
EMPTY_APP = "import numpy\nfrom textual.app import App\nApp().run()"
QUESTION, ANSWER = b"\x1b[6n", b"\x1b[1;1R"
# Words of the status line and of the panels, not of their frames.
TEXT = re.compile(rb"CONNECTING|message|frames|waiting for")
# The first cells that are drawn: anything after the sequences of the start.
DRAWN = re.compile(rb"\x1b\[[0-9;]*m[^\x1b]")


class Program:
    """Program on a pseudo-terminal, with the times of its output.

    Parameters
    ----------
    words
        Arguments of the interpreter.
    tree
        Directory of the sources.
    home
        Directory of the state.
    answers
        True if the terminal answers the cursor's position.
    """

    def __init__(self, words: list[str], tree: Path, home: Path, *, answers: bool = True) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.begun_s, self._answers = time.monotonic(), answers
        self.written: list[tuple[float, bytes]] = []
        self.process = subprocess.Popen(
            [sys.executable, *words], stdin=slave, stdout=slave, stderr=slave, cwd=home, start_new_session=True,
            env=_environment(tree, home),
        )  # fmt: skip
        os.close(slave)
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while not self._ended.is_set():
                if select.select([self._master], [], [], 0.1)[0]:
                    data = os.read(self._master, 1 << 16)
                    self.written.append((time.monotonic(), data))
                    if self._answers:
                        os.write(self._master, ANSWER * data.count(QUESTION))
        except OSError:
            return

    def first_s(self, pattern: re.Pattern[bytes], timeout_s: float = 15.0) -> float:
        """Return the seconds until output completes a pattern.

        They are counted from the start.
        """
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            seen = b""
            for at_s, data in self.written.copy():
                seen += data
                if pattern.search(seen):
                    return at_s - self.begun_s
            threading.Event().wait(0.02)
        raise TimeoutError(pattern.pattern)

    def press(self, keys: bytes) -> None:
        """Send keys to the program."""
        os.write(self._master, keys)

    def end(self) -> None:
        """Kill the program and close the terminal."""
        self.process.kill()
        self.process.wait()
        self._ended.set()
        self._reader.join()
        os.close(self._master)


def _environment(tree: Path, home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS", "LINES")}
    given = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_STATE_HOME": str(home / "state")}
    return kept | given | {"PYTHONPATH": str(tree)}


class Publisher:
    """Publisher of frames in a thread of this process.

    It stores the times of sending.
    """

    def __init__(self, cadence_s: float = CADENCE_S) -> None:
        self.sent_s: list[float] = []
        self._cadence_s = cadence_s
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self.port = self._socket.bind_to_random_port("tcp://127.0.0.1")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        made, chance, n = _spectra(64), random.Random(0), 0  # noqa: S311 - times, no secret
        begun_s = time.monotonic()
        while not self._ended.wait(max(0.0, begun_s + n * self._cadence_s - time.monotonic() + self._off(chance))):
            self.sent_s.append(time.monotonic())
            self._socket.send_multipart(made[n % len(made)])
            n += 1

    def _off(self, chance: random.Random) -> float:
        return chance.uniform(-JITTER_S, JITTER_S) * self._cadence_s / CADENCE_S

    def close(self) -> None:
        """End the thread and close the socket."""
        self._ended.set()
        self._thread.join()
        self._context.destroy(linger=0)


def _spectra(n: int) -> list[list[bytes]]:
    """Frames with a different spectrum each, so that each changes the picture."""
    noise = np.random.default_rng(0)
    return [
        [topic, header, noise.gamma(9, 3, (1, 3072, 4)).astype("<f4").tobytes()] for topic, header, _ in messages(n)
    ]


@contextmanager
def running(tree: Path, *, on_terminal: bool, publishing: bool) -> Iterator[tuple[Program, Publisher | None]]:
    """Run the monitor until it is in a steady state.

    There is a publisher at 4 Hz, or none.
    """
    with ExitStack() as started:
        home = Path(started.enter_context(tempfile.TemporaryDirectory()))
        publisher = Publisher() if publishing else None
        if publisher is not None:
            started.callback(publisher.close)
        port = publisher.port if publisher is not None else _closed_port()
        options = [] if on_terminal else ["--no-ui", "--log-level", "ERROR"]
        program = Program(_words(port, *options), tree, home)
        started.callback(program.end)
        threading.Event().wait(SETTLE_S)
        yield program, publisher


def _words(port: int, *options: str) -> list[str]:
    return ["-m", "sunspec_tui", "--port", str(port), "--plot-interval", "0", *options]


def _closed_port() -> int:
    """Return a port of this machine on which nothing listens."""
    with zmq.Context() as context, context.socket(zmq.PUB) as socket:
        return socket.bind_to_random_port("tcp://127.0.0.1")


# The figures


def latency_ms(tree: Path, seconds: float = 30.0) -> tuple[float, float]:
    """Return the milliseconds from a frame to bytes on the terminal.

    They are the median and the 95th percentile.
    """
    with running(tree, on_terminal=True, publishing=True) as (program, publisher):
        assert publisher is not None
        first = len(publisher.sent_s)
        threading.Event().wait(seconds)
        sent_s, written_s = publisher.sent_s[first:-1], [at_s for at_s, _ in program.written]
    found = [min((at_s for at_s in written_s if at_s > each), default=float("inf")) - each for each in sent_s]
    return statistics.median(found) * 1e3, statistics.quantiles(found, n=20)[-1] * 1e3


def cpu_percent(tree: Path, *, on_terminal: bool, publishing: bool, seconds: float = 20.0) -> float:
    """Return the CPU time of the monitor, in percent of a core."""
    with running(tree, on_terminal=on_terminal, publishing=publishing) as (program, _):
        clock = (~program.process.pid << 3) | 2  # as clock_getcpuclockid computes it
        begun_s, before_s = time.monotonic(), time.clock_gettime(clock)
        threading.Event().wait(seconds)
        return 100 * (time.clock_gettime(clock) - before_s) / (time.monotonic() - begun_s)


def wakes_per_s(tree: Path, *, on_terminal: bool, publishing: bool, seconds: float = 10.0) -> list[float]:
    """Return the voluntary context switches of each thread per second.

    The oldest thread comes first.
    """
    with running(tree, on_terminal=on_terminal, publishing=publishing) as (program, _):
        before, begun_s = _switches(program.process.pid), time.monotonic()
        threading.Event().wait(seconds)
        after, spent_s = _switches(program.process.pid), time.monotonic() - begun_s
    return [(after[thread] - before.get(thread, 0)) / spent_s for thread in sorted(after)]


def _switches(pid: int) -> dict[int, int]:
    """Voluntary context switches so far, by thread."""
    statuses = {int(task.name): (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()}
    return {thread: int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0]) for thread, text in statuses.items()}


def _start_s(words: list[str], tree: Path, pattern: re.Pattern[bytes], *, answers: bool = True) -> float:
    with tempfile.TemporaryDirectory() as home:
        program = Program(words, tree, Path(home), answers=answers)
        try:
            return program.first_s(pattern)
        finally:
            program.end()


def first_text_s(tree: Path) -> float:
    """Return the seconds from the start to the first text.

    This is text of the status line or the panels.
    """
    return _start_s(_words(_closed_port()), tree, TEXT)


def empty_app_s(tree: Path) -> float:
    """Return the seconds until an empty Textual app draws cells.

    The app imports numpy.
    """
    return _start_s(["-c", EMPTY_APP], tree, DRAWN)


def first_text_ratio(tree: Path, starts: int = STARTS) -> float:
    """Return the first text's ratio to an empty Textual app.

    It is the median of alternating pairs.
    """
    # As an installation does it.
    compileall.compile_dir(tree / "sunspec_tui", quiet=1)
    return statistics.median(first_text_s(tree) / empty_app_s(tree) for _ in range(starts))


def deaf_first_text_s(tree: Path, starts: int = 3) -> float:
    """Return the median seconds to the first text, without answers.

    The terminal never answers.
    """
    words = _words(_closed_port())
    return statistics.median(_start_s(words, tree, TEXT, answers=False) for _ in range(starts))


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures of the tree in the working directory.

    They are milliseconds, seconds, percent of a core and ratios.
    """
    tree = Path.cwd()
    found = dict(zip(("latency_ms", "latency_p95_ms"), latency_ms(tree, 10 if quick else 30), strict=True))
    for name, on_terminal in (("headless", False), ("tui", True)):
        for case, publishing in (("live", True), ("idle", False)):
            seconds = 6 if quick else 20
            found[f"{name}_{case}_percent"] = cpu_percent(
                tree, on_terminal=on_terminal, publishing=publishing, seconds=seconds
            )
    found["first_text_ratio"] = first_text_ratio(tree, 3 if quick else STARTS)
    found["deaf_first_text_s"] = deaf_first_text_s(tree, 1 if quick else 3)
    return found


if __name__ == "__main__":
    print(measure())
