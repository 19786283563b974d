"""Names and texts from outside cause no harm.

Output shows them with escapes, and files keep them exactly.
"""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from extent import extent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recordings import recording

from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import ExportError
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export

ODD = os.fsdecode(b"a\x1b]0;pwn\x07\n\xff\xe2\x80\xae")
"""Name with a terminal's title, a line break, invalid UTF-8 and a direction mark."""

ODD_SHOWN = r"a\x1b]0;pwn\x07\n\xff\u202e"
FORMS = ("a.npz", "a.csv", "a.fits", "a.fit.gz", "a.h5")
TEXTS = (
    "a\nb=c", "a\r\n# cadence_s=9", "x\x00y", " lead", "trail ", '"quoted"', '"', "it's & more &", "Zürich", "東京",
    "\udcff", ODD, "=cmd()", "", "\\x41", "$\\frac{$", "a" * 1000,
)  # fmt: skip
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=80)


def run(*words: str, **keys: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "sunspec_tui", *words]
    return subprocess.run(command, capture_output=True, timeout=60, **keys)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "words",
    [
        ["--config", f"/nowhere/{ODD}.toml"],
        ["export", "out.npz", "--input", f"/nowhere/{ODD}.npz"],
        ["export", f"/dev/null/{ODD}.npz", "--input", "a.npz"],
        ["stream", "--source", f"/nowhere/{ODD}.npz"],
        ["quicklook", f"/nowhere/{ODD}"],
        ["summary", "2026-01-01", "--archive", f"/nowhere/{ODD}"],
        ["summary", "2026-01-01", "--event-log", f"/nowhere/{ODD}"],
        ["doctor", f"--no-such-option={ODD}"],
    ],
)
def test_an_error_shows_a_name_and_does_nothing_else(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    export(recording(3), "a.npz")
    assert main(words) in (1, 2)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.removesuffix("\n").isprintable(), ascii(told)
    assert ODD_SHOWN in told


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_lines_and_logs_show_a_name_in_any_alphabet(encoding, tmp_path):
    path = tmp_path / f"{ODD} ü.npz"
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    export(recording(3), path)
    done = run("export", str(tmp_path / f"{ODD}.csv"), "--input", str(path), env=environment)
    sent = run("stream", "--source", str(path), "--frames", "2", "--port", "0", "--speed", "0", env=environment)
    assert (done.returncode, sent.returncode) == (0, 0)
    for told in (done.stdout, sent.stderr):
        lines = told.decode(encoding).splitlines()
        assert all(line.isprintable() for line in lines), ascii(lines)
        assert any(ODD_SHOWN in line for line in lines)
    assert b"Traceback" not in done.stderr + sent.stderr


def test_log_file_events_and_status_lines_show_a_directorys_name(tmp_path):
    (tmp_path / "file").write_text("")
    where = str(tmp_path / "file" / ODD)
    log, events = tmp_path / "log", tmp_path / "events"
    done = run(
        *("--no-ui", "--demo", "--duration", "4", "--status-interval", "1", "--status-format", "json"),
        *("--plot-interval", "1", "--plot-dir", where, "--log-file", str(log), "--event-log", str(events)),
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    assert b"Logging error" not in done.stderr
    lines = log.read_text(encoding="utf-8").splitlines()
    assert any(ODD_SHOWN in line for line in lines)
    assert all(line.isprintable() for line in lines), ascii(lines)
    texts = [json.loads(line)["text"] for line in events.read_text().splitlines()]
    assert any(ODD_SHOWN in text for text in texts)
    assert all(text.isprintable() for text in texts), ascii(texts)
    for line in done.stdout.decode().splitlines():
        assert all(value.isprintable() for value in json.loads(line).values() if isinstance(value, str))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("text", TEXTS)
def test_names_come_back_from_every_form_as_they_were(name, text, tmp_path):
    rows = recording(3, nchan=16, station=text, source=text)
    export(rows, tmp_path / name)
    found = read_recording(tmp_path / name)
    assert (found.station, found.source) == (text, text)
    assert found.data.shape[:2] == rows.data.shape[:2]
    assert found.cadence_s == pytest.approx(rows.cadence_s)


@settings(max_examples=extent(25, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(alphabet=st.characters(exclude_categories=()), max_size=80), st.sampled_from(["a.npz", "a.csv", "a.fits"])
)
def test_whatever_a_station_is_called_its_file_can_be_read_back(tmp_path, text, name):
    export(recording(2, nchan=16, station=text), tmp_path / name)
    assert read_recording(tmp_path / name).station == text


def test_a_name_that_would_not_come_back_whole_is_refused(tmp_path):
    with pytest.raises(ExportError, match=r"station's name has 1001 characters; choose one of at most 1000"):
        export(recording(2, station="a" * 1001), tmp_path / "a.npz")
    assert list(tmp_path.iterdir()) == []


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_directory(path: Path) -> None:
    path.mkdir()


def make_link(path: Path) -> None:
    (path.parent / "other").write_text("another's")
    path.symlink_to(path.parent / "other")


def make_dangling_link(path: Path) -> None:
    path.symlink_to(path.parent / "nothing")


def make_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("devices cannot be made here")


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("make", [make_pipe, make_directory, make_link, make_dangling_link, make_device])
def test_an_export_replaces_regular_files_alone(make, name, tmp_path, capsys):
    export(recording(2, nchan=16), tmp_path / "in.npz")
    path = tmp_path / name
    make(path)
    before = path.lstat()
    there = sorted(tmp_path.iterdir())
    assert main(["export", str(path), "--input", str(tmp_path / "in.npz")]) == 1
    told = capsys.readouterr().err
    assert "not a regular file" in told
    assert told.count("\n") == 1
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("name", FORMS)
def test_a_disk_that_is_full_leaves_nothing_and_the_file_that_was_there(name, tmp_path):
    """A limit of file size acts like a full disk."""
    export(recording(2, nchan=16), tmp_path / name)
    before = (tmp_path / name).read_bytes()
    export(recording(300), tmp_path / "in.npz")
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from sunspec_tui.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["export", str(tmp_path / name), "--input", str(tmp_path / "in.npz")]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert done.stderr.count("\n") == 1
    assert (tmp_path / name).read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted({name, "in.npz"})
