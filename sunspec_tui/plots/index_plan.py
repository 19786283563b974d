"""Find the pictures and files of an index that must be made.

A picture is up to date if its file exists and was made from the same rows with the same options.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.printable import printable, printable_name
from sunspec_tui.files.archive.day_stores import StoreTimes, read_store_times, rows_between, stores_stamp
from sunspec_tui.files.archive_notes import PrintableNote
from sunspec_tui.plots.archive_quicklook import PERIODS_S, preferred_product
from sunspec_tui.plots.index_record import (
    DAY,
    HOURS,
    MAX_ERROR_CHARACTERS,
    Content,
    DayRecord,
    FileRecord,
    file_names,
    interval_key,
    is_interval,
    thumbnail_name,
)
from sunspec_tui.plots.index_tasks import MAX_INTERVAL_S, interval_column_s

MAX_INTERVALS_A_DAY = 100
"""Largest number of FITS files of a day."""

_TOO_LONG = "longer than a day, so there is no file"
_TOO_MANY = f"after the first {MAX_INTERVALS_A_DAY} intervals of the day, so there is no file"
_NO_ROWS = "no rows in the archive"


class Work(NamedTuple):
    """A picture or a file to make.

    Attributes
    ----------
    day, key
        The day, and ``day``, the hour or the interval.
    begin_s, end_s
        Its period.
    record
        What is known of it before it is made.
    """

    day: str
    key: str
    begin_s: float
    end_s: float
    record: FileRecord


class DayPlan(NamedTuple):
    """Work on one day.

    Attributes
    ----------
    day
        The day.
    record
        The day as it will be, with the files that are up to date.
    work
        What must be made.
    """

    day: str
    record: DayRecord
    work: list[Work]


def plan_day(
    day: str,
    paths: list[Path],
    notes: Sequence[PrintableNote],
    known: DayRecord,
    out: Path,
    *,
    product: str | None,
    periods: Sequence[str],
) -> DayPlan:
    """Find what must be made for a day.

    Parameters
    ----------
    day, paths
        The day, and its stores; also those of the next day, if an interval ends there.
    notes
        Notes that begin on this day.
    known
        The day at the last run.
    out
        Directory of the index.
    product
        Product that the user chose; None for the default.
    periods
        ``day``, ``hour``, or both.
    """
    # Read the state before the rows, so that the next run finds rows that are committed in between.
    stamp = stores_stamp(paths)
    wanted = _wanted_intervals(notes)
    if _is_up_to_date(day, known, stamp, set(wanted), out):
        return DayPlan(day, known, [])
    try:
        stores = [read_store_times(path) for path in paths]
    except ArchiveError as error:
        return DayPlan(day, DayRecord([], known.files, without_directory(error, paths)), [])
    files = {each.key: each for each in _pictures(day, stores, product, periods)}
    files |= {each.key: each for each in _intervals(day, stores, product, wanted)}
    kept = {key: each for key, each in known.files.items() if key in files}
    changed = [each for key, each in files.items() if not _is_same(day, each, kept.get(key), out)]
    # A period without rows needs no work.
    kept |= {each.key: each.record for each in changed if not each.record.rows}
    return DayPlan(day, DayRecord(stamp, kept), [each for each in changed if each.record.rows])


def _is_up_to_date(day: str, known: DayRecord, stamp: Content, wanted: set[str], out: Path) -> bool:
    """Return True if nothing of a day has changed."""
    return (
        known.stamp == stamp
        and not known.error
        and {key for key in known.files if is_interval(key)} == wanted
        and not any(each.error for each in known.files.values())
        and all(files_exist(day, key, each, out) for key, each in known.files.items())
    )


def _is_same(day: str, work: Work, record: FileRecord | None, out: Path) -> bool:
    same = record is not None and record.content == work.record.content and not record.error
    return same and record is not None and files_exist(day, work.key, record, out)


def without_directory(error: object, paths: Sequence[Path]) -> str:
    """Return the text of an error without the directory of the archive.

    A page that is published must not show the paths of the machine.
    """
    text = str(error)
    for path in paths:
        for shown in (printable_name(path.absolute()), printable_name(path), f"{path.absolute()}", f"{path}"):
            text = text.replace(shown, path.name)
    return printable(text, MAX_ERROR_CHARACTERS)


def files_exist(day: str, key: str, record: FileRecord, out: Path) -> bool:
    """Return True if all files of a record exist."""
    names = file_names(day, key, record.count)
    if key == DAY and record.count:
        names.append(thumbnail_name(day))
    return all((out / name).is_file() for name in names)


def _pictures(day: str, stores: Sequence[StoreTimes], product: str | None, periods: Sequence[str]) -> Iterator[Work]:
    """Yield the pictures of a day and of each hour with rows."""
    midnight_s = day_begin_s(day)
    if "day" in periods:
        yield _work(day, DAY, stores, midnight_s, midnight_s + PERIODS_S["day"], product)
    for number, hour in enumerate(HOURS if "hour" in periods else ()):
        begin_s = midnight_s + number * PERIODS_S["hour"]
        work = _work(day, hour, stores, begin_s, begin_s + PERIODS_S["hour"], product)
        if work.record.rows:
            yield work


def _intervals(
    day: str, stores: Sequence[StoreTimes], product: str | None, wanted: dict[str, PrintableNote]
) -> Iterator[Work]:
    """Yield the files of a day's intervals."""
    for number, (key, note) in enumerate(wanted.items()):
        end_s = note.begin_s if note.end_s is None else note.end_s
        work = _work(day, key, stores, note.begin_s, end_s, product)
        too_long, too_many = end_s - note.begin_s > MAX_INTERVAL_S, number >= MAX_INTERVALS_A_DAY
        remark = _TOO_LONG if too_long else _TOO_MANY if too_many else "" if work.record.rows else _NO_ROWS
        if remark:
            yield work._replace(record=FileRecord([], remark=remark))
            continue
        nbins = max(each.nbins for each in stores)
        column_s = interval_column_s(note.begin_s, end_s, work.record.rows, nbins)
        yield work._replace(record=replace(work.record, column_s=column_s))


def _work(day: str, key: str, stores: Sequence[StoreTimes], begin_s: float, end_s: float, product: str | None) -> Work:
    """Describe a picture or a file by the rows of its period."""
    content: Content = []
    first_us, last_us, rows = [], [], 0
    for store in stores:
        first, stop = rows_between(store, begin_s, end_s)
        if stop > first:
            ends_us = int(store.times_us[first]), int(store.times_us[stop - 1])
            content.append([store.name, first, stop, *ends_us])
            first_us.append(ends_us[0])
            last_us.append(ends_us[1])
            rows += stop - first
    begin_row_s = min(first_us, default=0) / 1e6
    last_row_s = max(last_us, default=0) / 1e6
    return Work(
        day, key, begin_s, end_s,
        FileRecord(content, 0, begin_row_s, last_row_s, rows, product=product or preferred_product(stores)),
    )  # fmt: skip


def _wanted_intervals(notes: Sequence[PrintableNote]) -> dict[str, PrintableNote]:
    """Return the notes that have an end, by their key."""
    return {interval_key(note.begin_s, note.end_s): note for note in notes if note.end_s is not None}


def day_begin_s(day: str) -> float:
    """Return the beginning of a UTC day, seconds since 1970."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


def day_name(time_s: float) -> str:
    """Return the UTC day of a time, ``YYYY-MM-DD``."""
    return f"{datetime.fromtimestamp(math.floor(time_s), UTC):%Y-%m-%d}"
