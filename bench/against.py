"""The own work per frame of this tree beside that of another revision, measured in turns.

    python bench/against.py fddcabe

Both run in the same interpreter with the same libraries, in short rounds that take turns: what else the machine does
then slows both. A frame's time is CPU time, so that waiting for a busy machine does not count.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FRAMES = 500

# Only names that every revision since the first measured one has. One round for each line of standard input.
PROBE = """
import logging, sys, time
import numpy as np
sys.path.insert(0, sys.argv[1] + "/bench")
from hot_path import messages
from sunspec_tui.delay import DelayMethod
from sunspec_tui.frame import decode
from sunspec_tui.intake import DelayChoice, Intake
import sunspec_tui
assert sunspec_tui.__file__.startswith(sys.argv[1]), sunspec_tui.__file__
logging.getLogger("sunspec_tui").setLevel(logging.ERROR)
made = messages(int(sys.argv[2]))
intake = Intake(1200, 4, 560, 0, DelayChoice(DelayMethod.AUTO))
with np.errstate(invalid="ignore", over="ignore"):
    for line in sys.stdin:
        begun_s = time.thread_time()
        for n, parts in enumerate(made):
            frame = decode(parts)
            intake.take(frame, frame.sent_s + 0.01, n * 0.25)
        print((time.thread_time() - begun_s) / len(made) * 1e6, flush=True)
"""


class Tree:
    """A revision in a process of its own, which measures a round when it is asked to."""

    def __init__(self, where: Path) -> None:
        command = [sys.executable, "-c", PROBE, str(where), str(FRAMES)]
        self._process = subprocess.Popen(
            command, cwd=where, env=os.environ | {"PYTHONPATH": str(where)}, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def frame_us(self) -> float:
        """CPU time of one frame, the mean of a round, in microseconds."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.wait(10)


def main() -> int:
    """Print both times and their ratio; 1 where it is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", help="revision to measure against, such as fddcabe")
    parser.add_argument("--rounds", type=int, default=300, help=f"rounds of {FRAMES} frames of each")
    parser.add_argument("--limit", type=float, default=1.05, help="highest ratio that passes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sunspec-bench-") as name:
        archive = subprocess.run(["git", "archive", given.base], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "x", "-C", name], input=archive, check=True)
        trees = Tree(Path(name)), Tree(ROOT)
        try:
            pairs = [pair(trees, first=n % 2) for n in range(given.rounds + 10)][10:]
        finally:
            for tree in trees:
                tree.close()
    base, ours = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(ours / base for base, ours in pairs)
    least = min(ours for _, ours in pairs) / min(base for base, _ in pairs)
    print(f"own work per frame: {given.base} {base:.2f} us, this tree {ours:.2f} us")
    print(f"ratio {ratio:.3f} in the median of {len(pairs)} pairs, {least:.3f} of the best rounds")
    return ratio > given.limit


def pair(trees: tuple[Tree, Tree], *, first: int) -> tuple[float, float]:
    """A round of each; each goes first as often as the other."""
    found = {which: trees[which].frame_us() for which in ((0, 1), (1, 0))[first]}
    return found[0], found[1]


if __name__ == "__main__":
    sys.exit(main())
