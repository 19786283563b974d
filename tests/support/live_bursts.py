"""Bursts and detectors for tests of the live search."""

from collections.abc import Callable
from typing import Any

import numpy as np

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.times import parse_block_time

NOON_S = parse_block_time("2026-06-07 18:41:30.000000")
"""The Sun is high at OVRO-LWA."""

MIDNIGHT_S = parse_block_time("2026-06-07 08:00:00.000000")


def burst(name: str = "a", begin_s: float = NOON_S, lasts_s: float = 4.0, **values: Any) -> Burst:
    """Burst of type III; `values` override its numbers."""
    usual = {"type": BurstType.III, "confidence": 0.9, "peak_db": 8.0, "drift_mhz_s": -5.0, "drift_error_mhz_s": 0.25}
    return Burst(name, begin_s, begin_s + 1, begin_s + lasts_s, 25.0, 80.0, **(usual | values))


class StepDetector:
    """Detector of one burst while the first bin's power is high.

    It notes all calls. It raises an error while `fails` is true.
    """

    def __init__(self, frequencies_hz: np.ndarray, products: tuple, source: str) -> None:
        self.frequencies_hz, self.products, self.source = frequencies_hz, products, source
        self.times_s: list[float] = []
        self.is_closed = False
        self._open: Burst | None = None

    def feed(self, times_s: np.ndarray, data: np.ndarray) -> tuple[Burst, ...]:
        """Return the burst's changes; the power of a bad row is infinite."""
        if np.isinf(data).any():
            raise ValueError("a row is \x1b[31mbad")
        changes = []
        for time_s, power in zip(times_s.tolist(), data[:, 0, 0], strict=True):
            self.times_s.append(time_s)
            if power > 10:
                begin_s = self._open.begin_s if self._open else time_s
                self._open = burst(f"{begin_s:.2f}", begin_s, time_s - begin_s, is_open=True)
                changes.append(self._open)
            elif self._open:
                changes += self._end()
        return tuple(changes)

    def close(self) -> tuple[Burst, ...]:
        """End the burst."""
        self.is_closed = True
        return tuple(self._end()) if self._open else ()

    def _end(self) -> list[Burst]:
        ended, self._open = self._open, None
        return [burst(ended.name, ended.begin_s, ended.duration_s)]


class Detectors:
    """Factory that keeps the detectors that it has made."""

    def __init__(self) -> None:
        self.made: list[StepDetector] = []

    def __call__(self, frequencies_hz: np.ndarray, products: tuple, source: str) -> StepDetector:
        self.made.append(StepDetector(frequencies_hz, products, source))
        return self.made[-1]


class Rings:
    """Epochs that a test fills with rows of four bins."""

    def __init__(self, length: int = 1000, npol: int = 1) -> None:
        self._length, self.epochs = length, list[Epoch]()
        self.begin_epoch(npol)
        self.next_s = NOON_S

    def __call__(self) -> tuple[Epoch, ...]:
        return tuple(self.epochs)

    @property
    def ring(self) -> RingBuffer:
        """The ring that grows."""
        return self.epochs[-1].ring

    def begin_epoch(self, npol: int = 1, chan0: int = 560) -> None:
        """Begin an epoch, with the row numbers going on."""
        first = self.ring.count if self.epochs else 0
        ring = RingBuffer(self._length, 4, npol, first=first)
        self.epochs.append(Epoch(len(self.epochs), Axis(chan0, 16, 4, npol), ring, 0.25))

    def add(self, *powers: float, at: Callable[[float], float] = lambda time_s: time_s) -> None:
        """Add a row for each power, a quarter of a second apart."""
        for power in powers:
            row = np.full((4, self.ring.npol), power, np.float32)
            self.ring.append(row, at(self.next_s), self.ring.count)
            self.next_s += 0.25
