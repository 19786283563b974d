"""Draw quick-looks of recorded files: one picture, or several by period.

The rows are read block by block, and only the columns of a picture are kept in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.products import Product
from sunspec_tui.files.file_series import MAX_BLOCK_BYTES, FileSeries
from sunspec_tui.files.input_paths import ENDINGS
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.plots.column_reduction import Reduced, column_edges, column_width_s, reduce_rows
from sunspec_tui.plots.quicklook_figure import FigureChoices, quicklook_png, write_picture

_PERIODS_S = {"day": 86_400.0, "hour": 3_600.0}
_NAMES = {"day": "%Y%m%d", "hour": "%Y%m%d_%H"}
_ENDINGS = (".gz", *ENDINGS)
_ALL_ROWS = FigureChoices()


def file_quicklook(
    paths: list[Path],
    out: Path,
    selection: RowSelection,
    product: str | None = None,
    choices: FigureChoices = _ALL_ROWS,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005 - no progress is shown
) -> Iterator[Path]:
    """Draw files, and yield the path of each written picture.

    Parameters
    ----------
    paths
        Paths of the files, in any order.
    out
        Directory of the pictures; created if it is missing.
    selection
        The requested rows and parts of the files.
    product
        Product of the waterfall; by default XX, or else I, or else the first one. In a figure for publishing, I comes
        before XX.
    choices
        Content of the pictures.
    report
        Called with the number of pictures that are done, and their total.

    Raises
    ------
    SourceError
        If the files cannot be read, or do not belong together.
    UsageError
        If the files do not have the product, or the pictures cannot be written.
    """
    series, per, whole = FileSeries(paths, selection), choices.per, choices.needs_all_products
    preferred = (Product.I, Product.XX) if whole else (Product.XX, Product.I)
    shown, periods = _product(series, product, preferred), list(_periods(series.times_s, per))
    for number, (begin, end) in enumerate(periods):
        report(number, len(periods))
        parts = list(_reduced(series, shown, begin, end, whole=whole))
        png = quicklook_png(parts, shown, choices, _length_s(series, begin, end, per))
        yield write_picture(out, _stem(series, float(series.times_s[begin]), per), png)


def _product(series: FileSeries, name: str | None, preferred: Sequence[Product]) -> Product:
    """Return the product to draw.

    Without a name, it is the first preferred one that there is, or else the first one.
    """
    carried = series.only(slice(0)).carries()
    if name is None:
        return next((each for each in preferred if each in carried), carried[0])
    if name not in carried:
        raise UsageError(f"{series.name} has no {name}; choose one of {', '.join(carried)}")
    return Product(name)


def _periods(times_s: NDArray[np.float64], per: str | None) -> Iterator[tuple[int, int]]:
    """Yield the first row and the last row + 1 per picture."""
    cuts = np.empty(0, np.int64)
    if per is not None:
        numbers = np.rint(times_s * 1e6).astype(np.int64) // round(_PERIODS_S[per] * 1e6)
        cuts = np.flatnonzero(np.diff(numbers)) + 1
    edges = [0, *cuts.tolist(), len(times_s)]
    return pairwise(edges)


def _length_s(series: FileSeries, begin: int, end: int, per: str | None) -> float:
    """Return the length of a period, or else of the rows."""
    return _PERIODS_S[per] if per is not None else float(series.times_s[end - 1] - series.starts_s[begin])


def _reduced(series: FileSeries, product: Product, begin: int, end: int, *, whole: bool = False) -> Iterator[Reduced]:
    """Yield rows reduced to columns.

    Each time the columns of one block of rows. With `whole`, they have all products.
    """
    times_s, max_rows = series.times_s[begin:end], max(1, MAX_BLOCK_BYTES // series.row_bytes)
    column_s = column_width_s(_length_s(series, begin, end, None), series.cadence_s, end - begin)
    edges = np.append(column_edges(times_s, column_s), end - begin)
    place = 0
    while place < len(edges) - 1:
        # At least one column, with any number of rows.
        stop = max(place + 1, int(np.searchsorted(edges, edges[place] + max_rows, "right")) - 1)
        rows = series.only(slice(begin + int(edges[place]), begin + int(edges[stop])))
        yield reduce_rows(rows, product, column_s, whole=whole)
        place = stop


def _stem(series: FileSeries, begin_s: float, per: str | None) -> str:
    """Return a picture's file name without its extension.

    It has the first file's name and the number of other files.
    """
    name = series.first_path.name
    while name.lower().endswith(_ENDINGS):
        name = name[: name.rindex(".")]
    others = f"_and_{series.file_count - 1}" if series.file_count > 1 else ""
    period = "" if per is None else f"_{datetime.fromtimestamp(begin_s, UTC):{_NAMES[per]}}"
    return f"quicklook_{name}{others}{period}"
