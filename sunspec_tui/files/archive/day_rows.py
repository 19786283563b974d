"""Find the times for which an archive has rows, without reading powers.

zarr is imported at the first use.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.core.recording import continuous_runs, measured_cadence_s
from sunspec_tui.core.row_spans import row_lengths_s
from sunspec_tui.files.archive.reader import checked_stores
from sunspec_tui.files.archive.store_check import StoreClaim

_MAX_REASON = 75
# Steps of the data's time are exact to a microsecond; this joins the spans of parts that follow each other.
_JOIN_S = 1e-3

Spans = NDArray[np.float64]
"""Spans of time as (begin, end) in seconds since 1970 UTC, sorted and separate, shape (n, 2)."""


@dataclass(frozen=True, slots=True)
class ArchivedRows:
    """Rows of an archive between two times.

    Attributes
    ----------
    rows
        Number of rows; a row that is in two stores counts once.
    spans
        Times that the rows cover.
    """

    rows: int
    spans: Spans

    @property
    def covered_s(self) -> float:
        """Time that the rows cover, in seconds."""
        return float((self.spans[:, 1] - self.spans[:, 0]).sum())

    @property
    def gaps(self) -> Spans:
        """Times between the first and the last row that no row covers."""
        return np.stack([self.spans[:-1, 1], self.spans[1:, 0]], axis=1)


def archived_rows(directory: Path, begin_s: float, end_s: float) -> ArchivedRows:
    """Return the rows of an archive that end between two times.

    Parameters
    ----------
    directory
        The archive, or one of its stores.
    begin_s, end_s
        Limits of the rows' ends, seconds since 1970 UTC.

    Raises
    ------
    ArchiveError
        If there is no archive, or a store cannot be read.
    MissingExtraError
        If zarr is not installed.
    """
    zarr = require_extra("zarr", "reading an archive")
    times, spans = [np.empty(0)], [np.empty((0, 2))]
    for claim in checked_stores(directory, begin_s, end_s):
        found_s = _times_s(zarr, claim)
        found_s = found_s[(found_s > begin_s) & (found_s <= end_s)]
        times.append(found_s)
        spans.append(covered_spans(found_s))
    covered = joined_spans(np.concatenate(spans))
    return ArchivedRows(len(np.unique(np.concatenate(times))), np.clip(covered, begin_s, end_s))


def covered_spans(times_s: NDArray[np.float64]) -> Spans:
    """Return the times that rows cover.

    Parameters
    ----------
    times_s
        End of each row, in the order of arrival, shape (n,).
    """
    cadence_s = measured_cadence_s(times_s)
    if not cadence_s > 0:
        # A single row has no known length.
        return np.stack([times_s, times_s], axis=1)
    runs, lengths_s = continuous_runs(times_s, cadence_s), row_lengths_s(times_s, cadence_s)
    first = np.array([run.start for run in runs], np.int64)
    last = np.array([run.stop - 1 for run in runs], np.int64)
    return np.stack([times_s[first] - lengths_s[first], times_s[last]], axis=1)


def joined_spans(spans: Spans) -> Spans:
    """Sort spans, and join those that overlap or follow each other."""
    spans = spans[np.argsort(spans[:, 0], kind="stable")]
    if not len(spans):
        return spans
    ends_s = np.maximum.accumulate(spans[:, 1])
    begins = np.flatnonzero(np.concatenate([[True], spans[1:, 0] > ends_s[:-1] + _JOIN_S]))
    return np.stack([spans[begins, 0], np.maximum.reduceat(spans[:, 1], begins)], axis=1)


def _times_s(zarr: Any, claim: StoreClaim) -> NDArray[np.float64]:
    """Return the ends of a store's rows."""
    try:
        group = zarr.open_group(claim.path, mode="r", use_consolidated=True, zarr_format=3)
        return np.asarray(group["time"][:], np.int64) / 1e6
    except Exception as error:
        why = printable(f"{type(error).__name__}: {error}", _MAX_REASON)
        raise ArchiveError(
            f"the times of {printable_name(claim.path)} cannot be read: {why}; move it away to read the others"
        ) from error
