"""Find bursts in the rows of the ring, in a thread.

The thread reads rows after they were received, so a slow or broken detector never delays the stream. Rows that no
detector has seen are counted.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.active_time import join_within
from sunspec_tui.core.bursts import Burst
from sunspec_tui.core.errors import error_text
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import WIRE_PRODUCTS, Product
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.monitoring.burst_status import RowCounts
from sunspec_tui.monitoring.cadence_watch import CadenceWatch
from sunspec_tui.monitoring.row_order import is_next_needed, rows_in_order

log = logging.getLogger(__name__)

BATCH_ROWS = 64
"""Largest number of rows that are given to the detector at once."""

FIRST_PAUSE_ROWS, MAX_PAUSE_ROWS = 16, 4096
"""Rows that are left out after an error of the detector, and after many in succession."""

WORKING_ROWS = 1024
"""Number of rows after which a detector counts as working again."""

# The archive needs most of the time that the end of the program may take.
_LAST_ROWS_S, _JOIN_S = 0.5, 1.0
_MAX_ERROR_CHARACTERS = 200


class Detector(Protocol):
    """Detector of bursts in rows of one axis, in time order."""

    def feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32]) -> tuple[Burst, ...]:
        """Add rows; return the bursts that were opened, updated or closed."""
        ...

    def close(self) -> tuple[Burst, ...]:
        """End the rows; return the bursts that were open."""
        ...


MakeDetector = Callable[[NDArray[np.float64], tuple[Product, ...], str], Detector]
"""Makes a detector of frequencies in Hz, products and the source's name."""


class BurstFollower:
    """Follower of the ring's rows, with a detector.

    Parameters
    ----------
    epochs
        Returns the epochs of the ring, oldest first.
    make_detector
        Makes a detector; called again when the axis, the products or the cadence change, when time goes back, and after
        an error.
    source
        Name of the stream.
    on_changes
        Called with bursts that were opened, updated or closed, and after each look at the ring with none; from the
        follower's thread.
    on_problem
        Called with a sentence when the detector fails, and with an empty text when it works again.
    poll_s
        Time from one look at the ring to the next, seconds.

    Attributes
    ----------
    problem
        Sentence about a detector that fails; else empty.
    data_s
        Time of the newest row that was read; NaN before the first one.
    """

    def __init__(
        self,
        epochs: Callable[[], tuple[Epoch, ...]],
        make_detector: MakeDetector,
        source: str,
        *,
        on_changes: Callable[[tuple[Burst, ...]], None],
        on_problem: Callable[[str], None],
        poll_s: float,
    ) -> None:
        self._epochs, self._make_detector, self._source = epochs, make_detector, source
        self._on_changes, self._on_problem, self._poll_s = on_changes, on_problem, poll_s
        self.problem, self.data_s = "", math.nan
        self._detector: Detector | None = None
        self._cadence = CadenceWatch()
        self._epoch: Epoch | None = None
        # Rows are numbered from 0 on, also across epochs.
        self._next_row = 0
        self._seen = self._skipped = 0
        # After an error: rows to leave out now and after the next error, and rows without an error since then.
        self._pause_rows, self._next_pause_rows, self._good_rows = 0, FIRST_PAUSE_ROWS, 0
        self._open: dict[str, Burst] = {}
        self._ending, self._end_by_s = threading.Event(), math.inf
        self._thread: threading.Thread | None = None

    @property
    def counts(self) -> RowCounts:
        """Rows that were searched, left out, and not read yet."""
        epochs = self._epochs()
        newest = epochs[-1].ring.count if epochs else 0
        return RowCounts(self._seen, self._skipped, max(0, newest - self._next_row))

    # Start and stop

    def start(self) -> None:
        """Start the thread; without effect while it runs."""
        if self._thread is None:
            self._ending, self._end_by_s = threading.Event(), math.inf
            self._thread = threading.Thread(target=self._run, name="sunspec-bursts", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Read the last rows, close the open bursts, and stop the thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._end_by_s = time.monotonic() + _LAST_ROWS_S
        self._ending.set()
        if not join_within(thread, _JOIN_S):
            log.error("the burst detector does not return and is abandoned; restart the program to search for bursts")

    def _run(self) -> None:
        while not self._ending.wait(self._poll_s):
            self.update()
        self.update()
        self.close()

    # Rows

    def update(self) -> None:
        """Search the rows that have come since the last call."""
        epochs = self._epochs()
        for epoch in epochs:
            if self._epoch is None or epoch.number >= self._epoch.number:
                self._follow(epoch, goes_on=epoch is epochs[-1] and not self._ending.is_set())
        self._publish(())

    def close(self) -> None:
        """Close the open bursts; later rows get a new detector."""
        detector, self._detector = self._detector, None
        self._cadence.forget()
        changes: tuple[Burst, ...] = ()
        try:
            changes = () if detector is None else detector.close()
        except Exception as error:  # noqa: BLE001 - a detector must not end the thread
            self._fail(error)
        self._publish(changes)
        self._publish(replace(burst, is_open=False) for burst in tuple(self._open.values()))

    def _follow(self, epoch: Epoch, *, goes_on: bool) -> None:
        """Search the new rows of an epoch.

        If it goes on, a last row with an odd time waits for the next.
        """
        if not epoch.ring.filled:
            return
        if self._epoch is None or epoch.number != self._epoch.number:
            self.close()
        self._epoch, ring = epoch, epoch.ring
        while time.monotonic() < self._end_by_s:
            self._skip_to(ring.count - ring.filled)
            rows = ring.between(self._next_row, self._next_row + BATCH_ROWS, scaled=False)
            if goes_on and is_next_needed(rows.times_s, self.data_s):
                rows = rows.first(len(rows) - 1)
            if len(rows):
                # Some rows may have left the ring since its oldest row was read.
                self._skip_to(rows.count - len(rows))
                self._next_row = rows.count
                self._search(rows, epoch)
            elif self._next_row >= ring.count - ring.filled:
                return

    def _skip_to(self, number: int) -> None:
        """Count the rows before a number as left out."""
        if number > self._next_row:
            self._skipped += number - self._next_row
            self._next_row = number

    def _search(self, rows: Rows, epoch: Epoch) -> None:
        """Give rows to the detector; count those that it does not get."""
        seen = 0
        for goes_back, numbers in rows_in_order(rows.times_s, self.data_s):
            if goes_back:
                self.close()
            kept = numbers[self._pause_rows :]
            self._pause_rows -= len(numbers) - len(kept)
            self.data_s = float(rows.times_s[numbers[-1]])
            # A slice makes no copy in the usual case.
            chosen: slice | NDArray[np.intp] = slice(None) if len(kept) == len(rows) else kept
            if len(kept) and self._feed(rows.times_s[chosen], rows.data[chosen], epoch):
                seen += len(kept)
        self._seen += seen
        self._skipped += len(rows) - seen

    def _feed(self, times_s: NDArray[np.float64], data: NDArray[np.float32], epoch: Epoch) -> bool:
        """Search rows; return False if the detector has failed."""
        if self._cadence.has_changed(times_s):
            self.close()
        try:
            if self._detector is None:
                products = WIRE_PRODUCTS[: epoch.ring.npol]
                self._detector = self._make_detector(epoch.axis.frequencies_mhz * 1e6, products, self._source)
            changes = self._detector.feed(times_s, data)
        except Exception as error:  # noqa: BLE001 - a detector must not end the thread
            self._fail(error)
            return False
        self._note_good_rows(len(times_s))
        self._publish(changes)
        return True

    # Results and errors

    def _publish(self, changes: Iterable[Burst]) -> None:
        changes = tuple(changes)
        for burst in changes:
            if burst.is_open:
                self._open[burst.name] = burst
            else:
                self._open.pop(burst.name, None)
        try:
            self._on_changes(changes)
        except Exception as error:  # noqa: BLE001 - invalid values of a burst must not end the thread
            self._note_problem("a burst has invalid values and is left out", error)

    def _fail(self, error: Exception) -> None:
        """Drop the detector for a while; report its first error."""
        self._detector = None
        self._pause_rows = self._next_pause_rows
        self._next_pause_rows = min(2 * self._next_pause_rows, MAX_PAUSE_ROWS)
        self._note_problem("bursts are not found: the detector has failed and is tried again", error)
        self.close()

    def _note_problem(self, what: str, error: Exception) -> None:
        self._good_rows = 0
        if not self.problem:
            why = printable(error_text(error), _MAX_ERROR_CHARACTERS)
            self.problem = f"{what} ({why}); receiving continues: report the error, or use --no-bursts"
            log.debug("the burst search has failed", exc_info=error)
            self._on_problem(self.problem)

    def _note_good_rows(self, count: int) -> None:
        self._good_rows += count
        if self.problem and self._good_rows >= WORKING_ROWS:
            self.problem, self._next_pause_rows = "", FIRST_PAUSE_ROWS
            self._on_problem("")
