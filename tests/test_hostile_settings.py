"""Nested, huge, endless or binary settings and headers: one sentence, no traceback."""

import json
import os
import subprocess
import threading

import numpy as np
import pytest
from commands import running
from conftest import Publisher, header_of
from terminals import PROGRAM

DEEP = 10_000
TEXTS = {
    "nested lists": "port = " + "[" * DEEP + "]" * DEEP,
    "nested tables": "port = " + "{a=" * DEEP + "1" + "}" * DEEP,
    "a long dotted key": "port" + ".a" * 20_000 + " = 1",
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


@pytest.mark.parametrize("key", ["extra", "timestamp", "last_block_time", "time_tag"])
@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_doctor_bears_every_value_in_a_header(form, name, key):
    data = np.ones((1, 64, 4), np.float32)
    header = json.dumps(header_of(data) | {key: "@"}).replace('"@"', HEADERS[name])
    publisher = Publisher()
    words = [*PROGRAM, "doctor", "--port", str(publisher.port), "--frames", "1", "--timeout", "3", *form]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        publisher.wait_for_subscriber()
        publisher.send([b"data", header.encode(), data.tobytes()])
        told, complained = process.communicate(timeout=60)
    publisher.close()
    assert process.returncode in (0, 1), complained
    assert "Traceback" not in complained
    assert max(map(len, told.splitlines())) < (100_000 if form else 3000)
    assert "\x1b" not in told
    if form:
        json.loads(told)


def test_doctor_bears_a_header_of_many_keys():
    data = np.ones((1, 64, 4), np.float32)
    header = json.dumps(header_of(data) | {f"key{n}": n for n in range(3000)})
    publisher = Publisher()
    words = [*PROGRAM, "doctor", "--port", str(publisher.port), "--frames", "1", "--timeout", "3"]
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        publisher.wait_for_subscriber()
        publisher.send([b"data", header.encode(), data.tobytes()])
        told, complained = process.communicate(timeout=60)
    publisher.close()
    assert process.returncode == 0, complained
    assert len(told.splitlines()) < 150
