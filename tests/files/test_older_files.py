"""Tests of files of the older system.

Their axis assumes a first channel, which can be corrected.
"""

from pathlib import Path

import numpy as np
import pytest
from recorder_files import starts_s

from sunspec_tui.cli.main import main
from sunspec_tui.files.read import read_recording
from sunspec_tui.producer.replay import open_replay


def older_npz(path: Path, chan0: int = 600) -> np.ndarray:
    rng = np.random.default_rng(8)
    data = rng.lognormal(10, 1, (6, 768, 2)).astype("<f4")
    mjd = (40587 + starts_s(6) / 86400)[:, None]
    freq = np.linspace(chan0, chan0 + 3071, 768) * 196e6 / 8192 / 1e6
    np.savez(path, data=data, mjd=mjd, freq=freq)
    return data


@pytest.mark.parametrize(("chan0", "first"), [(None, 600), (560, 560)])
def test_the_older_systems_axis_is_recognised_and_corrected(tmp_path, notes, chan0, first):
    data = older_npz(tmp_path / "old.npz")
    found = read_recording(tmp_path / "old.npz", chan0=chan0)
    np.testing.assert_array_equal(found.data, data)
    np.testing.assert_allclose(found.frequencies_hz, (first + 4 * np.arange(768) + 1.5) * 196e6 / 8192, rtol=1e-12)
    told = notes()
    assert len(told) == (chan0 is None)
    assert not told or "chan0 600 assumed" in told[0]
    replay = open_replay(tmp_path / "old.npz", 560, file_chan0=chan0)
    assert (replay.header()["chan0"], replay.header()["nchan"]) == (first, 3072)
    bins = np.concatenate(list(replay.gulps()))[:, 0].reshape(6, 768, 4, 4)
    np.testing.assert_allclose(bins[..., :2].mean(axis=(2, 3)), data[..., 0], rtol=1e-6)
    np.testing.assert_array_equal(bins[..., 0, 3], data[..., 1])


def test_the_command_corrects_the_older_systems_axis(tmp_path, capsys):
    older_npz(tmp_path / "old.npz")
    words = ["export", str(tmp_path / "b.npz"), "--input", str(tmp_path / "old.npz")]
    assert main(words) == 0
    assert "chan0 600 assumed" in capsys.readouterr().err
    assert main([*words, "--chan0", "560"]) == 0
    assert capsys.readouterr().err == ""
    assert read_recording(tmp_path / "b.npz").frequencies_hz[0] == pytest.approx(561.5 * 196e6 / 8192)


def test_another_axis_of_an_older_file_stays_as_it_is(tmp_path, notes):
    data = older_npz(tmp_path / "old.npz")
    freq = (600 + 4 * np.arange(768) + 1.5) * 196e6 / 8192
    mjd = 40587 + starts_s(6) / 86400
    np.savez(tmp_path / "old.npz", data=data, mjd=mjd, freq=freq)
    np.testing.assert_array_equal(read_recording(tmp_path / "old.npz", chan0=560).frequencies_hz, freq)
    assert notes() == []
