"""Memory and processor time of several monitors on one machine, each with plots and an archive.

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
    publisher = Publisher()
    with tempfile.TemporaryDirectory() as home:
        monitors = [_start(Path(home) / str(n), publisher.port) for n in range(given.count)]
        try:
            # The first plots and commits load their libraries.
            threading.Event().wait(SETTLE_S)
            _report(monitors, given.seconds)
        finally:
            for monitor in monitors:
                monitor.terminate()
            for monitor in monitors:
                monitor.wait(20)
            publisher.close()
        written = sum(1 for _ in Path(home).glob("*/figs/*.png"))
        print(f"{written} plots, exit statuses {sorted({monitor.returncode for monitor in monitors})}")


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
    sizes = [each.memory_full_info().pss / 2**20 for each in _family(monitors)]
    count, share = len(monitors), spent_s / seconds
    print(f"{count} monitors and {len(sizes) - count} processes of theirs: {sum(sizes):.0f} MiB, {share:.1%} of a core")
    print(f"each {sum(sizes) / count:.0f} MiB, {share / count:.2%}")


def _family(monitors: list[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    own = [psutil.Process(monitor.pid) for monitor in monitors]
    return own + [child for each in own for child in each.children(recursive=True)]


def _processor_s(monitors: list[subprocess.Popen[bytes]]) -> float:
    """Processor time of the monitors and of their processes, those that have ended included."""
    times = [psutil.Process(monitor.pid).cpu_times() for monitor in monitors]
    running = sum(
        sum(child.cpu_times()[:4]) for monitor in monitors for child in psutil.Process(monitor.pid).children()
    )
    return running + sum(each.user + each.system + each.children_user + each.children_system for each in times)


if __name__ == "__main__":
    main()
