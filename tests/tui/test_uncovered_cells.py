"""Rectangles of cells without text."""

import numpy as np
import pytest

from sunspec_tui.tui.terminal.canvas import Region
from sunspec_tui.tui.terminal.uncovered_cells import AREA_LIMIT, uncovered_areas


def cells(*lines):
    return np.array([[character == "x" for character in line] for line in lines])


@pytest.mark.parametrize(
    ("covered", "areas"),
    [
        (cells("...", "..."), [(0, 0, 3, 2)]),
        (cells("xxx"), []),
        (cells("x.", "x."), [(1, 0, 2, 2)]),
        (cells("...", ".x.", "..."), [(0, 0, 3, 1), (0, 1, 1, 2), (2, 1, 3, 2), (0, 2, 3, 3)]),
    ],
)
def test_areas_are_the_rectangles_without_text(covered, areas):
    assert uncovered_areas(covered) == [Region(*area) for area in areas]


def test_areas_cover_each_cell_without_text_once():
    rng = np.random.default_rng(2)
    for _ in range(50):
        covered = rng.random((5, 6)) < 0.2
        areas = uncovered_areas(covered)
        assert len(areas) <= AREA_LIMIT
        counts = np.zeros(covered.shape, int)
        for left, top, right, bottom in areas:
            counts[top:bottom, left:right] += 1
        assert (counts == ~covered).all()


def test_scattered_text_leaves_out_the_rectangle_around_it():
    covered = np.zeros((40, 120), bool)
    covered[10:30:2, 20:100:2] = True
    areas = uncovered_areas(covered)
    assert len(areas) <= AREA_LIMIT
    assert all(not covered[top:bottom, left:right].any() for left, top, right, bottom in areas)
