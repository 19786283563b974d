"""Tests of recorders' files that are written or not closed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recorder_files import FIRST_S, NAVG, NROWS, STEP_S, as_times, fill, power, recorder_file, starts_s

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import SourceError
from sunspec_tui.files.read import read_recording
from sunspec_tui.producer.followed_file import FollowedFile

ENDS_S = starts_s() + STEP_S


def test_a_recording_in_progress_is_read_as_far_as_it_is_written(tmp_path, notes):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        parts = fill(file, ("XX", "YY"), nrows=0)
        file.swmr_mode = True
        for name in ("XX", "YY"):
            parts.tuning[name][:7] = power(name)[:7]
            parts.tuning[name].flush()
        parts.observation["time"][:7] = as_times(starts_s(7))
        parts.observation["time"].flush()
        found = read_recording(tmp_path / "a.h5")
    np.testing.assert_array_equal(found.data[..., 1], power("YY")[:7] * np.float32(NAVG))
    np.testing.assert_allclose(found.times_s, ENDS_S[:7], rtol=0, atol=1e-6)
    (note,) = notes()
    assert "is being written" in note


def test_rows_whose_power_is_not_written_yet_are_left_for_later(tmp_path):
    """A recorder writes times first, and the power seconds later."""
    import h5py

    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        parts = fill(file, ("XX", "YY"), nrows=0)
        file.swmr_mode = True
        for name, count in (("XX", 11), ("YY", 9)):
            parts.tuning[name][:count] = power(name)[:count]
            parts.tuning[name].flush()
        parts.observation["time"][:NROWS] = as_times(starts_s())
        parts.observation["time"].flush()
        assert len(read_recording(tmp_path / "a.h5")) == 9


def test_a_file_that_is_written_without_readers_is_refused(tmp_path):
    import h5py

    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        fill(file, ("XX",))
        file.flush()
        with pytest.raises(SourceError, match="another program is writing it"):
            read_recording(tmp_path / "a.h5")


_KILLED = """
import os, signal, sys
import h5py
from recorder_files import as_times, fill, starts_s
file = h5py.File(sys.argv[1], "w", libver="latest")
if sys.argv[2] == "swmr":
    fill(file, ("XX", "YY"), nrows=0)
    file.swmr_mode = True
    for name in ("XX", "YY"):
        file["Observation1/Tuning1"][name][:4] = 1
    file["Observation1/time"][:4] = as_times(starts_s(4))
else:
    fill(file, ("XX", "YY"))
file.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


def killed_while_writing(path: Path, mode: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "support")}
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path), mode], env=environment)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("mode", ["plain", "swmr"])
def test_a_killed_recorders_file_names_the_remedy(tmp_path, mode, capsys):
    killed_while_writing(tmp_path / "a.h5", mode)
    status = main(["export", str(tmp_path / "b.npz"), "--input", str(tmp_path / "a.h5")])
    assert "h5clear -s FILE" in capsys.readouterr().err
    # Rows of a file for readers are whole, whoever killed its recorder.
    assert status == (mode == "plain")
    if mode == "swmr":
        assert len(read_recording(tmp_path / "b.npz")) == 4


class _Writer:
    """Recorder that writes rows on request, then closes its file."""

    def __init__(self, path: Path, times_s: np.ndarray) -> None:
        import h5py

        self._file = h5py.File(path, "w", libver="latest")
        self._parts = fill(self._file, ("XX", "YY"), nrows=0)
        self._file.swmr_mode = True
        self._times_s, self.rows = times_s, 0

    def write(self, count: int) -> None:
        if self.rows == len(self._times_s):
            self._file.close()
            return
        rows = slice(self.rows, min(self.rows + count, len(self._times_s)))
        for name in ("XX", "YY"):
            self._parts.tuning[name][rows] = power(name)[rows]
            self._parts.tuning[name].flush()
        self._parts.observation["time"][rows] = as_times(self._times_s[rows])
        self._parts.observation["time"].flush()
        self.rows = rows.stop


def test_a_file_that_grows_is_followed_to_its_end(tmp_path, notes):
    times_s = starts_s()
    times_s[13:] += 5
    writer = _Writer(tmp_path / "a.h5", times_s)
    writer.write(4)
    source = FollowedFile(tmp_path / "a.h5", 560, wait=lambda _: writer.write(3))
    found = [
        (begin_s, header["time_tag"], np.concatenate(list(gulps))) for begin_s, header, gulps, _ in source.sequences()
    ]
    assert [(begin_s, len(rows)) for begin_s, _, rows in found] == [(0.0, 13), (pytest.approx(8.25), 7)]
    assert found[0][1] == round(FIRST_S * 196e6)
    rows = np.concatenate([rows for *_, rows in found])
    np.testing.assert_array_equal(rows[:, 0, ::4, 1], power("YY") * np.float32(NAVG))
    # The file is read many times, and said to be written once.
    (note,) = notes()
    assert "is being written" in note


@pytest.mark.parametrize("words", [["--loop"], ["--now"]])
def test_a_file_that_grows_keeps_its_times(tmp_path, capsys, words):
    path = recorder_file(tmp_path / "a.h5")
    assert main(["stream", "--source", str(path), "--follow", "--port", "0", *words]) == 2
    assert "leave --loop and --now out" in capsys.readouterr().err
