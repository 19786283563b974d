"""Cut the sweeps of ionosondes off from bursts.

An ionosonde sweeps upward from 20 MHz by about 0.1 MHz/s, every few minutes. A burst that it crosses would be one
structure with it.
"""

from collections.abc import Generator, Iterable, Sequence

from sunspec_tui.bursts.kept import Kept
from sunspec_tui.bursts.ridge_cover import SPARE_BINS, Cover
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.stepping import Work
from sunspec_tui.bursts.structures import Structures
from sunspec_tui.bursts.sweeps import Sweep

MIN_COVER = 0.5
"""Least share of a run that lies on a sweep, so that the run belongs to it."""

# Times to find the runs on a sweep, and to link a run anew.
_SOUNDER_US, _LINK_US = 1000.0, 15.0

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

    def cut(
        self, structures: Sequence[Runs], sweeps: Iterable[Sweep], work: Work
    ) -> Generator[None, None, tuple[list[Runs], list[tuple[Runs, Sweep]]]]:
        """Take the runs of ionosondes out of structures, in steps.

        Parameters
        ----------
        structures
            Runs of each structure.
        sweeps
            Sweeps of all kinds.
        work
            Work since the last pause.
        """
        self._cuts.begin_update()
        left, found = list(structures), list[tuple[Runs, Sweep]]()
        for sweep in sweeps:
            if sweep.is_sounder(self._block_s):
                work.add(_SOUNDER_US)
                yield from work.pauses()
                taken, left = yield from self._without(left, sweep, work)
                found.append((taken, sweep))
        return left, found

    def _without(
        self, structures: Iterable[Runs], sweep: Sweep, work: Work
    ) -> Generator[None, None, tuple[Runs, list[Runs]]]:
        """Return the runs on a sweep, and the structures without them."""
        cover = Cover([sweep], self._nbins, is_narrow=True)
        taken, left = list[Run](), list[Runs]()
        high_bin = max(place.top_bin for place in sweep.places) + SPARE_BINS
        for runs in structures:
            if any(run.begin < sweep.end and run.end > sweep.begin and run.bin <= high_bin for run in runs):
                known = self._cuts.get((runs, sweep))
                on, others = known or self._cuts.put((runs, sweep), (yield from cut_off(runs, cover, work)))
                taken += on
                left += others
            else:
                left.append(runs)
        return tuple(taken), left


def cut_off(runs: Runs, cover: Cover, work: Work) -> Generator[None, None, tuple[Runs, list[Runs]]]:
    """Return the runs on a sweep, and the other structures.

    Parameters
    ----------
    runs
        The runs of a structure.
    cover
        Bins and blocks of a sweep.
    work
        Work since the last pause.
    """
    is_on = (cover.shares(runs) >= MIN_COVER).tolist()
    if not any(is_on):
        return (), [runs]
    left = Structures()
    # Structures takes the runs of a bin in the order of time.
    for run in sorted((run for run, on in zip(runs, is_on, strict=True) if not on), key=lambda run: (run.end, run.bin)):
        left.add(run)
        work.add(_LINK_US)
        yield from work.pauses()
    return tuple(run for run, on in zip(runs, is_on, strict=True) if on), left.all()
