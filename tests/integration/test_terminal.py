"""The monitor on a real pseudo-terminal.

The tests check its picture, its end, and the state in which it leaves the terminal.
"""

import signal
import subprocess
import sys
import termios
import time

import numpy as np
import psutil
import pytest
from commands import events
from extent import some
from publishers import Publisher, block_time, message
from terminals import PROGRAM, Terminal
from waiting import poll_until

from sunspec_tui.core.exit_status import ending_signals, signal_name


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words, words_before=(), **options):
        opened.append(Terminal([*words_before, *PROGRAM, *words], tmp_path, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


# Each key, and what the screen says afterwards; a word after "!" is no longer there.
KEY_TOUR = [
    ("d", "method   buffer"),
    ("d", "method   manual"),
    ("m", "Manual delay"),
    ("x\r", "'x' is not a number of seconds"),
    ("\x7f", "▊                                                    ▎"),
    ("2.5\r", "message  2.50 s"),
    ("-", "every 600 s"),
    ("+", "interval off"),
    ("g", "objects freed"),
    ("o", " → "),
    ("x", "YY dB"),
    ("x", "XY_real"),
    ("x", "XY_imag"),
    ("X", "XY_real"),
    ("XX", " XX "),
    ("c", "turbo"),
    ("C", "viridis"),
    ("]", "4 rows a column"),
    ("[", "2 rows a column"),
    ("s", "sweep"),
    ("s", "!sweep"),
    ("(", "manual"),
    ("a", " auto"),
    ("<", "auto +1"),
    (">", "!auto +1"),
    (")", "manual"),
    ("{", "manual"),
    ("}", "manual"),
    ("l", "Levels of the waterfall"),
    ("\x1b", "!Levels of the waterfall"),
    ("a", " auto"),
    ("b", "background removed"),
    ("b", "!background removed"),
    ("z", "31.8–68.5 MHz"),
    (",", "22.6–59.3 MHz"),
    (".", "31.8–68.5 MHz"),
    ("Z", "13.4–86.9 MHz"),
    ("h", "XX max dB"),
    ("n", "XX max min dB"),
    ("v", "XX average max min dB"),
    ("r", "XX average max min dB"),
    ("hnv", "!average"),
    ("y", "XX YY dB"),
    ("y", "XX dB"),
    ("e", "XX linear"),
    ("e", "XX dB"),
    ("f", " dB fixed"),
    ("f", "! dB fixed"),
    ("i", "┊"),
    ("i", "!┊"),
    ("1", "!─ Delay ─"),
    ("1", "─ Delay ─"),
    ("2", "!─ Health ─"),
    ("2", "─ Health ─"),
    ("3", "─ Memory ─"),
    ("3", "!─ Memory ─"),
    ("4", "!─ Plots ─"),
    ("4", "─ Plots ─"),
    ("5", "!─ Log ─"),
    ("5", "─ Log ─"),
    ("\\", "!─ Health ─"),
    ("\\", "─ Health ─"),
    ("L", "layout engineer"),
    ("", "─ Memory ─"),
    ("L", "layout watch"),
    ("", "!─ Health ─"),
    ("L", "layout operate"),
    ("u", "esc closes"),
    ("\x1b", "!esc closes"),
    ("[5", "1 row a column"),
    ("0", "─ Log ─"),
    ("c", "turbo"),
    ("0", "viridis"),
    ("\t", "! XX dB"),
    ("\t", "!▀▀▀"),
    ("\t", "▀▀▀"),
    ("\x1b[Z\x1b[Z", "─ Health ─"),
    ("\x1b[Z\x1b[Z\x1b[Z", "─ Log ─"),
    ("\x1b[Z", "▀▀▀"),
    (" ", "PAUSED"),
    (" ", "!PAUSED"),
    ("\x1b[5~", "PAUSED"),
    ("\x1b[F", "!PAUSED"),
    ("\x1b[H", "PAUSED"),
    ("\x1b", "!PAUSED"),
    ("\x1b[D", " ▶ "),
    ("\x1b[A", " ▶ "),
    ("\x1b[1;2C", " ▶ "),
    ("\x1b", "! ▶ "),
    ("t", "LIVE"),
    ("tt", "LIVE"),
    ("\x0c", "LIVE"),
    ("G", "graphics blocks: blocks, chosen"),
    ("G", "graphics auto: blocks"),
    ("?", "find an action by its name"),
    ("\x1b", "!find an action by its name"),
    ("\x10", "type what you want"),
    ("\x1b", "!type what you want"),
    # Last, because esc would remove the toast with the address first.
    ("w", "web view at http://127.0.0.1:"),
    ("w", "the web view is off"),
    ("w", "0 viewers"),
]


def test_every_key_does_what_it_says(terminal, tmp_path):
    monitor = terminal("--demo", "--plot-interval", "0", "--web-port", "0", columns=140, lines=44)
    monitor.shows("LIVE", "method   auto", "interval off", "UTC", "MHz", "2 rows a column")
    for keys, words in KEY_TOUR:
        monitor.press(keys)
        if words.startswith("!"):
            monitor.hides(words[1:])
        else:
            monitor.shows(words)
    monitor.press("p")
    monitor.shows("spectrum_2", timeout_s=40)
    monitor.press("q")
    assert monitor.process.wait(5) == 0
    assert list((tmp_path / "figs").glob("spectrum_*.png"))


@pytest.mark.parametrize(
    ("size", "words"), [((80, 24), ("UTC",)), ((200, 60), ("method", "missing", "interval", "UTC"))]
)
def test_it_answers_a_resize(terminal, size, words):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE", "╭─ Delay")
    monitor.resize(*size)
    monitor.shows("LIVE", *words)
    poll_until(lambda: "q quit" in monitor.screen.display[size[1] - 1], what="the footer on the last line")


def test_it_says_what_it_waits_for(terminal):
    free = Publisher()
    free.close()
    monitor = terminal("--port", str(free.port), "--plot-interval", "0")
    monitor.shows("CONNECTING", f"waiting for 127.0.0.1:{free.port}: nobody answers there")


def test_a_killed_producer_stalls_and_a_new_one_shows_its_restart_and_the_gap(terminal):
    data = np.random.default_rng(0).uniform(1, 2, (1, 64, 4)).astype(np.float32)
    first = Publisher()
    monitor = terminal("--port", str(first.port), "--plot-interval", "0")
    first.wait_for_subscriber()
    for n in range(40):
        first.send(message(data, last_block_time=block_time(n), seq=n))
    monitor.shows("frames   40")
    first.close()
    monitor.shows("STALLED", "silent for")
    second = Publisher(first.port)
    second.wait_for_subscriber()
    for n in range(20):
        second.send(message(data, last_block_time=block_time(n + 80), seq=n, time_tag=5))
    monitor.shows("frames   60", "1 restart", "╳╳╳", "┃")
    monitor.hides("silent for 1")
    second.close()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)], ids=["TERM", "INT", "HUP"]
)
def test_a_signal_ends_the_monitor_and_restores_the_terminal(terminal, tmp_path, number, status):
    monitor = terminal("--demo", "--plot-interval", "1")
    monitor.shows("LIVE", "spectrum_2", timeout_s=40)
    children = psutil.Process(monitor.process.pid).children(recursive=True)
    assert children, "the plot process should be there"
    begun_s = time.monotonic()
    monitor.process.send_signal(number)
    assert monitor.process.wait(5) == status
    assert time.monotonic() - begun_s < 3  # one second on an idle machine; this one runs the suite on all cores
    poll_until(lambda: not any(child.is_running() for child in children), what="the end of the plot process")
    assert termios.tcgetattr(monitor.slave) == monitor.before
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw and b"\x1b[?25h" in monitor.raw, what="the restored screen")
    assert all(path.suffix == ".png" for path in (tmp_path / "figs").iterdir())


# A program that gets a signal just after it has set up the terminal.
SIGNALLED_AT_ONCE = """
import os, sys
from sunspec_tui.__main__ import main
from sunspec_tui.tui.terminal.driver import Driver
take = Driver.start_application_mode
def take_and_signal(driver):
    take(driver)
    os.kill(os.getpid(), {number})
Driver.start_application_mode = take_and_signal
sys.exit(main())
"""


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGUSR1, 138)])
def test_a_signal_before_the_first_text_restores_the_terminal(tmp_path, number, status):
    program = [sys.executable, "-c", SIGNALLED_AT_ONCE.format(number=int(number))]
    monitor = Terminal([*program, "--port", "1", "--plot-interval", "0"], tmp_path)
    try:
        assert monitor.process.wait(20) == status
        assert termios.tcgetattr(monitor.slave) == monitor.before
        poll_until(lambda: b"\x1b[?1049l" in monitor.raw and b"\x1b[?25h" in monitor.raw, what="the restored screen")
    finally:
        monitor.end()


# A program that gets a second signal while it stops its parts.
SIGNALLED_AGAIN = """
import os, signal, sys, threading, time
from sunspec_tui.__main__ import main
from sunspec_tui.receiver import StreamReceiver
stop = StreamReceiver.stop
def stop_later(receiver, **keys):
    over_s = time.monotonic() + 0.5
    while signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL and time.monotonic() < over_s:
        threading.Event().wait(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    stop(receiver, **keys)
StreamReceiver.stop = stop_later
sys.exit(main())
"""


@pytest.mark.parametrize("first", [None, signal.SIGTERM], ids=["a key", "TERM"])
def test_a_second_signal_does_not_cut_the_end_off(tmp_path, first):
    program = [sys.executable, "-c", SIGNALLED_AGAIN]
    monitor = Terminal([*program, "--port", "1", "--plot-interval", "0"], tmp_path)
    try:
        monitor.shows("nobody answers", timeout_s=40)
        if first is None:
            monitor.press("q")
        else:
            monitor.process.send_signal(first)
        assert monitor.process.wait(20) == 0
        assert termios.tcgetattr(monitor.slave) == monitor.before
    finally:
        monitor.end()


KILLING = [
    signal.SIGQUIT, signal.SIGABRT, signal.SIGVTALRM, signal.SIGPROF, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGXCPU, signal.SIGIO, signal.SIGPWR, signal.SIGSTKFLT, signal.SIGRTMIN, signal.SIGRTMIN + 3,
]  # fmt: skip


def test_every_signal_that_would_kill_the_monitor_is_watched_for():
    # Here pytest-timeout handles SIGALRM.
    assert {number: 128 + number for number in KILLING if number != signal.SIGALRM}.items() <= ending_signals().items()


@pytest.mark.parametrize("number", some(KILLING, 4))
def test_a_signal_that_would_kill_the_monitor_ends_it_in_order(terminal, tmp_path, number):
    monitor = terminal("--demo", "--plot-interval", "0", "--event-log", "events")
    monitor.shows("LIVE", timeout_s=40)
    monitor.process.send_signal(number)
    assert monitor.process.wait(5) == 128 + number
    assert termios.tcgetattr(monitor.slave) == monitor.before
    restored = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1003l")
    poll_until(lambda: all(each in monitor.raw for each in restored), what="the restored screen")
    [event] = events(tmp_path / "events", "signal")
    assert event["signal"] == signal_name(number)


def test_a_terminal_that_goes_away_ends_the_monitor(terminal):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE")
    monitor.hang_up()
    monitor.process.wait(5)


def test_a_terminal_that_goes_away_without_a_signal_ends_the_monitor(terminal):
    monitor = terminal("--demo", "--plot-interval", "0", words_before=["setsid", "--fork", "--wait"])
    monitor.shows("LIVE")
    [process] = psutil.Process(monitor.process.pid).children()
    monitor.hang_up()
    gone, _ = psutil.wait_procs([process], 5)
    assert gone


def test_a_terminal_that_goes_away_while_its_signal_is_ignored_is_a_failure_with_an_event(terminal, tmp_path):
    ignoring = ["env", "--ignore-signal=HUP"]
    monitor = terminal("--demo", "--plot-interval", "0", "--event-log", "events", words_before=ignoring)
    monitor.shows("LIVE", timeout_s=40)
    monitor.hang_up()
    assert monitor.process.wait(5) == 1
    assert len(events(tmp_path / "events", "terminal_gone")) == 1


@pytest.mark.parametrize("how", ["key", "hang up"])
def test_an_end_that_was_asked_for_is_no_vanished_terminal(terminal, tmp_path, how):
    monitor = terminal("--demo", "--plot-interval", "0", "--event-log", "events")
    monitor.shows("LIVE", timeout_s=40)
    if how == "key":
        monitor.press("q")
    else:
        monitor.hang_up()
    assert monitor.process.wait(5) == 0
    assert events(tmp_path / "events", "terminal_gone") == []


def test_a_monitor_that_was_never_suspended_takes_the_terminal_only_once(terminal):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE")
    monitor.process.send_signal(signal.SIGCONT)
    monitor.press("d")
    monitor.shows("method   buffer")
    assert monitor.raw.count(b"\x1b[?1049h") == 1


def test_a_suspended_monitor_gives_the_terminal_back_and_takes_it_again(terminal):
    monitor = terminal("--demo", "--plot-interval", "0")
    monitor.shows("LIVE")
    monitor.process.send_signal(signal.SIGTSTP)
    process = psutil.Process(monitor.process.pid)
    poll_until(lambda: process.status() == psutil.STATUS_STOPPED, what="the stop")
    assert termios.tcgetattr(monitor.slave) == monitor.before
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw, what="the restored screen")
    monitor.process.send_signal(signal.SIGCONT)
    monitor.press("d")
    monitor.shows("LIVE", "method   buffer")
    assert monitor.raw.count(b"\x1b[?1049h") == 2


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130), (signal.SIGHUP, 0)], ids=["TERM", "INT", "HUP"]
)
def test_a_signal_ends_a_headless_run_with_a_last_status(tmp_path, number, status):
    with subprocess.Popen(
        [*PROGRAM, "--demo", "--no-ui", "--plot-interval", "1", "--status-interval", "1", "--status-format", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
    ) as run:  # fmt: skip
        poll_until(lambda: (tmp_path / "figs").is_dir() and list((tmp_path / "figs").glob("*.png")), 40)
        children = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        told, _ = run.communicate(timeout=10)
    assert run.returncode == status
    assert '"state": "live"' in told.splitlines()[-1]
    poll_until(lambda: not any(child.is_running() for child in children))
    assert all(path.suffix == ".png" for path in (tmp_path / "figs").iterdir())


def test_on_a_slow_link_keys_are_answered_and_full_quality_returns_with_the_link(terminal):
    monitor = terminal("--demo", "--plot-interval", "0", columns=160, lines=48, rate_bytes_s=3000)
    monitor.shows("LIVE", "slow link", timeout_s=60)
    monitor.press("d")
    monitor.shows("method   buffer", timeout_s=10)
    monitor.rate_bytes_s = float("inf")
    monitor.hides("slow link", timeout_s=10)
    assert monitor.stale_s < 10


def test_a_terminal_that_never_answers_is_served_all_the_same(terminal):
    monitor = terminal("--demo", "--plot-interval", "0", answers=False)
    monitor.shows("LIVE", "▀▀▀", timeout_s=30)
    monitor.press("L")
    monitor.shows("layout engineer", "no answer")
    monitor.press("d")
    monitor.shows("method   buffer")
    monitor.press("q")
    assert monitor.process.wait(5) == 0


def test_standard_error_may_go_to_a_file_and_the_monitor_stays_on_the_terminal(terminal, tmp_path):
    monitor = terminal("--demo", "--plot-interval", "0", words_before=("sh", "-c", 'exec "$@" 2>errors.txt', "sh"))
    monitor.shows("LIVE", "method   auto")
    monitor.press("q")
    poll_until(lambda: monitor.process.poll() is not None, 20)
    assert monitor.process.returncode == 0
    assert (tmp_path / "errors.txt").read_text() == ""
