"""Columns of a timeline are those of its rows."""

import numpy as np
import pytest
from days import BEGIN_S, day
from timelines import RowTimeline

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product, derive
from sunspec_tui.webapp import timeline_columns
from sunspec_tui.webapp.timeline_columns import ColumnRequest, TooMuchWorkError, read_columns

NBINS = 64
HOUR_S = 3600


@pytest.fixture(scope="module")
def timeline():
    return day(2.0, NBINS, length_s=2 * HOUR_S)


def expected(timeline, start_s, step_s, product):
    """Mean and highest value of each column by plain loops."""
    numbers = ((timeline.times_s - start_s) // step_s).astype(int)
    found = []
    for n in np.unique(numbers[(numbers >= 0)]):
        rows = timeline.data[numbers == n].astype(np.float64)
        wire = derive(rows.mean(axis=0)[None], product)[0]
        found.append((start_s + n * step_s, wire, derive(rows, product).max(axis=0), np.count_nonzero(numbers == n)))
    return found


@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.Q, Product.V, Product.V_OVER_I])
@pytest.mark.parametrize("step_s", [8, 16, 64])
@pytest.mark.parametrize("part_values", [timeline_columns._PART_VALUES, 3 * NBINS])
def test_columns_are_the_mean_and_the_highest_of_their_rows(timeline, product, step_s, part_values, monkeypatch):
    monkeypatch.setattr(timeline_columns, "_PART_VALUES", part_values)
    wanted = ColumnRequest(BEGIN_S, BEGIN_S + 60 * step_s, 60, NBINS, product)
    columns = read_columns(timeline, wanted, NBINS)
    reference = expected(timeline, BEGIN_S, step_s, product)[:60]
    assert (columns.begin_us / 1e6).tolist() == [begin_s for begin_s, *_ in reference]
    assert columns.rows.tolist() == [count for *_, count in reference]
    np.testing.assert_allclose(columns.mean, [mean for _, mean, *_ in reference], rtol=2e-4, atol=1e-3)
    highest = columns.mean if product in SIGNED_PRODUCTS else [each for _, _, each, _ in reference]
    np.testing.assert_allclose(columns.peak, highest, rtol=1e-5)


def test_a_few_rows_are_sent_as_rows_with_their_own_times(timeline):
    wanted = ColumnRequest(BEGIN_S, BEGIN_S + 64, 64, NBINS, Product.XX)
    columns = read_columns(timeline, wanted, NBINS)
    which = timeline.times_s < BEGIN_S + 64
    assert (columns.end_us / 1e6).tolist() == timeline.times_s[which].tolist()
    assert (columns.begin_us / 1e6).tolist() == (timeline.times_s[which] - 2).tolist()
    np.testing.assert_array_equal(columns.mean, timeline.data[which, :, 0])


def test_many_rows_a_second_become_columns_of_a_second():
    timeline = RowTimeline.steady(BEGIN_S, 1 / 16, np.ones((1600, 8, 1), np.float32))
    rows = read_columns(timeline, ColumnRequest(BEGIN_S, BEGIN_S + 16, 512, 8, Product.XX), 8)
    assert len(rows.rows) == 255
    seconds = read_columns(timeline, ColumnRequest(BEGIN_S, BEGIN_S + 64, 512, 8, Product.XX), 8)
    assert len(seconds.rows) == 64
    assert seconds.rows.sum() == 1023


def test_longer_blocks_are_kept_where_only_they_are_known(timeline):
    coarse = RowTimeline(**{**vars(timeline), "coarse_before_s": BEGIN_S + 256, "coarse_s": 128, "calls": []})
    columns = read_columns(coarse, ColumnRequest(BEGIN_S, BEGIN_S + 512, 128, NBINS, Product.XX), NBINS)
    lengths_s = (columns.end_us - columns.begin_us) // 1_000_000
    assert lengths_s.tolist() == [128] * 2 + [4] * 64
    assert columns.rows.sum() == np.count_nonzero(timeline.times_s < BEGIN_S + 512)


class OnlyLongBlocks:
    """Timeline that only knows blocks of 128 s."""

    def __init__(self, timeline):
        (self.known,) = timeline.blocks(128, BEGIN_S, BEGIN_S + 512, Product.XX)

    def blocks(self, step_s, begin_s, end_s, product):
        return [self.known.only((self.known.end_us > begin_s * 1e6) & (self.known.begin_us < end_s * 1e6))]


def test_a_block_that_reaches_beyond_a_part_is_not_repeated(timeline, monkeypatch):
    monkeypatch.setattr(timeline_columns, "_PART_VALUES", 2 * NBINS)
    source = OnlyLongBlocks(timeline)
    columns = read_columns(source, ColumnRequest(BEGIN_S, BEGIN_S + 512, 128, NBINS, Product.XX), NBINS)
    assert columns.begin_us.tolist() == source.known.begin_us.tolist()


def test_bins_are_folded_to_their_mean_and_their_highest_value():
    data = np.arange(24, dtype=np.float32).reshape(2, 12, 1)
    data[0, 1] = np.nan
    timeline = RowTimeline.steady(BEGIN_S, 1.0, data)
    columns = read_columns(timeline, ColumnRequest(BEGIN_S, BEGIN_S + 4, 1, 5, Product.XX), 12)
    # Three bins become one, so twelve bins become four.
    assert columns.mean.shape == (1, 4)
    np.testing.assert_allclose(columns.mean[0], [(1 + 13) / 2, 10, 13, 16])
    np.testing.assert_allclose(columns.peak[0], [14, 17, 20, 23])


def test_gaps_and_restarts_are_those_of_the_rows():
    timeline = day(8.0, 8)
    wanted = ColumnRequest(BEGIN_S, BEGIN_S + 512 * 128, 512, 8, Product.XX)
    columns = read_columns(timeline, wanted, 8)
    begin_s = columns.begin_us / 1e6 - BEGIN_S
    assert not np.any((begin_s > 6 * HOUR_S) & (begin_s < 6.4 * HOUR_S))
    assert columns.missing.sum() == 225
    assert begin_s[columns.restarts].tolist() == [18 * HOUR_S // 128 * 128]


def test_too_much_work_names_the_number_of_columns_that_is_possible(timeline):
    wanted = ColumnRequest(0, 512 * 4096, 512, 256, Product.XX)
    with pytest.raises(TooMuchWorkError, match="request at most 64 columns"):
        read_columns(timeline, wanted, 16_384)
    assert timeline.calls == [] or max(call[1] for call in timeline.calls) >= BEGIN_S


@pytest.mark.parametrize(
    ("start_s", "end_s", "columns", "aligned"),
    [
        (0, 64, 512, True), (7, 64, 512, True), (0, 128, 64, True), (128, 192, 64, True), (129, 193, 64, True),
        (1, 129, 64, False), (0, 192, 64, False), (0, 96, 64, False), (0, 64 * 8192, 64, False), (4096, 8192, 1, True),
    ],
)  # fmt: skip
def test_columns_begin_at_multiples_of_their_length(start_s, end_s, columns, aligned):
    assert ColumnRequest(start_s, end_s, columns, 256, Product.XX).is_aligned is aligned
