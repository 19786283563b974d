"""Measure a frame between the socket and the ring.

It is compared with a bare pyzmq loop.
"""

import json
import logging
import multiprocessing
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import zmq
from homes import DelayChoice, DelayMethod, FrameIngester, decode, format_block_time, ingest

from sunspec_tui import StreamReceiver

FRAMES = 20_000
ROUNDS = 5


def messages(n: int, first: int = 0) -> list[list[bytes]]:
    """Return messages of 3072 channels, from number `first` on.

    They have 4 products, and are 0.25 s apart.
    """
    payload = np.random.default_rng(0).uniform(1, 2, (1, 3072, 4)).astype("<f4").tobytes()
    made = []
    for i in range(first, first + n):
        end_s = 1755552894.787341 + i * 0.25
        header = {
            "time_tag": 344088367378318836, "nbeam": 1, "nchan": 3072, "npol": 4, "timestamp": f"{end_s:.6f}",
            "last_block_time": format_block_time(end_s), "data_shape": [1, 3072, 4], "data_type": "<f4",
            "seq": i, "chan0": 560, "interval": 0.25,
        }  # fmt: skip
        made.append([b"data", json.dumps(header).encode(), payload])
    return made


def per_frame_us(work: Callable[[], None], n: int) -> float:
    """Median time of a frame over several rounds, in microseconds."""
    rounds = []
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        work()
        rounds.append((time.perf_counter() - begun_s) / n * 1e6)
    return statistics.median(rounds)


def own_work(made: list[list[bytes]]) -> None:
    """A frame's own work: decode, reduce, append, delay, health."""
    intake = FrameIngester(1200, 4, 560, 0, DelayChoice(DelayMethod.AUTO))
    decoded = [decode(parts) for parts in made]

    def decoding() -> None:
        for parts in made:
            decode(parts)

    take = ingest(intake)

    def taking() -> None:
        for i, frame in enumerate(decoded):
            take(frame, frame.sent_s + 0.01, i * 0.25)

    decode_us, take_us = per_frame_us(decoding, len(made)), per_frame_us(taking, len(made))
    print(f"own work per frame      {decode_us + take_us:6.1f} us  (decode {decode_us:.1f}, the rest {take_us:.1f})")


def rate(made: list[list[bytes]], receive: Callable[[int, int], None]) -> float:
    """Measure frames a second over a real socket.

    The sender has its own process.
    """
    context = multiprocessing.get_context("spawn")
    ours_end, theirs = context.Pipe()
    sender = context.Process(target=send, args=(theirs, len(made)))
    sender.start()
    port = ours_end.recv()
    begun_s = time.perf_counter()
    receive(port, len(made))
    seconds = time.perf_counter() - begun_s
    sender.join()
    return len(made) / seconds


def send(pipe: Connection, n: int) -> None:
    """Send as fast as it goes, once somebody listens."""
    made = messages(n)
    with zmq.Context() as context, context.socket(zmq.XPUB) as socket:
        socket.sndhwm = 0
        pipe.send(socket.bind_to_random_port("tcp://127.0.0.1"))
        socket.recv()
        for parts in made:
            socket.send_multipart(parts, copy=False)


def bare(port: int, n: int) -> None:
    """The least that can be done: receive and drop."""
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.rcvhwm = 0
        socket.subscribe(b"")
        socket.connect(f"tcp://127.0.0.1:{port}")
        for _ in range(n):
            socket.recv_multipart()


def ours(port: int, n: int) -> None:
    """The whole receiver."""
    with StreamReceiver(stream_port=port, plot_interval=0, gc_interval=0) as receiver:
        receiver.wait_for_frames(n, 60)


def throughput(made: list[list[bytes]]) -> None:
    """Compare the receiver's frame rate with a bare loop's, in pairs."""
    pairs = [(rate(made, bare), rate(made, ours)) for _ in range(5)]
    ratio = statistics.median(own / least for least, own in pairs)
    least, own = (statistics.median(values) for values in zip(*pairs, strict=True))
    print(f"frames/s on one socket  {own:6.0f}     bare pyzmq loop {least:.0f}, ratio {ratio:.2f}")


def main() -> None:
    """Print the table."""
    logging.getLogger("sunspec_tui").setLevel(logging.ERROR)
    made = messages(FRAMES)
    own_work(made)
    throughput(made)
