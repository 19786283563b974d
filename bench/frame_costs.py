"""Measure the costs of a frame.

These are its own work, the receiving thread compared with a bare loop, collections, and bad values.

Only names that every revision since fddcabe has, so that each can be measured.
"""

import logging
import statistics
import time
from collections.abc import Callable

import numpy as np
from homes import DelayChoice, DelayMethod, FrameIngester, average_channels, decode, ingest, on_message
from hot_path import bare, messages, rate

from sunspec_tui import StreamReceiver

FRAMES, ROUNDS, RATE_FRAMES, RATE_ROUNDS = 500, 40, 20_000, 3
RECORDER_LACKS = ("seq", "interval", "chan0")


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures of this subject.

    They are microseconds of processor time, and shares of rates.
    """
    logging.getLogger("sunspec_tui").setLevel(logging.ERROR)
    made = messages(FRAMES)
    rounds = ROUNDS // (4 if quick else 1)
    with np.errstate(invalid="ignore", over="ignore"):
        found = {
            "own_us": own_us(made, rounds),
            "recorder_us": own_us([without(parts, RECORDER_LACKS) for parts in made], rounds),
            "bad_row_us": bad_row_us(rounds),
            "collected_us": handled_us(made, rounds, gc_interval=100),
            "uncollected_us": handled_us(made, rounds, gc_interval=0),
        }
    found["collected_share"] = found["collected_us"] / found["uncollected_us"]
    if not quick:
        found["rate_share"] = rate_share()
    return found


def without(parts: list[bytes], keys: tuple[str, ...]) -> list[bytes]:
    """Return a message as the deployed recorder sends it, without some keys."""
    import json

    header = {key: value for key, value in json.loads(parts[1]).items() if key not in keys}
    return [parts[0], json.dumps(header).encode(), parts[2]]


def least_us(work: Callable[[], None], rounds: int, count: int = FRAMES) -> float:
    """Return the processor time of one frame.

    It is that of the fastest round of `count` frames, because other processes only slow it down.
    """
    work()
    best_s = min(timed_s(work) for _ in range(rounds))
    return best_s / count * 1e6


def timed_s(work: Callable[[], None]) -> float:
    """Return the processor time of a call."""
    begun_s = time.thread_time()
    work()
    return time.thread_time() - begun_s


def own_us(made: list[list[bytes]], rounds: int) -> float:
    """Time of a frame from decoding to the delay."""
    intake = FrameIngester(1200, 4, 560, 0, DelayChoice(DelayMethod.AUTO))

    take = ingest(intake)

    def work() -> None:
        for number, parts in enumerate(made):
            frame = decode(parts)
            take(frame, frame.sent_s + 0.01, number * 0.25)

    return least_us(work, rounds)


def handled_us(made: list[list[bytes]], rounds: int, *, gc_interval: int) -> float:
    """Measure a frame in the receiver with garbage collections.

    They run after the given number of frames.
    """
    receiver = StreamReceiver(plot_interval=0, gc_interval=gc_interval)

    take = on_message(receiver)

    def work() -> None:
        for parts in made:
            take(parts)

    return least_us(work, rounds)


def bad_row_us(rounds: int) -> float:
    """Time to average a row with a value that is not finite."""
    spectrum = np.ones((3072, 4), np.float32)
    spectrum[5, 2] = np.nan
    row = np.empty((768, 4), np.float32)

    def work() -> None:
        for _ in range(FRAMES):
            average_channels(spectrum, 4, row)

    return least_us(work, rounds)


def rate_share() -> float:
    """Compare the receiving thread's rate with a bare loop's.

    Both use real sockets. Return the ratio.
    """
    made = messages(RATE_FRAMES)
    return statistics.median(rate(made, received) / rate(made, bare) for _ in range(RATE_ROUNDS))


def received(port: int, count: int) -> None:
    """Receive frames with the whole receiver."""
    with StreamReceiver(stream_port=port, plot_interval=0, gc_interval=0) as receiver:
        receiver.wait_for_frames(count, 60)
