"""One writer for a directory, on disks with and without locks.

Some disks lock only files, and no directories.
"""

import errno
import fcntl
import os

import pytest

from sunspec_tui.plots import directory_lock
from sunspec_tui.plots.directory_lock import Claim, DirectoryLock
from sunspec_tui.plots.directory_reservation import DirectoryReservation


def test_a_directory_is_held_by_one_and_nothing_is_left_in_it(tmp_path):
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    assert first.claim() is Claim.HELD
    assert first.claim() is Claim.HELD
    assert second.claim() is Claim.TAKEN
    first.release()
    assert second.claim() is Claim.HELD
    second.release()
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_was_removed_and_made_anew_is_claimed_anew(tmp_path):
    path = tmp_path / "figs"
    path.mkdir()
    first, second = DirectoryLock(path), DirectoryLock(path)
    assert first.claim() is Claim.HELD
    path.rmdir()
    path.mkdir()
    assert second.claim() is Claim.HELD
    assert first.claim() is Claim.TAKEN


@pytest.fixture
def network_disk(monkeypatch):
    """Disk that locks only writable files.

    If `locks` is emptied, every lock fails with `ENOLCK`.
    """
    locks, flock = ["files"], fcntl.flock

    def as_there(descriptor, how):
        if not locks:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(descriptor, how)

    monkeypatch.setattr(directory_lock.fcntl, "flock", as_there)
    return locks


def test_where_only_files_can_be_locked_one_in_the_directory_is(tmp_path, network_disk):
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    assert first.claim() is Claim.HELD
    assert second.claim() is Claim.TAKEN
    first.release()
    assert second.claim() is Claim.HELD


def test_where_nothing_can_be_locked_nobody_is_kept_out(tmp_path, network_disk):
    network_disk.clear()
    assert [DirectoryLock(tmp_path).claim() for _ in range(2)] == [Claim.UNKNOWN] * 2
    assert DirectoryReservation(tmp_path, "a:1").directory() == tmp_path


def test_a_lock_file_that_is_a_pipe_is_no_lock_and_blocks_nobody(tmp_path, network_disk):
    os.mkfifo(tmp_path / ".sunspec-tui.lock")
    assert DirectoryLock(tmp_path).claim() is Claim.UNKNOWN


def test_each_further_monitor_has_a_place_that_its_stream_names(tmp_path):
    sources = ["10.0.0.1:30001", "10.0.0.1:30001", "[::1]:30002", "../../x\0y:1", ""]
    places = [DirectoryReservation(tmp_path, source) for source in sources]
    found = [str(place.directory().relative_to(tmp_path)) for place in places]
    assert found == [".", "10.0.0.1_30001", "1_30002", "x_y_1", "monitor"]
    assert [bool(place.note) for place in places] == [False, True, True, True, True]
    assert DirectoryReservation(tmp_path, "10.0.0.1:30001").directory().name == "10.0.0.1_30001_2"
    places[0].release()
    assert DirectoryReservation(tmp_path, "late:1").directory() == tmp_path
