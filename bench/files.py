"""Measure the costs of files.

These are plots and their memory, a day's archive, kills, hours and quick-looks.
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray
from simulated import sun

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from terminals import PROGRAM, Terminal
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.retention import RetentionPolicy
from sunspec_tui.files.archive.reader import open_archive
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.plots.archive_quicklook import quicklook
from sunspec_tui.plots.job import PlotEvent, PlotJob
from sunspec_tui.plots.plot_service import PlotService

START_S = 1_755_475_200.0  # 2025-08-18
CADENCE_S = 0.25
DAY_ROWS = 345_600
COMMIT_ROWS = 16
PLOTS = int(os.environ.get("PLOTS", "200"))
KILLS = int(os.environ.get("KILLS", "5"))
DAYS = 7
PORT = 9796


def recording(data: NDArray[np.float32], start_s: float) -> Recording:
    """Rows from a time on."""
    times_s = start_s + CADENCE_S * np.arange(1, len(data) + 1)
    return Recording(
        data, WIRE_PRODUCTS, times_s, bin_frequencies_hz(560, 3072, 4), CADENCE_S, source="simulate", software="bench"
    )


def plots(directory: Path) -> None:
    """Plots of 1200 rows, one after another."""
    data = sun(1200)
    numbers = iter(range(10**9))
    events: list[PlotEvent] = []
    writer = PlotService(directory, 0, lambda: plot_job(data, next(numbers), directory), on_event=events.append)
    writer.start()
    seconds, sizes, memory = [], [], []
    try:
        for n in range(PLOTS):
            writer.plot_now()
            while len(events) == n:
                threading.Event().wait(0.002)
            status = writer.status()
            seconds.append(status.last_seconds or 0.0)
            sizes.append(status.last_bytes or 0)
            child = psutil.Process(writer.child_pid)
            memory.append((psutil.Process().memory_info().rss / 2**20, child.memory_info().rss / 2**20))
    finally:
        writer.stop()
    print_plots(directory, seconds, sizes, memory, sum(event.ok for event in events))


def plot_job(data: NDArray[np.float32], number: int, directory: Path) -> PlotJob:
    """1200 rows that are others for each number."""
    return PlotJob(
        data=np.roll(data[..., 0], -number, axis=0),
        spectra={"XX": data[number % 1200, :, 0], "YY": data[number % 1200, :, 1]},
        times_s=START_S + CADENCE_S * (number + np.arange(1200)),
        begins_s=START_S + CADENCE_S * (number - 1 + np.arange(1200)),
        cadence_s=CADENCE_S,
        frequencies_mhz=bin_frequencies_hz(560, 3072, 4) / 1e6,
        product="XX",
        lag_s=0.01,
        station="bench",
        directory=str(directory),
        now_s=START_S + number,
        number=number,
        keep=RetentionPolicy(number=50),
    )


def print_plots(
    directory: Path, seconds: list[float], sizes: list[int], memory: list[tuple[float, float]], written: int
) -> None:
    """Print durations in seconds, sizes in bytes, and memory in MiB."""
    settled = np.array(memory[len(memory) // 4 :])
    slopes = [np.polyfit(np.arange(len(settled)), settled[:, i], 1)[0] * 1024 for i in (0, 1)]
    print(f"{PLOTS} plots of 1200 rows    {written} written")
    print(
        f"a plot                  {statistics.median(seconds):.3f} s median, {sorted(seconds)[-2]:.3f} s but the first"
    )
    print(f"its size                {statistics.median(sizes) / 1e6:.3f} MB median, {max(sizes) / 1e6:.3f} MB at most")
    print(f"memory of this process  {settled[0, 0]:.1f} to {settled[-1, 0]:.1f} MiB, {slopes[0]:+.2f} kiB a plot")
    print(f"memory of the child     {settled[0, 1]:.1f} to {settled[-1, 1]:.1f} MiB, {slopes[1]:+.2f} kiB a plot")
    print(f"files left              {len(list(directory.iterdir()))}, temporary {len(list(directory.glob('.*')))}")


def day(directory: Path) -> None:
    """Write a day of rows at full speed.

    The commits are those of a live stream.
    """
    pool = sun(4800)
    process, memory = psutil.Process(), []
    begun_s, store = time.perf_counter(), None
    for start in range(0, DAY_ROWS - 4, COMMIT_ROWS * 30):
        # As after a pause: blocks as the writer takes them.
        which = (start + np.arange(min(COMMIT_ROWS * 30, DAY_ROWS - 4 - start))) % len(pool)
        rows = recording(pool[which], START_S + CADENCE_S * start)
        store = store or open_store(directory, rows)
        store.append(rows)
        memory.append(process.memory_info().rss / 2**20)
    seconds = time.perf_counter() - begun_s
    files = [path for path in directory.rglob("*") if path.is_file()]
    nbytes = sum(path.stat().st_size for path in files)
    assert store is not None
    settled = memory[len(memory) // 4 :]
    slope = np.polyfit(np.arange(len(settled)), settled, 1)[0] * 1024 / (COMMIT_ROWS * 30)
    print(f"a day, {store.nrows} rows      {seconds:.0f} s, {store.nrows / seconds:.0f} rows/s")
    share = nbytes / store.nrows / 12288
    print(f"on the disk             {nbytes / 1e9:.2f} GB in {len(files)} files, {share:.2f} of raw")
    print(f"memory                  {settled[0]:.0f} to {settled[-1]:.0f} MiB, {slope:+.3f} kiB a row")


def live(directory: Path) -> None:
    """Measure a commit of four seconds."""
    pool = sun(480)
    store = open_store(directory, recording(pool[:16], START_S))
    times, cpu = [], time.process_time()
    for n in range(120):
        rows = recording(pool[(n * 16 + np.arange(16)) % 480], START_S + 4.0 * n)
        begun_s = time.perf_counter()
        store.append(rows)
        times.append(time.perf_counter() - begun_s)
    cpu = (time.process_time() - cpu) / (120 * 4.0)
    print(f"a commit of 16 rows     {statistics.median(times) * 1e3:.1f} ms, {max(times) * 1e3:.1f} ms at most, "
          f"{cpu * 100:.1f} % of a core at 4 rows/s")  # fmt: skip


def hour(directory: Path) -> None:
    """One hour of one day, opened and loaded."""
    for what, names in (
        ("opened", ()),
        ("one product loaded", ("XX",)),
        ("all loaded", ("XX", "YY", "XY_real", "XY_imag")),
    ):
        times = []
        for n in range(5):
            begin_s = START_S + 3600 * (3 + 4 * n)
            begun_s = time.perf_counter()
            found = open_archive(directory, begin_s, begin_s + 3600)
            for name in names:
                found[name].load()
            times.append(time.perf_counter() - begun_s)
        print(f"an hour, {what:<18} {statistics.median(times):.3f} s, {max(times):.3f} s at most")


KILLED = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import files
from sunspec_tui.files.archive.store import open_store
pool = files.sun(64)
start, store = int(sys.argv[2]), None
print("ready", flush=True)
while True:
    rows = files.recording(pool[(start + files.np.arange(16)) % 64], files.START_S + files.CADENCE_S * start)
    store = store or open_store(Path(sys.argv[1]), rows)
    store.append(rows)
    start += 16
    print(start, flush=True)
"""


def kills(directory: Path) -> None:
    """A writer killed again and again, at moments of chance."""
    rng, pool, kept = np.random.default_rng(3), sun(64), 0
    behind = []
    for _ in range(KILLS):
        words = [sys.executable, "-c", KILLED.format(here=str(Path(__file__).parent)), str(directory), str(kept)]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            threading.Event().wait(rng.uniform(0.2, 2.0))
            os.kill(writer.pid, signal.SIGKILL)
            told = [int(line) for line in writer.stdout.read().split()]
        found = open_archive(directory)
        times_us = found["time"].values.astype("datetime64[us]").astype(np.int64)
        count = len(times_us)
        assert count >= max(told, default=kept)
        np.testing.assert_array_equal(times_us, np.rint((START_S + CADENCE_S * np.arange(1, count + 1)) * 1e6))
        for i, name in enumerate(map(str, WIRE_PRODUCTS)):
            np.testing.assert_array_equal(found[name].values, pool[np.arange(count) % 64, :, i])
        behind.append(count - max(told, default=kept))
        kept = count
    print(f"{KILLS} kills                {kept} rows, all as written, in order, none twice; "
          f"committed but not told: {max(behind)} at most")  # fmt: skip


def quicklooks(directory: Path, out: Path) -> None:
    """Pictures of seven days with one worker and with two."""
    pool = sun(2400)
    for n in range(DAYS):
        path = directory / f"2025-08-{18 + n}.zarr"
        if n:
            # The first day's chunks under another day's times: a day takes minutes to make.
            shutil.copytree(directory / "2025-08-18.zarr", path, copy_function=os.link)
            _shift(path, n * 86_400_000_000)
        elif not path.exists():
            store = None
            for start in range(0, DAY_ROWS - 4, 480):
                which = (start + np.arange(min(480, DAY_ROWS - 4 - start))) % len(pool)
                rows = recording(pool[which], START_S + CADENCE_S * start)
                store = store or open_store(directory, rows)
                store.append(rows)
    seconds, pictures = {}, {}
    for workers in (1, 2):
        begun_s = time.perf_counter()
        found = sorted(quicklook(directory, out / str(workers), workers=workers))
        seconds[workers] = time.perf_counter() - begun_s
        pictures[workers] = [path.read_bytes() for path in found]
    same = "the same" if pictures[1] == pictures[2] else "DIFFERENT"
    print(f"quick-looks of {DAYS} days   {seconds[1]:.1f} s with 1 worker, {seconds[2]:.1f} s with 2: "
          f"{seconds[1] / seconds[2]:.2f} times as fast; {len(pictures[1])} pictures, {same}")  # fmt: skip


def _shift(path: Path, by_us: int) -> None:
    import zarr

    times = zarr.open_group(path, mode="r+", use_consolidated=True)["time"]
    shifted = times[:] + by_us
    # Links share their content with the first day.
    shutil.rmtree(path / "time" / "c")
    times[:] = shifted


class TimedReceiver(StreamReceiver):
    """Notes how long each message takes."""

    def __init__(self, **options: object) -> None:
        self.took_us: list[float] = []
        super().__init__(**options)  # type: ignore[arg-type]
        self._take, self.handler.on_message = self.handler.on_message, self._time  # type: ignore[method-assign]

    def _time(self, parts: Sequence[bytes]) -> None:
        """Take a message, against the clock."""
        begun_s = time.perf_counter()
        self._take(parts)
        self.took_us.append((time.perf_counter() - begun_s) * 1e6)


def frames(port: int, directory: Path, interval_s: float) -> list[float]:
    """Measure 400 frames at 20 a second, in microseconds.

    Plots are drawn meanwhile, or not.
    """
    receiver = TimedReceiver(stream_port=port, plot_interval=interval_s, plot_dir=directory, gc_interval=0)
    with receiver:
        receiver.wait_for_frames(100, 30)
        begun = len(receiver.took_us)
        receiver.wait_for_frames(500, 60)
        return receiver.took_us[begun:]


def answers_ms(terminal: Terminal) -> list[float]:
    """Measure 60 presses of ``d`` to the answer on the screen.

    They come at random moments. Times are in milliseconds.
    """
    rng, took_ms = np.random.default_rng(1), []
    for n in range(60):
        threading.Event().wait(rng.uniform(0.15, 0.4))
        shown = "method   " + ("buffer", "manual", "auto")[n % 3]
        begun_s = time.perf_counter()
        terminal.press("d")
        while shown not in terminal.text:
            assert time.perf_counter() < begun_s + 10, terminal.text
            threading.Event().wait(0.001)
        took_ms.append((time.perf_counter() - begun_s) * 1e3)
    return took_ms


def keys(port: int, directory: Path, interval_s: float) -> list[float]:
    """Measure 60 keys to the answer on the screen.

    Plots are drawn meanwhile, or not. Times are in milliseconds.
    """
    words = [*PROGRAM, "--port", str(port), "--plot-interval", str(interval_s), "--plot-dir", str(directory)]
    with ExitStack() as ending:
        terminal = Terminal(words, directory)
        ending.callback(terminal.end)
        poll_until(lambda: "method   auto" in terminal.text, 20)
        return answers_ms(terminal)


def beside(directory: Path) -> None:
    """Compare keys and frames with plots and without, in turns.

    One plot is drawn each second.
    """
    words = [*PROGRAM, "stream", "--port", str(PORT), "--speed", "5", "--log-level", "ERROR"]
    for what, measure in (("a frame's work, us", frames), ("a key's answer, ms", keys)):
        found: dict[float, list[float]] = {0: [], 1: []}
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as producer, ExitStack() as ending:
            ending.callback(producer.terminate)
            for _ in range(3):
                for interval_s in (0, 1):
                    found[interval_s] += measure(PORT, directory, interval_s)
        without, beside_plots = (np.percentile(found[each], (50, 99, 100)) for each in (0, 1))
        ratio = beside_plots / without
        print(f"{what:<23} median, 99 %, worst without plots {without.round(1)}, beside them {beside_plots.round(1)}: "
              f"{ratio.round(2)} times")  # fmt: skip


PARTS = ("plots", "live", "beside", "kills", "day")


def main() -> None:
    """Everything; PLOTS and KILLS in the environment say how many."""
    chosen = [name for name in sys.argv[2:] if name in PARTS] or list(PARTS)
    for name in chosen:
        with tempfile.TemporaryDirectory() as place:
            directory = Path(place)
            if name == "plots":
                plots(directory)
            elif name == "beside":
                beside(directory)
            elif name == "live":
                live(directory)
            elif name == "kills":
                kills(directory)
            else:
                day(directory / "archive")
                hour(directory / "archive")
                quicklooks(directory / "archive", directory / "figs")


if __name__ == "__main__":
    main()
