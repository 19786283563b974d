"""The state of the archive, and its events."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple


class ArchiveState(StrEnum):
    """What the archive does; the values are what people read."""

    OFF = "off"
    WAITING = "no rows yet"
    WRITING = "writing"
    NIGHT = "Sun too low"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class ArchiveStatus:
    """How the archive is doing.

    Attributes
    ----------
    state
        What it does.
    directory
        Where it is; None where it is off.
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
        Free on the disk after the last commit; None before it.
    problem
        What went wrong, until a commit succeeds; else empty.
    failures
        Commits that failed.
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
    """Something rare that the archive tells."""

    ok: bool
    text: str
