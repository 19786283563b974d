"""Tests of recorders' HDF5 files.

They are read exactly, read with a note, or refused in one sentence.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recorder_files import (
    FIRST_S,
    FREQUENCIES_HZ,
    NAVG,
    NROWS,
    STEP_S,
    Parts,
    as_times,
    fill,
    no_tint,
    power,
    recorder_file,
    set_freq,
    set_tint,
    shorter,
    some_times,
    starts_s,
    with_times,
)
from recordings import recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.products import Product
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export
from sunspec_tui.producer.replay import open_replay

ENDS_S = starts_s() + STEP_S


# Read exactly


@pytest.mark.parametrize(
    "change",
    [
        None,
        with_times(starts_s()),
        with_times(np.stack([np.floor(starts_s()), starts_s() % 1], 1)),
        with_times(as_times(starts_s()).astype([("int", "<i4"), ("frac", "<f4")])),
        with_times(as_times(40587 + starts_s() / 86400), format="mjd", scale="utc"),
        with_times(as_times(2440587.5 + starts_s() / 86400), format="jd"),
        with_times(as_times(starts_s() + 37), format="unix", scale="tai"),
        with_times(as_times(starts_s() + 69.184), format="unix", scale="tt"),
        set_freq(FREQUENCIES_HZ / 1e6, "MHz"),
        set_freq(FREQUENCIES_HZ.astype("<f4")),
        some_times(slice(NROWS, None), 0),
    ],
    ids=["as_is", "floats", "columns", "small_types", "mjd", "jd", "tai", "tt", "mhz", "float32_hz", "room"],
)
def test_times_and_frequencies_are_those_of_the_file(tmp_path, notes, change):
    found = read_recording(recorder_file(tmp_path / "a.h5", change))
    # A Julian date holds 40 microseconds.
    np.testing.assert_allclose(found.times_s, ENDS_S, rtol=0, atol=5e-5)
    np.testing.assert_allclose(found.frequencies_hz, FREQUENCIES_HZ, rtol=1e-6)
    np.testing.assert_array_equal(found.data[..., 0], power("XX") * np.float32(NAVG))
    assert found.cadence_s == STEP_S
    assert found.station == "ovro-lwa"
    assert notes() == []


@pytest.mark.parametrize(
    ("names", "factors"),
    [
        (("XX", "YY"), {"XX": 24, "YY": 24}),
        (("XY_real", "XY_imag"), {"XY_real": 24, "XY_imag": 24}),
        (("I", "V"), {"I": 12, "V": 12}),
        (("I", "Q", "U", "V"), {"I": 12, "Q": 12, "U": 12, "V": 12}),
        (("XX", "YY", "CR", "CI"), {"XX": 24, "YY": 24, "XY_real": 24, "XY_imag": 24}),
        (("xx", "yy"), {"XX": 24, "YY": 24}),
    ],
)
def test_products_come_in_the_scale_of_the_stream(tmp_path, names, factors):
    """The recorder divides sums of 24 spectra by 24.

    Its Stokes parameters are twice those of the stream.
    """
    found = read_recording(recorder_file(tmp_path / "a.h5", products=names))
    assert found.products == tuple(map(Product, factors))
    for i, (name, factor) in enumerate(zip(names, factors.values(), strict=True)):
        np.testing.assert_array_equal(found.data[..., i], power(name) * np.float32(factor))


def test_an_export_is_in_the_recorders_scale_and_comes_back(tmp_path):
    import h5py

    rows = recording(30, products=(Product.I, Product.V, Product.V_OVER_I, Product.XX))
    export(rows, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        tuning = file["Observation1/Tuning1"]
        for i, (name, divisor) in enumerate({"I": 12, "V": 12, "V_over_I": 1, "XX": 24}.items()):
            np.testing.assert_array_equal(tuning[name], rows.data[..., i] / np.float32(divisor))
    found = read_recording(tmp_path / "a.h5")
    wanted = [rows.products.index(product) for product in found.products]
    np.testing.assert_allclose(found.data, rows.data[..., wanted], rtol=2e-7)


def test_an_export_of_an_earlier_version_keeps_the_scale_that_it_was_written_in(tmp_path):
    import h5py

    rows = recording(6)
    export(rows, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        del file.attrs["sunspec_navg"]
        for i, name in enumerate(("XX", "YY", "XY_real", "XY_imag")):
            file["Observation1/Tuning1"][name][...] = rows.data[..., i]
    np.testing.assert_array_equal(read_recording(tmp_path / "a.h5").data, rows.data)


def test_an_export_has_the_attributes_of_the_recorders_files(tmp_path):
    import h5py

    export(recording(6), tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["FileCreation"].startswith("UTC 20")
        assert {"ObserverID", "ObserverName", "ProjectID", "SessionID", "StationName", "FileGenerator"} <= {*file.attrs}
        observation = file["Observation1"].attrs
        assert {"Beam", "RA", "Dec", "Epoch", "TrackingMode", "DRX_Gain", "tInt", "nChan", "RBW"} <= {*observation}
        assert {"ARX_Filter", "ARX_Gain1", "ARX_Gain2", "ARX_GainS", "TargetName", "LFFT"} <= {*observation}
        units = {"RA": "hours", "Dec": "degrees", "tInt": "s", "RBW": "Hz", "sampleRate": "Hz"}
        assert {name: observation[f"{name}_Units"] for name in units} == units


# Read with a note


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_tint, "no tInt"),
        *((set_tint(value), "does not fit") for value in (-1.0, 0.0, np.nan, 60.0, 2 * STEP_S, STEP_S / 2, "0.25")),
    ],
)
def test_a_length_of_rows_that_cannot_be_is_measured_and_told(tmp_path, notes, change, said):
    found = read_recording(recorder_file(tmp_path / "a.h5", change))
    assert found.cadence_s == pytest.approx(STEP_S)
    np.testing.assert_allclose(found.times_s, ENDS_S, rtol=0, atol=1e-6)
    (note,) = notes()
    assert said in note
    part = read_recording(tmp_path / "a.h5", float(ENDS_S[4]), float(ENDS_S[6]))
    np.testing.assert_array_equal(part.data, found.data[5:7])
    assert part.cadence_s == found.cadence_s


@pytest.mark.parametrize(
    ("change", "places", "said"),
    [
        (some_times(slice(17, NROWS), (12345, 0.5)), range(17), "3 rows whose time is before 2000"),
        (some_times(slice(0, 3), 0), range(3, NROWS), None),
        (shorter("time", 15), range(15), "first 15"),
        (shorter("YY", 12), range(12), "first 12"),
        (set_freq(FREQUENCIES_HZ / 1e6), range(NROWS), "only be MHz"),
    ],
)
def test_what_is_left_out_or_assumed_is_told(tmp_path, notes, change, places, said):
    found = read_recording(recorder_file(tmp_path / "a.h5", change))
    np.testing.assert_allclose(found.times_s, ENDS_S[list(places)], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found.data[..., 1], power("YY")[list(places)] * np.float32(NAVG))
    np.testing.assert_allclose(found.frequencies_hz, FREQUENCIES_HZ)
    told = notes()
    assert len(told) == (said is not None)
    assert said is None or said in told[0]


def test_time_that_goes_back_begins_a_new_sequence(tmp_path, notes):
    begins_s = starts_s()
    begins_s[10:] -= 2
    found = read_recording(recorder_file(tmp_path / "a.h5", some_times(slice(0, NROWS), as_times(begins_s))))
    np.testing.assert_allclose(found.times_s, begins_s + STEP_S, rtol=0, atol=1e-6)
    assert found.cadence_s == STEP_S
    (note,) = notes()
    assert "goes back once, first at row 11" in note
    parts = [
        (begin_s, sum(map(len, gulps))) for begin_s, _, gulps, _ in open_replay(tmp_path / "a.h5", 560).sequences()
    ]
    assert parts == [(0.0, 10), (pytest.approx(0.5), 10)]


def test_equal_times_are_kept_and_told(tmp_path, notes):
    begins_s = np.repeat(starts_s(NROWS // 2), 2)
    found = read_recording(recorder_file(tmp_path / "a.h5", some_times(slice(0, NROWS), as_times(begins_s))))
    assert len(found) == NROWS
    (note,) = notes()
    assert "10 of its rows have the time of the row before" in note


# Several Observations and Tunings


def two_of_each(parts: Parts) -> None:
    parts.file.copy("Observation1", "Observation3")
    times = parts.file["Observation3/time"][()]
    times["int"][:NROWS] += 3600
    parts.file["Observation3/time"][...] = times
    parts.file.copy("Observation3/Tuning1", parts.file["Observation3"], name="Tuning2")
    parts.file["Observation3/Tuning2/freq"][...] = FREQUENCIES_HZ + 30e6


def test_observations_and_tunings_are_chosen_by_number_and_the_first_is_told(tmp_path, notes):
    path = recorder_file(tmp_path / "a.h5", two_of_each)
    first = read_recording(path)
    np.testing.assert_allclose(first.times_s, ENDS_S, rtol=0, atol=1e-6)
    (note,) = notes()
    assert "Observation 1, 3" in note
    assert "--observation" in note
    found = read_recording(path, observation=3, tuning=2)
    np.testing.assert_allclose(found.times_s, ENDS_S + 3600, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.frequencies_hz, FREQUENCIES_HZ + 30e6)
    assert len(notes()) == 1
    with pytest.raises(SourceError, match="no Observation2; choose --observation 1, 3"):
        read_recording(path, observation=2)


def test_the_commands_choose_observation_and_tuning(tmp_path, capsys):
    path = recorder_file(tmp_path / "a.h5", two_of_each)
    choice = ["--observation", "3", "--tuning", "2"]
    assert main(["export", str(tmp_path / "b.npz"), "--input", str(path), *choice]) == 0
    assert capsys.readouterr().err == ""
    assert read_recording(tmp_path / "b.npz").times_s[0] == pytest.approx(ENDS_S[0] + 3600)
    assert main(["stream", "--source", str(path), "--observation", "4", "--port", "0"]) == 1
    assert "no Observation4" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "c.npz"), "--input", str(tmp_path / "b.npz"), *choice]) == 1
    assert "leave --observation" in capsys.readouterr().err
    for words in (["export", str(tmp_path / "c.npz")], ["stream", "--port", "0"]):
        assert main([*words, *choice]) == 2
        assert "for a recorder's file" in capsys.readouterr().err


def test_a_file_without_the_first_numbers_is_read(tmp_path, notes):
    def rename(parts: Parts) -> None:
        parts.observation.move("Tuning1", "Tuning2")
        parts.file.move("Observation1", "Observation2")

    assert len(read_recording(recorder_file(tmp_path / "a.h5", rename))) == NROWS
    assert notes() == []


# Refused


def nothing_yet(parts: Parts) -> None:
    del parts.file["Observation1"]
    fill(parts.file, ("XX",), nrows=0).observation["time"][:2] = as_times(starts_s(2))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (nothing_yet, "nothing was written to its products yet"),
        (some_times(slice(None), 0), "none of its 24 rows has a time"),
        (some_times(slice(0, NROWS), (12345, 0.0)), "has a time after 2000"),
        (with_times(starts_s(), format="sidereal"), "only unix, mjd, jd in utc, tai or tt"),
        (set_freq(FREQUENCIES_HZ, "furlong"), "only Hz, kHz, MHz and GHz"),
        (set_freq(FREQUENCIES_HZ[:-1]), "does not fit 63 freq"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path, notes, change, said, monkeypatch):
    # The middle of a sentence with a long path is left out.
    monkeypatch.chdir(tmp_path)
    path = recorder_file(Path("a.h5"), change)
    with pytest.raises(SourceError, match=said) as caught:
        read_recording(path)
    assert len(str(caught.value)) <= 200
    assert notes() == []


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    whole = recorder_file(tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(SourceError, match="truncated: its end is missing"):
        read_recording(tmp_path / "a.h5")


# Only what is asked for

_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss // 1024, used.ru_utime + used.ru_stime, file=sys.stderr)
sys.exit(done.returncode)
"""


def used_by(words: list[str]) -> tuple[float, float]:
    """Return the memory in MB and CPU seconds of a command.

    Its own processes are included.
    """
    run = [sys.executable, "-c", _MEASURED, sys.executable, *words]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    memory_mb, took_s = done.stderr.splitlines()[-1].split()
    return float(memory_mb), float(took_s)


def test_an_hour_of_room_with_a_second_written_is_cut_in_little_memory_and_time(tmp_path):
    import h5py

    rows, written, channels = 3_600_000, 1000, 3072
    step_s = NAVG / (196e6 / 8192)
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        observation = file.create_group("Observation1")
        observation.attrs["tInt"] = step_s
        tuning = observation.create_group("Tuning1")
        tuning["freq"] = (560 + np.arange(channels)) * 196e6 / 8192
        observation.create_dataset("time", (rows,), as_times(starts_s(1)).dtype)[:written] = as_times(
            FIRST_S + step_s * np.arange(written)
        )
        for name in ("XX", "YY", "XY_real", "XY_imag"):
            values = tuning.create_dataset(name, (rows, channels), "<f4", chunks=(2730, channels))
            values[:written] = np.repeat(np.arange(written, dtype="<f4"), channels).reshape(written, channels)
    span = [str(np.datetime64(round((FIRST_S + offset_s) * 1e6), "us")) for offset_s in (0.3, 0.7)]
    words = ["-m", "sunspec_tui", "export", str(tmp_path / "b.npz"), "--input", str(tmp_path / "a.h5")]
    empty_mb, _ = used_by(["-c", "pass"])
    used_mb, took_s = used_by([*words, "--start", span[0], "--end", span[1]])
    found = read_recording(tmp_path / "b.npz")
    assert len(found) == 398
    np.testing.assert_array_equal(np.diff(found.data[:, 0, 0]), NAVG)
    assert used_mb - empty_mb < 200
    assert took_s < 2
