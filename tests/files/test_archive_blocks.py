"""Tests of a store's blocks and of overviews made of them."""

import json
import math
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from extent import each_pair, pairs
from recordings import START_S, recording

from sunspec_tui.core.errors import ArchiveError, NoRowsError
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ
from sunspec_tui.core.products import Product, available, derive
from sunspec_tui.files.archive.block_reader import blocks_cover, overview
from sunspec_tui.files.archive.layout import BLOCK_ROWS, BLOCKS, Precision
from sunspec_tui.files.archive.reader import open_archive, read_archive
from sunspec_tui.files.archive.rounding import needed_bits, noise_share
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.archive.store_check import check_store

CADENCE_S = 0.25
NAME = "2025-08-18.zarr"


def steady(count, *, gaps=(), seed=0, npol=4):
    """Return rows of positive power with noise.

    Rows are a quarter of a second apart, and some are left out.
    """
    rows = recording(
        count, nchan=32, npol=npol, times_s=START_S + CADENCE_S * np.arange(1, count + 1), cadence_s=CADENCE_S
    )
    rng = np.random.default_rng(seed)
    data = rng.normal(1, 0.01, rows.data.shape).astype(np.float32) * (1 + np.arange(count) / count)[:, None, None]
    data[..., 2:] *= 0.02
    kept = np.ones(count, bool)
    for begin, end in gaps:
        kept[begin:end] = False
    return replace(rows, data=data.astype(np.float32)).only(kept)


def written(directory, rows, *, piece=100, wanted=Precision.EXACT, anew=False):
    """Write rows in pieces.

    With `anew`, each piece is written by a new writer.
    """
    store = None
    for at in range(0, len(rows), piece):
        part = rows.only(slice(at, at + piece))
        store = open_store(directory, part, (), wanted) if store is None or anew else store
        store.append(part)
    return check_store(directory / NAME)


def without_blocks(directory):
    """Remove the blocks, as in a store of an earlier version."""
    shutil.rmtree(directory / NAME / BLOCKS)
    root = directory / NAME / "zarr.json"
    said = json.loads(root.read_text())
    arrays = said["consolidated_metadata"]["metadata"]
    for name in [each for each in arrays if each.split("/")[0] == BLOCKS]:
        del arrays[name]
    root.write_text(json.dumps(said))


def of_rows(rows, product, begin, end):
    """Return mean, lowest and highest value of some rows."""
    power = rows.power(product)[begin:end]
    return power.mean(axis=0), power.min(axis=0), power.max(axis=0)


@pytest.mark.parametrize(("piece", "anew"), pairs([32, 100, 530], [False, True]))
def test_a_store_has_a_block_for_each_256_rows(tmp_path, piece, anew):
    import zarr

    rows = steady(600)
    claim = written(tmp_path, rows, piece=piece, anew=anew)
    assert {each.shape for each in claim.blocks.values()} == {(600 // BLOCK_ROWS, 8)}
    group = zarr.open_group(tmp_path / NAME, mode="r", zarr_format=3)
    for number in range(600 // BLOCK_ROWS):
        for product in (Product.XX, Product.YY, Product.I):
            mean, low, high = of_rows(rows, product, number * BLOCK_ROWS, (number + 1) * BLOCK_ROWS)
            np.testing.assert_array_equal(group[f"{BLOCKS}/lowest_{product}"][number], low)
            np.testing.assert_array_equal(group[f"{BLOCKS}/highest_{product}"][number], high)
            if product is not Product.I:
                np.testing.assert_allclose(group[f"{BLOCKS}/mean_{product}"][number], mean, rtol=1e-6)


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Return archives with and without blocks of rows with some gaps.

    Each one is written once for all tests, which only read it.
    """

    @cache
    def of_rows_with(gaps, count=1500):
        directory, rows = tmp_path_factory.mktemp("archives"), steady(count, gaps=gaps)
        written(directory / "blocks", rows)
        shutil.copytree(directory / "blocks", directory / "rows")
        without_blocks(directory / "rows")
        return directory / "blocks", directory / "rows", rows

    return of_rows_with


@pytest.mark.parametrize(
    ("product", "columns", "gaps"),
    each_pair(available(4), [3, 7, 1000], [(), ((300, 340),), ((256, 900),), ((10, 12), (1200, 1201))]),
    ids=str,
)
def test_columns_of_blocks_equal_those_of_rows(archives, product, columns, gaps):
    with_blocks, only_rows, rows = archives(gaps)
    found = overview(with_blocks, product, columns=columns)
    expected = overview(only_rows, product, columns=columns)
    for name in ("begin_s", "end_s", "rows", "frequencies_hz"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    if product is not Product.V_OVER_I:
        np.testing.assert_allclose(found.mean, expected.mean, rtol=2e-6, atol=1e-7)
    if product in (Product.XX, Product.YY, Product.I):
        np.testing.assert_array_equal(found.lowest, expected.lowest)
        np.testing.assert_array_equal(found.highest, expected.highest)
    assert found.rows.sum() == len(rows)


@pytest.mark.parametrize("columns", [4, 50, 5000])
def test_columns_have_the_values_and_the_times_of_their_rows(archives, columns):
    with_blocks, _, rows = archives(((700, 701), (900, 1100)), 2000)
    found = overview(with_blocks, "I", columns=columns)
    at = 0
    for number, count in enumerate(found.rows.tolist()):
        mean, low, high = of_rows(rows, Product.I, at, at + count)
        np.testing.assert_allclose(found.mean[number], mean, rtol=2e-6)
        np.testing.assert_array_equal(found.lowest[number], low)
        np.testing.assert_array_equal(found.highest[number], high)
        assert found.begin_s[number] == pytest.approx(rows.starts_s[at], abs=2e-6)
        assert found.end_s[number] == pytest.approx(rows.times_s[at + count - 1], abs=2e-6)
        at += count
    assert at == len(rows)
    # Only short gaps lie between two rows of a column.
    longest = max(0.5, 0.1 * found.rows.max())
    assert (found.end_s - found.begin_s <= (found.rows + longest) * CADENCE_S + 1e-3).all()


def test_the_mean_of_v_over_i_is_that_of_v_over_that_of_i(tmp_path):
    rows = steady(512)
    written(tmp_path, rows)
    found = overview(tmp_path, "V/I", columns=2)
    expected = derive(rows.data[:256].astype(float).mean(axis=0).astype(np.float32), Product.V_OVER_I)
    np.testing.assert_allclose(found.mean[0], expected, rtol=1e-5, atol=1e-8)


def test_rows_of_a_commit_that_was_cut_off_are_in_no_block(tmp_path, monkeypatch):
    """The next commit completes no block, the one after it does."""
    import zarr

    rows = steady(1000)
    written(tmp_path, rows.only(slice(0, 250)))
    with monkeypatch.context() as cutting:
        cutting.setattr(zarr, "consolidate_metadata", interrupted)
        with pytest.raises(KeyboardInterrupt):
            written(tmp_path, rows.only(slice(250, 300)))
    assert check_store(tmp_path / NAME).nrows == 250
    written(tmp_path, rows.only(slice(300, 303)))
    claim = written(tmp_path, rows.only(slice(303, None)), anew=True)
    assert {each.shape for each in claim.blocks.values()} == {(950 // BLOCK_ROWS, 8)}
    found, expected = zarr.open_array(tmp_path / NAME / BLOCKS / "mean_XX", mode="r"), read_archive(tmp_path)
    for number in range(950 // BLOCK_ROWS):
        mean, _, _ = of_rows(expected, Product.XX, number * BLOCK_ROWS, (number + 1) * BLOCK_ROWS)
        np.testing.assert_allclose(found[number], mean, rtol=1e-6)


def interrupted(*_, **__):
    """Fail as if the process were killed before its commit."""
    raise KeyboardInterrupt


def test_a_time_of_some_rows_is_cut_out_to_the_row(tmp_path):
    rows = steady(1500)
    written(tmp_path, rows)
    found = overview(tmp_path, "XX", START_S + 20.1, START_S + 330.1, columns=3)
    assert found.rows.sum() == 4 * 310
    assert found.begin_s[0] == pytest.approx(START_S + 20.0, abs=1e-5)
    assert found.end_s[-1] == pytest.approx(START_S + 330.0, abs=1e-5)
    with pytest.raises(NoRowsError):
        overview(tmp_path, "XX", START_S + 5000, None)


def test_bad_values_are_left_out_and_a_bin_without_any_good_one_stays_bad(tmp_path):
    rows = steady(600)
    rows.data[:256, 3, 0] = np.nan
    rows.data[256:300, 4, 0] = np.inf
    written(tmp_path, rows)
    found = overview(tmp_path, "XX", columns=3)
    for values in (found.mean, found.lowest, found.highest):
        assert np.isnan(values[0]).tolist() == [False] * 3 + [True] + [False] * 4
        assert np.isfinite(values[1]).all()
    np.testing.assert_allclose(found.mean[1, 4], rows.data[300:512, 4, 0].mean(), rtol=1e-6)


def test_blocks_that_were_deleted_are_made_up_for_by_rows(tmp_path):
    rows = steady(1000)
    written(tmp_path, rows)
    expected = overview(tmp_path, "XX", columns=4)
    shutil.rmtree(tmp_path / NAME / BLOCKS / "mean_XX" / "c")
    found = overview(tmp_path, "XX", columns=4)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-6)


@pytest.mark.parametrize("rows", [100, 10**13])
def test_blocks_that_are_not_those_of_the_rows_are_not_used(tmp_path, rows):
    written(tmp_path, steady(1000))
    root = tmp_path / NAME / "zarr.json"
    said = json.loads(root.read_text())
    said["consolidated_metadata"]["metadata"][f"{BLOCKS}/mean_XX"]["shape"][0] = rows
    root.write_text(json.dumps(said))
    if rows > 10**6:
        with pytest.raises(ArchiveError, match="claims"):
            overview(tmp_path, "XX", columns=4)
        return
    assert check_store(tmp_path / NAME).blocks == {}
    assert overview(tmp_path, "XX", columns=4).rows.sum() == 1000


def test_a_store_of_an_earlier_version_is_gone_on_with(tmp_path):
    rows = steady(1000)
    written(tmp_path, rows.only(slice(0, 300)))
    without_blocks(tmp_path)
    claim = written(tmp_path, rows.only(slice(300, None)), wanted=Precision.NOISE)
    assert (claim.blocks, claim.bits, claim.nrows) == ({}, None, 1000)
    np.testing.assert_array_equal(read_archive(tmp_path).data, rows.data)
    assert open_archive(tmp_path).attrs["precision"] == "exact"
    assert not blocks_cover(tmp_path, -np.inf, np.inf, Product.XX)


def test_a_store_keeps_the_bits_above_its_noise_and_says_so(tmp_path):
    rows = steady(600)
    claim = written(tmp_path, rows, wanted=Precision.NOISE, anew=True)
    bits = needed_bits(4 * CHANNEL_WIDTH_HZ, CADENCE_S)
    assert claim.bits == bits == 9
    assert open_archive(tmp_path).attrs["precision"] == "9 bits of mantissa"
    found = read_archive(tmp_path)
    noise = noise_share(4 * CHANNEL_WIDTH_HZ, CADENCE_S)
    intensity = rows.power(Product.I).astype(float)
    for number, scale in enumerate((rows.data[..., 0], rows.data[..., 1], intensity, intensity)):
        share = (found.data[..., number].astype(float) - rows.data[..., number]) / scale / noise
        assert 0.01 < share.std() < 0.1
        assert np.abs(share).max() < 0.1 * np.sqrt(12)


def test_whoever_wants_all_bits_begins_another_store(tmp_path):
    rows = steady(300)
    written(tmp_path, rows.only(slice(0, 100)), wanted=Precision.NOISE)
    written(tmp_path, rows.only(slice(100, None)), wanted=Precision.EXACT)
    assert sorted(path.name for path in tmp_path.glob("*")) == [NAME, "2025-08-18_2.zarr"]
    np.testing.assert_array_equal(read_archive(tmp_path).data[100:], rows.data[100:])
    assert open_archive(tmp_path).attrs["precision"] == "at least 9 bits of mantissa"
    found = overview(tmp_path, "XX", columns=3)
    assert found.rows.sum() == 300


@pytest.mark.parametrize(("again", "expected"), [(600, True), (500, False), (0, False)])
def test_rows_that_two_stores_have_are_not_taken_from_blocks(tmp_path, again, expected):
    """They are read as rows, and none counts twice."""
    rows = steady(1200)
    written(tmp_path, rows.only(slice(0, 600)), wanted=Precision.NOISE)
    written(tmp_path, rows.only(slice(again, None)), wanted=Precision.EXACT)
    assert blocks_cover(tmp_path, -np.inf, np.inf, Product.XX) is expected
    assert len(read_archive(tmp_path)) == 1200


def test_rows_of_unknown_noise_are_exact(tmp_path):
    rows = replace(steady(40), frequencies_hz=np.geomspace(20e6, 80e6, 8))
    assert written(tmp_path, rows, wanted=Precision.NOISE).bits is None
    np.testing.assert_array_equal(read_archive(tmp_path).data, rows.data)


def test_rows_of_unknown_cadence_in_a_store_with_less_precision_are_exact(tmp_path):
    rows = steady(300)
    written(tmp_path, rows.only(slice(0, 100)), wanted=Precision.NOISE)
    written(tmp_path, replace(rows.only(slice(100, None)), cadence_s=math.nan), wanted=Precision.NOISE)
    found = read_archive(tmp_path)
    assert [path.name for path in tmp_path.glob("*")] == [NAME]
    assert (found.data[:100] != rows.data[:100]).any()
    np.testing.assert_array_equal(found.data[100:], rows.data[100:])


def test_stores_of_other_frequencies_are_not_joined(tmp_path):
    rows = steady(300)
    written(tmp_path, rows.only(slice(0, 100)))
    other = rows.only(slice(100, None))
    written(tmp_path, replace(other, frequencies_hz=other.frequencies_hz + 4 * CHANNEL_WIDTH_HZ))
    with pytest.raises(ArchiveError, match="frequencies change"):
        overview(tmp_path, "XX", columns=3)
    assert not blocks_cover(tmp_path, -np.inf, np.inf, Product.XX)


def test_a_product_that_a_store_lacks_is_named(tmp_path):
    written(tmp_path, steady(40, npol=2))
    with pytest.raises(ArchiveError, match="has no V; it has XX, YY"):
        overview(tmp_path, "V")
    assert overview(tmp_path, "I").rows.sum() == 40
