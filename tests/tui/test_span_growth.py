"""The time span grows until the observer chooses one."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from monitors import CADENCE_S, StillReceiver
from scenes import feed, flat, refresh, scene_of

from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.display.span_growth import SPANS_S, grown_rows
from sunspec_tui.tui.display.view_state import Cursor, View
from sunspec_tui.tui.view_json import initial_view, view_from_json, view_to_json

GROWING = View(rows_per_column=4, grows=True)


@pytest.mark.parametrize(
    ("slots", "columns", "cadence_s", "ring_rows", "expected"),
    [
        # 70 columns at 4 rows/s: half a minute, a minute, two minutes, the ring of five minutes.
        (1, 71, 0.25, 18, 2),
        (140, 71, 0.25, 18, 2),
        (141, 71, 0.25, 18, 4),
        (281, 71, 0.25, 18, 7),
        (491, 71, 0.25, 18, 18),
        (1200, 71, 0.25, 18, 18),
        # A wide screen shows half a minute with one row in a column.
        (10, 241, 0.25, 5, 1),
        # A slow stream: one row in a column is more than half a minute.
        (3, 71, 10.0, 18, 1),
        (71, 71, 10.0, 18, 2),
        # A fast stream with a short ring: never more than the ring.
        (3, 71, 0.001, 18, 18),
        # A day in the ring.
        (345_600, 101, 0.25, 3456, 3456),
        (3_000, 101, 0.25, 3456, 48),
        # No cadence, or an invalid one.
        (5, 71, math.nan, 18, 1),
        (5, 71, 0.0, 18, 1),
        (5, 71, 5e-324, 18, 18),
        (5, 1, 0.25, 1200, 128),
    ],
)
def test_rows_per_column_for_the_rows_in_the_ring(slots, columns, cadence_s, ring_rows, expected):
    assert grown_rows(slots, columns, cadence_s, ring_rows) == expected


def _spans_s(receiver, scene, rows):
    """Feed rows one by one; return the time span after each."""
    spans_s = []
    for _ in range(rows):
        feed(receiver, 1)
        refresh(scene)
        spans_s.append(scene.size.columns * scene.view.rows_per_column * CADENCE_S)
    return spans_s


def test_the_span_grows_in_few_steps_and_the_picture_is_never_nearly_empty():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    spans_s = _spans_s(receiver, scene, 1200)
    # With one row the cadence is unknown.
    assert spans_s[1] == pytest.approx(30, rel=0.05)
    assert sum(after != before for before, after in pairwise(spans_s)) <= len(SPANS_S[:4])
    assert all(after >= before for before, after in pairwise(spans_s))
    # From half a minute on, at least a third of the picture has rows, and no row is left out.
    filled = [(n + 1) * CADENCE_S / span_s for n, span_s in enumerate(spans_s)]
    assert min(filled[120:]) > 0.33
    assert max(filled) <= 1


def test_a_full_ring_is_shown_whole_at_once():
    receiver = StillReceiver()
    feed(receiver, 1200)
    scene = scene_of(receiver, 61, view=GROWING)
    assert scene.view.rows_per_column == 20
    assert scene.shown.picture.store.has_rows(0)


def test_a_chosen_span_stays_and_a_reset_lets_it_grow_again():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 4)
    refresh(scene)
    scene.apply_action("span", 1)
    chosen = scene.view.rows_per_column
    assert (chosen, scene.view.grows) == (4, False)
    feed(receiver, 1196)
    refresh(scene)
    assert scene.view.rows_per_column == chosen
    scene.apply_action("reset_view", GROWING)
    refresh(scene)
    assert (scene.view.rows_per_column, scene.view.grows) == (20, True)


def test_a_paused_picture_does_not_grow_until_it_is_live_again():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 100)
    refresh(scene)
    scene.apply_action("toggle_pause")
    feed(receiver, 600)
    refresh(scene)
    assert scene.view.rows_per_column == 2
    scene.apply_action("live")
    refresh(scene)
    assert scene.view.rows_per_column == 20


def test_the_cursor_stays_on_its_row_while_the_span_grows():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 110)
    refresh(scene)
    scene.view = replace(scene.view, cursor=Cursor(20, 5))
    feed(receiver, 90)
    refresh(scene)
    assert scene.view.rows_per_column == 4
    assert scene.view.cursor == Cursor(10, 5)
    assert scene.view.paused_at_slot is None


def test_after_a_change_of_the_axis_the_span_begins_again():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 500)
    refresh(scene)
    assert scene.view.rows_per_column == 20
    for _ in range(4):
        receiver.feed(flat(nchan=192))
    refresh(scene)
    assert scene.view.rows_per_column == 2


def test_another_width_shows_the_same_time():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 100)
    refresh(scene)
    scene.fit(31, 12, 2)
    refresh(scene)
    assert scene.view.rows_per_column == 4


def test_a_wrong_first_cadence_is_corrected():
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=GROWING)
    feed(receiver, 1)
    receiver.skip(40)
    feed(receiver, 1)
    refresh(scene)
    feed(receiver, 30)
    refresh(scene)
    assert scene.view.rows_per_column == 2


@pytest.mark.parametrize(
    ("saved", "grows", "rows"),
    [
        ({}, True, 4),
        ({"grows": True, "rows_per_column": 16}, True, 16),
        ({"grows": False, "rows_per_column": 4}, False, 4),
        # Files of earlier versions: their default, and a span that the observer has chosen.
        ({"rows_per_column": 4}, True, 4),
        ({"rows_per_column": 16}, False, 16),
        ({"grows": "yes", "rows_per_column": 16}, False, 16),
    ],
)
def test_a_saved_span_is_kept_only_if_the_observer_chose_it(saved, grows, rows):
    view = initial_view(Settings(), saved)
    assert (view.grows, view.rows_per_column) == (grows, rows)
    assert view_from_json(View(grows=True), view_to_json(view)).grows is grows
