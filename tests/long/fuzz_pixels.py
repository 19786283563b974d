"""Press keys, change sizes and streams of a monitor in pixels.

After each step, each cell of its picture must show its pixels, and no other cell may show any.

    python tests/long/fuzz_pixels.py --seconds 300 --seed 0

A failure is repeated by its seed and ``--first ROUND --rounds 1``.
"""

import argparse
import random
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
import pixel_monitors
from monitors import StillReceiver

from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.terminal.abilities import Graphics, KittyDialect

STEPS_PER_ROUND = 60
TERMINALS = [
    (Graphics.KITTY, KittyDialect.FRAMES),
    (Graphics.KITTY, KittyDialect.STRIPS),
    (Graphics.SIXEL, KittyDialect.FRAMES),
]
CELLS = [(2, 2), (3, 7), (6, 12), (9, 20), (10, 20), (13, 27), (1, 1)]
SIZES = [(1, 1), (2, 2), (5, 3), (20, 5), (40, 8), (80, 24), (81, 25), (120, 40), (150, 12), (20, 60), (300, 50)]
# Actions that end or suspend the monitor, need a server, or write files.
LEFT_OUT = ("end(", "suspend", "web", "plot_now", "screenshot", "next_graphics", "quit")
ACTIONS = [key.action for key in KEYS if not key.action.startswith(LEFT_OUT)]
CHANNELS = [4, 8, 96, 384, 1024]


class Stream:
    """A stream with random shapes, restarts and values."""

    def __init__(self, chance: random.Random, receiver: StillReceiver) -> None:
        self.chance, self.receiver = chance, receiver
        self.numbers = np.random.default_rng(chance.randrange(1 << 30))
        self.nchan, self.time_tag = 96, 1

    def step(self) -> None:
        """Receive some rows."""
        kind = self.chance.random()
        if kind < 0.1:
            self.nchan = self.chance.choice(CHANNELS)
        elif kind < 0.2:
            self.time_tag += 1
        elif kind < 0.3:
            self.receiver.skip(self.chance.choice([1, 5, 300]))
        for _ in range(self.chance.choice([1, 1, 3, 40])):
            self.receiver.feed(self.frame(), time_tag=self.time_tag)

    def frame(self) -> np.ndarray:
        """Return a frame, sometimes without a valid value."""
        data = self.numbers.gamma(9, 3, (1, self.nchan, 4)).astype(np.float32)
        kind = self.chance.random()
        if kind < 0.05:
            data[:] = self.chance.choice([np.nan, np.inf, -np.inf, 0.0, 1e38, -1.0])
        elif kind < 0.1:
            data[:, self.numbers.random(self.nchan) < 0.5] = np.nan
        return data


def step(monitor: pixel_monitors.PixelMonitor, stream: Stream, chance: random.Random) -> str:
    """Do one random step, and return its name."""
    kind = chance.random()
    if kind < 0.35:
        stream.step()
        monitor.tick()
        return "rows"
    if kind < 0.7:
        action = chance.choice(ACTIONS)
        monitor.act(action)
        tick_after_layout(monitor)
        return action
    if kind < 0.85:
        size = chance.choice(SIZES)
        cell = chance.choice(CELLS) if chance.random() < 0.5 else pixel_monitors.CELL
        monitor.change_cell(cell)
        monitor.resize(*size)
        # The reply with the size of a cell comes after the resize.
        monitor.do(monitor.app.follow_terminal)
        monitor.tick()
        return f"{size} in cells of {cell}"
    if kind < 0.9:
        monitor.press("escape")
        return "escape"
    if kind < 0.95:
        monitor.do(monitor.app.notify, chance.choice(["a word", "words " * 40, "\n" * 9]))
        return "a notification"
    keys = chance.choices(["a", "tab", "down", "up", "enter", "escape", "pageup", "backspace", "left", "right"], k=4)
    monitor.press(*keys)
    tick_after_layout(monitor)
    return str(keys)


def tick_after_layout(monitor: pixel_monitors.PixelMonitor) -> None:
    """Tick as the monitor does for half a second after a key.

    A key may change the layout, and the picture follows with the next tick.
    """
    monitor.settle()
    monitor.tick()


def play(seed: int, number: int, steps: int) -> None:
    """Play one round; if a cell is wrong, report the last steps."""
    chance = random.Random(f"{seed} {number}")
    graphics, dialect = chance.choice(TERMINALS)
    receiver = StillReceiver(buffer_length=chance.choice([2, 40, 1200, 20_000]))
    pixel_monitors.CELL = (6, 12)
    monitor = pixel_monitors.PixelMonitor(*chance.choice(SIZES), receiver, graphics, settings=Settings())
    stream, done = Stream(chance, receiver), [f"{graphics} {dialect}"]
    try:
        monitor.app.finder.fixed = replace(monitor.app.finder.fixed, dialect=dialect)
        monitor.do(monitor.app.follow_terminal)
        for _ in range(steps):
            done.append(step(monitor, stream, chance))
            try:
                monitor.check()
            except BaseException as error:
                raise AssertionError(f"after {done[-8:]} of {len(done)}: {error!r}") from error
    finally:
        monitor.close()


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
        try:
            play(given.seed, given.first + played, STEPS_PER_ROUND)
        except BaseException as error:
            print(f"round {given.first + played} of seed {given.seed}: {error}")
            raise
        played += 1
    print(f"{played} rounds of {STEPS_PER_ROUND} steps with seed {given.seed}: no wrong cell")
    return 0


if __name__ == "__main__":
    sys.exit(main())
