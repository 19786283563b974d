"""Pause, scrolling back and the span of time of a scene."""

import math
from dataclasses import replace

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from monitors import StillReceiver
from scenes import NBINS, NCHAN, feed, flat, readout_at, refresh, scene_of

from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.scene_spectrum import power_of
from sunspec_tui.tui.display.view_state import Cursor, View


@pytest.fixture(scope="module")
def small_frame():
    return np.ones((1, 8, 4), np.float32)


def test_a_paused_picture_keeps_rows_that_the_ring_has_dropped():
    receiver = StillReceiver(buffer_length=10)
    scene = scene_of(receiver)
    for _ in range(30):
        feed(receiver, 1)
        refresh(scene)
    scene.apply_action("toggle_pause")
    refresh(scene)
    assert len(scene.shown.picture.store.stored_numbers()) == 30


def test_a_paused_picture_whose_rows_are_gone_shows_the_oldest_ones():
    receiver = StillReceiver(buffer_length=100)
    feed(receiver, 100)
    scene = scene_of(receiver)
    scene.apply_action("toggle_pause")
    feed(receiver, 300)
    scene.apply_action("next_product", 1)
    refresh(scene)
    assert len(scene.shown.picture.store.stored_numbers()) == 40
    assert scene.view.paused_at_slot == receiver.position().oldest + 39


def test_scrolling_back_skips_a_gap():
    receiver = StillReceiver()
    feed(receiver, 100)
    receiver.skip(100_000)
    feed(receiver, 100)
    scene = scene_of(receiver)
    for _ in range(6):
        scene.apply_action("scroll_back", 0.5)
        refresh(scene)
    assert scene.view.paused_at_slot < 100
    for _ in range(6):
        scene.apply_action("scroll_back", -0.5)
        refresh(scene)
    assert scene.view.paused_at_slot is None or scene.view.paused_at_slot >= 100_100


def test_a_shorter_span_keeps_the_cursor_in_place_and_pauses_if_it_must():
    receiver = StillReceiver()
    feed(receiver, 1200)
    scene = scene_of(receiver, 40, view=View(rows_per_column=16))
    begin_s, end_s = (readout_at(scene, 25).begin_s, readout_at(scene, 25).end_s)
    cell = scene.shown.time_axis.cell_of(scene.view.cursor.number)
    for _ in range(4):
        scene.apply_action("span", -1)
        refresh(scene)
        found = readout_of(scene)
        assert begin_s <= found.begin_s < found.end_s <= end_s
        assert scene.shown.time_axis.cell_of(scene.view.cursor.number) == cell
    assert scene.view.paused_at_slot is not None


def test_a_shorter_span_stays_live_while_the_cursor_is_in_the_picture():
    receiver = StillReceiver()
    feed(receiver, 1200)
    scene = scene_of(receiver, 40, view=View(rows_per_column=16))
    readout_at(scene, 5)
    scene.apply_action("span", -1)
    refresh(scene)
    assert scene.view.paused_at_slot is None
    assert readout_of(scene).inside


def is_inside(scene):
    return scene.shown.time_axis.cell_of(scene.view.cursor.number) is not None


@settings(max_examples=extent(25, 60), deadline=None)
@given(
    runs=st.lists(st.tuples(st.integers(1, 250), st.integers(0, 1000)), min_size=1, max_size=3),
    rows_per_column=st.sampled_from([1, 2, 4, 7, 16]),
    sweeping=st.booleans(),
    back=st.integers(0, 400),
    across=st.integers(0, 39),
    steps=st.lists(st.sampled_from([-1, 1, 0, "toggle_pause", "narrow", "wide"]), min_size=1, max_size=6),
)
def test_the_cursor_stays_in_the_picture_when_its_time_or_its_width_changes(
    small_frame, runs, rows_per_column, sweeping, back, across, steps
):
    receiver = StillReceiver(buffer_length=300)
    for rows, missing in runs:
        for _ in range(rows):
            receiver.feed(small_frame)
        receiver.skip(missing)
    scene = scene_of(receiver, view=View(rows_per_column=rows_per_column, sweeping=sweeping))
    scene.apply_action("scroll_back", back / (40 * rows_per_column))
    refresh(scene)
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - across, 0))
    if not is_inside(scene):
        scene.apply_action("move_cursor", 1, 0)
    for step in steps:
        before = is_inside(scene)
        if step in ("narrow", "wide"):
            scene.fit(25 if step == "narrow" else 70, 12, 2)
        else:
            scene.apply_action(
                *(("toggle_pause",) if step == "toggle_pause" else ("span", step) if step else ("reset_view", View()))
            )
        refresh(scene)
        if before and step in (-1, 1, 0):
            assert is_inside(scene)
        if scene.view.paused_at_slot is not None:
            assert scene.shown.latest.slots[-1] == scene.view.paused_at_slot


def test_back_in_time_stays_where_it_is_when_all_rows_are_in_the_picture():
    receiver = StillReceiver()
    feed(receiver, 20)
    scene = scene_of(receiver)
    scene.apply_action("toggle_pause")
    paused_at = scene.view.paused_at_slot
    feed(receiver, 5)
    refresh(scene)
    for by in (0.5, 1e9):
        scene.apply_action("scroll_back", by)
        assert scene.view.paused_at_slot == paused_at


@pytest.mark.parametrize("columns", [90, 25])
def test_the_whole_ring_fills_a_picture_of_another_width(columns):
    receiver = StillReceiver()
    feed(receiver, 1203)
    scene = scene_of(receiver, 40, view=View(rows_per_column=31))
    scene.fit(columns, 12, 2)
    refresh(scene)
    assert scene.view.rows_per_column == math.ceil(1200 / (columns - 1))
    assert scene.shown.time_axis.cell_of(receiver.position().oldest // scene.view.rows_per_column) <= columns // 20


def test_home_shows_the_oldest_row():
    receiver = StillReceiver()
    feed(receiver, 1203)
    scene = scene_of(receiver, 40, view=View(rows_per_column=16))
    scene.apply_action("scroll_back", 1e9)
    refresh(scene)
    assert scene.shown.picture.store.stored_numbers()[0] == receiver.position().oldest // 16
    assert scene.shown.time_axis.cell_of(receiver.position().oldest // 16) == 0


def test_a_paused_picture_stays_when_the_shape_changes_and_live_shows_the_new_one():
    receiver = StillReceiver()
    feed(receiver, 30)
    scene = scene_of(receiver)
    scene.apply_action("toggle_pause")
    scene.apply_action("move_cursor", -1, 0)
    paused_at = scene.view.paused_at_slot
    for _ in range(22):
        receiver.feed(flat(5.0, 2 * NCHAN))
    refresh(scene)
    readout_of(scene)
    assert (
        scene.view.paused_at_slot,
        scene.shown.picture.store.nbins,
        len(scene.shown.picture.store.stored_numbers()),
    ) == (
        paused_at,
        NBINS,
        30,
    )
    scene.apply_action("live")
    refresh(scene)
    assert scene.shown.picture.store.nbins == 2 * NBINS
    assert len(scene.shown.picture.store.stored_numbers()) == 20


def test_scrolling_crosses_a_change_of_the_axis_in_both_directions():
    receiver = StillReceiver()
    for chan0, value in ((560, 1.0), (600, 2.0), (640, 3.0)):
        feed(receiver, 50, value, chan0=chan0)
    scene = scene_of(receiver)
    seen = []
    for by in [1.0] * 8 + [-1.0] * 9:
        scene.apply_action("scroll_back", by)
        refresh(scene)
        seen.append((scene.shown.position.axis.chan0, float(power_of(scene, Product.XX)[0])))
    assert list(dict.fromkeys(seen[:8])) == [(640, 3.0), (600, 2.0), (560, 1.0)]
    assert list(dict.fromkeys(seen[8:])) == [(560, 1.0), (600, 2.0), (640, 3.0)]
    assert scene.view.paused_at_slot is None
    assert scene.past_epoch is None


def test_rows_before_a_change_of_the_axis_can_be_exported(tmp_path):
    receiver = StillReceiver()
    feed(receiver, 50, 1.0)
    feed(receiver, 50, 2.0, chan0=600)
    scene = scene_of(receiver, columns=100)
    for _ in range(3):
        scene.apply_action("scroll_back", 1.0)
        refresh(scene)
    interval = interval_of(scene)
    receiver.export_rows(tmp_path / "a.npz", interval.start, interval.stop)
    with np.load(tmp_path / "a.npz") as found:
        assert found["data"].shape[0] == 50
        assert (found["data"][..., 0] == 1.0).all()
