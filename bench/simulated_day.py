"""Write an archive of simulated days, with bursts at known times.

The rows are those of the simulated Sun without its own bursts (with them for `--active`), with noise, repeated every
ten minutes, in the usual form of 768 bins and 4 products. They are written by the archive's own store writer. Further
days are copies of the first one with their times shifted; their files of power are hard links, so that a month needs
the disk of a day. The command prints what it wrote as JSON, with the times of the bursts.

    python bench/simulated_day.py /tmp/archive --hours 24 --days 30
"""

import argparse
import json
import math
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zarr

from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz
from sunspec_tui.core.products import WIRE_PRODUCTS, average_channels
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.archive.layout import Precision, StoreName, split_by_day, stores
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.producer.simulated_sun import NCHAN, SimulatedSun

AVERAGE, PATTERN_ROWS, WRITTEN_ROWS = 4, 2400, 480
DAY_US = 86_400_000_000


class Burst(NamedTuple):
    """One burst: time from the first row, length, factor, bins."""

    begin_s: float
    length_s: float
    factor: float
    low_bin: int
    high_bin: int


def bursts(hours: float) -> list[Burst]:
    """Return the bursts of some hours, of three lengths."""
    length_s = hours * 3600
    return [
        Burst(round(0.31 * length_s), 4.0, 20.0, 250, 650),
        Burst(round(0.55 * length_s), 60.0, 8.0, 150, 500),
        Burst(round(0.80 * length_s), min(600.0, 0.1 * length_s), 4.0, 100, 700),
    ]


class QuietSun(SimulatedSun):
    """Simulated Sun without bursts."""

    def bursts_of_minute(self, minute: int) -> tuple[()]:  # noqa: ARG002 - the signature of the simulated Sun
        """Return no burst."""
        return ()


def pattern_rows(cadence_s: float, count: int = PATTERN_ROWS, *, active: bool = False) -> np.ndarray:
    """Return simulated rows with noise, shape (count, 768, 4)."""
    sun, rng = (SimulatedSun if active else QuietSun)(0), np.random.default_rng(9)
    noise = np.float32(1 / math.sqrt(CHANNEL_WIDTH_HZ * AVERAGE * cadence_s))
    data = np.empty((count, NCHAN // AVERAGE, 4), np.float32)
    for n, row in enumerate(data):
        average_channels(sun.mean_spectrum((n + 0.5) * cadence_s).astype(np.float32), AVERAGE, row)
        cross = np.sqrt(row[:, :1] * row[:, 1:2] / 2)
        row += np.concatenate([row[:, :2], cross, cross], axis=1) * noise * rng.standard_normal(row.shape, np.float32)
    return data


def day_rows(pattern: np.ndarray, begin_s: float, cadence_s: float, hours: float, first: int, count: int) -> Recording:
    """Return some rows of the simulated hours.

    No row ends at midnight: the first one ends half a cadence after `begin_s`.
    """
    numbers = first + np.arange(count)
    data, ends_s = pattern[numbers % len(pattern)], (numbers + 0.5) * cadence_s
    for burst in bursts(hours):
        inside = (ends_s >= burst.begin_s) & (ends_s < burst.begin_s + burst.length_s)
        data[inside, burst.low_bin : burst.high_bin, :2] *= np.float32(burst.factor)
    frequencies_hz = bin_frequencies_hz(560, NCHAN, AVERAGE)
    return Recording(data, WIRE_PRODUCTS, begin_s + ends_s, frequencies_hz, cadence_s, source="simulated day")


def write_hours(
    directory: Path,
    hours: float,
    cadence_s: float,
    begin_s: float,
    precision: Precision = Precision.NOISE,
    *,
    active: bool = False,
) -> int:
    """Write simulated hours through the store writer; return the number of rows."""
    pattern, total = pattern_rows(cadence_s, active=active), round(hours * 3600 / cadence_s)
    store = None
    for first in range(0, total, WRITTEN_ROWS):
        rows = day_rows(pattern, begin_s, cadence_s, hours, first, min(WRITTEN_ROWS, total - first))
        for which in split_by_day(rows.times_s):
            part = rows.only(which)
            if store is None or not store.accepts(part):
                store = open_store(directory, part, (), precision)
            store.append(part)
    return total


def copy_day(path: Path, days: int) -> None:
    """Copy a store to another day, with its times shifted."""
    name = StoreName.parse(path.name)
    assert name is not None
    day = datetime.fromisoformat(name.day) + timedelta(days=days)
    target = path.with_name(str(StoreName(f"{day:%Y-%m-%d}", name.part)))
    shutil.copytree(path, target, copy_function=_copy_file)
    group = zarr.open_group(target, mode="r+", zarr_format=3)
    shift_us = days * DAY_US
    _shift(target, group["time"], shift_us)
    for array in [each for each_name, each in group.members(max_depth=None) if "spans" in each_name]:
        _shift(target, array, shift_us)


def _copy_file(source: str, target: str) -> None:
    if {"time", "zarr.json"} & set(Path(source).parts) or "spans" in source:
        shutil.copyfile(source, target)
    else:
        os.link(source, target)


def _shift(target: Path, array: Any, shift_us: int) -> None:
    """Shift the times of an array; 0 is a block without rows."""
    values = np.asarray(array[:])
    if values.ndim == 1:
        array[:] = values + shift_us
        return
    times_us = values[:, -2:]
    times_us[times_us > 0] += shift_us
    written = sorted(int(each.name) for each in (target / array.path / "c").iterdir())
    rows = array.chunks[0]
    for chunk in written:
        array[chunk * rows : (chunk + 1) * rows] = values[chunk * rows : (chunk + 1) * rows]


def stored_bytes(path: Path) -> int:
    """Return the bytes of all files of a directory."""
    return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())


def main() -> None:
    """Write the days that the arguments describe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--hours", type=float, default=24.0, help="hours of each day")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--cadence", type=float, default=0.25, help="seconds from row to row")
    parser.add_argument("--begin", default="2026-11-25", help="first day or time, UTC; midnight for several days")
    parser.add_argument("--precision", type=Precision, default=Precision.NOISE)
    parser.add_argument("--active", action="store_true", help="several bursts a minute, as in the demo")
    given = parser.parse_args()
    begin = datetime.fromisoformat(given.begin).replace(tzinfo=UTC)
    if given.days > 1 and (begin.timestamp() % 86_400 or given.hours > 24):
        parser.error("several days begin at midnight and have at most 24 hours each")
    started_s = time.perf_counter()
    given.directory.mkdir(parents=True, exist_ok=True)
    rows = write_hours(
        given.directory, given.hours, given.cadence, begin.timestamp(), given.precision, active=given.active
    )
    written_s, nbytes = time.perf_counter() - started_s, stored_bytes(given.directory)
    first = stores(given.directory)
    for days in range(1, given.days):
        for path in first:
            copy_day(path, days)
    found = {
        "rows": rows, "begin_s": begin.timestamp(), "days": given.days, "gb_of_a_day": nbytes / 1e9,
        "written_in_s": written_s,
        "bursts": [burst._asdict() | {"begin_s": begin.timestamp() + burst.begin_s} for burst in bursts(given.hours)],
    }  # fmt: skip
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
