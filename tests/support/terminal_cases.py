"""Bytes that terminals send unasked or by mistake.

Tests and the fuzzer use them.
"""

import select
import time

DEMO = ("--demo", "--plot-interval", "0")
HELP = "find an action by its name"
# Bytes that terminals send unasked or by mistake, and that must not act as keys.
BROKEN = [b"\xe9", b"\xff\xfe\xfd", b"\xc3", b"\xf0\x9f", b"\x00" * 100, b"\x80\x81\x8d", bytes(range(0xA0, 0x100))]
KITTY = [
    b"\x1b[97;1:3u", b"\x1b[1114112;1u", b"\x1b[97;1;1114112u", b"\x1b[97;1;55296u", b"\x1b[1:2:3;4:5:6u", b"\x1b[;;u",
    b"\x1b[99999999999999999999999u", b"\x1b[113;1:3u",
]  # fmt: skip
MOUSE = [
    b"\x1b[M\x20\x30\x30", b"\x1b[M\xff\xff\xff", b"\x1b[32;10;10M", b"\x1b[<;;M",
    b"\x1b[<0;9999;9999M\x1b[<0;9999;9999m",
    b"\x1b[<64;9999;9999M", b"\x1b[<128;5;40M", b"\x1b[<0;-1;-1M", b"\x1b[I\x1b[O" * 500,
]  # fmt: skip
SIZES = [
    b"\x1b[?2048;5$y", b"\x1b[?2048;2$y\x1b[48;0;0;0;0t", b"\x1b[48;24;80;480;800t", b"\x1b[48;60000;60000;0;0t",
    b"\x1b[8;60000;60000t", b"\x1b[48;1;1;1;1t",
]  # fmt: skip
ANSWERS = [
    b"\x1b]11;rgb:1c1c/1c1c/1c1c\x07", b"\x1b]10;rgb:bbbb/1c1c/1c1c\x1b\\", b"\x1b]52;c;" + b"b" * 10000 + b"\x07",
    b"\x1bP>|tmux 3.4b\x1b\\", b"\x1bP1+r544e=787465726d\x1b\\", b"\x1bP1$rbbb\x1b\\", b"\x1bP!|00000000\x1b\\",
    b"\x1b[?62;22c\x1b[>41;330;0c", b"\x1b[?1;1R", b"\x1b[0;0R", b"\x1b[99999;99999R", b"\x1b[;R", b"\x1b[1;2R",
    b"\x1b[5;5R" * 2000, b"\x1b_Gi=1;OKbbb\x1b\\", b"\x1b[?997;1n", b"\x1b[4;768;1024t", b"\x9d11;rgb:bbbb\x9c",
]  # fmt: skip
PASTES = [
    b"\x1b[200~bq\x03\x1b[201~", b"\x1b[200~caf\xe9 bq\x1b[201~", b"\x1b[200~" + b"bq" * 50000 + b"\x1b[201~",
    b"\x1b[201~", b"\x1b[200~\x1b[201~", b"\x1b[200~bq, and no end",
]  # fmt: skip


def obeys(monitor):
    """Check that a key works within a minute.

    The picture must be updated too.
    """
    # Noise may have opened a page or the help, and an unfinished sequence or paste may swallow keys for some seconds.
    _escapes_until(monitor, lambda: "LIVE" in monitor.text and HELP not in monitor.text)
    deadline_s = time.monotonic() + 60
    while not _shows_help(monitor, 3) and time.monotonic() < deadline_s:
        # In a search, the first escape clears the words and the second closes the dialog.
        for _ in range(2):
            monitor.press("\x1b")
            select.select([], [], [], 0.5)
    assert monitor.process.poll() is None, f"the monitor has ended with {monitor.process.returncode}"
    assert HELP in monitor.text, f"no key is obeyed:\n{monitor.text}"
    _escapes_until(monitor, lambda: HELP not in monitor.text)


def press_until(monitor, key, is_reached):
    """Press a key again if it had no effect.

    A key that is read together with an escape before it is another key, with alt.
    """
    deadline_s = time.monotonic() + 60
    while not is_reached():
        assert time.monotonic() < deadline_s, f"{key!r} changes nothing on\n{monitor.text}"
        monitor.press(key)
        until_s = time.monotonic() + 5
        while not is_reached() and time.monotonic() < until_s:
            select.select([], [], [], 0.02)


def ends(monitor):
    """Check that the key for the end works.

    It is pressed again if an escape before it made it another key.
    """
    press_until(monitor, "q", lambda: monitor.process.poll() is not None)
    assert monitor.process.returncode == 0


def _escapes_until(monitor, is_reached):
    deadline_s = time.monotonic() + 60
    while not is_reached():
        assert time.monotonic() < deadline_s, f"escape changes nothing on\n{monitor.text}"
        monitor.press("\x1b")
        until_s = time.monotonic() + 0.5
        while not is_reached() and time.monotonic() < until_s:
            select.select([], [], [], 0.02)


def _shows_help(monitor, wait_s):
    monitor.press("?")
    until_s = time.monotonic() + wait_s
    while HELP not in monitor.text and time.monotonic() < until_s:
        select.select([], [], [], 0.02)
    return HELP in monitor.text
