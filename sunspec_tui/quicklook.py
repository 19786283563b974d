"""Pictures of whole days or hours of an archive, made on all cores or on a cluster by the same code.

Each hour is reduced where it is read, and each picture drawn where its hours are; only pictures come back, and this
process alone writes files. Dask loads with the first question.
"""

import math
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from sunspec_tui.archiving import StoreName, stores
from sunspec_tui.datasets import from_dataset
from sunspec_tui.errors import ArchiveError, NoRowsError, UsageError
from sunspec_tui.extras import optional
from sunspec_tui.picture_pool import Call, made_in_processes
from sunspec_tui.plot_reduction import finite_means
from sunspec_tui.products import WIRE_PRODUCTS, Product, plain_name
from sunspec_tui.recording import Recording
from sunspec_tui.sources.archive import open_by_axis
from sunspec_tui.times import format_iso
from sunspec_tui.windows import recorded_job
from sunspec_tui.writers.whole import whole_file

PERIODS_S = {"day": 86_400.0, "hour": 3_600.0}
"""Lengths of the pictures that can be made."""

_COLUMNS = 1440
_HOUR_S = 3600.0
_SCHEDULER_TIMEOUT_S = 10

Reduced = list[tuple[Recording, int]]
"""Means of an hour over columns of time, and its number of rows, for each frequency axis."""


def quicklook(
    directory: Path,
    out: Path,
    *,
    product: str = "XX",
    per: str = "day",
    start_s: float = -math.inf,
    end_s: float = math.inf,
    scheduler: str | None = None,
    workers: int | None = None,
) -> Iterator[Path]:
    """Make a picture of each period that has rows; yields each file as it is written.

    Parameters
    ----------
    directory
        The archive.
    out
        Where the pictures go; made when it is missing.
    product
        Product of the waterfalls.
    per
        ``day`` or ``hour``: what a picture shows, in 1440 columns of means.
    start_s, end_s
        Only periods that begin between these, seconds since 1970.
    scheduler
        A cluster's scheduler, ``tcp://host:8786``, whose workers have this package and see the archive under the same
        path; None uses processes on this machine, through private pipes.
    workers
        Number of processes on this machine; by default the number of cores.

    Raises
    ------
    ArchiveError
        If there is no archive, or the scheduler does not answer; at the end, if a picture could not be made.
    UsageError
        If there is no such product, or the pictures cannot be written.
    MissingExtraError
        If dask or another library of the archive is not installed.
    """
    optional("xarray", "reading an archive")
    optional("dask", "reading an archive")
    if scheduler is not None:
        optional("distributed", "quick-looks on a cluster")
    wanted = Product(product) if product in tuple(Product) else None
    if wanted is None:
        raise UsageError(f"there is no product {product!r}; choose one of {', '.join(Product)}")
    periods = list(_periods(directory, PERIODS_S[per], start_s, end_s))
    if not periods:
        raise ArchiveError(f"{directory} has no stores such as 2026-11-25.zarr in that time; check the directory")
    hours = {begin_s: _hours(directory, wanted, begin_s, per) for begin_s in periods}
    drawing = partial(draw, product=product, per=per)
    if scheduler is None:
        drawn = made_in_processes(hours.items(), drawing, workers or os.cpu_count() or 1)
    else:
        drawn = _made_on_cluster(hours, drawing, scheduler)
    failed = []
    with closing(drawn):
        for begin_s, pictures in drawn:
            if isinstance(pictures, BaseException):
                # One hour that cannot be read must not cost the other days their pictures.
                failed.append(f"{format_iso(begin_s)[:13]}: {pictures}")
                continue
            for number, picture in enumerate(pictures):
                yield _written(out, begin_s, per, number, picture)
    if failed:
        raise ArchiveError(f"{len(failed)} of {len(hours)} pictures could not be made, the first of {failed[0]}")


def _periods(directory: Path, period_s: float, start_s: float, end_s: float) -> Iterator[float]:
    """Beginnings of the periods of the days that have a store."""
    names = {name.day for path in stores(directory) if (name := StoreName.parse(path.name)) is not None}
    for day in sorted(names):
        midnight_s = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        for n in range(round(PERIODS_S["day"] / period_s)):
            begin_s = midnight_s + n * period_s
            if start_s <= begin_s < end_s:
                yield begin_s


def _made_on_cluster(
    hours: dict[float, list[Call[Reduced]]], drawing: Callable[[list[Reduced]], list[bytes]], scheduler: str
) -> Generator[tuple[float, list[bytes] | BaseException], None, None]:
    """Yield the pictures that the user's cluster makes, as they arrive."""
    distributed = optional("distributed", "quick-looks on a cluster")
    try:
        client = distributed.Client(scheduler, timeout=_SCHEDULER_TIMEOUT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise ArchiveError(f"no scheduler answers at {scheduler}: {error}; check --scheduler") from error
    with client:
        drawn = {
            client.submit(drawing, [client.submit(each, *given, pure=False) for each, given in calls], pure=False): key
            for key, calls in hours.items()
        }
        for future in distributed.as_completed(list(drawn)):
            finished = future.status == "finished"
            yield drawn[future], future.result() if finished else future.exception()
            future.release()


def _hours(directory: Path, product: Product, begin_s: float, per: str) -> list[Call[Reduced]]:
    """Return the calls that make the parts of a period."""
    period_s = PERIODS_S[per]
    column_s = period_s / _COLUMNS
    count = max(1, round(period_s / _HOUR_S))
    name = str(directory.absolute())
    return [(reduce_hour, (name, str(product), begin_s + n * _HOUR_S, column_s)) for n in range(count)]


def reduce_hour(directory: str, product: str, begin_s: float, column_s: float) -> Reduced:
    """Means over columns of time of one hour of an archive, and its number of rows, for each frequency axis."""
    # What ends on the hour belongs to it; the microsecond keeps midnight's row in its own day.
    try:
        found = open_by_axis(directory, begin_s - 1e-6, begin_s + _HOUR_S - 1e-6)
    except NoRowsError:
        return []
    needed = {Product.XX, Product.YY, Product(product)} if product in WIRE_PRODUCTS else set(WIRE_PRODUCTS)
    names = [plain_name(each) for each in WIRE_PRODUCTS if each in needed]
    reduced = []
    # Each worker has one core: threads of its own would take those of the others.
    with optional("dask.config", "reading an archive").set(scheduler="synchronous"):
        for dataset in found:
            rows = from_dataset(dataset[[name for name in names if name in dataset]])
            if product in rows.carries():
                reduced.append((means(rows, column_s), len(rows)))
    return reduced


def means(rows: Recording, column_s: float) -> Recording:
    """Means over columns of an even time axis that begins at a full second of 1970; columns without rows are left out.

    A value that is not a number counts for nothing; where a column has no other, its mean is none.
    """
    places = np.floor(rows.times_s / column_s).astype(np.int64)
    edges = np.concatenate([[0], np.flatnonzero(np.diff(places)) + 1])
    times_s = (places[edges] + 1) * column_s
    return replace(rows, data=finite_means(rows.data, edges), times_s=times_s, cadence_s=column_s)


def draw(hours: list[list[tuple[Recording, int]]], product: str, per: str) -> list[bytes]:
    """Pictures of a period's hours as PNGs: one for each frequency axis, in the order of their first rows."""
    axes: dict[bytes, list[tuple[Recording, int]]] = {}
    for rows, count in (part for hour in hours for part in hour):
        axes.setdefault(rows.frequencies_hz.tobytes() + str(rows.products).encode(), []).append((rows, count))
    return [_picture(parts, product, per) for parts in axes.values()]


def _picture(parts: list[tuple[Recording, int]], product: str, per: str) -> bytes:
    from sunspec_tui.writers.matplotlib_loader import load_matplotlib

    load_matplotlib()
    from sunspec_tui.writers.figure import SpectrumFigure

    whole = replace(
        parts[0][0],
        data=np.concatenate([rows.data for rows, _ in parts]),
        times_s=np.concatenate([rows.times_s for rows, _ in parts]),
    )
    mean = replace(whole, data=finite_means(whole.data, np.zeros(1, np.int64)), times_s=whole.times_s[-1:])
    spectra = recorded_job(mean, product).spectra
    count = sum(number for _, number in parts)
    note = f"{count} rows, {100 * len(whole) / _COLUMNS:.0f} % of the {per}"
    figure = SpectrumFigure()
    figure.draw(replace(recorded_job(whole, product), spectra=spectra, heading=f"mean of the {per}", note=note))
    return figure.png()


def _written(out: Path, begin_s: float, per: str, number: int, picture: bytes) -> Path:
    """Write a picture under its name in one step."""
    begin = datetime.fromtimestamp(begin_s, UTC)
    part = f"_{number + 1}" if number else ""
    path = out / f"quicklook_{begin:{'%Y%m%d' if per == 'day' else '%Y%m%d_%H'}}{part}.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_bytes(picture)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}; choose another --out") from error
    return path
