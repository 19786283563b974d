"""An archive writer under test, with its ring."""

from recordings import CADENCE_S, recording
from waiting import poll_until

from sunspec_tui.core.recording import slots
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.files.archive.backlog import ArchiveSource
from sunspec_tui.files.archive.writer import ArchiveWriter


class Following:
    """An archive writer under test, with a ring that the test fills."""

    def __init__(self, directory, length=600, nchan=64, **options):
        self.about = recording(0, nchan=nchan)
        self.ring = RingBuffer(length, len(self.about.frequencies_hz), 4)
        self.events = []
        self.followed = ArchiveSource(self.ring, self.about)
        options = {"commit_s": 0.02, "on_event": self.events.append} | options
        self.writer = ArchiveWriter(directory, lambda: self.current(), **options)

    def __enter__(self):
        self.writer.start()
        return self

    def __exit__(self, *_):
        self.writer.stop()

    def current(self):
        """The ring that the writer follows; a test may replace this function."""
        return self.followed

    def add(self, rows):
        places = slots(rows.times_s, CADENCE_S)
        for row, time_s, place in zip(rows.data, rows.times_s.tolist(), places.tolist(), strict=True):
            self.ring.append(row, time_s, place)

    def change(self, about, length=600):
        """Change the axis, as a producer does that restarts with other settings."""
        self.ring = RingBuffer(length, len(about.frequencies_hz), 4, first=self.ring.count)
        self.followed = ArchiveSource(self.ring, about)

    def wait_for(self, count):
        """Wait until `count` rows are written or unwanted."""

        def taken():
            status = self.writer.status()
            return status.rows_written + status.rows_unwanted >= count

        poll_until(taken, 20, lambda: f"{self.writer.status()}")
