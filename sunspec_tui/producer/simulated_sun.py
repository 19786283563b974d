"""Simulate a recorder's spectra: Sun, bursts, interference, noise and bandpass.

It has galactic background, quiet Sun, type III and type II bursts, interference lines and the bandpass of 32 pipelines,
with radiometer noise on all four products. All values depend only on the seed. Bursts are drawn separately for each
minute of data time, so that the sky at any moment does not depend on where the simulation began.
"""

import math
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import (
    CHANNEL_WIDTH_HZ,
    CHANNELS_PER_PIPELINE,
    CLOCK_HZ,
    TICKS_PER_SPECTRUM,
    channel_frequencies_hz,
)
from sunspec_tui.core.known_carriers import CARRIERS_MHZ
from sunspec_tui.core.times import unix_to_tag
from sunspec_tui.producer.ring_feeder import SourceSequence
from sunspec_tui.producer.sky_model import QUIET_SUN_K, Burst, galactic_k, type_ii, type_iii

NCHAN, NPOL = 3072, 4
MINUTE_S = 60.0
# A shock weakens to 1 K within 970 s, and its lanes fade for 108 s more.
_LONGEST_BURST_S = 1100.0
# Carriers of the axis check: half of them are steady; the others, and two unknown lines, are intermittent.
_STEADY_MHZ = CARRIERS_MHZ[1::2]
_INTERMITTENT_MHZ = (*CARRIERS_MHZ[::2], 34.6, 49.9)
_GAIN_PER_K = 1e-3


class SimulatedSun:
    """Source of simulated spectra without an end.

    Parameters
    ----------
    seed
        Seed of all random numbers.
    chan0
        First channel.
    navg
        Spectra of 8192 ticks averaged into one; with the recorder's 24, the same frames would need 25 times the work
        of the default, because each frame averages its spectra again.
    ntime_gulp
        Spectra per gulp.
    clock
        Wall clock, read once when the sequence begins.
    """

    def __init__(
        self,
        seed: int = 0,
        chan0: int = 560,
        *,
        navg: int = 600,
        ntime_gulp: int = 10,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ntime_gulp = ntime_gulp
        self.frames_as_recorded = False
        self.spectrum_s = navg * TICKS_PER_SPECTRUM / CLOCK_HZ
        self._seed, self._chan0, self._navg = seed, chan0, navg
        self._clock = clock
        self._start_s: float | None = None
        # Power laws have no value at channel 0, and nothing is received below 1 MHz.
        self._mhz = np.maximum(channel_frequencies_hz(chan0, NCHAN) / 1e6, 1.0)
        self._background_k = galactic_k(self._mhz) + QUIET_SUN_K
        self._gain = _bandpass(self._mhz, np.random.default_rng([seed, 1])) * _GAIN_PER_K
        # Radiometer equation: sigma / T = 1 / sqrt(bandwidth * time).
        self._noise = np.float32(1 / math.sqrt(CHANNEL_WIDTH_HZ * self.spectrum_s))

    def header(self, shift_s: float = 0.0) -> dict[str, Any]:
        """Return the header of a sequence that begins `shift_s` after the first."""
        if self._start_s is None:
            self._start_s = self._clock()
        return {
            "time_tag": unix_to_tag(self._start_s + shift_s),
            "chan0": self._chan0,
            "navg": self._navg,
            "nbeam": 1,
            "nchan": NCHAN,
            "npol": NPOL,
        }

    def sequences(self, shift_s: float = 0.0) -> Iterator[SourceSequence]:
        """Yield one sequence without an end."""
        yield SourceSequence(0.0, self.header(shift_s), self.gulps(), self.spectrum_s)

    def gulps(self) -> Iterator[NDArray[np.float32]]:
        """Yield power of shape (ntime, 1, 3072, 4) without an end."""
        rng = np.random.default_rng([self._seed, 2])
        number = 0
        while True:
            time_s = (number + 0.5) * self.ntime_gulp * self.spectrum_s
            yield self._gulp(time_s, rng)
            number += 1

    def mean_spectrum(self, time_s: float) -> NDArray[np.float64]:
        """Compute the power without noise, shape (3072, 4), `time_s` after the beginning."""
        burst_k, circular_k = np.zeros(NCHAN), np.zeros(NCHAN)
        for burst in self.bursts_at(time_s):
            temperature_k = burst.temperature_k(time_s)
            burst_k += temperature_k
            circular_k += burst.circular * temperature_k
        total = (self._background_k + burst_k + self._interference_k(time_s)) * self._gain
        # XX and YY differ by a few percent of gain; V = Im(XY*), U a leakage of 2 %.
        return np.stack([total, total * 0.96, 0.02 * total, circular_k * self._gain], axis=-1)

    def _gulp(self, time_s: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """Compute one gulp.

        Within its quarter of a second only the noise changes.
        """
        mean = self.mean_spectrum(time_s).astype(np.float32)
        cross = np.sqrt(mean[:, 0] * mean[:, 1] / 2)
        sigma = np.stack([mean[:, 0], mean[:, 1], cross, cross], axis=-1) * self._noise
        gulp = rng.standard_normal((self.ntime_gulp, NCHAN, NPOL), np.float32)
        gulp *= sigma
        gulp += mean
        return gulp[:, None]

    def bursts_at(self, time_s: float) -> list[Burst]:
        """Return the bursts that are visible at a time."""
        last = int(time_s // MINUTE_S)
        first = max(0, int((time_s - _LONGEST_BURST_S) // MINUTE_S))
        bursts = (burst for minute in range(first, last + 1) for burst in self.bursts_of_minute(minute))
        return [burst for burst in bursts if burst.visible_s[0] <= time_s <= burst.visible_s[1]]

    @lru_cache(maxsize=32)  # noqa: B019 - a source lives as long as its program
    def bursts_of_minute(self, minute: int) -> tuple[Burst, ...]:
        """Draw the bursts of one minute: two to four of type III.

        Every fourth minute, one of type II.
        """
        rng = np.random.default_rng([self._seed, 3, minute])
        bursts = []
        for n in range(int(rng.integers(2, 5))):
            start_s = minute * MINUTE_S + (6 + 15 * n) + rng.uniform(-3, 3)
            peak_k, circular = 10 ** rng.uniform(3.5, 5.2), rng.uniform(-0.35, 0.35)
            bursts.append(type_iii(start_s, self._mhz, rng.uniform(60, 120), peak_k, circular))
        if minute % 4 == 1:
            bursts += type_ii(minute * MINUTE_S + rng.uniform(0, 20), self._mhz, rng.uniform(800, 1400), 3e4)
        return tuple(bursts)

    def _interference_k(self, time_s: float) -> NDArray[np.float64]:
        """Compute narrow lines, steady and intermittent ones.

        Intermittent lines change every few seconds.
        """
        lines = np.zeros(NCHAN)
        random = np.random.default_rng([self._seed, 4, int(time_s // 4)])
        for mhz, peak_k, on in (
            *((mhz, 6e4, True) for mhz in _STEADY_MHZ),
            *((mhz, 3e4, random.random() < 0.3) for mhz in _INTERMITTENT_MHZ),
        ):
            channel = round(mhz * 1e6 / CHANNEL_WIDTH_HZ) - self._chan0
            if on and 0 <= channel < NCHAN:
                lines[channel] = peak_k
        return lines


def _bandpass(frequencies_mhz: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Compute the gain of antenna and pipelines.

    The antenna fades below 20 MHz and above 83; pipelines have 96 channels.
    """
    rise = 1 / (1 + np.exp(-(frequencies_mhz - 18) / 1.5))
    fall = 1 / (1 + np.exp((frequencies_mhz - 84) / 1.0))
    pipeline = np.arange(len(frequencies_mhz)) // CHANNELS_PER_PIPELINE
    steps = rng.normal(1, 0.03, int(pipeline[-1]) + 1)[pipeline]
    within = np.arange(len(frequencies_mhz)) % CHANNELS_PER_PIPELINE / (CHANNELS_PER_PIPELINE - 1)
    return np.asarray((0.02 + rise * fall) * steps * (1 - 0.04 * (2 * within - 1) ** 8))
