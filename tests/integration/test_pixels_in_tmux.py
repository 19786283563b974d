"""Pixels inside a real tmux.

Its terminal is a pseudo-terminal that answers as kitty does.
"""

import fcntl
import os
import re
import shutil
import struct
import subprocess
import termios

import numpy as np
import pyte
import pytest
from ability_replies import FENCE, KITTY_QUERY, VERSION
from pixel_monitors import CELL
from pixel_terminals import GROUND, PassedOnScreen
from terminal_cases import DEMO
from terminals import PROGRAM, UNKNOWN_TO_PYTE, Terminal
from waiting import poll_until

COLUMNS, LINES = 100, 30
ADVICE = "set -g allow-passthrough on"
KITTY = {VERSION: b"\x1bP>|kitty(0.35.1)\x1b\\", FENCE: b"\x1b[?62;c", KITTY_QUERY: b"\x1b_Gi=4321;OK\x1b\\"}
XTERM = {VERSION: b"\x1bP>|XTerm(379)\x1b\\", FENCE: b"\x1b[?64;1c"}
QUERY = re.compile(rb"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\|\x1b\[6n")
COMMAND = re.compile(rb"\x1b_G[^\x1b]*\x1b\\")
CI = os.environ.get("CI") == "true"


WHOLE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[_P\]][^\x1b\x07]*(?:\x1b\\|\x07)|\\|[^\[_P\]\\])")


def whole_sequences(data):
    """Return the data without a sequence that has not ended yet."""
    for begin in (data.rfind(b"\x1b_"), data.rfind(b"\x1bP"), data.rfind(b"\x1b]"), data.rfind(b"\x1b")):
        if begin >= 0 and not WHOLE.match(data, begin):
            return data[:begin]
    return data


class PixelTerminal(Terminal):
    """Terminal whose cells have a size in pixels."""

    def _set_size(self, columns, lines):
        size = struct.pack("HHHH", lines, columns, columns * CELL[0], lines * CELL[1])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)


class Session:
    """The monitor in a session of tmux.

    Parameters
    ----------
    folder
        Directory of the socket and of the state.
    option
        Value of ``allow-passthrough``.
    replies
        Replies of the terminal of tmux.
    words
        Further arguments of the monitor.
    """

    def __init__(self, folder, option, replies, *words):
        self.folder, self.replies = folder, replies
        self.server = ["tmux", "-S", str(folder / "socket")]
        (folder / "tmux.conf").write_text(f"set -g status off\nset -g allow-passthrough {option}\n")
        self.terminals = []
        self.shown_of = None
        command = [*PROGRAM, *DEMO, *words]
        self.terminal = self.attach("-f", str(folder / "tmux.conf"), "new-session", "-c", str(folder), *command)

    def attach(self, *words):
        """Open another terminal with a client of tmux."""
        opened = PixelTerminal(
            [*self.server, *words],
            self.folder,
            columns=COLUMNS,
            lines=LINES,
            replies=self.replies,
            environment={"LC_ALL": "C.UTF-8", "TMUX": ""},
        )
        self.terminals.append(opened)
        self.terminal = opened
        return opened

    def call(self, *words):
        return subprocess.run([*self.server, *words], check=True, capture_output=True, text=True).stdout

    def end(self):
        subprocess.run([*self.server, "kill-server"], check=False, capture_output=True)
        for terminal in self.terminals:
            terminal.end()

    def popup(self):
        """Open a popup; the command that opened it ends with the popup."""
        opened = subprocess.Popen([*self.server, "display-popup", "-w", "40", "-h", "10", "read"])
        poll_until(lambda: "┌" in self.terminal.text, 20)
        return opened

    # What the terminal shows

    @property
    def commands(self):
        """Commands of kitty's protocol that have reached the terminal, without queries."""
        return [found for found in COMMAND.findall(bytes(self.terminal.raw)) if b"a=q" not in found]

    def screen(self):
        """The images and the text of the terminal."""
        if self.shown_of is not self.terminal:
            self.shown_of, self.shown_bytes = self.terminal, 0
            self.pictures = PassedOnScreen(COLUMNS, LINES, CELL).unwrapped()
            self.text = pyte.Screen(COLUMNS, LINES)
            self.stream = pyte.ByteStream(self.text)
        # What was read before stays on the screen: tests ask again and again, and pyte is slow.
        come = whole_sequences(bytes(self.terminal.raw[self.shown_bytes :]))
        self.shown_bytes += len(come)
        data, at = QUERY.sub(b"", come), 0
        for found in COMMAND.finditer(data):
            self.stream.feed(UNKNOWN_TO_PYTE.sub(b"", data[at : found.start()]))
            self.pictures.feed(found[0].decode())
            at = found.end()
        self.stream.feed(UNKNOWN_TO_PYTE.sub(b"", data[at:]))
        if come:
            self.pictures.show_text(self.text.buffer, COLUMNS, LINES, self.text.dirty)
            self.text.dirty.clear()
        return self.pictures

    def pixels(self):
        return self.screen().pixels

    def wait_for_pixels(self):
        """Wait until every placeholder has its image; return the pixels."""
        found = []

        def is_whole():
            screen = self.screen()
            found.append(screen.pixels)
            shown = np.any(found[-1] != GROUND, axis=2).sum()
            return len(screen.cells) > COLUMNS and shown == len(screen.cells) * CELL[0] * CELL[1]

        poll_until(is_whole, 60, lambda: self.terminal.text)
        return found[-1]

    def shows_again(self, pixels):
        """Wait until the terminal shows these pixels."""
        poll_until(lambda: np.array_equal(self.pixels(), pixels), 60, lambda: self.terminal.text)


@pytest.fixture
def session(tmp_path):
    if shutil.which("tmux") is None:
        (pytest.fail if CI else pytest.skip)("tmux is not installed")
    opened = []

    def start(*arguments):
        opened.append(Session(tmp_path, *arguments))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


def calm(session):
    """Wait until the same pixels are seen three times; return them."""
    seen = [session.wait_for_pixels()]

    def is_calm():
        seen.append(session.pixels())
        return len(seen) > 3 and all(np.array_equal(each, seen[-1]) for each in seen[-3:])

    poll_until(is_calm, 60)
    return seen[-1]


@pytest.mark.timeout(300)
def test_the_picture_returns_after_copy_mode_popups_and_other_windows(session):
    run = session("on", KITTY)
    run.terminal.shows("LIVE", timeout_s=40)
    run.wait_for_pixels()
    assert ADVICE not in run.terminal.text
    run.terminal.press(" ")
    run.terminal.shows("PAUSED")
    whole = calm(run)
    sent = len(run.commands)
    run.call("copy-mode")
    run.call("send-keys", "-X", "cancel")
    run.shows_again(whole)
    with run.popup():
        run.call("display-popup", "-C")
    run.shows_again(whole)
    assert len(run.commands) == sent
    run.terminal.press("?")
    poll_until(lambda: len(run.screen().cells) < whole_cells(whole), 20)
    run.terminal.press("\x1b")
    run.shows_again(whole)
    assert len(run.commands) == sent
    run.call("new-window", "read")
    run.terminal.hides("PAUSED")
    run.call("kill-window")
    run.shows_again(whole)
    run.call("detach-client")
    run.attach("attach-session")
    run.shows_again(whole)
    run.terminal.press("q")
    run.terminal.process.wait(20)
    assert not run.screen().images


def frames(run):
    found = re.search(r"frames +([0-9]+)", run.terminal.text)
    return int(found[1]) if found else 0


def whole_cells(pixels):
    return int(np.any(pixels != GROUND, axis=2).sum()) // (CELL[0] * CELL[1])


@pytest.mark.timeout(200)
def test_a_sentence_names_the_missing_option_and_pixels_begin_when_it_is_set(session):
    run = session("off", KITTY)
    run.terminal.shows("LIVE", ADVICE, timeout_s=40)
    run.terminal.shows("▀")
    run.terminal.hides(ADVICE)
    assert not run.commands
    run.call("set", "-g", "allow-passthrough", "on")
    run.wait_for_pixels()
    assert ADVICE not in run.terminal.text


@pytest.mark.parametrize("option", ["off", "on"])
def test_a_terminal_without_pixels_has_blocks_and_no_advice(session, option):
    run = session(option, XTERM)
    run.terminal.shows("LIVE", "▀", timeout_s=40)
    begun = frames(run)
    poll_until(lambda: frames(run) >= begun + 20, 40, lambda: run.terminal.text)
    assert ADVICE not in run.terminal.text
    assert not COMMAND.search(bytes(run.terminal.raw))
