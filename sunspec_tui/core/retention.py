"""Decide which plots expire: limits of number, age and total size.

Pure rules on names, times and sizes; this module reads no directory and deletes nothing.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sunspec_tui.core.errors import UsageError

DEFAULT_KEEP = "7d,2G"
LATEST = "latest.png"
"""Name of the file that always shows the newest plot."""

SOFTWARE = "sunspec-tui"
"""Value of the PNG tag ``Software``: only files with this tag are removed."""

_NAME = re.compile(r"spectrum_(\d{8}_\d{6})(?:_\d+)?(_VI)?\.png")
_RULE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([hdkMGT]?)")
_SECONDS = {"h": 3600.0, "d": 86400.0}
_BYTES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


class RetentionPolicy(NamedTuple):
    """Limits of the plots to keep; None sets no limit.

    Attributes
    ----------
    number
        Largest number of files.
    age_s
        Largest age of a file in seconds.
    nbytes
        Largest size of all files together in bytes.
    """

    number: int | None = None
    age_s: float | None = None
    nbytes: int | None = None

    @classmethod
    def parse(cls, text: str) -> "RetentionPolicy":
        """Parse a text such as ``7d,2G`` (age, size), ``1000`` (number) or ``all``.

        Raises
        ------
        UsageError
            If the text is not such a rule.
        """
        if not isinstance(text, str):
            raise UsageError(f"--plot-keep is {text!r}, it must be text such as 7d,2G")
        if text == "all":
            return cls()
        found: dict[str, float] = {}
        for item in text.split(","):
            match = _RULE.fullmatch(item.strip())
            kind, value = _limit(*match.groups()) if match else ("", 0.0)
            if not match or kind in found or (kind == "number" and value != int(value)):
                raise UsageError(
                    f"--plot-keep is {text!r}, it must be a number (1000), an age (7d, 12h), a size (2G, 500M), "
                    "one of each with commas between, or all"
                )
            found[kind] = value
        number, nbytes = found.get("number"), found.get("nbytes")
        return cls(None if number is None else int(number), found.get("age_s"), None if nbytes is None else int(nbytes))


def _limit(value: str, unit: str) -> tuple[str, float]:
    if unit in _SECONDS:
        return "age_s", float(value) * _SECONDS[unit]
    if unit in _BYTES:
        return "nbytes", float(value) * _BYTES[unit]
    return "number", float(value)


@dataclass(frozen=True, slots=True, order=True)
class PlotFile:
    """A plot on the disk.

    Attributes
    ----------
    time_s
        Time of the plot in its name, seconds since 1970 UTC.
    name, nbytes
        File name and size.
    sequence
        Number of the plot in this run, from 1; 0 for a plot of an earlier run.
    """

    time_s: float
    name: str
    nbytes: int
    sequence: int = 0


def plot_time_s(name: str) -> float | None:
    """Return the time in a plot's name, seconds since 1970 UTC.

    The result is None for any other file.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d_%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def expired(
    files: Iterable[PlotFile],
    keep: RetentionPolicy,
    now_s: float,
    written: frozenset[str] = frozenset(),
    *,
    clock_agrees: bool = False,
) -> list[PlotFile]:
    """Return the files to delete, the oldest first.

    Plots of this run count as newer than all earlier plots, whatever the dates in their names. Ages are counted from
    the newest plot that is not dated in the future.

    Parameters
    ----------
    files
        All plots of the directory.
    keep
        The limits; a file expires if it exceeds any of them. A second figure expires together with its first.
    now_s
        Now, seconds since 1970.
    written
        Names of the files that were just written; they never expire.
    clock_agrees
        True if the wall clock is trusted (`clock_check.ClockCheck`); otherwise no plot expires by its age.
    """
    newest_first = sorted(files, key=lambda file: (file.sequence, file.time_s, file.name), reverse=True)
    oldest_s = -math.inf
    if keep.age_s is not None and clock_agrees:
        oldest_s = max((file.time_s for file in newest_first if file.time_s <= now_s), default=-math.inf) - keep.age_s
    to_delete, total, moments = [], 0, dict[str, int]()
    for file in newest_first:
        total += file.nbytes
        rank = moments.setdefault(file.name.replace("_VI", ""), len(moments))
        too_many = keep.number is not None and rank >= keep.number
        too_big = keep.nbytes is not None and total > keep.nbytes
        if file.name not in written and (too_many or too_big or file.time_s < oldest_s):
            to_delete.append(file)
    return to_delete[::-1]
