"""Electron density of the corona: heights and speeds of radio sources.

Radio bursts of types II and III are emitted near the local plasma frequency or its harmonic. A model of the density
gives the height of the source. Heights are distances from the Sun's centre in solar radii. Pure arithmetic.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SOLAR_RADIUS_KM = 695_700.0
"""Nominal solar radius (IAU 2015 Resolution B3)."""

_MHZ_PER_ROOT_DENSITY = 8.98e-3
_GRID_RSUN = np.geomspace(1.0, 250.0, 4000)
# Newkirk (1961), The Astrophysical Journal 133, 983: N = 4.2e4 * 10^(4.32 / r).
_NEWKIRK_CM3, _NEWKIRK_EXPONENT = 4.2e4, 4.32
# Saito, Poland and Munro (1977), Solar Physics 55, 121, background corona: N = 1.36e6 r^-2.14 + 1.68e8 r^-6.13.
_SAITO = ((1.36e6, -2.14), (1.68e8, -6.13))


class DensityModel(StrEnum):
    """Named model of the electron density."""

    NEWKIRK = "Newkirk"
    SAITO = "Saito"


def density_cm3(model: DensityModel, height_rsun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the electron density at some heights, in cm^-3.

    Below the Sun's surface it is NaN.
    """
    heights = np.asarray(height_rsun, np.float64)
    outside = np.where(heights >= 1.0, heights, np.nan)
    if model is DensityModel.NEWKIRK:
        return np.asarray(_NEWKIRK_CM3 * 10.0 ** (_NEWKIRK_EXPONENT / outside))
    return np.asarray(sum(factor * outside**power for factor, power in _SAITO))


def plasma_density_cm3(frequency_mhz: NDArray[np.float64], harmonic: int = 1) -> NDArray[np.float64]:
    """Return the electron density of a source, in cm^-3.

    It is NaN for a frequency that is not positive.

    Parameters
    ----------
    frequency_mhz
        Frequencies of the emission.
    harmonic
        1 for emission at the plasma frequency, 2 for its harmonic.
    """
    plasma_mhz = np.asarray(frequency_mhz, np.float64) / harmonic
    # f = sqrt(N e^2 / (4 pi^2 epsilon_0 m)) = 8.98e-3 MHz sqrt(N / cm^-3).
    positive_mhz = np.where(plasma_mhz > 0, plasma_mhz, np.nan)
    return np.asarray((positive_mhz / _MHZ_PER_ROOT_DENSITY) ** 2)


def height_rsun(model: DensityModel, frequency_mhz: NDArray[np.float64], harmonic: int = 1) -> NDArray[np.float64]:
    """Return the heights of sources, in solar radii from the Sun's centre.

    A source that is denser than the model's base, or thinner than the model at 250 solar radii, has no height (NaN).

    Parameters
    ----------
    model, frequency_mhz, harmonic
        The model, and what `plasma_density_cm3` needs.
    """
    density = plasma_density_cm3(frequency_mhz, harmonic)
    known = density_cm3(model, _GRID_RSUN)
    # Both axes are logarithmic: there, the models are nearly straight.
    found = np.interp(-np.log(density), -np.log(known), np.log(_GRID_RSUN), left=np.nan, right=np.nan)
    return np.asarray(np.exp(found))


def radial_speed_km_s(
    model: DensityModel, first: tuple[float, float], second: tuple[float, float], harmonic: int = 1
) -> float:
    """Return a source's radial speed from two points of its burst.

    It is positive away from the Sun, and NaN if a point has no height or both have one time.

    Parameters
    ----------
    model, harmonic
        As in `height_rsun`.
    first, second
        Time in seconds and frequency in MHz of two points.
    """
    (first_s, first_mhz), (second_s, second_mhz) = first, second
    if first_s == second_s:
        return float("nan")
    begin, end = height_rsun(model, np.array([first_mhz, second_mhz]), harmonic)
    return float((end - begin) * SOLAR_RADIUS_KM / (second_s - first_s))
