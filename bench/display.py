"""Measure the costs of the screen.

These are bytes, processor time, the first screen, keys on slow links, and a long ring.

The monitor runs on a pseudo-terminal, with the simulated Sun in a process of its own; the terminal, and the slow link
before it, are those of the tests.
"""

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from monitors import Screen, StillReceiver
from terminals import PROGRAM, Terminal
from waiting import poll_until

PORT = 9797
MEASURED_S = 10.0
STARTS = 9
EMPTY_APP = """
import numpy
from textual.app import App
App().run()
"""
# What is measured: its name, options, and keys pressed before.
MODES = (
    ("scrolling", (), ""),
    ("scrolling, 1 row a column", (), "[["),
    ("sweeping", (), "s"),
    ("sweeping, 1 row a column", (), "s[["),
    ("--low-bandwidth", ("--low-bandwidth",), ""),
)


def pause(seconds: float) -> None:
    """Let the monitor go on."""
    threading.Event().wait(seconds)


@contextmanager
def producer() -> Iterator[None]:
    """The simulated Sun, four frames a second."""
    words = [*PROGRAM, "stream", "--port", str(PORT), "--log-level", "ERROR"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def monitor(size: tuple[int, int], *options: str, **link: float) -> Iterator[Terminal]:
    """The monitor on a terminal, live and with its look as new."""
    with tempfile.TemporaryDirectory() as home:
        words = [*PROGRAM, "--port", str(PORT), "--plot-interval", "0", *options]
        terminal = Terminal(words, Path(home), columns=size[0], lines=size[1], **link)
        try:
            terminal.shows("LIVE", timeout_s=30)
            yield terminal
        finally:
            terminal.end()


def cost(terminal: Terminal) -> tuple[float, float]:
    """Bytes a second, and percent of a core."""
    process = psutil.Process(terminal.process.pid)
    begun_s, before, written = time.monotonic(), process.cpu_times(), len(terminal.raw)
    pause(MEASURED_S)
    seconds, after = time.monotonic() - begun_s, process.cpu_times()
    busy_s = after.user + after.system - before.user - before.system
    return (len(terminal.raw) - written) / seconds, 100 * busy_s / seconds


def bytes_and_cpu() -> None:
    """The whole screen, live, at four frames a second."""
    for size in ((120, 40), (200, 60)):
        for name, options, keys in MODES:
            with monitor(size, *options) as terminal:
                for key in keys:
                    terminal.press(key)
                    pause(0.2)
                pause(20)  # the waterfall of one row a column is full then, and nothing of the start is left
                rate, percent = cost(terminal)
            print(f"{size[0]}x{size[1]} {name:27} {rate / 1e3:5.1f} kB/s  {percent:4.1f} % of a core")


def first_screen_s(words: list[str]) -> float:
    """Seconds until three tenths of a terminal of 120x40 are drawn."""
    with tempfile.TemporaryDirectory() as home:
        begun_s = time.monotonic()
        terminal = Terminal(words, Path(home))
        try:
            poll_until(lambda: drawn(terminal) > 0.3, 30)
            return time.monotonic() - begun_s
        finally:
            terminal.end()


def drawn(terminal: Terminal) -> float:
    """Share of the cells that show something."""
    cells = [cell for line in terminal.screen.buffer.copy().values() for cell in line.copy().values()]
    return sum(cell.data != " " or cell.bg != "default" for cell in cells) / 4800


def first_screen() -> None:
    """Compare the first screen with an empty Textual app.

    The app imports numpy; the pairs alternate.
    """
    ours = [*PROGRAM, "--port", str(PORT), "--plot-interval", "0"]
    empty = [sys.executable, "-c", EMPTY_APP]
    pairs = [(first_screen_s(ours), first_screen_s(empty)) for _ in range(STARTS)]
    ratio = statistics.median(own / least for own, least in pairs)
    own, least = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"first full screen       {own:.2f} s    empty Textual app with numpy {least:.2f} s, ratio {ratio:.2f}")


def answer_s(terminal: Terminal) -> float:
    """Seconds from the key ``d`` to the delay method on the screen."""
    before = method(terminal)
    begun_s = time.monotonic()
    terminal.press("d")
    poll_until(lambda: method(terminal) != before, 30)
    return time.monotonic() - begun_s


def method(terminal: Terminal) -> str:
    """The delay method that the screen shows."""
    return next((line.partition("method")[2][:20] for line in terminal.text.splitlines() if "method" in line), "")


def slow_links() -> None:
    """Measure keys on slow links while the stream runs.

    Then measure the return to full quality.
    """
    for rate in (32_000, 8_000):
        with monitor((160, 48), rate_bytes_s=rate) as terminal:
            pause(10)
            terminal.stale_s = 0.0
            answers = []
            for _ in range(20):
                answers.append(answer_s(terminal))
                pause(1)
            stale_s = terminal.stale_s
            slow = quality(terminal)
            terminal.rate_bytes_s = float("inf")
            begun_s = time.monotonic()
            poll_until(lambda: "slow link" not in terminal.text, 30)
            back_s = time.monotonic() - begun_s
        print(
            f"160x48 at {rate / 1e3:2.0f} kB/s          key answered in {statistics.median(answers):.2f} s (median), "
            f"{max(answers):.2f} s (worst), picture at most {stale_s:.2f} s old; {slow}, full {back_s:.1f} s after"
        )


def quality(terminal: Terminal) -> str:
    """Return the quality that the screen shows."""
    found = terminal.text.partition("slow link: ")[2]
    return found.split("  ")[0].split(" XX")[0].strip() or "full quality"


def repaint_us(rows: int) -> float:
    """Measure the median time to show a new frame.

    The ring is full, with the given number of rows.
    """
    receiver = StillReceiver(buffer_length=rows)
    random = np.random.default_rng(0)
    frames = [random.gamma(9, 3, (1, 768, 4)).astype(np.float32) for _ in range(16)]
    for n in range(rows):
        receiver.feed(frames[n % 16])
    screen = Screen(120, 40, receiver)
    try:
        for _ in range(20):
            screen.tick()
        screen.settle()
        return statistics.median(screen.do(screen.look_us, frames[n % 16]) for n in range(200))
    finally:
        screen.close()


def long_ring() -> None:
    """A repaint with a short and with a long ring."""
    pairs = [(repaint_us(100_000), repaint_us(1200)) for _ in range(3)]
    ratio = statistics.median(long / short for long, short in pairs)
    long, short = (statistics.median(each) for each in zip(*pairs, strict=True))
    print(f"repaint, 100 000 rows   {long:.0f} us    1 200 rows {short:.0f} us, ratio {ratio:.2f}")


def main() -> None:
    """Print the table."""
    long_ring()
    with producer():
        first_screen()
        bytes_and_cpu()
        slow_links()
