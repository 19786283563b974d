"""Writes a recording in the recorder's own HDF5 layout, so that its users' scripts open it.

``/Observation1/time`` (whole seconds and their fraction since 1970, beginnings of the integrations) and
``/Observation1/Tuning1`` with ``freq`` and a data set for each product, in the recorder's scale (`recorder_scale`).
Attributes are those of the recorder, with its own values for what is not known. h5py loads with the first file.
"""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, quoted
from sunspec_tui.core.products import plain_name
from sunspec_tui.core.recording import Recording, about, channels_of
from sunspec_tui.core.times import CHANNEL_WIDTH_HZ, CLOCK_HZ
from sunspec_tui.files.recorder_scale import LENGTHS, NAVG, NAVG_ATTRIBUTE, divisor

TIME_TYPE = np.dtype({"names": ["int", "frac"], "formats": ["<i8", "<f8"]})
_FFT_CHANNELS = 4096
_UNKNOWN, _UNKNOWN_ANGLE = -1.0, -99.0
_OF_FILE = {
    "ObserverID": 0, "ObserverName": "", "ProjectID": "", "SessionID": 0,
    "InputMetadata": "", "ConfigFile": "", "CalDir": "",
}  # fmt: skip
_OF_OBSERVATION = {
    "TargetName": "Sun",
    "RA": _UNKNOWN_ANGLE, "RA_Units": "hours", "Dec": _UNKNOWN_ANGLE, "Dec_Units": "degrees", "Epoch": 2000.0,
    "TrackingMode": "Unknown",
    "ARX_Filter": _UNKNOWN, "ARX_Gain1": _UNKNOWN, "ARX_Gain2": _UNKNOWN, "ARX_GainS": _UNKNOWN,
    "Beam": int(_UNKNOWN), "DRX_Gain": int(_UNKNOWN),
    "sampleRate": CLOCK_HZ, "sampleRate_Units": "Hz", "LFFT": _FFT_CHANNELS,
    "tInt_Units": "s", "tInt_Unit": "s", "RBW_Units": "Hz",
}  # fmt: skip
"""Attributes that no recording has, as the recorder writes what it does not know; both spellings of tInt's unit."""


def write_recorder(recording: Recording, path: Path, _: str) -> None:
    """Write all products of a recording."""
    h5py = require_extra("h5py", "writing the recorder's HDF5")
    # In memory: a disk that is full while HDF5 writes to it ends the whole process.
    image = BytesIO()
    with h5py.File(image, "w") as file:
        _fill(file, recording)
    path.write_bytes(image.getbuffer())


def _fill(file: Any, recording: Recording) -> None:
    created = datetime.now(UTC).strftime("UTC %Y/%m/%d %H:%M:%S")
    file.attrs.update(_OF_FILE, FileCreation=created, FileGenerator=quoted(recording.software))
    file.attrs.update({"StationName": printable(recording.station.lower()), NAVG_ATTRIBUTE: NAVG})
    for key, value in about(recording).items():
        file.attrs[f"sunspec_{key}"] = quoted(value) if isinstance(value, str) else value
    observation = file.create_group("Observation1")
    frequencies_hz = recording.frequencies_hz
    observation.attrs.update(
        _OF_OBSERVATION, tInt=recording.cadence_s, nChan=len(frequencies_hz), RBW=_bin_width_hz(frequencies_hz)
    )
    times = observation.create_dataset("time", data=_split(recording.starts_s))
    times.attrs.update(format="unix", scale="utc")
    if np.ptp(recording.lengths_s):
        observation.create_dataset(LENGTHS, data=recording.lengths_s).attrs["units"] = "s"
    tuning = observation.create_group("Tuning1")
    tuning.create_dataset("freq", data=frequencies_hz.astype("<f8")).attrs["Units"] = "Hz"
    for i, product in enumerate(recording.products):
        power = recording.data[..., i] / np.float32(divisor(product))
        values = tuning.create_dataset(plain_name(product), data=power)
        values.attrs.update(axis0="time", axis1="frequency")


def _bin_width_hz(frequencies_hz: NDArray[np.float64]) -> float:
    """Width of a bin; -1, as the recorder writes what it does not know, where a single one does not tell."""
    channels = channels_of(frequencies_hz)
    if channels is not None:
        return CHANNEL_WIDTH_HZ * channels.channel_average
    return float(np.diff(frequencies_hz).mean()) if len(frequencies_hz) > 1 else -1.0


def _split(times_s: NDArray[np.float64]) -> NDArray[np.void]:
    """Whole seconds and their fraction."""
    split = np.empty(len(times_s), TIME_TYPE)
    split["frac"], whole = np.modf(times_s)
    split["int"] = whole
    return split
