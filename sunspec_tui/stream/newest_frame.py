"""Newest frame before averaging, for checks of channels and times."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import STATION


@dataclass(frozen=True, slots=True)
class NewestFrame:
    """Newest frame before averaging, with its times.

    Attributes
    ----------
    spectrum
        Power before channels are averaged, shape (nchan, npol).
    arrived_s, now_s
        Time of its arrival by a monotonic clock, and by the wall clock.
    data_s
        End of its data, seconds since 1970; NaN if the header does not give it.
    sequence
        Value that changes when the data's time may jump.
    recorded, station
        From the header: True if the data are a recording, and the station's name.
    """

    spectrum: NDArray[np.floating]
    arrived_s: float
    now_s: float
    data_s: float
    sequence: object
    recorded: bool = False
    station: str = ""

    @property
    def foreign(self) -> bool:
        """True if the data are from another instrument."""
        return self.station.casefold() not in ("", STATION.casefold())
