"""Table of the file formats that the program reads and writes.

`files.write` selects a format by the extension of a file's name, and `files.read` by the first bytes of a file. Each
format is read and written by a module of its own, which imports its library only when it needs it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.recording import Recording
from sunspec_tui.files.callisto_fits import read_callisto, write_callisto
from sunspec_tui.files.compressed_read import BZIP2, GZIP
from sunspec_tui.files.csv_dialect import BOM
from sunspec_tui.files.csv_table import read_csv, write_csv
from sunspec_tui.files.npz import read_npz, write_npz
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.recorder_hdf5 import read_recorder, write_recorder

Reader = Callable[[BinaryIO, Path, RowSelection], Recording]
Writer = Callable[[Recording, Path, str], None]


class FileFormat(NamedTuple):
    """One row of the table of formats.

    Attributes
    ----------
    kind, name
        Short name of the format, and its name with an article for messages.
    extensions
        Extensions of the files that are written, in lower case.
    first_bytes
        Beginnings of the files that are read, which no other format has.
    read
        Reader: takes the open file, its path, and the requested rows.
    write
        Writer: takes a recording, the path of the new file, and the product of a single image.
    write_digits
        Writer of an image of 8-bit digits; None if the format has no digits.
    has_one_product
        True if a file holds a single product.
    has_observations
        True if a file may hold several Observations and Tunings.
    is_table
        True if a file is a text table, which a spreadsheet may have saved again.
    """

    kind: str
    name: str
    extensions: tuple[str, ...]
    first_bytes: tuple[bytes, ...]
    read: Reader
    write: Writer
    write_digits: Writer | None = None
    has_one_product: bool = False
    has_observations: bool = False
    is_table: bool = False


FILE_FORMATS = (
    FileFormat(
        kind="FITS",
        name="an e-CALLISTO FITS file",
        extensions=(".fits", ".fit", ".fits.gz", ".fit.gz"),
        first_bytes=(b"SIMPLE", GZIP, BZIP2),
        read=read_callisto,
        write=write_callisto,
        write_digits=partial(write_callisto, digits=True),
        has_one_product=True,
    ),
    FileFormat(
        kind="HDF5",
        name="a recorder's HDF5 file",
        extensions=(".h5", ".hdf5"),
        first_bytes=(b"\x89HDF",),
        read=read_recorder,
        write=write_recorder,
        has_observations=True,
    ),
    FileFormat(
        kind="NPZ",
        name="an NPZ file of spectra",
        extensions=(".npz",),
        first_bytes=(b"PK",),
        read=read_npz,
        write=write_npz,
    ),
    FileFormat(
        kind="CSV",
        name="a CSV file of spectra",
        extensions=(".csv",),
        first_bytes=(b"# ", b"time_utc"),
        read=read_csv,
        write=write_csv,
        is_table=True,
    ),
)


def file_format(path: Path) -> FileFormat:
    """Return the format that the extension of a file selects.

    Raises
    ------
    UsageError
        If the extension belongs to no format.
    """
    for form in FILE_FORMATS:
        if path.name.lower().endswith(form.extensions):
            return form
    extensions = ", ".join(extension for form in FILE_FORMATS for extension in form.extensions)
    raise UsageError(f"{path.name!r} has no known extension; its name must end in one of {extensions}")


def detected_format(begin: bytes) -> FileFormat | None:
    """Return the format of a file by its first bytes.

    The result is None for an unknown one.
    """
    # A spreadsheet may put a mark, quotes and empty lines before the text of a table.
    text = begin.removeprefix(BOM).lstrip(b' \t\r\n,;"')
    for form in FILE_FORMATS:
        if (text if form.is_table else begin).startswith(form.first_bytes):
            return form
    return None


def kinds_text() -> str:
    """Return the kinds of all formats as words of a sentence."""
    *kinds, last = (form.kind for form in FILE_FORMATS)
    return f"{', '.join(kinds)} or {last}"
