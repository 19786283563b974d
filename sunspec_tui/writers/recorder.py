"""Writes a recording in the recorder's own HDF5 layout, so that its users' scripts open it.

``/Observation1/time`` (whole seconds and their fraction since 1970, beginnings of the integrations) and
``/Observation1/Tuning1`` with ``freq`` and a data set for each product. h5py loads with the first file.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.extras import optional
from sunspec_tui.products import Product
from sunspec_tui.recording import Recording, about, channels_of
from sunspec_tui.times import CHANNEL_WIDTH_HZ, CLOCK_HZ

TIME_TYPE = np.dtype({"names": ["int", "frac"], "formats": ["<i8", "<f8"]})
_FFT_CHANNELS = 4096


def write_recorder(recording: Recording, path: Path, _: Product) -> None:
    """Write all products of a recording."""
    h5py = optional("h5py", "writing the recorder's HDF5")
    channels = channels_of(recording.frequencies_hz)
    width_hz = CHANNEL_WIDTH_HZ * channels.channel_average if channels else float(np.diff(recording.frequencies_hz)[0])
    with h5py.File(path, "w") as file:
        file.attrs.update(StationName=recording.station.lower(), FileGenerator=recording.software)
        for key, value in about(recording).items():
            file.attrs[f"sunspec_{key}"] = value
        observation = file.create_group("Observation1")
        observation.attrs.update(
            TargetName="Sun",
            tInt=recording.cadence_s, tInt_Units="s",
            sampleRate=CLOCK_HZ, sampleRate_Units="Hz",
            LFFT=_FFT_CHANNELS, nChan=len(recording.frequencies_hz),
            RBW=width_hz, RBW_Units="Hz",
        )  # fmt: skip
        times = observation.create_dataset("time", data=_split(recording.starts_s))
        times.attrs.update(format="unix", scale="utc")
        tuning = observation.create_group("Tuning1")
        tuning.create_dataset("freq", data=recording.frequencies_hz.astype("<f8")).attrs["Units"] = "Hz"
        for i, product in enumerate(recording.products):
            values = tuning.create_dataset(str(product).replace("/", "_over_"), data=recording.data[..., i])
            values.attrs.update(axis0="time", axis1="frequency")


def _split(times_s: NDArray[np.float64]) -> NDArray[np.void]:
    """Whole seconds and their fraction."""
    split = np.empty(len(times_s), TIME_TYPE)
    split["frac"], whole = np.modf(times_s)
    split["int"] = whole
    return split
