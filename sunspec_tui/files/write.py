"""Export a recording to a file; the extension selects the format.

A file appears under its name only when it is complete. docs/files.md describes each format; `files.read` reads all of
them.
"""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.printable import printable, printable_name, quote_line
from sunspec_tui.core.recording import MAX_NAME, Recording, recording_metadata
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.files.callisto_fits import write_callisto
from sunspec_tui.files.file_formats import FileFormat, file_format
from sunspec_tui.files.recorder_hdf5 import write_recorder

_MAX_REASON = 100


def export(recording: Recording, path: str | Path, product: str | None = None, *, digits: bool = False) -> int:
    """Write a recording to a file.

    Parameters
    ----------
    recording
        The recording: all its products, or only `product` if the format holds a single image (FITS).
    path
        The file; its extension selects the format, see `file_formats.FileFormat`. Its directory is created if needed.
        An existing regular file is replaced; a link, a pipe or a device is not.
    product
        Product of a single image; the only one of the recording by default, or else XX.
    digits
        Write a FITS image of 8-bit digits instead of float32 decibels.

    Returns
    -------
    int
        Size of the file in bytes.

    Raises
    ------
    UsageError
        If the extension belongs to no format, or to one without digits.
    ExportError
        If the recording is empty, has no such product, or the file cannot be written.
    MissingExtraError
        If the format needs a library that is not installed.
    """
    path, form = Path(path), file_format(Path(path))
    if digits:
        check_digits(path)
    write = partial(write_callisto, digits=True) if digits else _WRITERS[form]
    if not len(recording):
        raise ExportError("there are no rows to export in that time; choose another")
    _check_texts(recording)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            write(recording, temporary, product or recording.default_product())
        return path.stat().st_size
    except OSError as error:
        # numpy gives no reason if only a part of an array was written.
        why = error.strerror or "not all data could be written"
        raise ExportError(f"cannot write {printable_name(path)}: {why}; choose another file") from error
    except MemoryError as error:
        raise ExportError(f"there is not enough memory to write {printable_name(path)}; choose fewer rows") from error
    except (ValueError, OverflowError, RuntimeError) as error:
        # Some times and numbers do not fit into every format.
        raise ExportError(f"cannot write {printable_name(path)}: {printable(error, _MAX_REASON)}") from error


def check_digits(path: Path) -> None:
    """Raise `UsageError` if a file of this name has no digits."""
    if file_format(path) is not FileFormat.CALLISTO:
        raise UsageError(f"{path.suffix} has no digits: --digits is for .fit and .fits, leave it out")


def _check_texts(recording: Recording) -> None:
    """Refuse names that are too long, because readers would shorten them."""
    for what in ("station", "source", "software"):
        length = len(getattr(recording, what))
        if length > MAX_NAME:
            raise ExportError(f"the {what}'s name has {length} characters; choose one of at most {MAX_NAME}")


def _write_npz(recording: Recording, path: Path, _: str) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            data=recording.data,
            times=recording.times_s,
            frequencies=recording.frequencies_hz,
            products=np.array([str(product) for product in recording.products]),
            about=np.array(json.dumps(recording_metadata(recording))),
        )


def _write_csv(recording: Recording, path: Path, _: str) -> None:
    """Write one line for each row and product.

    Numbers have as many digits as a float32 needs.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        for key, value in recording_metadata(recording).items():
            file.write(f"# {key}={_comment_text(str(value))}\n")
        table = csv.writer(file)
        table.writerow(["time_utc", "product", *(f"{hz / 1e6!r}" for hz in recording.frequencies_hz.tolist())])
        for time_s, row in zip(recording.times_s.tolist(), recording.data, strict=True):
            moment = datetime.fromtimestamp(time_s, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
            for i, product in enumerate(recording.products):
                table.writerow([moment, str(product), *row[:, i].astype(str)])


def _comment_text(text: str) -> str:
    """Return the text of a comment.

    It has no quotes and no empty cells, which a spreadsheet would change.
    """
    plain = quote_line(text)
    return json.dumps(text).replace(",", "\\u002c") if '"' in plain or plain.endswith((",", ";")) else plain


_WRITERS: dict[FileFormat, Callable[[Recording, Path, str], None]] = {
    FileFormat.CALLISTO: write_callisto,
    FileFormat.RECORDER: write_recorder,
    FileFormat.NPZ: _write_npz,
    FileFormat.CSV: _write_csv,
}
