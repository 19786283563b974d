"""The fewest bytes that write cells on a terminal: moves, changes of look, text.

State and arithmetic only: no terminal, no clock, nothing of Textual.
"""

from collections.abc import Sequence
from typing import NamedTuple


class CellStyle(NamedTuple):
    """Colours and attributes of a cell as SGR parameters, such as ``38;5;12``, ``49`` and ``1;4``."""

    foreground: str = "39"
    background: str = "49"
    attributes: str = ""


class StyleTable:
    """Numbers for looks, so that a picture of them is an array."""

    def __init__(self) -> None:
        self._numbers: dict[CellStyle, int] = {}
        self.known: list[CellStyle] = []
        self.plain = self.number(CellStyle())

    def number(self, look: CellStyle) -> int:
        """The number of a look, a new one where it has none."""
        found = self._numbers.get(look)
        if found is None:
            found = self._numbers[look] = len(self.known)
            self.known.append(look)
        return found


class AnsiWriter:
    """Writes with the shortest moves and changes of look; knows where the terminal's cursor is."""

    def __init__(self, looks: StyleTable, columns: int) -> None:
        self._looks = looks
        self._columns = columns
        self._parts: list[str] = []
        self._x = self._y = -1
        self._look: CellStyle | None = None
        self.bytes = 0

    def lose(self) -> None:
        """Forget where the cursor is and how it writes."""
        self._x = self._y = -1
        self._look = None

    def begin(self) -> None:
        """Begin an update: others may have moved the cursor since the last."""
        self.lose()
        self._parts = []
        self.bytes = 0

    def end(self) -> str:
        """All that was written, ended in the plain look."""
        if self._look is not None and self._look != CellStyle():
            self._add("\x1b[0m")
        return "".join(self._parts)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self.bytes += len(text)

    def write(self, x: int, y: int, cells: Sequence[str], look: int) -> None:
        """Write cells of one look."""
        self._move(x, y)
        self._set(self._looks.known[look])
        text = "".join(cells)
        self._parts.append(text)
        self.bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self._x = x + len(cells)
        if self._x >= self._columns:
            self._x = self._y = -1  # terminals differ in where the cursor is after the last column

    def shift(self, y: int, left: int, right: int, count: int) -> None:
        """Delete `count` cells at `left`, and insert as many before `right`."""
        number = "" if count == 1 else str(count)
        self._move(left, y)
        self._add(f"\x1b[{number}P")
        self._move(right - count, y)
        self._add(f"\x1b[{number}@")

    def _move(self, x: int, y: int) -> None:
        if (x, y) == (self._x, self._y):
            return
        moves = [f"\x1b[{y + 1};{x + 1}H"]
        if self._y >= 0:
            down = y - self._y
            if down == 0:
                moves.append(_sideways(x - self._x))
            elif down > 0:
                step = f"\x1b[{'' if down == 1 else down}B"
                moves.append(step + _sideways(x - self._x))
        self._add(min(moves, key=len))
        self._x, self._y = x, y

    def _set(self, look: CellStyle) -> None:
        held = self._look
        if look == held:
            return
        if held is None or look.attributes != held.attributes:
            # What is reset need not be told.
            wanted = [look.attributes, look.foreground, look.background]
            told = [part for part in wanted if part and part not in ("39", "49")]
            self._add(f"\x1b[{';'.join(['0', *told])}m")
        else:
            told = []
            if look.foreground != held.foreground:
                told.append(look.foreground)
            if look.background != held.background:
                told.append(look.background)
            self._add(f"\x1b[{';'.join(told)}m")
        self._look = look


def _sideways(by: int) -> str:
    """Move along a line."""
    if by == 0:
        return ""
    if by > 0:
        return f"\x1b[{'' if by == 1 else by}C"
    return "\b" * -by if -by <= 3 else f"\x1b[{-by}D"
