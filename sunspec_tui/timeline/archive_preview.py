"""Timeline of an archive, shown before there is a receiver.

It needs few of the receiver's libraries.
"""

import threading
from pathlib import Path

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.flux_scale import ARBITRARY, SFU, FluxScale
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.core.products import Product
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.timeline.scaled_archive import ScaledArchive
from sunspec_tui.timeline.timeline import StoredTimeline, Timeline


class ArchivePreview:
    """Archive as a source of rows for the screen, without a stream.

    A thread of its own opens the archive, so that a disk that hangs does not delay the receiver.

    Parameters
    ----------
    directory
        Directory of the archive.
    scale
        The flux scale; None for powers as received.

    Attributes
    ----------
    unit
        Unit of the powers.
    listeners
        Called when the archive is open.
    """

    def __init__(self, directory: Path, scale: FluxScale | None = None) -> None:
        self._directory, self._scale = directory, scale
        self.unit = ARBITRARY if scale is None else SFU
        self.listeners = Listeners()
        self._timeline: Timeline | None = None
        self._settled = threading.Event()

    def start(self) -> None:
        """Start to open the archive."""
        threading.Thread(target=self._open, name="sunspec-preview", daemon=True).start()

    def _open(self) -> None:
        # The receiver reports what it cannot read.
        archive: StoredTimeline = ArchiveBlocks(self._directory, reports=False)
        if self._scale is not None:
            archive = ScaledArchive(archive, self._scale)
        try:
            has_rows = archive.extent() is not None
        except SunspecError:
            has_rows = False
        if not has_rows:
            self.settle()
            return
        timeline = Timeline(lambda: (), lambda _begin_s, _end_s: None, archive)
        timeline.update()
        self._timeline = timeline
        self.listeners.notify()

    def settle(self) -> None:
        """Note that the picture is complete, or that there is none."""
        self._settled.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until `settle` was called; return False after the timeout."""
        return self._settled.wait(timeout_s)

    # The source of the screen

    def timeline(self) -> Timeline | None:
        """Return the timeline; None before the archive is open."""
        return self._timeline

    def position(self) -> None:
        """Return None: there is no stream yet."""

    def rows_between(self, start: int, stop: int, product: Product | None = None) -> None:
        """Return None: there is no stream yet."""

    def number_at(self, slot: int) -> int:  # noqa: ARG002 - as a receiver has it
        """Return 0: there is no stream yet."""
        return 0

    def epochs(self) -> tuple[()]:
        """Return no epoch: there is no stream yet."""
        return ()
