"""Measure how soon the day is shown, and each zoom step.

    python bench/simulated_day.py /tmp/archive
    python bench/day_screen.py /tmp/archive [ROUNDS]

The monitor starts on the archive with a span of 24 hours at 120x40, with the demo's stream. The program's
output is replayed through a terminal emulator afterwards, so that the emulator does not disturb the measurement. A
picture is complete when it has nearly all the cells that it has at the end of its step. Figures are seconds: from the
first text of the process to the complete day, and from each key to the complete picture; also the proportional set
size at the end in MiB. They are those of each round, as JSON. The monitor appends to the archive what it receives, so
give it a copy or a simulated one.
"""

import itertools
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pyte
from reactions import COLUMNS, LINES, ROOT, TEXT, Program

# The first commit to the archive, which loads zarr, comes before the keys.
DAY_S, SETTLE_S, STEP_S = 86_400, 15.0, 2.0
# From 24 hours to single rows.
STEPS = 10
COMPLETE_SHARE = 0.97
SPAN = re.compile(r"· (\d[^·,]*)(?:,[^·]*)? · viridis")
# A colour with more cells is the ground of the screen.
USUAL_CELLS = 1500
# The emulator would print these sequences as text.
UNKNOWN = re.compile(rb"\x1b(?:P[^\x1b]*\x1b\\|_[^\x1b]*\x1b\\|\[[<>=?][0-9;]*[a-zA-Z]|\[[0-9;]*\$[a-z])")


class Replay:
    """Screen of a program, replayed from its output.

    Parameters
    ----------
    written
        Times and bytes of the output.
    """

    def __init__(self, written: list[tuple[float, bytes]]) -> None:
        self._written = written
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._next = 0

    def states_until(self, end_s: float) -> list[tuple[float, int]]:
        """Return the states after each output until a time.

        A state is a time and the number of drawn cells.
        """
        states = []
        while self._next < len(self._written) and self._written[self._next][0] < end_s:
            at_s, data = self._written[self._next]
            self._stream.feed(UNKNOWN.sub(b"", data))
            self._next += 1
            states.append((at_s, self._drawn_cells()))
        return states

    def _drawn_cells(self) -> int:
        """Count the cells of the waterfall and of the day strip."""
        cells = [cell for line in self._screen.buffer.values() for cell in line.values()]
        grounds = Counter(cell.bg for cell in cells)
        usual = {ground for ground, count in grounds.items() if count > USUAL_CELLS}
        return sum(cell.data == "▀" or cell.bg not in usual for cell in cells)

    @property
    def span(self) -> str:
        """Time span in the caption."""
        found = (SPAN.search(line) for line in self._screen.display)
        return next((match[1] for match in found if match), "")


def complete_s(states: list[tuple[float, int]], begun_s: float) -> float:
    """Return the seconds until a picture has nearly all its cells."""
    wanted = COMPLETE_SHARE * states[-1][1]
    late = [at_s for at_s, cells in states if cells < wanted]
    # Complete with the first output after the last incomplete state.
    after = [at_s for at_s, _ in states if not late or at_s > late[-1]]
    return after[0] - begun_s


def measure(archive: Path) -> dict[str, object]:
    """Return the figures of one start."""
    with tempfile.TemporaryDirectory() as home:
        # The rows of the demo follow those of the archive: their time is now.
        words = ["-m", "sunspec_tui", "--demo", "--plot-interval", "0", "--archive", str(archive), "--span", str(DAY_S)]
        program = Program(words, ROOT, Path(home))
        keys: list[float] = []
        try:
            first_s = program.first_s(TEXT)
            threading.Event().wait(SETTLE_S)
            # The zoom is about noon, so that no new row changes its pictures.
            for pressed in [b":-12h\r", *[b"["] * STEPS]:
                keys.append(time.monotonic())
                program.press(pressed)
                threading.Event().wait(STEP_S)
            process = psutil.Process(program.process.pid)
            pss_mib = sum(each.memory_full_info().pss for each in [process, *process.children(recursive=True)]) / 2**20
            os.kill(program.process.pid, signal.SIGTERM)
            program.process.wait()
        finally:
            program.end()
    replay = Replay(program.written)
    start_s = program.begun_s + first_s
    found: dict[str, object] = {"first_text": round(first_s, 2), "pss_mib": round(pss_mib)}
    found["day_after_text"] = round(complete_s(replay.states_until(keys[0]), start_s), 2)
    found["day_span"] = replay.span
    for number, (begun_s, end_s) in enumerate(itertools.pairwise([*keys, keys[-1] + STEP_S])):
        states = replay.states_until(end_s)
        if states:
            found[f"{number}: {replay.span}"] = round(complete_s(states, begun_s), 3)
    return found


def main() -> None:
    """Print the figures of some rounds."""
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        print(json.dumps(measure(Path(sys.argv[1])), indent=1))


if __name__ == "__main__":
    main()
