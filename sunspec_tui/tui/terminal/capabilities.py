"""Determine a terminal's abilities from the environment and the kernel.

This module sends no request to the terminal itself.
"""

import fcntl
import os
import struct
import termios
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

from sunspec_tui.tui.terminal.colours import Depth

_TRUE_COLOUR_TERMS = ("-direct", "-truecolor", "kitty", "alacritty", "ghostty", "wezterm", "foot")
MAX_COLUMNS, MAX_LINES = 1000, 400
_DEFAULT_SIZE = (80, 24)
_PLAIN_TERMS = ("dumb", "vt100", "vt102", "vt220", "-mono", "-m")


def colour_depth(environment: Mapping[str, str]) -> Depth:
    """Return the colour depth of the terminal.

    Parameters
    ----------
    environment
        Variables; ``NO_COLOR``, ``COLORTERM`` and ``TERM`` are read, in this order.
    """
    if environment.get("NO_COLOR"):
        return Depth.NONE
    term = environment.get("TERM", "").lower()
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Depth.TRUE
    if any(part in term for part in _TRUE_COLOUR_TERMS):
        return Depth.TRUE
    if "256color" in term:
        return Depth.C256
    if not term or any(term == part or (part[0] == "-" and term.endswith(part)) for part in _PLAIN_TERMS):
        return Depth.NONE
    return Depth.C16


def needs_ascii(encoding: str | None) -> bool:
    """Return True if an encoding lacks braille and block characters."""
    return encoding is not None and "utf" not in encoding.lower()


def terminal_size(fileno: int, environment: Mapping[str, str]) -> tuple[int, int]:
    """Return the columns and lines to draw on, from 1x1 to 1000x400.

    Parameters
    ----------
    fileno
        File descriptor of the terminal; the kernel knows the size.
    environment
        Contains ``COLUMNS`` and ``LINES``. They are used only if the kernel does not know the size (as on a serial
        line), because they may describe another terminal or an earlier size.
    """
    known = (0, 0)
    with suppress(OSError):
        known = os.get_terminal_size(fileno)
    stated = (environment.get("COLUMNS", ""), environment.get("LINES", ""))
    columns, lines = (
        size or (int(text) if text.isdecimal() and len(text) < 6 else 0) or default
        for size, text, default in zip(known, stated, _DEFAULT_SIZE, strict=True)
    )
    return min(columns, MAX_COLUMNS), min(lines, MAX_LINES)


def pixel_size(fileno: int) -> tuple[int, int]:
    """Return a terminal's width and height in pixels, from the kernel.

    Both are 0 if the kernel does not know them. SSH passes them on.
    """
    try:
        sizes = fcntl.ioctl(fileno, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return 0, 0
    _, _, width, height = struct.unpack("HHHH", sizes)
    return width, height


def drop_library_settings(environment: MutableMapping[str, str]) -> None:
    """Remove the variables that developers use to change Textual.

    With an invalid value in one of them, the screen would not start.
    """
    for name in [name for name in environment if name.startswith("TEXTUAL")]:
        del environment[name]
