"""Title and bell of a real terminal.

The old title returns when the monitor ends.
"""

import re
import signal
import sys

import numpy as np
import psutil
import pytest
from publishers import Publisher, block_time, message
from terminals import PROGRAM, Terminal
from waiting import poll_until

PUSH, POP = b"\x1b[22;2t", b"\x1b[23;2t"


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def start(*words, **options):
        opened.append(Terminal([*PROGRAM, *words, "--plot-interval", "0"], tmp_path, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


def titles_of(monitor):
    return [text.decode() for text in re.findall(rb"\x1b\]2;(.*?)\x1b\\", bytes(monitor.raw))]


def test_the_title_follows_the_state_and_the_old_one_comes_back(terminal):
    monitor = terminal("--demo")
    poll_until(lambda: any(text.startswith("LIVE XX – 127.0.0.1:") for text in titles_of(monitor)), 30, "a title")
    # Before the first row there is nothing to pause.
    monitor.shows("MHz")
    monitor.press(" ")
    poll_until(lambda: titles_of(monitor)[-1].startswith("LIVE, PAUSED XX – "), 20, "another title")
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    poll_until(lambda: POP in monitor.raw, 10, "the old title")
    assert (monitor.raw.count(PUSH), monitor.raw.count(POP)) == (1, 1)
    assert monitor.raw.index(PUSH) < monitor.raw.index(b"\x1b]2;")
    assert titles_of(monitor)[0].startswith("CONNECTING XX – ")
    assert len(titles_of(monitor)) <= 5


def test_a_suspended_monitor_restores_the_old_title_until_it_continues(terminal):
    monitor = terminal("--demo")
    poll_until(lambda: any(text.startswith("LIVE") for text in titles_of(monitor)), 30, "a title")
    monitor.process.send_signal(signal.SIGTSTP)
    process = psutil.Process(monitor.process.pid)
    poll_until(lambda: process.status() == psutil.STATUS_STOPPED and POP in monitor.raw, 20, "the stop")
    monitor.process.send_signal(signal.SIGCONT)
    poll_until(lambda: monitor.raw.count(PUSH) == 2, 20, "the title again")
    monitor.process.send_signal(signal.SIGTERM)
    assert monitor.process.wait(10) == 0
    poll_until(lambda: monitor.raw.count(POP) == 2, 10, "the old title")


def test_the_linux_console_gets_no_title(terminal):
    monitor = terminal("--demo", environment={"TERM": "linux"})
    monitor.shows("LIVE")
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    assert not any(part in monitor.raw for part in (PUSH, POP, b"\x1b]2;"))


@pytest.mark.parametrize("words", [("--bell",), ()])
def test_the_bell_rings_once_for_a_stall_if_it_is_wanted(terminal, words):
    data = np.random.default_rng(0).uniform(1, 2, (1, 64, 4)).astype(np.float32)
    producer = Publisher()
    monitor = terminal("--port", str(producer.port), *words)
    producer.wait_for_subscriber()
    for n in range(40):
        producer.send(message(data, last_block_time=block_time(n), seq=n))
    monitor.shows("frames   40")
    monitor.shows("STALLED", "silent for")
    poll_until(lambda: any(text.startswith("STALLED") for text in titles_of(monitor)), 20, "the title of a stall")
    producer.close()
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    # Textual ends its choice of a mouse pointer with the same character.
    rings = re.sub(rb"\x1b\]22;[^\x07]*\x07", b"", bytes(monitor.raw)).count(b"\x07")
    assert rings == len(words)


def test_three_keys_in_the_first_moment_give_more_time(terminal):
    monitor = terminal("--demo", columns=100, lines=30)
    monitor.press("]]]")
    # The picture of 54 columns has 3 rows in a column for half a minute.
    monitor.shows("LIVE", "24 rows a column")


BURST_AT_ONCE = """
import sys
from sunspec_tui.__main__ import main
from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.monitoring import live_bursts

class Detector:
    def __init__(self, *_, source=""):
        self.has_burst = False

    def feed(self, times_s, data):
        if self.has_burst:
            return ()
        self.has_burst = True
        begin_s = float(times_s[0])
        return (Burst("a", begin_s, begin_s, begin_s + 1, 25.0, 80.0, BurstType.II, 0.9, 8.0),)

    def close(self):
        return ()

live_bursts.LiveBursts.__init__.__kwdefaults__["make_detector"] = Detector
sys.exit(main())
"""


def test_a_reported_burst_rings_changes_the_title_and_notifies(tmp_path):
    words = ["--demo", "--plot-interval", "0", "--notify", "bell,title,osc", "--report-at-night"]
    monitor = Terminal([sys.executable, "-c", BURST_AT_ONCE, *words], tmp_path)
    try:
        found = poll_until(lambda: re.search(rb"\x1b\]9;(.*?)\x1b\\", bytes(monitor.raw)), 30, "a notification")
        assert re.fullmatch(r"burst of type II: II \d\d:\d\d:\d\d 25-80 MHz 8.0 dB", found[1].decode())
        poll_until(lambda: any(re.match(r"II \d\d:\d\d, LIVE", text) for text in titles_of(monitor)), 30, "a title")
        assert b"\a" in monitor.raw
        monitor.press("q")
        assert monitor.process.wait(10) == 0
    finally:
        monitor.end()
