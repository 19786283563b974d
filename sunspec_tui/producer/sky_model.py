"""The simulated Sun and its surroundings: formulas, no random numbers and no clock.

Temperatures are in kelvin as an antenna would see them; frequencies in MHz; times in seconds. Each formula
names where it was published.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

QUIET_SUN_K = 800.0
"""Quiet Sun in a beam much wider than the disc: 1e6 K diluted about a thousandfold."""

NEWKIRK_HEIGHTS = np.linspace(1.05, 6.0, 2000)
"""Distances from the Sun's centre, in solar radii, at which the density model is tabulated."""

SOLAR_RADIUS_KM = 696_000.0

TYPE_II_LIFE_S = 300.0
"""Time in which a shock's emission weakens to 1/e; to 1/e^4 in ten minutes."""


def galactic_k(frequencies_mhz: Floats) -> Floats:
    """Galactic background: 180 K (f / 180 MHz)^-2.6, as Furlanetto, Oh and Briggs (2006) give it."""
    return np.asarray(180.0 * (frequencies_mhz / 180.0) ** -2.6)


def type_iii_delay_s(frequencies_mhz: Floats, start_mhz: float) -> Floats:
    """When a type III burst that starts at `start_mhz` reaches each frequency.

    The drift rate df/dt = -0.01 f^1.84 MHz/s of Alvarez and Haddock (1973), integrated.
    """
    return np.asarray((frequencies_mhz**-0.84 - start_mhz**-0.84) / (0.01 * 0.84))


def plasma_mhz(height: Floats) -> Floats:
    """Plasma frequency at a distance in solar radii, in the density model of Newkirk (1961).

    n = 4.2e4 * 10^(4.32 / r) per cubic centimetre, f = 8.98e-3 sqrt(n) MHz.
    """
    return np.asarray(8.98e-3 * np.sqrt(4.2e4 * 10 ** (4.32 / height)))


def type_ii_delay_s(frequencies_mhz: Floats, start_mhz: float, speed_km_s: float) -> Floats:
    """When a shock that emits at the plasma frequency, at `start_mhz` first, reaches each frequency."""
    plasma = plasma_mhz(NEWKIRK_HEIGHTS)[::-1]
    heights = np.interp(frequencies_mhz, plasma, NEWKIRK_HEIGHTS[::-1])
    start = np.interp(start_mhz, plasma, NEWKIRK_HEIGHTS[::-1])
    return np.asarray((heights - start) * SOLAR_RADIUS_KM / speed_km_s)


@dataclass(frozen=True)
class Burst:
    """A burst: when it reaches each channel, how bright it is and how it is polarised.

    Attributes
    ----------
    start_s
        When it begins, seconds of data time.
    delay_s
        When it reaches each channel after that, shape (nchan,).
    width_s
        How long it lasts at each channel, shape (nchan,).
    peak_k
        Peak temperature, shape (nchan,).
    circular
        V / I, from -1 to 1.
    """

    start_s: float
    delay_s: Floats
    width_s: Floats
    peak_k: Floats
    circular: float

    @cached_property
    def visible_s(self) -> tuple[float, float]:
        """First and last moment at which any channel shows more than a few kelvin of it."""
        lit = self.peak_k > 1
        if not lit.any():
            return np.inf, -np.inf
        delay, width = self.delay_s[lit], self.width_s[lit]
        return float(self.start_s + (delay - width).min()), float(self.start_s + (delay + 12 * width).max())

    def temperature_k(self, time_s: float) -> Floats:
        """Temperature at one time: a fast rise and a slow exponential decay at every channel."""
        age = (time_s - self.start_s - self.delay_s) / self.width_s
        return np.asarray(self.peak_k * np.where(age < 0, np.exp(-((age * 4) ** 2)), np.exp(-np.maximum(age, 0))))


def type_iii(start_s: float, frequencies_mhz: Floats, start_mhz: float, peak_k: float, circular: float) -> Burst:
    """A type III burst; it decays to 1/e within 10^7.7 f(Hz)^-0.95 s (Alvarez and Haddock 1973, their second paper)."""
    inside = np.clip((start_mhz - frequencies_mhz) / 4, 0, 1)
    decay_s = 10**7.7 * (frequencies_mhz * 1e6) ** -0.95
    return Burst(start_s, type_iii_delay_s(frequencies_mhz, start_mhz), decay_s, peak_k * inside, circular)


def type_ii(start_s: float, frequencies_mhz: Floats, speed_km_s: float, peak_k: float) -> list[Burst]:
    """A type II burst: lanes at the plasma frequency and its harmonic, from 45 and 90 MHz down.

    The shock weakens over some ten minutes; otherwise its harmonic would cross the band for half an hour.
    """
    lanes = []
    for harmonic, share in ((1, 0.6), (2, 1.0)):
        plasma = frequencies_mhz / harmonic
        inside = np.clip((45 - plasma) / 2, 0, 1)
        delay = type_ii_delay_s(plasma, 45.0, speed_km_s)
        weakening = np.exp(-((delay / TYPE_II_LIFE_S) ** 2))
        lanes.append(Burst(start_s, delay, np.full(len(plasma), 9.0), peak_k * share * inside * weakening, 0.1))
    return lanes
