"""Loading of the day strip in parts and in a thread."""

import logging
import threading

import numpy as np
import pytest
from growing_timelines import GrowingTimeline
from waiting import poll_until

from sunspec_tui.core.errors import SunspecError
from sunspec_tui.core.products import Product
from sunspec_tui.tui.day_reader import DayReader, DayRequest
from sunspec_tui.tui.display.day_loader import DayLoader
from sunspec_tui.tui.display.day_strip import ColumnState

BEGIN_S = 1_780_840_800  # 2026-06-07 14:00 UTC
COLUMNS = 66


def timeline_of(hours, cadence_s=4.0, bursts=()):
    n = round(hours * 3600 / cadence_s)
    data = np.full((n, 4, 4), 100, np.float32)
    for hour in bursts:
        data[round(hour * 3600 / cadence_s)] *= 20
    return GrowingTimeline.steady(BEGIN_S, cadence_s, data)


def load_all(loader, columns=COLUMNS, shown_s=None):
    for _ in range(1000):
        content, follows = loader.load(columns, shown_s)
        if not follows:
            return content
    raise AssertionError("the loader does not come to an end")


def assert_same(content, other):
    assert not content.columns.differs(other.columns)
    assert content.signs == other.signs


def test_the_newest_part_is_shown_first():
    loader = DayLoader(timeline_of(20, bursts=(1, 19)))
    content, follows = loader.load(COLUMNS)
    assert follows
    states = [*dict.fromkeys(content.columns.states.tolist())]
    assert states == [ColumnState.BEFORE, ColumnState.NOT_LOADED, ColumnState.ROWS]
    whole = load_all(loader)
    assert (whole.columns.excess_db[:, 0] > 10).sum() == 2
    assert ColumnState.NOT_LOADED not in whole.columns.states


def test_a_timeline_without_rows_has_no_content():
    timeline = timeline_of(1)
    timeline.now_s = 0.0
    assert DayLoader(timeline).load(COLUMNS) == (None, False)


@pytest.mark.parametrize("hours", [0.2, 1.9, 2.4, 9])
def test_growing_strip_equals_a_new_one(hours):
    timeline = timeline_of(hours, bursts=(hours * 0.4, hours * 0.9))
    loader = DayLoader(timeline)
    for share in (0.02, 0.3, 0.31, 0.7, 0.99, 1):
        timeline.now_s = BEGIN_S + share * hours * 3600
        load_all(loader)
    grown, new = load_all(loader).columns, load_all(DayLoader(timeline)).columns
    assert grown.window == new.window
    assert (grown.states == new.states).all()
    # Blocks of 16 s that were read while the day was short give nearly the same quiet levels.
    assert np.nanmax(np.abs(grown.excess_db - new.excess_db)) < 0.5


def test_only_new_blocks_are_read():
    timeline = timeline_of(10)
    loader = DayLoader(timeline)
    timeline.now_s = BEGIN_S + 9 * 3600
    load_all(loader)
    timeline.calls.clear()
    assert load_all(loader) is load_all(loader)
    assert not timeline.calls
    for _ in range(30):
        timeline.now_s += 60
        load_all(loader)
    assert len(timeline.calls) <= 45
    assert max(end_s - begin_s for _, begin_s, end_s, _ in timeline.calls) <= 2 * 128


def test_a_call_reads_a_bounded_part():
    timeline = timeline_of(24, cadence_s=16.0)
    load_all(DayLoader(timeline), columns=190)
    assert max((end_s - begin_s) / step_s for step_s, begin_s, end_s, _ in timeline.calls) <= 96
    assert {step_s for step_s, *_ in timeline.calls} == {128}
    assert {product for *_, product in timeline.calls} == {Product.I}


def test_an_earlier_day_is_loaded_and_the_last_one_again():
    timeline = timeline_of(80, cadence_s=32.0, bursts=(5, 70))
    loader = DayLoader(timeline)
    live = load_all(loader)
    earlier = load_all(loader, shown_s=BEGIN_S + 5 * 3600)
    burst = earlier.columns.window.column_of(BEGIN_S + 5 * 3600 + 1)
    assert earlier.columns.excess_db[burst].min() > 10
    assert_same(earlier, load_all(DayLoader(timeline), shown_s=BEGIN_S + 5 * 3600))
    assert_same(load_all(loader), live)


def test_another_frequency_axis_is_loaded_from_the_beginning():
    timeline = timeline_of(3)
    loader = DayLoader(timeline)
    load_all(loader)
    timeline.frequencies_hz = timeline.frequencies_hz * 2
    timeline.data = timeline.data * 100
    content, follows = loader.load(COLUMNS)
    assert not follows
    assert np.nanmax(content.columns.excess_db) < 1


def test_a_part_that_cannot_be_read_stays_not_loaded():
    timeline = timeline_of(20)
    timeline.unreadable_before_s = BEGIN_S + 12 * 3600
    loader = DayLoader(timeline)
    with pytest.raises(SunspecError):
        load_all(loader)
    timeline.now_s = BEGIN_S + 20 * 3600 + 60
    with pytest.raises(SunspecError):
        load_all(loader)
    timeline.unreadable_before_s = -np.inf
    assert_same(load_all(loader), load_all(DayLoader(timeline)))


# The thread


class Reader:
    """A `DayReader` with a clock of its own."""

    def __init__(self, timeline):
        self.now_s, self.news = 0.0, threading.Event()
        self.timeline = timeline
        self.reader = DayReader(self.news.set, lambda: self.now_s)

    def want(self, columns=COLUMNS):
        """Ask for the strip."""
        self.reader.want(DayRequest(self.timeline, columns, None))

    def is_idle(self):
        """Return True if no thread loads."""
        return not any(thread.name == "sunspec-day-strip" for thread in threading.enumerate())

    def load(self, columns=COLUMNS):
        """Ask for the strip, and wait until it is loaded."""
        self.want(columns)
        poll_until(self.is_idle, 10)
        return self.reader.content


def test_a_thread_loads_the_strip_and_ends():
    reader = Reader(timeline_of(10))
    content = reader.load()
    assert reader.news.is_set()
    assert_same(content, load_all(DayLoader(reader.timeline)))


def test_the_timeline_is_asked_again_after_some_seconds():
    reader = Reader(timeline_of(10))
    reader.timeline.now_s = BEGIN_S + 3600
    reader.load()
    reader.timeline.now_s = BEGIN_S + 7200
    reader.timeline.calls.clear()
    reader.load()
    assert not reader.timeline.calls
    reader.now_s += 6
    reader.load()
    assert reader.timeline.calls


def test_another_width_is_loaded_at_once():
    reader = Reader(timeline_of(10))
    reader.load()
    assert reader.load(100).columns.window.columns == 100


def test_a_fault_is_reported_once(caplog):
    reader = Reader(timeline_of(20))
    reader.timeline.unreadable_before_s = BEGIN_S + 12 * 3600
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            reader.load()
            reader.now_s += 61
    assert [record.getMessage() for record in caplog.records] == [
        "a part of the day strip cannot be read: a chunk is damaged; delete it"
    ]
    assert ColumnState.ROWS in reader.reader.content.columns.states


def test_no_thread_begins_after_the_end():
    reader = Reader(timeline_of(1))
    reader.reader.end()
    reader.want()
    assert reader.is_idle()
    assert reader.reader.content is None
