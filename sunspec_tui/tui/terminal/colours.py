"""Colours of terminals, and the terminal colour nearest to an RGB colour."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np


class Depth(StrEnum):
    """Colour depth of a terminal; the values are those of ``--colors``."""

    TRUE = "truecolor"
    C256 = "256"
    C16 = "16"
    NONE = "none"


class Colour(NamedTuple):
    """Colour as SGR parameters for the foreground and for the background."""

    foreground: str
    background: str


def true_colour(red: int, green: int, blue: int) -> Colour:
    """Return a 24-bit colour."""
    return Colour(f"38;2;{red};{green};{blue}", f"48;2;{red};{green};{blue}")


def ansi_colour(number: int) -> Colour:
    """Return one of the terminal's own 16 colours."""
    first = number if number < 8 else number + 52
    return Colour(str(30 + first), str(40 + first))


def colour_256(number: int) -> Colour:
    """Return a colour of a 256-colour terminal."""
    return Colour(f"38;5;{number}", f"48;5;{number}")


def nearest_256(red: int, green: int, blue: int) -> int:
    """Return the nearest fixed colour of a 256-colour terminal.

    These are the 6x6x6 cube (16-231) and the greys (232-255). A user can change the first 16 colours.
    """
    colour = np.array([red, green, blue])
    return 16 + int(np.argmin(((FIXED_256 - colour) ** 2).sum(axis=1)))


def nearest_16(red: int, green: int, blue: int) -> int:
    """Return the nearest of the 16 ANSI colours, with xterm's values."""
    return int(np.argmin(((XTERM_16 - np.array([red, green, blue])) ** 2).sum(axis=1)))


# RGB of the 16 ANSI colours in xterm, and of the fixed colours 16 to 255.
XTERM_16 = np.array([
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
])  # fmt: skip
_LEVELS_256 = (0, 95, 135, 175, 215, 255)
FIXED_256 = np.array(
    [(red, green, blue) for red in _LEVELS_256 for green in _LEVELS_256 for blue in _LEVELS_256]
    + [(8 + 10 * i,) * 3 for i in range(24)]
)
