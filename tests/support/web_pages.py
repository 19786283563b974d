"""Rows that a test sends to a page."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from publishers import Publisher, block_time, message

from sunspec_tui.receiver import StreamReceiver

NCHAN = 256
GRAY = "#palette=gray&auto=0&floor=0&ceiling=30&height=128"


def send(publisher: Publisher, n: int, power: ArrayLike = 10.0, *, seq: int | None = None, **keys: Any) -> None:
    """Send frame `n` with one power, or one for each channel."""
    data = np.broadcast_to(np.asarray(power, np.float32), (1, NCHAN, 4)).copy()
    publisher.send(message(data, last_block_time=block_time(n), seq=n if seq is None else seq, interval=0.25, **keys))


def fill(fed_web: tuple[Publisher, StreamReceiver, str], count: int = 128, power: ArrayLike = 10.0) -> str:
    """Send frames, wait for them and return the web view's address."""
    publisher, receiver, url = fed_web
    for n in range(count):
        send(publisher, n, power)
    assert receiver.wait_for_frames(count, 20)
    return url
