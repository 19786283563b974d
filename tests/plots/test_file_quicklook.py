"""Quick-looks of files of any format.

Many files make one picture. Short bursts stay visible, and the title has the true cadence.
"""

import numpy as np
import pytest
from PIL import Image
from recordings import CADENCE_S, START_S, recording

from sunspec_tui.cli.main import main
from sunspec_tui.files.write import export

DAY_S = 86_400.0


@pytest.fixture
def drawn(monkeypatch):
    """Record of the drawn pictures."""
    from sunspec_tui.plots.figure import SpectrumFigure

    jobs, really = [], SpectrumFigure.draw
    monkeypatch.setattr(SpectrumFigure, "draw", lambda self, job: (jobs.append(job), really(self, job)))
    return jobs


def quicklook(tmp_path, *words):
    return main(["quicklook", *map(str, words), "--out", str(tmp_path / "out")])


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "out").iterdir())


@pytest.mark.parametrize("ending", [".npz", ".csv", ".fits", ".fit.gz", ".h5"])
def test_any_file_is_drawn(ending, tmp_path, capsys, drawn):
    export(recording(30, nchan=64), tmp_path / f"a{ending}")
    assert quicklook(tmp_path, tmp_path / f"a{ending}") == 0
    assert names(tmp_path) == ["quicklook_a.png"]
    assert capsys.readouterr().out == f"{tmp_path / 'out' / 'quicklook_a.png'}\n"
    with Image.open(tmp_path / "out" / "quicklook_a.png") as picture:
        assert picture.size == (1800, 1500)
    (job,) = drawn
    assert (job.product, job.rows_received) == ("XX", 30)
    assert job.cadence_s == pytest.approx(CADENCE_S)
    assert job.note == "each column a row, 100 % of the time"
    assert job.station.startswith("OVRO-LWA")


def burst_file(path, begin_s, at=None, product=0):
    """A quarter of an hour with a burst of two seconds.

    It has four rows a second.
    """
    rows = recording(3600, nchan=64, npol=2, times_s=begin_s + 0.25 * np.arange(1, 3601), cadence_s=0.25)
    rows.data[...] = np.random.default_rng(0).normal(100, 1, rows.data.shape)
    if at is not None:
        rows.data[at : at + 8, 3:, product] *= 10
    export(rows, path)
    return path


def test_many_files_are_one_picture_in_which_a_burst_of_two_seconds_is_seen(tmp_path, drawn, monkeypatch):
    """A day: a quarter of an hour every three hours.

    Its columns are a minute wide.
    """
    paths = [
        burst_file(tmp_path / "day" / f"{n:02}.npz", n * 10_800.0 + 1_755_475_200, at=1234 if n == 5 else None)
        for n in range(8)
    ]
    assert quicklook(tmp_path, tmp_path / "day") == 0
    assert names(tmp_path) == ["quicklook_00_and_7.png"]
    (job,) = drawn
    assert (job.rows_received, job.cadence_s) == (8 * 3600, 0.25)
    assert job.note == "each column the highest value of 60 s, 9 % of the time"
    column = int(np.argmax(job.data[:, 5]))
    decibels = 10 * np.log10(job.data[column] / np.median(job.data, axis=0))
    assert (decibels[3:] > 9).all()
    assert (decibels[:3] < 1).all()
    burst_s = 5 * 10_800 + 1_755_475_200 + 1234 * 0.25
    assert job.begins_s[column] <= burst_s <= job.times_s[column]
    # The gaps between the files stay.
    assert (np.diff(job.times_s) > 9000).sum() == 7
    # The mean hides it.
    assert quicklook(tmp_path, *paths, "--show", "mean") == 0
    assert 10 * np.log10(drawn[1].data.max() / 100) < 1.5
    # Blocks of any size make the same picture.
    monkeypatch.setattr("sunspec_tui.plots.file_quicklook.MAX_BLOCK_BYTES", 100_000)
    assert quicklook(tmp_path, *paths) == 0
    np.testing.assert_array_equal(drawn[2].data, job.data)
    np.testing.assert_allclose(drawn[2].spectra["XX"], job.spectra["XX"], rtol=1e-6)


def test_a_quarter_of_an_hour_has_a_column_each_second(tmp_path, drawn):
    assert quicklook(tmp_path, burst_file(tmp_path / "a.npz", START_S, at=1000, product=1), "--product", "YY") == 0
    (job,) = drawn
    assert 900 <= len(job.data) <= 901
    # The first column begins with the first row, and the last one ends with the last row.
    assert (job.begins_s[0], job.times_s[-1]) == (START_S, START_S + 900)
    assert job.product == "YY"
    assert (job.data[:, 5] > 900).sum() in (2, 3)


def test_hours_of_files_are_pictures_of_their_own(tmp_path, drawn):
    for n in range(3):
        burst_file(tmp_path / f"{n}.npz", 1_755_550_800 + n * 1800)
    words = [tmp_path / f"{n}.npz" for n in range(3)]
    assert quicklook(tmp_path, *words, "--per", "hour") == 0
    assert names(tmp_path) == ["quicklook_0_and_2_20250818_21.png", "quicklook_0_and_2_20250818_22.png"]
    assert [job.heading for job in drawn] == ["mean of the hour"] * 2
    assert drawn[0].note.endswith(", 50 % of the hour")


def test_a_file_of_one_product_is_drawn_without_naming_it(tmp_path, drawn):
    export(recording(20, nchan=64), tmp_path / "a.fits", "V")
    assert quicklook(tmp_path, tmp_path / "a.fits") == 0
    assert drawn[0].product == "V"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["a.fits", "--product", "V"], 2, "a.fits has no V; choose one of XX"),
        (["a.fits", "--workers", "2"], 2, "--scheduler and --workers are for an archive"),
        (["a.fits", "--start", "2030-01-01"], 1, "a.fits: no rows in that time"),
        (["missing.fits"], 1, "missing.fits cannot be read: No such file or directory"),
        (["*.h5"], 1, "no file matches *.h5"),
        (["a.fits", "--observation", "1"], 1, "it has no Observations"),
        ([], 2, "the following arguments are required: FILE"),
    ],
)
def test_wrong_use_with_files_is_one_sentence(words, status, said, tmp_path, monkeypatch, capsys):
    export(recording(5, nchan=64), tmp_path / "a.fits")
    monkeypatch.chdir(tmp_path)
    assert main(["quicklook", *words]) == status
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_one_file_in_a_directory_is_named_once(tmp_path, capsys):
    path = tmp_path / "a.fits"
    export(recording(5, nchan=64), path)
    assert main(["quicklook", str(path), "--out", str(tmp_path), "--product", "V"]) == 2
    assert f"{path} has no V; choose one of" in capsys.readouterr().err


def test_the_name_of_a_picture_is_never_too_long(tmp_path):
    export(recording(5, nchan=64), tmp_path / "a.npz")
    path = (tmp_path / "a.npz").rename(tmp_path / f"{'ü' * 120}.npz")
    assert quicklook(tmp_path, path) == 0
    (name,) = names(tmp_path)
    assert name.startswith("quicklook_üü")


def test_an_archive_takes_no_choice_of_files(tmp_path, capsys):
    (tmp_path / "2025-08-18.zarr").mkdir()
    assert quicklook(tmp_path, tmp_path, "--tuning", "1") == 2
    assert "leave out --observation, --tuning and --chan0" in capsys.readouterr().err
