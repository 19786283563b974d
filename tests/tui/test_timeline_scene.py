"""Ring and timeline are one picture."""

import math
from dataclasses import replace

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from monitors import CADENCE_S, START_S, StillReceiver
from scenes import NBINS, feed, flat
from timeline_receivers import DayReceiver
from waiting import poll_until

from sunspec_tui.core.errors import ExportError
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.times import format_block_time
from sunspec_tui.tui.confirmations import effect_of
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.scene_spectrum import power_of
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.view_state import Cursor, View
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.view_json import initial_view, view_from_json, view_to_json, view_to_keep
from sunspec_tui.tui.widget_data import caption, spectrum_scene, waterfall_scene
from sunspec_tui.tui.widgets.plots_panel_text import interval_text

LINK = LinkReading(0.05, 4000.0, Quality.FULL, has_replied=True)
HOUR_ROWS = 4 * 3600


def day(hours=2.0, rows=100, length=60):
    """Return a receiver whose timeline is longer than its ring."""
    earlier = 10 + np.arange(int(hours * HOUR_ROWS), dtype=np.float32) % 97
    receiver = DayReceiver(earlier, buffer_length=length)
    feed(receiver, rows)
    return receiver


@pytest.fixture
def scene_of():
    """Make scenes, and end their threads after the test."""
    scenes = []

    def make(receiver, columns=40, view=None):
        scene = Scene(view or View(rows_per_column=1), receiver)
        scenes.append(scene)
        scene.fit(columns, 12, 2)
        return load(scene)

    yield make
    for scene in scenes:
        scene.close()


def load(scene):
    def is_loaded():
        scene.update()
        return not scene.loading

    poll_until(is_loaded)
    scene.draw()
    return scene


def act(scene, *arguments):
    sentence = scene.apply_action(*arguments)
    load(scene)
    return sentence


def span_s(scene):
    return scene.size.columns * scene.view.rows_per_column * scene.shown.position.cadence_s


def shown_end_s(scene):
    """Return the end of the picture's last row."""
    return scene.shown.picture.store.time_s(scene.shown.picture.store.stored_numbers()[-1])


def shown_text(scene):
    return caption(scene, Depth.TRUE, LINK, 200).plain


def test_zooming_out_goes_on_beyond_the_ring_and_back_without_a_seam(scene_of):
    scene = scene_of(day())
    ring = scene.shown.picture.store
    before = [ring.statistics([number])[0][0] for number in ring.stored_numbers()]
    spans_s = []
    for _ in range(12):
        act(scene, "span", 1)
        assert shown_end_s(scene) == START_S + 99 * CADENCE_S
        spans_s.append(round(span_s(scene)))
    assert scene.shown.in_timeline
    assert spans_s[:4] == [20, 30, 60, 120]
    assert spans_s[-1] == spans_s[-2] == pytest.approx(10_800, rel=0.01)
    for _ in range(12):
        act(scene, "span", -1)
    assert not scene.shown.in_timeline
    assert scene.view.rows_per_column == 1
    after = scene.shown.picture.store
    np.testing.assert_array_equal([after.statistics([n])[0][0] for n in after.stored_numbers()], before)


def test_without_a_timeline_the_ring_is_the_limit(scene_of):
    receiver = StillReceiver(buffer_length=60)
    feed(receiver, 100)
    scene = scene_of(receiver)
    for _ in range(4):
        act(scene, "span", 1)
    assert not scene.shown.in_timeline
    assert scene.view.rows_per_column == 2
    act(scene, "scroll_back", 1e9)
    assert not scene.shown.in_timeline


def test_a_timeline_that_begins_with_the_ring_changes_nothing(scene_of):
    scene = scene_of(day(0.0, rows=50))
    for _ in range(4):
        act(scene, "span", 1)
        assert not scene.shown.in_timeline


def test_scrolling_back_crosses_from_the_ring_to_earlier_rows_and_returns(scene_of):
    receiver = day()
    scene = scene_of(receiver)
    ends_s = [shown_end_s(scene)]
    for _ in range(8):
        act(scene, "scroll_back", 0.5)
        ends_s.append(shown_end_s(scene))
    assert np.diff(ends_s).tolist() == [-5.0] * 8
    assert scene.shown.in_timeline
    for number in scene.shown.picture.store.stored_numbers():
        row = round((scene.shown.picture.store.time_s(number) - START_S) / CADENCE_S)
        expected = 10.0 if row >= 0 else receiver._earlier[row]
        assert scene.shown.picture.store.statistics([number])[0][0][0] == expected
    for _ in range(8):
        act(scene, "scroll_back", -0.5)
    assert not scene.shown.in_timeline
    assert scene.view.paused_at_slot is None
    assert shown_end_s(scene) == ends_s[0]


def test_home_shows_the_first_row_and_end_is_live_again(scene_of):
    scene = scene_of(day())
    act(scene, "scroll_back", 1e9)
    store = scene.shown.picture.store
    assert store.first_s(store.stored_numbers()[0]) == START_S - 2 * HOUR_ROWS * CADENCE_S
    act(scene, "live")
    assert not scene.shown.in_timeline
    assert shown_end_s(scene) == START_S + 99 * CADENCE_S


def test_the_cursor_stays_at_its_time_on_the_way_into_the_timeline_and_back(scene_of):
    scene = scene_of(day(length=200, rows=300))
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - 7, NBINS // 2))
    act(scene, "toggle_pause")
    for by in (1,) * 6 + (-1,) * 6:
        before = readout_of(scene)
        act(scene, "span", by)
        found = readout_of(scene)
        assert found.inside
        assert found.begin_s - CADENCE_S < before.end_s
        assert before.begin_s - CADENCE_S < found.end_s
        assert scene.shown.in_timeline or by < 0 or span_s(scene) <= 60
    assert not scene.shown.in_timeline


@settings(max_examples=extent(15, 200), deadline=None)
@given(
    cadence_s=st.sampled_from([0.25, 0.2508, 0.1, 1.0]),
    runs=st.lists(st.tuples(st.integers(8, 40), st.integers(0, 500)), min_size=1, max_size=3),
    rows=st.sampled_from([1, 2, 5, 17]),
    places=st.tuples(*[st.floats(0, 1)] * 4),
)
def test_pause_cursor_and_marks_return_to_the_same_rows(cadence_s, runs, rows, places):
    receiver, slot = StillReceiver(buffer_length=100), 0
    for count, missing in runs:
        for _ in range(count):
            end_s = START_S + slot * cadence_s
            receiver.feed(flat(), last_block_time=format_block_time(end_s), timestamp=end_s + 0.04, seq=slot)
            slot += 1
        slot += missing
    scene = Scene(View(rows_per_column=rows), receiver)
    scene.fit(40, 12, 2)
    scene.update()
    mode, position = scene.timeline.mode, scene.shown.position
    if not position.cadence_s > 0:
        return
    kept = receiver.rows_between(0, position.count).slots
    paused, begin, end, under = (int(kept[round(place * (len(kept) - 1))]) for place in places)
    cursor = Cursor(scene.shown.grid.number_of(min(under, paused)), 3)
    view = replace(scene.view, paused_at_slot=paused, marks=(begin, end), cursor=cursor)
    entered = mode.enter(view, scene.context_of(view))
    assert entered.slot_s is not None
    for found, wanted in zip((entered.paused_at_slot, *entered.marks), (paused, begin, end), strict=True):
        row_s = float(receiver.rows_between(0, position.count).times_s[np.searchsorted(kept, wanted)])
        assert 0 <= row_s - entered.slot_s * found < entered.slot_s
    context = scene.context_of(entered)._replace(end_slot=entered.paused_at_slot, steps=TimeSlots(entered.slot_s).steps)
    left = mode.left(entered, context)
    assert (left.paused_at_slot, left.marks) == (paused, (begin, end))
    assert left.cursor.bin == 3
    # Rows of 0.1 s may share a column of 0.125 s.
    if rows == 1 and entered.rows_per_column * entered.slot_s <= cadence_s:
        assert left.cursor == cursor
    assert abs(left.cursor.number - cursor.number) <= 1


def test_marks_stay_at_their_rows(scene_of):
    scene = scene_of(day(length=200, rows=300))
    act(scene, "move_cursor", -1, 0)
    act(scene, "move_cursor", -30, 0)
    act(scene, "mark", 0)
    act(scene, "move_cursor", 10, 0)
    act(scene, "mark", 1)
    act(scene, "escape")
    marks, before = scene.view.marks, interval_of(scene)
    for _ in range(5):
        act(scene, "span", 1)
    assert scene.shown.in_timeline
    assert interval_of(scene) == before
    for _ in range(5):
        act(scene, "span", -1)
    assert not scene.shown.in_timeline
    assert scene.view.marks == marks


def test_an_interval_before_the_ring_is_exported_from_the_timeline(scene_of, tmp_path):
    receiver = day()
    scene = scene_of(receiver)
    for _ in range(5):
        act(scene, "scroll_back", 1)
    interval = interval_of(scene)
    assert not interval.in_ring
    assert "10.0 s in the picture" in interval_text(interval)
    text = receiver.export_times(tmp_path / "rows.npz", interval.begin_s, interval.end_s)
    assert text.startswith(f"{tmp_path / 'rows.npz'}: 40 rows, ")
    with np.load(tmp_path / "rows.npz") as found:
        rows = np.rint((found["times"] - START_S) / CADENCE_S).astype(int)
        np.testing.assert_array_equal(found["data"][:, 0, 0], receiver._earlier[rows])
        assert len(found["data"]) == 40


@pytest.mark.parametrize(
    ("coarse_until_s", "words"), [(START_S - 5, ", none known before"), (START_S + 1000, "only means are known")]
)
def test_an_export_says_which_rows_are_not_known(coarse_until_s, words, tmp_path):
    receiver = day()
    receiver.timeline().coarse_before_s = coarse_until_s
    try:
        text = receiver.export_times(tmp_path / "rows.npz", START_S - 60, START_S)
    except ExportError as error:
        text = str(error)
    assert words in text


def test_an_export_is_bounded(tmp_path):
    with pytest.raises(ExportError, match="too long for one file; mark at most"):
        day().export_times(tmp_path / "rows.npz", START_S - 1e9, START_S)
    receiver = StillReceiver()
    with pytest.raises(ExportError, match="nothing has been received"):
        receiver.export_times(tmp_path / "rows.npz", 0, 1)


def test_the_live_picture_of_the_timeline_follows_the_stream(scene_of):
    receiver = day()
    scene = scene_of(receiver)
    for _ in range(5):
        act(scene, "span", 1)
    assert scene.shown.in_timeline
    for _ in range(20):
        feed(receiver, 1, 50.0)
        scene.timeline.loader._due_s = 0.0
        load(scene)
    assert shown_end_s(scene) == START_S + 119 * CADENCE_S
    assert scene.shown.end_s == START_S + 119 * CADENCE_S
    assert scene.traces.get("max")[0] == 50.0
    assert power_of(scene, Product.YY)[0] == 50.0


def test_a_paused_picture_shows_the_mean_of_its_last_column_and_says_so(scene_of):
    scene = scene_of(day())
    for _ in range(4):
        act(scene, "span", 1)
    act(scene, "scroll_back", 2)
    assert scene.view.paused_at_slot is not None
    last = scene.shown.picture.store.stored_numbers()[-1]
    shown = spectrum_scene(scene).traces[-1]
    np.testing.assert_array_equal(shown.power, scene.shown.picture.store.statistics([last])[0][0])
    assert shown.name == "XX mean of 3 s"
    assert power_of(scene, Product.YY) is None


def test_the_caption_gives_the_time_of_a_column_and_says_where_only_means_are_known(scene_of):
    receiver = day()
    receiver.timeline().coarse_s, receiver.timeline().coarse_before_s = 128, START_S - 1500
    scene = scene_of(receiver)
    while span_s(scene) < 600:
        act(scene, "span", 1)
    assert "10 min, 15 s a column" in shown_text(scene)
    assert "mean" not in shown_text(scene)
    act(scene, "scroll_back", 2)
    assert "mean of 2 min 08 s" in shown_text(scene)
    act(scene, "move_cursor", 0, 0)
    assert "mean of 2 min 08 s" in shown_text(scene)
    act(scene, "live")
    act(scene, "choose_product", "V")
    assert " · mean" in shown_text(scene)


def test_a_readout_counts_the_missing_rows_of_its_column(scene_of):
    earlier = np.full(HOUR_ROWS, 10, np.float32)
    earlier[-200:-195] = math.nan
    receiver = DayReceiver(earlier, buffer_length=60)
    feed(receiver, 100)
    scene = scene_of(receiver)
    while span_s(scene) < 600:
        act(scene, "span", 1)
    number = scene.shown.grid.number_of(scene.timeline.position(0.25).newest - 99 - 200 + 5)
    scene.view = replace(scene.view, cursor=Cursor(number, 0))
    assert readout_of(scene).cell.missing == 5
    assert "5 rows are missing here" in shown_text(scene)


def test_earlier_epochs_are_a_part_of_the_timeline(scene_of):
    receiver = day()
    feed(receiver, 100, 20.0, chan0=600)
    scene = scene_of(receiver)
    for _ in range(10):
        act(scene, "scroll_back", 0.5)
    assert scene.past_epoch is None
    assert scene.shown.in_timeline
    assert shown_end_s(scene) == START_S + 199 * CADENCE_S - 50


@pytest.mark.parametrize("text", ["-20m", ":-20m", "18:21:54.75"])
def test_a_time_is_shown_in_the_middle_of_a_paused_picture(scene_of, text):
    scene = scene_of(day())
    assert act(scene, "go_to", text) == ""
    assert scene.shown.in_timeline
    numbers = scene.shown.picture.store.stored_numbers()
    assert scene.shown.picture.store.time_s(numbers[19]) == START_S + 24.75 - 1200
    assert scene.view.paused_at_slot is not None
    assert scene.view.cursor.number == numbers[19]


def test_a_time_within_the_ring_is_shown_from_the_ring(scene_of):
    scene = scene_of(day(length=400, rows=400))
    assert act(scene, "go_to", "-50s") == ""
    assert not scene.shown.in_timeline
    assert shown_end_s(scene) == pytest.approx(START_S + 399 * CADENCE_S - 45, abs=CADENCE_S)
    assert readout_of(scene).cell.time_s == pytest.approx(START_S + 399 * CADENCE_S - 50, abs=CADENCE_S)
    assert act(scene, "go_to", "now") == ""
    assert scene.view.paused_at_slot is None


def test_a_time_without_rows_is_answered_with_the_known_ones(scene_of):
    scene = scene_of(day())
    view = scene.view
    for text in ("-3h", "+1h", "2020-01-01"):
        sentence = act(scene, "go_to", text)
        assert sentence.startswith("there are no rows at ")
        assert sentence.endswith("; they are known from 2026-06-07 16:41:29 to 2026-06-07 18:41:54 UTC")
    assert "is not a time" in act(scene, "go_to", "lunch")
    assert scene.view == view


def test_a_time_waits_for_the_first_row(scene_of):
    receiver = DayReceiver(np.full(HOUR_ROWS, 10), buffer_length=60)
    scene = scene_of(receiver)
    assert act(scene, "go_to", "-20m") == ""
    feed(receiver, 100)
    load(scene)
    assert scene.shown.in_timeline
    assert scene.view.paused_at_slot is not None


def test_the_span_of_the_timeline_is_kept_in_seconds(scene_of):
    receiver = day()
    scene = scene_of(receiver, view=View(grows=True))
    while span_s(scene) < 3600:
        act(scene, "span", 1)
    saved = view_to_keep(scene.view, Settings(), {})
    assert saved["span_s"] == 3600
    other = scene_of(receiver, columns=70, view=initial_view(Settings(), saved))
    assert other.shown.in_timeline
    assert span_s(other) == pytest.approx(3600, rel=0.01)
    assert view_to_json(other.view)["span_s"] == 3600
    ring_only = StillReceiver(buffer_length=60)
    feed(ring_only, 100)
    waiting = scene_of(ring_only, view=initial_view(Settings(), saved))
    assert not waiting.shown.in_timeline
    assert view_to_keep(waiting.view, Settings(), saved)["span_s"] == 3600


@pytest.mark.parametrize("value", [0, -1, 1e9, math.nan, "1 h", True, None, []])
def test_an_invalid_saved_span_is_ignored(value):
    assert view_from_json(View(), {"span_s": value}).span_s is None


def test_another_width_keeps_the_span(scene_of):
    scene = scene_of(day())
    while span_s(scene) < 3600:
        act(scene, "span", 1)
    scene.fit(75, 12, 2)
    load(scene)
    assert span_s(scene) == pytest.approx(3600, rel=0.01)


def test_the_effect_of_a_key_names_a_new_span_and_not_that_of_a_scroll(scene_of):
    scene = scene_of(day())
    for action, words in ((("span", 1), "time span 20 s"), (("scroll_back", 5), ""), (("span", 1), "time span 30 s")):
        before = scene.view
        act(scene, *action)
        found = effect_of(action[0], before, scene.view, scene.context, scene.shown.position.cadence_s)
        assert found == words


def test_sweeping_and_pixels_show_the_timeline(scene_of):
    scene = scene_of(day(), view=View(rows_per_column=1, sweeping=True))
    while span_s(scene) < 600:
        act(scene, "span", 1)
    steps = scene.shown.picture.steps(scene.shown.time_axis, 8)
    assert (steps[scene.shown.time_axis.cell_of(scene.shown.time_axis.newest)] >= 0).all()
    scene.fit(40, 12, 16, 8)
    load(scene)
    assert len(scene.shown.picture.store.stored_numbers()) >= 40 * 8


def test_the_timeline_of_many_bins_has_fewer_and_their_frequencies(scene_of):
    receiver = StillReceiver(buffer_length=60, channel_average=1)
    for _ in range(4):
        for _ in range(50):
            receiver.feed(flat(10.0, 1600))
        receiver.timeline().update()
    scene = scene_of(receiver)
    assert scene.shown.band.nbins == 1600
    whole = scene.shown.band
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - 5, 801))
    before = readout_of(scene)
    for _ in range(4):
        act(scene, "span", 1)
    assert scene.shown.in_timeline
    assert scene.shown.band.nbins == 534
    assert scene.shown.band.low_mhz == pytest.approx(whole.low_mhz, abs=0.03)
    assert scene.shown.band.high_mhz == pytest.approx(whole.high_mhz, abs=0.03)
    assert len(spectrum_scene(scene).traces[-1].power) == 534
    found = readout_of(scene)
    assert found.low_mhz - 0.05 < before.low_mhz < before.high_mhz < found.high_mhz + 0.05
    assert found.shown == pytest.approx(10.0, abs=0.05)
    while scene.shown.in_timeline:
        act(scene, "span", -1)
    assert scene.shown.band.nbins == 1600
    assert abs(scene.view.cursor.bin - 801) <= 1


class NoStream(DayReceiver):
    """Receiver without a row, beside a timeline of earlier rows."""

    earlier = None

    def timeline(self):
        """Return the rows of another run, or all rows."""
        return self.earlier if self.position() is None else super().timeline()


def test_without_a_stream_the_timeline_is_shown_with_a_notice(scene_of):
    receiver = NoStream(np.full(HOUR_ROWS, 10), buffer_length=60)
    receiver.earlier = day(1.0).timeline()
    scene = scene_of(receiver)
    assert scene.shown.in_timeline
    assert shown_end_s(scene) == START_S + 99 * CADENCE_S
    assert scene.shown.band.nbins == NBINS
    shown = waterfall_scene(scene, Depth.TRUE, 48)
    assert shown.notice == "NO STREAM, rows until 2026-06-07 18:41:54"
    assert shown.is_grey
    assert "mean of" in spectrum_scene(scene).traces[-1].name
    act(scene, "span", 1)
    assert span_s(scene) == pytest.approx(600, rel=0.02)
    act(scene, "go_to", "18:20")
    assert scene.view.paused_at_slot is not None
    assert not interval_of(scene).in_ring
    act(scene, "move_cursor", 1, 0)
    assert readout_of(scene).inside
    act(scene, "live")
    feed(receiver, 100)
    load(scene)
    assert scene.shown.has_stream
    assert waterfall_scene(scene, Depth.TRUE, 48).notice == ""
    assert shown_end_s(scene) == START_S + 99 * CADENCE_S


def test_without_a_stream_and_without_rows_nothing_is_shown(scene_of):
    scene = scene_of(NoStream(np.full(10, 10), buffer_length=60))
    assert scene.shown.position is None
    assert scene.apply_action("toggle_pause").startswith("no row has come yet")
