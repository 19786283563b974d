"""Encode cells as ANSI sequences in as few bytes as possible.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

from collections.abc import Sequence
from typing import NamedTuple


class CellStyle(NamedTuple):
    """Colours and attributes of a cell, as SGR parameters.

    Examples are ``38;5;12``, ``49`` and ``1;4``.
    """

    foreground: str = "39"
    background: str = "49"
    attributes: str = ""


class StyleTable:
    """Table of cell styles and their numbers.

    With the numbers, an integer array can hold the styles of a grid.
    """

    def __init__(self) -> None:
        self._numbers: dict[CellStyle, int] = {}
        self.known: list[CellStyle] = []
        self.plain = self.number(CellStyle())

    def number(self, style: CellStyle) -> int:
        """Return the number of a style; add a new style."""
        number = self._numbers.get(style)
        if number is None:
            number = self._numbers[style] = len(self.known)
            self.known.append(style)
        return number


class AnsiWriter:
    """Encoder of cells that tracks the terminal's cursor and style.

    It can thus choose the shortest sequences.
    """

    def __init__(self, styles: StyleTable, columns: int) -> None:
        self._styles = styles
        self._columns = columns
        self._parts: list[str] = []
        self._x = self._y = -1
        self._style: CellStyle | None = None
        self.bytes = 0

    def forget_position(self) -> None:
        """Forget the cursor's position and style."""
        self._x = self._y = -1
        self._style = None

    def begin(self) -> None:
        """Begin an update.

        Other code may have moved the cursor since the last update, so its position is unknown.
        """
        self.forget_position()
        self._parts = []
        self.bytes = 0

    def end(self) -> str:
        """Return the text of the update, which ends in the plain style."""
        if self._style is not None and self._style != CellStyle():
            self._add("\x1b[0m")
        return "".join(self._parts)

    def _add(self, text: str) -> None:
        self._parts.append(text)
        self.bytes += len(text)

    def write(self, x: int, y: int, cells: Sequence[str], style: int) -> None:
        """Write cells of one style."""
        self._move(x, y)
        self._set(self._styles.known[style])
        text = "".join(cells)
        self._parts.append(text)
        self.bytes += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        self._x = x + len(cells)
        if self._x >= self._columns:
            # Terminals differ in the position of the cursor after the last column.
            self._x = self._y = -1

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

    def _set(self, style: CellStyle) -> None:
        current = self._style
        if style == current:
            return
        # The reset (0) sets the default colours, so they need no parameter.
        parameters = [style.attributes, style.foreground, style.background]
        changes = ["0", *(part for part in parameters if part and part not in ("39", "49"))]
        if current is not None:
            changes = min(changes, _style_changes(current, style), key=lambda parts: len(";".join(parts)))
        self._add(f"\x1b[{';'.join(changes)}m")
        self._style = style


_ENDS = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""Parameter that ends each attribute. Bold and dim have the same one."""


def _style_changes(current: CellStyle, wanted: CellStyle) -> list[str]:
    """Return the parameters that change one style to another without a reset."""
    before, after = (style.attributes.split(";") if style.attributes else [] for style in (current, wanted))
    ends = {_ENDS[each] for each in before if each not in after}
    changes = sorted(ends) + [each for each in after if each not in before or _ENDS[each] in ends]
    if wanted.foreground != current.foreground:
        changes.append(wanted.foreground)
    if wanted.background != current.background:
        changes.append(wanted.background)
    return changes


def _sideways(by: int) -> str:
    """Return the shortest sequence that moves the cursor along a line."""
    if by == 0:
        return ""
    if by > 0:
        return f"\x1b[{'' if by == 1 else by}C"
    return "\b" * -by if -by <= 3 else f"\x1b[{-by}D"
