"""The monitor on a real pseudo-terminal: what it draws, how it ends, how it leaves the terminal."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time

import numpy as np
import psutil
import pyte
import pytest
from conftest import Publisher, block_time, message, poll_until
from test_cli import PROGRAM

UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[\?[0-9;]*[a-gi-km-z]|\x1b_G.*?\x1b\\|\x1bP.*?\x1b\\", re.S
)


class Terminal:
    """A program in a pseudo-terminal whose screen is kept."""

    def __init__(self, *words, columns=120, lines=40, cwd=None):
        self.master, slave = pty.openpty()
        self.resize(columns, lines, tell=False)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        # COLUMNS and LINES of a test runner would stand over the terminal's own size.
        kept = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
        environment = kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.process = subprocess.Popen(
            [*PROGRAM, *words], stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=cwd,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(slave, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        self._ended = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while not self._ended.is_set():
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:
                    return
                self.raw += data
                self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))

    def resize(self, columns, lines, *, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if tell:
            self.screen.resize(lines, columns)
            os.kill(self.process.pid, signal.SIGWINCH)

    def press(self, keys):
        os.write(self.master, keys.encode())

    @property
    def text(self):
        return "\n".join(self.screen.display)

    def shows(self, *words, timeout_s=20):
        poll_until(lambda: all(word in self.text for word in words), timeout_s, f"{words} on the screen\n{self.text}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._ended.set()
        self._reader.join()
        os.close(self.slave)
        os.close(self.master)


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words, **options):
        opened.append(Terminal(*words, cwd=tmp_path, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


def test_every_key_does_what_it_says(terminal, tmp_path):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE", "method   auto", "interval off", "UTC", "MHz")
    monitor.press("d")
    monitor.shows("method   buffer")
    monitor.press("d")
    monitor.shows("method   manual")
    monitor.press("m")
    monitor.shows("Manual delay")
    monitor.press("x\r")
    monitor.shows("no number")
    monitor.press("\x7f")
    monitor.shows("such as 2.5")
    monitor.press("2.5\r")
    monitor.shows("message  2.50 s")
    monitor.press("+")
    monitor.shows("every 1 s")
    monitor.press("-")
    monitor.shows("interval off")
    monitor.press("p")
    monitor.shows("spectrum_", timeout_s=40)
    monitor.press("g")
    monitor.shows("objects freed")
    monitor.press("o")
    monitor.shows("RSS")
    monitor.press("c")
    monitor.shows("colours: turbo")
    monitor.press(" ")
    monitor.shows("PAUSED")
    monitor.press(" ")
    poll_until(lambda: "PAUSED" not in monitor.text)
    monitor.press("?")
    monitor.shows("next delay method", "end the monitor")
    monitor.press("\x1b")
    poll_until(lambda: "end the monitor" not in monitor.text)
    monitor.press("q")
    assert monitor.process.wait(5) == 0
    assert list((tmp_path / "figs").glob("spectrum_*.png"))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_it_answers_a_resize(terminal, size):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE", "╭─ Delay")
    monitor.resize(*size)
    monitor.shows("LIVE", "method", "missing", "RSS", "interval", "UTC")
    poll_until(lambda: "q Quit" in monitor.screen.display[size[1] - 1], what="the footer on the last line")


def test_it_says_what_it_waits_for(terminal):
    free = Publisher()
    free.close()
    monitor = terminal("--port", str(free.port), "--plot-interval", "0")
    monitor.shows("CONNECTING", f"waiting for 127.0.0.1:{free.port}: nobody answers there")


def test_a_killed_producer_stalls_and_a_new_one_shows_its_restart_and_the_gap(terminal):
    data = np.random.default_rng(0).uniform(1, 2, (1, 64, 4)).astype(np.float32)
    first = Publisher()
    monitor = terminal("--port", str(first.port), "--plot-interval", "0")
    first.wait_for_subscriber()
    for n in range(40):
        first.send(message(data, last_block_time=block_time(n), seq=n))
    monitor.shows("LIVE", "frames   40")
    first.close()
    monitor.shows("STALLED", "silent for")
    second = Publisher(first.port)
    second.wait_for_subscriber()
    for n in range(20):
        second.send(message(data, last_block_time=block_time(n + 80), seq=n, time_tag=5))
    monitor.shows("LIVE", "frames   60", "restarted", "1 restarts", "╳╳╳", "┃")
    second.close()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)], ids=["TERM", "INT", "HUP"]
)
def test_a_signal_ends_the_monitor_and_restores_the_terminal(terminal, tmp_path, number, status):
    monitor = terminal("--demo", "--plot-interval", "1")
    monitor.shows("LIVE", "spectrum_", timeout_s=40)
    children = psutil.Process(monitor.process.pid).children(recursive=True)
    assert children, "the plot process should be there"
    begun_s = time.monotonic()
    monitor.process.send_signal(number)
    assert monitor.process.wait(5) == status
    assert time.monotonic() - begun_s < 3  # one second on an idle machine; this one runs the suite on all cores
    poll_until(lambda: not any(child.is_running() for child in children), what="the end of the plot process")
    assert termios.tcgetattr(monitor.slave) == monitor.before
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw and b"\x1b[?25h" in monitor.raw, what="the restored screen")
    assert all(path.suffix == ".png" for path in (tmp_path / "figs").iterdir())


def test_a_terminal_that_goes_away_ends_the_monitor(terminal):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE")
    monitor._ended.set()
    monitor._reader.join()
    os.close(monitor.slave)
    os.close(monitor.master)
    monitor.process.wait(5)
    monitor.slave, monitor.master = os.openpty()  # for end() to close


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)], ids=["TERM", "INT", "HUP"]
)
def test_a_signal_ends_a_headless_run_with_a_last_status(tmp_path, number, status):
    with subprocess.Popen(
        [*PROGRAM, "--demo", "--no-ui", "--plot-interval", "1", "--status-interval", "1", "--status-format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
    ) as run:  # fmt: skip
        poll_until(lambda: (tmp_path / "figs").is_dir() and list((tmp_path / "figs").glob("*.png")), 40)
        children = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        told, _ = run.communicate(timeout=10)
    assert run.returncode == status
    assert '"state": "live"' in told.splitlines()[-1]
    poll_until(lambda: not any(child.is_running() for child in children))
    assert all(path.suffix == ".png" for path in (tmp_path / "figs").iterdir())
