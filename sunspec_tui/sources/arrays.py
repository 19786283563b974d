"""Arrays that a file holds, held against each other before they become a recording.

Each reader brings what it has found; what does not fit is refused here in one sentence.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.errors import SourceError
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording, measured_cadence_s


def checked(
    path: Path,
    data: NDArray[Any],
    products: tuple[Product, ...],
    times_s: NDArray[Any],
    frequencies_hz: NDArray[Any],
    said: dict[str, Any],
) -> Recording:
    """A recording of arrays that fit each other, its frequencies ascending, rows of no time left out.

    Parameters
    ----------
    path
        The file, for sentences.
    data
        Power, shape (n, nbins, nproducts).
    products
        Names of the last axis.
    times_s, frequencies_hz
        End of each row's averaging since 1970, and centres of the bins.
    said
        What else the file says: ``cadence_s``, ``station``, ``source``, ``software``.

    Raises
    ------
    SourceError
        If they do not fit.
    """
    times_s, frequencies_hz = np.asarray(times_s, np.float64), np.asarray(frequencies_hz, np.float64)
    wanted = (len(times_s), len(frequencies_hz), len(products))
    if data.shape != wanted or 0 in wanted:
        raise SourceError(
            f"{path}: data of {data.shape} do not fit {wanted[0]} times, {wanted[1]} frequencies "
            f"and {wanted[2]} products"
        )
    if not (np.isfinite(frequencies_hz).all() and frequencies_hz.min() > 0):
        raise SourceError(f"{path}: it holds values that are no frequencies; it cannot be used")
    cadence_s = float(said.get("cadence_s", np.nan))
    # A recorder makes room for more rows than it writes in the end.
    dated = np.isfinite(times_s) & (times_s > 0)
    if not dated.any():
        raise SourceError(f"{path}: none of its {len(times_s)} rows has a time; nothing was written to it")
    order = np.argsort(frequencies_hz)
    return Recording(
        np.ascontiguousarray(np.asarray(data, np.float32)[dated][:, order]),
        products,
        times_s[dated],
        frequencies_hz[order],
        cadence_s if cadence_s > 0 else measured_cadence_s(times_s[dated]),
        station=str(said.get("station", "")),
        source=str(said.get("source", path.name)),
        software=str(said.get("software", "")),
    )
