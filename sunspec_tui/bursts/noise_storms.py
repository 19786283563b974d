"""Find noise storms: many grains in many bins."""

from collections.abc import Iterable, Sequence

import numpy as np

from sunspec_tui.bursts.runs import Run

MIN_GRAINS, GRAIN_PAUSE_S = 15, 15.0
"""Least number of grains of a noise storm, and longest pause between them."""

MAX_GRAIN_S, MAX_GRAIN_MHZ, MIN_GRAIN_MHZ = 5.0, 8.0, 50.0
"""Size of a grain, and its lowest frequency."""

MAX_GRAIN_SHARE = 0.3
"""Largest share of the grains in one place: more are interference."""

PLACE_BINS = 1
"""Bins on each side that belong to the place of a bin, because cells are means over three bins."""

Runs = tuple[Run, ...]


def storms(structures: Iterable[Runs], frequencies_mhz: Sequence[float], cell_s: float) -> list[list[Runs]]:
    """Return the grains of each noise storm.

    Parameters
    ----------
    structures
        Structures that are no other burst.
    frequencies_mhz
        Centres of all bins.
    cell_s
        Length of a cell.
    """
    grains = sorted(
        (runs for runs in structures if is_grain(runs, frequencies_mhz, cell_s)), key=lambda runs: runs[0].begin
    )
    groups: list[list[Runs]] = []
    end = 0
    for runs in grains:
        if not groups or (runs[0].begin - end) * cell_s > GRAIN_PAUSE_S:
            groups.append([])
            end = runs[0].end
        groups[-1].append(runs)
        end = max(end, runs[0].end)
    return [group for group in groups if is_storm(group)]


def is_grain(runs: Runs, frequencies_mhz: Sequence[float], cell_s: float) -> bool:
    """Return True if a structure is short, narrow and not too low."""
    begin, end = min(run.begin for run in runs), max(run.end for run in runs)
    low_mhz, high_mhz = frequencies_mhz[min(run.bin for run in runs)], frequencies_mhz[max(run.bin for run in runs)]
    is_short = (end - begin) * cell_s <= MAX_GRAIN_S
    return is_short and low_mhz >= MIN_GRAIN_MHZ and high_mhz - low_mhz <= MAX_GRAIN_MHZ


def is_storm(grains: Sequence[Runs]) -> bool:
    """Return True if there are many grains in many places."""
    if len(grains) < MIN_GRAINS:
        return False
    strongest = [max(runs, key=lambda run: run.peak_db) for runs in grains]
    counts = np.bincount([run.bin for run in strongest])
    in_place = np.convolve(counts, np.ones(2 * PLACE_BINS + 1, np.int64))
    return int(in_place.max()) <= MAX_GRAIN_SHARE * len(grains)
