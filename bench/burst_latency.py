"""Measure how soon bursts of a replayed file are reported.

A producer replays the file over ZeroMQ, a receiver finds its bursts. The latency is the data time from the begin of a
burst, as it is known at its end, to the moment at which it was first listed, and first listed with its last type.

    python bench/burst_latency.py GREENLAND_20170906_115501_63.fit.gz --speed 1
"""

import argparse
import subprocess
import sys
import threading
from pathlib import Path

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.times import format_clock
from sunspec_tui.receiver import StreamReceiver


class FirstSeen:
    """When each burst was listed first, in data time."""

    def __init__(self, receiver: StreamReceiver) -> None:
        self._receiver = receiver
        self.listed_s: dict[str, float] = {}
        self.typed_s: dict[tuple[str, BurstType], float] = {}

    def note(self) -> None:
        """Note the bursts that are new, or whose type has changed."""
        now_s = self._receiver.bursts.status().data_s
        for burst in self._receiver.bursts.board.bursts:
            self.listed_s.setdefault(burst.name, now_s)
            self.typed_s.setdefault((burst.name, burst.type), now_s)

    def row(self, burst: Burst) -> str:
        """Return a row of the table."""
        listed_s = self.listed_s[burst.name] - burst.begin_s
        typed_s = self.typed_s[burst.name, burst.type] - burst.begin_s
        return (
            f"| {format_clock(burst.begin_s)} | {format_clock(burst.end_s)} | {burst.low_mhz:.0f}-{burst.high_mhz:.0f} "
            f"| {burst.type} | {burst.peak_db:.1f} | {listed_s:.1f} | {typed_s:.1f} |"
        )


def main() -> None:
    """Replay a file and print the table of latencies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    command = [sys.executable, "-m", "sunspec_tui", "stream", "--source", str(options.file), "--port", "0", "--wait"]
    command += ["--speed", str(options.speed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as producer:
        assert producer.stdout is not None
        port = next(int(line.rsplit(":", 1)[1].split()[0]) for line in producer.stdout if "127.0.0.1:" in line)
        drain = threading.Thread(target=producer.stdout.read)
        drain.start()
        with StreamReceiver(stream_port=port, plot_interval=0) as receiver:
            seen = FirstSeen(receiver)
            receiver.bursts.board.listeners.add(seen.note)
            producer.wait()
        drain.join()
    print(
        "| begin | end | MHz | type | dB | listed after, s | with this type after, s |\n|---|---|---|---|---|---|---|"
    )
    for burst in receiver.bursts.board.bursts:
        if not burst.is_wrong:
            print(seen.row(burst))


if __name__ == "__main__":
    main()
