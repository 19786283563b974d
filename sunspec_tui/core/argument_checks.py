"""Check and convert numbers and names passed to Python functions.

Older scripts compute some of the numbers: ``buffer_length=300 / 0.25`` is the whole number 1200.
"""

import math
from enum import StrEnum
from numbers import Integral, Real
from typing import Any, TypeVar

from sunspec_tui.core.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)

MAX_AUTHOR_CHARACTERS = 60
"""Longest name of the author of a note."""


def parse_choice(kind: type[Choice], what: str, name: str) -> Choice:
    """Return the member of an enumeration that a user has named.

    Raises
    ------
    UsageError
        If there is no such member; the message lists all.
    """
    try:
        return kind(name)
    except ValueError as error:
        raise UsageError(f"there is no {what} {name!r}; choose one of {', '.join(kind)}") from error


def is_number(value: object) -> bool:
    """Return True for a real number that is not a bool."""
    return isinstance(value, Real) and not isinstance(value, bool)


def number(name: str, value: object, least: float) -> float:
    """Return a number of at least `least` and less than infinity.

    Raises
    ------
    UsageError
        If it is not such a number; the message names the argument.
    """
    found = _real(name, value, least)
    try:
        finite = math.isfinite(found)
    except OverflowError:
        finite = False
    if not finite:
        raise UsageError(f"{name} is too large")
    return float(found)


def whole_number(name: str, value: object, least: int) -> int:
    """Return a whole number of at least `least`.

    Raises
    ------
    UsageError
        As `number`, and if it is not whole.
    """
    found = _real(name, value, least)
    if not isinstance(found, Integral) and not float(found).is_integer():
        raise UsageError(f"{name} is {value}, it must be a whole number of at least {least}")
    return int(found)


def _real(name: str, value: object, least: float) -> Any:
    if not is_number(value):
        raise UsageError(f"{name} is {value!r}, it must be a number of at least {least:g}")
    # The type `Real` does not declare a comparison with a float.
    found: Any = value
    if not found >= least:
        raise UsageError(f"{name} is {value}, it must be at least {least:g}")
    return found


def check_author(author: str, name: str) -> None:
    """Check the name of a note's author.

    It must be short and have no colon, because a colon follows it in the headers of files.

    Parameters
    ----------
    author
        Name of the author; empty for none.
    name
        Name of the parameter, for the message.

    Raises
    ------
    UsageError
        If it is too long or has a colon.
    """
    if len(author) > MAX_AUTHOR_CHARACTERS or ":" in author:
        raise UsageError(f"{name} must be a name of at most {MAX_AUTHOR_CHARACTERS} characters without a colon")
