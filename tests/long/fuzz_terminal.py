"""Send invalid input to a monitor on a pseudo-terminal.

It must survive and obey keys.

    python tests/long/fuzz_terminal.py --seconds 300 --seed 0

Each round begins a monitor and sends it, in an order that follows from the seed and the round's number, spoilt forms of
what terminals send, sizes, and keys; now and then a key must still do what it says. At the end `q` must end the monitor
with status 0, in little memory. A failure is repeated by its seed and ``--first ROUND --rounds 1``.
"""

import argparse
import os
import random
import select
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from ability_replies import AREA, CELL, WEZTERM, XTERM_256, XTERM_SIXEL
from ability_replies import KITTY as KITTY_TERMINAL
from terminal_cases import ANSWERS, BROKEN, DEMO, KITTY, MOUSE, PASTES, SIZES, obeys
from terminals import PROGRAM, Terminal

CASES = [*BROKEN, *KITTY, *MOUSE, *SIZES, *ANSWERS, *PASTES]
PIECES = [
    b"\x1b",
    b"\x1b[",
    b"\x1b]",
    b"\x1bP",
    b"\x1bO",
    b"\x1b_",
    b"\x9b",
    b"\x9d",
    b"\x07",
    b"\x1b\\",
    b";",
    b":",
    b"?",
    b"<",
]
FINALS = b"uRtMmycnAHIO~"
# Keys that do not end the monitor, and open only dialogs that escape closes.
KEYS = b" xXcCGL[]sabzZhnvyeif01234 5\\d\t,.<>(){}jk"
# Replies of the terminals. The reply with the size of a cell is random.
TERMINALS = [KITTY_TERMINAL, WEZTERM, XTERM_SIXEL, XTERM_256]
CELL_REPLIES = [
    b"\x1b[6;20;10t", b"\x1b[6;1;1t", b"\x1b[6;0;0t", b"\x1b[6;2;2t", b"\x1b[6;256;128t", b"\x1b[6;99999;99999t",
    b"\x1b[6;20;10t\x1b[6;4;2t", b"\x1b[6;;t", b"",
]  # fmt: skip
AREA_REPLIES = [b"\x1b[4;800;1200t", b"\x1b[4;1;1t", b"\x1b[4;0;0t", b"\x1b[4;65535;65535t", b""]
CHOICES = ["auto", "kitty", "sixel", "blocks"]
MAX_GROWN_BYTES = 96 << 20
STEPS_PER_ROUND = 60


def spoilt(number: random.Random) -> bytes:
    """Return a case that is truncated, doubled, mixed with noise, or random."""
    data = number.choice(CASES)[:2000]
    kind = number.randrange(6)
    if kind == 0:
        data = data[: number.randrange(len(data) + 1)]
    elif kind == 1:
        place = number.randrange(len(data) + 1)
        data = data[:place] + number.randbytes(number.randrange(1, 5)) + data[place:]
    elif kind == 2:
        data = b"".join(number.choice([*PIECES, b"%d" % number.getrandbits(number.randrange(1, 70))]) for _ in range(8))
        data = b"\x1b[" + data + bytes([number.choice(FINALS)])
    elif kind == 3:
        data = number.randbytes(number.randrange(1, 300))
    elif kind == 4:
        data = data * number.randrange(2, 20)
    # Bytes that are a key which ends or suspends the monitor are left out.
    return data.translate(None, b"q\x03\x1a\x11\x1c")


def size(number: random.Random) -> tuple[int, int]:
    """Return columns and lines, often small."""
    most = number.choice([(4, 4), (12, 60), (200, 6), (200, 60), (140, 45)])
    return number.randint(1, most[0]), number.randint(1, most[1])


def replies(number: random.Random) -> dict[bytes, bytes]:
    """Return the replies of a terminal with a cell of any size."""
    terminal = dict(number.choice(TERMINALS))
    return terminal | {CELL: number.choice(CELL_REPLIES), AREA: number.choice(AREA_REPLIES)}


def random_step(monitor: Terminal, number: random.Random) -> None:
    """Do one random thing to a monitor."""
    kind = number.random()
    if kind < 0.6:
        for _ in range(number.choice([1, 1, 1, 20])):
            os.write(monitor.master, spoilt(number)[:3000])
    elif kind < 0.8:
        for _ in range(number.choice([1, 1, 10])):
            # Another font gives the cells another size.
            monitor.replies = monitor.replies | {CELL: number.choice(CELL_REPLIES), AREA: number.choice(AREA_REPLIES)}
            monitor.resize(*size(number))
    else:
        os.write(monitor.master, bytes(number.choices(KEYS, k=number.randrange(1, 6))))


def escape_all(monitor: Terminal) -> None:
    """Close the dialogs that random keys opened.

    The window has its usual size.
    """
    monitor.resize(120, 40)
    for _ in range(3):
        select.select([], [], [], 0.4)
        monitor.press("\x1b")
    select.select([], [], [], 0.4)


def play(seed: int, number: int, steps: int, home: Path) -> None:
    """Play one round.

    Raise an error if the monitor ends or does not obey keys.
    """
    chance = random.Random(f"{seed} {number}")
    words = [*PROGRAM, *DEMO, "--graphics", chance.choice(CHOICES)]
    monitor = Terminal(words, home, replies=replies(chance), delay_s=chance.choice([0.0, 0.0, 3.0]))
    try:
        monitor.shows("LIVE", timeout_s=60)
        process = psutil.Process(monitor.process.pid)
        before = process.memory_info().rss
        for place in range(steps):
            random_step(monitor, chance)
            if place % 20 == 19:
                escape_all(monitor)
                obeys(monitor)
        escape_all(monitor)
        obeys(monitor)
        assert process.memory_info().rss - before < MAX_GROWN_BYTES, "the monitor has grown"
        monitor.press("q")
        assert monitor.process.wait(20) == 0
    finally:
        monitor.end()


def main() -> int:
    """Play rounds until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=1 << 30)
    given = parser.parse_args()
    end_s, played = time.monotonic() + given.seconds, 0
    while played < given.rounds and time.monotonic() < end_s:
        with tempfile.TemporaryDirectory() as home:
            try:
                play(given.seed, given.first + played, STEPS_PER_ROUND, Path(home))
            except BaseException as error:
                print(f"round {given.first + played} of seed {given.seed}: {error}")
                raise
        played += 1
    print(f"{played} rounds of {STEPS_PER_ROUND} steps with seed {given.seed}: all monitors lived and obeyed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
