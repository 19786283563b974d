"""Measure the costs of the archive.

These are a day drawn at the resolution of a screen, the bytes of a day, and the time of a commit.

The tree under test may have no blocks: it then reads rows with `open_archive`. The rows are those of the simulated
Sun, repeated, in the usual form of 768 bins, 4 products and 4 rows a second.
"""

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from homes import (
    CHANNEL_WIDTH_HZ,
    NCHAN,
    WIRE_PRODUCTS,
    ArchiveStore,
    Recording,
    SimulatedSun,
    average_channels,
    bin_frequencies_hz,
    open_archive,
    open_store,
)

CADENCE_S, AVERAGE, COLUMNS = 0.25, 4, 200
DAY_ROWS, PATTERN_ROWS, COMMIT_ROWS, WRITTEN_ROWS = 345_600, 2400, 16, 480
DAY_US = 86_400_000_000
MIDNIGHT_S = 1_755_561_600.0


def measure(*, quick: bool = False, whole_day: bool = False) -> dict[str, float]:
    """Return the figures of this subject.

    Parameters
    ----------
    quick
        Measure 20 minutes; else two hours. Bytes are extrapolated to a day; the time to draw is that of these rows.
    whole_day
        Measure a whole day.
    """
    count = DAY_ROWS - 1 if whole_day else 4800 if quick else 28_800
    pattern = simulated_pattern()
    with tempfile.TemporaryDirectory(prefix="sunspec-bench-") as name:
        directory = Path(name)
        store = written(directory, pattern, count)
        share = DAY_ROWS / count
        found = {
            "rows": float(count),
            "day_gb": stored_bytes(store.path) * share / 1e9,
            "draw_s": least_s(lambda: drawn(directory, count)),
        }
    with tempfile.TemporaryDirectory(prefix="sunspec-bench-") as name:
        found["commit_ms"] = commit_ms(Path(name), pattern, 30 if quick else 120)
    # A commit every 4 s.
    found["commit_share"] = found["commit_ms"] / 4000
    return found


def simulated_pattern(count: int = PATTERN_ROWS) -> np.ndarray:
    """Return simulated rows with noise, shape (count, 768, 4)."""
    sun, rng = SimulatedSun(0), np.random.default_rng(9)
    noise = np.float32(1 / math.sqrt(CHANNEL_WIDTH_HZ * AVERAGE * CADENCE_S))
    data = np.empty((count, NCHAN // AVERAGE, 4), np.float32)
    for n, row in enumerate(data):
        average_channels(sun.mean_spectrum((n + 0.5) * CADENCE_S).astype(np.float32), AVERAGE, row)
        cross = np.sqrt(row[:, :1] * row[:, 1:2] / 2)
        row += np.concatenate([row[:, :2], cross, cross], axis=1) * noise * rng.standard_normal(row.shape, np.float32)
    return data


def rows_of(pattern: np.ndarray, first: int, count: int) -> Recording:
    """Return rows of a day that repeats the pattern."""
    numbers = first + np.arange(count)
    return Recording(
        pattern[numbers % len(pattern)], WIRE_PRODUCTS, MIDNIGHT_S + (numbers + 1) * CADENCE_S,
        bin_frequencies_hz(560, NCHAN, AVERAGE), CADENCE_S,
    )  # fmt: skip


def opened(directory: Path, rows: Recording) -> ArchiveStore:
    """Return a store of rows, with the default precision.

    The default is that of the measured tree.
    """
    try:
        from homes import Precision
    except ImportError:
        return open_store(directory, rows)
    return open_store(directory, rows, (), Precision.NOISE)


def written(directory: Path, pattern: np.ndarray, count: int) -> ArchiveStore:
    """Write rows in the archive's largest blocks."""
    store = opened(directory, rows_of(pattern, 0, 1))
    for first in range(0, count, WRITTEN_ROWS):
        store.append(rows_of(pattern, first, min(WRITTEN_ROWS, count - first)))
    return store


def commit_ms(directory: Path, pattern: np.ndarray, count: int) -> float:
    """Return the mean processor time of a commit.

    A commit has 16 rows, and the mean is over some minutes.
    """
    store = opened(directory, rows_of(pattern, 0, 1))
    # The first commits load libraries.
    for n in range(2):
        store.append(rows_of(pattern, n * COMMIT_ROWS, COMMIT_ROWS))
    parts = [rows_of(pattern, n * COMMIT_ROWS, COMMIT_ROWS) for n in range(2, count + 2)]
    begun_s = time.process_time()
    for part in parts:
        store.append(part)
    return (time.process_time() - begun_s) / count * 1e3


def drawn(directory: Path, count: int) -> np.ndarray:
    """Reduce XX of all rows to the columns of a screen.

    Return mean, lowest and highest value, shape (3, columns, nbins).
    """
    try:
        from homes import overview
    except ImportError:
        return drawn_from_rows(directory)
    found = overview(directory, "XX", columns=max(1, COLUMNS * count // DAY_ROWS))
    return np.array([found.mean, found.lowest, found.highest])


def drawn_from_rows(directory: Path) -> np.ndarray:
    """Return the same by `open_archive`, from the rows."""
    dataset = open_archive(directory)
    places = dataset["time"].values.astype("datetime64[us]").astype(np.int64) // (DAY_US // COLUMNS)
    edges = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
    power = dataset["XX"].values
    with np.errstate(all="ignore"):
        lows, highs = np.fmin.reduceat(power, edges), np.fmax.reduceat(power, edges)
        means = np.add.reduceat(power, edges) / np.diff(edges, append=len(power))[:, None]
    return np.array([means, lows, highs])


def least_s(work: Callable[[], object], rounds: int = 3) -> float:
    """Return the processor time of the fastest of some calls.

    A call before them loads the libraries.
    """
    work()
    best_s = math.inf
    for _ in range(rounds):
        begun_s = time.process_time()
        work()
        best_s = min(best_s, time.process_time() - begun_s)
    return best_s


def stored_bytes(path: Path) -> int:
    """Return the bytes of all files of a store."""
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


if __name__ == "__main__":
    import json
    import sys

    print(json.dumps(measure(quick="--quick" in sys.argv, whole_day="--day" in sys.argv)))
