"""A picture made of blocks agrees with a picture made of rows."""

import math
import resource

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st

from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.products import SIGNED_PRODUCTS, Product, available, derive
from sunspec_tui.core.ring_buffer import Mark, RingBuffer, Rows
from sunspec_tui.core.row_blocks import FINEST_STEP, whole_blocks
from sunspec_tui.tui.display.coarse_rows import CoarseRows
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.tui.display.history_loader import HistoryLoader, PictureRequest

NBINS = 4


def made_rows(steps, *, npol=4, seed=0):
    """Return random rows whose slots increase by `steps`.

    Some of the rows are marked as restarts of the producer.
    """
    rng = np.random.default_rng(seed)
    slots = np.cumsum(steps).astype(np.int64)
    data = rng.uniform(1, 2, (len(slots), NBINS, npol)).astype(np.float32)
    marks = np.where(rng.random(len(slots)) < 0.02, Mark.RESTART, 0).astype(np.uint8)
    return Rows(data, 1e9 + slots * 0.25, slots, marks, len(slots))


class Source:
    """Ring with the methods of a receiver."""

    def __init__(self, length, npol=4):
        self.ring = RingBuffer(length, NBINS, npol)
        self.axis = Axis(560, 4 * NBINS, 4, npol)
        self.reads = []

    def feed(self, rows):
        for data, time_s, slot, mark in zip(rows.data, rows.times_s, rows.slots, rows.marks, strict=True):
            self.ring.append(data, float(time_s), int(slot), int(mark))

    def position(self):
        ends = self.ring.ends()
        return None if ends is None else Position(self.ring.count, self.ring.length, *ends, 0.25, self.axis, 0)

    def rows_between(self, start, stop, product=None):
        self.reads.append(stop - start)
        return self.ring.between(start, stop, product)

    def number_at(self, slot):
        return self.ring.number_at(slot)

    def epochs(self):
        return ()


def loaded(source, loader, wanted):
    while loader.load(loader.refresh_position(), wanted):
        pass
    return loader.picture.store


def of_rows(source, wanted):
    """Return the same columns, made only of the ring's rows."""
    rows = source.ring.latest()
    store = ColumnStore(wanted.columns, NBINS, wanted.rows_per_column)
    store.add(derive(rows.data, wanted.product), rows.times_s, rows.slots, rows.marks)
    return store


def assert_alike(found, expected, product, *, but=()):
    """Compare columns, except the columns in `but`.

    Some rows of the excepted columns have left the ring.
    """
    numbers = [number for number in expected.stored_numbers() if number not in but]
    assert [number for number in found.stored_numbers() if number not in but] == numbers
    mean, peak = found.statistics(numbers)
    wanted_mean, wanted_peak = expected.statistics(numbers)
    np.testing.assert_allclose(mean, wanted_mean, rtol=2e-6, atol=1e-6)
    if product not in SIGNED_PRODUCTS:
        np.testing.assert_array_equal(peak, wanted_peak)
    assert found.times_s(numbers) == expected.times_s(numbers)
    for number in numbers:
        assert found.first_s(number) == expected.first_s(number)
        assert found.restarted(number) == expected.restarted(number)
        assert found.missing(number) == expected.missing(number)


@pytest.mark.parametrize("per_column", [16, 48, 64, 128, 320, 1024])
@pytest.mark.parametrize("product", [Product.XX, Product.XY_REAL, Product.I, Product.Q, Product.V, Product.V_OVER_I])
def test_columns_of_blocks_equal_those_of_rows(product, per_column):
    source = Source(5000)
    loader = HistoryLoader(source)
    for seed in range(13):
        last = source.ring.ends()
        rows = made_rows([1 if last is None else last[1] + 1] + [1] * 455, seed=seed)
        source.feed(rows)
        loader.load(loader.refresh_position(), PictureRequest(0, 40, Product.YY, 4, None))
    wanted = PictureRequest(0, 40, product, per_column, None)
    source.reads.clear()
    found = loaded(source, loader, wanted)
    lost = {int(source.ring.ends()[0]) // per_column}
    assert_alike(found, of_rows(source, wanted), product, but=lost)
    assert sum(source.reads) < 256 + 2 * FINEST_STEP + 2 * per_column


@given(
    st.lists(st.tuples(st.sampled_from([1, 1, 1, 2, 5, 17, 70, 900]), st.integers(1, 60)), min_size=1, max_size=12),
    st.sampled_from([16, 32, 64, 80, 256]),
    st.sampled_from([30, 100, 400]),
    st.integers(0, 5),
)
@settings(max_examples=extent(40, 150), deadline=None)
def test_columns_of_blocks_equal_those_of_rows_with_gaps(runs, per_column, length, seed):
    source = Source(length)
    loader = HistoryLoader(source)
    at = 0
    for number, (gap, count) in enumerate(runs):
        rows = made_rows([at + gap] + [1] * (count - 1), seed=seed + number)
        at = int(rows.slots[-1])
        source.feed(rows)
        loader.load(loader.refresh_position(), PictureRequest(0, 30, Product.XX, 1, None))
    wanted = PictureRequest(0, 30, Product.I, per_column, None)
    found = loaded(source, loader, wanted)
    assert_alike(found, of_rows(source, wanted), Product.I, but={int(source.ring.ends()[0]) // per_column})


def test_rows_that_the_screen_missed_are_added_to_the_blocks():
    source = Source(1000)
    loader = HistoryLoader(source)
    source.feed(made_rows([1] * 300))
    loader.load(loader.refresh_position(), PictureRequest(0, 30, Product.XX, 1, None))
    source.feed(made_rows([301] + [1] * 4999, seed=1))
    wanted = PictureRequest(0, 30, Product.XX, 64, None)
    for _ in range(20):
        loader.load(loader.refresh_position(), wanted)
    again = PictureRequest(0, 30, Product.YY, 64, None)
    assert_alike(loaded(source, loader, again), of_rows(source, again), Product.YY, but={4300 // 64})


@pytest.mark.parametrize("npol", [1, 2, 4])
def test_blocks_have_each_product_that_the_stream_carries(npol):
    rows = made_rows([1] * 40, npol=npol)
    coarse = CoarseRows(NBINS, npol, 100)
    coarse.add(rows.first(31), 32)
    for product in available(npol):
        spans, mean, peak = coarse.between(16, 16, 32, product)
        power = derive(rows.data[15:31], product)
        np.testing.assert_allclose(mean[0], power.mean(axis=0), rtol=1e-6, atol=1e-6)
        if product not in SIGNED_PRODUCTS:
            np.testing.assert_array_equal(peak[0], power.max(axis=0))
        assert (spans.rows.tolist(), spans.first_slots.tolist(), spans.last_slots.tolist()) == ([16], [16], [31])


def test_a_bin_that_is_bad_in_all_rows_of_a_block_has_no_value():
    rows = made_rows([1] * 40)
    rows.data[15:31, 2] = np.inf
    coarse = CoarseRows(NBINS, 4, 100)
    coarse.add(rows.first(31), 32)
    _, mean, peak = coarse.between(16, 16, 32, Product.XX)
    assert np.isnan(mean[0]).tolist() == [False, False, True, False]
    assert peak[0, 2] == -math.inf


def test_a_bin_that_is_bad_in_some_rows_of_a_block_counts_with_its_mean():
    rows = made_rows([1] * 80)
    rows.data[15:25, 1, 0] = np.nan
    coarse = CoarseRows(NBINS, 4, 100)
    coarse.add(rows.first(79), 80)
    store = ColumnStore(1, NBINS, 48)
    store.add_blocks(*coarse.between(16, 48, 80, Product.XX))
    coarse_mean = coarse.between(16, 16, 48, Product.XX).mean
    np.testing.assert_allclose(
        coarse_mean[:, 1], [rows.data[25:31, 1, 0].mean(), rows.data[31:47, 1, 0].mean()], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("slots", "found"),
    [(1, 1), (14, 14), (50, 50), (63, 63), (64, 64), (65, 80), (122, 128), (255, 256), (300, 320), (841, 896),
     (2905, 3072)],
)  # fmt: skip
def test_a_column_of_many_slots_is_made_from_few_blocks(slots, found):
    assert whole_blocks(slots) == found


@given(st.integers(1, 10**6))
def test_whole_blocks_lengthen_a_column_by_at_most_a_quarter(slots):
    assert slots <= whole_blocks(slots) <= 1.25 * slots


@pytest.mark.parametrize("product", [None, *available(4)])
def test_a_ring_returns_one_product_alone_also_across_its_end(product):
    source = Source(10)
    rows = made_rows([1] * 17)
    source.feed(rows)
    found = source.ring.between(5, 15, product)
    power = rows.data[7:15] if product is None else derive(rows.data[7:15], product)
    np.testing.assert_array_equal(found.data, power)
    assert (found.slots.tolist(), found.count) == (list(range(8, 16)), 15)


def test_a_long_ring_allocates_no_blocks_before_rows_arrive():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    ring = RingBuffer(100_000, 768, 4)
    pages = ring.nbytes // resource.getpagesize()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < pages / 10
    assert len(ring.latest()) == 0


def test_a_stream_with_fewer_products_has_no_rows_of_the_others():
    source = Source(10, npol=2)
    source.feed(made_rows([1] * 5, npol=2))
    assert len(source.ring.between(0, 5, Product.V)) == 0
    assert len(source.ring.between(0, 5, Product.Q)) == 5
