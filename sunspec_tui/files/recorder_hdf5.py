"""Read and write HDF5 files in the layout of the recorder.

On some corrupt files the HDF5 library crashes its process or never returns. Therefore only the child process
`recorder_process` opens the file; this module checks its answers against limits and reads the requested rows.
"""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.child_environment import child_environment
from sunspec_tui.core.flux_scale import ARBITRARY, unit_of
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CLOCK_HZ
from sunspec_tui.core.optional_imports import check_installed, require_extra
from sunspec_tui.core.printable import printable, quote_line
from sunspec_tui.core.products import Product, plain_name
from sunspec_tui.core.recording import Recording, channels_of, recording_metadata
from sunspec_tui.files.read_limits import MAX_BINS, MAX_ROWS, RowSelection, Unreadable, file_size, read_exactly
from sunspec_tui.files.reader_notes import report_notes
from sunspec_tui.files.recorder_scale import LENGTHS, NAVG, NAVG_ATTRIBUTE, divisor
from sunspec_tui.files.validation import Declared, validated_recording

_MAX_DESCRIPTION_BYTES = 2_000_000
_MAX_NOTES = 20
PROGRAM = ("-m", "sunspec_tui.files.recorder_process")
_ENVIRONMENT = {"HDF5_PLUGIN_PRELOAD": "::", "HDF5_USE_FILE_LOCKING": "FALSE"}
"""Prevents HDF5 from loading filter plugins, whatever its other environment variables say, and from locking files,
which could stop a recorder; `recorder_process` itself checks whether a file is being written."""


def read_recorder(file: BinaryIO, path: Path, selection: RowSelection) -> Recording:
    """Read a recording with all products of the file.

    Raises
    ------
    Unreadable
        If the file has another layout, or is above a limit.
    MissingExtraError
        If h5py is not installed.
    """
    check_installed("h5py", "reading the recorder's HDF5")
    nbytes = file_size(file)
    with _ReaderProcess(file, selection) as reader:
        found = validated_recording(path, reader.declared(path), selection, nbytes)
        report_notes(path, reader.notes[:_MAX_NOTES], selection)
        return found


class _ReaderProcess:
    """Child process that has the file open, until the ``with`` block ends."""

    def __init__(self, file: BinaryIO, selection: RowSelection) -> None:
        self.notes = list[str]()
        # -P: do not import from the working directory, which is not trusted.
        words = [sys.executable, "-P", *PROGRAM, str(file.fileno())]
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*words, json.dumps(selection._replace(logged_notes=None))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(file.fileno(),),
            env=child_environment(_ENVIRONMENT),
        )

    def __enter__(self) -> "_ReaderProcess":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                # Unsent data are not needed any more.
                with suppress(OSError):
                    pipe.close()
        self._process.wait()

    def declared(self, path: Path) -> Declared:
        """Read the process's description of the file."""
        description = self._description()
        if "refused" in description:
            raise Unreadable(str(description["refused"]))
        nrows, nbins = int(description["rows"]), int(description["bins"])
        if not (0 <= nrows <= MAX_ROWS and 0 <= nbins <= MAX_BINS):
            raise Unreadable(f"it has more than {MAX_ROWS} rows or {MAX_BINS} frequencies")
        self.notes = list(description["notes"])
        products = tuple(Product(name) for name in description["products"])
        times_s = np.frombuffer(self._take(8 * nrows), np.float64)
        frequencies_hz = np.frombuffer(self._take(8 * nbins), np.float64)
        shape = (nrows, nbins, len(products))
        return Declared(
            shape, products, times_s, frequencies_hz, {"source": path.name} | description["metadata"], self._load
        )

    def _load(self, rows: NDArray[np.intp], out: NDArray[np.float32]) -> None:
        """Request rows and read them into `out`."""
        pipe, left = self._process.stdin, out.data.cast("B") if out.size else memoryview(b"")
        try:
            if pipe is not None:
                pipe.write(rows.astype("<i8").tobytes())
                pipe.close()
        except OSError as error:
            raise self._failure() from error
        while left:
            count = self._out.readinto(left)
            if not count:
                raise self._failure()
            left = left[count:]

    def _description(self) -> dict[str, Any]:
        size = int.from_bytes(self._take(8), "little")
        if size > _MAX_DESCRIPTION_BYTES:
            raise Unreadable("its description is too long")
        description: dict[str, Any] = json.loads(self._take(size))
        return description

    def _take(self, size: int) -> bytes:
        try:
            return read_exactly(self._out, size)
        except Unreadable as error:
            raise self._failure() from error

    @property
    def _out(self) -> Any:
        return self._process.stdout

    def _failure(self) -> Unreadable:
        """Return an error with the reason why the process ended early."""
        status = self._process.wait()
        if status == -signal.SIGXCPU:
            return Unreadable("its structure is broken: the HDF5 library does not finish")
        if status >= 0:
            return Unreadable("a part of it cannot be read: it is truncated or corrupt")
        return Unreadable(f"its structure is broken: the HDF5 library ended with {signal.Signals(-status).name}")


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
"""Attributes without a value in a recording, as the recorder writes unknown ones; both spellings of tInt's unit."""


def write_recorder(recording: Recording, path: Path, _: str) -> None:
    """Write all products of a recording."""
    h5py = require_extra("h5py", "writing the recorder's HDF5")
    # Write to memory first: if the disk becomes full while HDF5 writes to it, the whole process ends.
    image = BytesIO()
    with h5py.File(image, "w") as file:
        _fill(file, recording)
    path.write_bytes(image.getbuffer())


def _fill(file: Any, recording: Recording) -> None:
    created = datetime.now(UTC).strftime("UTC %Y/%m/%d %H:%M:%S")
    file.attrs.update(_OF_FILE, FileCreation=created, FileGenerator=quote_line(recording.software))
    file.attrs["StationName"] = printable(recording.station.lower())
    # Powers in sfu are not divided: the recorder's scale has no unit.
    is_divided = recording.unit == ARBITRARY
    if is_divided:
        file.attrs[NAVG_ATTRIBUTE] = NAVG
    for key, value in recording_metadata(recording).items():
        file.attrs[f"sunspec_{key}"] = quote_line(value) if isinstance(value, str) else value
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
        power = recording.data[..., i] / np.float32(divisor(product) if is_divided else 1)
        values = tuning.create_dataset(plain_name(product), data=power)
        values.attrs.update(axis0="time", axis1="frequency")
        if not is_divided:
            values.attrs["units"] = unit_of(product, recording.unit)


def _bin_width_hz(frequencies_hz: NDArray[np.float64]) -> float:
    """Return the width of a bin.

    The result is -1, the recorder's value for unknown, for a single bin that is not on the channel grid.
    """
    channels = channels_of(frequencies_hz)
    if channels is not None:
        return CHANNEL_WIDTH_HZ * channels.channel_average
    return float(np.diff(frequencies_hz).mean()) if len(frequencies_hz) > 1 else -1.0


def _split(times_s: NDArray[np.float64]) -> NDArray[np.void]:
    """Split times into whole seconds and fractions."""
    split = np.empty(len(times_s), TIME_TYPE)
    split["frac"], whole = np.modf(times_s)
    split["int"] = whole
    return split
