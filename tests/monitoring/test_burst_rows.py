"""Rows and means of a burst's files are read from a timeline."""

from dataclasses import replace

import numpy as np
import pytest
from archive_timelines import NCHAN, Stretch, write
from burst_values import burst
from timelines import RowTimeline

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_copy import ring_recording
from sunspec_tui.core.ring_epochs import Epoch
from sunspec_tui.files.archive.time_blocks_reader import ArchiveBlocks
from sunspec_tui.monitoring import burst_rows
from sunspec_tui.monitoring.burst_rows import MAX_FILE_S, is_begin_missing, read_burst_rows
from sunspec_tui.plots.burst_picture import limits_around_peak
from sunspec_tui.plots.plot_reduction import MAX_ROWS
from sunspec_tui.timeline.timeline import Timeline

NOON_S = 1_755_518_400.0  # a multiple of all steps
HOUR_S = 3600.0


def timeline(hours, *, npol=4, nbins=8, cadence_s=1.0, begin_s=NOON_S, **values):
    """Return rows from noon on, with ascending power."""
    count = round(hours * HOUR_S / cadence_s)
    power = np.arange(1, count + 1, dtype=np.float32)[:, None, None]
    return replace(RowTimeline.steady(begin_s, cadence_s, np.tile(power, (1, nbins, npol))), **values)


@pytest.mark.parametrize(
    ("begin_s", "peak_s", "end_s", "limits"),
    [
        (0, 5, 20, (-15, 35)),
        (0, 100, 200, (-50, 250)),
        (0, 100, 1000, (-120, 1120)),
        (0, 100, 10_000, (-120, 1680)),
        (0, 5000, 10_000, (4100, 5900)),
        (0, 9_990, 10_000, (8320, 10_120)),
    ],
)
def test_the_limits_have_the_burst_or_the_time_around_its_peak(begin_s, peak_s, end_s, limits):
    found = limits_around_peak(burst(begin_s, end_s, peak_s=peak_s), MAX_FILE_S)
    assert found == limits
    assert found[1] - found[0] <= MAX_FILE_S


def test_a_short_burst_has_its_rows_in_both():
    found = read_burst_rows(timeline(0.5), burst(NOON_S + 600))
    assert found.rows is found.shown
    assert found.rows.products == (Product.I,)
    assert (found.rows.times_s[0], found.rows.times_s[-1]) == (NOON_S + 585, NOON_S + 634)
    np.testing.assert_allclose(np.diff(found.rows.times_s), 1.0)
    # I is the mean of XX and YY, and row n ends n seconds after noon.
    np.testing.assert_allclose(found.rows.data[:, 0, 0], found.rows.times_s - NOON_S)


def test_one_product_is_kept_as_it_is():
    assert read_burst_rows(timeline(0.5, npol=1), burst(NOON_S + 600)).rows.products == (Product.XX,)


def test_a_burst_of_hours_is_shown_by_means_and_its_file_has_half_an_hour():
    long = burst(NOON_S + HOUR_S, NOON_S + 5 * HOUR_S, peak_s=NOON_S + 2 * HOUR_S)
    found = read_burst_rows(timeline(6), long)
    assert found.rows.times_s[0] == long.peak_s - MAX_FILE_S / 2
    assert len(found.rows) == MAX_FILE_S
    assert found.shown.cadence_s == 16.0
    assert 4 * HOUR_S / 16 < len(found.shown) < MAX_ROWS
    assert found.shown.times_s[0] <= long.begin_s <= long.end_s <= found.shown.times_s[-1]
    # Rows n to n + 15 end within a block: the mean of their powers is 7.5 above the first one.
    np.testing.assert_allclose(found.shown.data[:, 0, 0], found.shown.times_s - NOON_S - 16 + 7.5)


def test_a_burst_of_days_has_a_picture_of_one_day():
    days = burst(NOON_S, NOON_S + 50 * HOUR_S, peak_s=NOON_S + HOUR_S)
    shown = read_burst_rows(timeline(50, cadence_s=64.0), days).shown
    assert shown.times_s[-1] - shown.times_s[0] == pytest.approx(24 * HOUR_S, abs=300)
    assert shown.cadence_s == 128.0


def test_first_rows_that_are_forgotten_are_shown_by_means():
    rows = timeline(1, coarse_before_s=NOON_S + 1800)
    found = read_burst_rows(rows, burst(NOON_S + 1200, NOON_S + 2400, peak_s=NOON_S + 2000))
    assert found.rows.times_s[0] == NOON_S + 1800
    assert found.shown.times_s[0] < NOON_S + 1200
    assert is_begin_missing(found.rows, burst(NOON_S + 1200))
    assert not is_begin_missing(found.shown, burst(NOON_S + 1200))


def test_a_forgotten_peak_leaves_the_newest_rows():
    rows = timeline(3, coarse_before_s=NOON_S + 2.75 * HOUR_S)
    found = read_burst_rows(rows, burst(NOON_S, NOON_S + 3 * HOUR_S, peak_s=NOON_S + 60))
    assert found.rows.times_s[0] == NOON_S + 2.75 * HOUR_S
    assert found.shown.times_s[0] == NOON_S + 16


def test_no_rows_are_none():
    assert read_burst_rows(timeline(0.01), burst(NOON_S + HOUR_S)) is None
    assert read_burst_rows(timeline(0.5, coarse_before_s=np.inf), burst(NOON_S + 600)) is None
    # Rows of the margin alone show nothing of the burst.
    assert read_burst_rows(timeline(0.5), burst(NOON_S - 24, NOON_S - 4)) is None


def test_rows_of_archive_and_ring_are_joined(tmp_path):
    # Ten minutes of rows: the ring has the last 200 s of them, the archive has all but the last two minutes.
    stretch = Stretch(NOON_S, 2400)
    rows = stretch.recording()
    write(tmp_path / "archive", rows.only(slice(0, 1920)))
    ring, axis = RingBuffer(800, NCHAN // 4, 4), Axis(560, NCHAN, 4, 4)
    for number in range(1600, 2400):
        ring.append(rows.data[number], float(rows.times_s[number]), number)
    received = ring_recording(ring, axis, 0.25)
    joined = Timeline(
        lambda: (Epoch(0, axis, ring, 0.25),),
        lambda begin_s, end_s: received.only((received.times_s >= begin_s) & (received.times_s < end_s)),
        ArchiveBlocks(tmp_path / "archive"),
    )
    joined.update()
    found = read_burst_rows(joined, burst(NOON_S + 120, NOON_S + 500))
    inside = rows.between(NOON_S + 25 - 0.1, NOON_S + 595 - 0.1)
    assert found.shown is found.rows
    np.testing.assert_allclose(found.rows.times_s, inside.times_s, atol=1e-5)
    np.testing.assert_allclose(found.rows.data[..., 0], inside.power(Product.I), rtol=1e-3)


def test_the_rows_of_a_file_need_little_memory(monkeypatch):
    monkeypatch.setattr(burst_rows, "MAX_FILE_NBYTES", 4 * 8 * 300)
    found = read_burst_rows(timeline(0.5), burst(NOON_S + 100, NOON_S + 1500))
    assert found.rows.times_s[-1] == NOON_S + 1619
    assert len(found.rows) == 300
    assert found.shown.times_s[0] < NOON_S + 100


def test_an_archive_that_fails_leaves_the_rows(caplog):
    class Failing(RowTimeline):
        def blocks(self, step_s, begin_s, end_s, product):
            raise ArchiveError("the disk has failed")

    found = read_burst_rows(Failing(**vars(timeline(0.5, begin_s=NOON_S + 60))), burst(NOON_S, NOON_S + 600))
    assert found.rows is found.shown
    assert "has no means: the disk has failed" in caplog.text
