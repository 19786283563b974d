"""Rectangles of a picture's cells that no text covers."""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.pixel_differences import runs

AREA_LIMIT = 24
"""Largest number of rectangles; beyond it, the rectangle around all text is left out."""


def uncovered_areas(covered: NDArray[np.bool_]) -> list[Region]:
    """Return rectangles that cover all cells without text, each cell once.

    Parameters
    ----------
    covered
        Cells with text, shape (lines, columns).

    Returns
    -------
    list[Region]
        Rectangles, from the top left of the picture. If many are needed, they leave out some cells without text.
    """
    areas = _areas(covered)
    if len(areas) <= AREA_LIMIT:
        return areas
    lines, columns = np.nonzero(covered)
    around = np.zeros_like(covered)
    around[lines.min() : lines.max() + 1, columns.min() : columns.max() + 1] = True
    return _areas(around)


def _areas(covered: NDArray[np.bool_]) -> list[Region]:
    areas: list[Region] = []
    # Open areas, which reach down to the present line, by their columns.
    growing: dict[tuple[int, int], int] = {}
    for line in range(covered.shape[0]):
        free = runs(~covered[line])
        ended = growing.keys() - set(free)
        areas += [Region(left, growing[left, right], right, line) for left, right in sorted(ended)]
        growing = {columns: growing.get(columns, line) for columns in free}
    return areas + [Region(left, top, right, covered.shape[0]) for (left, right), top in growing.items()]
