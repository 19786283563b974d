"""Bytes of columns keep times, counts and powers; invalid bytes are refused."""

import numpy as np
import pytest

from sunspec_tui.core.products import SIGNED_PRODUCTS, Product
from sunspec_tui.core.time_blocks import TimeBlocks
from sunspec_tui.webapp import timeline_messages
from sunspec_tui.webapp.timeline_messages import FoldedBins, compressed, decode, decompressed, encode

BINS = FoldedBins(3, 13.25, 0.287)
BEGIN_US = 1_795_737_600_000_000


def blocks(mean, peak=None, *, rows=8):
    n = len(mean)
    begin_us = BEGIN_US + 2_000_000 * np.arange(n)
    counts = np.full(n, rows, np.int64)
    mean = np.asarray(mean, np.float32)
    restarts = np.arange(n) % 5 == 3
    peak = mean if peak is None else np.asarray(peak, np.float32)
    return TimeBlocks(
        2, begin_us, begin_us + 2_000_000, counts, counts // 4, begin_us, begin_us, restarts, mean, peak
    )  # fmt: skip


def test_times_counts_and_marks_are_kept():
    given = blocks(np.ones((20, 7)))
    found = decode(decompressed(compressed(encode(given, Product.V, BINS, is_finished=True))))
    assert (found.begin_s * 1e6).round().astype(int).tolist() == given.begin_us.tolist()
    assert (found.end_s * 1e6).round().astype(int).tolist() == given.end_us.tolist()
    assert (found.rows.tolist(), found.missing.tolist()) == (given.rows.tolist(), given.missing.tolist())
    assert ((found.marks & timeline_messages.RESTART) > 0).tolist() == given.restarts.tolist()
    assert ((found.marks & timeline_messages.ONLY_MEAN) > 0).all()
    assert (found.product, found.bins, found.is_finished) == (Product.V, BINS, True)


@pytest.mark.parametrize("product", list(Product))
def test_powers_are_within_the_stated_error(product):
    rng = np.random.default_rng(3)
    mean = 10 ** rng.uniform(-30, 30, (64, 40))
    if product in SIGNED_PRODUCTS:
        mean = rng.standard_normal((64, 40)) * 1000
    mean[5:9, 3] = np.nan
    mean[20, 4] = 0
    peak = mean * 10 ** rng.uniform(0, 5, mean.shape)
    given = blocks(mean, mean if product in SIGNED_PRODUCTS else peak)
    found = decode(encode(given, product, BINS, is_finished=False))
    assert np.isnan(found.mean[5:9, 3]).all()
    assert np.isnan(found.peak[5:9, 3]).all()
    for values, kept in ((given.mean, found.mean), (given.peak, found.peak)):
        good = np.isfinite(values)
        error = np.abs(kept[good] - values[good])
        near_zero = 0.04 / 8 * np.nanmedian(np.abs(mean)) if product in SIGNED_PRODUCTS else 0
        # 0.025 dB, and a little for the rounding of float32.
        assert (error <= 0.0059 * np.abs(values[good]) + near_zero * 1.01).all()


def test_single_rows_have_no_highest_values_beside_them():
    values = np.random.default_rng(1).uniform(1, 2, (50, 30))
    single = encode(blocks(values, rows=1), Product.XX, BINS, is_finished=True)
    several = encode(blocks(values, rows=2), Product.XX, BINS, is_finished=True)
    # A step for each bin, and the first code.
    assert len(several) - len(single) == values.size + 4
    np.testing.assert_array_equal(decode(single).peak, decode(single).mean)


def test_no_columns_are_a_message_too():
    found = decode(encode(TimeBlocks.empty(2, 7), Product.XX, BINS, is_finished=True))
    assert found.mean.shape == (0, 7)


@pytest.mark.parametrize("product", [Product.XX, Product.V])
def test_invalid_bytes_are_refused(product):
    message = encode(blocks(np.ones((9, 7)), np.full((9, 7), 1e30)), product, BINS, is_finished=True)
    for n in range(len(message)):
        with pytest.raises(ValueError, match="message"):
            decode(message[:n])
    with pytest.raises(ValueError, match="message"):
        decode(b"\x09" + message[1:])
    with pytest.raises(ValueError, match="length"):
        decode(message[:4] + b"\xff\xff\xff\x7f" + message[8:])
