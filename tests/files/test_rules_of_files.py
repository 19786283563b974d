"""Tests of times and row numbers in files and views.

These are FITS files, the archive, the web view and columns of the picture.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from astropy.io import fits
from recordings import CADENCE_S, recording

from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.files.archive.layout import microseconds, split_by_day
from sunspec_tui.files.callisto_fits import write_callisto
from sunspec_tui.tui.display.column_store import ColumnStore
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.history_messages import History


def test_the_times_of_a_fits_file_are_beginnings_from_its_first_row_on(tmp_path):
    rows = recording(6, gaps=(3,))
    write_callisto(rows, tmp_path / "a.fits", Product.XX)
    with fits.open(tmp_path / "a.fits") as opened:
        offsets_s, header = opened[1].data["TIME"][0], opened[0].header
    np.testing.assert_allclose(offsets_s, rows.times_s - rows.times_s[0], atol=1e-6)
    assert offsets_s[0] == 0
    begin_s = header["CRVAL1"] % 60
    assert begin_s == pytest.approx((rows.times_s[0] - CADENCE_S) % 60, abs=1e-5)


@pytest.mark.parametrize(
    ("times_s", "times_us"),
    [
        ([1_755_552_894.787341], [1_755_552_894_787_341]),
        ([0.0000004, 0.0000006], [0, 1]),
        ([1_755_552_894.000001, 1_755_552_894.999999], [1_755_552_894_000_001, 1_755_552_894_999_999]),
    ],
)
def test_the_archive_rounds_times_to_microseconds(times_s, times_us):
    assert microseconds(np.array(times_s)).tolist() == times_us


@pytest.mark.parametrize(
    ("times_s", "runs"),
    [
        ([0, 1, 2], [(0, 3)]),
        ([0, 2, 1, 3], [(0, 2), (2, 4)]),
        ([5, 5, 5], [(0, 3)]),
        ([86_399, 86_400, 86_401], [(0, 1), (1, 3)]),
        ([86_399.9999996, 86_400], [(0, 2)]),
        ([], []),
    ],
)
def test_stretches_of_the_archive_end_where_a_day_begins_or_time_goes_back(times_s, runs):
    assert [(run.start, run.stop) for run in split_by_day(np.array(times_s, float))] == runs


@pytest.mark.parametrize(("since", "first", "following"), [(0, 3, 8), (5, 5, 8), (7, 7, 8)])
def test_a_message_of_the_web_view_numbers_its_rows_as_the_ring_does(since, first, following):
    ring = RingBuffer(5, 4, 1)
    for n in range(8):
        ring.append(np.full((4, 1), n, np.float32), n * 0.25, n + 100)
    history = History(Product.XX, 2, 4)
    history.most = 8 - since
    assert history.extend(SimpleNamespace(rows_between=ring.between), 8)
    message = history.message()
    found = row_messages.decode(message)
    assert (found.first, row_messages.next_number(message), found.epoch) == (first, following, 2)
    assert found.slots.tolist() == [n + 100 for n in range(first, 8)]
    assert found.times_s.tolist() == [n * 0.25 for n in range(first, 8)]


def test_a_column_has_the_times_of_its_first_and_its_newest_row_in_whatever_order_blocks_come():
    def rows(*slots):
        placed = np.array(slots, np.int64)
        return np.ones((len(placed), 2), np.float32), placed * 1.0, placed, np.zeros(len(placed), np.uint8)

    ordered, backwards = ColumnStore(4, 2, 4), ColumnStore(4, 2, 4)
    for block in ((0,), (1, 2), (3,)):
        ordered.add(*rows(*block))
    for block in ((3,), (1, 2), (0,)):
        backwards.add(*rows(*block))
    assert ordered.times_s([0]) == backwards.times_s([0]) == [3.0]
