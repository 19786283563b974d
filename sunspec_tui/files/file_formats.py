"""The file formats, found by a name's ending."""

from enum import Enum
from pathlib import Path

from sunspec_tui.core.errors import UsageError


class FileForm(Enum):
    """Forms of files that a recording is written in, by the endings of their names."""

    CALLISTO = (".fits", ".fit", ".fits.gz", ".fit.gz")
    RECORDER = (".h5", ".hdf5")
    NPZ = (".npz",)
    CSV = (".csv",)


def file_form(path: Path) -> FileForm:
    """The form that a file's name says.

    Raises
    ------
    UsageError
        If it says none.
    """
    for form in FileForm:
        if path.name.lower().endswith(form.value):
            return form
    endings = ", ".join(ending for form in FileForm for ending in form.value)
    raise UsageError(f"{path.name!r} says no form of file: its name must end in one of {endings}")
