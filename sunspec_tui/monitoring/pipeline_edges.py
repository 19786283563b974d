"""Find pipelines with partial power loss, by steps at their edges.

A pipeline that loses packets averages zeros into its 96 channels: its power falls by the lost share, exactly from one
edge to the other. No source in the sky does that. Pipelines always differ by a few percent, so steps are compared with
earlier steps if these are known.

Pure arithmetic.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.instrument import CHANNELS_PER_PIPELINE

PARTS, ROWS = 3, 24
"""Numbers of parts, and of checked rows. With rows of 0.25 s, a part is two seconds. A loss is in all parts."""

MIN_BINS = 6
"""Smallest number of bins per pipeline with which its edges can be measured."""

MIN_LOSS_DB = 0.5
"""Smallest loss relative to earlier steps: a tenth of the power."""

MIN_LOSS_ALONE_DB = 0.9
"""Smallest loss while earlier steps are unknown: more than the usual differences between pipelines."""

MIN_LOSS_AT_END_DB = 2.5
"""Smallest loss of the first and the last pipeline: a little less than half of the power."""

MAX_RUN = 8
_TOLERANCE_DB, _TOLERANCE_SHARE = 0.3, 0.3
_NEAR = 3
# A step that is larger than the scatter of the others by this factor is not noise.
_NOISES = 5.0

Floats = NDArray[np.float64]


def edge_steps_db(power: NDArray[np.floating], bins: int) -> Floats:
    """Return the step of the level at each edge between pipelines.

    The level on each side is the median of three bins, so that one narrow line has no effect. The slope of the spectrum
    is measured further inside and subtracted. The front of a burst is less steep than a step at an edge, so the step
    between the two bins at the edge is measured too. The smaller of the two counts, or 0 if they have opposite signs.

    Parameters
    ----------
    power
        Linear power, shape (nbins, npol).
    bins
        Bins per pipeline, at least `MIN_BINS`.

    Returns
    -------
    numpy.ndarray
        Steps in dB, shape (npol, npipelines - 1); positive if the level rises with frequency, NaN if unknown.
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
    """Return the median of three values; NaN if one is NaN.

    `numpy.median` takes ten times as long.
    """
    low, high = np.minimum(first, second), np.maximum(first, second)
    return np.asarray(np.maximum(low, np.minimum(high, third)))


def partial_losses(steps_db: Floats, usual_db: Floats) -> NDArray[np.bool_]:
    """Find pipelines between steps down and up of the same size.

    Parameters
    ----------
    steps_db
        Current steps, as returned by `edge_steps_db`.
    usual_db
        Earlier steps; NaN if unknown.

    Returns
    -------
    numpy.ndarray
        True for pipelines with a loss, shape (npol, npipelines).
    """
    known = np.isfinite(usual_db)
    change_db = steps_db - np.where(known, usual_db, 0.0)
    min_db = np.maximum(np.where(known, MIN_LOSS_DB, MIN_LOSS_ALONE_DB), _NOISES * _scatter_db(change_db))
    lost = np.zeros((steps_db.shape[0], steps_db.shape[1] + 1), bool)
    for product in range(steps_db.shape[0]):
        _mark_runs(change_db[product], min_db[product], lost[product])
    return lost


def _scatter_db(change_db: Floats) -> Floats:
    """Return the scatter of each product's steps, shape (npol, 1).

    It is computed from their median absolute deviation.
    """
    known = [row[np.isfinite(row)] for row in change_db]
    deviations = [np.median(np.abs(row - np.median(row))) if len(row) else 0.0 for row in known]
    return 1.4826 * np.array(deviations)[:, None]


def _mark_runs(change_db: Floats, min_db: Floats, lost: NDArray[np.bool_]) -> None:
    """Mark one product's pipelines between a step down and up."""
    falls = np.flatnonzero(change_db <= -min_db)
    for edge in falls:
        beyond = slice(edge + 1, edge + 1 + MAX_RUN)
        after = np.flatnonzero(np.abs(change_db[beyond]) >= min_db[beyond])
        if len(after) and _is_same_size(-change_db[edge], change_db[edge + 1 + after[0]]):
            # Edge i lies between the pipelines i and i + 1.
            lost[edge + 1 : edge + 2 + after[0]] = True


def _is_same_size(fall_db: float, rise_db: float) -> bool:
    return bool(abs(fall_db - rise_db) <= _TOLERANCE_DB + _TOLERANCE_SHARE * max(fall_db, rise_db))


def losses_at_ends(changes_db: Floats) -> NDArray[np.bool_]:
    """Find large losses of the first and the last pipeline.

    One edge alone is weaker evidence, and a burst may begin in the last pipeline. So the change must be large and
    constant.

    Parameters
    ----------
    changes_db
        Steps minus earlier steps, one line for each product and part of the rows.

    Returns
    -------
    numpy.ndarray
        True for pipelines with a loss, shape (npipelines,).
    """
    nedges = changes_db.shape[1]
    lost = np.zeros(nedges + 1, bool)
    if nedges:
        for pipeline, loss_db in ((0, changes_db[:, 0]), (nedges, -changes_db[:, -1])):
            lost[pipeline] = (loss_db >= MIN_LOSS_AT_END_DB).all() and np.ptp(loss_db) <= _TOLERANCE_DB
    return lost


class UsualSteps:
    """Running mean of the steps at the edges, without losses.

    Parameters
    ----------
    min_share
        Weight of a new measurement in the mean, after many measurements.
    """

    def __init__(self, min_share: float = 0.005) -> None:
        self._min_share = min_share
        self._db: Floats = np.empty((0, 0))
        self._counts: NDArray[np.int64] = np.empty((0, 0), np.int64)

    def get(self, steps_db: Floats) -> Floats:
        """Return the usual steps.

        They are NaN while unknown, and after a change of the shape.
        """
        if self._db.shape != steps_db.shape:
            self._db = np.full(steps_db.shape, np.nan)
            self._counts = np.zeros(steps_db.shape, np.int64)
        return self._db

    def update(self, steps_db: Floats, lost: NDArray[np.bool_]) -> None:
        """Add the steps between pipelines without a loss."""
        usual_db = self.get(steps_db)
        sound = np.isfinite(steps_db) & ~(lost[:, 1:] | lost[:, :-1])
        self._counts += sound
        share = np.maximum(1.0 / np.maximum(self._counts, 1), self._min_share)
        before_db = np.where(np.isfinite(usual_db), usual_db, steps_db)
        usual_db[sound] = (before_db + share * (steps_db - before_db))[sound]


class PartialLosses:
    """Finder of partial losses of one stream, which remembers the usual steps."""

    def __init__(self) -> None:
        self._usual = UsualSteps()

    def find(self, rows: NDArray[np.floating], channel_average: int) -> NDArray[np.bool_]:
        """Find pipelines that have lost power in all parts.

        The last rows are cut into parts, because a burst drifts from part to part.

        Parameters
        ----------
        rows
            Linear power, shape (n, nbins, npol); at least `ROWS` rows are needed.
        channel_average
            Channels per bin; no loss is found if a pipeline is not a whole number of bins, or of too few bins.

        Returns
        -------
        numpy.ndarray
            True for pipelines of XX and YY with a loss, shape (npol, npipelines).
        """
        powers = rows[:, :, :2]
        bins, rest = divmod(CHANNELS_PER_PIPELINE, channel_average)
        npipelines = 1 + (powers.shape[1] - 1) * channel_average // CHANNELS_PER_PIPELINE
        if rest or bins < MIN_BINS or powers.shape[1] != bins * npipelines or len(rows) < ROWS:
            return np.zeros((powers.shape[2], npipelines), bool)
        means = np.concatenate([_means(part) for part in np.array_split(powers[-ROWS:], PARTS)], axis=1)
        steps_db = np.array_split(edge_steps_db(means, bins), PARTS)
        usual_db = self._usual.get(steps_db[-1])
        ends = losses_at_ends(np.concatenate([each - usual_db for each in steps_db]))
        lost = [partial_losses(each, usual_db) | ends for each in steps_db]
        self._usual.update(steps_db[-1], lost[-1])
        return np.asarray(np.all(lost, axis=0))


def _means(rows: NDArray[np.floating]) -> Floats:
    """Return the mean of finite values over the rows, shape (nbins, npol)."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = rows.sum(axis=0, dtype=np.float64)
        if np.isfinite(total).all():
            return np.asarray(total / len(rows))
        finite = np.isfinite(rows)
        return np.asarray(np.where(finite, rows, 0).sum(axis=0, dtype=np.float64) / finite.sum(axis=0))
