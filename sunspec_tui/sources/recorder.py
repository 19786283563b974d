"""Reads the recorder's own HDF5 files, and those of the same layout that `writers.recorder` makes.

h5py loads when a file is opened.
"""

from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.errors import SourceError
from sunspec_tui.extras import optional
from sunspec_tui.products import Product, plain_name
from sunspec_tui.recording import Recording
from sunspec_tui.sources.arrays import checked

_UNREADABLE = (OSError, KeyError, TypeError, ValueError, AttributeError)


def read_recorder(path: Path) -> Recording:
    """A recording of all products that the file has.

    Raises
    ------
    SourceError
        If the file has another layout.
    MissingExtraError
        If h5py is not installed.
    """
    h5py = optional("h5py", "reading the recorder's HDF5")
    try:
        with h5py.File(path, "r") as file:
            return _recording(path, file)
    except _UNREADABLE as error:
        raise SourceError(f"{path} cannot be read as a recorder's HDF5 file: {error}") from error


def _recording(path: Path, file: Any) -> Recording:
    observation = file["Observation1"]
    tuning = observation["Tuning1"]
    # In the order in which products are numbered, whatever the file's own order.
    found = [(product, tuning[plain_name(product)]) for product in Product if plain_name(product) in tuning]
    if not found:
        raise ValueError("its Tuning1 has none of XX, YY, XY_real, XY_imag")
    cadence_s = float(observation.attrs.get("tInt", np.nan))
    starts = observation["time"][()]
    # A row that was never written has no time.
    starts_s = np.where(starts["int"] > 0, starts["int"] + starts["frac"], np.nan)
    said = {
        "cadence_s": cadence_s,
        "station": file.attrs.get("sunspec_station", file.attrs.get("StationName", "")),
        "source": file.attrs.get("sunspec_source", path.name),
        "software": file.attrs.get("FileGenerator", ""),
    }
    data = np.stack([values[()] for _, values in found], axis=-1)
    ends_s = starts_s + (cadence_s if cadence_s > 0 else 0.0)
    return checked(path, data, tuple(product for product, _ in found), ends_s, tuning["freq"][()], said)
