"""Read received rows, epochs and recordings, from any thread.

Rows are copied from the ring buffer, which this module never changes.
"""

import math
import threading
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.argument_checks import parse_choice
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.flux_scale import ARBITRARY, SFU
from sunspec_tui.core.frame import Frame
from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.instrument import STATION
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.products import Product, available, bin_count, derive
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.ring_buffer import RingBuffer, Rows
from sunspec_tui.core.ring_copy import ring_recording
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.core.times import format_date_and_clock, parse_time_range
from sunspec_tui.core.usual_frames import USUAL_NCHAN
from sunspec_tui.core.version import __version__
from sunspec_tui.stream.ingest import FrameIngester


class StreamHistory:
    """Received rows, in the ring buffer and in earlier epochs.

    Parameters
    ----------
    ingester
        Ingester that stores the rows.
    lock
        Lock that protects `ingester`.
    product
        Name of the default product.
    station, source
        Origin of the data, and the stream's address.

    Raises
    ------
    UsageError
        If the product is unknown.
    """

    def __init__(self, ingester: FrameIngester, lock: threading.Lock, product: str, station: str, source: str) -> None:
        self._ingester, self._lock = ingester, lock
        self._product = parse_choice(Product, "product", product)
        self._station, self._source = station, source

    @property
    def product(self) -> Product:
        """Default product."""
        return self._product

    def set_product(self, product: str) -> None:
        """Choose the default product."""
        self._product = parse_choice(Product, "product", product)

    @property
    def unit(self) -> str:
        """Unit of the powers that are read."""
        return ARBITRARY if self._ingester.flux_scale is None else SFU

    @property
    def station(self) -> str:
        """Station of the data.

        It is the user's choice, else that of the stream, else this telescope.
        """
        return self._station if self._station != STATION else self._ingester.station or STATION

    @property
    def source(self) -> str:
        """Origin of the rows: the stream's address.

        If their times are shifted, also the day on which they were recorded.
        """
        day = format_date_and_clock(self._ingester.recorded_s)[:10]
        return f"{self._source}, replay of {day}" if math.isfinite(self._ingester.recorded_s) else self._source

    # Rows

    def get_latest_data(
        self, n_frames: int = 1, product: str | None = None, *, pol: str | None = None
    ) -> NDArray[np.float32]:
        """Return the last rows of one product.

        The newest row alone by default.

        Parameters
        ----------
        n_frames
            Number of rows; fewer are returned while fewer have arrived.
        product
            Name of the product; the receiver's default product if None. The oldest row is first.
        pol
            Name of the product, as in scripts for the newest older receiver. The newest row is first.

        Returns
        -------
        numpy.ndarray
            float32, shape (n, nbins), linear, in `unit`.

        Raises
        ------
        UsageError
            If the number is not a whole number of at least 0, or the stream does not carry the product.
        """
        if product is not None and pol is not None:
            raise UsageError("product and pol both name a product, give one of them")
        count, name = _row_count(n_frames), product if pol is None else pol
        chosen = self._product if name is None else parse_choice(Product, "product", name)
        ring = self.ring()
        if ring is None:
            nbins = bin_count(USUAL_NCHAN, self._ingester.channel_average)
            return np.empty((0, nbins), np.float32)
        _check_available(chosen, ring.npol)
        power = derive(ring.latest(count).data, chosen)
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
            If that epoch is not kept, or the number is not a whole number of at least 0.
        """
        matching = self._epoch(epoch)
        count = None if n_frames is None else _row_count(n_frames)
        return None if matching is None else matching.ring.latest(count)

    def epochs(self) -> tuple[Epoch, ...]:
        """Return the epochs, oldest first; the last one still grows.

        A change of the shape or the frequency axis begins an epoch. Earlier epochs stay readable as long as they fit
        in the memory budget.
        """
        with self._lock:
            present = self._present()
            return self._ingester.past.kept() + (() if present is None else (present,))

    def _present(self) -> Epoch | None:
        """Return the growing epoch.

        None before the first frame. The caller holds the lock.
        """
        ingester = self._ingester
        if ingester.ring is None or ingester.axis is None:
            return None
        return Epoch(ingester.epoch, ingester.axis, ingester.ring, ingester.health.cadence_s)

    def _epoch(self, number: int | None = None) -> Epoch | None:
        """Return an epoch; None before the first frame.

        Without a number, it is the present epoch.
        """
        if number is None:
            with self._lock:
                return self._present()
        epochs = self.epochs()
        matching = next((each for each in epochs if each.number == number), None)
        if matching is None:
            kept = ", ".join(str(each.number) for each in epochs) or "none yet"
            raise UsageError(f"epoch {number} is not kept; kept are {kept}")
        return matching

    def _epoch_of_row(self, number: int) -> Epoch | None:
        """Return the epoch of a row number, or else the present one."""
        epochs = self.epochs()
        return next((each for each in epochs if number < each.ring.count), epochs[-1] if epochs else None)

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> Rows | None:
        """Return rows by their numbers, if still kept.

        None before the first frame.

        Parameters
        ----------
        start, stop
            Number of the first row, and of the row after the last, counted as in `Rows.count`.
        product
            The product to read; by default all products as received.
        """
        ring = self.ring()
        return None if ring is None else ring.between(start, stop, product)

    def position(self) -> Position | None:
        """Return the position of the newest row; None before the first frame."""
        with self._lock:
            ring, axis, epoch = self._ingester.ring, self._ingester.axis, self._ingester.epoch
            cadence_s = self._ingester.health.cadence_s
        ends = ring.ends() if ring else None
        if ring is None or axis is None or ends is None:
            return None
        count = ring.count
        return Position(count, ring.length, *ends, cadence_s, axis, epoch, ring.index_of(count))

    def number_at(self, slot: int) -> int:
        """Return the number of the first kept row from a slot on."""
        ring = self.ring()
        return 0 if ring is None else ring.number_at(slot)

    def ring(self) -> RingBuffer | None:
        """Return the ring of the present epoch; None before the first frame."""
        with self._lock:
            return self._ingester.ring

    def last_frame(self) -> Frame | None:
        """Return the newest frame as received; None before the first."""
        return self._ingester.last_frame

    # Files

    def recording(
        self,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        *,
        epoch: int | None = None,
    ) -> Recording | None:
        """Return the kept rows with their metadata; None before the first frame.

        Parameters
        ----------
        start, end
            Limits of the rows, which end after `start` and not after `end`: seconds since 1970, a datetime, or text
            such as ``2026-11-25T18:00``, in UTC.
        epoch
            Number of an epoch, as in `get_rows`.

        Raises
        ------
        UsageError
            If a time cannot be read, or that epoch is not kept.
        """
        whole = self._recording(self._epoch(epoch))
        low, high = parse_time_range(start, end)
        return None if whole is None else whole.between(low, high)

    def rows_recording(self, start: int, stop: int) -> Recording | None:
        """Return rows, given by their numbers, as a recording.

        None before the first frame.

        The rows may belong to an earlier epoch.
        """
        return self._recording(self._epoch_of_row(start), (start, stop))

    def rows_within(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the present epoch's rows that end between two times.

        None before the first frame.

        Parameters
        ----------
        begin_s, end_s
            Limits in seconds since 1970 UTC; a row that ends at `end_s` is not returned.
        """
        epoch = self._epoch()
        if epoch is None:
            return None
        rows = self._as_recording(epoch.ring, epoch.axis, epoch.cadence_s, epoch.ring.numbers_within(begin_s, end_s))
        # If times went back, other rows lie between them.
        return rows.only((rows.times_s >= begin_s) & (rows.times_s < end_s))

    def _recording(self, epoch: Epoch | None, numbers: tuple[int, int] | None = None) -> Recording | None:
        return None if epoch is None else self._as_recording(epoch.ring, epoch.axis, epoch.cadence_s, numbers)

    def present_epoch(self) -> Epoch | None:
        """Return the epoch that still grows; None before the first frame."""
        return self._epoch()

    def template(self, epoch: Epoch) -> Recording:
        """Return a recording of an epoch without rows."""
        return self._as_recording(epoch.ring, epoch.axis, epoch.cadence_s, (0, 0))

    def _as_recording(
        self, ring: RingBuffer, axis: Axis, cadence_s: float, numbers: tuple[int, int] | None
    ) -> Recording:
        origin = {"station": self.station, "source": self.source, "software": f"sunspec-tui {__version__}"}
        return ring_recording(ring, axis, cadence_s, numbers=numbers, **origin)


def _row_count(n_frames: object) -> int:
    """Check and return the number of rows that a user has given."""
    if isinstance(n_frames, bool) or not isinstance(n_frames, (int, np.integer)) or n_frames < 0:
        raise UsageError(f"n_frames is {short_repr(n_frames)}, it must be a whole number of at least 0")
    return int(n_frames)


def _check_available(product: Product, npol: int) -> None:
    if product not in available(npol):
        names = ", ".join(available(npol))
        raise UsageError(f"a stream of {npol} products has no {product}; it has {names}")
