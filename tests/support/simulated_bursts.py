"""Simulate hours of rows with bursts of known kind, strength and drift.

The background is that of the simulated Sun: galactic noise, quiet Sun, bandpass and radiometer noise, in bins of twelve
channels and in I alone. Disturbances are drawn too, and may lie on bursts. All values depend only on the seed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, bin_frequencies_hz
from sunspec_tui.producer.simulated_sun import NCHAN
from sunspec_tui.producer.sky_model import QUIET_SUN_K, Burst, galactic_k, type_ii, type_iii_delay_s

CADENCE_S, CHUNK_ROWS = 0.25, 240
CHANNELS_PER_BIN = 12
FREQUENCIES_HZ = bin_frequencies_hz(560, NCHAN, CHANNELS_PER_BIN)
MHZ = FREQUENCIES_HZ / 1e6
NBINS, BINS_PER_PIPELINE = len(MHZ), len(MHZ) // 32
BACKGROUND_K = galactic_k(MHZ) + QUIET_SUN_K
NOISE = 1 / math.sqrt(CHANNELS_PER_BIN * CHANNEL_WIDTH_HZ * CADENCE_S)
START_S = 1_780_000_000.0
STRENGTHS_DB = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A simulated burst.

    Attributes
    ----------
    kind
        Its type.
    strength_db
        Decibels over the background at its peak.
    begin_s, end_s
        First and last time at which three bins have a quarter of the peak, seconds after the start.
    low_mhz, high_mhz
        Band in which it has half of the peak.
    drift_mhz_s
        Its drift at a frequency; None for a kind without drift.
    kelvin
        Its temperature at some times, shape (n, bins).
    """

    kind: BurstType
    strength_db: float
    begin_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    drift_mhz_s: Callable[[float], float] | None = field(repr=False)
    kelvin: Callable[[Floats], Floats] = field(repr=False)


def of_strength(strength_db: float) -> Floats:
    """Return the temperatures that raise all bins by some decibels."""
    return BACKGROUND_K * (10 ** (strength_db / 10) - 1)


def truth(
    kind: BurstType,
    strength_db: float,
    length_s: tuple[float, float],
    kelvin: Callable[[Floats], Floats],
    drift: Callable[[float], float] | None = None,
) -> Truth:
    """Return a burst with its times and its band.

    Parameters
    ----------
    kind, strength_db, kelvin, drift
        As in `Truth`.
    length_s
        Interval that holds the burst.
    """
    times_s = np.arange(*length_s, CADENCE_S)
    excess_db = 10 * np.log10(1 + kelvin(times_s[:, np.newaxis]) / BACKGROUND_K)
    seen = np.flatnonzero((excess_db >= excess_db.max() / 4).sum(axis=1) >= 3)
    band = MHZ[(excess_db >= excess_db.max() / 2).any(axis=0)]
    edges = times_s[seen[0]], times_s[seen[-1]]
    return Truth(kind, strength_db, *map(float, (*edges, band[0], band[-1])), drift, kelvin)


# Kinds of bursts


def beam(start_s: float, strength_db: float, rng: np.random.Generator, drift_factor: float) -> Burst:
    """Return a type III burst, faster than usual by a factor."""
    start_mhz = rng.uniform(60, 120)
    decay_s = 10**7.7 * FREQUENCIES_HZ**-0.95
    peak_k = of_strength(strength_db) * np.clip((start_mhz - MHZ) / 4, 0, 1)
    return Burst(start_s, type_iii_delay_s(MHZ, start_mhz) / drift_factor, decay_s, peak_k, 0)


def single_iii(start_s: float, strength_db: float, rng: np.random.Generator) -> Truth:
    """Return a type III burst."""
    factor = rng.uniform(0.6, 1.6)
    burst = beam(start_s, strength_db, rng, factor)
    return truth(
        BurstType.III, strength_db, (start_s - 5, start_s + 60), burst.temperature_k, lambda f: -0.01 * f**1.84 * factor
    )


def group_iii(start_s: float, strength_db: float, rng: np.random.Generator) -> Truth:
    """Return a group of three to eight strokes within a minute."""
    factor = rng.uniform(0.6, 1.6)
    starts = start_s + np.cumsum(rng.uniform(1.5, 8, rng.integers(3, 9)))
    strokes = [beam(float(each), strength_db, rng, factor) for each in starts]

    def kelvin(times_s: Floats) -> Floats:
        return np.asarray(sum(each.temperature_k(times_s) for each in strokes))

    return truth(BurstType.GROUP, strength_db, (start_s - 5, start_s + 120), kelvin, lambda f: -0.01 * f**1.84 * factor)


def shock(start_s: float, strength_db: float, rng: np.random.Generator) -> Truth:
    """Return a type II burst with two lanes."""
    lanes = type_ii(start_s, MHZ, rng.uniform(700, 1400), of_strength(strength_db))

    def kelvin(times_s: Floats) -> Floats:
        return np.asarray(lanes[0].temperature_k(times_s) + lanes[1].temperature_k(times_s))

    def drift(frequency_mhz: float) -> float:
        rates = -1 / np.abs(np.gradient(lanes[1].delay_s, MHZ))
        return float(np.interp(frequency_mhz, MHZ, rates))

    return truth(BurstType.II, strength_db, (start_s - 20, start_s + 1500), kelvin, drift)


def continuum(start_s: float, strength_db: float, rng: np.random.Generator) -> Truth:
    """Return a continuum that rises and falls within ten minutes."""
    low, high = rng.uniform(25, 40), rng.uniform(60, 100)
    inside = 1 / (1 + np.exp(-(MHZ - low) / 2)) / (1 + np.exp((MHZ - high) / 2))
    peak_k, length_s = of_strength(strength_db) * inside, 600.0

    def kelvin(times_s: Floats) -> Floats:
        phase = np.clip((times_s - start_s) / length_s, 0, 1)
        return np.asarray(peak_k * np.sin(np.pi * phase) ** 2)

    return truth(BurstType.CONTINUUM, strength_db, (start_s, start_s + length_s), kelvin)


def noise_storm(start_s: float, strength_db: float, rng: np.random.Generator) -> Truth:
    """Return five minutes of short and narrow grains."""
    length_s, per_s = 300.0, 0.7
    count = int(length_s * per_s)
    times, middles = rng.uniform(0, length_s, count) + start_s, rng.uniform(52, 86, count)
    widths, lengths = rng.uniform(0.4, 1.2, count), rng.uniform(0.15, 0.5, count)
    heights_db = strength_db * rng.uniform(0.5, 1, count)

    def kelvin(times_s: Floats) -> Floats:
        at = np.ravel(times_s)
        total_db = np.zeros((len(at), NBINS))
        for n in np.flatnonzero((times > at[0] - 3) & (times < at[-1] + 3)):
            in_time = np.exp(-(((at - times[n]) / lengths[n]) ** 2))
            total_db += heights_db[n] * in_time[:, np.newaxis] * np.exp(-(((MHZ - middles[n]) / widths[n]) ** 2))
        return np.asarray(BACKGROUND_K * (10 ** (total_db / 10) - 1))

    return truth(BurstType.STORM, strength_db, (start_s, start_s + length_s), kelvin)


KINDS: dict[BurstType, tuple[Callable[[float, float, np.random.Generator], Truth], int]] = {
    BurstType.III: (single_iii, 20),
    BurstType.GROUP: (group_iii, 6),
    BurstType.II: (shock, 3),
    BurstType.CONTINUUM: (continuum, 3),
    BurstType.STORM: (noise_storm, 2),
}
"""Makers of bursts, and the number of bursts of each strength in a day."""


def bursts_of_day(seed: int, hours: float) -> list[Truth]:
    """Return bursts of all kinds and strengths at random times.

    There are pauses between them. A shorter day has the same share of each.
    """
    rng = np.random.default_rng([seed, 1])
    drawn = [(make, strength) for make, count in KINDS.values() for strength in STRENGTHS_DB for _ in range(count)]
    rng.shuffle(drawn)
    # What a day has no room for is left out.
    found, time_s, pause_s = list[Truth](), 600.0, 45.0
    for make, strength in drawn:
        burst = make(time_s + pause_s + rng.exponential(60.0), strength, rng)
        time_s = burst.end_s
        if time_s > hours * 3600 - 60:
            break
        found.append(burst)
    return found


# Disturbances


@dataclass(frozen=True)
class Disturbances:
    """Gain, interference and faults, drawn for some hours.

    Attributes
    ----------
    steps
        Rows at which the gain steps, and the step of each bin in decibels.
    columns
        Rows of lightning, and their temperatures.
    deaths
        First and last row, bins and factor of dead pipelines.
    """

    steps: Sequence[tuple[int, Floats]]
    columns: Sequence[tuple[int, Floats]]
    deaths: Sequence[tuple[int, int, slice, float]]
    seed: int

    def gain(self, rows: NDArray[np.int64]) -> Floats:
        """Return the factor of the power of rows, shape (n, bins)."""
        seconds = rows[:, np.newaxis] * CADENCE_S
        # Half a decibel an hour, up and down; fringes of half a decibel from peak to peak.
        drift_db = 0.5 * (2 / math.pi) * np.arcsin(np.sin(seconds / 3600 * math.pi / 2))
        fringe_db = 0.25 * np.sin(2 * math.pi * (MHZ / 14 + seconds / 1300))
        steps_db = sum(((rows >= row)[:, np.newaxis] * step for row, step in self.steps), np.zeros((1, NBINS)))
        return np.asarray(10 ** ((drift_db + fringe_db + steps_db) / 10))

    def kelvin(self, rows: NDArray[np.int64]) -> Floats:
        """Return the temperature of interference, shape (n, bins)."""
        seconds = rows * CADENCE_S
        total = np.zeros((len(rows), NBINS))
        total[:, np.searchsorted(MHZ, (27.1, 54.3))] += 6e4
        for number, mhz in enumerate((34.6, 49.9, 62.4)):
            is_on = np.random.default_rng([self.seed, 4, number, int(seconds[0] // 40)]).random() < 0.3
            total[:, np.searchsorted(MHZ, mhz)] += 3e4 * is_on
        # An ionosonde sweeps from 20 to 35 MHz every five minutes.
        sounder_mhz = 20 + 0.1 * (seconds % 300)
        is_on = sounder_mhz < 35
        total[is_on, np.searchsorted(MHZ, sounder_mhz[is_on])] += 2e5
        for row, column in self.columns:
            if rows[0] <= row <= rows[-1]:
                total[row - rows[0]] += column
        return total

    def end_pipelines(self, rows: NDArray[np.int64], power: NDArray[np.float32]) -> None:
        """Change the power of pipelines that are dead."""
        for first, last, bins, factor in self.deaths:
            power[(rows >= first) & (rows <= last), bins] *= np.float32(factor)


QUIET = Disturbances((), (), (), 0)


def disturbances_of_day(seed: int, hours: float) -> Disturbances:
    """Draw disturbances: steps, lightning and pipelines that die."""
    rng = np.random.default_rng([seed, 2])
    nrows = int(hours * 3600 / CADENCE_S)
    return Disturbances(
        [_step(rng, nrows) for _ in range(round(0.7 * hours))],
        [_column(rng, nrows) for _ in range(round(20 * hours))],
        [_death(rng, nrows) for _ in range(round(2 * hours))],
        seed,
    )


def _step(rng: np.random.Generator, nrows: int) -> tuple[int, Floats]:
    """Draw a step of the gain: parts go up or down."""
    signs = np.repeat(rng.choice([-1, 1], 16), NBINS // 16)
    return int(rng.integers(nrows)), signs * rng.uniform(1, 2.5)


def _column(rng: np.random.Generator, nrows: int) -> tuple[int, Floats]:
    """Draw a lightning: a row that is bright in all bins."""
    return int(rng.integers(nrows)), of_strength(rng.uniform(3, 15)) * (MHZ / 40) ** -rng.uniform(0, 2)


def _death(rng: np.random.Generator, nrows: int) -> tuple[int, int, slice, float]:
    """Draw a pipeline that is dead for one to ten minutes."""
    first, number = int(rng.integers(nrows)), int(rng.integers(32))
    bins = slice(number * BINS_PER_PIPELINE, (number + 1) * BINS_PER_PIPELINE)
    return first, first + int(rng.uniform(240, 2400)), bins, float(rng.choice([0.01, 0.0, np.nan]))


def rows_of_day(
    bursts: Sequence[Truth], disturbances: Disturbances, seed: int, hours: float
) -> Iterator[tuple[Floats, NDArray[np.float32]]]:
    """Yield the rows of a minute: times and power.

    The times have shape (n,), the power (n, bins, 1).
    """
    for first in range(0, int(hours * 3600 / CADENCE_S), CHUNK_ROWS):
        rows = np.arange(first, first + CHUNK_ROWS)
        seconds = rows * CADENCE_S
        kelvin = BACKGROUND_K + (0 if disturbances is QUIET else disturbances.kelvin(rows))
        for burst in bursts:
            if burst.begin_s - 30 <= seconds[-1] and seconds[0] <= burst.end_s + 120:
                kelvin = kelvin + burst.kelvin(seconds[:, np.newaxis])
        noise = np.random.default_rng([seed, 3, first]).standard_normal((CHUNK_ROWS, NBINS), np.float32)
        power = (kelvin * disturbances.gain(rows) * (1 + NOISE * noise)).astype(np.float32)
        disturbances.end_pipelines(rows, power)
        # A time is that of a row's end.
        yield START_S + seconds + CADENCE_S, power[..., np.newaxis]
