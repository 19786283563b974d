"""Read recordings: exports of this program, files of recorders and e-CALLISTO stations, older NPZ files.

The format is detected from the first bytes of the file, not from its name. Files are not trusted: no code in them is
run, no other file is opened through them, and their declarations are checked against limits first. Each error is one
sentence.
"""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sunspec_tui.core.errors import MissingExtraError, SourceError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.files.archive.reader import is_archive, read_archive
from sunspec_tui.files.callisto_fits import read_callisto
from sunspec_tui.files.compressed_read import BZIP2, GZIP
from sunspec_tui.files.csv_dialect import BOM
from sunspec_tui.files.csv_table import read_csv
from sunspec_tui.files.npz import read_npz
from sunspec_tui.files.read_limits import Asked, Unreadable, reason
from sunspec_tui.files.recorder_hdf5 import read_recorder

_MAX_SENTENCE = 200
_BEGIN_BYTES = 512
# UTF-16 in both orders of bytes, and workbooks before XLSX.
_SPREADSHEETS = (b"\xff\xfe", b"\xfe\xff", b"\xd0\xcf\x11\xe0")


class _Form(NamedTuple):
    """A file format: its first bytes, its short and its full name, and its reader."""

    magic: bytes
    kind: str
    name: str
    read: Callable[[BinaryIO, Path, Asked], Recording]


def read_recording(
    path: str | Path,
    start_s: float | None = None,
    end_s: float | None = None,
    *,
    observation: int | None = None,
    tuning: int | None = None,
    chan0: int | None = None,
    quiet: bool = False,
) -> Recording:
    """Read a recording from a file or from an archive's directory.

    Parameters
    ----------
    path
        The file.
    start_s, end_s
        Only rows that end after `start_s` and not after `end_s`, seconds since 1970.
    observation, tuning
        Numbers of the Observation and the Tuning of a recorder's file; its first ones by default.
    chan0
        First channel of an older system's NPZ file, whose axis assumes channel 600.
    quiet
        True to log no notes about assumptions and left-out rows, for a file that was read before.

    Raises
    ------
    SourceError
        If it cannot be read, or is above a limit in docs/files.md.
    MissingExtraError
        If a needed library is not installed.
    """
    return read_asked(Path(path), Asked(start_s, end_s, observation, tuning, chan0, quiet))


def read_asked(path: Path, asked: Asked) -> Recording:
    """Read the requested rows of a file or of an archive's directory; see `read_recording`."""
    try:
        if is_archive(path):
            _check_choice(path, "an archive", asked)
            return read_archive(path, asked.start_s, asked.end_s)
    except SourceError as error:
        raise SourceError(printable(error, _MAX_SENTENCE)) from error
    except OSError as error:
        raise _refusal(path, "", error.strerror or reason(error)) from error
    with closing(_opened(path)) as file:
        return _read(file, path, asked)


def file_kind(path: Path) -> str | None:
    """Return FITS, HDF5, NPZ or CSV by a file's first bytes, or None for any other file.

    Raises
    ------
    SourceError
        If the file cannot be opened.
    """
    with closing(_opened(path)) as file:
        form = _form_that_begins(_first_bytes(file, path))
    return None if form is None else form.kind


def _form_that_begins(begin: bytes) -> _Form | None:
    """Return the format of a file by its first bytes; None for an unknown one."""
    # A spreadsheet may put a mark, quotes and empty lines before the text of a table.
    text = begin.removeprefix(BOM).lstrip(b' \t\r\n,;"')
    return next((form for form in _FORMS if (text if form.read is read_csv else begin).startswith(form.magic)), None)


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except OSError as error:
        raise _refusal(path, "", error.strerror or reason(error)) from error


def _first_bytes(file: BinaryIO, path: Path) -> bytes:
    try:
        begin = file.read(_BEGIN_BYTES)
        file.seek(0)
    except OSError as error:
        raise _refusal(path, "", error.strerror or reason(error)) from error
    return begin


def _read(file: BinaryIO, path: Path, asked: Asked) -> Recording:
    form = _form(file, path)
    if form.read is not read_recorder:
        _check_choice(path, form.name, asked)
    try:
        return form.read(file, path, asked)
    except MissingExtraError:
        raise
    except Unreadable as error:
        raise _refusal(path, form.name, str(error)) from error
    except MemoryError as error:
        said = "there is not enough memory for it; choose --start and --end"
        raise _refusal(path, form.name, said) from error
    except Exception as error:
        # A foreign file may contain anything, and each library raises its own errors for unexpected content.
        raise _refusal(path, form.name, reason(error)) from error


def _check_choice(path: Path, form: str, asked: Asked) -> None:
    """Refuse a choice that is only valid for a recorder's file."""
    if asked.observation is not None or asked.tuning is not None:
        raise _refusal(path, form, "it has no Observations; leave --observation and --tuning out")


def _form(file: BinaryIO, path: Path) -> _Form:
    begin = _first_bytes(file, path)
    if not begin:
        raise _refusal(path, "", "it is empty")
    form = _form_that_begins(begin)
    if form is not None:
        return form
    if begin.lstrip().lower().startswith((b"<!do", b"<htm")):
        raise _refusal(path, "", "it is a web page; download the file itself")
    if begin.startswith(_SPREADSHEETS):
        raise _refusal(path, "", "it is a table in UTF-16 or of an old spreadsheet; save it as CSV in UTF-8")
    raise _refusal(path, "", "it is not a FITS, HDF5, NPZ or CSV file of spectra; docs/files.md lists the formats")


def _refusal(path: Path, form: str, said: str) -> SourceError:
    """Return the error as one printable sentence, whatever text the file or library gives."""
    name = f"{printable_name(path)} cannot be read" + (f" as {form}" if form else "")
    return SourceError(printable(f"{name}: {said}", _MAX_SENTENCE))


_FORMS = (
    _Form(b"SIMPLE", "FITS", "an e-CALLISTO FITS file", read_callisto),
    _Form(GZIP, "FITS", "an e-CALLISTO FITS file", read_callisto),
    _Form(BZIP2, "FITS", "an e-CALLISTO FITS file", read_callisto),
    _Form(b"\x89HDF", "HDF5", "a recorder's HDF5 file", read_recorder),
    _Form(b"PK", "NPZ", "an NPZ file of spectra", read_npz),
    _Form(b"# ", "CSV", "a CSV file of spectra", read_csv),
    _Form(b"time_utc", "CSV", "a CSV file of spectra", read_csv),
)
