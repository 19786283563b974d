"""Compute the radio sky: galactic background, quiet Sun and bursts.

Formulas without random numbers and clocks. Temperatures are antenna temperatures in kelvin, frequencies are in MHz,
and times in seconds. Each formula has its source.
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
    """Compute the galactic background.

    It is 180 K (f / 180 MHz)^-2.6 (Furlanetto, Oh and Briggs 2006).
    """
    return np.asarray(180.0 * (frequencies_mhz / 180.0) ** -2.6)


def type_iii_delay_s(frequencies_mhz: Floats, start_mhz: float) -> Floats:
    """Compute a type III burst's drift time from `start_mhz`.

    It is the integral of the drift rate df/dt = -0.01 f^1.84 MHz/s of Alvarez and Haddock (1973).
    """
    return np.asarray((frequencies_mhz**-0.84 - start_mhz**-0.84) / (0.01 * 0.84))


def plasma_mhz(height: Floats) -> Floats:
    """Compute the plasma frequency at a distance in solar radii.

    The density model is that of Newkirk (1961).

    n = 4.2e4 * 10^(4.32 / r) per cubic centimetre, f = 8.98e-3 sqrt(n) MHz.
    """
    return np.asarray(8.98e-3 * np.sqrt(4.2e4 * 10 ** (4.32 / height)))


def type_ii_delay_s(frequencies_mhz: Floats, start_mhz: float, speed_km_s: float) -> Floats:
    """Compute a shock's drift time from `start_mhz` to each frequency.

    The shock emits at the plasma frequency.
    """
    plasma = plasma_mhz(NEWKIRK_HEIGHTS)[::-1]
    heights = np.interp(frequencies_mhz, plasma, NEWKIRK_HEIGHTS[::-1])
    start = np.interp(start_mhz, plasma, NEWKIRK_HEIGHTS[::-1])
    return np.asarray((heights - start) * SOLAR_RADIUS_KM / speed_km_s)


@dataclass(frozen=True)
class Burst:
    """Burst with its delay, duration and brightness at each channel.

    Attributes
    ----------
    start_s
        Its beginning, seconds of data time.
    delay_s
        Time from its beginning until it reaches each channel, shape (nchan,).
    width_s
        Its duration at each channel, shape (nchan,).
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
        """First and last moment with a few kelvin in any channel."""
        visible = self.peak_k > 1
        if not visible.any():
            return np.inf, -np.inf
        delay, width = self.delay_s[visible], self.width_s[visible]
        return float(self.start_s + (delay - width).min()), float(self.start_s + (delay + 12 * width).max())

    def temperature_k(self, time_s: float) -> Floats:
        """Compute the temperature at one time.

        Each channel has a fast rise and a slow exponential decay.
        """
        age = (time_s - self.start_s - self.delay_s) / self.width_s
        return np.asarray(self.peak_k * np.where(age < 0, np.exp(-((age * 4) ** 2)), np.exp(-np.maximum(age, 0))))


def type_iii(start_s: float, frequencies_mhz: Floats, start_mhz: float, peak_k: float, circular: float) -> Burst:
    """Return a type III burst.

    It decays to 1/e within 10^7.7 f(Hz)^-0.95 s (Alvarez and Haddock 1973, their second paper).
    """
    inside = np.clip((start_mhz - frequencies_mhz) / 4, 0, 1)
    decay_s = 10**7.7 * (frequencies_mhz * 1e6) ** -0.95
    return Burst(start_s, type_iii_delay_s(frequencies_mhz, start_mhz), decay_s, peak_k * inside, circular)


def type_ii(start_s: float, frequencies_mhz: Floats, speed_km_s: float, peak_k: float) -> list[Burst]:
    """Return the two lanes of a type II burst.

    They are at the plasma frequency and its harmonic, from 45 and 90 MHz down.

    The shock weakens over about ten minutes; otherwise its harmonic would cross the band for half an hour.
    """
    lanes = []
    for harmonic, share in ((1, 0.6), (2, 1.0)):
        plasma = frequencies_mhz / harmonic
        inside = np.clip((45 - plasma) / 2, 0, 1)
        delay = type_ii_delay_s(plasma, 45.0, speed_km_s)
        weakening = np.exp(-((delay / TYPE_II_LIFE_S) ** 2))
        lanes.append(Burst(start_s, delay, np.full(len(plasma), 9.0), peak_k * share * inside * weakening, 0.1))
    return lanes
