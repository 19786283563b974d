"""Measure the first look at a day on the page.

The receiver is fed a day of four rows a second, as fast as it takes them, so that the columns come from its memory of
the day. `DAY_HOURS` shortens the day.
"""

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import httpx
from browsers import Visit, chromium
from publishers import message
from simulated import sun
from webs import served

from sunspec_tui.receiver import StreamReceiver

HOURS = float(os.environ.get("DAY_HOURS", "24"))
CADENCE_S, SIMULATED_ROWS, BATCH_ROWS = 0.25, 1200, 600
TILE_S, COLUMNS = 64 * 128, 64


def feed(receiver: StreamReceiver, hours: float) -> float:
    """Give a receiver hours of rows; return the seconds it took."""
    rows, count = sun(SIMULATED_ROWS), int(hours * 3600 / CADENCE_S)
    begin = np.datetime64(int(time.time() - hours * 3600) * 1_000_000, "us")
    started_s = time.monotonic()
    for n in range(count):
        # The simulated minutes are repeated, as strong as the Sun is high.
        data = rows[n % SIMULATED_ROWS] * np.float32(1.5 + np.sin(2 * np.pi * n / count))
        end = str(begin + np.timedelta64(int((n + 1) * CADENCE_S * 1e6), "us"))
        receiver.handler.on_message(
            message(data[None], last_block_time=end.replace("T", " "), seq=n, interval=CADENCE_S)
        )
        if n % BATCH_ROWS == 0:
            receiver.timeline().update()  # type: ignore[attr-defined]
    return time.monotonic() - started_s


def first_look(url: str) -> tuple[int, int, list[float]]:
    """Request the tiles of a day.

    Return their number, their bytes and the seconds of each answer.
    """
    nbytes, seconds = 0, []
    with httpx.Client() as visitor:
        found = visitor.get(f"{url}history").json()
        begin_s = int(found["end_s"] - 86400) // TILE_S * TILE_S
        for start_s in range(begin_s, int(found["end_s"]), TILE_S):
            query = {"start": start_s, "end": start_s + TILE_S, "columns": COLUMNS, "tag": found["tag"]}
            started_s = time.perf_counter()
            with visitor.stream("GET", f"{url}history", params=query) as answer:
                nbytes += sum(len(part) for part in answer.iter_raw())
            seconds.append(time.perf_counter() - started_s)
    return len(seconds), nbytes, seconds


def page(url: str) -> None:
    """Print how a real page shows and pans the day."""
    with chromium() as browser:
        started_s = time.monotonic()
        visit = Visit(browser, url, "#span=86400", size=(1440, 900))
        visit.until("sunspec.report.timeline.columns > 0 && !sunspec.report.timeline.loading", 60)
        report = visit.report["timeline"]
        took_s = time.monotonic() - started_s
        print(f"page 1440x900: {report['columns']} columns, {report['bytes'] / 1e3:.0f} kB, shown after {took_s:.2f} s")
        visit.page.keyboard.press("PageUp")
        visit.page.mouse.move(700, 500)
        visit.page.mouse.down()
        for x in range(700, 900, 4):
            visit.page.mouse.move(x, 500)
            visit.page.wait_for_timeout(20)
        visit.page.mouse.up()
        costs = visit.report["timeline"]["costs"]
        median, most = statistics.median(costs), max(costs)
        print(f"redrawing while it is dragged: median {median:.1f} ms, worst {most:.1f} ms of {len(costs)}")
        print(f"memory of its tiles: {visit.report['timeline']['memory'] / 2**20:.1f} MiB")
        visit.close()


def main() -> None:
    """Print all figures."""
    with served(channel_average=1) as (receiver, url):
        took_s = feed(receiver, HOURS)
        print(f"{HOURS:g} h of rows received in {took_s:.0f} s")
        begun_s = time.process_time()
        tiles, nbytes, seconds = first_look(url)
        spent_s = time.process_time() - begun_s
        print(f"first look at a day: {tiles} tiles, {nbytes / 1e3:.0f} kB, {sum(seconds):.3f} s one after the other")
        print(f"processor time of the whole process meanwhile, with the visitor in it: {spent_s:.3f} s")
        _, _, again = first_look(url)
        print(f"the same for a second visitor: {sum(again):.3f} s")
        page(url)


if __name__ == "__main__":
    main()
