"""The archive is shown before the receiver, and without a stream."""

import threading
import time

import numpy as np
import pytest
from day_archives import add_rows
from terminals import PROGRAM, Terminal

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.flux_scale import SFU, load_flux_scale
from sunspec_tui.core.products import Product
from sunspec_tui.core.times import format_clock
from sunspec_tui.timeline import archive_preview
from sunspec_tui.timeline.archive_preview import ArchivePreview
from sunspec_tui.tui.receiver_worker import ReceiverWorker

END_S = 1_755_475_200.0 + 600.0


@pytest.fixture
def archive(tmp_path):
    add_rows(tmp_path / "archive", END_S - 600.0)
    return tmp_path / "archive"


def opened(preview):
    """Start a preview; return True if it has rows."""
    is_open = threading.Event()
    preview.listeners.add(is_open.set)
    preview.start()
    deadline_s = time.monotonic() + 20
    while not is_open.wait(0.01) and not preview.wait(0.0):
        assert time.monotonic() < deadline_s, "the archive was neither opened nor given up"
    return is_open.is_set()


def test_a_preview_is_the_timeline_of_the_archive(archive):
    preview = ArchivePreview(archive)
    assert opened(preview)
    assert (preview.position(), preview.epochs(), preview.rows_between(0, 1)) == (None, (), None)
    timeline = preview.timeline()
    assert timeline.extent().end_s == END_S
    assert sum(part.rows.sum() for part in timeline.blocks(16, END_S - 600, END_S + 1, Product.XX)) == 60
    assert not preview.wait(0.0)


def test_a_preview_has_the_flux_scale_of_the_monitor(archive):
    scale = load_flux_scale("2")
    preview = ArchivePreview(archive, scale)
    assert opened(preview)
    plain = ArchivePreview(archive)
    assert opened(plain)
    assert preview.unit == SFU
    times = (128, END_S - 600, END_S + 1, Product.XX)
    [scaled], [received] = preview.timeline().blocks(*times), plain.timeline().blocks(*times)
    assert scaled.mean == pytest.approx(received.mean * scale.at(np.full(received.mean.shape[1], 50.0)), rel=0.01)


@pytest.mark.parametrize("directory", ["missing", "empty"])
def test_without_rows_the_receiver_need_not_wait(tmp_path, directory):
    (tmp_path / "empty").mkdir()
    preview = ArchivePreview(tmp_path / directory)
    assert not opened(preview)
    assert preview.timeline() is None


def test_an_unreadable_archive_is_reported_by_the_receiver_alone(archive, monkeypatch, caplog):
    def refuse(*_):
        raise ArchiveError("the disk has failed")

    monkeypatch.setattr(archive_preview.ArchiveBlocks, "extent", refuse)
    assert not opened(ArchivePreview(archive))
    assert not caplog.records


def test_an_archive_that_hangs_delays_the_receiver_by_a_moment(archive, monkeypatch):
    hangs = threading.Event()
    monkeypatch.setattr(archive_preview.ArchiveBlocks, "extent", lambda *_: hangs.wait(60))
    made = []

    class Receiver:
        def start(self):
            made.append(self)

        def stop(self, *, deadline_s):
            pass

    worker = ReceiverWorker(
        Receiver, prepare=lambda _: None, on_ready=lambda: None, open_preview=lambda: ArchivePreview(archive)
    )
    worker.end()
    worker.run()
    hangs.set()
    assert made == [worker.receiver]


def test_a_monitor_without_a_stream_shows_the_archive(archive, tmp_path):
    monitor = Terminal(
        [*PROGRAM, "--port", "1", "--plot-interval", "0", "--archive", str(archive)], tmp_path, columns=120
    )
    try:
        monitor.shows("NO STREAM, rows until", format_clock(END_S))
        assert "viridis" in monitor.text
    finally:
        monitor.end()
