"""Start without enough memory or threads.

A part of the program is reported as missing, or the program ends with one sentence.
"""

import json
import subprocess
import sys
import threading

import pytest
from commands import END_S, SERVICE, running

from sunspec_tui.core.errors import MissingExtraError, resource_shortage
from sunspec_tui.core.optional_imports import require_extra
from sunspec_tui.core.unstarted_threads import check_threads

PROGRAM_WITH = """
import sys, threading
from sunspec_tui.cli import main as cli
{patch}
sys.argv = ["sunspec-tui", *sys.argv[1:]]
sys.exit(cli.main())
"""
# As the interpreter does at its limits, for threads of one name.
NO_THREAD = """
begin = threading.Thread.start
def start(thread):
    if thread.name == {name!r} and {times}:
        times.append(1)
        raise RuntimeError("can't start new thread")
    begin(thread)
times = []
threading.Thread.start = start
"""
HANGING = "threading.Thread(target=threading.Event().wait).start()"


def program(patch, *words):
    return [sys.executable, "-c", PROGRAM_WITH.format(patch=patch), *words]


def no_thread(name, times="True"):
    return NO_THREAD.format(name=name, times=times)


def ended(words, tmp_path):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)


@pytest.mark.parametrize("name", ["sunspec-ending", "sunspec-output", "sunspec-check", "sunspec-subscriber",
                                  "sunspec-plots", "sunspec-producer"])  # fmt: skip
def test_a_start_without_a_thread_is_one_sentence_with_status_1(name, tmp_path):
    done = ended(program(no_thread(name), *SERVICE[3:], "--duration", "2"), tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("sunspec-tui: ")]
    assert line.startswith(
        "sunspec-tui: not enough memory or threads to continue: RuntimeError: can't start new thread; "
    )
    assert "raise the limits of memory and of threads" in line


@pytest.mark.parametrize("name", ["sunspec-ending", "sunspec-output", "sunspec-check", "sunspec-subscriber"])
def test_doctor_without_a_thread_is_one_sentence_with_status_1(name, tmp_path):
    done = ended(program(no_thread(name), "doctor", "--port", "1", "--timeout", "1"), tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "not enough memory or threads" in done.stderr


PARTS = {
    "archive": (no_thread("sunspec-archive"), "cannot archive to archive: not enough memory or threads"),
    "zarr": (
        "import sunspec_tui.files.archive.writer as m\ndef fail():\n    raise MemoryError\nm._check_installed = fail",
        "cannot archive to archive: not enough memory or threads (MemoryError)",
    ),
    "web": (no_thread("sunspec-web"), "the web view lacks memory or threads (RuntimeError: can't start new thread)"),
    "web memory": (
        "import sunspec_tui.web as m\ndef fail(*_):\n    raise MemoryError\nm._Running.__init__ = fail",
        "the web view lacks memory or threads (MemoryError)",
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_without_a_thread_or_memory_is_a_problem_and_receiving_goes_on(part, tmp_path):
    patch, text = PARTS[part]
    words = program(patch, *SERVICE[3:], "--duration", "4", "--archive", "archive", "--start-webshow",
                    "--web-port", "0", "--status-format", "json")  # fmt: skip
    done = ended(words, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    record = json.loads(done.stdout.splitlines()[-1])
    assert record["frames_received"] > 4
    assert text in done.stderr
    assert "raise the limits of memory and of threads" in done.stderr


def test_the_archive_is_written_after_zarr_could_not_start_its_thread_once(tmp_path):
    words = program(no_thread("zarr_io", "not times"), *SERVICE[3:], "--archive", "archive",
                    "--status-interval", "0.2", "--status-format", "json")  # fmt: skip
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        assert any(json.loads(process.stdout.readline())["archive_rows"] for _ in range(150))
        process.terminate()
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    assert "cannot archive to archive: not enough memory or threads (RuntimeError: can't start new thread)" in told


def test_the_interpreters_end_does_not_fail_on_a_thread_of_zarr_that_was_never_started(tmp_path):
    words = program(no_thread("zarr_io"), *SERVICE[3:], "--archive", "archive", "--duration", "3")
    done = ended(words, tmp_path)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "patch",
    [
        "def fail(_):\n    raise SystemError\ncli._status_of = fail",
        "import sunspec_tui.cli.signals as m\nclass Timer(threading.Timer):\n    def start(self):\n"
        "        raise RuntimeError\nm.threading.Timer = Timer\ncli._status_of = lambda _: 1",
    ],
    ids=["an unexpected error", "no thread that limits the end"],
)
def test_a_process_ends_although_a_thread_hangs(patch, tmp_path):
    assert ended(program(f"{HANGING}\n{patch}"), tmp_path).returncode == 1


def test_a_library_that_has_no_room_is_one_sentence_before_anything_runs(tmp_path):
    code = """
import sys
from sunspec_tui import __main__

class NoRoom:
    def find_spec(self, name, *_):
        if name == "sunspec_tui.cli.main":
            try:
                raise ImportError("x.so: failed to map segment from shared object")
            except ImportError as error:
                raise ImportError("many\\nlines") from error

sys.meta_path.insert(0, NoRoom())
sys.exit(__main__.main())
"""
    done = ended([sys.executable, "-c", code], tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("sunspec-tui: not enough memory or threads to start: ImportError: x.so: ")


def test_a_library_without_room_is_not_missing(monkeypatch):
    import sunspec_tui.core.optional_imports as module

    def no_room(_):
        raise ImportError("x.so: failed to map segment from shared object")

    monkeypatch.setattr(module, "import_module", no_room)
    with pytest.raises(ImportError, match="failed to map") as caught:
        require_extra("zarr", "an archive")
    assert not isinstance(caught.value, MissingExtraError)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "MemoryError"),
        (OSError(12, "Cannot allocate memory"), "OSError: [Errno 12] Cannot allocate memory"),
        (RuntimeError("can't start new thread"), "RuntimeError: can't start new thread"),
        (RuntimeError("other"), ""),
        (ImportError("no module"), ""),
        (None, ""),
    ],
)
def test_what_lacks_is_known_by_its_kind_or_words(error, text):
    assert resource_shortage(error) == text


def test_threads_are_checked_all_at_once_and_end(monkeypatch):
    begin, begun = threading.Thread.start, []

    def start(thread):
        if len(begun) == 3:
            raise RuntimeError("can't start new thread")
        begin(thread)
        begun.append(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    check_threads(3)
    begun.clear()
    with pytest.raises(RuntimeError, match="can't start"):
        check_threads(4)
    assert not any(thread.is_alive() for thread in begun)
