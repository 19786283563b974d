"""Report what a reader assumed or left out: one line in the log, and so on standard error, for each note.

Notes are reported after a file has been read: a file that is refused has one sentence, its reason.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.files.read_limits import Asked

log = logging.getLogger(__name__)
_MAX_NOTE = 200


def report_notes(path: Path, notes: Iterable[str], asked: Asked) -> None:
    """Log each note once, with the name of the first file that it is about.

    Parameters
    ----------
    path
        The file.
    notes
        Second parts of sentences that begin with its name, such as "its rows have no unit".
    asked
        Says whether notes are wanted, and which ones were logged of other files.
    """
    said = set[str]() if asked.said is None else asked.said
    for note in dict.fromkeys(notes):
        if asked.quiet or note in said:
            continue
        said.add(note)
        log.warning("%s", printable(f"{printable_name(path)}: {note}", _MAX_NOTE))
