"""Access to the detector of bursts for recorded rows, loaded when needed."""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.recording import Recording


class BurstFinder(NamedTuple):
    """Functions that find bursts in parts of recorded rows.

    Other processes receive it, so its functions must be those of a module.

    Attributes
    ----------
    overlap_s
        Time before a part whose rows the part needs too, to know the background.
    find_traces
        Returns the traces of bursts in rows. Rows before a time, in seconds since 1970 UTC, only give the background.
    bursts_of
        Returns the bursts of the traces of consecutive parts; the second argument is their source.
    """

    overlap_s: float
    find_traces: Callable[[Recording, float], Any]
    bursts_of: Callable[[Sequence[Any], str], tuple[Burst, ...]]


def usual_finder() -> BurstFinder:
    """Return the detector of this package."""
    parts = import_module("sunspec_tui.bursts.parts")
    return BurstFinder(parts.OVERLAP_S, parts.find_traces, parts.bursts_of)
