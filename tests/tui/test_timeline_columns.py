"""The columns of a timeline equal those of its rows."""

import math
import threading

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from timelines import RowTimeline

from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.axes import ColumnAxis
from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.picture_values import ColumnContent, PixelCode
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.timeline_fetcher import TimelineFetcher
from sunspec_tui.tui.display.timeline_loader import TimelineLoader, TimelineRequest

BEGIN_S = 1_780_857_600.0
NBINS = 4
QUARTERS = TimeSlots(0.25)


def timeline_of(times_s, cadence_s, missing=None, restarts=None, seed=1):
    """Return a timeline with random powers."""
    n = len(times_s)
    data = np.random.default_rng(seed).uniform(1, 9, (n, NBINS, 4)).astype(np.float32)
    none = np.zeros(n, np.int64)
    return RowTimeline(
        np.asarray(times_s, np.float64),
        data,
        np.broadcast_to(np.asarray(cadence_s, np.float64), n).copy(),
        none if missing is None else missing,
        none.astype(bool) if restarts is None else restarts,
        1e7 + 1e5 * np.arange(NBINS),
    )


def loaded(timeline, request):
    """Return the loader after all parts are fetched."""
    loader = TimelineLoader()
    load(loader, timeline, request)
    return loader


def load(loader, timeline, request):
    extent_now = timeline.extent()
    loader.load(timeline, request, extent_now)
    while loader.loading:
        loader.fetcher.wait(10)
        loader.load(timeline, request, extent_now)


def request_of(cell_slots, columns=30, paused_at=None, product=Product.XX, cell_px=1, slots=QUARTERS):
    grid = ColumnGrid(cell_slots, cell_px, slots.steps)
    return TimelineRequest(b"axis", NBINS, grid.kept_columns(columns), product, grid, slots, paused_at)


def brute_force(timeline, request, number, product=Product.XX):
    """Return the values of a column from its rows; None without rows."""
    first, stop = (request.slots.begin_s(request.grid.first_slot(number + n)) for n in (0, 1))
    which = (timeline.times_s >= first) & (timeline.times_s < stop)
    if not which.any():
        return None
    rows = timeline.data[which, :, 0].astype(np.float64)
    return rows.mean(axis=0), rows.max(axis=0), int(timeline.missing[which].sum()), bool(timeline.restarts[which].any())


@st.composite
def timelines(draw):
    """Rows in runs, with gaps, restarts and changes of the cadence."""
    times_s, cadences_s, missing, restarts = [], [], [], []
    now_s = BEGIN_S + draw(st.floats(0, 5))
    for _ in range(draw(st.integers(1, 4))):
        cadence_s = draw(st.sampled_from([0.25, 0.2508, 0.3, 0.5]))
        lost = draw(st.integers(0, 400))
        now_s += lost * cadence_s
        for n in range(draw(st.integers(1, 150))):
            now_s += cadence_s
            times_s.append(round(now_s, 6))
            cadences_s.append(cadence_s)
            missing.append(0 if n else lost)
            restarts.append(n == 0 and draw(st.booleans()))
    return timeline_of(times_s, cadences_s, np.array(missing), np.array(restarts))


@settings(max_examples=extent(40, 300), deadline=None)
@given(
    timeline=timelines(),
    cell_slots=st.sampled_from([2, 3, 5, 16, 20, 33, 128, 150, 1030]),
    cell_px=st.sampled_from([1, 1, 5]),
    paused_back=st.one_of(st.none(), st.integers(0, 700)),
)
def test_the_picture_of_the_timeline_is_that_of_its_rows(timeline, cell_slots, cell_px, paused_back):
    newest = QUARTERS.slot_at(timeline.extent().end_s)
    paused_at = None if paused_back is None else newest - paused_back
    request = request_of(max(cell_slots, 2 * cell_px), cell_px=cell_px, paused_at=paused_at)
    picture = loaded(timeline, request).picture
    store, last = picture.store, request.grid.number_of(newest if paused_at is None else paused_at)
    assert store.newest == last
    for number in range(last - request.columns + 1, last + 1):
        expected = brute_force(timeline, request, number)
        if expected is None:
            assert not store.has_rows(number) or _is_covered(timeline, request, number)
            continue
        mean, peak = (each[0] for each in store.statistics([number]))
        np.testing.assert_allclose(mean, expected[0], rtol=1e-5)
        np.testing.assert_allclose(peak, expected[1], rtol=1e-6)
        assert store.missing(number) == expected[2]
        assert store.restarted(number) == expected[3]


def _is_covered(timeline, request, number):
    """Return True if a row or block covers the column partly."""
    first, stop = (request.slots.begin_s(request.grid.first_slot(number + n)) for n in (0, 1))
    step_s = max(request.step_s, timeline.coarse_s if first < timeline.coarse_before_s else 0)
    begins_s = timeline.times_s - timeline.cadence_s
    longest_s = step_s + timeline.cadence_s.max()
    return bool(((begins_s < stop) & (timeline.times_s >= first) & (timeline.times_s < stop + longest_s)).any())


def test_a_gap_is_as_wide_as_its_time_and_rows_before_the_first_are_none():
    times_s = BEGIN_S + np.concatenate([np.arange(1, 41), np.arange(61, 101)]) * 0.25
    timeline = timeline_of(times_s, 0.25)
    request = request_of(1, columns=120)
    picture = loaded(timeline, request).picture
    axis = ColumnAxis(120, picture.store.newest, grid=request.grid)
    steps = picture.steps(axis, 8)
    assert steps.shape == (120, 0)
    numbers = np.array(axis.numbers)
    stored = picture.store.stored(numbers)
    assert np.diff(np.flatnonzero(np.diff(stored.astype(int)))).tolist() == [40, 20]
    gap = picture.cell_value(int(numbers[-50]), 0)
    assert gap.content is ColumnContent.GAP
    assert gap.gap_s == (times_s[39], times_s[40])
    assert picture.cell_value(int(numbers[0]), 0).content is ColumnContent.BEFORE


@pytest.mark.parametrize(("cadence_s", "cell_slots"), [(10.0, 4), (1.0, 1), (0.2508, 1), (3.0, 3)])
def test_a_row_is_drawn_in_all_columns_that_it_covers(cadence_s, cell_slots):
    timeline = timeline_of(BEGIN_S + cadence_s * np.arange(1, 60), cadence_s)
    request = request_of(cell_slots)
    store = loaded(timeline, request).picture.store
    assert len(store.stored_numbers()) == request.columns
    for number in store.stored_numbers():
        last_s = request.slots.begin_s(request.grid.first_slot(number + 1))
        row = np.searchsorted(timeline.times_s, last_s)
        expected = brute_force(timeline, request, number) or (timeline.data[row, :, 0],)
        np.testing.assert_allclose(store.statistics([number])[0][0], expected[0], rtol=1e-6)


@pytest.mark.parametrize("step_s", [2, 16, 128])
def test_a_block_longer_than_a_column_is_drawn_over_its_rows_and_counted_once(step_s):
    times_s = BEGIN_S + np.arange(1, 2400) * 0.25
    missing = (np.arange(2399) == 1900).astype(np.int64) * 3
    timeline = timeline_of(times_s, 0.25, missing)
    timeline.coarse_before_s, timeline.coarse_s = times_s[-1] + 1000, step_s
    request = request_of(2, columns=600)
    store = loaded(timeline, request).picture.store
    numbers = store.stored_numbers()
    assert len(numbers) == request.columns
    for number in numbers[10:-10:7]:
        begin_s = request.slots.begin_s(request.grid.first_slot(number)) // step_s * step_s
        which = (times_s >= begin_s) & (times_s < begin_s + step_s)
        np.testing.assert_allclose(store.statistics([number])[0][0], timeline.data[which, :, 0].mean(axis=0), rtol=1e-5)
        assert store.block_s(number) == step_s
    assert store.longest_block_s() == step_s
    lacking = np.array(numbers)[store.lacking(np.array(numbers))]
    assert {store.missing(int(number)) for number in lacking} == {3}
    assert len(lacking) == step_s * 2


def test_live_columns_follow_and_only_the_open_ones_are_fetched_again():
    clock_s = [0.0]
    times_s = BEGIN_S + np.arange(1, 4001) * 0.25
    whole = timeline_of(times_s, 0.25)
    request = request_of(64, columns=30)
    loader = TimelineLoader(lambda: clock_s[0])
    growing = timeline_of(times_s[:3000], 0.25)
    growing.data = whole.data[:3000]
    load(loader, growing, request)
    growing.calls.clear()
    for count in range(3001, 4001):
        growing.times_s, growing.data = times_s[:count], whole.data[:count]
        growing.cadence_s, growing.missing, growing.restarts = (
            each[:count] for each in (whole.cadence_s, whole.missing, whole.restarts)
        )
        clock_s[0] += 0.25
        load(loader, growing, request)
    clock_s[0] += 10
    load(loader, growing, request)
    longest_s = max(end_s - begin_s for _, begin_s, end_s, _ in growing.calls)
    assert longest_s <= 3 * 16
    fresh = loaded(whole, request).picture.store
    followed = loader.picture.store
    assert followed.stored_numbers() == fresh.stored_numbers()
    for number in followed.stored_numbers():
        for one, other in zip(followed.statistics([number]), fresh.statistics([number]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_another_span_and_the_way_back_read_no_finished_part_twice():
    timeline = timeline_of(BEGIN_S + np.arange(1, 20_000) * 0.25, 0.25)
    loader = TimelineLoader()
    for cell_slots in (16, 128, 16, 128):
        load(loader, timeline, request_of(cell_slots, columns=60))
    parts = [call for call in timeline.calls if call[2] <= timeline.extent().finished_s]
    assert len(parts) == len(set(parts))
    loader.fetcher.stop()


class WaitingTimeline(RowTimeline):
    """Timeline whose parts wait until the test allows them."""

    allowed: threading.Semaphore

    def blocks(self, step_s, begin_s, end_s, product):
        """Return blocks when they are allowed."""
        assert self.allowed.acquire(timeout=60)
        return super().blocks(step_s, begin_s, end_s, product)


def test_an_incomplete_picture_is_drawn_only_now_and_then():
    rows = timeline_of(BEGIN_S + np.arange(1, 4000) * 0.25, 0.25)
    timeline = WaitingTimeline(**{name: getattr(rows, name) for name in rows.__dataclass_fields__})
    timeline.allowed = threading.Semaphore(0)
    clock, fetched = [50.0], threading.Event()
    loader = TimelineLoader(lambda: clock[0])
    loader.fetcher.on_fetched = fetched.set
    request, extent_now = request_of(2, columns=1900), timeline.extent()
    # The empty picture of a new request is drawn at once.
    assert loader.load(timeline, request, extent_now)
    drawn = []
    for seconds in (0.0, 0.02, 0.2):
        timeline.allowed.release()
        assert fetched.wait(60)
        fetched.clear()
        clock[0] += seconds
        drawn.append(loader.load(timeline, request, extent_now))
    assert drawn == [False, False, True]
    timeline.allowed.release(100)
    while loader.loading:
        loader.fetcher.wait(60)
        is_drawn = loader.load(timeline, request, extent_now)
    # The complete picture is drawn, however soon it follows.
    assert is_drawn
    loader.fetcher.stop()


class BrokenTimeline(RowTimeline):
    """Timeline whose middle cannot be read."""

    def blocks(self, step_s, begin_s, end_s, product):
        """Return blocks, or fail."""
        if begin_s <= self.times_s[len(self.times_s) // 2] < end_s:
            raise OSError("the disk is gone")
        return super().blocks(step_s, begin_s, end_s, product)


def test_a_part_that_cannot_be_read_is_not_a_gap_and_is_reported_once(caplog):
    timeline = timeline_of(BEGIN_S + np.arange(1, 4000) * 0.25, 0.25)
    broken = BrokenTimeline(**{name: getattr(timeline, name) for name in timeline.__dataclass_fields__})
    request = request_of(2, columns=1900)
    loader = loaded(broken, request)
    numbers = np.arange(loader.picture.store.newest - 1899, loader.picture.store.newest + 1)
    axis = ColumnAxis(1900, int(numbers[-1]), grid=request.grid)
    unloaded = loader.picture.timeline.unloaded(numbers)
    assert 128 / 0.5 - 2 <= unloaded.sum() <= 128 / 0.5 + 2
    assert not (unloaded & loader.picture.store.stored(numbers)).any()
    assert loader.picture.cell_value(int(numbers[unloaded][0]), 0).content is ColumnContent.NOT_LOADED
    loader.picture.values = np.zeros((1900, 1), np.float32)
    assert (loader.picture.steps(axis, 8)[unloaded] == PixelCode.NOT_LOADED).all()
    records = [record for record in caplog.records if "cannot be shown" in record.message]
    assert len(records) == 1
    assert "the disk is gone" in records[0].message


def test_the_thread_ends_and_a_later_request_starts_none():
    fetcher = TimelineFetcher()
    timeline = timeline_of(BEGIN_S + np.arange(1, 400) * 0.25, 0.25)
    loader = TimelineLoader()
    loader.fetcher = fetcher
    load(loader, timeline, request_of(2))
    thread = fetcher._thread
    assert thread.is_alive()
    fetcher.stop()
    assert not thread.is_alive()
    loader.load(timeline, request_of(3), timeline.extent())
    assert fetcher.next_fetched() is None


def test_a_new_request_replaces_the_parts_that_wait():
    fetched = math.inf
    timeline = timeline_of(BEGIN_S + np.arange(1, 40_000) * 0.25, 0.25)
    loader = TimelineLoader()
    loader.load(timeline, request_of(15, columns=1900), timeline.extent())
    loader.load(timeline, request_of(16), timeline.extent())
    load(loader, timeline, request_of(16))
    fetched = {call[0] for call in timeline.calls[-2:]}
    assert fetched == {2}
    loader.fetcher.stop()


class RevisedTimeline(RowTimeline):
    """Timeline whose finished rows change."""

    revision = 0

    def extent(self):
        """Return the times of the rows."""
        return super().extent()._replace(revision=self.revision)


@pytest.mark.parametrize("paused_back", [None, 100])
def test_finished_parts_are_fetched_again_after_another_revision(paused_back):
    rows = timeline_of(BEGIN_S + np.arange(1, 8_000) * 0.25, 0.25)
    timeline = RevisedTimeline(**{name: getattr(rows, name) for name in rows.__dataclass_fields__})
    loader = TimelineLoader()
    request = request_of(16, columns=60)
    if paused_back is not None:
        request = request._replace(paused_at_slot=request.slots.slot_at(timeline.times_s[-1]) - paused_back)
    load(loader, timeline, request)
    number = loader.picture.store.newest - 30
    before = loader.picture.store.statistics([number])[0].copy()
    timeline.data = timeline.data * 2
    timeline.revision = 1
    load(loader, timeline, request)
    np.testing.assert_allclose(loader.picture.store.statistics([number])[0], 2 * before, rtol=1e-6)
    loader.fetcher.stop()
