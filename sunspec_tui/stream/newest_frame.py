"""The newest frame as it came, for the checks that rows cannot tell."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import STATION


@dataclass(frozen=True, slots=True)
class Arrival:
    """The newest frame as it came, for the checks that rows cannot tell.

    Attributes
    ----------
    spectrum
        Power before channels are averaged, shape (nchan, npol).
    arrived_s, now_s
        Its arrival on a clock that never goes back, and on the wall clock.
    data_s
        End of its data, seconds since 1970; NaN if the header does not say.
    sequence
        Changes where data time may jump.
    recorded, station
        What the header says: whether the data are a recording, and whose.
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
        """Whether another instrument than ours has taken the data."""
        return self.station.casefold() not in ("", STATION.casefold())
