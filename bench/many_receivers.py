"""Measure several monitors on one machine.

Each has plots and an archive. The figures are memory and processor time.

    python bench/many_receivers.py [--count 12] [--seconds 60]

All listen to one publisher of four frames a second, write a plot every ten seconds and archive every row. Memory is
the proportional set size of the monitors and of what they have started: shared pages count once.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
from reactions import ROOT, Publisher

SETTLE_S = 25.0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    with ExitStack() as started:
        home = started.enter_context(tempfile.TemporaryDirectory())
        publisher = Publisher()
        started.callback(publisher.close)
        monitors: list[subprocess.Popen[bytes]] = []
        started.callback(_end, monitors)
        # One after the other: if one cannot start, those before it are ended.
        monitors.extend(_start(Path(home) / str(n), publisher.port) for n in range(given.count))
        # The first plots and commits load their libraries.
        threading.Event().wait(SETTLE_S)
        _report(monitors, given.seconds)
        _end(monitors)
        written = sum(1 for _ in Path(home).glob("*/figs/*.png"))
        print(f"{written} plots, exit statuses {sorted({monitor.returncode for monitor in monitors})}")


def _end(monitors: list[subprocess.Popen[bytes]]) -> None:
    """End all monitors, by force if one does not end by itself."""
    for monitor in monitors:
        monitor.terminate()
    for monitor in monitors:
        try:
            monitor.wait(20)
        except subprocess.TimeoutExpired:
            monitor.kill()
            monitor.wait()


def _start(home: Path, port: int) -> subprocess.Popen[bytes]:
    home.mkdir()
    words = ["-m", "sunspec_tui", "--no-ui", "--port", str(port), "--log-level", "ERROR", "--plot-interval", "10"]
    words += ["--plot-dir", "figs", "--archive", "archive", "--plot-keep", "all"]
    return subprocess.Popen([sys.executable, *words], cwd=home, env=_environment(home), stdout=subprocess.DEVNULL)


def _environment(home: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(home / "state")}


def _report(monitors: list[subprocess.Popen[bytes]], seconds: float) -> None:
    before_s = _processor_s(monitors)
    threading.Event().wait(seconds)
    spent_s = _processor_s(monitors) - before_s
    sizes = [size for each in _family(monitors) if (size := _pss_mib(each))]
    count, share = len(monitors), spent_s / seconds
    print(f"{count} monitors and {len(sizes) - count} processes of theirs: {sum(sizes):.0f} MiB, {share:.1%} of a core")
    print(f"each {sum(sizes) / count:.0f} MiB, {share / count:.2%}")


def _pss_mib(process: psutil.Process) -> float:
    """Return the proportional set size.

    It is 0 if the process has ended, as the fork of a plot does.
    """
    try:
        return float(process.memory_full_info().pss / 2**20)
    except psutil.NoSuchProcess:
        return 0.0


def _family(monitors: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    own = [psutil.Process(monitor.pid) for monitor in monitors]
    return own + [child for each in own for child in each.children(recursive=True)]


def _processor_s(monitors: list[subprocess.Popen[bytes]]) -> float:
    """Return the processor time of the monitors and their processes.

    Processes that have ended are included.
    """
    times = [psutil.Process(monitor.pid).cpu_times() for monitor in monitors]
    for child in (child for monitor in monitors for child in psutil.Process(monitor.pid).children()):
        with suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    # A child's times contain those of its own children that have ended.
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


if __name__ == "__main__":
    main()
