"""Cut the sweeps of ionosondes off from bursts.

An ionosonde sweeps upward from 20 MHz by about 0.1 MHz/s, every few minutes. A burst that it crosses would be one
structure with it.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from sunspec_tui.bursts.kept import Kept
from sunspec_tui.bursts.ridge_cover import SPARE_BINS, Cover
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.structures import Structures
from sunspec_tui.bursts.sweeps import Sweep

MIN_COVER = 0.5
"""Least share of a run that lies on a sweep, so that the run belongs to it."""

Runs = tuple[Run, ...]


class SounderCutter:
    """Takes the runs of ionosondes out of structures.

    Parameters
    ----------
    nbins
        Number of bins.
    block_s
        Length of a block.
    """

    def __init__(self, nbins: int, block_s: float) -> None:
        self._nbins, self._block_s = nbins, block_s
        self._cuts: Kept[tuple[Runs, Sweep], tuple[Runs, list[Runs]]] = Kept()

    def cut(self, structures: Sequence[Runs], sweeps: Iterable[Sweep]) -> tuple[list[Runs], list[tuple[Runs, Sweep]]]:
        """Return structures without ionosondes, and the runs of these.

        Parameters
        ----------
        structures
            Runs of each structure.
        sweeps
            Sweeps of all kinds.
        """
        self._cuts.begin_update()
        left, found = list(structures), list[tuple[Runs, Sweep]]()
        for sweep in sweeps:
            if sweep.is_sounder(self._block_s):
                cover = Cover([sweep], self._nbins, is_narrow=True)
                taken, left = self._without(left, sweep, cover)
                found.append((taken, sweep))
        return left, found

    def _without(self, structures: Iterable[Runs], sweep: Sweep, cover: Cover) -> tuple[Runs, list[Runs]]:
        """Return the runs on a sweep, and the structures without them."""
        taken, left = list[Run](), list[Runs]()
        high_bin = max(place.top_bin for place in sweep.places) + SPARE_BINS
        for runs in structures:
            if any(run.begin < sweep.end and run.end > sweep.begin and run.bin <= high_bin for run in runs):
                on, others = self._cuts.get_or_make((runs, sweep), partial(cut_off, runs, cover))
                taken += on
                left += others
            else:
                left.append(runs)
        return tuple(taken), left


def cut_off(runs: Runs, cover: Cover) -> tuple[Runs, list[Runs]]:
    """Return the runs on a sweep, and the structures of the others.

    Parameters
    ----------
    runs
        The runs of a structure.
    cover
        Bins and blocks of a sweep.
    """
    is_on = (cover.shares(runs) >= MIN_COVER).tolist()
    if not any(is_on):
        return (), [runs]
    left = Structures()
    # Structures takes the runs of a bin in the order of time.
    for run in sorted((run for run, on in zip(runs, is_on, strict=True) if not on), key=lambda run: (run.end, run.bin)):
        left.add(run)
    return tuple(run for run, on in zip(runs, is_on, strict=True) if on), left.all()
