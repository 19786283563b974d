"""Measure recall and precision of the burst detector against strength.

    python bench/burst_curve.py [--hours 24] [--seed 0] [--png docs/burst-curve.png]

The simulated Sun has bursts of known kind, strength and drift at random times, and disturbances: carriers, an
ionosonde, lightning, fringes, steps and drift of the gain, pipelines that die. The detector gets the rows as a stream
would bring them. ``make burst-curve``.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))

from simulated_bursts import (
    FREQUENCIES_HZ,
    KINDS,
    QUIET,
    START_S,
    STRENGTHS_DB,
    Truth,
    bursts_of_day,
    disturbances_of_day,
    rows_of_day,
)

from sunspec_tui.bursts.detector import BurstDetector
from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.products import Product

BATCH_ROWS, TOLERANCE_S, MIN_COMMON = 16, 5.0, 0.33
FAST = (BurstType.III, BurstType.GROUP)


@dataclass(frozen=True)
class Match:
    """A simulated burst, and the reported bursts at its place.

    Attributes
    ----------
    true
        The simulated burst.
    found
        The reported ones, the best first; empty if it was missed.
    """

    true: Truth
    found: tuple[Burst, ...]

    @property
    def is_right_type(self) -> bool:
        """True if the best reported burst has the right type.

        A group of type III may be one of its strokes, as an eye sees it.
        """
        kind = self.found[0].type
        return kind is self.true.kind or (kind in FAST and self.true.kind in FAST)

    @property
    def begin_error_s(self) -> float:
        """Seconds by which the reported begin is late."""
        return min(each.begin_s for each in self.found) - START_S - self.true.begin_s

    @property
    def drift_error(self) -> float:
        """Error of the drift in the band's middle, as a share."""
        best = self.found[0]
        if self.true.drift_mhz_s is None:
            return float("nan")
        return best.drift_mhz_s / self.true.drift_mhz_s((best.low_mhz + best.high_mhz) / 2) - 1


def found_in(rows: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[Burst]:
    """Return the bursts that the detector reports, interference too."""
    detector = BurstDetector(FREQUENCIES_HZ, (Product.I,), "simulated Sun")
    bursts: dict[str, Burst] = {}
    for times_s, data in rows:
        for first in range(0, len(times_s), BATCH_ROWS):
            batch = slice(first, first + BATCH_ROWS)
            bursts |= {each.name: each for each in detector.feed(times_s[batch], data[batch])}
    bursts |= {each.name: each for each in detector.close()}
    return [each for each in bursts.values() if not each.is_wrong]


def common(true: Truth, burst: Burst) -> float:
    """Return the share of a reported burst that is true.

    It is that of its time and band, and 0 for a report of more than three times the true length.
    """
    begin_s, end_s = burst.begin_s - START_S, burst.end_s - START_S
    both_s = min(true.end_s + TOLERANCE_S, end_s) - max(true.begin_s - TOLERANCE_S, begin_s)
    both_mhz = min(true.high_mhz, burst.high_mhz) - max(true.low_mhz, burst.low_mhz)
    if both_s <= 0 or both_mhz <= 0 or end_s - begin_s > 3 * (true.end_s - true.begin_s) + 2 * TOLERANCE_S:
        return 0.0
    return both_s / (end_s - begin_s) * both_mhz / (burst.high_mhz - burst.low_mhz)


def matched(truths: Sequence[Truth], bursts: Sequence[Burst]) -> tuple[list[Match], list[Burst]]:
    """Return the matches, and the bursts without one: false alarms.

    A reported burst belongs to one simulated burst at most, with which it has a third of its time and band in common.
    """
    found: list[list[Burst]] = [[] for _ in truths]
    alarms = []
    for burst in bursts:
        if burst.is_solar:
            shares = [common(true, burst) for true in truths]
            best = int(np.argmax(shares)) if shares else 0
            (found[best] if shares and shares[best] >= MIN_COMMON else alarms).append(burst)
    # The longest of several reports counts.
    pairs = zip(truths, found, strict=True)
    return [Match(true, tuple(sorted(each, key=lambda one: -one.duration_s))) for true, each in pairs], alarms


def is_of(true: Truth, kind: BurstType, strength_db: float) -> bool:
    """Return True if a simulated burst is of a kind and strength."""
    return true.kind is kind and true.strength_db == strength_db


def share(values: Sequence[bool]) -> str:
    """Return how many are true, as a share and a number."""
    return f"{sum(values) / len(values):.2f} ({len(values)})" if values else ""


def recall_table(matches: Sequence[Match]) -> str:
    """Return recall by kind and strength, as Markdown."""
    lines = ["| strength at the peak | " + " | ".join(kind.words for kind in KINDS) + " | right type |"]
    lines.append("|---" * (len(KINDS) + 2) + "|")
    for strength in STRENGTHS_DB:
        cells = [share([bool(each.found) for each in matches if is_of(each.true, kind, strength)]) for kind in KINDS]
        same = [each for each in matches if each.true.strength_db == strength and each.found]
        right = share([each.is_right_type for each in same])
        lines.append(f"| {strength:g} dB | {' | '.join(cells)} | {right} |")
    return "\n".join(lines)


def spread(values: Iterable[float]) -> str:
    """Return the median and the nine tenths of some numbers."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not known.size:
        return "none"
    return f"median {np.median(known):.3g}, nine tenths within {np.quantile(np.abs(known), 0.9):.3g} ({known.size})"


def strong_singles(matches: Sequence[Match]) -> list[Match]:
    """Return the found single bursts of 5 dB or more."""
    return [
        each
        for each in matches
        if each.found and each.true.kind is BurstType.III and each.true.strength_db >= 5 and each.found[0].type in FAST
    ]


def report(matches: Sequence[Match], alarms: Sequence[Burst], hours: float) -> str:
    """Return all figures as text."""
    found = sum(bool(each.found) for each in matches)
    counts = Counter(str(each.type) for each in alarms)
    strong = strong_singles(matches)
    lines = [
        recall_table(matches),
        "",
        f"bursts {len(matches)}, found {found}; false alarms {len(alarms)} in {hours:g} h: {dict(counts)}; "
        f"precision {found / max(1, found + len(alarms)):.3f}",
        f"further pieces of found bursts: {sum(len(each.found) - 1 for each in matches if each.found)}",
        f"begin, seconds late, type III of 5 dB or more: {spread(each.begin_error_s for each in strong)}",
        f"drift, share of the true one, type III of 5 dB or more: {spread(each.drift_error for each in strong)}",
    ]
    for kind in KINDS:
        each = [match for match in matches if match.found and match.true.kind is kind]
        lines.append(f"  {kind}: types {dict(Counter(str(one.found[0].type) for one in each))}")
        lines.append(f"      begin late {spread(one.begin_error_s for one in each)}")
        lines.append(f"      drift error {spread(one.drift_error for one in each)}")
    return "\n".join(lines)


def draw(matches: Sequence[Match], alarms: Sequence[Burst], hours: float, path: Path) -> None:
    """Draw recall against strength as a PNG."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for kind, mark in zip(KINDS, "osD^v", strict=True):
        points = {
            strength: [bool(each.found) for each in matches if is_of(each.true, kind, strength)]
            for strength in STRENGTHS_DB
        }
        known = [(strength, np.mean(values)) for strength, values in points.items() if values]
        axes.plot(*zip(*known, strict=True), marker=mark, label=kind.words)
    axes.set(xscale="log", xlabel="peak over the background (dB)", ylabel="share that is found", ylim=(-0.03, 1.03))
    axes.set_xticks(STRENGTHS_DB, [f"{each:g}" for each in STRENGTHS_DB])
    axes.set_title(f"Simulated Sun, {hours:g} h: {len(alarms)} false alarms")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0, help="length of the day")
    parser.add_argument("--seed", type=int, default=0, help="seed of bursts, disturbances and noise")
    parser.add_argument("--quiet", action="store_true", help="without disturbances")
    parser.add_argument("--png", type=Path, help="where the curve is drawn")
    parser.add_argument("--list", action="store_true", help="print missed strong bursts and false alarms")
    given = parser.parse_args()
    truths = bursts_of_day(given.seed, given.hours)
    disturbances = QUIET if given.quiet else disturbances_of_day(given.seed, given.hours)
    matches, alarms = matched(truths, found_in(rows_of_day(truths, disturbances, given.seed, given.hours)))
    print(report(matches, alarms, given.hours))
    if given.list:
        for each in matches:
            if each.true.strength_db >= 5 and (not each.found or not each.is_right_type):
                print("missed or wrong type:", each.true, *(f"\n    {one}" for one in each.found))
        for burst in alarms:
            print("false alarm:", burst.begin_s - START_S, burst)
    if given.png:
        draw(matches, alarms, given.hours, given.png)
    return 0


if __name__ == "__main__":
    sys.exit(main())
