"""Escape text from outside, so that it contains only visible characters.

No character of the result is invisible, moves the cursor, reverses the line or ends it. Names of files and stations,
cells of tables, keys, and errors of libraries cannot be trusted. Code passes them through this module before it
prints, logs, draws or stores them for users. Pure functions of text.
"""

import json
import re
import reprlib
import unicodedata
from typing import Any

MAX_CHARACTERS = 1000
"""Default length of one line for users."""

MAX_NAME_CHARACTERS = 80
"""Largest length of a file's or a station's name within a sentence."""

MAX_QUOTED_CHARACTERS = 60
"""Default length of a value that a message quotes."""

_MAX_DEPTH = 32
_ELLIPSIS = "…"
_MAX_MARKS = 4
# Characters that Python classifies as printable, but that have no width or are invisible.
_INVISIBLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


_SHORT_REPR = reprlib.Repr()
_SHORT_REPR.maxlevel, _SHORT_REPR.maxlist, _SHORT_REPR.maxdict = 2, 6, 4
_SHORT_REPR.maxstring = _SHORT_REPR.maxlong = _SHORT_REPR.maxother = MAX_QUOTED_CHARACTERS


def printable(text: object, most: int = MAX_CHARACTERS) -> str:
    r"""Return a text as one visible line of at most `most` characters.

    Letters of all scripts stay. Control characters, line breaks, direction marks, characters without width, unassigned
    characters and lone surrogates become escapes such as ``\x1b``; a byte of a file's name that is not text becomes
    ``\xff``. An ellipsis replaces the middle of a text that is too long.

    Parameters
    ----------
    text
        Text to show; any other value is converted with ``str``.
    most
        Longest length of the result, at least 1.
    """
    shown = str(text)
    # Shorten a long text before the check, because the check reads each character.
    shown = _elided(shown, most)
    if not _plain(shown):
        shown = _elided(_escaped(shown), most)
    return shown


def printable_lines(text: object, most: int = MAX_CHARACTERS) -> str:
    """Apply `printable` to each line of this program's own text."""
    return "\n".join(printable(line, most) for line in str(text).split("\n"))


def printable_name(path: object) -> str:
    """Return a file's or a station's name for use in a sentence."""
    return printable(path, MAX_NAME_CHARACTERS)


def printable_values(value: Any, most: int = MAX_CHARACTERS, depth: int = _MAX_DEPTH) -> Any:
    """Return a JSON value with every text in it printable.

    Values that are nested deeper than `depth` become an ellipsis.
    """
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


def short_repr(value: object) -> str:
    """Return a short `repr` of a value of any size."""
    return _SHORT_REPR.repr(value)


def quote_untrusted(text: str, most: int = MAX_QUOTED_CHARACTERS) -> str:
    """Put untrusted text in quotation marks, for a message.

    Unlike `short_repr`, it escapes only characters that are not visible, not backslashes and quotation marks.

    Parameters
    ----------
    text
        The text.
    most
        Longest length without the quotation marks.
    """
    return f"'{printable(text, most)}'"


def quote_line(text: str, *, ascii_only: bool = False) -> str:
    """Return a plain text unchanged, any other as a JSON string.

    The result fits on one line of a file, and `unquote_line` restores the text. Unlike the functions above, it
    neither shortens nor changes the text.
    """
    plain = _plain(text) and text == text.strip() and not text.startswith('"') and (text.isascii() or not ascii_only)
    return text if plain else json.dumps(text)


def unquote_line(text: str) -> str:
    """Return the text that was given to `quote_line`."""
    if not text.startswith('"'):
        return text
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, str) else text


def _plain(text: str) -> bool:
    return text.isprintable() and (text.isascii() or not (_INVISIBLE.search(text) or _has_marks(text)))


def _has_marks(text: str) -> bool:
    return any(map(unicodedata.combining, text))


def _escaped(text: str) -> str:
    """Escape invisible characters, and more than four marks on one letter."""
    parts, marks = list[str](), _MAX_MARKS
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        shows = character.isprintable() and not _INVISIBLE.match(character) and marks <= _MAX_MARKS
        parts.append(character if shows else _escape(character))
        if not shows:
            # A mark after an escape would change the escape's last letter.
            marks = _MAX_MARKS
    return "".join(parts)


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        # Python stores a byte that is not text as this surrogate.
        code -= 0xDC00
    if character in _SHORT:
        return _SHORT[character]
    width, letter = (2, "x") if code <= 0xFF else (4, "u") if code <= 0xFFFF else (8, "U")
    return f"\\{letter}{code:0{width}x}"


def _elided(text: str, most: int) -> str:
    """Shorten a text that is too long by removing its middle."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return text[: most - 1 - end] + _ELLIPSIS + text[len(text) - end :]
