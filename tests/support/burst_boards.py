"""A receiver's web view with bursts that a test adds."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from webs import served

from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.receiver import StreamReceiver

BEGIN_S = 1_780_857_690.0
"""2026-06-07 18:41:30 UTC."""


def burst(name: str, after_s: float = 0.0, **numbers: Any) -> Burst:
    """Type III of five seconds, some seconds after `BEGIN_S`."""
    begin_s = BEGIN_S + after_s
    values = {
        "begin_s": begin_s, "peak_s": begin_s + 2, "end_s": begin_s + 5, "low_mhz": 20.0, "high_mhz": 60.0,
        "type": BurstType.III, "confidence": 0.8, "peak_db": 3.0, **numbers,
    }  # fmt: skip
    return Burst(name, **values)


@contextmanager
def served_bursts(port: int = 1, **options: Any) -> Iterator[tuple[BurstBoard, StreamReceiver, str]]:
    """Serve bursts; yield board, receiver and address."""
    with served(port, **options) as (receiver, url):
        yield receiver.bursts.board, receiver, url
