"""Measure how fast the history of an archive is read.

    python bench/simulated_day.py /tmp/archive
    python bench/archive_blocks.py /tmp/archive

The figures are milliseconds of processor time and of time, the least of some calls, for the newest day: a whole day in
blocks of 128 and 16 s, an hour in blocks of 16 and 2 s, and ten minutes of rows. `first_ms` is the first call in a new
process, with the libraries that it loads.
"""

import json
import sys
import time
from collections.abc import Callable

from sunspec_tui.core.products import Product
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks

DAY_S, ROUNDS = 86_400, 5


def least_ms(work: Callable[[], object]) -> dict[str, float]:
    """Return the least processor time and time of some calls."""
    found = []
    for _ in range(ROUNDS):
        begun_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        found.append((time.process_time() - cpu_s, time.perf_counter() - begun_s))
    return {
        "cpu_ms": round(1e3 * min(cpu for cpu, _ in found), 1),
        "ms": round(1e3 * min(all_ for _, all_ in found), 1),
    }


def measure(directory: str) -> dict[str, object]:
    """Return the figures of an archive."""
    begun_s, cpu_s = time.perf_counter(), time.process_time()
    archive = ArchiveBlocks(directory)
    extent = archive.extent()
    assert extent is not None
    day_s = extent.end_s // DAY_S * DAY_S
    archive.parts(128, day_s, day_s + DAY_S, Product.XX)
    found: dict[str, object] = {
        "first_ms": round(1e3 * (time.perf_counter() - begun_s), 1),
        "first_cpu_ms": round(1e3 * (time.process_time() - cpu_s), 1),
        "zarr_loaded": "zarr" in sys.modules,
    }
    hour_s = (extent.end_s - 0.4 * (extent.end_s - day_s)) // 512 * 512
    for product in (Product.XX, Product.I, Product.V_OVER_I):
        times = {
            "day at 128 s": (128, day_s, DAY_S),
            "day at 16 s": (16, day_s, DAY_S),
            "hour at 16 s": (16, hour_s, 3584),
            "hour at 2 s": (2, hour_s, 3584),
            "10 min of rows": (0, hour_s, 600),
        }
        for name, (step_s, begin_s, length_s) in times.items():
            work = lambda s=step_s, b=begin_s, n=length_s, p=product: archive.parts(s, b, b + n, p)  # noqa: E731
            found[f"{name}, {product}"] = least_ms(work)
    return found


if __name__ == "__main__":
    for name, figures in measure(sys.argv[1]).items():
        print(f"{name:28} {json.dumps(figures)}")
