"""What a terminal holds, cell by cell, and the fewest bytes that change it into what it should hold.

`Canvas` keeps two pictures: `desired`, what the screen should show, and `displayed`, what the terminal has been
told so far. An update sends differences alone, as many as a budget allows; what is left waits for the
next one, so the newest state always wins. Moving a picture sideways is told to the terminal as deleted
and inserted characters, and is applied to `displayed` too: a wrong guess can cost bytes, never a wrong cell.

State and arithmetic only: no terminal, no clock, nothing of Textual.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from sunspec_tui.tui.terminal.ansi_writer import AnsiWriter, StyleTable

Ints = NDArray[np.int32]

UNKNOWN = -1
"""A cell of `displayed` that may hold anything."""
CONTINUED = 0
"""The right half of a wide character."""
_FIRST_CLUSTER = 0x110000
# Untrusted text may have any number of marks on a letter, and any number of such letters.
_MAX_CLUSTER, _MAX_CLUSTERS = 5, 4096
# Cells that have not changed are written again where that is shorter than moving over them.
_JOIN = 3
_SPACE = ord(" ")
# Pages of 256 code points with wide characters in them; what our pictures are drawn with lies elsewhere.
# The last place stands for UNKNOWN.
_MAYBE_WIDE = np.zeros(0x2001, np.bool_)
_MAYBE_WIDE[[0x11, 0x23, 0x24, 0x26, 0x27]] = True
_MAYBE_WIDE[0x2E:0x2000] = True


class Region(NamedTuple):
    """A rectangle of cells: first column and line, and the ones after the last."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(slots=True)
class Grid:
    """Characters and looks of a rectangle of cells.

    Attributes
    ----------
    codes
        Code points, int32, shape (lines, columns); see `UNKNOWN` and `CONTINUED`.
    looks
        Numbers of a `StyleTable` table, int32, the same shape.
    """

    codes: Ints
    looks: Ints

    @classmethod
    def filled(cls, columns: int, lines: int, code: int = _SPACE) -> "Grid":
        """A grid of one character in the plain look."""
        return cls(np.full((lines, columns), code, np.int32), np.zeros((lines, columns), np.int32))

    @property
    def columns(self) -> int:
        """Width in cells."""
        return int(self.codes.shape[1])

    @property
    def lines(self) -> int:
        """Height in cells."""
        return int(self.codes.shape[0])

    def write(self, x: int, y: int, text: str, look: int) -> None:
        """Write text of narrow characters; what lies outside the line is left out."""
        if not 0 <= y < self.lines:
            return
        start = max(0, -x)
        text = text[start : max(start, self.columns - x)]
        if text:
            at = x + start
            self.codes[y, at : at + len(text)] = code_points(text)
            self.looks[y, at : at + len(text)] = look


def code_points(text: str) -> Ints:
    """Return the code points of a text, int32.

    Spaces of all kinds become spaces; other characters that are not printable become question marks.
    """
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " if each.isspace() else "?" for each in text)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)


class Canvas:
    """The screen as it should be, the terminal as it is, and the way from one to the other.

    Parameters
    ----------
    columns, lines
        Size of the terminal.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self.looks = StyleTable()
        self._clusters: dict[str, int] = {}
        self._cluster_texts: list[str] = []
        self._scroller: Region | None = None
        self._next_line = 0
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        """Begin anew with another size; the terminal may hold anything."""
        self.desired = Grid.filled(columns, lines)
        self.displayed = Grid.filled(columns, lines, UNKNOWN)
        self._shifts = np.zeros(lines, np.int32)
        self._wide = np.zeros(lines, np.bool_)
        self._pen = AnsiWriter(self.looks, columns)

    def forget(self) -> None:
        """Take it that the terminal may hold anything, so that all is sent again."""
        self.displayed.codes[:] = UNKNOWN
        self._shifts[:] = 0
        self._pen.lose()

    # What should be there

    def cluster(self, text: str) -> int:
        """Return the code of a character of several code points.

        If there are too many code points or clusters, it is the first code point alone.
        """
        if len(text) == 1:
            return ord(text)
        if text not in self._clusters:
            if len(text) > _MAX_CLUSTER or len(self._clusters) >= _MAX_CLUSTERS:
                return ord(text[0])
            self._clusters[text] = _FIRST_CLUSTER + len(self._cluster_texts)
            self._cluster_texts.append(text)
        return self._clusters[text]

    def put(self, left: int, top: int, grid: Grid) -> None:
        """Lay a grid on the screen; what lies outside is left out."""
        x, y = max(0, left), max(0, top)
        right, bottom = min(self.desired.columns, left + grid.columns), min(self.desired.lines, top + grid.lines)
        if x < right and y < bottom:
            part = (slice(y - top, bottom - top), slice(x - left, right - left))
            self.desired.codes[y:bottom, x:right] = grid.codes[part]
            self.desired.looks[y:bottom, x:right] = grid.looks[part]

    def text_of(self, code: int) -> str:
        """The character of a code."""
        if code >= _FIRST_CLUSTER:
            return self._cluster_texts[code - _FIRST_CLUSTER]
        return "" if code == CONTINUED else chr(code)

    def moved_left(self, region: Region, columns: int) -> None:
        """Hint that the content of a region has moved; one region at a time is remembered.

        A region that is not wholly on the screen is of a layout that a resize has ended.
        """
        if (
            region.left < 0
            or region.top < 0
            or region.right > self.desired.columns
            or region.bottom > self.desired.lines
        ):
            return
        if region != self._scroller:
            self._scroller = region
            self._shifts[:] = 0
        self._shifts[region.top : region.bottom] += columns

    # The way there

    @property
    def finished(self) -> bool:
        """Whether the terminal holds all that it should."""
        return not bool(self._differing().any())

    def _differing(self) -> NDArray[np.bool_]:
        """Cells that differ, shape (lines, columns)."""
        return np.asarray((self.displayed.codes != self.desired.codes) | (self.displayed.looks != self.desired.looks))

    def update(self, budget: int, pictures: Iterable[Region] = (), *, text_only: bool = False) -> str:
        """What to send next.

        Parameters
        ----------
        budget
            Bytes after which no further line is begun; at least one line is sent.
        pictures
            Regions that wait until all other cells are as they should be: what answers a key comes first.
        text_only
            Leave the pictures for a later update.

        Returns
        -------
        str
            Escape sequences and text; empty where nothing differs.
        """
        for y in np.flatnonzero(_lines_with_wide(self.desired.codes)).tolist():
            self._mend(y)
        different = self._differing()
        if not different.any():
            return ""
        self._pen.begin()
        self._wide = _lines_with_wide(self.displayed.codes) | _lines_with_wide(self.desired.codes)
        text = different.copy()
        for left, top, right, bottom in pictures:
            text[top:bottom, left:right] = False
        for y in np.flatnonzero(text.any(axis=1)).tolist():
            if self._pen.bytes >= budget:
                return self._pen.end()
            self._send(y, text[y])
        if not text_only:
            self._send_pictures(different & ~text, budget)
        return self._pen.end()

    def _mend(self, y: int) -> None:
        """Blank halves of wide characters whose other half something lies over; whole ones have one look."""
        codes = [*self.desired.codes[y].tolist(), _SPACE]
        whole = False
        for x, code in enumerate(codes[:-1]):
            if code == CONTINUED:
                if whole:
                    self.desired.looks[y, x] = self.desired.looks[y, x - 1]
                else:
                    self.desired.codes[y, x] = _SPACE
                whole = False
            else:
                wide = cell_len(self.text_of(code)) > 1
                whole = wide and codes[x + 1] == CONTINUED
                if wide and not whole:
                    self.desired.codes[y, x] = _SPACE

    def _send_pictures(self, different: NDArray[np.bool_], budget: int) -> None:
        """Send cells of the pictures, the lines in turn, so that none is left behind where the budget is short."""
        lines = np.flatnonzero(different.any(axis=1))
        for y in np.concatenate([lines[lines >= self._next_line], lines[lines < self._next_line]]).tolist():
            if self._pen.bytes >= budget:
                self._next_line = y
                return
            line = different[y]
            is_moved = self._shifts[y] and self._shift(y, line)
            # The whole of a line with wide characters may have been sent with its text.
            if is_moved or self._wide[y]:
                line = (self.displayed.codes[y] != self.desired.codes[y]) | (
                    self.displayed.looks[y] != self.desired.looks[y]
                )
            self._send(y, line)

    def _shift(self, y: int, different: NDArray[np.bool_]) -> bool:
        """Move a line of the scroller where that leaves fewer cells to write."""
        count, region = int(self._shifts[y]), self._scroller
        self._shifts[y] = 0
        if region is None or not 0 < count < region.right - region.left or self._wide[y]:
            return False
        left, right = region.left, region.right
        codes, looks = self.displayed.codes[y], self.displayed.looks[y]
        want_codes, want_looks = (
            self.desired.codes[y, left : right - count],
            self.desired.looks[y, left : right - count],
        )
        moved_codes, moved_looks = codes[left + count : right].copy(), looks[left + count : right].copy()
        now = np.count_nonzero(different[left:right])
        then = count + np.count_nonzero((moved_codes != want_codes) | (moved_looks != want_looks))
        if then + 2 >= now:
            return False
        self._pen.shift(y, left, right, count)
        codes[left : right - count], looks[left : right - count] = moved_codes, moved_looks
        codes[right - count : right] = UNKNOWN
        return True

    def _send(self, y: int, different: NDArray[np.bool_]) -> None:
        """Send cells of a line."""
        if self._wide[y] and different.any():
            # Half of a wide character may be overwritten: the whole line tells.
            different = np.ones_like(different)
        columns = np.flatnonzero(different)
        if not len(columns):
            return
        codes, looks = self.desired.codes[y], self.desired.looks[y]
        text, numbers = self._text(codes, has_wide=bool(self._wide[y])), looks.tolist()
        sent = np.zeros_like(different)
        for start, stop in _runs(columns.tolist(), numbers):
            self._pen.write(start, y, text[start:stop], numbers[start])
            sent[start:stop] = True
        np.copyto(self.displayed.codes[y], codes, where=sent)
        np.copyto(self.displayed.looks[y], looks, where=sent)

    def _text(self, codes: Ints, *, has_wide: bool) -> Sequence[str]:
        """One item a cell; a plain string where no cell needs more than one code point."""
        if not has_wide:
            return codes.tobytes().decode("utf-32-le", "surrogatepass")
        return [self.text_of(int(code)) for code in codes]


def _lines_with_wide(codes: Ints) -> NDArray[np.bool_]:
    """Lines with a cell that may be half of a wide character, or needs several code points."""
    return np.asarray(((codes == CONTINUED) | _MAYBE_WIDE[codes >> 8]).any(axis=-1))


def _runs(cells: list[int], numbers: list[int]) -> list[tuple[int, int]]:
    """Columns as (first, after the last) of one look each; short stretches between are taken in."""
    found: list[tuple[int, int]] = []
    start = stop = cells[0]
    for x in cells:
        if numbers[x] == numbers[start] and x - stop <= _JOIN and numbers[stop:x].count(numbers[start]) == x - stop:
            stop = x + 1
            continue
        found.append((start, stop))
        start, stop = x, x + 1
    found.append((start, stop))
    return found
