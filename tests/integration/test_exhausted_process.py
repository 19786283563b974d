"""A process without file descriptors, or with a dead thread.

It reports this and continues to receive.
"""

import json
import signal
import subprocess
import sys

import pytest
from commands import END_S, SERVICE, events, running
from peers import free_port

PROGRAM_WITH = """
import sys, threading, os, resource, time
from sunspec_tui.cli.main import main
{patch}
sys.argv = ["sunspec-tui", *sys.argv[1:]]
sys.exit(main())
"""
# As a leak or many connections would: all that are left, again and again, from the moment that the test wants it.
TAKE_ALL = """
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
def take():
    taken = []
    while not os.path.exists("go"):
        time.sleep(0.02)
    for turn in range({turns}):
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass
        time.sleep(0.05)
    for each in taken:
        os.close(each)
threading.Thread(target=take, daemon=True).start()
"""


def service(patch, *words):
    return [sys.executable, "-c", PROGRAM_WITH.format(patch=patch), *SERVICE[3:], "--status-format", "json", *words]


def records_of(process):
    """Yield status records as they arrive."""
    for _ in range(600):
        line = process.stdout.readline()
        assert line, f"it has ended with status {process.wait()}: {process.stderr.read()}"
        yield json.loads(line)


def test_a_process_without_file_descriptors_receives_on_and_shows_its_memory_as_unknown(tmp_path):
    words = service(TAKE_ALL.format(turns=10**9), "--status-interval", "0.2")
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        records = records_of(process)
        next(record for record in records if record["frames_received"] > 4)
        (tmp_path / "go").touch()
        first = next(record for record in records if record["rss_mb"] is None)
        later = next(record for record in records if record["frames_received"] > first["frames_received"] + 4)
        assert later["rss_mb"] is later["pss_mb"] is None
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 0, told
    assert "Traceback" not in told


def test_archive_and_plots_recover_when_file_descriptors_are_there_again(tmp_path):
    words = service(
        TAKE_ALL.format(turns=60), "--status-interval", "0.2", "--archive", "archive", "--plot-interval", "0.5",
        "--plot-dir", "figs",
    )  # fmt: skip
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        records = records_of(process)
        next(record for record in records if record["archive_rows"] and record["plots_written"])
        (tmp_path / "go").touch()
        next(record for record in records if record["rss_mb"] is None)
        back = next(record for record in records if record["rss_mb"] is not None)
        next(
            record
            for record in records
            if record["archive_rows"] > back["archive_rows"] and record["plots_written"] > back["plots_written"]
        )
        process.send_signal(signal.SIGTERM)
        told, complained = process.communicate(timeout=END_S)
    last = json.loads(told.splitlines()[-1])
    assert process.returncode == 0, complained
    assert "Traceback" not in complained
    assert last["archive_rows"] == last["frames_received"], last
    assert last["problems"] == []


def test_a_crowd_of_web_connections_under_a_small_limit_ends_nothing(tmp_path):
    import socket

    port = free_port()
    limit = "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    words = service(limit, "--status-interval", "0.2", "--start-webshow", "--web-port", str(port))
    visitors = []
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        records = records_of(process)
        next(record for record in records if record["web"] == "serving")
        visitors = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(120)]
        before = next(records)
        next(record for record in records if record["frames_received"] > before["frames_received"] + 8)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=END_S)
    for each in visitors:
        each.close()
    assert process.returncode == 0, told
    assert "Traceback" not in told


DYING = {
    "plots": "import sunspec_tui.plots.plot_service as m; m.PlotService._run = lambda self: 1 / 0",
    "archive": "import sunspec_tui.files.archive.writer as m; m.ArchiveWriter._run = lambda *_: 1 / 0",
    "feed": "import sunspec_tui.producer.ring_feeder as m; m.RingFeeder._run = lambda self: 1 / 0",
}


@pytest.mark.parametrize("name", DYING)
def test_a_thread_that_dies_is_an_event_and_stands_in_the_status_and_receiving_goes_on(name, tmp_path):
    words = service(DYING[name], "--status-interval", "0.2", "--archive", "archive", "--event-log", "events")
    with running(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        records = records_of(process)
        record = next(record for record in records if any(f"sunspec-{name}" in each for each in record["problems"]))
        if name != "feed":
            next(later for later in records if later["frames_received"] > record["frames_received"])
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=END_S)
    assert process.returncode == 0, told
    assert "Traceback" not in told
    [problem] = events(tmp_path / "events", "problem")
    assert problem["part"] == f"sunspec-{name}"
    assert "ZeroDivisionError" in problem["text"]
    assert "restart the program" in told


def test_a_thread_of_somebody_else_is_handled_as_before():
    import threading

    from sunspec_tui.monitoring.problems import Problems

    problems, others, before = Problems(), [], threading.excepthook
    threading.excepthook = others.append
    try:
        with problems.watching_threads():
            for name in ("sunspec-x", "other"):
                thread = threading.Thread(target=lambda: 1 / 0, name=name)
                thread.start()
                thread.join()
        assert threading.excepthook == others.append
    finally:
        threading.excepthook = before
    assert [each.thread.name for each in others] == ["other"]
    [text] = problems.current
    assert text.startswith("the thread sunspec-x ended with an error, restart the program: ZeroDivisionError")


def test_a_problem_is_logged_once_while_it_stands_and_once_a_minute_where_it_comes_and_goes(caplog):
    from sunspec_tui.monitoring.problems import Problems

    now_s = [0.0]
    problems = Problems(lambda: now_s[0])
    for lost in range(1, 100):
        problems.report("the disk", "it is full", lost)
    assert problems.current == ("it is full",)
    assert problems.lines_lost == 99
    problems.report("the disk", "", 99)
    assert problems.current == ()
    problems.report("the disk", "it is full", 100)
    assert caplog.text.count("it is full") == 1
    assert caplog.text.count("the disk works again, 99 lines were lost") == 1
    problems.report("the disk", "", 100)
    now_s[0] = 61
    problems.report("the disk", "it is full", 101)
    assert caplog.text.count("it is full") == 2


def test_a_problem_that_comes_and_goes_all_the_time_is_few_lines(caplog):
    from sunspec_tui.monitoring.problems import Problems

    caplog.set_level("INFO")
    now_s = [0.0]
    problems = Problems(lambda: now_s[0])
    for n in range(1200):
        now_s[0] = n / 10
        problems.report("the pipe", "it is full" if n % 2 else "", n)
    assert 2 <= caplog.text.count("it is full") <= 3
    assert 2 <= caplog.text.count("the pipe works again") <= 3


def test_memory_that_cannot_be_read_is_no_number(monkeypatch):
    import math

    import psutil

    from sunspec_tui.core import memory_usage

    def fail(*_):
        raise OSError(24, "Too many open files")

    for broken in (fail, lambda *_: psutil.Process(2**22 + 1), lambda *_: 1 / 0):
        monkeypatch.setattr(psutil.Process, "memory_info", broken)
        monkeypatch.setattr(psutil.Process, "memory_full_info", broken)
        reading = memory_usage.Collector(100).reading(2**20, [])
        assert math.isnan(reading.rss_mb)
        assert reading.ring_mb == 1
        assert math.isnan(memory_usage.Collector(0).optimise([])["rss_after_mb"])


@pytest.mark.parametrize("words", [["--no-ui", "--duration", "1"], ["stream", "--frames", "1"], ["doctor"]])
@pytest.mark.parametrize("files", [12, 24])
def test_a_process_that_may_hardly_open_a_file_is_told_so_in_one_sentence(tmp_path, words, files):
    command = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", sys.executable, "-m", "sunspec_tui", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=END_S, check=False)
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert f"may open only {files} files" in done.stderr
    assert "ulimit -n" in done.stderr
