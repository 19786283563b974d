"""Bursts as values for tests."""

from dataclasses import replace
from typing import Any

from sunspec_tui.core.bursts import Burst, BurstType

T0 = 1_504_698_901.0  # 2017-09-06 11:55:01


def burst(begin_s: float = T0, end_s: float | None = None, **keys: Any) -> Burst:
    """Return a burst of type III; by default of 20 s."""
    last_s = begin_s + 20 if end_s is None else end_s
    made = Burst(f"b{begin_s:.0f}", begin_s, begin_s + 5, last_s, 30.0, 80.0, BurstType.III, 0.9, 12.5)
    return replace(made, **keys)
