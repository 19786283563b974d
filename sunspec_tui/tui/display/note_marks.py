"""Place notes and their texts on the time axis.

Pure functions on values, so that tests are tables.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.notes import Note, NoteList
from sunspec_tui.tui.display.interval_cells import interval_cells

_MAX_JOINED = 3


class NoteMark(NamedTuple):
    """Mark of notes on the time axis.

    Attributes
    ----------
    cell
        Cell of the mark: that of the note's time, or the first displayed one of its interval.
    last_cell
        Last displayed cell of the interval; `cell` without an interval.
    notes, total
        The first notes with this mark, and the number of all.
    """

    cell: int
    last_cell: int
    notes: tuple[Note, ...]
    total: int

    @property
    def text(self) -> str:
        """Time and text of the first notes as one line."""
        texts = [f"{note.clock_text} {note.shown_text}" for note in self.notes]
        more = self.total - len(self.notes)
        return "; ".join(texts) + (f"; {more} more" if more > 0 else "")


def note_marks(notes: NoteList, times_s: Sequence[float], cells: Sequence[int]) -> list[NoteMark]:
    """Return the marks of the notes within a picture.

    Notes of the same cell share a mark. A note within a gap has a cell of the gap.

    Parameters
    ----------
    notes
        All notes.
    times_s
        End of each column's newest row, the oldest first; NaN for a gap.
    cells
        Cell of each column.
    """
    found = interval_cells(notes.begins_s, notes.ends_s, times_s, cells)
    if found is None:
        return []
    numbers, first, last = found.numbers, found.first, found.last
    return [
        _mark_of(notes, numbers[first == cell], int(cell), int(last[first == cell].max())) for cell in np.unique(first)
    ]


def _mark_of(notes: NoteList, numbers: NDArray[np.intp], cell: int, last_cell: int) -> NoteMark:
    return NoteMark(cell, last_cell, tuple(notes[int(i)] for i in numbers[:_MAX_JOINED]), len(numbers))


def note_signs(
    marks: Sequence[NoteMark], width: int, cursor_cell: int | None, sign: str = "◆"
) -> list[tuple[int, str]]:
    """Return the notes on the time axis, as (first cell, text).

    Each note has a sign. If the cursor is near one, the text of that note comes first.

    Parameters
    ----------
    marks
        The marks of the picture.
    width
        Width of the picture in cells.
    cursor_cell
        Cell of the cursor; None without a cursor.
    sign
        Sign of a note.
    """
    signs = [(mark.cell, sign) for mark in marks]
    near = None if cursor_cell is None else nearest_mark(marks, cursor_cell)
    return signs if near is None else [place_beside(near.text, near.cell, width), *signs]


def nearest_mark(marks: Sequence[NoteMark], cell: int) -> NoteMark | None:
    """Return the mark at a cell or next to it.

    Else, return the mark whose interval includes the cell.
    """
    beside = [mark for mark in marks if abs(mark.cell - cell) <= 1]
    around = [mark for mark in marks if mark.cell <= cell <= mark.last_cell]
    return min(beside or around, key=lambda mark: abs(mark.cell - cell), default=None)


def place_beside(text: str, cell: int, width: int) -> tuple[int, str]:
    """Return first cell and text of a note beside its sign.

    It is at the right, or at the left if more of it fits there. A cell between sign and text stays free. A text that
    does not fit ends in an ellipsis.
    """
    right, left = max(0, width - cell - 2), max(0, cell - 1)
    is_right = right >= min(left, len(text))
    room = right if is_right else left
    shown = text if len(text) <= room else text[: max(0, room - 1)] + "…" * (room > 0)
    return (cell + 2 if is_right else cell - 1 - len(shown)), shown
