"""Compare found bursts with the reports of observatories.

Reports have whole minutes and other instruments' bands, so they are compared as far as the given rows cover them, and a
minute of tolerance is given. Pure functions on values.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from sunspec_tui.core.bursts import Burst, BurstList, BurstType
from sunspec_tui.files.radio_reports import RadioReport
from sunspec_tui.monitoring.burst_series import Covered, FoundSeries

TOLERANCE_S = 60.0
"""Reports are in whole minutes, and a minute may be wrong."""

SAME_BEGIN_S = 180.0
"""Largest difference of the begins of reports of the same burst."""

LONG_S = 3600.0
"""A report that lasts longer covers hours; its begin is not that of a burst."""

FITTING_TYPES = {
    "I": frozenset({BurstType.STORM}),
    "II": frozenset({BurstType.II}),
    "III": frozenset({BurstType.III, BurstType.GROUP}),
    "VI": frozenset({BurstType.III, BurstType.GROUP}),
    "VII": frozenset({BurstType.III, BurstType.GROUP, BurstType.CONTINUUM}),
    "IV": frozenset({BurstType.CONTINUUM}),
    "CTM": frozenset({BurstType.CONTINUUM}),
    "V": frozenset({BurstType.CONTINUUM}),
}
"""Types of bursts that fit each type of a report.

V is continuum right after bursts of type III, VI a group of type III, and VII is VI with V. CTM is the same as IV.
"""

_SAME_TYPES = {"CTM": "IV"}

Value = TypeVar("Value")


class Outcome(StrEnum):
    """Result for one report."""

    HIT = "hit"
    OTHER_TYPE = "other type"
    MISS = "miss"


@dataclass(frozen=True, slots=True)
class ReportResult:
    """A covered report, and the bursts that were found in it.

    Attributes
    ----------
    report
        The report, or several ones of the same burst as one.
    outcome
        Hit if a burst of a fitting type lies in its time and band; other type if only other bursts do.
    bursts
        These bursts, the first one first.
    begin_difference_s
        Begin of the burst that begins nearest to the report's begin minus that begin, seconds; NaN for a miss, for a
        report of hours, and if there are no rows at the begin of the report.
    low_difference_mhz, high_difference_mhz
        Edges of the bursts minus those of the report, as far as the rows cover it; NaN for a miss.
    """

    report: RadioReport
    outcome: Outcome
    bursts: tuple[Burst, ...] = ()
    begin_difference_s: float = math.nan
    low_difference_mhz: float = math.nan
    high_difference_mhz: float = math.nan


@dataclass(frozen=True, slots=True)
class Comparison:
    """Found bursts beside the reports of a list.

    Attributes
    ----------
    results
        The covered reports.
    not_covered
        Reports that the rows do not cover.
    not_compared
        Covered reports of types that have no counterpart.
    other_types
        Bursts within a report of another type, which are neither hits nor false alarms.
    false_alarms
        Bursts that no report covers; interference is none.
    """

    results: tuple[ReportResult, ...]
    not_covered: tuple[RadioReport, ...]
    not_compared: tuple[RadioReport, ...]
    other_types: tuple[Burst, ...]
    false_alarms: tuple[Burst, ...]

    def count(self, outcome: Outcome) -> int:
        """Return the number of reports with an outcome."""
        return sum(result.outcome is outcome for result in self.results)


def compare(reports: Sequence[RadioReport], series: Sequence[FoundSeries]) -> Comparison:
    """Compare the bursts of all series with reports."""
    covered = [each for one in series for each in one.covered]
    bursts = BurstList(burst for one in series for burst in one.bursts if burst.is_solar)
    seen, not_covered = _divided(reports, lambda report: bool(covering(report, covered)))
    known, not_compared = _divided(seen, lambda report: report.type in FITTING_TYPES)
    results = tuple(_result(report, bursts, covering(report, covered)) for report in grouped(known))
    fitting = {id(burst) for report in known for burst in _fitting(bursts, report)}
    # A report of a whole day would explain any burst.
    short = [report for report in seen if report.duration_s <= LONG_S]
    explained = {id(burst) for report in short for burst in _within(bursts, report)}
    alone = [burst for burst in bursts if id(burst) not in fitting]
    other_types, false_alarms = _divided(alone, lambda burst: id(burst) in explained)
    return Comparison(results, not_covered, not_compared, other_types, false_alarms)


def _divided(values: Iterable[Value], is_first: Callable[[Value], bool]) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    """Return the values that pass a test, and the others."""
    passed, others = list[Value](), list[Value]()
    for value in values:
        (passed if is_first(value) else others).append(value)
    return tuple(passed), tuple(others)


def covering(report: RadioReport, covered: Iterable[Covered]) -> list[Covered]:
    """Return the files that cover a part of a report.

    A report that names files is covered only by these.
    """
    return [
        each
        for each in covered
        if each.touches(report.begin_s, report.end_s, report.low_mhz, report.high_mhz)
        and (not report.files or each.name in report.files)
    ]


def grouped(reports: Iterable[RadioReport]) -> list[RadioReport]:
    """Join the reports of several observatories of the same burst.

    They are of the same type, begin within `SAME_BEGIN_S` of the first one, and share time and band with it. The result
    has the time and the band of all. Reports of one observatory are never joined.
    """
    groups, near = list[list[RadioReport]](), deque[list[RadioReport]]()
    for report in sorted(reports, key=lambda each: (each.begin_s, each.end_s)):
        # Only groups that began shortly before can take the report, so a long list takes no long time.
        while near and report.begin_s - near[0][0].begin_s > SAME_BEGIN_S:
            near.popleft()
        group = next((each for each in near if _joins(report, each)), None)
        if group is None:
            group = list[RadioReport]()
            groups.append(group)
            near.append(group)
        group.append(report)
    return [_joined(group) for group in groups]


def _joins(report: RadioReport, group: list[RadioReport]) -> bool:
    first = group[0]
    is_other = all(not set(report.observatories) & set(each.observatories) for each in group)
    same_type = _SAME_TYPES.get(report.type, report.type) == _SAME_TYPES.get(first.type, first.type)
    shares_band = report.low_mhz < first.high_mhz and report.high_mhz > first.low_mhz
    near = report.begin_s - first.begin_s <= SAME_BEGIN_S and report.begin_s <= first.end_s
    return is_other and same_type and shares_band and near


def _joined(group: list[RadioReport]) -> RadioReport:
    first = group[0]
    # Without names of files, one of the reports is covered by any file.
    files = frozenset().union(*(each.files for each in group)) if all(each.files for each in group) else frozenset()
    return replace(
        first,
        end_s=max(each.end_s for each in group),
        low_mhz=min(each.low_mhz for each in group),
        high_mhz=max(each.high_mhz for each in group),
        observatories=tuple(name for each in group for name in each.observatories),
        files=files,
    )


def _result(report: RadioReport, bursts: BurstList, covered: Sequence[Covered]) -> ReportResult:
    """Return the result for one report."""
    within, fitting = _within(bursts, report), _fitting(bursts, report)
    if report.type == "V":
        fitting = [burst for burst in fitting if _follows_type_iii(burst, bursts)]
    if not within:
        return ReportResult(report, Outcome.MISS)
    if not fitting:
        return ReportResult(report, Outcome.OTHER_TYPE, tuple(within))
    has_begin = report.duration_s <= LONG_S and any(each.has_rows_at(report.begin_s) for each in covered)
    low_mhz = max(report.low_mhz, min(each.low_mhz for each in covered))
    high_mhz = min(report.high_mhz, max(each.high_mhz for each in covered))
    return ReportResult(
        report,
        Outcome.HIT,
        tuple(fitting),
        min((burst.begin_s - report.begin_s for burst in fitting), key=abs) if has_begin else math.nan,
        min(burst.low_mhz for burst in fitting) - low_mhz,
        max(burst.high_mhz for burst in fitting) - high_mhz,
    )


def _within(bursts: BurstList, report: RadioReport) -> list[Burst]:
    """Return the bursts that share time and band with a report."""
    in_time = bursts.between(report.begin_s - TOLERANCE_S, report.end_s + TOLERANCE_S)
    return [each for each in in_time if each.low_mhz <= report.high_mhz and each.high_mhz >= report.low_mhz]


def _fitting(bursts: BurstList, report: RadioReport) -> list[Burst]:
    """Return those of them whose type fits."""
    return [burst for burst in _within(bursts, report) if burst.type in FITTING_TYPES[report.type]]


def _follows_type_iii(burst: Burst, bursts: BurstList) -> bool:
    """Return True for continuum right after a burst of type III."""
    kinds, near = FITTING_TYPES["III"], bursts.between(burst.begin_s - TOLERANCE_S, burst.begin_s)
    return any(each.type in kinds for each in near)
