"""Grid of a terminal's cells, and the differences to send.

`Canvas` keeps two grids: `desired`, the cells that the screen should show, and `displayed`, the cells that the
terminal shows so far. An update sends only differences, as many as a budget allows. The rest waits for the next
update, so the terminal always gets the newest state. A picture that moves sideways is sent as deleted and inserted
characters, and `displayed` is moved in the same way. A wrong hint of a move can cost bytes, but never leaves a wrong
cell.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from sunspec_tui.tui.terminal.ansi_writer import AnsiWriter, StyleTable
from sunspec_tui.tui.terminal.placeholders import Placeholders

Ints = NDArray[np.int32]

UNKNOWN = -1
"""Code of a cell of `displayed` whose content is unknown."""
CONTINUED = 0
"""Code of the right half of a wide character."""
PIXELS = 0x10FFFD
"""Code of a cell that shows its part of a picture in pixels.

The cell itself is blank, in the plain style, or a placeholder. The code is a private-use character: Textual can draw
it, and no text contains it.
"""
_FIRST_CLUSTER = 0x110000
# Limits, because untrusted text may have any number of marks on a letter, and any number of such letters.
_MAX_CLUSTER, _MAX_CLUSTERS = 5, 4096
# Up to this many unchanged cells are written again, because that is shorter than moving over them.
_MAX_JOINED_GAP = 3
_SPACE = ord(" ")
PIXELS_TEXT = chr(PIXELS)
# Pages of 256 code points that may contain wide characters. The characters of the pictures are on other pages.
# The index -1 (of UNKNOWN) is the last item, which is False.
_MAYBE_WIDE = np.zeros(0x2001, np.bool_)
_MAYBE_WIDE[[0x11, 0x23, 0x24, 0x26, 0x27]] = True
_MAYBE_WIDE[0x2E:0x2000] = True
_MAYBE_WIDE[PIXELS >> 8] = False


class Region(NamedTuple):
    """Rectangle of cells; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(slots=True)
class Grid:
    """Characters and styles of a rectangle of cells.

    Attributes
    ----------
    codes
        Code points, int32, shape (lines, columns); see `UNKNOWN` and `CONTINUED`.
    styles
        Numbers of styles in a `StyleTable`, int32, the same shape.
    """

    codes: Ints
    styles: Ints

    @classmethod
    def filled(cls, columns: int, lines: int, code: int = _SPACE) -> "Grid":
        """Return a grid of one character in the plain style."""
        return cls(np.full((lines, columns), code, np.int32), np.zeros((lines, columns), np.int32))

    @property
    def columns(self) -> int:
        """Width in cells."""
        return int(self.codes.shape[1])

    @property
    def lines(self) -> int:
        """Height in cells."""
        return int(self.codes.shape[0])

    def write(self, x: int, y: int, text: str, style: int) -> None:
        """Write text of narrow characters; cut the part outside the line."""
        if not 0 <= y < self.lines:
            return
        start = max(0, -x)
        text = text[start : max(start, self.columns - x)]
        if text:
            at = x + start
            self.codes[y, at : at + len(text)] = code_points(text)
            self.styles[y, at : at + len(text)] = style


def code_points(text: str) -> Ints:
    """Return the code points of a text, int32.

    White space becomes a space; any other character that is not printable becomes a question mark.
    """
    if not text.isprintable():
        text = "".join(each if each.isprintable() else " " if each.isspace() else "?" for each in text)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.int32)


class Canvas:
    """Desired and displayed cells of a terminal, and the updates between them.

    Parameters
    ----------
    columns, lines
        Size of the terminal.
    styles
        Table of the numbers of styles; None for a new one.
    """

    def __init__(self, columns: int, lines: int, styles: StyleTable | None = None) -> None:
        self.styles = styles or StyleTable()
        self._clusters: dict[str, int] = {}
        self._cluster_texts: list[str] = []
        self._moving_region: Region | None = None
        self._next_line = 0
        self._placeholders: Placeholders | None = None
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        """Start again with another size.

        The content of the terminal is then unknown.
        """
        self.desired = Grid.filled(columns, lines)
        self.displayed = Grid.filled(columns, lines, UNKNOWN)
        self.written = np.zeros((lines, columns), np.bool_)
        """Cells that were written since the owner last cleared this mask."""
        self._shifts = np.zeros(lines, np.int32)
        self._wide = np.zeros(lines, np.bool_)
        self._writer = AnsiWriter(self.styles, columns)

    def invalidate(self) -> None:
        """Mark all cells of the terminal as unknown.

        The next updates send all cells again.
        """
        self.displayed.codes[:] = UNKNOWN
        self._shifts[:] = 0
        self._writer.forget_position()

    # Desired cells

    def cluster(self, text: str) -> int:
        """Return the code of a character of several code points.

        If there are too many code points or clusters, return the first code point only.
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
        """Copy a grid to the screen; cut the part outside it."""
        x, y = max(0, left), max(0, top)
        right, bottom = min(self.desired.columns, left + grid.columns), min(self.desired.lines, top + grid.lines)
        if x < right and y < bottom:
            part = (slice(y - top, bottom - top), slice(x - left, right - left))
            self.desired.codes[y:bottom, x:right] = grid.codes[part]
            self.desired.styles[y:bottom, x:right] = grid.styles[part]

    def use_placeholders(self, placeholders: Placeholders | None) -> None:
        """Write placeholders to a picture's cells; None for blank cells."""
        if placeholders != self._placeholders:
            self._placeholders = placeholders
            self.displayed.codes[self.displayed.codes == PIXELS] = UNKNOWN

    def text_of(self, code: int) -> str:
        """Return the character of a code."""
        if code >= _FIRST_CLUSTER:
            return self._cluster_texts[code - _FIRST_CLUSTER]
        return "" if code == CONTINUED else " " if code == PIXELS else chr(code)

    def moved_left(self, region: Region, columns: int) -> None:
        """Note that the content of a region has moved left.

        Only the last region is kept. A region that is partly outside the screen is ignored: it belongs to the layout
        before a resize.
        """
        if (
            region.left < 0
            or region.top < 0
            or region.right > self.desired.columns
            or region.bottom > self.desired.lines
        ):
            return
        if region != self._moving_region:
            self._moving_region = region
            self._shifts[:] = 0
        self._shifts[region.top : region.bottom] += columns

    # Updates

    @property
    def finished(self) -> bool:
        """True if the terminal displays all desired cells."""
        return not bool(self._differing().any())

    def _differing(self) -> NDArray[np.bool_]:
        """Return the mask of different cells, shape (lines, columns)."""
        return np.asarray((self.displayed.codes != self.desired.codes) | (self.displayed.styles != self.desired.styles))

    def update(self, budget: int, pictures: Iterable[Region] = (), *, text_only: bool = False) -> str:
        """Return the next text to send to the terminal.

        Parameters
        ----------
        budget
            Number of bytes after which no further line begins; at least one line is sent.
        pictures
            Regions that are sent after all other cells, so that the effect of a key is shown first.
        text_only
            True to leave the pictures for a later update.

        Returns
        -------
        str
            Escape sequences and text; empty if nothing differs.
        """
        self._set_pixel_styles()
        for y in np.flatnonzero(_lines_with_wide(self.desired.codes)).tolist():
            self._blank_half_characters(y)
        different = self._differing()
        if not different.any():
            return ""
        self._writer.begin()
        self._wide = _lines_with_wide(self.displayed.codes) | _lines_with_wide(self.desired.codes)
        text = different.copy()
        for left, top, right, bottom in pictures:
            text[top:bottom, left:right] = False
        for y in np.flatnonzero(text.any(axis=1)).tolist():
            if self._writer.bytes >= budget:
                return self._writer.end()
            self._write_cells(y, text[y])
        if not text_only:
            self._write_pictures(different & ~text, budget)
        return self._writer.end()

    def _set_pixel_styles(self) -> None:
        """Give a picture's cells the plain style, or the placeholders'."""
        pixels, cells = self.desired.codes == PIXELS, self._placeholders
        np.copyto(self.desired.styles, self.styles.plain, where=pixels)
        if cells is not None:
            columns = range(max(0, cells.left), min(cells.right, self.desired.columns))
            numbers = np.array([self.styles.number(cells.style(x)) for x in columns], np.int32)
            part = (slice(cells.top, cells.bottom), slice(columns.start, columns.start + len(columns)))
            np.copyto(self.desired.styles[part], numbers, where=pixels[part])

    def _blank_half_characters(self, y: int) -> None:
        """Blank half-covered wide characters of a line.

        Give both halves of a whole wide character the same style.
        """
        codes = [*self.desired.codes[y].tolist(), _SPACE]
        whole = False
        for x, code in enumerate(codes[:-1]):
            if code == CONTINUED:
                if whole:
                    self.desired.styles[y, x] = self.desired.styles[y, x - 1]
                else:
                    self.desired.codes[y, x] = _SPACE
                whole = False
            else:
                wide = cell_len(self.text_of(code)) > 1
                whole = wide and codes[x + 1] == CONTINUED
                if wide and not whole:
                    self.desired.codes[y, x] = _SPACE

    def _write_pictures(self, different: NDArray[np.bool_], budget: int) -> None:
        """Write cells of the pictures, line by line in turn.

        If the budget ends, the next update continues at the next line. Thus each line is updated in time.
        """
        lines = np.flatnonzero(different.any(axis=1))
        for y in np.concatenate([lines[lines >= self._next_line], lines[lines < self._next_line]]).tolist():
            if self._writer.bytes >= budget:
                self._next_line = y
                return
            line = different[y]
            is_moved = self._shifts[y] and self._shift(y, line)
            # The mask is out of date after a shift. A line with wide characters may already be written as a whole.
            if is_moved or self._wide[y]:
                line = (self.displayed.codes[y] != self.desired.codes[y]) | (
                    self.displayed.styles[y] != self.desired.styles[y]
                )
            self._write_cells(y, line)

    def _shift(self, y: int, different: NDArray[np.bool_]) -> bool:
        """Shift a line of the moving region if that saves bytes.

        Return True if the line was shifted.
        """
        count, region = int(self._shifts[y]), self._moving_region
        self._shifts[y] = 0
        if region is None or not 0 < count < region.right - region.left or self._wide[y]:
            return False
        if self._placeholders is not None and (self.displayed.codes[y] == PIXELS).any():
            # Each placeholder belongs to its own column.
            return False
        left, right = region.left, region.right
        codes, styles = self.displayed.codes[y], self.displayed.styles[y]
        desired_codes, desired_styles = (
            self.desired.codes[y, left : right - count],
            self.desired.styles[y, left : right - count],
        )
        moved_codes, moved_styles = codes[left + count : right].copy(), styles[left + count : right].copy()
        cells_unmoved = np.count_nonzero(different[left:right])
        cells_moved = count + np.count_nonzero((moved_codes != desired_codes) | (moved_styles != desired_styles))
        if cells_moved + 2 >= cells_unmoved:
            return False
        self._writer.shift(y, left, right, count)
        codes[left : right - count], styles[left : right - count] = moved_codes, moved_styles
        codes[right - count : right] = UNKNOWN
        return True

    def _write_cells(self, y: int, different: NDArray[np.bool_]) -> None:
        """Write the different cells of a line."""
        if self._wide[y] and different.any():
            # Half of a wide character may be overwritten, so write the whole line.
            different = np.ones_like(different)
        columns = np.flatnonzero(different)
        if not len(columns):
            return
        codes, styles = self.desired.codes[y], self.desired.styles[y]
        text, numbers = self._text(y, has_wide=bool(self._wide[y])), styles.tolist()
        written = np.zeros_like(different)
        for start, stop in _runs(columns.tolist(), numbers):
            self._writer.write(start, y, text[start:stop], numbers[start])
            written[start:stop] = True
        np.copyto(self.displayed.codes[y], codes, where=written)
        np.copyto(self.displayed.styles[y], styles, where=written)
        self.written[y] |= written

    def _text(self, y: int, *, has_wide: bool) -> Sequence[str]:
        """Return one item for each desired cell of a line.

        If each cell has one code point, the result is a plain string.
        """
        codes: Ints = self.desired.codes[y]
        cells = self._placeholders
        if cells is not None and (codes == PIXELS).any():
            return [cells.text(x, y) if code == PIXELS else self.text_of(code) for x, code in enumerate(codes.tolist())]
        if not has_wide:
            return codes.tobytes().decode("utf-32-le", "surrogatepass").replace(PIXELS_TEXT, " ")
        return [self.text_of(int(code)) for code in codes]


def _lines_with_wide(codes: Ints) -> NDArray[np.bool_]:
    """Return the mask of lines that may need exact widths.

    These lines may have wide characters or characters of several code points.
    """
    return np.asarray(((codes == CONTINUED) | _MAYBE_WIDE[codes >> 8]).any(axis=-1))


def _runs(cells: list[int], numbers: list[int]) -> list[tuple[int, int]]:
    """Return runs of columns of one style, as (start, stop).

    A run includes short gaps of unchanged cells.
    """
    runs: list[tuple[int, int]] = []
    start = stop = cells[0]
    for x in cells:
        style, gap = numbers[start], x - stop
        if numbers[x] == style and gap <= _MAX_JOINED_GAP and numbers[stop:x].count(style) == gap:
            stop = x + 1
            continue
        runs.append((start, stop))
        start, stop = x, x + 1
    runs.append((start, stop))
    return runs
