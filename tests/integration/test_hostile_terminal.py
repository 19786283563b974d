"""The monitor survives any input, size or blocked output.

It does not trust terminals, and obeys keys meanwhile.
"""

import os
import select
import signal
import subprocess
import sys
import termios
import time

import psutil
import pytest
from terminal_cases import ANSWERS, BROKEN, DEMO, HELP, KITTY, MOUSE, PASTES, SIZES, ends, obeys, press_until
from terminals import PROGRAM, Terminal
from waiting import poll_until


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words, words_before=(), program=PROGRAM, **options):
        opened.append(Terminal([*words_before, *program, *words], tmp_path, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "cases", [BROKEN, KITTY, MOUSE, SIZES], ids=["broken text", "extended keys", "mouse and focus", "sizes"]
)
def test_nothing_that_a_terminal_sends_ends_or_deafens_the_monitor(terminal, cases):
    monitor = terminal(*DEMO)
    monitor.shows("LIVE")
    for case in cases:
        os.write(monitor.master, case)
        obeys(monitor)
    ends(monitor)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cases", [ANSWERS, PASTES], ids=["answers", "pastes"])
def test_answers_and_pastes_are_no_keys(terminal, cases):
    monitor = terminal(*DEMO, columns=140)
    monitor.shows("LIVE", "auto")
    for case in cases:
        os.write(monitor.master, case)
        obeys(monitor)
        # `b` takes the background away, `5` folds the log, `q` ends it all.
        assert "background removed" not in monitor.text, f"{case[:30]!r} acted as keys"
        # A terminal gets the closed dialog in several parts.
        monitor.shows("─ Log ─")


@pytest.mark.timeout(300)
def test_a_window_of_any_size_is_drawn_on(terminal):
    monitor = terminal(*DEMO)
    monitor.shows("LIVE")
    for size in [(8, 24), (1, 1), (5, 40), (200, 1), (1, 60), (3, 3), (60, 2), (7, 5), (300, 90), (16, 9), (2, 200)]:
        monitor.resize(*size)
        monitor.press(" \x1b")
        monitor.resize(120, 40)
        obeys(monitor)
    monitor.press("?")
    monitor.shows(HELP)
    for size in [(1, 1), (6, 6), (120, 40)]:
        monitor.resize(*size)
    monitor.shows(HELP)


def test_a_window_may_be_small_before_the_first_picture_and_say_no_size_at_all(terminal):
    for size in [(1, 1), (4, 30), (0, 0)]:
        monitor = terminal(*DEMO, columns=size[0], lines=size[1])
        monitor.resize(120, 40)
        obeys(monitor)


def test_the_size_of_the_terminal_counts_and_not_that_of_an_old_environment(terminal):
    monitor = terminal(*DEMO, columns=100, lines=30, environment={"COLUMNS": "60", "LINES": "12"})
    monitor.shows("LIVE")
    poll_until(lambda: "q quit" in monitor.screen.display[29], 20, lambda: f"keys on the last line of\n{monitor.text}")
    monitor.resize(140, 44)
    poll_until(lambda: "q quit" in monitor.screen.display[43], 20, lambda: f"keys on the last line of\n{monitor.text}")


def test_what_developers_tell_textual_through_the_environment_is_not_looked_at(terminal):
    odd = {"TEXTUAL_COLOR_SYSTEM": "no such", "TEXTUAL_PRESS": "q", "TEXTUAL_SCREENSHOT": "no number"}
    monitor = terminal(*DEMO, environment=odd)
    monitor.shows("LIVE")
    obeys(monitor)


# Runs the program after a change in it.
def program_with(change):
    return [sys.executable, "-c", f"{change}\nimport sys\nfrom sunspec_tui.cli.main import main\nsys.exit(main())"]


NOBODY = """
import os, pwd
os.environ.pop("HOME", None)
os.environ.pop("XDG_STATE_HOME", None)
def nobody(_):
    raise KeyError("no such user")
pwd.getpwuid = nobody
"""


def test_a_user_without_a_home_has_a_monitor_all_the_same(terminal, tmp_path):
    monitor = terminal(*DEMO, program=program_with(NOBODY), lines=60)
    monitor.shows("LIVE", "no home")
    monitor.press("c")
    monitor.shows("turbo")
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    assert not list(tmp_path.glob("~*"))


def _make_fifo(path):
    os.mkfifo(path)


def _make_link(path):
    target = path.with_name("somebody.json")
    target.write_text('{"palette": "turbo"}')
    path.symlink_to(target)


@pytest.mark.parametrize("make", [_make_fifo, _make_link, lambda path: path.mkdir()], ids=["pipe", "link", "directory"])
def test_what_lies_in_the_place_of_the_look_is_neither_read_nor_replaced(terminal, tmp_path, make):
    path = tmp_path / "state" / "sunspec-tui" / "view.json"
    path.parent.mkdir(parents=True)
    make(path)
    before = path.lstat()
    monitor = terminal(*DEMO)
    monitor.shows("LIVE", "viridis")
    monitor.press("b")
    monitor.shows("background removed")
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(each.name for each in path.parent.iterdir()) in (["view.json"], ["somebody.json", "view.json"])


@pytest.mark.parametrize(("ending", "status"), [("TERM", 0), ("HUP", 0), ("q", 0)])
def test_a_terminal_that_takes_nothing_does_not_keep_the_monitor(terminal, ending, status):
    monitor = terminal(*DEMO, answers=False)
    monitor.shows("LIVE")
    monitor._ended.set()
    monitor._reader.join()
    process = psutil.Process(monitor.process.pid)
    # More than the kernel holds: each of these sends the whole screen again.
    for _ in range(20):
        os.write(monitor.master, b"\x0c")
        select.select([], [], [], 0.15)
    begun_s = time.monotonic()
    if ending == "q":
        os.write(monitor.master, b"q")
    else:
        process.send_signal(getattr(signal, f"SIG{ending}"))
    try:
        assert monitor.process.wait(15) == status
    except subprocess.TimeoutExpired:
        pytest.fail("the monitor has not ended")
    assert time.monotonic() - begun_s < 8  # five seconds, and what a busy machine takes
    assert termios.tcgetattr(monitor.slave) == monitor.before
    monitor.process.kill()
    os.close(monitor.slave)
    os.close(monitor.master)


def test_a_monitor_that_was_stopped_for_a_while_draws_all_anew_and_obeys(terminal):
    monitor = terminal(*DEMO)
    monitor.shows("LIVE")
    monitor.process.send_signal(signal.SIGSTOP)
    process = psutil.Process(monitor.process.pid)
    poll_until(lambda: process.status() == psutil.STATUS_STOPPED, what="the stop")
    monitor.clear()
    monitor.process.send_signal(signal.SIGCONT)
    monitor.shows("LIVE", "─ Health ─", "q quit")
    obeys(monitor)


HANGING_HOME = """
import pathlib, threading
from sunspec_tui.core import state_files
def save(*_):
    pathlib.Path("begun").touch()
    threading.Event().wait()
state_files.save = save
"""


def test_a_home_directory_that_hangs_neither_freezes_the_monitor_nor_keeps_it(terminal, tmp_path):
    monitor = terminal(*DEMO, program=program_with(HANGING_HOME))
    monitor.shows("LIVE", "viridis")
    monitor.press("c")
    poll_until((tmp_path / "begun").exists, 20)
    obeys(monitor)
    monitor.press("c")
    obeys(monitor)
    ends(monitor)


FAILING_RECEIVER = """
from sunspec_tui.receiver import StreamReceiver
def start(self):
    raise RuntimeError("the socket is made of cheese")
StreamReceiver.start = start
"""


def test_what_ends_the_receiver_is_on_the_screen_and_stays_there(terminal, tmp_path):
    monitor = terminal("--plot-interval", "0", "--log-file", "log.txt", program=program_with(FAILING_RECEIVER))
    monitor.shows("made of cheese")
    poll_until(
        lambda: "made of cheese" in monitor.screen.display[39], 20, lambda: f"it on the last line\n{monitor.text}"
    )
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    assert "made of cheese" in (tmp_path / "log.txt").read_text()


FAILING_THREAD = """
import threading
from sunspec_tui import app
def fail():
    raise RuntimeError("the thread is made of cheese")
app.resume_collection = lambda: threading.Thread(target=fail, name="sunspec-plots").start()
"""


def test_a_thread_that_ends_on_an_error_is_on_the_screen_and_stays_there(terminal):
    monitor = terminal(*DEMO, program=program_with(FAILING_THREAD))
    monitor.shows("LIVE", "made of cheese")
    poll_until(
        lambda: "sunspec-plots" in monitor.screen.display[39], 20, lambda: f"it on the last line\n{monitor.text}"
    )
    obeys(monitor)


FAULTY_KEY = """
from sunspec_tui.app import Monitor
def redraw(self):
    raise RuntimeError("a fault of the key")
Monitor.action_redraw = redraw
"""


def test_a_fault_in_what_a_key_does_is_told_and_the_monitor_goes_on(terminal):
    monitor = terminal(*DEMO, program=program_with(FAULTY_KEY))
    monitor.shows("LIVE")
    monitor.press("\x0c")
    monitor.shows("a fault of the key")
    obeys(monitor)


BROKEN_SCREEN = """
import os
from sunspec_tui.app import Monitor
Monitor.action_redraw = lambda self: self.panic("the screen is broken")
"""


def test_a_screen_that_fails_for_good_ends_with_status_1_and_gives_the_terminal_back(terminal):
    monitor = terminal(*DEMO, program=program_with(BROKEN_SCREEN))
    monitor.shows("LIVE")
    monitor.press("\x0c")
    assert monitor.process.wait(10) == 1
    assert termios.tcgetattr(monitor.slave) == monitor.before
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw, what="the restored screen")


# A thread that never waits would keep the interface from the interpreter's lock, whatever the log does.
FLOOD = """
import logging, pathlib, threading
def flood():
    log, pause = logging.getLogger("sunspec_tui.flood"), threading.Event()
    for burst in range(10**9):
        for _ in range(1000):
            log.warning("one more line of very many " + "and many " * 40)
        if burst == 80:
            pathlib.Path("flooded").touch()
        pause.wait(0.05)
threading.Thread(target=flood, daemon=True).start()
"""


def test_a_flood_of_log_lines_neither_fills_the_monitor_nor_deafens_it(terminal, tmp_path):
    monitor = terminal(*DEMO, program=program_with(FLOOD))
    monitor.shows("LIVE", "one more line", timeout_s=60)
    before = psutil.Process(monitor.process.pid).memory_info().rss
    obeys(monitor)
    press_until(monitor, "d", lambda: "method   auto" not in monitor.text)
    poll_until((tmp_path / "flooded").exists, 60, "the end of eighty thousand lines")
    grown = psutil.Process(monitor.process.pid).memory_info().rss - before
    assert grown < 24 << 20
    ends(monitor)
