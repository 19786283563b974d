"""Options that decide how the data look: palette, levels, time span.

No numerical library is imported here, because the command line needs only names and limits.
"""

import math

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr

PALETTE_NAMES = ("viridis", "turbo", "inferno", "cividis", "gray")
AUTO_LEVELS = "auto"
MAX_LEVEL = 1e30
MAX_SPAN_S = 1e7
"""Longest time span of the waterfall, in seconds; the ring limits it further."""

FLUX_FACTORS = (1e-30, 1e30)
"""Smallest and largest factor of a flux scale."""

MAX_PROBE_SPAN_S = 600.0
"""Longest time that a command receives, in seconds."""


def parse_levels(text: str, name: str) -> tuple[float, float] | None:
    """Return floor and ceiling; None for automatic levels.

    Parameters
    ----------
    text
        Two numbers with a comma, such as ``10,35``, or ``auto``.
    name
        The setting as the user spells it.

    Raises
    ------
    UsageError
        If the text is something else, or the floor is not below the ceiling.
    """
    if text == AUTO_LEVELS:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not (abs(low) < MAX_LEVEL and abs(high) < MAX_LEVEL):
        raise UsageError(f"{name} is {short_repr(text)}, it must be two numbers such as 10,35, or auto")
    if not low < high:
        raise UsageError(f"{name} is {short_repr(text)}, the floor must be below the ceiling, such as 10,35")
    return low, high


def check_levels(text: str, name: str) -> None:
    """Raise a usage error unless the text gives levels; see `parse_levels`."""
    parse_levels(text, name)


def is_number_text(text: str) -> bool:
    """Return True if an option is a number, not a file."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_flux_scale(text: str, name: str = "--flux-scale") -> None:
    """Raise a usage error for a number that is no factor.

    No file is read.
    """
    if not text.strip() or "\0" in text:
        raise UsageError(f"{name} is {short_repr(text)}, it must be a factor such as 4.1667e-06, or a file")
    low, high = FLUX_FACTORS
    if is_number_text(text) and not low <= float(text) <= high:
        raise UsageError(f"{name} is {short_repr(text)}, a factor must lie between {low:g} and {high:g}")
