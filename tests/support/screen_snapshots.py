"""Snapshots of whole screens: characters, then styles as letters."""

import unicodedata
import zlib

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class Screens(SingleFileSnapshotExtension):
    """Store each snapshot in a text file."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


# One character wide each, and enough for all colours of a picture.
LETTERS = [chr(code) for code in (*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0xC0, 0x250), *range(0x370, 0x530))
           if chr(code).isalpha() and unicodedata.east_asian_width(chr(code)) in "NaA"]  # fmt: skip


def text_of(screen):
    """Return the characters, the style letters of all cells, and the legend.

    A letter is computed from the description of its style, so a new style changes no other letter.
    """
    cells = screen.cells()
    styles = {cell._replace(data="") for line in cells for cell in line}
    letters = {}
    for text in sorted(map(described, styles)):
        place = zlib.crc32(text.encode()) % len(LETTERS)
        while (letter := LETTERS[place % len(LETTERS)]) in letters.values():
            place += 1
        letters[text] = letter
    lines = ["".join(cell.data for cell in line) for line in cells]
    style_lines = ["".join(letters[described(cell)] for cell in line) for line in cells]
    legend = [f"{letter}: {text}" for text, letter in letters.items()]
    return "\n".join([*lines, "", *style_lines, "", *legend, ""])


def described(cell):
    attributes = [name for name in ("bold", "italics", "underscore", "strikethrough", "reverse") if getattr(cell, name)]
    return " ".join([cell.fg, "on", cell.bg, *attributes])
