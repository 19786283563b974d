"""File formats of exports, selected by the extension of a file's name."""

from enum import Enum
from pathlib import Path

from sunspec_tui.core.errors import UsageError


class FileFormat(Enum):
    """Formats of exported files, with their extensions."""

    CALLISTO = (".fits", ".fit", ".fits.gz", ".fit.gz")
    RECORDER = (".h5", ".hdf5")
    NPZ = (".npz",)
    CSV = (".csv",)


def file_format(path: Path) -> FileFormat:
    """Return the format that the extension of a file selects.

    Raises
    ------
    UsageError
        If the extension belongs to no format.
    """
    for form in FileFormat:
        if path.name.lower().endswith(form.value):
            return form
    endings = ", ".join(ending for form in FileFormat for ending in form.value)
    raise UsageError(f"{path.name!r} has no known extension; its name must end in one of {endings}")
