"""Drift ruler: what two points of a burst say about its source.

The densities, heights and speeds are those of a model of the corona (`core.corona`). Pure arithmetic.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sunspec_tui.core.corona import DensityModel, height_rsun, plasma_density_cm3, radial_speed_km_s
from sunspec_tui.tui.display.cursor_point import CursorPoint

SPEED_OF_LIGHT_KM_S = 299_792.458
_MODELS = tuple(DensityModel)


class Emission(NamedTuple):
    """Model of the density, and the harmonic of the emission.

    The harmonic is 1 at the plasma frequency (fundamental), 2 at twice the plasma frequency.
    """

    model: DensityModel = DensityModel.NEWKIRK
    harmonic: int = 1

    @property
    def harmonic_word(self) -> str:
        """Name of the harmonic."""
        return "fundamental" if self.harmonic == 1 else "harmonic"

    def with_next_model(self) -> "Emission":
        """Return the emission in the next model."""
        return self._replace(model=_MODELS[(_MODELS.index(self.model) + 1) % len(_MODELS)])

    def with_other_harmonic(self) -> "Emission":
        """Return the fundamental for the harmonic, and the reverse."""
        return self._replace(harmonic=3 - self.harmonic)


@dataclass(frozen=True, slots=True)
class Ruler:
    """Ruler with a first point; the second one is the cursor."""

    first: CursorPoint
    emission: Emission

    def with_emission(self, emission: Emission) -> "Ruler":
        """Return the ruler for another emission."""
        return replace(self, emission=emission)


class RulerReading(NamedTuple):
    """Numbers of a ruler; NaN where one is not defined.

    Attributes
    ----------
    emission
        Model and harmonic of the numbers.
    first, second
        The points in the order of time.
    drift_mhz_s
        Drift rate; NaN for points of the same time.
    density_cm3, height_rsun
        Electron density at these points, and distance from the Sun's centre in solar radii.
    speed_km_s
        Radial speed, positive away from the Sun.
    """

    emission: Emission
    first: CursorPoint
    second: CursorPoint
    drift_mhz_s: float
    density_cm3: tuple[float, float]
    height_rsun: tuple[float, float]
    speed_km_s: float

    @property
    def seconds(self) -> float:
        """Time from the first point to the second."""
        return self.second.time_s - self.first.time_s


def read_ruler(ruler: Ruler, second: CursorPoint) -> RulerReading:
    """Return the numbers of a ruler whose second point is known."""
    (first, second), emission = sorted((ruler.first, second)), ruler.emission
    seconds = second.time_s - first.time_s
    drift = (second.mhz - first.mhz) / seconds if seconds else float("nan")
    mhz = np.array([first.mhz, second.mhz])
    density = plasma_density_cm3(mhz, emission.harmonic)
    height = height_rsun(emission.model, mhz, emission.harmonic)
    speed = radial_speed_km_s(emission.model, first, second, emission.harmonic)
    return RulerReading(emission, first, second, drift, _pair(density), _pair(height), speed)


def _pair(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, float]:
    return float(values[0]), float(values[1])
