"""Base class of the receiver that exports its rows."""

import logging
from datetime import datetime
from pathlib import Path

from sunspec_tui.core.argument_checks import parse_choice
from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.event_log import log_event
from sunspec_tui.core.products import Product
from sunspec_tui.core.rebinning import rebinned
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.timeline_export import rows_to_export, unknown_rows_text
from sunspec_tui.core.timeline_source import TimelineSource
from sunspec_tui.files.write import export
from sunspec_tui.older_receiver import OlderReceiver
from sunspec_tui.receiver_options import ReceiverOptions
from sunspec_tui.receiver_parts import ReceiverParts

log = logging.getLogger(__name__)


class ExportingReceiver(OlderReceiver):
    """Recordings of the received rows, and files of them.

    It is a base class and not a part, because recording and export are methods that scripts call on the receiver.

    Attributes
    ----------
    notes
        The observers' notes, which go into each recording.
    """

    def __init__(self, options: ReceiverOptions, parts: ReceiverParts) -> None:
        super().__init__(options, parts)
        self.notes = parts.notes

    def timeline(self) -> TimelineSource:
        """Return rows and blocks of the day, from all sources."""
        return self.parts.timeline

    def recording(
        self,
        start: str | float | datetime | None = None,
        end: str | float | datetime | None = None,
        *,
        epoch: int | None = None,
    ) -> Recording | None:
        """Return rows of the ring as a recording; see `StreamHistory.recording`."""
        return self.notes.attached(self.history.recording(start, end, epoch=epoch))

    def rows_recording(self, start: int, stop: int) -> Recording | None:
        """Return rows by their numbers as a recording; see `StreamHistory.rows_recording`."""
        return self.notes.attached(self.history.rows_recording(start, stop))

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
        """Write rows of the ring to a file.

        Return its size in bytes.

        Parameters
        ----------
        path
            Path of the file. Its ending selects the format: FITS (e-CALLISTO), HDF5 (the recorder's), NPZ or CSV.
        product
            Product of a FITS file; the receiver's own by default. The other formats contain all products.
        start, end, epoch
            As in `recording`.
        average_time, average_channels
            Seconds of data and neighbouring bins to average, as in `rebinning.rebinned`.
        digits
            Write a FITS file with 8-bit digits, as in `files.write.export`.

        Raises
        ------
        UsageError
            If the ending, the product or the epoch is unknown.
        ExportError
            If there are no rows, or they cannot be written.
        """
        wanted = self.history.product if product is None else parse_choice(Product, "product", product)
        rows = self.recording(start, end, epoch=epoch)
        if rows is not None:
            rows = rebinned(rows, average_time, average_channels)
        return self._written(rows, Path(path), wanted, digits=digits)

    def export_rows(self, path: Path, start: int, stop: int) -> str:
        """Write rows by their numbers; return a sentence about the file."""
        rows = self.rows_recording(start, stop)
        nbytes = self._written(rows, path, self.history.product)
        count = 0 if rows is None else len(rows)
        of = "" if count == stop - start else f" of {stop - start}, the others have left the ring"
        return f"{path}: {count} rows{of}, {nbytes / 1e6:.2f} MB"

    def export_times(self, path: Path, begin_s: float, end_s: float) -> str:
        """Write the rows between two times; return a sentence about the file."""
        rows = rows_to_export(self.timeline(), begin_s, end_s).with_notes(self.notes.notes)
        nbytes = self._written(rows, path, self.history.product)
        return f"{path}: {len(rows)} rows{unknown_rows_text(rows, begin_s, end_s)}, {nbytes / 1e6:.2f} MB"

    def _written(self, rows: Recording | None, path: Path, product: Product, *, digits: bool = False) -> int:
        if rows is None:
            raise ExportError("nothing has been received yet, there is nothing to export")
        nbytes = export(rows, path, product, digits=digits)
        log_event(log, logging.INFO, "export", f"{len(rows)} rows written to {path}", rows=len(rows), bytes=nbytes)
        return nbytes
