"""Log a reader's notes about assumptions and omissions.

Notes are logged after a file has been read. A refused file is reported by its error alone.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.files.read_limits import RowSelection

log = logging.getLogger(__name__)
_MAX_NOTE = 200


def report_notes(path: Path, notes: Iterable[str], selection: RowSelection) -> None:
    """Log each note once.

    It has the name of the first file that it applies to.

    Parameters
    ----------
    path
        The file.
    notes
        Sentences about the file, without its name, such as "its values have no unit".
    selection
        Its `quiet` suppresses notes; its `logged_notes` are the notes on other files, which are not repeated.
    """
    logged = set[str]() if selection.logged_notes is None else selection.logged_notes
    for note in dict.fromkeys(notes):
        if selection.quiet or note in logged:
            continue
        logged.add(note)
        log.warning("%s", printable(f"{printable_name(path)}: {note}", _MAX_NOTE))
