"""A disk that becomes full, free, read-only and writable.

Plots and archive use it at once.
"""

import subprocess
from contextlib import contextmanager

import numpy as np
import pytest
from archive_timelines import assert_blocks_agree_with_rows
from publishers import producing
from recordings import recording
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.recording import continuous_runs
from sunspec_tui.files.archive.status import ArchiveState
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export
from sunspec_tui.monitoring.snapshot import NO_ROWS


@pytest.fixture
def small_disk(tmp_path):
    """File system of 48 MB.

    A test alone does not fill it on a slow machine.
    """
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48M", "small", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def remount(disk, how):
    # The disk is busy while a file on it is open for writing.
    words = ["mount", "-o", f"remount,{how}", str(disk)]
    poll_until(
        lambda: not subprocess.run(words, capture_output=True, check=False).returncode, 20, "another mode of the disk"
    )


@contextmanager
def filled(disk):
    """No byte is free."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            for size in (65536, 4096, 1):
                while file.write(b"x" * size) == size:
                    pass
        except OSError:
            pass
    yield
    ballast.unlink()


@pytest.mark.parametrize("name", ["a.h5", "a.fits", "a.npz", "a.csv"])
def test_an_export_to_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk, name):
    rows = recording(600)
    with filled(small_disk), pytest.raises(ExportError, match="No space left"):
        export(rows, small_disk / name)
    assert list(small_disk.iterdir()) == []


@pytest.mark.timeout(180)
def test_plots_and_archive_say_what_is_wrong_receiving_goes_on_and_both_recover_without_a_loss(small_disk):
    with (
        producing(speed=10) as port,
        StreamReceiver(
            stream_port=port, plot_interval=1.0, plot_dir=small_disk / "figs", plot_keep="3", channel_average=32,
            archive_dir=small_disk / "archive", buffer_length=12_000,
        ) as receiver,
    ):  # fmt: skip
        receiver.parts.archive._commit_s = 0.1

        def state():
            return receiver.snapshot(since=NO_ROWS)

        def is_well():
            now = state()
            return now.plots.written and not now.plots.last_error and now.archive.state is ArchiveState.WRITING

        def fails_with(why):
            now = state()
            return why in now.plots.last_error and why in now.archive.problem and now.archive.rows_waiting > 5

        def is_well_again(before):
            now = state()
            # On a busy machine some rows always wait.
            overdue = before.archive.rows_written + before.archive.rows_waiting
            return is_well() and now.plots.written > before.plots.written and now.archive.rows_written >= overdue

        poll_until(is_well, 60, lambda: f"{state()}")
        for trouble, why in (("full", "No space left on device"), ("read-only", "Read-only file system")):
            if trouble == "full":
                with filled(small_disk):
                    poll_until(lambda why=why: fails_with(why), 30, lambda: f"{state()}")
                    failing = state()
            else:
                remount(small_disk, "ro")
                poll_until(lambda why=why: fails_with(why), 30, lambda: f"{state()}")
                failing = state()
                remount(small_disk, "rw")
            assert failing.archive.state is ArchiveState.FAILING
            assert failing.plots.failed
            poll_until(lambda failing=failing: is_well_again(failing), 60, lambda: f"{state()}")
            assert state().health.frames_received > failing.health.frames_received
        last = state()
        assert (last.health.frames_missing, last.archive.rows_missed) == (0, 0)
    found = read_recording(small_disk / "archive")
    assert len(found) == receiver.snapshot().archive.rows_written
    assert assert_blocks_agree_with_rows(small_disk / "archive") == len(found)
    assert len(continuous_runs(found.times_s, found.cadence_s)) == 1
    assert np.isfinite(found.data).all()
    assert not [path for path in (small_disk / "figs").iterdir() if path.name.startswith(".")]
