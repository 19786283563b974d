"""Score found bursts against labels that people have made by eye.

Pure functions on values. A label is found if a burst that is not interference shares time and band with it,
and does not last much longer. Labels of interference ask for nothing: a burst in their place is a false alarm on a
quiet file.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.files.burst_labels import BurstLabel
from sunspec_tui.monitoring.burst_series import Covered, FoundSeries

TOLERANCE_S = 5.0
"""Labels are read to about five seconds."""

MAX_RATIO, UNCHECKED_S = 10.0, 60.0
"""A burst that lasts longer than this many times a label, and this time more, has not found the label."""

EDGE_S = 3.0
"""A label that begins this near the begin of a file may have begun before it."""

_GROUPS = (frozenset({BurstType.III, BurstType.GROUP}),)


@dataclass(frozen=True, slots=True)
class LabelResult:
    """A label, and what was found in its place.

    Attributes
    ----------
    label
        The label.
    burst
        The burst that shares most with it, one of its type first; None if nothing was found.
    begin_difference_s
        Begin of the burst minus that of the label; NaN if nothing was found, or if the label begins with its file.
    """

    label: BurstLabel
    burst: Burst | None = None
    begin_difference_s: float = math.nan

    @property
    def is_found(self) -> bool:
        """True if a burst was found in its place."""
        return self.burst is not None

    @property
    def has_type(self) -> bool:
        """True if the burst has the label's type."""
        return self.burst is not None and self.burst.type is self.label.type

    @property
    def has_kind(self) -> bool:
        """True if the types agree; III and its groups are one."""
        return self.burst is not None and _is_kind(self.burst.type, self.label.type)


@dataclass(frozen=True, slots=True)
class LabelScores:
    """Found bursts beside labels.

    Attributes
    ----------
    results
        The labels that were asked for.
    false_alarms
        Bursts on quiet files: all of whose labels are interference, or which have none.
    quiet_files
        Names of these files.
    unlabelled
        Bursts on the other files in whose place there is no label of any certainty.
    """

    results: tuple[LabelResult, ...]
    false_alarms: tuple[Burst, ...]
    quiet_files: tuple[str, ...]
    unlabelled: tuple[Burst, ...]

    @property
    def found_share(self) -> float:
        """Share of the labels that were found; NaN without labels."""
        return _share(result.is_found for result in self.results)

    @property
    def type_share(self) -> float:
        """Share of the found labels whose burst has their type."""
        return _share(result.has_type for result in self.results if result.is_found)

    @property
    def kind_share(self) -> float:
        """Share of the found labels whose burst has their type.

        III and a group of III are one.
        """
        return _share(result.has_kind for result in self.results if result.is_found)

    @property
    def begin_error_s(self) -> float:
        """Median distance of begins, in seconds; NaN without one."""
        known = [abs(each) for each in self._begin_differences_s()]
        return median(known) if known else math.nan

    def begins_within(self, seconds: float) -> float:
        """Return the share of known begins that differ by at most `seconds`."""
        return _share(abs(each) <= seconds for each in self._begin_differences_s())

    def _begin_differences_s(self) -> list[float]:
        found = (result.begin_difference_s for result in self.results)
        return [each for each in found if not math.isnan(each)]


def score(labels: Sequence[BurstLabel], series: Sequence[FoundSeries], max_certainty: int = 1) -> LabelScores:
    """Score the bursts of series against the labels of their files.

    Parameters
    ----------
    labels
        The labels. Those of files that are not part of a series are ignored.
    series
        The series with their bursts.
    max_certainty
        Labels up to this one must be found.
    """
    results, alarms, quiet, unlabelled = list[LabelResult](), list[Burst](), list[str](), list[Burst]()
    for one in series:
        bursts = [burst for burst in one.bursts if burst.is_solar]
        of_series = [label for file in one.covered for label in labels if label.file == file.name]
        solar = [label for label in of_series if label.type is not BurstType.INTERFERENCE]
        begins_s = {file.name: file.begin_s for file in one.covered}
        results += [_result(label, bursts, begins_s[label.file]) for label in solar if label.certainty <= max_certainty]
        quiet_files = [file for file in one.covered if not any(label.file == file.name for label in solar)]
        quiet += [file.name for file in quiet_files]
        for burst in bursts:
            if any(_begins_in(burst, file) for file in quiet_files):
                alarms.append(burst)
            elif not any(_shares(burst, label) for label in solar):
                unlabelled.append(burst)
    return LabelScores(tuple(results), tuple(alarms), tuple(quiet), tuple(unlabelled))


def _result(label: BurstLabel, bursts: Iterable[Burst], file_begin_s: float) -> LabelResult:
    """Return what was found in the place of a label."""
    longest_s = MAX_RATIO * (label.end_s - label.begin_s) + UNCHECKED_S
    near = [burst for burst in bursts if _shares(burst, label) and burst.duration_s <= longest_s]
    if not near:
        return LabelResult(label)
    best = max(near, key=lambda burst: (_rank(burst, label), _shared_part(burst, label)))
    inside = [burst for burst in near if burst.type is best.type and burst.begin_s >= label.begin_s - TOLERANCE_S]
    # A group may have been found as several bursts: the first one in its time gives its begin.
    is_group = label.type is BurstType.GROUP
    first = min(inside, key=lambda burst: burst.begin_s, default=best) if is_group else best
    has_begin = label.begin_s - file_begin_s > EDGE_S
    return LabelResult(label, best, first.begin_s - label.begin_s if has_begin else math.nan)


def _rank(burst: Burst, label: BurstLabel) -> int:
    """Return 2 for the same type, 1 for one kind, or 0."""
    return 2 if burst.type is label.type else int(_is_kind(burst.type, label.type))


def _is_kind(one: BurstType, other: BurstType) -> bool:
    return one is other or any({one, other} <= group for group in _GROUPS)


def _shares(burst: Burst, label: BurstLabel) -> bool:
    """Return True if a burst shares time and band with a label."""
    in_time = burst.begin_s <= label.end_s + TOLERANCE_S and burst.end_s >= label.begin_s - TOLERANCE_S
    return in_time and burst.low_mhz <= label.high_mhz and burst.high_mhz >= label.low_mhz


def _shared_part(burst: Burst, label: BurstLabel) -> float:
    """Return the shared time as a part of the time of both."""
    shared_s = min(burst.end_s, label.end_s) - max(burst.begin_s, label.begin_s)
    both_s = max(burst.end_s, label.end_s) - min(burst.begin_s, label.begin_s)
    return shared_s / both_s if both_s > 0 else 0.0


def _begins_in(burst: Burst, file: Covered) -> bool:
    return file.begin_s <= burst.begin_s < file.end_s


def _share(values: Iterable[bool]) -> float:
    known = list(values)
    return sum(known) / len(known) if known else math.nan
