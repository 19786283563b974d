"""Nested, huge, endless or binary settings and headers: one sentence, no traceback."""

import json
import os
import subprocess
import threading

import numpy as np
import pytest
from extent import each_pair, extent
from publishers import Publisher, header_of
from terminals import PROGRAM

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import UsageError

DEEP = 10_000
FRAME = np.ones((1, 64, 4), np.float32)
TEXTS = {
    "nested lists": "port = " + "[" * DEEP + "]" * DEEP,
    "nested tables": "port = " + "{a=" * DEEP + "1" + "}" * DEEP,
    "a long dotted key": "port" + ".a" * extent(5_000, 20_000) + " = 1",
    "lists that are closed": "port = " + "[" * 300 + "]" * 300,
    "a long name": "x" * 50_000 + " = 1",
    "a long text": 'port = "' + "x" * 50_000 + '"',
    "a long number": "port = " + "9" * 5000,
    "a huge file": "# " + "x" * 50_000_000,
}


def told_of(path, timeout=60):
    done = subprocess.run(
        [*PROGRAM, "--no-ui", "--duration", "0.1", "--config", str(path)],
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr[-1000:]
    assert done.stderr.startswith("sunspec-tui: ")
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 2000
    return done.stderr


@pytest.mark.parametrize("name", TEXTS)
def test_settings_that_are_nested_or_huge_are_one_sentence_with_status_2(name, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(TEXTS[name])
    assert "a.toml" in told_of(path)


@pytest.mark.parametrize("name", ["plot_dir", "archive", "log_file", "event_log"])
@pytest.mark.parametrize("value", ["a\\u0000b", "\u20ac"], ids=["NUL", "a character that is not encoded"])
def test_a_path_that_no_file_can_have_is_one_sentence_with_status_2(name, value, tmp_path, monkeypatch):
    for key, setting in {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}.items():
        monkeypatch.setenv(key, setting)
    path = tmp_path / "a.toml"
    path.write_text(f'{name} = "{value}"', encoding="utf-8")
    told = told_of(path)
    assert f"--{name.replace('_', '-')} is " in told
    assert "no file can have such a name; choose another" in told


@pytest.mark.parametrize("name", ["plot_dir", "archive_dir"])
@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_receiver_refuses_a_path_that_no_file_can_have(name, value):
    with pytest.raises(UsageError, match=f"^{name} is .*choose another$"):
        StreamReceiver("127.0.0.1", 1, **{name: value})


@pytest.mark.parametrize(
    "name", ["/dev/zero", "/dev/null/x", "directory", "binary", "FIFO", "FIFO that is never closed"]
)
def test_settings_that_are_no_text_file_are_one_sentence_with_status_2(name, tmp_path):
    path, opened = tmp_path / "a.toml", None
    if name == "directory":
        path.mkdir()
    elif name == "binary":
        path.write_bytes(bytes(range(256)))
    elif name.startswith("FIFO"):
        os.mkfifo(path)
        opened = os.open(path, os.O_RDWR) if name != "FIFO" else None
    told_of(path if "/" not in name else name)
    if opened is not None:
        os.close(opened)


def test_settings_may_come_from_a_pipe(tmp_path):
    path = tmp_path / "a.toml"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=("nonsense = 1\n",))
    writer.start()
    assert "there is no setting" in told_of(path)
    writer.join()


HEADERS = {
    "nested lists": "[" * 900 + "]" * 900,
    "nested objects": '{"a":' * 900 + "1" + "}" * 900,
    "a long text": json.dumps("x" * 30_000),
    "controls": json.dumps("\x1b[2J\u202e\n"),
    "a long number": "9" * 4000,
}


def doctor(capfd, header, *options):
    """Run doctor in this process on one frame.

    The frame has the given header. Return status, standard output and standard error.
    """
    publisher = Publisher()

    def publish():
        publisher.wait_for_subscriber()
        publisher.send([b"data", header.encode(), FRAME.tobytes()])

    sender = threading.Thread(target=publish)
    sender.start()
    status = main(["doctor", "--port", str(publisher.port), "--frames", "1", "--timeout", "1", *options])
    sender.join()
    publisher.close()
    return status, *capfd.readouterr()


@pytest.mark.parametrize(
    ("key", "name", "form"),
    each_pair(["extra", "timestamp", "last_block_time", "time_tag"], [*HEADERS], [[], ["--json"]]),
)
def test_doctor_survives_any_value_in_a_header(form, name, key, capfd):
    header = json.dumps(header_of(FRAME) | {key: "@"}).replace('"@"', HEADERS[name])
    status, told, complained = doctor(capfd, header, *form)
    assert status == 0 or "rejected" in told, told + complained
    assert "Traceback" not in complained
    assert max(map(len, told.splitlines())) < (100_000 if form else 3000)
    assert "\x1b" not in told
    if form:
        json.loads(told)


def test_doctor_shortens_a_header_of_many_keys(capfd):
    status, told, complained = doctor(capfd, json.dumps(header_of(FRAME) | {f"key{n}": n for n in range(3000)}))
    assert status == 0, complained
    assert len(told.splitlines()) < 150
