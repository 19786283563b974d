"""Value types for the archive's state and events."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class ArchiveState(StrEnum):
    """State of the archive; the values are shown to users."""

    OFF = "off"
    WAITING = "no rows yet"
    WRITING = "writing"
    NIGHT = "Sun too low"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """Status of the archive.

    Attributes
    ----------
    state
        Current state.
    directory
        Directory of the archive; None if it is off.
    rows_written
        Rows committed since the start.
    rows_missed
        Lost rows: they left the ring before they were written, or their time cannot be stored.
    rows_unwanted
        Rows not written because the Sun was too low.
    rows_waiting
        Rows that wait to be written. The sum with the other three counts is the number of received rows.
    last_time_s
        Data time of the last row committed, seconds since 1970; None before the first.
    free_bytes
        Free space on the disk after the last commit; None before it.
    problem
        The last error, until a commit succeeds; else empty.
    failures
        Number of failed commits.
    """

    state: ArchiveState = ArchiveState.OFF
    directory: Path | None = None
    rows_written: int = 0
    rows_missed: int = 0
    rows_unwanted: int = 0
    rows_waiting: int = 0
    last_time_s: float | None = None
    free_bytes: int | None = None
    problem: str = ""
    failures: int = 0


class ArchiveEvent(NamedTuple):
    """Rare event to report: a failure, or the end of one."""

    ok: bool
    text: str
