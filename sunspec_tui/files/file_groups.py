"""Group files whose rows continue each other: one station, one axis.

Files of one station that touch are one series. Another station, receiver, band, product, unit, cadence or file format
is another series. Pure functions on indexed files.
"""

from collections.abc import Iterable
from itertools import pairwise

from sunspec_tui.core.bin_mapping import is_same_axis
from sunspec_tui.files.file_index import IndexedFile

_SAME_CADENCE = 0.1


def group_files(files: Iterable[IndexedFile], max_gap_s: float) -> list[tuple[IndexedFile, ...]]:
    """Return the files of each series, in the order of their begins.

    Parameters
    ----------
    files
        Files with rows, in any order.
    max_gap_s
        Files with a longer time without rows between them are different series.
    """
    groups = list[list[IndexedFile]]()
    for file in sorted(files, key=lambda each: (each.begin_us, str(each.path))):
        group = next((each for each in groups if _belongs(file, each[0])), None)
        if group is None:
            groups.append([file])
        else:
            group.append(file)
    parts = (part for group in groups for part in _touching(group, max_gap_s))
    return sorted(parts, key=lambda part: part[0].begin_us)


def _belongs(file: IndexedFile, first: IndexedFile) -> bool:
    """Return True if a file can continue a series."""
    same = (file.source, file.stored, file.unit, file.kind) == (first.source, first.stored, first.unit, first.kind)
    return same and is_same_axis(file.frequencies_hz, first.frequencies_hz) and _has_same_cadence(file, first)


def _has_same_cadence(file: IndexedFile, first: IndexedFile) -> bool:
    """Return True if the cadences agree, or one is unknown."""
    if not (file.cadence_s > 0 and first.cadence_s > 0):
        return True
    return abs(file.cadence_s - first.cadence_s) <= _SAME_CADENCE * first.cadence_s


def _touching(group: list[IndexedFile], max_gap_s: float) -> list[tuple[IndexedFile, ...]]:
    """Split a series where it has no rows for a long time."""
    end_us, cuts = group[0].end_us, [0]
    for number, file in enumerate(group[1:], 1):
        if file.begin_us - end_us > max_gap_s * 1e6:
            cuts.append(number)
        end_us = max(end_us, file.end_us)
    return [tuple(group[first:stop]) for first, stop in pairwise([*cuts, len(group)])]
