"""Small files in the recorder's layout, with changes for tests.

A file has room for more rows than it holds, as the recorder makes it, and each value of its power is different.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

STEP_S = 0.25
FIRST_S = 1_755_552_894.25  # 2025-08-18 21:34:54
NROWS, ROOM, NBINS = 20, 24, 64
NAVG = 24
TIME = np.dtype([("int", "<i8"), ("frac", "<f8")])
WIDTH_HZ = 196e6 / 8192
FREQUENCIES_HZ = (560 + 4 * np.arange(NBINS) + 1.5) * WIDTH_HZ


class Parts(NamedTuple):
    """The open file and its groups."""

    file: Any
    observation: Any
    tuning: Any


Change = Callable[[Parts], object]


def starts_s(nrows: int = NROWS) -> np.ndarray:
    return FIRST_S + STEP_S * np.arange(nrows)


def as_times(seconds: np.ndarray) -> np.ndarray:
    times = np.zeros(len(seconds), TIME)
    times["int"] = np.floor(seconds)
    times["frac"] = seconds - np.floor(seconds)
    return times


def power(product: str, nrows: int = NROWS) -> np.ndarray:
    """Values of a product in the file, float32."""
    rng = np.random.default_rng(sum(product.encode()))
    return rng.lognormal(10, 1, (nrows, NBINS)).astype("<f4")


def recorder_file(
    path: Path, change: Change | None = None, products: tuple[str, ...] = ("XX", "YY", "XY_real", "XY_imag")
) -> Path:
    """Write a file of `NROWS` rows with room for `ROOM`."""
    import h5py

    with h5py.File(path, "w", libver="latest") as file:
        parts = fill(file, products)
        if change is not None:
            change(parts)
    return path


def fill(file: Any, products: tuple[str, ...], room: int = ROOM, nrows: int = NROWS) -> Parts:
    """Create groups and datasets, and write the first rows."""
    file.attrs.update(StationName="ovro-lwa", FileGenerator="lwahdf.py")
    observation = file.create_group("Observation1")
    observation.attrs.update(tInt=STEP_S, tInt_Units="s", Beam=3)
    tuning = observation.create_group("Tuning1")
    tuning["freq"] = FREQUENCIES_HZ
    tuning["freq"].attrs["Units"] = "Hz"
    times = observation.create_dataset("time", (room,), TIME)
    times.attrs.update(format="unix", scale="utc")
    for product in products:
        values = tuning.create_dataset(product, (room, NBINS), "<f4", chunks=(8, NBINS))
        if nrows:
            values[:nrows] = power(product, nrows)
    if nrows:
        times[:nrows] = as_times(starts_s(nrows))
    return Parts(file, observation, tuning)


def with_times(values: np.ndarray, **attributes: str) -> Change:
    """Replace the dataset of times, with the same room."""

    def change(parts: Parts) -> None:
        del parts.observation["time"]
        room = np.zeros((ROOM - len(values), *values.shape[1:]), values.dtype)
        parts.observation["time"] = np.concatenate([values, room])
        parts.observation["time"].attrs.update(attributes)

    return change


def set_tint(value: object) -> Change:
    return lambda parts: parts.observation.attrs.update(tInt=value)


def no_tint(parts: Parts) -> None:
    del parts.observation.attrs["tInt"]


def set_freq(values: np.ndarray, unit: str | None = None) -> Change:
    def change(parts: Parts) -> None:
        del parts.tuning["freq"]
        parts.tuning["freq"] = values
        if unit:
            parts.tuning["freq"].attrs["Units"] = unit

    return change


def some_times(places: slice, values: Any) -> Change:
    """Set some of the times of the written rows."""

    def change(parts: Parts) -> None:
        times = parts.observation["time"][()]
        times[places] = values
        parts.observation["time"][...] = times

    return change


def shorter(name: str, nrows: int) -> Change:
    def change(parts: Parts) -> None:
        group = parts.observation if name == "time" else parts.tuning
        values = group[name][:nrows]
        del group[name]
        group[name] = values

    return change
