"""Columns, signs and colours of the day strip, as tables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from timelines import RowTimeline

from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.day_blocks import DayBlocks
from sunspec_tui.tui.display.day_signs import Sign, SignKind, neighbour, signs_at_columns, signs_of
from sunspec_tui.tui.display.day_strip import ColumnState, day_columns, strip_levels
from sunspec_tui.tui.display.day_window import DAY_S, DayWindow, hour_labels, live_window, window_with

MIDNIGHT_S = 1_780_790_400  # 2026-06-07
HOUR_S = 3600
EVERYTHING = (-np.inf, np.inf)


# Times of the columns


@pytest.mark.parametrize(
    ("begin_h", "end_h", "columns", "column_s"),
    [
        (14, 14.01, 66, 16),
        (14, 14.25, 66, 16),
        (14, 14.5, 66, 32),
        (14, 15, 66, 64),
        (14, 16, 66, 112),
        (14, 17, 66, 256),
        (14, 26, 66, 768),
        (2, 26, 66, 1408),
        (2, 26, 74, 1280),
        (2, 26, 140, 640),
        (2, 26, 186, 512),
        (-200, 26, 66, 1408),
    ],
)
def test_columns_grow_with_the_day_to_24_hours(begin_h, end_h, columns, column_s):
    window = live_window(MIDNIGHT_S + begin_h * HOUR_S, MIDNIGHT_S + end_h * HOUR_S, columns)
    assert window.column_s == column_s
    assert window.columns == columns


@given(
    st.floats(MIDNIGHT_S, MIDNIGHT_S + 30 * DAY_S),
    st.floats(0.25, 30 * DAY_S),
    st.integers(2, 300),
)
def test_the_strip_shows_all_rows_of_a_day_and_its_edges_stay(begin_s, length_s, columns):
    end_s = begin_s + length_s
    window = live_window(begin_s, end_s, columns)
    assert window.begin_s <= max(begin_s, end_s - DAY_S)
    assert window.column_of(end_s) == columns - 1
    assert window.begin_s % window.column_s == window.column_s % window.step_s == 0


@pytest.mark.parametrize(
    ("shown_h", "end_h"),
    [(-30, -12), (-31, -24), (-30.01, -24), (-29.9, -12), (-25, -12), (-23.9, -12), (-18.01, -12), (-17.9, 0)],
)
def test_an_earlier_day_ends_at_noon_or_midnight(shown_h, end_h):
    shown_s = MIDNIGHT_S + shown_h * HOUR_S
    window = window_with(MIDNIGHT_S - 100 * HOUR_S, MIDNIGHT_S + 20 * HOUR_S, 140, shown_s)
    assert window.column_of(shown_s) is not None
    assert 0 <= window.end_s - (MIDNIGHT_S + end_h * HOUR_S) < window.column_s
    assert window.end_s - window.begin_s >= DAY_S


@pytest.mark.parametrize("shown_s", [None, np.nan, MIDNIGHT_S + 19 * HOUR_S, MIDNIGHT_S - 3 * HOUR_S])
def test_a_picture_of_the_last_day_does_not_move_the_strip(shown_s):
    times_s = (MIDNIGHT_S - 100 * HOUR_S, MIDNIGHT_S + 20 * HOUR_S)
    assert window_with(*times_s, 140, shown_s) == live_window(*times_s, 140)


@pytest.mark.parametrize(
    ("begin", "end", "columns"),
    [(0, 1, (0, 0)), (-50, 0, None), (-50, 1, (0, 0)), (100, 200, (1, 1)), (100, 201, (1, 2)), (150, 250, (1, 2)),
     (-50, 2000, (0, 9)), (999, 2000, (9, 9)), (1000, 2000, None), (150, 150, (1, 1)), (np.nan, np.nan, None)],
)  # fmt: skip
def test_the_picture_lies_in_these_columns(begin, end, columns):
    assert DayWindow(0, 100, 10).columns_between(begin, end) == columns


@pytest.mark.parametrize(
    ("column_s", "columns", "texts"),
    [
        (1280, 74, ["╵00:00", "╵04:00", "╵08:00", "╵12:00", "╵16:00", "╵20:00"]),
        (16, 74, ["╵00:00", "╵00:05", "╵00:10", "╵00:15"]),
    ],
)
def test_the_scale_has_round_times(column_s, columns, texts):
    found = hour_labels(DayWindow(MIDNIGHT_S // column_s, column_s, columns))
    columns_of_labels = [column for column, _ in found]
    assert columns_of_labels == sorted(columns_of_labels, reverse=True)
    times_s = [MIDNIGHT_S // column_s * column_s + column * column_s for column in columns_of_labels]
    for time_s, (_, text) in zip(times_s, found, strict=True):
        label_s = int(text[1:3]) * HOUR_S + int(text[4:6]) * 60
        assert 0 <= (MIDNIGHT_S + label_s - time_s) % DAY_S < column_s
    assert {text for _, text in found} <= {*texts, *(f"╵{hour:02d}:00" for hour in range(24))}
    assert len(found) >= 3


# Values and states of the columns


def quiet_day(hours, *, cadence_s=2.0, nbins=8, begin_s=MIDNIGHT_S + 14 * HOUR_S):
    """Return rows of a quiet Sun with a steep spectrum and noise."""
    n = round(hours * HOUR_S / cadence_s)
    noise = np.random.default_rng(17).gamma(400, 1 / 400, (n, nbins, 1)).astype(np.float32)
    data = np.zeros((n, nbins, 4), np.float32)
    data[..., :2] = np.linspace(1e4, 1e3, nbins, dtype=np.float32)[None, :, None] * noise
    return RowTimeline.steady(begin_s, cadence_s, data)


def columns_of(timeline, columns=66, step_s=None, loaded=EVERYTHING):
    extent = timeline.extent()
    window = live_window(extent.begin_s, extent.end_s, columns)
    parts = timeline.blocks(step_s or window.step_s, window.begin_s // 128 * 128, window.end_s // 128 * 128 + 128,
                            Product.I)  # fmt: skip
    blocks = DayBlocks.joined([DayBlocks.folded(part) for part in parts])
    return day_columns(window, blocks, (extent.begin_s, extent.end_s), loaded)


def test_a_burst_of_four_seconds_stands_out_at_24_hours():
    timeline = quiet_day(24)
    row = len(timeline.data) // 3
    timeline.data[row : row + 2] *= 10
    columns = columns_of(timeline, columns=120)
    burst = columns.window.column_of(timeline.times_s[row])
    assert columns.excess_db[burst].min() > 8
    assert np.nanmax(np.delete(columns.excess_db, burst, axis=0)) < 1.5
    assert set(columns.states.tolist()) == {ColumnState.BEFORE, ColumnState.ROWS}


def test_a_burst_of_one_half_of_the_band_is_in_its_band():
    timeline = quiet_day(2)
    timeline.data[1800:1810, :4] *= 10
    columns = columns_of(timeline)
    low, high = columns.excess_db[columns.window.column_of(timeline.times_s[1805])]
    assert low > 8
    assert high < 1.5


def test_the_slow_rise_of_the_sun_is_not_a_burst():
    timeline = quiet_day(12)
    # 9 dB more at noon.
    timeline.data *= (1 + 7 * np.sin(np.linspace(0, np.pi, len(timeline.data))))[:, None, None].astype(np.float32)
    columns = columns_of(timeline)
    middle = columns.excess_db[len(columns.excess_db) // 3 : -len(columns.excess_db) // 3]
    assert np.nanmax(middle) < 2


def test_interference_in_a_few_bins_is_not_a_burst():
    timeline = quiet_day(2, nbins=64)
    timeline.data[1800:1900, 20] *= 1000
    assert np.nanmax(columns_of(timeline).excess_db) < 2.5


def without_rows(timeline, start, stop, missing=0):
    keep = np.ones(len(timeline.times_s), bool)
    keep[start:stop] = False
    after = timeline.missing.copy()
    after[stop] = missing
    return RowTimeline(timeline.times_s[keep], timeline.data[keep], timeline.cadence_s[keep], after[keep],
                       timeline.restarts[keep], timeline.frequencies_hz)  # fmt: skip


def test_gaps_times_before_rows_bad_values_and_unread_parts_differ():
    timeline = quiet_day(2)
    timeline.data[600:800] = np.nan
    timeline = without_rows(timeline, 1800, 2100)
    extent = timeline.extent()
    columns = columns_of(timeline, loaded=(extent.begin_s, extent.end_s))
    states = [int(state) for state in dict.fromkeys(columns.states.tolist())]
    assert states == [ColumnState.BEFORE, ColumnState.ROWS, ColumnState.NO_VALUES, ColumnState.GAP]
    assert np.isfinite(columns.excess_db).any(axis=1).tolist() == (columns.states == ColumnState.ROWS).tolist()
    newest = day_columns(
        columns.window, DayBlocks.empty(), (extent.begin_s, extent.end_s), (extent.end_s - 1800, extent.end_s)
    )
    assert [*dict.fromkeys(newest.states.tolist())] == [ColumnState.BEFORE, ColumnState.NOT_LOADED, ColumnState.GAP]


def test_columns_of_longer_blocks_are_coarse():
    timeline = quiet_day(1)
    timeline.coarse_before_s, timeline.coarse_s = timeline.times_s[0] + HOUR_S / 2, 128
    columns = columns_of(timeline)
    assert columns.window.column_s < 128
    coarse = np.flatnonzero(columns.states == ColumnState.COARSE)
    assert len(coarse) > 20
    assert (columns.states[coarse[-1] + 1 :] == ColumnState.ROWS).all()
    assert np.isfinite(columns.excess_db[coarse]).all()


@pytest.mark.parametrize(
    ("highest_db", "before", "top"),
    [(0.5, None, 3), (2.9, None, 3), (3.1, None, 5), (12, None, 15), (80, None, 50), (4.5, 7, 7), (3.9, 7, 5),
     (4.5, 5, 5), (6, 5, 7), (2.5, 5, 5), (2.3, 5, 3)],
)  # fmt: skip
def test_the_colour_scale_rarely_changes(highest_db, before, top):
    excess_db = np.full((100, 2), highest_db, np.float32)
    previous = None if before is None else Levels(0.0, before)
    assert strip_levels(excess_db, previous) == Levels(0.0, top)


def test_columns_without_values_keep_the_colour_scale():
    nothing = np.full((3, 2), np.nan, np.float32)
    assert strip_levels(nothing, Levels(0.0, 7.0)) == Levels(0.0, 7.0)
    assert strip_levels(nothing) == Levels(0.0, 3.0)


# Signs


def signs_of_rows(timeline, cadence_s=2.0):
    return signs_of(DayBlocks.folded(timeline.blocks(128, 0, 3e9, Product.I)[0]), cadence_s)


def test_restarts_and_gaps_have_signs():
    timeline = quiet_day(2)
    timeline.restarts[900] = True
    timeline = without_rows(timeline, 1800, 2000)
    restart, gap = signs_of_rows(timeline)
    assert restart.kind is SignKind.RESTART
    assert 0 <= timeline.times_s[900] - restart.time_s < 128
    assert gap == Sign(timeline.times_s[1799], SignKind.GAP)


@pytest.mark.parametrize(("lost", "count"), [(1, 0), (2, 0), (3, 1), (20, 1)])
def test_only_gaps_of_five_seconds_have_a_sign(lost, count):
    timeline = without_rows(quiet_day(1), 870, 870 + lost, missing=lost)
    signs = signs_of_rows(timeline)
    assert [sign.kind for sign in signs] == [SignKind.GAP] * count
    assert all(abs(sign.time_s - timeline.times_s[870]) < 128 for sign in signs)


def test_no_blocks_have_no_signs():
    assert signs_of(DayBlocks.empty(), 0.25) == []
    assert signs_of_rows(without_rows(quiet_day(1), 870, 890, missing=20), np.nan) == []


def test_a_column_shows_its_most_important_sign():
    kinds = {50: SignKind.GAP, 60: SignKind.RESTART, 70: SignKind.GAP, 350: SignKind.MARK_BEGIN, -1: SignKind.GAP}
    signs = [Sign(float(time_s), kind) for time_s, kind in kinds.items()]
    assert signs_at_columns(DayWindow(0, 100, 10), signs) == {0: SignKind.RESTART, 3: SignKind.MARK_BEGIN}


@pytest.mark.parametrize(
    ("time_s", "by", "found_s"),
    [(0, 1, 10), (10, 1, 30), (9.5, 1, 30), (8.9, 1, 10), (30, 1, None), (30, -1, 10), (31, -1, 10), (31.1, -1, 30),
     (10, -1, None)],
)  # fmt: skip
def test_keys_find_the_next_sign(time_s, by, found_s):
    signs = [Sign(30.0, SignKind.GAP), Sign(10.0, SignKind.RESTART)]
    found = neighbour(signs, time_s, by, 1.0)
    assert (None if found is None else found.time_s) == found_s
