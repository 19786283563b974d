"""Play a day of frames with many faults.

It runs at full speed and accounts for every frame.

The monitor and each producer are processes of the command line. A relay between them records each message.
A producer lives for a share of the frames: it is killed, or it ends; while it lives, both sides are stopped for a
while, directories of plots and archive vanish and return, strangers send messages, and viewers come and go.

    python tests/long/chaos_day.py --frames 345600
"""

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from chaos_account import Balance, Counts, check_archive, settle
from chaos_relay import Account, Relay
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

PROGRAM = Path(sys.executable).with_name("sunspec-tui")
RING_ROWS = 6000
_QUIET_LINES = 6
MAX_GROWTH_MB = 25.0
"""How much more memory the monitor may have at the end than in the middle; a leak of 1 kB a frame would be 170 MiB."""


class ChaosError(AssertionError):
    """The run could not be completed."""


def poll(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Poll until `condition` is true, and return its value."""
    deadline_s = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            raise ChaosError(f"{what} did not come within {timeout_s:.0f} s")
        time.sleep(0.02)
    return value


def free_port() -> int:
    """Return a port on which no process listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Sample:
    """Memory, descriptors and threads of the monitor between two producers."""

    frames: int
    rss_mb: float
    descriptors: int
    threads: int


class MonitorProcess:
    """The monitor as a service in its own directory."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.web_port = home, free_port()
        self.archive, self.plots = home / "archive", home / "figs"
        self.archive.mkdir()
        self.plots.mkdir()
        self._log = (home / "monitor.log").open("wb")
        options = [
            "--no-ui", "--status-format", "json", "--status-interval", "0.25", "--port", str(port),
            "--buffer-length", str(RING_ROWS), "--archive", self.archive, "--plot-dir", self.plots,
            "--plot-interval", "2", "--plot-keep", "20", "--start-webshow", "--web-port", str(self.web_port),
            "--event-log", home / "events.jsonl",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            [PROGRAM, *map(str, options)], stdout=subprocess.PIPE, stderr=self._log, text=True, cwd=home
        )
        self.status: dict[str, Any] = {}
        self.lines = 0
        self.highest: Counter[str] = Counter()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.status = json.loads(line)
            self.lines += 1
            # A counter that decreases is always a fault.
            for name in ("frames_received", "frames_rejected", "frames_missing", "archive_rows", "archive_rows_lost"):
                if (self.status[name] or 0) < self.highest[name]:
                    self.highest["went down: " + name] += 1
                self.highest[name] = max(self.highest[name], self.status[name] or 0)

    def seen(self) -> int:
        """Number of messages that it counted."""
        return self.status["frames_received"] + self.status["frames_rejected"] if self.status else -1

    def counts(self) -> Counts:
        """All counts since its start."""
        return Counts(self.status["frames_received"], self.status["frames_rejected"], self.status["frames_missing"])

    def wait_until_quiet(self, at_least: int, timeout_s: float = 180) -> None:
        """Wait until it has received all messages and its counts are stable."""
        poll(lambda: self.seen() >= at_least, timeout_s, f"{at_least} messages ({self.seen()} were counted)")
        seen, said = self.seen(), self.lines
        # Judged by its own lines, not by a clock: a busy machine may delay it.
        while self.lines < said + _QUIET_LINES:
            time.sleep(0.05)
            if self.seen() != seen:
                seen, said = self.seen(), self.lines

    def sample(self) -> Sample:
        """Return its memory, descriptors and threads now."""
        found = psutil.Process(self.process.pid)
        return Sample(self.counts().received, found.memory_info().rss / 2**20, found.num_fds(), found.num_threads())

    def end(self) -> int:
        """Ask it to end, and return its exit status."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        if self.process.poll() is None:
            self.process.kill()
        status = self.process.wait(10)
        self._reader.join(10)
        return status

    def close(self) -> None:
        """Kill it."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        self._reader.join(10)
        self.process.stdout.close()
        self._log.close()


class ProducerProcess:
    """Producer of small windows that drops no frames.

    It waits for its subscriber.
    """

    def __init__(self, port: int, seed: int, frames: int | None, speed: float) -> None:
        options = [
            "--port",
            port,
            "--speed",
            speed,
            "--wait",
            "--interval",
            0.05,
            "--seed",
            seed,
            "--fault",
            "corrupt=0.002",
        ]
        options += [] if frames is None else ["--frames", frames]
        self.process = subprocess.Popen(
            [PROGRAM, "stream", *map(str, options)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def close(self) -> None:
        """Kill it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)


class Viewers:
    """Viewers of the web page, one after the other.

    Each connects for a moment.
    """

    def __init__(self, port: int) -> None:
        self._port, self._over = port, threading.Event()
        self.came = self.failed = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        looks = (self._watch, self._watch_and_vanish, self._ask)
        while not self._over.wait(0.1):
            try:
                looks[self.came % len(looks)]()
            except (OSError, TimeoutError, httpx.HTTPError, WebSocketException):
                self.failed += 1
            self.came += 1

    def _watch(self) -> None:
        with connect(f"ws://127.0.0.1:{self._port}/live?product=XX&version=2", max_size=2**25, proxy=None) as viewer:
            for _ in range(20):
                viewer.recv(timeout=10)

    def _watch_and_vanish(self) -> None:
        with connect(f"ws://127.0.0.1:{self._port}/live?product=I&version=2", max_size=2**25, proxy=None) as viewer:
            viewer.recv(timeout=10)
            viewer.socket.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> None:
        for path in ("status", "refresh?n_frames=20", "metrics"):
            httpx.get(f"http://127.0.0.1:{self._port}/{path}", timeout=10, trust_env=False)

    def end(self) -> None:
        """Disconnect the last viewer."""
        self._over.set()
        self._thread.join(60)


@contextlib.contextmanager
def taken_away(directory: Path) -> Iterator[None]:
    """Replace a directory by a file.

    So it cannot be created again.
    """
    aside = directory.with_name(directory.name + ".away")
    directory.rename(aside)
    directory.write_text("not a directory")
    try:
        yield
    finally:
        directory.unlink()
        aside.rename(directory)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process with SIGSTOP during the block."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@dataclass
class Day:
    """One run of a day.

    Attributes
    ----------
    frames, lives
        Frames in all, and producers that they come from.
    deadline_s
        When to give up, on the clock of `time.monotonic`.
    say
        Prints a line.
    stop_s
        Time for which each side is stopped.
    speed
        Speed of the producers, as a multiple of real time; 0 is full speed.
    """

    frames: int
    lives: int
    deadline_s: float
    say: Callable[[str], None] = print
    stop_s: float = 1.5
    speed: float = 0.0

    def play(self, home: Path) -> list[str]:
        """Play the day in a directory.

        Return each disagreement as a sentence.
        """
        port = free_port()
        self.monitor = MonitorProcess(home, port)
        try:
            poll(lambda: self.monitor.status, 60, "the monitor's first status")
            self.balances: list[Balance] = []
            self.samples: list[Sample] = []
            problems = [text for n in range(self.lives) for text in self._live(n, port)]
            archived = self._settled_rows()
            status = self.monitor.end()
            problems += [] if status == 0 else [f"the monitor ended with status {status}"]
            return problems + self._check_end(archived)
        finally:
            self.monitor.close()

    def _left_s(self) -> float:
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise ChaosError("the day takes longer than it may")
        return left_s

    def _live(self, n: int, port: int) -> list[str]:
        """Run one producer.

        Every third one ends by itself, the others are killed.
        """
        wanted, killed = -(-self.frames // self.lives), n % 3 != 1
        before = self.monitor.counts()
        upstream = free_port()
        relay = Relay(upstream, port, n)
        producer = ProducerProcess(upstream, n, None if killed else wanted, self.speed)
        try:
            self._disturb(producer, relay, wanted)
            poll(lambda: relay.passed >= wanted, self._left_s(), f"{wanted} frames of life {n}")
            account = self._kill(producer, relay) if killed else self._let_end(producer, relay)
        finally:
            producer.close()
            relay.kill()
        self.monitor.wait_until_quiet(0 if killed else before.received + before.rejected + int(account.taken.sum()))
        now = self.monitor.counts()
        counts = Counts(
            now.received - before.received, now.rejected - before.rejected, now.missing - before.missing
        )  # fmt: skip
        balance = settle(account, counts)
        self.balances.append(balance)
        self.samples.append(self.monitor.sample())
        self._say_life(n, "killed" if killed else "ended", balance, self.samples[-1])
        return [f"life {n}: {text}" for text in balance.problems]

    def _kill(self, producer: ProducerProcess, relay: Relay) -> Account:
        """Kill the producer while the monitor is stopped.

        Frames wait for the monitor meanwhile.
        """
        with stopped(self.monitor.process.pid):
            time.sleep(self.stop_s / 3)
            producer.close()
            return relay.end(abrupt=True)

    def _let_end(self, producer: ProducerProcess, relay: Relay) -> Account:
        """Wait until the last frame is sent and received."""
        producer.process.wait(self._left_s())
        return relay.end(abrupt=False)

    def _disturb(self, producer: ProducerProcess, relay: Relay, wanted: int) -> None:
        """Return the faults during a producer's run.

        Each has its share of the frames.
        """

        def reached(share: float) -> None:
            poll(lambda: relay.passed >= share * wanted, self._left_s(), f"{share:.0%} of the frames")

        reached(0.05)
        viewers = Viewers(self.monitor.web_port)
        try:
            with taken_away(self.monitor.plots):
                reached(0.25)
            with stopped(self.monitor.process.pid):
                time.sleep(self.stop_s)
            reached(0.4)
            with taken_away(self.monitor.archive):
                reached(0.55)
            with stopped(producer.process.pid):
                time.sleep(self.stop_s)
            reached(0.9)
        finally:
            viewers.end()
        self.viewers = (viewers.came, viewers.failed)

    def _say_life(self, n: int, how: str, balance: Balance, sample: Sample) -> None:
        agree = "==" if not balance.problems else "!="
        self.say(
            f"life {n:2d} {how:6s} sent {balance.sent:6d} {agree} received {balance.received:6d} + rejected "
            f"{balance.rejected:4d} + missing {balance.missing:5d}; lost after the last {balance.lost_after:4d}; "
            f"strays {balance.strays:3d}; viewers {self.viewers[0]:3d} ({self.viewers[1]} failed); "
            f"RSS {sample.rss_mb:.0f} MiB, {sample.descriptors} descriptors, {sample.threads} threads"
        )

    def _settled_rows(self) -> int:
        """Wait until no row waits for the archive.

        Return the numbers of lost and of archived rows.
        """

        def settled() -> bool:
            status = self.monitor.status
            return status["archive_rows"] + status["archive_rows_lost"] >= status["frames_received"]

        poll(settled, 180, "the archive's last commit")
        return int(self.monitor.status["archive_rows"])

    def _check_end(self, archived: int) -> list[str]:
        stores = stored_times_us(self.monitor.archive)
        found = sum(map(len, stores.values()))
        last, received = self.monitor.status, sum(balance.received for balance in self.balances)
        lost = last["archive_rows_lost"]
        self.say(
            f"sent {sum(balance.sent for balance in self.balances)} frames; archived {found} rows in {len(stores)} "
            f"stores + lost {lost} == received {received}; {last['plots_written']} plots, {last['plots_failed']} failed"
        )
        problems = check_archive(stores, self.balances)
        if not found == archived == last["archive_rows"] or found + lost != received:
            problems.append(
                f"{found} rows are archived and {archived} counted, {lost} are lost, {received} were received"
            )
        problems += [name for name in self.monitor.highest if name.startswith("went down")]
        return problems + flatness(self.samples, self.say)


def flatness(samples: list[Sample], say: Callable[[str], None]) -> list[str]:
    """Check that memory, descriptors and threads stay constant.

    The second third is compared with the last one.
    """
    if len(samples) < 6:
        return []
    third = len(samples) // 3
    middle, last = samples[third : 2 * third], samples[2 * third :]
    growth_mb = float(np.median([s.rss_mb for s in last]) - np.median([s.rss_mb for s in middle]))
    slope_mb = float(np.polyfit([s.frames for s in samples[third:]], [s.rss_mb for s in samples[third:]], 1)[0]) * 1e5
    say(f"memory: {growth_mb:+.1f} MiB from the second third to the last, slope {slope_mb:+.1f} MiB in 100 000 frames")
    problems = [f"memory grew by {growth_mb:.1f} MiB"] if growth_mb > MAX_GROWTH_MB else []
    for name in ("descriptors", "threads"):
        before, after = (max(getattr(each, name) for each in some) for some in (middle, last))
        say(f"{name}: at most {before} in the second third, {after} in the last")
        if after > before + 1:
            problems.append(f"{name} grew from {before} to {after}")
    return problems


def stored_times_us(archive: Path) -> dict[str, Any]:
    """Return the times of the rows of each store.

    They are in microseconds since 1970.
    """
    import zarr

    found = {}
    for path in sorted(archive.glob("*.zarr")):
        group: Any = zarr.open_group(path, mode="r", use_consolidated=True)
        found[path.name] = np.asarray(group["time"][:]).astype(np.int64)
    return found


def main() -> int:
    """Play a day and print the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=345_600, help="frames in all")
    parser.add_argument("--lives", type=int, default=12, help="producers, one after the other")
    parser.add_argument("--minutes", type=float, default=30.0, help="give up after so many")
    given = parser.parse_args()
    # If the run is ended early, no process may remain.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sunspec-chaos-") as name:
        day = Day(given.frames, given.lives, begun_s + 60 * given.minutes)
        try:
            problems = day.play(Path(name))
        except ChaosError as error:
            problems = [str(error)]
        if problems:
            print("the monitor's log ends:", *(Path(name) / "monitor.log").read_text().splitlines()[-20:], sep="\n  ")
    print(f"{time.monotonic() - begun_s:.0f} s", *(problems or ["every frame is accounted for"]), sep="\n")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
