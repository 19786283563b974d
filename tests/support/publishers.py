"""Messages and producers that tests send."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import zmq

from sunspec_tui.cli.producer_setup import make_faults, make_producer, make_source
from sunspec_tui.core.settings import StreamSettings


@contextmanager
def producing(**options: Any) -> Iterator[int]:
    """Start a producer in this process; yield its port.

    The settings are those of ``sunspec-tui stream``.
    """
    given = StreamSettings(port=0, **options)
    with ExitStack() as started:
        op, _ = make_producer(started, make_source(given), given, make_faults(given))
        port = op.bind()
        thread = threading.Thread(target=op.main)
        thread.start()
        started.callback(thread.join)
        started.callback(op.shutdown)
        yield port


def header_of(data: np.ndarray, **keys: Any) -> dict[str, Any]:
    """Return a header as the newest producer writes it.

    A key that is set to None is left out.
    """
    nbeam, nchan, npol = data.shape[-3:]
    header = {
        "time_tag": 344176543210000000,
        "nbeam": nbeam,
        "nchan": nchan,
        "npol": npol,
        "timestamp": f"{time.time():.6f}",
        "last_block_time": "2025-08-18 21:34:54.787341",
        "data_shape": list(data.shape),
        "data_type": "<f4",
    } | keys
    return {key: value for key, value in header.items() if value is not None}


def block_time(n: int, cadence_s: float = 0.25) -> str:
    """``last_block_time`` of the n-th frame of a test."""
    return str(np.datetime64("2025-08-18T21:34:54.000000") + np.timedelta64(round(n * cadence_s * 1e6), "us"))


def message(data: np.ndarray, **keys: Any) -> list[bytes]:
    """A message with the payload `data`, shape (nbeam, nchan, npol)."""
    return [b"data", json.dumps(header_of(data, **keys)).encode(), data.astype("<f4").tobytes()]


class Publisher:
    """A producer under a test's control, on a free loopback port."""

    def __init__(self, port: int = 0) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.bind(f"tcp://127.0.0.1:{port or '*'}")
        self.port = int(self._socket.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])

    def wait_for_subscriber(self) -> None:
        assert self._socket.poll(10_000), "nobody has subscribed"
        self._socket.recv()

    def send(self, parts: list[bytes]) -> None:
        self._socket.send_multipart(parts)

    def close(self) -> None:
        self._context.destroy(linger=1000)
