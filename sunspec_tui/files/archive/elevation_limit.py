"""Decide by the Sun's elevation which rows are archived."""

import logging
import math
from collections.abc import Callable

from sunspec_tui.core.printable import printable
from sunspec_tui.core.sun import sun_elevation_deg

log = logging.getLogger(__name__)

_UPDATE_S = 60.0


class ElevationLimit:
    """Smallest elevation of the Sun at which rows are archived.

    The elevation is computed once a minute of data time.

    Parameters
    ----------
    min_deg
        Smallest elevation in degrees; None archives all rows.
    on_problem
        Called with a sentence when the elevation is unknown for the first time.
    elevation_deg
        Returns the elevation of the Sun at a time. If it fails or returns NaN, rows are archived.
    """

    def __init__(
        self,
        min_deg: float | None,
        on_problem: Callable[[str], object],
        elevation_deg: Callable[[float], float] = sun_elevation_deg,
    ) -> None:
        self._min_deg, self._on_problem = min_deg, on_problem
        self._elevation_deg = elevation_deg
        self._computed_s, self._reached, self._problem = -math.inf, True, ""

    def is_reached(self, time_s: float) -> bool:
        """Return True if rows of this time are archived."""
        if self._min_deg is None:
            return True
        if abs(time_s - self._computed_s) >= _UPDATE_S:
            # A NaN is not below the limit, so rows are archived.
            self._computed_s, self._reached = time_s, not self._elevation_at(time_s) < self._min_deg
        return self._reached

    def _elevation_at(self, time_s: float) -> float:
        """Return the Sun's elevation; NaN if it cannot be computed."""
        try:
            found = float(self._elevation_deg(time_s))
        except Exception as error:
            log.debug("no elevation of the Sun at %s", time_s, exc_info=True)
            found, why = math.nan, str(error)
        else:
            why = "" if math.isfinite(found) else "it is not a number"
        if why and not self._problem:
            self._on_problem(printable(f"the Sun's elevation is unknown, so all rows are archived: {why}"))
        self._problem = why
        return found
