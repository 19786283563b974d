"""Structures: runs of neighbouring bins that agree in time.

Runs are linked if they overlap for at least half of the shorter one, and if neither lasts much longer than the other.
So a short stroke is not linked with the slow lane or the continuum that it crosses.
"""

from collections import defaultdict
from collections.abc import Iterable

from sunspec_tui.bursts.runs import Run, one_run

MAX_BIN_STEP = 3
"""Largest step from bin to bin: two bins without a signal are bridged."""

MIN_OVERLAP = 0.5
"""Least overlap, as a share of the shorter run."""

MAX_RATIO, RATIO_CELLS = 2.5, 2
"""A run lasts at most so many times as long as its neighbour, and so many cells longer."""


def are_linked(first: Run, second: Run) -> bool:
    """Return True if two runs of neighbouring bins belong together."""
    one, other = first.end - first.begin, second.end - second.begin
    shorter, longer = (one, other) if one < other else (other, one)
    overlap = min(first.end, second.end) - max(first.begin, second.begin)
    is_alike = first.is_tail is second.is_tail and longer <= MAX_RATIO * shorter + RATIO_CELLS
    return is_alike and overlap >= MIN_OVERLAP * shorter


class Structures:
    """Runs that are not complete yet, linked to structures."""

    def __init__(self) -> None:
        self._of_bin: dict[int, list[Run]] = defaultdict(list)
        self._owner: dict[Run, int] = {}
        self._members: dict[int, list[Run]] = {}
        self._next = 0

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self._owner)

    def copy(self) -> "Structures":
        """Return a copy, to add runs that go on."""
        copied = Structures()
        copied._of_bin.update((number, list(runs)) for number, runs in self._of_bin.items())
        copied._owner, copied._next = dict(self._owner), self._next
        copied._members = {number: list(runs) for number, runs in self._members.items()}
        return copied

    def add(self, run: Run) -> None:
        """Add a run, and join the structures that it links.

        A run that begins where the last one of its bin ends is a part of it, unless it is its tail.
        """
        last = self._of_bin[run.bin][-1:]
        if last and last[0].end == run.begin and last[0].is_tail >= run.is_tail:
            self.remove(last)
            run = one_run(last[0], run)
        self._members[self._next], self._owner[run] = [run], self._next
        self._next += 1
        for step in range(-MAX_BIN_STEP, MAX_BIN_STEP + 1):
            for known in reversed(self._of_bin.get(run.bin + step, [])) if step else ():
                # Runs of a bin follow each other, so all others end before.
                if known.end <= run.begin:
                    break
                if are_linked(run, known):
                    self._join(self._owner[known], self._owner[run])
        self._of_bin[run.bin].append(run)

    def _join(self, first: int, second: int) -> None:
        """Move the runs of the smaller structure to the other."""
        if first == second:
            return
        kept, moved = sorted((first, second), key=lambda number: -len(self._members[number]))
        for run in self._members[moved]:
            self._owner[run] = kept
        self._members[kept] += self._members.pop(moved)

    def all(self) -> list[tuple[Run, ...]]:
        """Return all structures."""
        return [tuple(runs) for runs in self._members.values()]

    def remove(self, runs: Iterable[Run]) -> None:
        """Remove runs; structures without runs end."""
        for run in runs:
            number = self._owner.pop(run)
            self._members[number].remove(run)
            self._of_bin[run.bin].remove(run)
            if not self._members[number]:
                del self._members[number]
