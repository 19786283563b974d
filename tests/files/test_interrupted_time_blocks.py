"""Tests that blocks and rows agree after any interrupted commit."""

import errno
import shutil

import numpy as np
import pytest
from archive_timelines import MIDNIGHT_S, Stretch, assert_blocks_agree_with_rows, write
from extent import extent

from sunspec_tui.files.archive.layout import stores
from sunspec_tui.files.archive.store_check import check_store
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks

# 64 rows fill a chunk, and the last commit completes one.
ROWS = Stretch(MIDNIGHT_S, 170, cadence_s=8.0, gaps=((30, 2),), restarts=(90,), npol=2).recording()
COMMITTED, COMPLETED = 120, 140


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """An archive before a commit that completes a chunk."""
    directory = tmp_path_factory.mktemp("begun")
    write(directory, ROWS.only(slice(0, COMMITTED)), piece=50)
    return directory


class Interruption:
    """Interrupts the writing of a store at one of its files."""

    def __init__(self, monkeypatch, error, number):
        from zarr.storage import LocalStore

        self.files, whole = 0, LocalStore.set

        async def set_file(store, key, value):
            self.files += 1
            if self.files > number:
                raise error
            await whole(store, key, value)

        monkeypatch.setattr(LocalStore, "set", set_file)


def files_of_commit(begun, tmp_path, monkeypatch):
    """The number of files that the commit writes."""
    shutil.copytree(begun, tmp_path / "counted")
    with monkeypatch.context() as counting:
        counted = Interruption(counting, RuntimeError(), 10**6)
        write(tmp_path / "counted", ROWS.only(slice(COMMITTED, COMPLETED)))
    return counted.files


@pytest.mark.parametrize("error", [RuntimeError("killed"), OSError(errno.ENOSPC, "No space left on device")], ids=repr)
def test_a_commit_that_ends_at_any_file_leaves_rows_and_blocks_that_agree(begun, tmp_path, monkeypatch, error):
    count = files_of_commit(begun, tmp_path, monkeypatch)
    assert count > 15
    chosen = np.unique(np.linspace(0, count - 1, extent(6, count)).astype(int))
    for number in chosen.tolist():
        directory = tmp_path / str(number)
        shutil.copytree(begun, directory)
        with monkeypatch.context() as interrupting:
            Interruption(interrupting, error, number)
            with pytest.raises(type(error)):
                write(directory, ROWS.only(slice(COMMITTED, COMPLETED)))
        assert assert_blocks_agree_with_rows(directory) == COMMITTED
        # Other rows than those of the failed commit follow, and the chunk is made of them.
        write(directory, ROWS.only(slice(COMPLETED - 8, None)), piece=20, anew=True)
        assert assert_blocks_agree_with_rows(directory) == COMMITTED + len(ROWS) - COMPLETED + 8
        assert check_store(stores(directory)[0]).time_blocks.chunks_covered == 2
        shutil.rmtree(directory)


def test_a_reader_sees_each_commit_and_only_whole_ones(tmp_path):
    archive = ArchiveBlocks(tmp_path / "archive")
    assert (archive.extent(), archive.axis(), archive.parts(2, 0, np.inf, "XX")) == (None, None, [])
    for end in range(34, len(ROWS) + 1, 34):
        write(tmp_path / "archive", ROWS.only(slice(end - 34, end)))
        assert archive.extent().end_s == pytest.approx(ROWS.times_s[end - 1], abs=1e-6)
        for step_s in (0, 2, 128):
            assert sum(int(part.rows.sum()) for part in archive.blocks(step_s, 0, np.inf, "XX")) == end
