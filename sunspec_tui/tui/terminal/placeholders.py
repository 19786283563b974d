"""Cells of text that stand for images in kitty's protocol.

Each cell is a character for private use with three combining marks: its line and its column in an image, and the
highest byte of the image's number. The foreground colour is the lowest byte. tmux moves, covers and restores such cells
as any other text.
"""

from typing import NamedTuple

from sunspec_tui.tui.terminal.ansi_writer import CellStyle

_CHARACTER = "\U0010eeee"
# The combining marks that stand for numbers from 0 on, as first and last of each run: marks above a character, from
# Unicode 6.0, that no normalisation joins with a letter.
_RUNS = (
    "0305 030D-030E 0310 0312 033D-033F 0346 034A-034C 0350-0352 0357 035B 0363-036F 0483-0487 0592-0595 0597-0599 "
    "059C-05A1 05A8-05A9 05AB-05AC 05AF 05C4 0610-0617 0657-065B 065D-065E 06D6-06DC 06DF-06E2 06E4 06E7-06E8 "
    "06EB-06EC 0730 0732-0733 0735-0736 073A 073D 073F-0741 0743 0745 0747 0749-074A 07EB-07F1 07F3 0816-0819 "
    "081B-0823 0825-0827 0829-082D 0951 0953-0954 0F82-0F83 0F86-0F87 135D-135F 17DD 193A 1A17 1A75-1A7C 1B6B "
    "1B6D-1B73 1CD0-1CD2 1CDA-1CDB 1CE0 1DC0-1DC1 1DC3-1DC9 1DCB-1DCC 1DD1-1DE6 1DFE 20D0-20D1 20D4-20D7 20DB-20DC "
    "20E1 20E7 20E9 20F0 2CEF-2CF1 2DE0-2DFF A66F A67C-A67D A6F0-A6F1 A8E0-A8F1 AAB0 AAB2-AAB3 AAB7-AAB8 AABE-AABF "
    "AAC1 FE20-FE26 10A0F 10A38 1D185-1D189 1D1AA-1D1AD 1D242-1D244"
)


def _marks() -> tuple[str, ...]:
    ends = [run.split("-") for run in _RUNS.split()]
    return tuple(chr(code) for run in ends for code in range(int(run[0], 16), int(run[-1], 16) + 1))


MARKS = _marks()
"""Combining mark of each number."""
LINE_LIMIT = len(MARKS)
"""Largest number of lines of a picture."""
# A terminal may brighten bold text in the first sixteen colours, so image numbers do not use them.
_FIRST_COLOUR = 16
TILE_LIMIT = 256 - _FIRST_COLOUR
"""Largest number of images of a picture."""
_HIGHEST_BYTES = 255


def pane_number(pane: str) -> int:
    """Return the highest byte of image numbers for a pane.

    A pane of tmux has a name such as ``%12``.

    Panes of the same terminal have different numbers, so that they do not change each other's images.
    """
    digits = pane.removeprefix("%")
    return (int(digits) if digits.isascii() and digits.isdigit() else 0) % _HIGHEST_BYTES + 1


class Placeholders(NamedTuple):
    """Cells of one picture, which consists of images beside each other.

    Attributes
    ----------
    left, top, right, bottom
        Cells of the picture; `right` and `bottom` are exclusive.
    tile_columns
        Width of an image in cells.
    highest
        Highest byte of the images' numbers.
    """

    left: int
    top: int
    right: int
    bottom: int
    tile_columns: int
    highest: int

    def text(self, x: int, y: int) -> str:
        """Return the characters of a cell; a space outside the picture."""
        if not (self.left <= x < self.right and self.top <= y < self.bottom):
            return " "
        column = (x - self.left) % self.tile_columns
        return _CHARACTER + MARKS[y - self.top] + MARKS[column] + MARKS[self.highest]

    def style(self, x: int) -> CellStyle:
        """Return the style of a column's cells.

        Its colour is part of the image's number.
        """
        return CellStyle(foreground=f"38;5;{_FIRST_COLOUR + (x - self.left) // self.tile_columns}")


def image_number(highest: int, tile: int) -> int:
    """Return the number of an image of the picture."""
    return highest << 24 | _FIRST_COLOUR + tile
