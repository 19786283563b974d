"""What was received, for any thread to ask: rows, recordings, files, and the delay of the newest frame.

It copies from the ring and changes nothing in it. It starts nothing; the receiver is one of these, and keeps it filled.
"""

import logging
import math
import threading
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import ExportError, UsageError
from sunspec_tui.core.event_log import tell
from sunspec_tui.core.frame import Frame, quoted
from sunspec_tui.core.products import Product, available, bin_count, derive
from sunspec_tui.core.rebinning import rebinned
from sunspec_tui.core.recording import STATION, Recording
from sunspec_tui.core.ring_buffer import RingBuffer, Rows
from sunspec_tui.core.ring_copy import ring_recording
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.times import span_s
from sunspec_tui.core.version import __version__
from sunspec_tui.files.write import export
from sunspec_tui.monitoring.snapshot import Axis, Position
from sunspec_tui.stream.ingest import Intake
from sunspec_tui.stream.message_delay import DelayMethod

log = logging.getLogger(__name__)

Choice = TypeVar("Choice", bound=StrEnum)

DEFAULT_NCHAN = 3072


class Received:
    """The state that frames leave behind, read under the lock that it stands under.

    Parameters
    ----------
    intake
        That state.
    lock
        Held by whoever changes it.
    product
        Name of the product that is meant where none is named.
    station, source
        Whose data this is, and the stream's address.

    Raises
    ------
    UsageError
        If there is no such product.
    """

    def __init__(self, intake: Intake, lock: threading.Lock, product: str, station: str, source: str) -> None:
        self._intake, self._lock = intake, lock
        self._product = one_of(Product, "product", product)
        self._station = station
        self.source = source

    def set_product(self, product: str) -> None:
        """Show another product in plots and in `get_latest_data`."""
        self._product = one_of(Product, "product", product)

    @property
    def station(self) -> str:
        """Whose data this is: what the user has chosen, else what the stream says, else this telescope."""
        return self._station if self._station != STATION else self._intake.station or STATION

    # Rows

    def get_latest_data(
        self, n_frames: int = 1, product: str | None = None, *, pol: str | None = None
    ) -> NDArray[np.float32]:
        """Return the last rows of one product; the newest row alone by default.

        Parameters
        ----------
        n_frames
            Number of rows; fewer are returned while fewer have arrived.
        product
            Name of the product; the receiver's own by default. Rows come oldest first.
        pol
            Name of the product, as scripts for the newest older receiver write it. Rows come newest first.

        Returns
        -------
        numpy.ndarray
            float32, shape (n, nbins), arbitrary linear units.

        Raises
        ------
        UsageError
            If the number is no whole number of at least 0, or the stream has no such product.
        """
        if product is not None and pol is not None:
            raise UsageError("product and pol both name a product, give one of them")
        count, name = _row_count(n_frames), product if pol is None else pol
        wanted = self._product if name is None else one_of(Product, "product", name)
        ring = self._ring()
        if ring is None:
            nbins = bin_count(DEFAULT_NCHAN, self._intake.channel_average)
            return np.empty((0, nbins), np.float32)
        _check_available(wanted, ring.npol)
        power = derive(ring.latest(count).data, wanted)
        return np.ascontiguousarray(power if pol is None else power[::-1])

    def get_rows(self, n_frames: int | None = None, *, epoch: int | None = None) -> Rows | None:
        """Return the last rows with all products; None before the first frame.

        Parameters
        ----------
        n_frames
            Number of rows; all by default.
        epoch
            Number of an earlier epoch, as in `epochs`; the present one by default.

        Raises
        ------
        UsageError
            If that epoch is not kept, or the number is no whole number of at least 0.
        """
        found = self._epoch(epoch)
        count = None if n_frames is None else _row_count(n_frames)
        return None if found is None else found.ring.latest(count)

    def epochs(self) -> tuple[Epoch, ...]:
        """Return the epochs, the oldest first; the last one still grows.

        A change of the shape or the frequency axis begins an epoch. The last few earlier epochs stay readable, as
        many as fit in their memory budget.
        """
        with self._lock:
            present = self._present()
            return self._intake.past.kept() + (() if present is None else (present,))

    def _present(self) -> Epoch | None:
        """Return the growing epoch, under the lock; None before the first frame."""
        intake = self._intake
        if intake.ring is None or intake.axis is None:
            return None
        return Epoch(intake.epoch, intake.axis, intake.ring, intake.health.cadence_s)

    def _epoch(self, number: int | None = None) -> Epoch | None:
        """Return an epoch; None before the first frame.

        Without a number, it is the present epoch.
        """
        if number is None:
            with self._lock:
                return self._present()
        epochs = self.epochs()
        found = next((each for each in epochs if each.number == number), None)
        if found is None:
            kept = ", ".join(str(each.number) for each in epochs) or "none yet"
            raise UsageError(f"epoch {number} is not kept; kept are {kept}")
        return found

    def _epoch_of_row(self, number: int) -> Epoch | None:
        """Return the epoch of a row number, or else the present one."""
        epochs = self.epochs()
        return next((each for each in epochs if number < each.ring.count), epochs[-1] if epochs else None)

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> Rows | None:
        """Rows by their numbers, those that are still kept; None before the first frame.

        Parameters
        ----------
        start, stop
            Numbers as `Rows.count` gives them: the first row, and the one after the last.
        product
            The product to read; all as received by default.
        """
        ring = self._ring()
        return None if ring is None else ring.between(start, stop, product)

    def position(self) -> Position | None:
        """How far the stream has come; None before the first frame."""
        with self._lock:
            ring, axis, epoch = self._intake.ring, self._intake.axis, self._intake.epoch
            cadence_s = self._intake.health.cadence_s
        ends = ring.ends() if ring else None
        if ring is None or axis is None or ends is None:
            return None
        count = ring.count
        return Position(count, ring.length, *ends, cadence_s, axis, epoch, ring.place(count))

    def number_at(self, slot: int) -> int:
        """Number of the first kept row at or after a place on the time axis."""
        ring = self._ring()
        return 0 if ring is None else ring.number_at(slot)

    def _ring(self) -> RingBuffer | None:
        with self._lock:
            return self._intake.ring

    def last_frame(self) -> Frame | None:
        """The newest frame as it came; None before the first."""
        return self._intake.last_frame

    # Files

    def recording(
        self,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        *,
        epoch: int | None = None,
    ) -> Recording | None:
        """Rows of the ring with all that says what they are; None before the first frame.

        Parameters
        ----------
        start, end
            Only rows that end after `start` and not after `end`: seconds since 1970, a datetime, or text such as
            ``2026-11-25T18:00``, in UTC.
        epoch
            As in `get_rows`.

        Raises
        ------
        UsageError
            If a time cannot be read, or that epoch is not kept.
        """
        whole = self._recording(self._epoch(epoch))
        low, high = span_s(start, end)
        return None if whole is None else whole.between(low, high)

    def rows_recording(self, start: int, stop: int) -> Recording | None:
        """Return rows as a recording; None before the first frame.

        The rows are given by their numbers, and may belong to an earlier epoch.
        """
        return self._recording(self._epoch_of_row(start), (start, stop))

    def _recording(self, epoch: Epoch | None, numbers: tuple[int, int] | None = None) -> Recording | None:
        return None if epoch is None else self._as_recording(epoch.ring, epoch.axis, epoch.cadence_s, numbers)

    def _as_recording(
        self, ring: RingBuffer, axis: Axis, cadence_s: float, numbers: tuple[int, int] | None
    ) -> Recording:
        origin = {"station": self.station, "source": self.source, "software": f"sunspec-tui {__version__}"}
        return ring_recording(ring, axis, cadence_s, numbers=numbers, **origin)

    def export(
        self,
        path: str | Path,
        product: str | None = None,
        *,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        epoch: int | None = None,
        average_time: float | None = None,
        average_channels: int | None = None,
        digits: bool = False,
    ) -> int:
        """Write rows of the ring to a file; returns its size in bytes.

        Parameters
        ----------
        path
            Its ending says the form: FITS (e-CALLISTO), HDF5 (the recorder's), NPZ or CSV.
        product
            What a FITS file holds; the receiver's own by default. The other forms hold all.
        start, end, epoch
            As in `recording`.
        average_time, average_channels
            Seconds of data and neighbouring bins to average, as in `rebinning.rebinned`.
        digits
            Write a FITS file with 8-bit digits, as in `files.write.export`.

        Raises
        ------
        UsageError
            If there is no such ending, product or epoch.
        ExportError
            If there are no rows, or the disk does not take them.
        """
        wanted = self._product if product is None else one_of(Product, "product", product)
        rows = self.recording(start, end, epoch=epoch)
        if rows is not None:
            rows = rebinned(rows, average_time, average_channels)
        return self._written(rows, Path(path), wanted, digits=digits)

    def export_rows(self, path: Path, start: int, stop: int) -> str:
        """Write rows by their numbers, as `rows_between` counts them; says how many of them there were still."""
        rows = self.rows_recording(start, stop)
        nbytes = self._written(rows, path, self._product)
        count = 0 if rows is None else len(rows)
        of = "" if count == stop - start else f" of {stop - start}, the others have left the ring"
        return f"{path}: {count} rows{of}, {nbytes / 1e6:.2f} MB"

    def _written(self, rows: Recording | None, path: Path, product: Product, *, digits: bool = False) -> int:
        if rows is None:
            raise ExportError("nothing has been received yet, there is nothing to export")
        nbytes = export(rows, path, product, digits=digits)
        tell(log, logging.INFO, "export", f"{len(rows)} rows written to {path}", rows=len(rows), bytes=nbytes)
        return nbytes

    # Delay

    def get_current_delay(self) -> float:
        """Message delay of the last frame in seconds; NaN before the first."""
        return self._intake.delay.value_s

    @property
    def delay_method(self) -> DelayMethod:
        """How the delay is found."""
        return self._intake.choice.method

    def set_delay_calculation_method(self, method: str = "auto") -> None:
        """Find the delay by ``auto``, ``buffer`` or ``manual`` from now on.

        Raises
        ------
        UsageError
            If there is no such method.
        """
        chosen = one_of(DelayMethod, "delay method", method)
        with self._lock:
            self._intake.choose_delay(replace(self._intake.choice, method=chosen))

    def set_delay(self, delay_seconds: float) -> None:
        """Set the value of ``manual`` and use it.

        Raises
        ------
        UsageError
            If it is no finite number.
        """
        if not is_number(delay_seconds) or not math.isfinite(delay_seconds):
            raise UsageError(f"a delay of {quoted(delay_seconds)} s cannot be set, it must be a finite number")
        with self._lock:
            choice = replace(self._intake.choice, method=DelayMethod.MANUAL, manual_s=float(delay_seconds))
            self._intake.choose_delay(choice)


def one_of(kind: type[Choice], what: str, name: str) -> Choice:
    """The member of an enumeration that a user has named."""
    try:
        return kind(name)
    except ValueError as error:
        raise UsageError(f"there is no {what} {name!r}; choose one of {', '.join(kind)}") from error


def is_number(value: object) -> bool:
    """Return True for a real number; a bool is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def _row_count(n_frames: object) -> int:
    """Return a number of rows that a user has named."""
    if isinstance(n_frames, bool) or not isinstance(n_frames, (int, np.integer)) or n_frames < 0:
        raise UsageError(f"n_frames is {quoted(n_frames)}, it must be a whole number of at least 0")
    return int(n_frames)


def _check_available(product: Product, npol: int) -> None:
    if product not in available(npol):
        names = ", ".join(available(npol))
        raise UsageError(f"a stream of {npol} products has no {product}; it has {names}")
