"""Score the detector of bursts against labels made by eye.

It runs the code of ``sunspec-tui bursts`` on the labelled files. It prints hits, misses, wrong types and differences of
begins, then the false alarms on quiet files, and the comparison with NOAA's list.
"""

import argparse
import sys
from pathlib import Path

from sunspec_tui.cli.burst_text import aligned, comparison_lines
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.burst_labels import BurstLabel, read_burst_labels
from sunspec_tui.files.radio_reports import read_radio_reports
from sunspec_tui.monitoring.burst_comparison import compare
from sunspec_tui.monitoring.burst_finder import usual_finder
from sunspec_tui.monitoring.burst_scores import LabelResult, LabelScores, score
from sunspec_tui.monitoring.burst_search import search

ROOT = Path(__file__).parents[1]
LABELS = ROOT / "tests" / "bursts" / "labels.csv"
EVENTS = ROOT.parent / "shared" / "data" / "events"
BEGIN_S = 5.0
"""Begins that differ by at most this count as the same."""


def main() -> None:
    """Search the labelled files, and print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--labels", type=Path, default=LABELS, help="table of labels")
    options.add_argument("--data", type=Path, default=EVENTS, help="directory of the labelled files")
    options.add_argument("--list", type=Path, help="list of radio events; by default noaa_events.csv beside the files")
    options.add_argument(
        "--certainty", type=int, default=1, choices=(1, 2, 3), help="labels up to this one must be found"
    )
    options.add_argument("--workers", type=int, help="local processes; by default one per core")
    chosen = options.parse_args()
    labels = read_burst_labels(chosen.labels)
    names = {label.file for label in labels}
    files = [path for path in sorted(chosen.data.iterdir()) if path.name.split(".")[0] in names]
    if not files:
        sys.exit(f"no labelled file is in {chosen.data}; name its directory with --data")
    found = search(files, usual_finder(), workers=chosen.workers)
    print("\n".join(score_lines(score(labels, found.series, chosen.certainty))))
    for failure in found.failures:
        print(f"not searched: {failure}")
    reports = chosen.list or chosen.data / "noaa_events.csv"
    if reports.exists():
        print("\n".join(["", *comparison_lines(compare(read_radio_reports(reports), found.series), reports.name)]))


def score_lines(scores: LabelScores) -> list[str]:
    """Return the tables of scores as lines."""
    head = ("", "file", "label", "MHz", "found", "MHz", "begin")
    lines = aligned([head, *map(_result_cells, scores.results)], {0, 1, 2, 4})
    for title, bursts in (
        (f"false alarms on {len(scores.quiet_files)} quiet files", scores.false_alarms),
        ("bursts without a label on the other files", scores.unlabelled),
    ):
        lines += ["", f"{title}: {len(bursts)}", *(f"  {_burst_text(burst)} in {burst.source}" for burst in bursts)]
    count = len(scores.results)
    return [
        *lines,
        "",
        f"{count} labels: {_percent(scores.found_share)} found; of these {_percent(scores.type_share)} of the right "
        f"type, {_percent(scores.kind_share)} if III and its groups are one; {_percent(scores.begins_within(BEGIN_S))} "
        f"of the begins within {BEGIN_S:g} s, median {scores.begin_error_s:.1f} s",
    ]


def _result_cells(result: LabelResult) -> tuple[str, ...]:
    label, burst = result.label, result.burst
    words = "miss" if burst is None else "hit" if result.has_type else "kind" if result.has_kind else "other type"
    begin = "" if result.begin_difference_s != result.begin_difference_s else f"{result.begin_difference_s:+.1f} s"
    return (
        words,
        label.file,
        f"{label.type} {_clocks(label)}",
        f"{label.low_mhz:.0f}-{label.high_mhz:.0f}",
        "" if burst is None else f"{burst.type} {burst.confidence:.2f} {_clocks(burst)}",
        "" if burst is None else f"{burst.low_mhz:.0f}-{burst.high_mhz:.0f}",
        begin,
    )


def _clocks(each: BurstLabel | Burst) -> str:
    return f"{format_clock(each.begin_s)}-{format_clock(each.end_s)}"


def _burst_text(burst: Burst) -> str:
    return f"{burst.short_text}, confidence {burst.confidence:.2f}, {burst.duration_s:.0f} s"


def _percent(share: float) -> str:
    return "none" if share != share else f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()
