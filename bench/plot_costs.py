"""Measure a plot of 1200 rows.

The figures are its seconds, and the memory of the plot process between plots.

    python bench/plot_costs.py [directory of another revision]

Each tree runs in a process of its own, which keeps a plot writer as the monitor does. Given two trees, they take turns.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLOTS = 200

# Only names that every revision since the first measured one has. One plot for each line of standard input.
PROBE = """
import sys, threading
from dataclasses import fields
from pathlib import Path
import numpy as np
import psutil
import sunspec_tui
sys.path.append(sys.argv[3])
from homes import RetentionPolicy, PlotJob, PlotService, SimulatedSun, bin_frequencies_hz

assert sunspec_tui.__file__.startswith(sys.argv[1]), sunspec_tui.__file__
START_S, CADENCE_S, ROWS = 1_755_552_894.0, 0.25, 1200
KNOWN = {field.name for field in fields(PlotJob)}
gulps = SimulatedSun(1).gulps()
sun = [next(gulps).mean(axis=0)[0].reshape(768, 4, -1).mean(axis=1).T.astype(np.float32) for _ in range(ROWS)]
sun = np.ascontiguousarray(np.stack(sun, axis=1)[:2])

def job(n):
    ends_s = START_S + CADENCE_S * (n + np.arange(ROWS))
    given = {
        "data": np.roll(sun[0], -n, axis=0), "spectra": {"XX": sun[0, n % ROWS], "YY": sun[1, n % ROWS]},
        "times_s": ends_s, "begins_s": ends_s - CADENCE_S, "slots": n + np.arange(ROWS), "cadence_s": CADENCE_S,
        "frequencies_mhz": bin_frequencies_hz(560, 3072, 4) / 1e6, "product": "XX", "lag_s": 0.01,
        "directory": sys.argv[2], "now_s": START_S + n, "number": n, "keep": RetentionPolicy(number=50),
    }
    return PlotJob(**{name: value for name, value in given.items() if name in KNOWN})

events, numbers = [], iter(range(1, 10**9))
told = threading.Event()
def tell(event):
    events.append(event)
    told.set()
writer = PlotService(Path(sys.argv[2]), 0, lambda: job(next(numbers)), on_event=tell)
writer.start()
for _ in sys.stdin:
    told.clear()
    writer.plot_now()
    told.wait()
    assert events[-1].ok, events[-1]
    processes = psutil.Process().children(recursive=True)
    sizes = [process.memory_full_info() for process in processes]
    print(writer.status().last_seconds, sum(size.pss for size in sizes), sum(size.uss for size in sizes), flush=True)
writer.stop()
"""


@dataclass(frozen=True, slots=True)
class PlotCosts:
    """Costs of many plots of 1200 rows.

    Attributes
    ----------
    median_s, worst_s
        Seconds of a plot; the first, which imports matplotlib, does not count.
    first_s
        Seconds of the first plot.
    median_mib, worst_mib
        Proportional set size of the plot process between plots, in MiB.
    own_mib
        Memory that it shares with no process, median, in MiB.
    """

    median_s: float
    worst_s: float
    first_s: float
    median_mib: float
    worst_mib: float
    own_mib: float


class Plotter:
    """Plot writer of one revision that draws on request.

    Parameters
    ----------
    tree
        Directory of the revision.
    directory
        Directory of its plots.
    """

    def __init__(self, tree: Path, directory: str) -> None:
        self._found: list[tuple[float, float, float]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", PROBE, str(tree), directory, str(ROOT / "bench")], cwd=directory, text=True,
            env=os.environ | {"PYTHONPATH": str(tree)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def plot(self) -> None:
        """Draw a plot; keep its seconds and the memory after it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        seconds, pss, uss = (float(word) for word in self._process.stdout.readline().split())
        self._found.append((seconds, pss / 2**20, uss / 2**20))

    def costs(self) -> PlotCosts:
        """End the process; return what the plots cost."""
        self._process.communicate(timeout=30)
        seconds, pss, uss = zip(*self._found, strict=True)
        return PlotCosts(
            statistics.median(seconds[1:]), max(seconds[1:]), seconds[0], statistics.median(pss), max(pss),
            statistics.median(uss),
        )  # fmt: skip


def plot_costs(trees: list[Path], plots: int = PLOTS) -> list[PlotCosts]:
    """Costs of plots of each tree, which take turns."""
    with tempfile.TemporaryDirectory(prefix="sunspec-bench-") as name:
        made = [Path(name) / str(n) for n in range(len(trees))]
        for directory in made:
            directory.mkdir()
        plotters = [Plotter(tree, str(directory)) for tree, directory in zip(trees, made, strict=True)]
        for n in range(plots):
            for plotter in plotters[:: 1 if n % 2 else -1]:
                plotter.plot()
        return [plotter.costs() for plotter in plotters]


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the seconds and the memory of a tree's plots.

    The memory is that of the plot process between plots, in MiB.
    """
    (found,) = plot_costs([Path.cwd()], 8 if quick else 40)
    return {"plot_s": found.median_s, "first_plot_s": found.first_s, "between_mib": found.median_mib}
