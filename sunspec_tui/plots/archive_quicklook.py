"""Draw quick-looks of an archive: one picture per day or hour.

The same code runs on all cores of a machine or on a cluster. Workers reduce the hours and draw the pictures; only
pictures are returned, and only this process writes files. The times of a period are read first, so that the width of
its columns fits the length of its data. Dask is imported when it is first needed.
"""

import logging
import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sunspec_tui.core.errors import ArchiveError, NoRowsError, UsageError
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.products import WIRE_PRODUCTS, Product, plain_name
from sunspec_tui.core.recording import Recording, measured_cadence_s
from sunspec_tui.core.times import format_iso
from sunspec_tui.files.archive.block_reader import blocks_cover, overview
from sunspec_tui.files.archive.day_stores import StoreTimes, read_store_times, stores_by_day
from sunspec_tui.files.archive.layout import StoreName, stores
from sunspec_tui.files.archive.reader import checked_stores, open_by_axis
from sunspec_tui.files.xarray_dataset import from_dataset
from sunspec_tui.plots.column_reduction import MAX_COLUMNS, Reduced, column_width_s, reduce_rows
from sunspec_tui.plots.process_pool import Call, Key, Task, run_in_processes
from sunspec_tui.plots.quicklook_figure import FigureChoices, quicklook_png, write_picture

log = logging.getLogger(__name__)

PERIODS_S = {"day": 86_400.0, "hour": 3_600.0}
"""Lengths of the pictures that can be made."""

_DAY_FIGURES = FigureChoices(per="day")
_HOUR_S = 3600.0
_BLOCK_COLUMN_S = 45.0  # narrower columns are computed from rows, not from blocks
_SCHEDULER_TIMEOUT_S = 10

Hour = list[Reduced]
"""Rows of an hour, reduced to columns, for each frequency axis."""


def quicklook(
    directory: Path,
    out: Path,
    product: str = "XX",
    choices: FigureChoices = _DAY_FIGURES,
    *,
    start_s: float = -math.inf,
    end_s: float = math.inf,
    scheduler: str | None = None,
    workers: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - no progress is shown
) -> Iterator[Path]:
    """Draw each period that has rows, and yield the paths.

    Parameters
    ----------
    directory
        Directory of the archive.
    out
        Directory of the pictures; created if it is missing.
    product
        Product of the waterfalls.
    choices
        Content of the pictures, which have at most 1440 columns. Their period is ``day`` or ``hour``.
    start_s, end_s
        Limits of the beginnings of periods, seconds since 1970.
    scheduler
        Address of a cluster's scheduler, ``tcp://host:8786``, whose workers have this package and can read the archive
        under the same path; None uses processes on this machine, through private pipes.
    workers
        Number of processes on this machine; by default the number of cores.
    report
        Called with the number of periods that are done, and their total.

    Raises
    ------
    ArchiveError
        If there is no archive, or the scheduler does not answer; at the end, if a picture could not be made.
    UsageError
        If the product is unknown, or the pictures cannot be written.
    MissingExtraError
        If dask or another library of the archive is not installed.
    """
    _require_libraries(scheduler)
    chosen, per = _known_product(product), choices.per or "day"
    periods = list(_periods(directory, PERIODS_S[per], start_s, end_s))
    if not periods:
        raise ArchiveError(f"{directory} has no stores such as 2026-11-25.zarr in that time; check the directory")
    # A generator, because the times of each period are read to build its calls.
    tasks = (_picture_task(directory, chosen, begin_s, choices) for begin_s in periods)
    with closing(run_tasks(tasks, scheduler, workers)) as drawn:
        yield from _write_pictures(_counted(drawn, len(periods), report), out, per, len(periods))


def _require_libraries(scheduler: str | None) -> None:
    for library in ("xarray", "dask"):
        require_extra(library, "reading an archive")
    if scheduler is not None:
        require_extra("distributed", "quick-looks on a cluster")


def _known_product(name: str) -> Product:
    if name not in tuple(Product):
        raise UsageError(f"there is no product {name!r}; choose one of {', '.join(Product)}")
    return Product(name)


def _picture_task(directory: Path, product: Product, begin_s: float, choices: FigureChoices) -> Task[float]:
    """Return the task that draws a period's pictures."""
    calls = hour_calls(directory, product, begin_s, choices.per or "day", whole=choices.needs_all_products)
    return Task(begin_s, calls, partial(draw, product=product, choices=choices))


def default_product(directory: Path) -> str:
    """Return the product of a figure for publishing.

    It is that of the first store, see `preferred_product`.
    """
    paths = [path for each in stores_by_day(directory).values() for path in each]
    return preferred_product([read_store_times(path) for path in paths[:1]])


def preferred_product(stores: Sequence[StoreTimes]) -> str:
    """Return I if XX and YY are stored, else the first product."""
    stored = {each for store in stores for each in store.products}
    if {Product.XX, Product.YY} <= stored:
        return str(Product.I)
    return str(next((each for each in WIRE_PRODUCTS if each in stored), Product.XX))


def _counted(
    results: Iterable[tuple[Key, Any]], total: int, report: Callable[[int, int], None]
) -> Iterator[tuple[Key, Any]]:
    """Yield results, and report how many are done."""
    report(0, total)
    for number, result in enumerate(results):
        yield result
        report(number + 1, total)


def _write_pictures(
    drawn: Iterable[tuple[float, list[bytes] | BaseException]], out: Path, per: str, count: int
) -> Iterator[Path]:
    """Write the pictures of `count` periods, and yield their paths.

    Raises
    ------
    ArchiveError
        At the end, if a picture could not be made.
    UsageError
        If a picture cannot be written.
    """
    failed = []
    for begin_s, pictures in drawn:
        if isinstance(pictures, BaseException):
            # An hour that cannot be read must not prevent the pictures of other periods.
            failed.append(f"{format_iso(begin_s)[:13]}: {pictures}")
            continue
        for number, png in enumerate(pictures):
            yield write_picture(out, _stem(begin_s, per, number), png)
    if failed:
        raise ArchiveError(f"{len(failed)} of {count} pictures could not be made, the first of {failed[0]}")


def _periods(directory: Path, period_s: float, start_s: float, end_s: float) -> Iterator[float]:
    """Yield the beginnings of periods of days with a store."""
    paths = [directory] if StoreName.parse(directory.name) else stores(directory)
    names = {name.day for path in paths if (name := StoreName.parse(path.name)) is not None}
    for day in sorted(names):
        midnight_s = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        for n in range(round(PERIODS_S["day"] / period_s)):
            begin_s = midnight_s + n * period_s
            if start_s <= begin_s < end_s:
                yield begin_s


def run_tasks(tasks: Iterable[Task[Key]], scheduler: str | None, workers: int | None) -> Generator[tuple[Key, Any]]:
    """Run tasks on a cluster, or in processes of this machine.

    Parameters
    ----------
    tasks
        The tasks.
    scheduler
        Address of a cluster's scheduler; None for this machine.
    workers
        Number of processes on this machine; None for the number of cores.
    """
    if scheduler is None:
        return run_in_processes(tasks, workers or os.cpu_count() or 1)
    return _run_on_cluster(tasks, scheduler)


def _run_on_cluster(tasks: Iterable[Task[Key]], scheduler: str) -> Generator[tuple[Key, Any]]:
    """Yield the results from the user's cluster as they arrive."""
    distributed = require_extra("distributed", "quick-looks on a cluster")
    try:
        client = distributed.Client(scheduler, timeout=_SCHEDULER_TIMEOUT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise ArchiveError(f"no scheduler answers at {scheduler}: {error}; check --scheduler") from error
    with client:
        if not client.nthreads():
            log.warning("the scheduler at %s has no workers yet; the work begins with the first one", scheduler)
        drawn = {
            client.submit(
                task.finish, [client.submit(each, *given, pure=False) for each, given in task.calls], pure=False
            ): task.key
            for task in tasks
        }
        for future in distributed.as_completed(list(drawn)):
            yield drawn[future], _result_of(future, scheduler)
            future.release()


def _result_of(future: Any, scheduler: str) -> Any:
    """Return the result or the exception of a task of a cluster.

    Raises
    ------
    ArchiveError
        If the scheduler has ended, which cancels all tasks.
    """
    with suppress(OSError, CancelledError):
        if future.status == "finished":
            return future.result()
        if future.status == "error":
            return future.exception()
    raise ArchiveError(f"the scheduler at {scheduler} does not answer any more; start it again, and repeat the command")


def hour_calls(directory: Path, product: Product, begin_s: float, per: str, *, whole: bool = False) -> list[Call[Hour]]:
    """Return the calls that compute the parts of a period.

    The list is empty if the period has no rows. With `whole`, the parts have all products of the stores.
    """
    period_s = PERIODS_S[per]
    column_s = _column_s(directory, begin_s, period_s)
    if column_s is None:
        return []
    count = max(1, round(period_s / _HOUR_S))
    name = str(directory.absolute())
    if column_s >= _BLOCK_COLUMN_S and _has_blocks(directory, begin_s, period_s, product):
        return [(partial(reduce_blocks, whole=whole), (name, str(product), begin_s, period_s))]
    hour = partial(reduce_hour, whole=whole)
    return [(hour, (name, str(product), begin_s + n * _HOUR_S, column_s)) for n in range(count)]


def _has_blocks(directory: Path, begin_s: float, period_s: float, product: Product) -> bool:
    try:
        return blocks_cover(directory, *_within(begin_s, period_s), product)
    except ArchiveError:
        # Reading the hours gives the reason.
        return False


def _column_s(directory: Path, begin_s: float, period_s: float) -> float | None:
    """Return the width of a period's columns; None without rows."""
    try:
        datasets = open_by_axis(directory, *_within(begin_s, period_s), quiet=True)
    except NoRowsError:
        return None
    except ArchiveError:
        # Reading the hours gives the reason.
        return period_s / MAX_COLUMNS
    times_s = [dataset["time"].values.astype("datetime64[us]").astype(np.int64) / 1e6 for dataset in datasets]
    longest_s = max(times_s, key=len)
    cadence_s = measured_cadence_s(longest_s)
    first_s, last_s = min(float(each[0]) for each in times_s), max(float(each[-1]) for each in times_s)
    return column_width_s(last_s - first_s + (cadence_s if cadence_s > 0 else 0.0), cadence_s, len(longest_s))


def _within(begin_s: float, period_s: float) -> tuple[float, float]:
    """Return the limits of a period's rows.

    A row that ends with the period belongs to the next one.
    """
    # The microsecond assigns the row that ends at midnight to the new day.
    return begin_s - 1e-6, begin_s + period_s - 1e-6


def reduce_blocks(directory: str, product: str, begin_s: float, period_s: float, *, whole: bool = False) -> Hour:
    """Reduce a day of one frequency axis by whole blocks.

    This is much faster than by rows. With `whole`, the means are those of all products of the store.
    """
    within = _within(begin_s, period_s)
    products = tuple(dict.fromkeys((Product.XX, Product.YY, Product(product))))
    if whole:
        stored = checked_stores(Path(directory), *within)[0].products
        products = tuple(each for each in WIRE_PRODUCTS if plain_name(each) in stored)
    overviews = {
        each: overview(directory, each, *within, columns=MAX_COLUMNS) for each in {*products, Product(product)}
    }
    shown = overviews[Product(product)]
    cadence_s = float(np.median((shown.end_s - shown.begin_s) / shown.rows))
    column_s = cadence_s * float(np.median(shown.rows))
    mean = np.stack([overviews[each].mean for each in products], axis=-1)
    station, source, software = shown.origin
    means = Recording(mean, products, shown.end_s, shown.frequencies_hz, column_s, station, source, software)
    rows = int(shown.rows.sum())
    return [Reduced(means, shown.highest, rows, cadence_s, column_s, float(shown.begin_s[0]), float(shown.end_s[-1]))]


def reduce_hour(directory: str, product: str, begin_s: float, column_s: float, *, whole: bool = False) -> Hour:
    """Reduce one hour of an archive to columns, for each frequency axis.

    With `whole`, the means are those of all products of the stores.
    """
    try:
        datasets = open_by_axis(directory, *_within(begin_s, _HOUR_S))
    except NoRowsError:
        return []
    few = product in WIRE_PRODUCTS and not whole
    needed = {Product.XX, Product.YY, Product(product)} if few else set(WIRE_PRODUCTS)
    names = [plain_name(each) for each in WIRE_PRODUCTS if each in needed]
    reduced = []
    # Each worker has one core; more threads would use the cores of other workers.
    with require_extra("dask.config", "reading an archive").set(scheduler="synchronous"):
        for dataset in datasets:
            rows = from_dataset(dataset[[name for name in names if name in dataset]])
            if product in rows.carries():
                reduced.append(reduce_rows(rows, Product(product), column_s, whole=whole))
    return reduced


def draw(hours: list[Hour], product: str, choices: FigureChoices = _DAY_FIGURES) -> list[bytes]:
    """Draw a period's hours as PNGs, one per frequency axis.

    They are in the order of their first rows.
    """
    period_s = PERIODS_S[choices.per or "day"]
    return [quicklook_png(parts, Product(product), choices, period_s) for parts in by_axis(hours)]


def by_axis(hours: list[Hour]) -> list[Hour]:
    """Return the parts of each frequency axis, in the order of time."""
    axes: dict[bytes, Hour] = {}
    for part in (part for hour in hours for part in hour):
        rows = part.means
        axes.setdefault(rows.frequencies_hz.tobytes() + str(rows.products).encode(), []).append(part)
    return list(axes.values())


def _stem(begin_s: float, per: str, number: int) -> str:
    """Return a picture's file name without its extension."""
    begin = datetime.fromtimestamp(begin_s, UTC)
    part = f"_{number + 1}" if number else ""
    return f"quicklook_{begin:{'%Y%m%d' if per == 'day' else '%Y%m%d_%H'}}{part}"
