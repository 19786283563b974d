"""Measure the cost of the burst detector for each row.

Rows have 3072 channels and 4 products, and come in batches of 16, or of 2 as in a live search. The reference is what
the receiver does to each row: it averages the channels. Bursts and disturbances are those of the simulated Sun.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from frame_costs import least_us
from homes import average_channels

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

NCHAN, NPRODUCTS, BATCH_ROWS, LIVE_ROWS, CADENCE_S = 3072, 4, 16, 2, 0.25
REFERENCE_ROWS, REFERENCE_ROUNDS = 200, 20
WARM_UP_ROWS = 2400
"""Rows that are not timed: ten minutes."""


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return microseconds of a row, milliseconds of a call, and memory.

    The first ten minutes are not measured: the detector waits for its background.
    """
    quiet_us, quiet_ms, _ = fed(minutes=12 if quick else 20, has_bursts=False)
    busy_us, busy_ms, state_mib = fed(minutes=12 if quick else 40, has_bursts=True)
    live_us, live_ms, _ = fed(minutes=12 if quick else 40, has_bursts=True, batch_rows=LIVE_ROWS)
    return {
        "row_us": statistics.mean(quiet_us),
        "busy_row_us": statistics.mean(busy_us),
        "live_row_us": statistics.mean(live_us),
        "averages": statistics.mean(quiet_us) / average_us(),
        "longest_ms": max(quiet_ms),
        "busy_longest_ms": max(busy_ms),
        "live_longest_ms": max(live_ms),
        "state_mib": state_mib,
    }


def average_us() -> float:
    """Return the processor time to average the channels of a row."""
    spectrum = np.random.default_rng(0).uniform(1, 2, (NCHAN, NPRODUCTS)).astype(np.float32)
    row = np.empty((NCHAN // 4, NPRODUCTS), np.float32)

    def work() -> None:
        for _ in range(REFERENCE_ROWS):
            average_channels(spectrum, 4, row)

    return least_us(work, REFERENCE_ROUNDS, REFERENCE_ROWS)


def batches(minutes: int, *, has_bursts: bool, batch_rows: int = BATCH_ROWS) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield times and rows of the simulated Sun, in batches."""
    from simulated_bursts import CHANNELS_PER_BIN, QUIET, bursts_of_day, disturbances_of_day, rows_of_day

    hours = minutes / 60
    bursts, found = (bursts_of_day(0, hours), disturbances_of_day(0, hours)) if has_bursts else ((), QUIET)
    for times_s, data in rows_of_day(bursts, found, 0, hours):
        for first in range(0, len(times_s), batch_rows):
            part = slice(first, first + batch_rows)
            rows = data[part].repeat(CHANNELS_PER_BIN, axis=1).repeat(NPRODUCTS, axis=2)
            yield times_s[part], rows * np.float32((1, 1, 0.02, 0.1))


def fed(minutes: int, *, has_bursts: bool, batch_rows: int = BATCH_ROWS) -> tuple[list[float], list[float], float]:
    """Return microseconds of each row, milliseconds of each call, and MiB."""
    import tracemalloc

    from sunspec_tui.bursts.detector import BurstDetector
    from sunspec_tui.core.instrument import channel_frequencies_hz
    from sunspec_tui.core.memory_usage import resume_collection
    from sunspec_tui.core.products import WIRE_PRODUCTS

    # As in the monitor, collections ignore the loaded modules, here also those of the simulated Sun.
    resume_collection()
    row_us, call_ms, state_mib = [], [], 0.0
    # The process's memory would hold the rows too. Tracing costs time, so the first minutes are traced alone.
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    detector = BurstDetector(channel_frequencies_hz(560, NCHAN), WIRE_PRODUCTS)
    for number, (times_s, rows) in enumerate(batches(minutes, has_bursts=has_bursts, batch_rows=batch_rows)):
        begun_s = time.thread_time()
        detector.feed(times_s, rows)
        spent_s = time.thread_time() - begun_s
        if number == WARM_UP_ROWS // batch_rows:
            state_mib = (tracemalloc.get_traced_memory()[0] - before - rows.nbytes - times_s.nbytes) / 2**20
            tracemalloc.stop()
        elif number > WARM_UP_ROWS // batch_rows:
            row_us.append(spent_s / batch_rows * 1e6)
            call_ms.append(spent_s * 1e3)
    return row_us, call_ms, state_mib


def main() -> None:
    """Print the figures."""
    for name, value in measure().items():
        print(f"{name:16} {value:.3g}")


if __name__ == "__main__":
    main()
