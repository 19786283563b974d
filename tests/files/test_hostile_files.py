"""Tests that hostile files are read correctly or refused."""

import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_files import MAKERS, npz
from hostile_formats import SECRET, recorder, spectrogram
from recordings import recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.products import Product
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export

MAX_SENTENCE = 200 + len("sunspec-tui: ") + 1
MAX_RSS_MB = 300
WHEN = ("DATE-OBS= '2022/01/01'", "TIME-OBS= '12:00:00'")
# The resource usage of the command follows its own output.
_MEASURED = """
import resource, subprocess, sys
done = subprocess.run(["sh", "-c", 'ulimit -v 4000000; exec "$@"', "sh", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)
sys.exit(done.returncode)
"""


def assert_one_sentence(told: str) -> None:
    assert told.count("\n") == 1, told
    assert told.removesuffix("\n").isprintable(), ascii(told)
    assert len(told) <= MAX_SENTENCE, told


@pytest.mark.parametrize("name", MAKERS)
def test_a_hostile_file_is_refused_in_one_sentence(name, tmp_path, capsys):
    path = MAKERS[name](tmp_path)
    before = set(tmp_path.iterdir())
    status = main(["export", "--input", str(path), str(tmp_path / "out.npz")])
    assert status == 1
    told = capsys.readouterr()
    assert_one_sentence(told.err)
    assert told.out == ""
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", ["export", "stream"])
@pytest.mark.parametrize(
    "name",
    [
        "npz_claims_what_fits_its_axes",
        "npz_of_zeros_that_fit_its_axes",
        "npz_with_a_header_of_gigabytes",
        "packed_fits_of_zeros",
        "a_sparse_file_of_a_terabyte",
        "hdf5_that_claims_what_fits_its_axes",
        "zeros_without_end",
    ],
)
def test_the_command_ends_at_once_and_takes_little_memory(name, command, tmp_path):
    path = MAKERS[name](tmp_path)
    words = {
        "export": ["export", "--input", str(path), str(tmp_path / "out.npz")],
        "stream": ["stream", "--source", str(path), "--frames", "5", "--port", "0"],
    }[command]
    run = [sys.executable, "-c", _MEASURED, sys.executable, "-m", "sunspec_tui", *words]
    done = subprocess.run(run, capture_output=True, text=True, timeout=90)
    *told, rss_mb = done.stderr.splitlines(keepends=True)
    assert done.returncode == 1
    assert_one_sentence("".join(told))
    assert int(rss_mb) < MAX_RSS_MB


@pytest.mark.parametrize("make", [MAKERS[name] for name in MAKERS if "virtual" in name or "other" in name])
def test_no_other_file_is_opened(make, tmp_path):
    """Each target is a pipe.

    Opening it would block, and would be visible at its other end.
    """
    path = make(tmp_path)
    doors = [each for each in tmp_path.iterdir() if each.name.startswith("secret")]
    assert doors
    for door in doors:
        door.unlink()
        os.mkfifo(door)
    command = [sys.executable, "-m", "sunspec_tui", "export", "--input", str(path), str(tmp_path / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert_one_sentence(done.stderr)
    for door in doors:
        with pytest.raises(OSError, match="No such device or address"):
            os.open(door, os.O_WRONLY | os.O_NONBLOCK)


def test_another_files_bytes_are_never_exported(tmp_path):
    path = MAKERS["hdf5_of_another_files_bytes"](tmp_path)
    main(["export", "--input", str(path), str(tmp_path / "out.npz")])
    assert not (tmp_path / "out.npz").exists()
    assert (tmp_path / "secret").read_bytes() == SECRET


_PLUGIN = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void loaded(void) { fclose(fopen(getenv("LOADED"), "w")); }
int H5PLget_plugin_type(void) { return 0; }
const void *H5PLget_plugin_info(void) { return 0; }
"""


def test_no_program_is_loaded_that_unpacks_data(tmp_path, monkeypatch):
    plugins, marker = tmp_path / "plugins", tmp_path / "loaded"
    plugins.mkdir()
    (tmp_path / "plugin.c").write_text(_PLUGIN)
    build = ["cc", "-shared", "-fPIC", "-o", str(plugins / "libplugin.so"), str(tmp_path / "plugin.c")]
    try:
        subprocess.run(build, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("there is no C compiler here")
    path = MAKERS["hdf5_packed_by_a_plugin"](tmp_path)
    environment = os.environ | {"HDF5_PLUGIN_PATH": str(plugins), "LOADED": str(marker)}
    command = [sys.executable, "-m", "sunspec_tui", "export", "--input", str(path), str(tmp_path / "out.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert_one_sentence(done.stderr)
    assert not marker.exists()


def as_another_user(run: Callable[[], int]) -> int:
    """Return a function's result from an unprivileged process.

    Tests often run as root.
    """
    with warnings.catch_warnings():
        # Newer Pythons warn of threads: the child starts none, and takes nothing that one may hold.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os._exit(run())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_may_not_be_read_is_refused_in_one_sentence(tmp_path, capfd):
    closed = tmp_path / "closed"
    export(recording(3), closed / "a.npz")
    for path in (closed / "a.npz", closed):
        path.chmod(0)
    for path in (closed / "a.npz", closed):
        assert as_another_user(lambda path=path: main(["export", "--input", str(path), "/tmp/x.npz"])) == 1  # noqa: S108
        told = capfd.readouterr().err
        assert_one_sentence(told)
        assert "Permission denied" in told


@pytest.mark.parametrize("name", ["a.npz", "a.csv", "a.fits", "a.fit.gz", "a.h5"])
def test_only_rows_that_were_asked_for_are_taken(name, tmp_path, monkeypatch):
    """Blocks are small, and the limit is below the file's size."""
    rows = recording(60, nchan=64, gaps=(20,))
    export(rows, tmp_path / name)
    whole = read_recording(tmp_path / name)
    monkeypatch.setattr("sunspec_tui.files.read_limits.MAX_POWER_BYTES", whole.data[:20].nbytes)
    monkeypatch.setattr("sunspec_tui.files.read_limits.BLOCK_BYTES", 1000)
    monkeypatch.setattr("sunspec_tui.files.callisto_fits.BLOCK_BYTES", 1000)
    for begin, end in ((0, 10), (13, 25), (50, 60)):
        part = read_recording(tmp_path / name, float(rows.times_s[begin]) - 1e-3, float(rows.times_s[end - 1]) + 1e-3)
        np.testing.assert_array_equal(part.data, whole.data[begin:end])
        np.testing.assert_array_equal(part.times_s, whole.times_s[begin:end])
        assert part.cadence_s == whole.cadence_s
    if name not in ("a.fits", "a.fit.gz"):
        with pytest.raises(SourceError, match="choose --start and --end"):
            read_recording(tmp_path / name)


def test_frequencies_come_in_order_however_a_file_has_them(tmp_path):
    rows = recording(5, nchan=64)
    order = np.random.default_rng(3).permutation(len(rows.frequencies_hz))
    export(replace(rows, data=rows.data[:, order], frequencies_hz=rows.frequencies_hz[order]), tmp_path / "a.npz")
    found = read_recording(tmp_path / "a.npz")
    np.testing.assert_array_equal(found.data, rows.data)
    np.testing.assert_array_equal(found.frequencies_hz, rows.frequencies_hz)


def test_an_array_by_columns_is_read_as_it_is(tmp_path):
    rows = recording(7, nchan=64)
    export(rows, tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as members:
        np.savez(tmp_path / "b.npz", **(dict(members) | {"data": np.asfortranarray(members["data"])}))
    found = read_recording(tmp_path / "b.npz", float(rows.times_s[1]), float(rows.times_s[4]))
    np.testing.assert_array_equal(found.data, rows.data[2:5])


def test_what_is_added_to_a_table_while_it_is_read_is_not_seen(tmp_path):
    path = tmp_path / "a.csv"
    export(recording(200, nchan=64), path)
    lines = path.read_text().splitlines(keepends=True)
    stopping = threading.Event()

    def add() -> None:
        with path.open("a") as file:
            while not stopping.is_set():
                file.write(lines[-1][:20])
                file.flush()

    adding = threading.Thread(target=add)
    adding.start()
    try:
        sizes = [len_or_refused(path) for _ in range(3)]
    finally:
        stopping.set()
        adding.join()
    assert all(size in (200, None) for size in sizes)


def len_or_refused(path: Path) -> int | None:
    try:
        return len(read_recording(path))
    except SourceError:
        return None


def test_a_cadence_that_cannot_be_is_measured_and_told(tmp_path, caplog, monkeypatch):
    path = MAKERS["npz_of_no_times"](tmp_path)
    for said in ("1e-300", "1e300", '"soon\\u001b[31m"'):
        npz(path, about=np.array(f'{{"cadence_s": {said}}}'))
        with caplog.at_level(logging.WARNING, "sunspec_tui"):
            monkeypatch.setattr(logging.getLogger("sunspec_tui"), "propagate", True)
            assert read_recording(path).cadence_s == pytest.approx(0.25)
    assert sum("implausible cadence" in record.getMessage() for record in caplog.records) == 2


def test_an_image_in_a_scale_of_its_own_is_read_in_it(tmp_path):
    path = spectrogram(
        tmp_path / "a.fits",
        [*WHEN, "BSCALE  = 0.5", "BZERO   = 10.0", "BLANK   = 3", "BUNIT   = 'arbitrary'"],
    )
    found = read_recording(path)
    # Lines of the image are channels of 60, 50 and 40 MHz.
    np.testing.assert_array_equal(found.data[:, 2, 0], [10, 10.5, 11, np.nan])
    np.testing.assert_array_equal(found.data[:, 0, 0], [14, 14.5, 15, 15.5])
    assert found.frequencies_hz.tolist() == [40e6, 50e6, 60e6]


def test_channels_of_one_frequency_are_all_kept_in_the_order_of_the_file(tmp_path):
    path = spectrogram(tmp_path / "a.fits", [*WHEN, "BUNIT   = 'arbitrary'"])
    whole = path.read_bytes()
    row = np.array([0, 1, 2, 3, 60, 50, 40], ">f8").tobytes()
    same = np.array([0, 1, 2, 3, 60, 50, 50], ">f8").tobytes()
    path.write_bytes(whole.replace(row, same))
    found = read_recording(path)
    assert found.frequencies_hz.tolist() == [50e6, 50e6, 60e6]
    np.testing.assert_array_equal(found.data[:, :, 0].T, [[8, 9, 10, 11], [4, 5, 6, 7], [0, 1, 2, 3]])
    export(found, tmp_path / "b.fits", Product.I)
    np.testing.assert_allclose(read_recording(tmp_path / "b.fits").data[1:], found.data[1:], rtol=1e-5)


def test_a_recorders_file_with_room_for_a_day_is_read_at_once(tmp_path):
    """Rows that were never written use no space and no time."""

    def change(_: Any, observation: Any, tuning: Any) -> None:
        rows = 90_000_000
        times, values = observation["time"][()], tuning["XX"][()]
        del observation["time"], tuning["XX"]
        observation.create_dataset("time", (rows,), times.dtype, chunks=(1000,))[:2] = times
        tuning.create_dataset("XX", (rows, 2), "<f4", chunks=(1000, 2))[:2] = values

    found = read_recording(recorder(tmp_path / "a.h5", change))
    assert len(found) == 2
    np.testing.assert_array_equal(found.data, 24)


def test_the_hdf5_librarys_own_end_is_one_sentence(tmp_path, monkeypatch):
    """Some corrupt files crash their process or block it forever."""
    recorder(tmp_path / "a.h5")
    for end, said in (
        ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("while True: pass", "does not finish"),
    ):
        program = tmp_path / "program.py"
        program.write_text(
            "import os, resource, signal, sys\nresource.setrlimit(resource.RLIMIT_CPU, (1, 2))\n"
            f"resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n{end}\n"
        )
        monkeypatch.setattr("sunspec_tui.files.recorder_hdf5.PROGRAM", (str(program),))
        with pytest.raises(SourceError, match=said):
            read_recording(tmp_path / "a.h5")


def test_nothing_of_the_working_directory_is_run(tmp_path, monkeypatch):
    """The folder of a file may contain modules of any name."""
    recorder(tmp_path / "a.h5")
    for name in ("h5py", "json", "numpy", "sunspec_tui", "struct"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    assert len(read_recording("a.h5")) == 2
    assert not (tmp_path / "ran").exists()
