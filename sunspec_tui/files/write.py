"""Export a recording to a file; the extension selects the format.

A file appears under its name only when it is complete. docs/files.md describes each format; `files.read` reads all of
them.
"""

from pathlib import Path

from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import MAX_NAME, Recording
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.files.file_formats import Writer, file_format

_MAX_REASON = 100


def export(recording: Recording, path: str | Path, product: str | None = None, *, digits: bool = False) -> int:
    """Write a recording to a file.

    Parameters
    ----------
    recording
        The recording: all its products, or only `product` if the format holds a single image (FITS).
    path
        The file; its extension selects the format, see `file_formats.FILE_FORMATS`. Its directory is created if needed.
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
    path = Path(path)
    write = _digits_writer(path) if digits else file_format(path).write
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
    _digits_writer(path)


def _digits_writer(path: Path) -> Writer:
    """Return the writer of digits for a file of this name."""
    write = file_format(path).write_digits
    if write is None:
        raise UsageError(f"{path.suffix} has no digits: --digits is for .fit and .fits, leave it out")
    return write


def _check_texts(recording: Recording) -> None:
    """Refuse names that are too long, because readers would shorten them."""
    for what in ("station", "source", "software"):
        length = len(getattr(recording, what))
        if length > MAX_NAME:
            raise ExportError(f"the {what}'s name has {length} characters; choose one of at most {MAX_NAME}")
