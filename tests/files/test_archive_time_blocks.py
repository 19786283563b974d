"""Tests that an archive's blocks equal those of its rows."""

import numpy as np
import pytest
from archive_timelines import (
    DAY_S,
    MIDNIGHT_S,
    Stretch,
    assert_same_means,
    assert_same_rows,
    timeline_of,
    write,
)

from sunspec_tui.core.products import Product
from sunspec_tui.core.time_blocks import STEPS_S, joined
from sunspec_tui.files.archive.layout import EXTREMES, stores
from sunspec_tui.files.archive.store_check import check_store
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks

NOON_S = MIDNIGHT_S + 12 * 3600
STEADY = Stretch(NOON_S + 100, 5200, gaps=((700, 3), (3000, 900)), restarts=(1500, 4100))
CASES = {
    "gaps and restarts": [STEADY],
    "a change of cadence": [STEADY, Stretch(NOON_S + 1700.3, 2600, cadence_s=0.5, gaps=((500, 5),), seed=1)],
    "midnight": [Stretch(MIDNIGHT_S + DAY_S - 700, 5200, gaps=((2790, 8),))],
    "a slow cadence": [Stretch(NOON_S, 150, cadence_s=10.0, gaps=((60, 4),))],
    "time that goes back": [STEADY, Stretch(NOON_S + 1620.1, 2600, seed=1)],
    "two products": [Stretch(NOON_S, 3000, npol=2)],
}


@pytest.fixture(scope="module", params=CASES, ids=str)
def archive(request, tmp_path_factory):
    """An archive and the timeline of its rows."""
    stretches, directory = CASES[request.param], tmp_path_factory.mktemp("archive")
    for stretch in stretches:
        write(directory, stretch.recording())
    return ArchiveBlocks(directory), timeline_of(*stretches)


def day_blocks(source, step_s, product, begin_s=MIDNIGHT_S, end_s=MIDNIGHT_S + 2 * DAY_S):
    parts = source.blocks(step_s, begin_s, end_s, product)
    return joined(parts) if parts else None


def around(scale):
    """The largest value of each block and its neighbours.

    A block where two stores meet has the errors of both.
    """
    return np.fmax.reduce([scale, np.roll(scale, 1, axis=0), np.roll(scale, -1, axis=0)])


SOME_PRODUCTS = [Product.XX, Product.XY_IMAG, Product.I, Product.Q, Product.V_OVER_I]


@pytest.mark.parametrize(
    ("step_s", "product"),
    [(2, Product.XX), (2, Product.V_OVER_I), *((step_s, product) for step_s in (16, 128) for product in SOME_PRODUCTS)],
)
def test_blocks_equal_those_of_the_rows(archive, step_s, product):
    blocks, rows = archive
    if product not in rows.axis().products:
        assert day_blocks(blocks, step_s, product) is None
        return
    found, expected = day_blocks(blocks, step_s, product), day_blocks(rows, step_s, product)
    assert_same_rows(found, expected)
    scale = around(np.abs(expected.mean))
    if product is Product.Q:
        scale = around(np.abs(day_blocks(rows, step_s, Product.I).mean))
    assert_same_means(found.mean, expected.mean, 2.1 * scale if product is Product.V_OVER_I else scale)
    if product in EXTREMES:
        with np.errstate(invalid="ignore"):
            error_db = 10 * np.log10(found.peak.astype(float) / expected.peak)
        assert np.nanmax(np.abs(error_db)) < 0.11
    else:
        np.testing.assert_array_equal(found.peak, found.mean)


@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.V_OVER_I])
def test_rows_are_exact(archive, product):
    blocks, rows = archive
    if product not in rows.axis().products:
        return
    found, expected = day_blocks(blocks, 0, product), day_blocks(rows, 0, product)
    for name in ("last_us", "missing", "restarts", "mean", "peak"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), name)


def test_extent_axis_and_recording_are_those_of_the_rows(archive):
    blocks, rows = archive
    found, expected = blocks.extent(), rows.extent()
    assert found.begin_s == pytest.approx(expected.begin_s, abs=1e-5)
    assert (found.end_s, found.finished_s) == pytest.approx((expected.end_s, expected.end_s), abs=1e-6)
    np.testing.assert_array_equal(blocks.axis().frequencies_hz, rows.axis().frequencies_hz)
    assert blocks.axis().products == rows.axis().products
    begin_s, end_s = expected.begin_s + 100, expected.end_s - 100
    some, wanted = blocks.recording(begin_s, end_s), rows.recording(begin_s, end_s)
    np.testing.assert_array_equal(some.data, wanted.data)
    np.testing.assert_allclose(some.times_s, wanted.times_s, atol=1e-6, rtol=0)
    assert some.source == "test"


def test_a_part_of_the_time_has_its_blocks_and_no_others(archive):
    blocks, rows = archive
    extent = rows.extent()
    begin_s = (extent.begin_s + extent.end_s) // 2 // 128 * 128
    for step_s, end_s in ((2, begin_s + 20), (16, begin_s + 160), (128, begin_s + 256)):
        found, expected = (day_blocks(each, step_s, Product.XX, begin_s, end_s) for each in (blocks, rows))
        assert_same_rows(found, expected)


@pytest.mark.parametrize(("piece", "anew"), [(150, False), (700, True)])
def test_blocks_do_not_depend_on_commits_and_writers(tmp_path, piece, anew):
    rows = STEADY.recording()
    write(tmp_path / "once", rows, piece=len(rows))
    write(tmp_path / "pieces", rows, piece=piece, anew=anew)
    once, pieces = (check_store(stores(tmp_path / name)[0]).time_blocks for name in ("once", "pieces"))
    assert (once.rows_covered, once.chunks_covered) == (pieces.rows_covered, pieces.chunks_covered)
    assert once.rows_covered > 4000
    whole, parts = ArchiveBlocks(tmp_path / "once"), ArchiveBlocks(tmp_path / "pieces")
    for step_s in STEPS_S:
        found, expected = (day_blocks(each, step_s, Product.XX) for each in (parts, whole))
        assert_same_rows(found, expected)
        assert_same_means(found.mean, expected.mean, np.abs(expected.mean))
