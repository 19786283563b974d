"""Find pipelines of which a part of the power is missing, by the steps at their edges.

A pipeline that loses packets averages zeros into its 96 channels: its power falls by the lost share, exactly from one
edge to the other. Nothing in the sky does that. Pipelines differ by a few percent anyway, so steps count beside those
of before, where they are known.

Pure arithmetic.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNELS_PER_PIPELINE

PARTS, ROWS = 3, 24
"""Rows that are looked at, in three parts; at 0.25 s a row, a part is two seconds. A loss is in all parts."""

MIN_BINS = 6
"""Bins of a pipeline that its edges can be measured with."""

MIN_LOSS_DB = 0.5
"""A tenth of the power: beside steps of before."""

MIN_LOSS_ALONE_DB = 0.9
"""While steps of before are unknown: more than pipelines differ by."""

MIN_LOSS_AT_END_DB = 2.5
"""A little less than half of the power: for the first and the last pipeline."""

MAX_RUN = 8
_UNLIKE_DB, _UNLIKE_SHARE = 0.3, 0.3
_NEAR = 3
# Steps that stand out from the others' scatter by so many times are no noise.
_NOISES = 5.0

Floats = NDArray[np.float64]


def edge_steps_db(power: NDArray[np.floating], bins: int) -> Floats:
    """Return the step of the level at each edge between pipelines.

    The level on each side is the median of three bins, so that one narrow line does not count; the slope of the
    spectrum is measured further inside and taken off. The front of a burst is less steep than the step between the two
    bins at the edge, so the smaller one of the two counts, and none where they have other signs.

    Parameters
    ----------
    power
        Linear power, shape (nbins, npol).
    bins
        Bins of a pipeline, at least `MIN_BINS`.

    Returns
    -------
    numpy.ndarray
        dB, shape (npol, npipelines - 1); positive where the level rises. NaN where a level is unknown.
    """
    edges = np.arange(bins, power.shape[0] - bins + 1, bins)
    with np.errstate(divide="ignore", invalid="ignore"):
        level_db = 10 * np.log10(power.astype(np.float64))
    level_db[~np.isfinite(level_db)] = np.nan
    outer_left, left, right, outer_right = (
        _median_of_three(*(level_db[edges + first + i] for i in range(_NEAR)))
        for first in (-2 * _NEAR, -_NEAR, 0, _NEAR)
    )
    slope_db = ((left - outer_left) + (outer_right - right)) / 2
    broad_db, sharp_db = right - left - slope_db, level_db[edges] - level_db[edges - 1]
    smaller_db = np.where(np.abs(broad_db) < np.abs(sharp_db), broad_db, sharp_db)
    return np.asarray(np.where(broad_db * sharp_db < 0, 0.0, smaller_db).T)


def _median_of_three(first: Floats, second: Floats, third: Floats) -> Floats:
    """Return the middle value, NaN where one is NaN; `numpy.median` takes ten times as long for three."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.asarray(np.maximum(low, np.minimum(high, third)))


def partial_losses(steps_db: Floats, usual_db: Floats) -> NDArray[np.bool_]:
    """Find pipelines between a step down and a step up of the same size.

    Parameters
    ----------
    steps_db
        Steps of now, as `edge_steps_db` gives them.
    usual_db
        Steps of before; NaN where they are unknown.

    Returns
    -------
    numpy.ndarray
        Shape (npol, npipelines).
    """
    known = np.isfinite(usual_db)
    change_db = steps_db - np.where(known, usual_db, 0.0)
    least_db = np.maximum(np.where(known, MIN_LOSS_DB, MIN_LOSS_ALONE_DB), _NOISES * _scatter_db(change_db))
    found = np.zeros((steps_db.shape[0], steps_db.shape[1] + 1), bool)
    for product in range(steps_db.shape[0]):
        _mark_runs(change_db[product], least_db[product], found[product])
    return found


def _scatter_db(change_db: Floats) -> Floats:
    """Scatter of the steps of each product, from their median deviation; shape (npol, 1)."""
    known = [row[np.isfinite(row)] for row in change_db]
    deviations = [np.median(np.abs(row - np.median(row))) if len(row) else 0.0 for row in known]
    return 1.4826 * np.array(deviations)[:, None]


def _mark_runs(change_db: Floats, least_db: Floats, found: NDArray[np.bool_]) -> None:
    """Mark the pipelines of one product between a step down and the next step up."""
    falls = np.flatnonzero(change_db <= -least_db)
    for edge in falls:
        beyond = slice(edge + 1, edge + 1 + MAX_RUN)
        after = np.flatnonzero(np.abs(change_db[beyond]) >= least_db[beyond])
        if len(after) and _alike(-change_db[edge], change_db[edge + 1 + after[0]]):
            # Edge i lies between the pipelines i and i + 1.
            found[edge + 1 : edge + 2 + after[0]] = True


def _alike(fall_db: float, rise_db: float) -> bool:
    return bool(abs(fall_db - rise_db) <= _UNLIKE_DB + _UNLIKE_SHARE * max(fall_db, rise_db))


def losses_at_ends(changes_db: Floats) -> NDArray[np.bool_]:
    """Find the first and the last pipeline if they have become much lower, by the one edge that each has.

    One edge alone proves less, and a burst may begin in the last pipeline: the change must be large and stay the same.

    Parameters
    ----------
    changes_db
        Steps beside those of before, a line for each product and part of the rows.

    Returns
    -------
    numpy.ndarray
        Shape (npipelines,).
    """
    nedges = changes_db.shape[1]
    found = np.zeros(nedges + 1, bool)
    if nedges:
        for pipeline, loss_db in ((0, changes_db[:, 0]), (nedges, -changes_db[:, -1])):
            found[pipeline] = (loss_db >= MIN_LOSS_AT_END_DB).all() and np.ptp(loss_db) <= _UNLIKE_DB
    return found


class UsualSteps:
    """The steps at the edges as they usually are: a mean that leaves losses out, and becomes slow.

    Parameters
    ----------
    least_share
        Share of a new measurement in the mean, when many are known.
    """

    def __init__(self, least_share: float = 0.005) -> None:
        self._least_share = least_share
        self._db: Floats = np.empty((0, 0))
        self._counts: NDArray[np.int64] = np.empty((0, 0), np.int64)

    def of(self, steps_db: Floats) -> Floats:
        """Return the usual steps; NaN where there are none yet, or the shape is another."""
        if self._db.shape != steps_db.shape:
            self._db = np.full(steps_db.shape, np.nan)
            self._counts = np.zeros(steps_db.shape, np.int64)
        return self._db

    def learn(self, steps_db: Floats, lost: NDArray[np.bool_]) -> None:
        """Take the steps between pipelines that have lost nothing."""
        usual_db = self.of(steps_db)
        sound = np.isfinite(steps_db) & ~(lost[:, 1:] | lost[:, :-1])
        self._counts += sound
        share = np.maximum(1.0 / np.maximum(self._counts, 1), self._least_share)
        before_db = np.where(np.isfinite(usual_db), usual_db, steps_db)
        usual_db[sound] = (before_db + share * (steps_db - before_db))[sound]


class PartialLosses:
    """Pipelines of one stream of which a part of the power is missing; it remembers their usual steps."""

    def __init__(self) -> None:
        self._usual = UsualSteps()

    def find(self, rows: NDArray[np.floating], channel_average: int) -> NDArray[np.bool_]:
        """Find the pipelines that have lost power in all parts of some rows: bursts drift, and pipelines stay.

        Parameters
        ----------
        rows
            Linear power, shape (n, nbins, npol); only `ROWS` of them or more tell.
        channel_average
            Channels a bin; none is found where a pipeline is no whole number of bins, or of too few.

        Returns
        -------
        numpy.ndarray
            Shape (npol, npipelines), of XX and YY.
        """
        powers = rows[:, :, :2]
        bins, rest = divmod(CHANNELS_PER_PIPELINE, channel_average)
        npipelines = 1 + (powers.shape[1] - 1) * channel_average // CHANNELS_PER_PIPELINE
        if rest or bins < MIN_BINS or powers.shape[1] != bins * npipelines or len(rows) < ROWS:
            return np.zeros((powers.shape[2], npipelines), bool)
        means = np.concatenate([_means(part) for part in np.array_split(powers[-ROWS:], PARTS)], axis=1)
        steps_db = np.array_split(edge_steps_db(means, bins), PARTS)
        usual_db = self._usual.of(steps_db[-1])
        ends = losses_at_ends(np.concatenate([each - usual_db for each in steps_db]))
        lost = [partial_losses(each, usual_db) | ends for each in steps_db]
        self._usual.learn(steps_db[-1], lost[-1])
        return np.asarray(np.all(lost, axis=0))


def _means(rows: NDArray[np.floating]) -> Floats:
    """Mean over the rows of what is finite, shape (nbins, npol)."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = rows.sum(axis=0, dtype=np.float64)
        if np.isfinite(total).all():
            return np.asarray(total / len(rows))
        finite = np.isfinite(rows)
        return np.asarray(np.where(finite, rows, 0).sum(axis=0, dtype=np.float64) / finite.sum(axis=0))
