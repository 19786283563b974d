"""The monitor in tmux with ``TERM=screen-256color``.

tmux interprets some sequences in another way than pyte.
"""

import os
import shutil
import subprocess

import pyte
import pytest
from monitors import cells_of, differences
from publishers import Publisher, block_time, message
from sky_frames import sky
from terminals import NOT_INHERITED, PROGRAM
from waiting import poll_until, poll_until_steady

CI = os.environ.get("CI") == "true"


@pytest.fixture
def tmux(tmp_path):
    if shutil.which("tmux") is None:
        (pytest.fail if CI else pytest.skip)("tmux is not installed")
    server = ["tmux", "-S", str(tmp_path / "socket")]
    environment = {key: value for key, value in os.environ.items() if key not in (*NOT_INHERITED, "TMUX")}
    environment |= {"LC_ALL": "C.UTF-8", "XDG_STATE_HOME": str(tmp_path / "state")}

    def call(*words):
        return subprocess.run([*server, *words], env=environment, capture_output=True, text=True, check=True).stdout

    (tmp_path / "tmux.conf").write_text('set -g default-terminal "screen-256color"\nset -g status off\n')

    def start(*words):
        call(
            "-f", str(tmp_path / "tmux.conf"), "new-session", "-d", "-x", "120", "-y", "40", "-c", str(tmp_path), *words
        )
        return call

    yield start
    subprocess.run([*server, "kill-server"], check=False, capture_output=True)


def pictures(call):
    """Return the cells of both pictures, which are constant during a pause.

    The line with the age of the stall is left out.
    """
    screen = pyte.Screen(120, 40)
    pyte.Stream(screen).feed(call("capture-pane", "-p", "-e").replace("\n", "\r\n"))
    lines = zip(screen.display, cells_of(screen), strict=True)
    return [cells[:76] for text, cells in list(lines)[1:39] if "PAUSED at" not in text]


def test_in_tmux_the_screen_is_the_same_as_when_it_is_drawn_anew(tmux):
    with_stream = Publisher()
    try:
        call = tmux(*PROGRAM, "--port", str(with_stream.port), "--plot-interval", "0")
        with_stream.wait_for_subscriber()

        def shown():
            return call("capture-pane", "-p")

        for n in range(60):
            with_stream.send(message(sky(n), last_block_time=block_time(n), seq=n))
            # A machine that is busy may take longer than three frames from one to the next.
            poll_until(lambda n=n: "LIVE" in shown() or "STALLED" in shown() or n < 4)
        poll_until(lambda: "frames   60" in shown(), 20, shown)
        call("send-keys", "[", "[", "Space")
        poll_until(lambda: "PAUSED" in shown() and "1 row a column" in shown(), 20, shown)
        drawn = call("capture-pane", "-p", "-e")
        assert "48;5;" in drawn
        assert ";2;" not in drawn.replace("38;5;2;", "").replace("48;5;2;", "")
        poll_until(lambda: shown().count("▀") > 350, 20, shown)
        # The caption confirms the keys for a few seconds.
        poll_until(lambda: "\n XX " in shown(), 20, shown)
        # A history is drawn in parts.
        before = poll_until_steady(lambda: pictures(call))
        call("send-keys", "C-l")
        call("send-keys", "?")
        poll_until(lambda: "find an action by its name" in shown(), 20, shown)
        call("send-keys", "Escape")
        poll_until(lambda: "find an action by its name" not in shown(), 20, shown)
        poll_until(lambda: pictures(call) == before, 20, lambda: str(differences(pictures(call), before)[:5]))
        call("send-keys", "q")
        poll_until(lambda: not alive(call), 10, "the end")
    finally:
        with_stream.close()


def test_the_queries_leave_the_title_of_the_pane(tmux):
    call = tmux(*PROGRAM, "--demo", "--plot-interval", "0")
    poll_until(lambda: "LIVE" in call("capture-pane", "-p"), 20, lambda: call("capture-pane", "-p"))
    call("send-keys", "L")
    poll_until(lambda: "blocks, asked" in call("capture-pane", "-p"), 20, lambda: call("capture-pane", "-p"))
    assert "AAAA" not in call("display-message", "-p", "#{pane_title}")
    call("send-keys", "q")
    poll_until(lambda: not alive(call), 10, "the end")


def alive(call):
    try:
        call("has-session")
    except subprocess.CalledProcessError:
        return False
    return True
