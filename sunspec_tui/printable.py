"""Text from outside as characters that only show: none moves the cursor, hides, turns the line or ends it.

Names of files and stations, cells of tables, keys and errors of libraries are a stranger's. Whoever prints, logs,
draws or stores them for people passes them through here first. Pure functions of text.
"""

import json
import re
import unicodedata
from typing import Any

MAX_CHARACTERS = 1000
"""Length of one line for people, where nothing else is asked for."""

MAX_NAME_CHARACTERS = 80
"""Length of a file's or a station's name within a sentence."""

_MAX_DEPTH = 32
_ELLIPSIS = "…"
_MAX_MARKS = 4
# Characters that are "printable" for Python, but have no width or no ink.
_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: object, most: int = MAX_CHARACTERS) -> str:
    r"""One line that shows a text, of at most `most` characters; what is cut out of its middle is an ellipsis.

    Letters of all scripts stay. Controls, line breaks, marks of direction, characters without width, unassigned ones
    and lone surrogates become escapes such as ``\x1b``; a byte of a file's name that is no text becomes ``\xff``.

    Parameters
    ----------
    text
        What is to be shown; anything that is no text is taken by its ``str``.
    most
        Length that the result may have, at least 1.
    """
    shown = str(text)
    # Long texts are cut before they are looked at, letter by letter.
    shown = _elided(shown, most)
    if not _plain(shown):
        shown = _elided(_escaped(shown), most)
    return shown


def printable_lines(text: object, most: int = MAX_CHARACTERS) -> str:
    """As `printable`, for text of several lines that this program made: its line feeds stay."""
    return "\n".join(printable(line, most) for line in str(text).split("\n"))


def printable_name(path: object) -> str:
    """A file's or a station's name as it stands in a sentence."""
    return printable(path, MAX_NAME_CHARACTERS)


def printable_values(value: Any, most: int = MAX_CHARACTERS, depth: int = _MAX_DEPTH) -> Any:
    """A value as it is encoded to JSON, with every text in it printable; what is nested deeper becomes text."""
    if isinstance(value, str):
        return printable(value, most)
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == 0:
        return _ELLIPSIS
    if isinstance(value, dict):
        return {
            printable(key, most) if isinstance(key, str) else key: printable_values(each, most, depth - 1)
            for key, each in value.items()
        }
    return [printable_values(each, most, depth - 1) for each in value]


def quoted(text: str, *, ascii_only: bool = False) -> str:
    """A text as it stands on one line of a file: itself where it is plain, else a JSON string, in its quotes."""
    plain = _plain(text) and text == text.strip() and not text.startswith('"') and (text.isascii() or not ascii_only)
    return text if plain else json.dumps(text)


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    if not text.startswith('"'):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str) else text


def _plain(text: str) -> bool:
    return text.isprintable() and (text.isascii() or not (_UNSEEN.search(text) or _has_marks(text)))


def _has_marks(text: str) -> bool:
    return any(map(unicodedata.combining, text))


def _escaped(text: str) -> str:
    """Each character that shows as it is, each other as an escape; also marks that are heaped on one letter."""
    parts, marks = list[str](), _MAX_MARKS
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        shows = character.isprintable() and not _UNSEEN.match(character) and marks <= _MAX_MARKS
        parts.append(character if shows else _escape(character))
        if not shows:
            # A mark after an escape would change the escape's last letter.
            marks = _MAX_MARKS
    return "".join(parts)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # How Python keeps a byte that is no text.
        code -= 0xDC00
    if character in _SHORT:
        return _SHORT[character]
    width, letter = (2, "x") if code <= 0xFF else (4, "u") if code <= 0xFFFF else (8, "U")
    return f"\\{letter}{code:0{width}x}"


def _elided(text: str, most: int) -> str:
    """A text without as much of its middle as it is too long."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return text[: most - 1 - end] + _ELLIPSIS + text[len(text) - end :]
