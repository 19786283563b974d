"""The monitor's pixels on a pseudo-terminal: complete, and removed at the end."""

import os
import re
import select
import signal
import time

import numpy as np
import pytest
from ability_replies import CELL as CELL_QUERY
from ability_replies import KITTY, XTERM_SIXEL
from pixel_monitors import CELL, PictureTerminal
from pixel_terminals import GROUND
from terminal_cases import DEMO
from terminals import CURSOR_QUESTION, PROGRAM, Terminal
from waiting import poll_until

from sunspec_tui.tui.terminal.abilities import Graphics

COLUMNS, LINES = 80, 24
CELL_REPLY = b"\x1b[6;%d;%dt" % (CELL[1], CELL[0])
QUERIES = re.compile(r"\x1b_G[^\x1b]*a=q[^\x1b]*\x1b\\|\x1bP[+$]q[^\x1b]*\x1b\\|\x1b\[6n")
PICTURE_BEGINS = {Graphics.KITTY: b"\x1b_Ga=f", Graphics.SIXEL: b"\x1bP0;1;0q"}
REPLIES = {Graphics.KITTY: KITTY, Graphics.SIXEL: XTERM_SIXEL}
CALM_S = 1.5


@pytest.fixture(params=[Graphics.KITTY, Graphics.SIXEL], ids=str)
def monitor(request, tmp_path):
    replies = REPLIES[request.param] | {CELL_QUERY: CELL_REPLY}
    words = [*PROGRAM, *DEMO, "--graphics", str(request.param)]
    opened = Terminal(words, tmp_path, columns=COLUMNS, lines=LINES, replies=replies)
    opened.graphics = request.param
    yield opened
    opened.end()


def pictures(monitor):
    return bytes(monitor.raw).count(PICTURE_BEGINS[monitor.graphics])


def pixels(monitor, end=None):
    """The pixels after all bytes that the monitor has written."""
    # The last update may be incomplete; each ends with a query.
    data = bytes(monitor.raw[: monitor.raw.rfind(CURSOR_QUESTION) if end is None else end])
    text = QUERIES.sub("", data.decode())
    terminal = PictureTerminal(COLUMNS, LINES, monitor.graphics)
    terminal.feed(text)
    return terminal.pictures.pixels


def wait_until_calm(monitor):
    """Wait until no more pictures come."""
    before, since_s = pictures(monitor), time.monotonic()
    deadline_s = since_s + 60
    while time.monotonic() - since_s < CALM_S:
        assert time.monotonic() < deadline_s, "pictures come without end"
        select.select([], [], [], 0.05)
        if pictures(monitor) != before:
            before, since_s = pictures(monitor), time.monotonic()


def draws(monitor, more=3):
    """Wait until more pictures have come."""
    wanted = pictures(monitor) + more
    poll_until(lambda: pictures(monitor) >= wanted, 60, lambda: f"{wanted} pictures, there are {pictures(monitor)}")


def test_a_paused_picture_is_the_same_after_dialogs_and_a_redraw(monitor):
    monitor.shows("LIVE")
    draws(monitor, 8)
    monitor.press(" ")
    monitor.shows("PAUSED")
    wait_until_calm(monitor)
    whole = pixels(monitor)
    assert np.any(whole != GROUND, axis=2).mean() > 0.1
    for key, word in (("?", "Help"), ("\x10", "Search")):
        monitor.press(key)
        wait_until_calm(monitor)
        monitor.press("\x1b")
        wait_until_calm(monitor)
        assert np.array_equal(pixels(monitor), whole), f"the picture has changed with {word}"
    # The paused picture may be drawn again before the next look at it.
    before = pictures(monitor)
    monitor.press("\x0c")
    poll_until(lambda: pictures(monitor) > before, 60, "a picture that is drawn again")
    wait_until_calm(monitor)
    assert np.array_equal(pixels(monitor), whole)


def test_a_new_monitor_in_blocks_removes_the_picture_of_a_killed_one(tmp_path):
    def started(*words):
        replies = KITTY | {CELL_QUERY: CELL_REPLY}
        opened = Terminal([*PROGRAM, *DEMO, *words], tmp_path, columns=COLUMNS, lines=LINES, replies=replies)
        opened.graphics = Graphics.KITTY
        return opened

    killed = started("--graphics", "kitty")
    new = None
    try:
        killed.shows("LIVE")
        draws(killed)
        killed.process.kill()
        killed.process.wait(20)
        assert np.any(pixels(killed) != GROUND)
        new = started("--graphics", "blocks")
        new.shows("LIVE")
        # Both were in one window.
        new.raw[:0] = killed.raw[: killed.raw.rfind(CURSOR_QUESTION)]
        assert not np.any(pixels(new) != GROUND)
    finally:
        for each in filter(None, (killed, new)):
            each.end()


@pytest.mark.parametrize("how", ["q", signal.SIGTERM, signal.SIGHUP])
def test_no_picture_remains_at_the_end(monitor, how):
    monitor.shows("LIVE")
    draws(monitor)
    if how == "q":
        monitor.press("q")
    else:
        os.kill(monitor.process.pid, how)
    monitor.process.wait(20)
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw, what="the restored screen")
    if monitor.graphics is Graphics.KITTY:
        # Leaving the alternate screen removes sixels.
        assert not np.any(pixels(monitor, monitor.raw.index(b"\x1b[?1049l")) != GROUND)


def test_the_picture_returns_with_the_process(monitor):
    monitor.shows("LIVE")
    draws(monitor)
    before = len(monitor.raw)
    os.kill(monitor.process.pid, signal.SIGTSTP)
    poll_until(lambda: b"\x1b[?1049l" in monitor.raw[before:], what="the restored screen")
    if monitor.graphics is Graphics.KITTY:
        assert not np.any(pixels(monitor, monitor.raw.index(b"\x1b[?1049l", before)) != GROUND)
    os.kill(monitor.process.pid, signal.SIGCONT)
    draws(monitor, 8)
