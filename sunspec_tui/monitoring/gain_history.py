"""Track quiet levels over minutes and hours, and current gain losses.

State and arithmetic. Times are those of the data; the caller adds each row once, in order.
"""

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.monitoring.gain_check import (
    BEFORE_ROWS,
    FLOOR_LOSS_DB,
    LOSS_DB,
    MAX_STAY_ROWS,
    RECOVERED_DB,
    ROWS,
    GainCheck,
    common_change_db,
    median,
    quiet_levels_db,
    stay_rows,
)

Floats = NDArray[np.float64]

CONTEXT_ROWS = BEFORE_ROWS + 1 + MAX_STAY_ROWS
"""Number of rows before the new ones that are needed to check a step."""

_BLOCK_S, _BLOCKS, _MINUTE_BLOCKS = 10.0, 30, 6
_MINUTE_S, _HOUR_S, _FLOOR_S = 60.0, 3600.0, 3 * 3600.0
_MIN_MINUTES = 45
_QUICK_TEST_DB = 0.6 * LOSS_DB
_BELOW_QUIET_DB = -0.5
_RECOVERED_SHARE = 0.6
_MAX_STEP_CADENCES = 1.5
_CONFIRM_S, _FEW_ROWS, _MAX_SLOW_STAY_ROWS = 20.0, 3, 2


class QuietFloor:
    """Quiet levels of one product in three hours, one per minute.

    Parameters
    ----------
    minutes
        (end in seconds since 1970, level in dB) of an earlier run, oldest first.
    """

    def __init__(self, minutes: Iterable[tuple[float, float]] = ()) -> None:
        self._minutes = deque(minutes)
        self._begin_s = math.nan
        self._levels_db: list[float] = []

    @property
    def minutes(self) -> tuple[tuple[float, float], ...]:
        """(end, level) of each minute, oldest first."""
        return tuple(self._minutes)

    def add(self, time_s: float, level_db: float) -> None:
        """Add the level of one row."""
        if self._minutes and not -_MINUTE_S <= time_s - self._minutes[-1][0] <= _HOUR_S:
            # On another day the Sun has another position, and another recording may be from another instrument.
            self._minutes.clear()
        if not 0 <= time_s - self._begin_s < _MINUTE_S:
            self._finish()
            self._begin_s = time_s
        self._levels_db.append(level_db)

    def _finish(self) -> None:
        if not self._levels_db:
            return
        self._minutes.append((self._begin_s + _MINUTE_S, median(self._levels_db)))
        self._levels_db = []
        while self._minutes[-1][0] - self._minutes[0][0] > _FLOOR_S:
            self._minutes.popleft()

    def floor_db(self) -> float:
        """Return the lowest level of all minutes.

        It is NaN until the levels of an hour are known.
        """
        minutes = self._minutes
        if len(minutes) < _MIN_MINUTES or minutes[-1][0] - minutes[0][0] < _HOUR_S - _MINUTE_S:
            return math.nan
        return min(level_db for _, level_db in minutes)


@dataclass(frozen=True, slots=True)
class Loss:
    """Current loss of gain.

    Attributes
    ----------
    lost_db
        Size of the loss.
    since_s
        Data time of its beginning; NaN if the beginning was not received.
    before_db
        Quiet level before the loss.
    detected_s
        Data time of its detection.
    """

    lost_db: float
    since_s: float
    before_db: float
    detected_s: float


class ProductGain:
    """Quiet levels and current loss of one product."""

    def __init__(self, floor: QuietFloor | None = None) -> None:
        self.floor = QuietFloor() if floor is None else floor
        self.loss: Loss | None = None
        # Blocks during a loss are not added, because they do not give the quiet level.
        self._blocks: deque[float] = deque(maxlen=_BLOCKS)
        self._last_minute: deque[float] = deque(maxlen=_MINUTE_BLOCKS)
        self._block_s = math.nan
        self._block: list[float] = []
        self._recent: deque[float] = deque(maxlen=ROWS)
        self._unconfirmed: Loss | None = None

    def add(self, time_s: float, level_db: float) -> None:
        """Add the quiet level of one row."""
        if math.isnan(level_db):
            return
        self._recent.append(level_db)
        if not 0 <= time_s - self._block_s < _BLOCK_S:
            self._finish_block(time_s)
        self._block.append(level_db)
        self._check_unconfirmed(time_s)
        if self.loss is not None and not 0 <= time_s - self.loss.detected_s < _HOUR_S:
            # After an hour, the level is regarded as the instrument's new one.
            self.loss, self.floor = None, QuietFloor()
            self._blocks.clear()
        if self.loss is None:
            self.floor.add(time_s, level_db)

    def _finish_block(self, time_s: float) -> None:
        if not -_BLOCK_S <= time_s - self._block_s <= _HOUR_S:
            self._blocks.clear()
            self._last_minute.clear()
        elif self._block:
            level_db = median(self._block)
            self._last_minute.append(level_db)
            if self.loss is None:
                self._blocks.append(level_db)
        self._block, self._block_s = [], time_s
        self._check_minute(time_s)

    def _check_minute(self, time_s: float) -> None:
        """Compare the last minute with the level before, or the floor."""
        last = self._last_minute
        if len(last) < _MINUTE_BLOCKS:
            return
        if self.loss is not None:
            if min(last) >= self.loss.before_db + RECOVERED_DB:
                self.loss = None
            return
        level_db, floor_db = median(last), self.floor.floor_db()
        if level_db - floor_db <= FLOOR_LOSS_DB:
            self.loss = Loss(floor_db - level_db, math.nan, floor_db, time_s)

    @property
    def quiet_db(self) -> float:
        """Lowest level of the last hours, or else of the last minutes.

        It is NaN while unknown.
        """
        floor_db = self.floor.floor_db()
        return min(self._blocks, default=math.nan) if math.isnan(floor_db) else floor_db

    @property
    def change_db(self) -> float:
        """Level of the last rows above the quiet level; NaN while unknown."""
        return median(self._recent) - self.quiet_db if self._recent else math.nan

    def apply_step(self, time_s: float, change_db: float, level_db: float) -> None:
        """Process a step that nearly all bins have in common.

        Parameters
        ----------
        time_s
            Time of the first row after it.
        change_db
            Size of the step.
        level_db
            Quiet level after it.
        """
        if self.loss is not None:
            if change_db >= _RECOVERED_SHARE * self.loss.lost_db:
                self.loss = None
            return
        quiet_db = min(self._blocks, default=math.nan)
        # At the end of a burst the level falls to the quiet level, not below it.
        if change_db <= LOSS_DB and not level_db > quiet_db + _BELOW_QUIET_DB:
            before_db = level_db - change_db if math.isnan(quiet_db) else quiet_db
            self.loss = Loss(-change_db, time_s, before_db, time_s)

    def apply_sharp_step(self, time_s: float, change_db: float, level_db: float) -> None:
        """Process a lasting step of all bins within one row.

        The step is a loss, or the end of a burst. A step to the quiet level is a loss only if the level then falls
        below it.

        Parameters
        ----------
        time_s, change_db, level_db
            As in `apply_step`.
        """
        if self.loss is not None or not change_db <= LOSS_DB:
            return
        quiet_db = min(self._blocks, default=math.nan)
        before_db = level_db - change_db if math.isnan(quiet_db) else quiet_db
        loss = Loss(-change_db, time_s, before_db, time_s)
        if abs(level_db - quiet_db) <= abs(_BELOW_QUIET_DB):
            self._unconfirmed = loss
        else:
            self.loss = loss

    def _check_unconfirmed(self, time_s: float) -> None:
        """Accept an unconfirmed step once the level is below the quiet level."""
        unconfirmed = self._unconfirmed
        if unconfirmed is None or len(self._recent) < ROWS:
            return
        if not 0 <= time_s - unconfirmed.since_s <= _CONFIRM_S or self.loss is not None:
            self._unconfirmed = None
        elif median(list(self._recent)[-_FEW_ROWS:]) < unconfirmed.before_db + _BELOW_QUIET_DB:
            self.loss, self._unconfirmed = unconfirmed, None


def _sharp_change_db(power: NDArray[np.float32]) -> float:
    """Return the common change over a step; NaN if it reverses.

    The change is in dB. It is measured from the row before the step to the first or second row after it.
    """
    last = BEFORE_ROWS - 1
    changes_db = [common_change_db(power[last : last + 1], power[n : n + 1]) for n in (last + 2, last + 1)]
    change_db = next((each for each in changes_db if each <= LOSS_DB), math.nan)
    if math.isnan(change_db):
        return change_db
    pairs = ((power[n - 1 : n], power[n : n + 1]) for n in range(last + 3, len(power)))
    return math.nan if any(common_change_db(*pair) >= -_RECOVERED_SHARE * change_db for pair in pairs) else change_db


class GainHistory:
    """Gain of a stream's XX and YY.

    Parameters
    ----------
    floors
        Quiet floors of an earlier run, by product.
    """

    def __init__(self, floors: Iterable[QuietFloor] = ()) -> None:
        self._products = [ProductGain(floor) for floor in floors]
        self._rows_checked = 0

    @property
    def floors(self) -> tuple[QuietFloor, ...]:
        """Quiet floors to be stored for the next run, by product."""
        return tuple(product.floor for product in self._products)

    def add(self, rows: NDArray[np.float32], times_s: NDArray[np.float64], count: int, cadence_s: float) -> GainCheck:
        """Process new rows, and return the result of the check.

        Parameters
        ----------
        rows, times_s
            Rows of linear power, shape (n, nbins, npol), and their times: the new rows, and up to `CONTEXT_ROWS` rows
            before them.
        count
            Number after the last of these rows, as in `Rows.count`.
        cadence_s
            Data time from row to row; NaN while unknown.
        """
        powers = rows[:, :, :2]
        while len(self._products) < powers.shape[2]:
            self._products.append(ProductGain())
        levels_db = [levels.tolist() for levels in quiet_levels_db(powers).T]
        first = count - len(rows)
        for number in range(max(self._rows_checked, first), count):
            self._add_row(powers, times_s, levels_db, number - first, cadence_s)
        self._rows_checked = count
        return self.check()

    def _add_row(
        self, powers: NDArray[np.float32], times_s: Floats, levels_db: list[list[float]], i: int, cadence_s: float
    ) -> None:
        """Add row i, and check the step that it completes."""
        span = slice(i - stay_rows(cadence_s) - BEFORE_ROWS, i + 1)
        for k, product in enumerate(self._products):
            if span.start >= 0:
                self._check_step(product, powers[span, :, k], times_s[span], levels_db[k][span], cadence_s)
            product.add(float(times_s[i]), levels_db[k][i])

    def _check_step(
        self,
        product: ProductGain,
        power: NDArray[np.float32],
        times_s: Floats,
        levels_db: list[float],
        cadence_s: float,
    ) -> None:
        """Check for a lasting or a sharp step after two rows."""
        before_db, after_db = median(levels_db[:BEFORE_ROWS]), median(levels_db[BEFORE_ROWS + 1 :])
        # The quick test of the quiet level avoids the test of all bins for most rows.
        if abs(after_db - before_db) >= abs(_QUICK_TEST_DB):
            change_db = common_change_db(power[:BEFORE_ROWS], power[BEFORE_ROWS + 1 :])
            first = BEFORE_ROWS + _first_nearer(levels_db[BEFORE_ROWS:], before_db, after_db)
            product.apply_step(float(times_s[first]), change_db, after_db)
        last_db, *next_db = levels_db[BEFORE_ROWS - 1 : BEFORE_ROWS + 2]
        if math.isnan(after_db) or math.isnan(sum(next_db)):
            # Rows near the step have no level, so it is unknown if the step has stayed.
            return
        jump_db = max(abs(level_db - last_db) for level_db in next_db)
        # If rows are a second long, or rows are missing, a burst may end within one step.
        is_quick = len(power) > BEFORE_ROWS + _MAX_SLOW_STAY_ROWS + 1
        near_s = times_s[BEFORE_ROWS - 1 : BEFORE_ROWS + 2]
        if jump_db >= abs(_QUICK_TEST_DB) and is_quick and _adjacent(near_s, cadence_s):
            product.apply_sharp_step(float(times_s[BEFORE_ROWS]), _sharp_change_db(power), after_db)

    def check(self) -> GainCheck:
        """Return the current change and loss of each product."""
        losses = [product.loss for product in self._products]
        return GainCheck(
            tuple(product.change_db for product in self._products),
            tuple(0.0 if loss is None else loss.lost_db for loss in losses),
            tuple(math.nan if loss is None else loss.since_s for loss in losses),
        )


def _adjacent(times_s: Floats, cadence_s: float) -> bool:
    """Return True if no row is missing between these times.

    Return False while the cadence is unknown.
    """
    steps_s = np.diff(times_s)
    return bool(((steps_s > 0) & (steps_s <= _MAX_STEP_CADENCES * cadence_s)).all())


def _first_nearer(levels_db: list[float], before_db: float, after_db: float) -> int:
    """Return the index of the first level nearer to `after_db`."""
    nearer = (i for i, level_db in enumerate(levels_db) if abs(level_db - after_db) < abs(level_db - before_db))
    return next(nearer, 0)
