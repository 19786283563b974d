"""Join the rows of archive and ring to one recording."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from sunspec_tui.core.bin_mapping import is_same_axis
from sunspec_tui.core.recording import Recording


def joined_recordings(parts: Sequence[Recording]) -> Recording | None:
    """Join recordings in the order of time; None without any.

    A row of an earlier part that is not before the first row of the next part is left out. Rows of other products or
    frequencies than the last part has are left out too.
    """
    if not parts:
        return None
    last = parts[-1]
    fitting = [each for each in parts if _fits(each, last)]
    kept = [each.only(each.times_s < following.times_s[0]) for each, following in pairwise(fitting)] + [last]
    return replace(
        last,
        data=np.concatenate([each.data for each in kept]),
        times_s=np.concatenate([each.times_s for each in kept]),
        restart_ends_s=np.concatenate([each.restart_ends_s for each in kept]),
    )


def _fits(rows: Recording, other: Recording) -> bool:
    return rows.products == other.products and is_same_axis(rows.frequencies_hz, other.frequencies_hz)
