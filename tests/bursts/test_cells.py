"""Rows become cells of half a second and about a hundred bins."""

import numpy as np
import pytest

from sunspec_tui.bursts.cells import CELLS_PER_BLOCK, MAX_BINS, CellFolder, CellGrid, PowerFolder, cell_length_s
from sunspec_tui.core.products import WIRE_PRODUCTS, Product

START_S = 1_780_000_000.0


def folded(times_s, data, products=(Product.I,), frequencies_hz=None, cadence_s=0.25):
    """Return all blocks of rows."""
    axis = np.linspace(25e6, 85e6, data.shape[1]) if frequencies_hz is None else frequencies_hz
    folder = CellFolder(CellGrid(axis, cadence_s), products)
    return [*folder.feed(times_s, data), *folder.close()]


@pytest.mark.parametrize(
    ("cadence_s", "cell_s"),
    [
        (0.05, 0.5), (0.25, 0.5), (0.25001, 0.5), (0.5, 0.5), (0.501, 0.5), (0.6, 1.0), (1.0, 1.0), (3.0, 4.0),
        (60.0, 64.0), (0.0, 0.5), (-1.0, 0.5), (np.nan, 0.5), (np.inf, 0.5),
    ],
)  # fmt: skip
def test_a_cell_is_half_a_second_or_the_next_power_of_two_of_it_that_holds_a_row(cadence_s, cell_s):
    assert cell_length_s(cadence_s) == cell_s


@pytest.mark.parametrize("nbins", [1, 2, 60, 127, 128, 129, 200, 768, 3072, 4096])
def test_a_grid_has_at_most_the_largest_number_of_bins_each_of_whole_channels(nbins):
    grid = CellGrid(np.linspace(20e6, 87e6, nbins), 0.25)
    assert 1 <= len(grid.frequencies_mhz) <= MAX_BINS
    assert len(grid.frequencies_mhz) * grid.channels_per_bin == grid.searched.stop - grid.searched.start
    assert np.all(np.diff(grid.frequencies_mhz) > 0)


def test_the_search_leaves_out_what_is_below_20_and_above_200_megahertz():
    grid = CellGrid(np.arange(5e6, 400e6, 5e6), 0.25)
    assert grid.frequencies_mhz[[0, -1]].tolist() == [20, 200]
    assert len(CellGrid(np.linspace(1e6, 10e6, 30), 0.25).frequencies_mhz) == 0


def test_a_cell_is_the_mean_power_of_its_rows_and_channels():
    data = np.arange(16, dtype=np.float32).reshape(16, 1, 1).repeat(256, axis=1) + 1
    data[:, 1::2] += 2
    (block,) = folded(START_S + np.arange(16) * 0.25, data)
    assert block.number == START_S // 4
    expected = 10 * np.log10(np.arange(0.5, 16, 2) + 2)
    assert block.decibels == pytest.approx(np.repeat(expected[:, np.newaxis], 128, axis=1), rel=1e-6)
    assert block.circular is None


@pytest.mark.parametrize("cadence_s", [0.05, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5, 10.0, 60.0])
def test_every_row_is_in_one_cell_at_any_cadence(cadence_s):
    times_s = START_S + np.arange(300) * cadence_s
    blocks = folded(times_s, np.full((300, 30, 1), 10, np.float32), cadence_s=cadence_s)
    numbers = [block.number for block in blocks]
    assert numbers == list(range(numbers[0], numbers[0] + len(blocks)))
    cells = np.concatenate([block.decibels for block in blocks])
    known = cells[~np.isnan(cells)]
    assert known == pytest.approx(10.0)
    # Rows that are longer than a cell would leave holes.
    grid = CellGrid(np.linspace(25e6, 85e6, 30), cadence_s)
    rows_with_data = np.isfinite(cells).any(axis=1).sum()
    assert rows_with_data == len(np.unique(grid.cell_numbers(times_s)))


@pytest.mark.parametrize(
    ("products", "intensity", "circular"),
    [
        ((Product.I,), 1.0, None),
        ((Product.XX,), 1.0, None),
        ((Product.XX, Product.YY), 1.5, None),
        (WIRE_PRODUCTS, 1.5, 4 / 1.5),
        ((Product.I, Product.V), 1.0, 2.0),
        ((Product.Q, Product.I), 2.0, None),
    ],
)
def test_intensity_and_circular_polarisation_of_products(products, intensity, circular):
    data = np.broadcast_to(np.arange(1, len(products) + 1, dtype=np.float32), (16, 30, len(products))).copy()
    grid = CellGrid(np.linspace(25e6, 85e6, 30), 0.25)
    values = PowerFolder(grid, products).folded(data)
    assert values[0] == pytest.approx(intensity)
    block = folded(START_S + np.arange(16) * 0.25, data, products)[0]
    assert (block.circular is None) == (circular is None)
    if circular is not None:
        assert block.circular == pytest.approx(circular)


def test_a_missing_row_leaves_its_cell_to_the_other_row():
    times_s = START_S + np.delete(np.arange(32), [3, 8, 9]) * 0.25
    first, second = folded(times_s, np.full((29, 30, 1), 100, np.float32))
    assert first.decibels[[0, 1, 2, 3]] == pytest.approx(20)
    assert np.isnan(first.decibels[4]).all()
    assert np.isfinite(second.decibels).all()


@pytest.mark.parametrize("bad", [np.nan, 0.0, -5.0])
def test_a_bad_value_is_missing_in_its_own_bin_alone(bad):
    data = np.full((16, 30, 1), 100, np.float32)
    data[4:6, 7] = bad
    data[6, 7] = bad
    block = folded(START_S + np.arange(16) * 0.25, data)[0]
    assert np.isnan(block.decibels[2, 7])
    assert block.decibels[3, 7] == pytest.approx(20)
    assert np.isnan(block.decibels).sum() == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_v_is_missing_in_its_own_cell_alone(bad):
    data = np.tile(np.array([100, 50], np.float32), (16, 30, 1))
    data[4, 7, 1] = bad
    block = folded(START_S + np.arange(16) * 0.25, data, (Product.I, Product.V))[0]
    assert block.decibels == pytest.approx(20)
    is_known = np.isfinite(block.circular)
    assert not is_known[2, 7]
    assert is_known.sum() == block.circular.size - 1
    assert block.circular[is_known] == pytest.approx(0.5)


def test_missing_blocks_are_not_made_and_late_rows_are_ignored():
    times_s = START_S + np.array([0.0, 1.0, 400.0, 401.0, 2.0, 402.0])
    data = np.array([1, 1, 1, 1, 1e6, 1], np.float32).reshape(-1, 1, 1).repeat(30, axis=1)
    blocks = folded(times_s, data)
    assert [block.number - int(START_S // 4) for block in blocks] == [0, 100]
    assert np.nanmax([block.decibels for block in blocks]) == 0


def test_a_block_is_the_same_however_its_rows_come():
    rng = np.random.default_rng(1)
    times_s, data = START_S + np.arange(100) * 0.25, rng.uniform(1, 2, (100, 60, 1)).astype(np.float32)
    whole = folded(times_s, data)
    folder = CellFolder(CellGrid(np.linspace(25e6, 85e6, 60), 0.25), (Product.I,))
    parts = [block for i in range(100) for block in folder.feed(times_s[i : i + 1], data[i : i + 1])]
    parts += folder.close()
    assert folder.close() == []
    assert [block.number for block in parts] == [block.number for block in whole]
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one.decibels, other.decibels, rtol=1e-5)


def test_no_rows_give_no_block():
    folder = CellFolder(CellGrid(np.linspace(25e6, 85e6, 60), 0.25), (Product.I,))
    assert folder.feed(np.empty(0), np.empty((0, 60, 1), np.float32)) == []


def test_cells_begin_at_multiples_of_their_length():
    grid = CellGrid(np.linspace(25e6, 85e6, 60), 0.25)
    # A time that is rounded to microseconds belongs to the cell that begins then.
    assert grid.cell_numbers(np.array([0.0, 0.499, 0.4999999, 0.5])).tolist() == [0, 0, 1, 1]
    assert grid.block_s == CELLS_PER_BLOCK * grid.cell_s
