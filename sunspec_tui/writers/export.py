"""Writes a recording to a file of the form that its name says.

A file appears under its name when it is complete, and never otherwise. What each form holds is said in
docs/files.md; `sources.files` reads all of them back.
"""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sunspec_tui.errors import ExportError
from sunspec_tui.products import Product
from sunspec_tui.recording import FileForm, Recording, about, file_form
from sunspec_tui.writers.callisto import write_callisto
from sunspec_tui.writers.recorder import write_recorder
from sunspec_tui.writers.whole import whole_file


def export(recording: Recording, path: str | Path, product: Product = Product.XX) -> int:
    """Write a recording.

    Parameters
    ----------
    recording
        What is written: all its products, or the one where the form holds a single image (FITS).
    path
        The file; its ending says the form, see `recording.FileForm`. Its directory is made, and a file of that name
        replaced.
    product
        Product of a single image.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    UsageError
        If the ending is none of a form.
    ExportError
        If there is nothing to write, or the disk does not take it.
    MissingExtraError
        If the form needs a library that is not installed.
    """
    path = Path(path)
    write = _WRITERS[file_form(path)]
    if not len(recording):
        raise ExportError("there are no rows to export in that time; choose another")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            write(recording, temporary, product)
        return path.stat().st_size
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}; choose another file") from error
    except ValueError as error:
        # FITS and HDF5 do not take every text.
        raise ExportError(f"cannot write {path}: {error}") from error


def _write_npz(recording: Recording, path: Path, _: Product) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            data=recording.data,
            times=recording.times_s,
            frequencies=recording.frequencies_hz,
            products=np.array([str(product) for product in recording.products]),
            about=np.array(json.dumps(about(recording))),
        )


def _write_csv(recording: Recording, path: Path, _: Product) -> None:
    """One line for each row and product; numbers in as many digits as float32 has."""
    with path.open("w", newline="", encoding="utf-8") as file:
        for key, value in about(recording).items():
            file.write(f"# {key}={value}\n")
        table = csv.writer(file)
        table.writerow(["time_utc", "product", *(f"{hz / 1e6!r}" for hz in recording.frequencies_hz.tolist())])
        for time_s, row in zip(recording.times_s.tolist(), recording.data, strict=True):
            moment = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            for i, product in enumerate(recording.products):
                table.writerow([moment, str(product), *row[:, i].astype(str)])


_WRITERS: dict[FileForm, Callable[[Recording, Path, Product], None]] = {
    FileForm.CALLISTO: write_callisto,
    FileForm.RECORDER: write_recorder,
    FileForm.NPZ: _write_npz,
    FileForm.CSV: _write_csv,
}
