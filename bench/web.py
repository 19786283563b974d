"""Measure the web view.

The figures are those of many viewers, joining, the page's own frames, and the terminal beside viewers.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import numpy as np
import psutil
import web_rows

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import httpx
from browsers import Visit, chromium
from files import PROGRAM, answers_ms
from publishers import Publisher, block_time, message, producing
from terminals import Terminal
from waiting import poll_until
from webs import served

from sunspec_tui.core.products import Product
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.receiver import StreamReceiver

SECONDS = float(os.environ.get("SECONDS", "60"))
VIEWERS = 100
RATE_HZ = 75.0
PORT, WEB_PORT = 9794, 9795


class Noting(StreamReceiver):
    """Receiver that records when each row was received."""

    def __init__(self, **options: object) -> None:
        self.taken_s: list[float] = []
        super().__init__(**options)  # type: ignore[arg-type]
        self._take, self.handler.on_message = self.handler.on_message, self._note  # type: ignore[method-assign]

    def _note(self, parts: Sequence[bytes]) -> None:
        """Take a message at a moment."""
        self.taken_s.append(time.monotonic())
        self._take(parts)


@contextmanager
def streaming(speed: float = 1.0) -> Iterator[None]:
    """A producer in another process."""
    words = [*PROGRAM, "stream", "--port", str(PORT), "--speed", str(speed), "--log-level", "ERROR"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as producer:
        try:
            yield
        finally:
            producer.terminate()


def watched(url: str, viewers: int, idlers: int, seconds: float) -> "subprocess.Popen[str]":
    """Viewers in another process."""
    address = f"{url.replace('http', 'ws', 1)}live?version=2"
    program = str(Path(__file__).with_name("web_viewers.py"))
    words = [sys.executable, program, address, str(viewers), str(idlers), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


def viewers() -> None:
    """Measure a hundred viewers for a minute.

    Then measure the same with ten that receive nothing.
    """
    with streaming(), Noting(stream_port=PORT, plot_interval=0, start_webshow=True, web=WebOptions(port=0)) as receiver:
        receiver.wait_for_frames(20, 30)
        url, process = receiver.web_status().url, psutil.Process()
        cpu, begun_s = sum(process.cpu_times()[:2]), time.monotonic()
        threading.Event().wait(SECONDS / 3)
        alone = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - begun_s)
        print(f"no viewer               {alone * 100:.1f} % of a core for the process")
        for idlers in (0, VIEWERS // 10):
            before, cpu, begun_s = receiver.web_status(), sum(process.cpu_times()[:2]), time.monotonic()
            with watched(url, VIEWERS, idlers, SECONDS) as watching:
                assert watching.stdout is not None
                found = json.loads(watching.stdout.read())
            used = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - begun_s)
            _say(receiver, found, idlers, used, alone, before.dropped)


def _say(receiver: Noting, found: dict[str, list[float]], idlers: int, used: float, alone: float, dropped: int) -> None:
    nbytes = found.pop("bytes")
    late = [at_s - receiver.taken_s[int(number)] for number, at in found.items() for at_s in at]
    counts = np.array([len(at) for at in found.values()])
    # The first and the last rows come while viewers come and go.
    missed = int((VIEWERS - idlers) * len(counts[8:-2]) - counts[8:-2].sum())
    p50, p95, most = np.percentile(late, (50, 95, 100)) * 1e3
    health = receiver.snapshot(since=2**62).health
    print(
        f"{VIEWERS} viewers, {idlers:>2} idle    {used * 100:.1f} % of a core ({(used - alone) * 100:.1f} % for them), "
        f"row to viewer {p50:.1f} ms median, {p95:.1f} ms 95 %, {most:.0f} ms at most, {missed} missed by viewers; "
        f"{np.mean(nbytes) / 1e3:.0f} kB a viewer; receiver lost {health.missing}; "
        f"{receiver.web_status().dropped - dropped} disconnected"
    )


def joining() -> None:
    """Compare a viewer's history with the same rows as JSON."""
    data = web_rows.sun(1200)
    values = np.ascontiguousarray(data[..., 0])
    history, history_s = web_rows.measured_history(data, 9)
    begun_s = time.perf_counter()
    text = json.dumps(values.tolist())
    older_s = time.perf_counter() - begun_s
    nbytes = web_rows.row_bytes(data, Product.XX)
    print(f"a row                   {nbytes:.0f} B, as JSON {len(json.dumps(values[-1].tolist()))} B")
    print(
        f"1200 rows               {len(history) / 1e6:.2f} MB in {history_s * 1e3:.0f} ms, "
        f"as JSON {len(text) / 1e6:.1f} MB in {older_s * 1e3:.0f} ms: {older_s / history_s:.0f} times as fast"
    )
    with producing(source="simulate", speed=0, frames=1300) as port, served(port) as (receiver, url):
        receiver.wait_for_frames(1300, 60)
        begun_s = time.perf_counter()
        answer = httpx.get(f"{url}refresh?n_frames=1200", timeout=60)
        seconds = time.perf_counter() - begun_s
        print(f"/refresh of 1200 rows   {len(answer.content) / 1e6:.1f} MB of JSON in {seconds:.2f} s")


@contextmanager
def sixty_a_second() -> Iterator[int]:
    """Start a producer of sixty frames a second; yield its port.

    The frames were made before.
    """
    gulps, publisher, ended = SimulatedSun(1).gulps(), Publisher(), threading.Event()
    frames = [next(gulps).mean(axis=0).astype("<f4") for _ in range(64)]

    def send() -> None:
        begun_s = time.monotonic()
        n = 0
        while not ended.is_set():
            keys = {"last_block_time": block_time(n, 1 / RATE_HZ), "seq": n, "interval": 1 / RATE_HZ}
            publisher.send(message(frames[n % len(frames)], **keys))
            n += 1
            ended.wait(max(0.0, begun_s + n / RATE_HZ - time.monotonic()))

    with closing(publisher):
        sending = threading.Thread(target=send)
        sending.start()
        try:
            yield publisher.port
        finally:
            ended.set()
            sending.join()


def page() -> None:
    """Measure the frames that the page draws, and their cost.

    The page shows 1200 rows, and sixty rows arrive each second.
    """
    with sixty_a_second() as port, served(port) as (receiver, url), chromium() as browser:
        receiver.wait_for_frames(1250, 60)
        for renderer in ("webgl", "2d"):
            visit = Visit(browser, url, f"#rate=60&height=1200&renderer={renderer}", size=(1440, 900))
            visit.wait_for(lambda report: report["filled"] >= 1200 and report["fps"] > 5)
            processes = [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]
            cpu, begun, begun_s = sum(map(_own_cpu, processes)), visit.report, time.monotonic()
            visit.page.wait_for_timeout(10_000)
            seconds, report = time.monotonic() - begun_s, visit.report
            used = (sum(map(_own_cpu, processes)) - cpu) / seconds
            drawn = (report["drawn"] - begun["drawn"]) / seconds
            rows = (report["counts"]["received"] - begun["counts"]["received"]) / seconds
            cost = report["cost"]
            print(
                f"page, {report['renderer']:<17} {drawn:.1f} frames/s of 1200 x 768 at {rows:.1f} rows/s, "
                f"{np.mean(cost):.1f} ms of its own a frame ({max(cost):.1f} ms at most), {used * 100:.0f} % of a core "
                f"for all of Chromium, without a graphics card; {report['counts']['skipped']} rows skipped"
            )
            visit.close()


def _own_cpu(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0


def keys(watching: int) -> list[float]:
    """Measure 60 keys to the answer, with viewers, in milliseconds."""
    words = [*PROGRAM, "--port", str(PORT), "--plot-interval", "0", "--start-webshow", "--web-port", str(WEB_PORT)]
    with tempfile.TemporaryDirectory() as home, ExitStack() as ending:
        terminal = Terminal(words, Path(home))
        ending.callback(terminal.end)
        poll_until(lambda: "method   auto" in terminal.text, 20)
        poll_until(lambda: f":{WEB_PORT}" in terminal.text, 20)
        if watching:
            viewing = ending.enter_context(watched(f"http://127.0.0.1:{WEB_PORT}/", watching, 0, 600))
            ending.callback(viewing.kill)
            poll_until(lambda: f"{watching} viewers" in terminal.text, 20)
        return answers_ms(terminal)


def terminal() -> None:
    """Compare keys with twenty viewers and with none, in turns."""
    found: dict[int, list[float]] = {0: [], 20: []}
    with streaming():
        for _ in range(3):
            for count in found:
                found[count] += keys(count)
    without, beside = (np.percentile(each, (50, 99, 100)) for each in found.values())
    print(
        f"a key's answer, ms      median, 99 %, worst with no viewer {without.round(1)}, with 20 {beside.round(1)}: "
        f"{(beside / without).round(2)} times"
    )


PARTS = {"joining": joining, "viewers": viewers, "page": page, "terminal": terminal}


def main() -> None:
    """All parts, or those that are named."""
    chosen = [name for name in sys.argv[2:] if name in PARTS] or list(PARTS)
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
