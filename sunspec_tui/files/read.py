"""Read recordings from files of any supported format.

These are exports of this program, files of recorders and e-CALLISTO stations, and older NPZ files. The format is
detected from the first bytes of the file, not from its name. Files are not trusted: no code in them is run, links to
other files are not followed, and declared sizes are checked against limits first. Each error message is one sentence.
"""

from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from sunspec_tui.core.errors import MissingExtraError, SourceError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.regular_file import open_regular
from sunspec_tui.files.archive.reader import is_archive, read_archive
from sunspec_tui.files.file_formats import FileFormat, detected_format, kinds_text
from sunspec_tui.files.notes import read_notes
from sunspec_tui.files.read_limits import MAX_SENTENCE, RowSelection, Unreadable, error_reason

_BEGIN_BYTES = 512
# UTF-16 in both orders of bytes, and workbooks before XLSX.
_SPREADSHEETS = (b"\xff\xfe", b"\xfe\xff", b"\xd0\xcf\x11\xe0")


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
    return read_selection(Path(path), RowSelection(start_s, end_s, observation, tuning, chan0, quiet))


def read_selection(path: Path, selection: RowSelection) -> Recording:
    """Read the requested rows of a file or of an archive's directory.

    See `read_recording`.
    """
    try:
        if is_archive(path):
            _check_choice(path, "an archive", selection)
            return read_archive(path, selection.start_s, selection.end_s).with_notes(read_notes(path))
    except SourceError as error:
        raise SourceError(printable(error, MAX_SENTENCE)) from error
    except OSError as error:
        raise _refusal(path, "", error.strerror or error_reason(error)) from error
    with closing(_opened(path)) as file:
        return _read(file, path, selection)


def file_kind(path: Path) -> str | None:
    """Return the kind of a file, such as FITS.

    The first bytes determine the format; the result is None for any other file.

    Raises
    ------
    SourceError
        If the file cannot be opened.
    """
    with closing(_opened(path)) as file:
        form = detected_format(_first_bytes(file, path))
    return None if form is None else form.kind


def _opened(path: Path) -> BinaryIO:
    try:
        return open_regular(path)
    except OSError as error:
        raise _refusal(path, "", error.strerror or error_reason(error)) from error


def _first_bytes(file: BinaryIO, path: Path) -> bytes:
    try:
        begin = file.read(_BEGIN_BYTES)
        file.seek(0)
    except OSError as error:
        raise _refusal(path, "", error.strerror or error_reason(error)) from error
    return begin


def _read(file: BinaryIO, path: Path, selection: RowSelection) -> Recording:
    form = _checked_format(file, path)
    if not form.has_observations:
        _check_choice(path, form.name, selection)
    try:
        return form.read(file, path, selection)
    except MissingExtraError:
        raise
    except Unreadable as error:
        raise _refusal(path, form.name, str(error)) from error
    except MemoryError as error:
        why = "there is not enough memory for it; choose --start and --end"
        raise _refusal(path, form.name, why) from error
    except Exception as error:
        # A file of another program may have any content, and each library raises its own errors for it.
        raise _refusal(path, form.name, error_reason(error)) from error


def _check_choice(path: Path, file_format: str, selection: RowSelection) -> None:
    """Refuse a choice that is only valid for a recorder's file."""
    if selection.observation is not None or selection.tuning is not None:
        raise _refusal(path, file_format, "it has no Observations; leave --observation and --tuning out")


def _checked_format(file: BinaryIO, path: Path) -> FileFormat:
    """Return the format of a file, which must have one."""
    begin = _first_bytes(file, path)
    if not begin:
        raise _refusal(path, "", "it is empty")
    form = detected_format(begin)
    if form is not None:
        return form
    if begin.lstrip().lower().startswith((b"<!do", b"<htm")):
        raise _refusal(path, "", "it is a web page; download the file itself")
    if begin.startswith(_SPREADSHEETS):
        raise _refusal(path, "", "it is a table in UTF-16 or of an old spreadsheet; save it as CSV in UTF-8")
    raise _refusal(path, "", f"it is not a {kinds_text()} file of spectra; docs/files.md lists the formats")


def _refusal(path: Path, file_format: str, why: str) -> SourceError:
    """Return the error as one printable sentence.

    Text from the file or a library may contain any character.
    """
    name = f"{printable_name(path)} cannot be read" + (f" as {file_format}" if file_format else "")
    return SourceError(printable(f"{name}: {why}", MAX_SENTENCE))
