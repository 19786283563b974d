"""Tests of the history of older, damaged and hostile stores."""

import json
import os
import shutil

import numpy as np
import pytest
from archive_timelines import (
    MIDNIGHT_S,
    Stretch,
    assert_blocks_agree_with_rows,
    assert_same_rows,
    timeline_of,
    write,
)

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.products import Product
from sunspec_tui.core.time_blocks import STEPS_S, joined
from sunspec_tui.files.archive import store_timeline, time_blocks_reader
from sunspec_tui.files.archive.layout import BLOCKS, stores
from sunspec_tui.files.archive.store_check import check_store
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.files.archive.time_layout import MISSING, TIME_BLOCKS, mean_name, span_name

STRETCH = Stretch(MIDNIGHT_S + 3600, 2900, gaps=((600, 5), (1500, 40)), npol=2)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    directory = tmp_path_factory.mktemp("original")
    write(directory, STRETCH.recording())
    return directory


@pytest.fixture
def archive(original, tmp_path):
    """A copy of an archive of one store."""
    shutil.copytree(original, tmp_path / "archive")
    return tmp_path / "archive"


def change(directory, edit):
    """Change the consolidated metadata of the first store."""
    root = stores(directory)[0] / "zarr.json"
    metadata = json.loads(root.read_text())
    edit(metadata["consolidated_metadata"]["metadata"])
    root.write_text(json.dumps(metadata))


def without(directory, *groups):
    """Remove groups, as in a store of an earlier version."""

    def edit(members):
        for name in [each for each in members if each.split("/")[0] in groups]:
            del members[name]

    for group in groups:
        shutil.rmtree(stores(directory)[0] / group)
    change(directory, edit)


@pytest.mark.parametrize("product", [Product.XX, Product.I])
@pytest.mark.parametrize("step_s", STEPS_S)
def test_a_store_of_an_earlier_version_has_blocks_of_its_rows(archive, step_s, product):
    without(archive, TIME_BLOCKS, BLOCKS)
    rows = timeline_of(STRETCH)
    found, expected = (joined(each.blocks(step_s, 0, 1e10, product)) for each in (ArchiveBlocks(archive), rows))
    assert_same_rows(found, expected)
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-6)
    np.testing.assert_array_equal(found.peak, expected.peak)


def test_long_times_of_such_a_store_are_read_in_blocks_of_256_rows(archive, monkeypatch):
    without(archive, TIME_BLOCKS)
    monkeypatch.setattr(store_timeline, "MAX_MERGED_ROWS", 1000)
    rows = STRETCH.recording()
    (found,) = ArchiveBlocks(archive).blocks(2, 0, 1e10, Product.XX)
    (expected,) = timeline_of(STRETCH).blocks(128, 0, 1e10, Product.XX)
    assert (found.step_s, found.rows.sum(), found.missing.sum()) == (128, len(rows), 45)
    np.testing.assert_array_equal(found.begin_us, expected.begin_us)
    # Blocks of 256 rows move at most that many rows between neighbours.
    assert (np.abs(found.rows.cumsum() - expected.rows.cumsum()) < 256).all()
    finite = np.isfinite(rows.data[:, 0, 0])
    mean = np.average(found.mean[:, 0], weights=found.rows)
    assert mean == pytest.approx(rows.data[finite, 0, 0].mean(), rel=1e-5)
    assert found.peak.max() == rows.data[..., 0][np.isfinite(rows.data[..., 0])].max()


def test_the_writer_continues_such_a_store_without_blocks(archive):
    without(archive, TIME_BLOCKS)
    write(archive, Stretch(MIDNIGHT_S + 7200, 100, npol=2).recording())
    assert len(stores(archive)) == 1
    assert check_store(stores(archive)[0]).time_blocks is None
    assert assert_blocks_agree_with_rows(archive) == 3000


def attribute(name, value):
    def edit(members):
        members[TIME_BLOCKS]["attributes"][name] = value

    return edit


def array(name, key, value):
    def edit(members):
        members[f"{TIME_BLOCKS}/{name}"][key] = value

    return edit


HUGE_CHUNK = {"name": "regular", "configuration": {"chunk_shape": [2**40, 5]}}
EDITS = {
    "more rows than there are": attribute("rows_covered", 10**9),
    "negative rows": attribute("rows_covered", -1),
    "rows that are a text": attribute("rows_covered", "2048"),
    "rows that are true": attribute("rows_covered", True),
    "other rows": attribute("rows_covered", 100),
    "chunks beyond the day": attribute("chunks_covered", 10**6),
    "chunks that were not written": attribute("chunks_covered", 160),
    "fewer chunks": attribute("chunks_covered", 8),
    "a huge shape": array(mean_name(16), "shape", [10**12, 2, 8]),
    "another type": array(mean_name(16), "data_type", "float64"),
    "other codecs": array(mean_name(16), "codecs", [{"name": "bytes"}, {"name": "pickle"}]),
    "a huge chunk": array(span_name(16), "chunk_grid", HUGE_CHUNK),
    "no missing rows": lambda members: members.pop(f"{TIME_BLOCKS}/{MISSING}"),
    "an unknown array": lambda members: members.update({f"{TIME_BLOCKS}/other": members[f"{TIME_BLOCKS}/{MISSING}"]}),
    "a group that is a number": lambda members: members.update({TIME_BLOCKS: 7}),
    "arrays that are lists": lambda members: members.update({f"{TIME_BLOCKS}/{mean_name(128)}": []}),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_whatever_the_metadata_claim_the_blocks_are_those_of_the_rows(archive, edit):
    change(archive, edit)
    assert assert_blocks_agree_with_rows(archive) == 2900
    write(archive, Stretch(MIDNIGHT_S + 7200, 100, npol=2).recording())
    assert assert_blocks_agree_with_rows(archive) == 3000


def spoilt(kind, file):
    whole = file.read_bytes()
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "link":
        file.symlink_to("/dev/zero")
    elif kind != "deleted":
        huge = whole[:4] + (1 << 31).to_bytes(4, "little") + whole[8:]
        file.write_bytes(
            {"empty": b"", "cut off": whole[:-9], "noise": whole[:16] + os.urandom(300), "huge": huge}[kind]
        )


@pytest.mark.parametrize("kind", ["empty", "cut off", "noise", "huge", "pipe", "link", "deleted"])
@pytest.mark.parametrize("name", [span_name(16), mean_name(16), mean_name(128)])
def test_rows_are_read_where_a_chunk_of_blocks_is_damaged(archive, name, kind):
    for file in sorted((stores(archive)[0] / TIME_BLOCKS / name / "c").rglob("*"))[-2:]:
        if file.is_file():
            spoilt(kind, file)
    assert assert_blocks_agree_with_rows(archive) == 2900


@pytest.mark.parametrize(("column", "value"), [(0, -5), (1, -1), (3, 0), (4, 2**62)])
def test_rows_are_read_where_a_span_is_impossible(archive, column, value):
    import zarr

    spans = zarr.open_array(stores(archive)[0] / TIME_BLOCKS / span_name(16), mode="r+")
    spans[240, column] = value
    assert assert_blocks_agree_with_rows(archive) == 2900


@pytest.mark.parametrize("file", ["zarr.json", "time/c/0", "frequency/c/0"])
def test_a_store_that_cannot_be_read_is_left_out_and_reported_once(archive, caplog, file):
    other = Stretch(MIDNIGHT_S + 2 * 86_400, 40, npol=2).recording()
    write(archive, other)
    (stores(archive)[0] / file).write_bytes(b"{" * 50)
    history = ArchiveBlocks(archive)
    for _ in range(3):
        (found,) = history.blocks(0, 0, 1e10, Product.XX)
        assert len(found.rows) == 40
        assert history.extent().begin_s == pytest.approx(other.starts_s[0], abs=1e-5)
    (record,) = caplog.records
    assert "2025-08-19.zarr is left out of the history: " in record.message
    assert record.message.endswith("; move it away")


def test_more_rows_than_fit_in_memory_are_refused_in_one_sentence(archive, monkeypatch):
    monkeypatch.setattr(time_blocks_reader, "MAX_ROW_BYTES", 1000)
    history = ArchiveBlocks(archive)
    with pytest.raises(ArchiveError, match="too much to read at once; choose a shorter time"):
        history.blocks(0, 0, 1e10, Product.XX)
    with pytest.raises(ArchiveError, match="choose a shorter time"):
        history.recording(0, 1e10)
    assert history.blocks(128, 0, 1e10, Product.XX)


def test_a_missing_directory_or_one_that_is_no_archive_has_no_history(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file", tmp_path / "none"):
        history = ArchiveBlocks(path)
        assert (history.extent(), history.axis(), history.extents(), history.recording(0, 1e10)) == (
            None,
            None,
            [],
            None,
        )
