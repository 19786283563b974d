"""Compare the figures of docs/performance.md with another revision.

    python bench/compare.py fddcabe [--quick] [--pairs 5] [--only SUBJECT ...]

Both trees measure each subject in turns, in processes of their own. A machine is faster at one time than at another,
so a figure is judged by its ratio within a pair. The table goes to standard output, and all pairs to a JSON file.
"""

import argparse
import json
import platform
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from trees import KEPT, Tree, other_tree, own_tree


class Figure(NamedTuple):
    """A line of the table.

    Attributes
    ----------
    subject, name
        The module that measures it, and its key there.
    words, unit
        What it is.
    goal
        Largest ratio to fddcabe that meets the goal; None for a figure without such a goal.
    limit
        Largest value that meets the goal (smallest if `rises`), for a figure that is itself a ratio; else None.
    rises
        True if more is better.
    in_quick
        Measured by ``--quick`` as well.
    """

    subject: str
    name: str
    words: str
    unit: str
    goal: float | None = None
    limit: float | None = None
    rises: bool = False
    in_quick: bool = False


FIGURES = (
    Figure("reactions", "latency_ms", "frame received to bytes on the terminal, median", "ms", 6 / 28),
    Figure("reactions", "latency_p95_ms", "the same, 95 %", "ms", 12 / 55),
    Figure("reactions", "headless_live_percent", "without a terminal, four frames a second", "% of a core", 0.2 / 0.6),
    Figure("reactions", "headless_idle_percent", "the same, nobody publishing", "% of a core", 0.05 / 0.4),
    Figure("reactions", "tui_live_percent", "on a terminal, four frames a second", "% of a core", 2 / 3),
    Figure("reactions", "tui_idle_percent", "the same, nobody publishing", "% of a core", 0.5 / 1.5),
    Figure("reactions", "first_text_ratio", "first text, as a multiple of an empty Textual app", "", limit=1.3),
    Figure("reactions", "deaf_first_text_s", "first text on a terminal that never answers", "s", 0.6 / 2.8),
    Figure("frame_costs", "own_us", "own work of a frame, decode to delay", "us", 13 / 20.9, in_quick=True),
    Figure("frame_costs", "recorder_us", "the same with the deployed recorder's header", "us", in_quick=True),
    Figure("older_way", "older_us", "the older receiver's way of handling a message", "us", in_quick=True),
    Figure(
        "frame_costs",
        "rate_share",
        "the receiving thread's rate, as a share of a bare loop",
        "",
        limit=0.85,
        rises=True,
    ),
    Figure("frame_costs", "collected_us", "a frame in the receiver with gc_interval=100", "us", in_quick=True),
    Figure("frame_costs", "collected_share", "the same, times that without collections", "", limit=1.2, in_quick=True),
    Figure(
        "frame_costs", "bad_row_us", "a row with a value that is not finite, averaged", "us", 20 / 76, in_quick=True
    ),
    Figure("redraw", "ring_ms", "first frame of a ring of 14 400 rows: the wait for it", "ms", 1 / 300, in_quick=True),
    Figure("redraw", "product_ms", "the same ring, all in the picture: another product", "ms", 10 / 300, in_quick=True),
    Figure("redraw", "span_ms", "the same: from the newest rows to all of them", "ms", 10 / 300, in_quick=True),
    Figure("plot_costs", "between_mib", "the plot process between plots", "MiB", 60 / 134),
    Figure("plot_costs", "plot_s", "a plot", "s", limit=0.3),
    Figure("archive_costs", "draw_s", "two hours of one product of the archive, in 16 columns", "s CPU"),
    Figure("archive_costs", "day_gb", "a day of four rows a second on the disk", "GB", 1 / 3.2),
    Figure("archive_costs", "commit_ms", "a commit of 16 rows, each 4 s", "ms CPU"),
    Figure("burst_cost", "row_us", "a row in the burst detector, quiet Sun", "us", in_quick=True),
    Figure("burst_cost", "busy_row_us", "the same, bursts and disturbances, average", "us", in_quick=True),
    Figure("burst_cost", "live_row_us", "the same, two rows at a time", "us", in_quick=True),
    Figure("burst_cost", "averages", "a row, quiet Sun, as a multiple of averaging it", "", in_quick=True),
    Figure("burst_cost", "longest_ms", "the longest call of the detector, quiet Sun", "ms", limit=5, in_quick=True),
    Figure("burst_cost", "busy_longest_ms", "the same, bursts and disturbances", "ms", limit=5, in_quick=True),
    Figure("burst_cost", "live_longest_ms", "the same, two rows at a time", "ms", limit=5, in_quick=True),
    Figure("burst_cost", "state_mib", "memory of the detector", "MiB", in_quick=True),
    Figure("web_rows", "row_bytes", "a row for the web", "B", 700 / 1592, in_quick=True),
    Figure("web_rows", "row_us", "the same, encoded", "us", in_quick=True),
    Figure("web_rows", "history_ms", "1200 rows for a new viewer", "ms", in_quick=True),
)
ALONE = ("older_way", "burst_cost")
"""Subjects that the other tree does not have, or that do not depend on the tree."""


class Pairs(NamedTuple):
    """Values of a figure in both trees, pair by pair."""

    base: list[float]
    own: list[float]

    @property
    def ratios(self) -> list[float]:
        """Own value as a share of the other, pair by pair."""
        return [own / base for base, own in zip(self.base, self.own, strict=True)]


def main() -> int:
    """Print the table, and return the exit status.

    It is 0 also if a goal is missed, because a machine may be busy.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("against", help="revision to measure against, such as fddcabe")
    parser.add_argument("--quick", action="store_true", help="fewer subjects, each measured for a shorter time")
    parser.add_argument("--pairs", type=int, help="measurements of each tree (5; 2 with --quick)")
    parser.add_argument("--only", nargs="*", metavar="SUBJECT", help="measure these subjects alone")
    parser.add_argument("--json", type=Path, default=KEPT / "figures.json", help="where all pairs are written")
    given = parser.parse_args()
    figures = [each for each in FIGURES if chosen(each, given.only, quick=given.quick)]
    trees = other_tree(given.against, shared=given.quick), own_tree()
    print(f"{platform.machine()}, Python {platform.python_version()}, this tree beside {given.against}")
    found = dict(measured(figures, trees, given.pairs or (2 if given.quick else 5), quick=given.quick))
    print(table(figures, found, given.against))
    given.json.write_text(json.dumps({name: pairs._asdict() for name, pairs in found.items()}, indent=1))
    return 0


def chosen(figure: Figure, only: list[str] | None, *, quick: bool) -> bool:
    """Return True if a figure must be measured."""
    return (only is None or figure.subject in only) and (figure.in_quick or not quick)


def measured(
    figures: Iterable[Figure], trees: tuple[Tree, Tree], count: int, *, quick: bool
) -> Iterable[tuple[str, Pairs]]:
    """Measure each subject in turns.

    Yield the pairs of each of its figures.
    """
    for subject in dict.fromkeys(each.subject for each in figures):
        print(f"measuring {subject}", file=sys.stderr)
        runs: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
        for number in range(count):
            # Each tree goes first as often as the other.
            for which in (0, 1) if number % 2 else (1, 0):
                if which or subject not in ALONE:
                    runs[which].append(trees[which].measure(subject, quick=quick))
        for figure in (each for each in figures if each.subject == subject):
            base, own = ([run[figure.name] for run in each if figure.name in run] for each in runs)
            yield f"{subject}.{figure.name}", Pairs(base, own)


def table(figures: Iterable[Figure], found: dict[str, Pairs], against: str) -> str:
    """Return the table as Markdown."""
    lines = [f"| what | {against} | now | ratio (spread) | goal |", "|---|---|---|---|---|"]
    for each in figures:
        pairs = found[f"{each.subject}.{each.name}"]
        lines.append(
            f"| {each.words} | {value(pairs.base, each.unit)} | {value(pairs.own, each.unit)} | {judged(each, pairs)} |"
        )
    return "\n".join(lines)


def value(values: list[float], unit: str) -> str:
    """Return the median with its unit."""
    return f"{statistics.median(values):.3g} {unit}".strip() if values else ""


def judged(figure: Figure, pairs: Pairs) -> str:
    """Return the ratio with its spread, and the goal.

    The text says if the goal is met.
    """
    if not pairs.base:
        return " | "
    ratios = pairs.ratios if len(pairs.base) == len(pairs.own) else []
    if not ratios:
        return " | "
    ratio = statistics.median(ratios)
    spread = f"{ratio:.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
    return f"{spread} | {verdict(figure, ratio, statistics.median(pairs.own))}"


def verdict(figure: Figure, ratio: float, own: float) -> str:
    """Return the goal, and whether it is met."""
    if figure.limit is not None:
        met = own >= figure.limit if figure.rises else own <= figure.limit
        return f"{'at least' if figure.rises else 'at most'} {figure.limit:g}: {'met' if met else 'missed'}"
    if figure.goal is None:
        return ""
    return f"ratio at most {figure.goal:.2g}: {'met' if ratio <= figure.goal else 'missed'}"


if __name__ == "__main__":
    sys.exit(main())
