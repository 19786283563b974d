"""Generate a random stream from one seed.

It has valid frames, unusual frames and garbage.

Makes messages and the times at which they arrive; it keeps no socket.
"""

import json
import math
import random
from typing import Any

import fuzz_decode
import numpy as np

from sunspec_tui.core.times import format_block_time

START_S = 1_780_857_690.0
CADENCES_S = [0.25, 0.2508, 0.5136, 1.0272, 1e-6, 1e-3, 0.01, 60.0, 299.0, 301.0, 400.0, 600.0, 3600.0, 86_400.0, 4e6]
INTERVALS = [None, None, 0.25, 0.25, 1e-3, 300.0, 400.0, 86_400.0]
CHANNELS = [1, 2, 3, 4, 5, 8, 13, 64, 96, 97, 384, 768]
CHAN0 = [None, 0, 1, 272, 560, 560, 600, 1234, 999_999, 1_000_000]
STYLES = ["today", "today", "today", "no numbers", "no times", "bare"]
NANOSECONDS, FLOAT_MAX = 1e9, float(np.finfo(np.float32).max)


class OddStream:
    """Messages of one seed.

    Attributes
    ----------
    now_s, monotonic_s
        The receiver's two clocks, which pass as messages are made.
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._numbers = np.random.default_rng(seed)
        self.now_s, self.monotonic_s = START_S, 0.0
        self._data_s, self._seq, self._tag = START_S, 0, int(START_S) * 196_000_000
        self._shape, self._chan0 = (1, 96, 4), 560
        self._cadence_s, self._interval, self._style = 0.25, 0.25, "today"
        self._values, self._jitter = "sun", False
        self._run = 0

    def next(self) -> list[bytes]:
        """Return the next message and advance both clocks."""
        rng = self._rng
        self._wait()
        if rng.random() < 0.02:
            self._change()
        kind = rng.random()
        if kind < 0.03:
            return rng.choice(fuzz_decode.MAKERS)(rng)
        if kind < 0.05:
            return self._stray()
        self._go_on()
        return self._message(self._shape, self._chan0)

    def _wait(self) -> None:
        """Advance the clocks, usually correctly."""
        rng = self._rng
        passed_s = rng.choice([self._cadence_s, self._cadence_s, 0.0, 1e-4, rng.expovariate(1.0), 20.0])
        passed_s = min(passed_s, 1000.0)
        self.monotonic_s += passed_s
        self.now_s += passed_s
        if rng.random() < 0.005:
            self.now_s = START_S + rng.choice([0.0, -86_400.0, 86_400.0 * 365, 3.0, -1e9, 4.6e8])

    def _change(self) -> None:
        """Change the producer in a random way from now on."""
        rng = self._rng
        what = rng.randrange(8)
        if what == 0:
            self._shape = (rng.choice([1, 1, 2]), rng.choice(CHANNELS), rng.choice([1, 2, 4, 4]))
        elif what == 1:
            self._chan0 = rng.choice(CHAN0)
        elif what == 2:
            self._cadence_s = rng.choice(CADENCES_S)
            self._interval = rng.choice([*INTERVALS, self._cadence_s])
        elif what == 3:
            self._style = rng.choice(STYLES)
        elif what == 4:
            self._values = rng.choice(
                ["sun", "sun", "zero", "nan", "huge", "tiny", "mixed", "negative", "line", "dead", "one"]
            )
        elif what == 5:
            self._tag, self._seq = self._tag + rng.choice([1, 196_000_000, -5]), rng.choice([0, 0, 7, 2**62])
            self._tag = min(max(self._tag, 0), 2**63 - 1)
        elif what == 6:
            self._jitter = not self._jitter
        else:
            self._data_s = rng.choice([START_S, self.now_s, 946_684_801.0, 4_102_444_700.0, self._data_s - 3600])

    def _go_on(self) -> None:
        """Return the next frame.

        It is consecutive, after a gap, at the same time, or earlier.
        """
        rng = self._rng
        step = rng.choices([1, rng.randrange(2, 60), 0, -3, 10**7], [90, 5, 2, 2, 0.2])[0]
        self._seq = min(max(0, self._seq + (step if rng.random() < 0.97 else 1)), 2**63 - 1)
        self._data_s += step * self._cadence_s * (1 + (rng.uniform(-0.3, 0.3) if self._jitter else 0.0))
        if not 946_684_800.0 <= self._data_s < 4_102_444_800.0:
            self._data_s = START_S

    def _stray(self) -> list[bytes]:
        """Return a frame of another producer."""
        rng = self._rng
        shape = (1, rng.choice(CHANNELS), rng.choice([1, 2, 4]))
        return self._message(shape, rng.choice(CHAN0))

    def _message(self, shape: tuple[int, int, int], chan0: int | None) -> list[bytes]:
        rng = self._rng
        data = self._data(shape)
        kind = rng.choice(["<f4"] * 8 + ["<f8", ">f4", "<f2"])
        with np.errstate(over="ignore", invalid="ignore"):
            payload = data.astype(kind).tobytes()
        header: dict[str, Any] = {
            "time_tag": self._tag, "nbeam": shape[0], "nchan": shape[1], "npol": shape[2],
            "timestamp": self._sent(), "last_block_time": format_block_time(self._data_s), "data_shape": list(shape),
            "data_type": kind, "seq": self._seq, "chan0": chan0, "interval": self._interval,
        }  # fmt: skip
        if self._style in ("no numbers", "bare"):
            header["seq"] = header["interval"] = None
        if self._style in ("no times", "bare"):
            header["last_block_time"] = None
        if self._style == "bare":
            header["timestamp"] = header["time_tag"] = None
        if rng.random() < 0.01:
            header[rng.choice(fuzz_decode.KEYS)] = fuzz_decode.some_value(rng)
        return [b"data", json.dumps({key: each for key, each in header.items() if each is not None}).encode(), payload]

    def _sent(self) -> object:
        sent_s = self.now_s + self._rng.choice([-0.01, -0.01, 0.0, 0.4, -4000.0, 90.0])
        return self._rng.choice([f"{sent_s:.6f}", sent_s, round(sent_s * 1e3), round(sent_s * 1e6), f"{sent_s:.6f}"])

    def _data(self, shape: tuple[int, int, int]) -> np.ndarray:
        """Return the power of one frame in the current style."""
        made = self._numbers.gamma(80, 1 / 80, shape) * 1e3
        values = self._values
        if values == "mixed":
            odd = np.array([FLOAT_MAX, -FLOAT_MAX, 1e-45, math.nan, math.inf, -math.inf, 0.0, 1.0])
            made = self._numbers.choice(odd, shape)
        elif values == "line":
            made[:, shape[1] // 2] *= 1e30
        elif values == "dead":
            made[..., 0] = 0
        factors = {"zero": 0.0, "nan": math.nan, "huge": FLOAT_MAX / 2e3, "tiny": 1e-44, "negative": -1.0}
        if values == "one":
            return np.full(shape, 1.0)
        return made * factors.get(values, 1.0)
