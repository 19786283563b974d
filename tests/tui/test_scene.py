"""The pictures show the rows of the stream, as numbers without colours."""

import math
from dataclasses import replace

import numpy as np
import pytest
from monitors import CADENCE_S, START_S, StillReceiver
from scenes import NBINS, feed, flat, readout_at, refresh, scene_of

from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.axis_labels import TimeColumns
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.picture_values import ColumnContent, PixelCode
from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.view_state import Cursor, View
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widget_data import caption, spectrum_scene
from sunspec_tui.tui.widgets.plots_panel_text import NO_MARKED_ROWS


def test_one_hot_bin_in_one_row_of_1200_is_visible_at_80x24():
    """An 80x24 terminal has 72 columns and 13 lines for the picture.

    For the whole ring, a column has 17 rows.
    """
    receiver = StillReceiver()
    hot = flat(10.0, 3072)
    hot[0, 4 * 500 : 4 * 501, 0] = 1e4
    for n in range(1200):
        receiver.feed(hot if n == 700 else flat(10.0, 3072))
    scene = scene_of(receiver, 72, 13, View(rows_per_column=17))
    steps = refresh(scene).steps(scene.shown.time_axis, 48)
    column = scene.shown.time_axis.cell_of(700 // 17)
    pixel = scene.shown.band.pixel_of_bin(500, 26)
    assert steps[column, pixel] == 47
    assert np.count_nonzero(steps == 47) == 1
    scene.view = replace(scene.view, cursor=Cursor(700 // 17, 500))
    assert readout_of(scene).shown == pytest.approx(40.0)


def test_a_tick_at_18_42_00_stays_on_its_row_while_the_waterfall_moves():
    """The data begin at 18:41:30, so 18:42:00 is row 120."""
    receiver = StillReceiver()
    feed(receiver, 150)
    scene = scene_of(receiver, 100)
    cells = []
    for _ in range(30):
        feed(receiver, 1)
        refresh(scene)
        numbers = scene.shown.time_axis.numbers
        ticks = TimeColumns.of(scene.shown.picture.store.times_s(numbers)).ticks(8)
        (place,) = [place for place, moment_s in ticks if moment_s == START_S + 30]
        assert numbers[place] == 120
        cells.append(scene.shown.time_axis.cell_of(120))
    assert cells == list(range(cells[0], cells[0] - 30, -1))


def test_the_cursor_reads_the_value_drawn_and_its_time():
    receiver = StillReceiver()
    feed(receiver, 30)
    feed(receiver, 1, 1000.0)
    feed(receiver, 5)
    scene = scene_of(receiver)
    found = readout_at(scene, 5)
    assert found.shown == pytest.approx(30.0)
    assert found.power == pytest.approx(1000.0)
    assert found.begin_s == pytest.approx(START_S + 29 * CADENCE_S, abs=1e-6)
    assert found.end_s == pytest.approx(START_S + 30 * CADENCE_S, abs=1e-6)
    assert found.low_mhz <= receiver.position().axis.frequencies_mhz[NBINS // 2] <= found.high_mhz


def test_the_readout_reports_a_gap_and_the_time_before_the_first_row():
    receiver = StillReceiver()
    feed(receiver, 10)
    receiver.skip(8)
    feed(receiver, 4)
    scene = scene_of(receiver)
    gap = readout_at(scene, 6).cell
    assert gap.content is ColumnContent.GAP
    assert gap.gap_s == (
        pytest.approx(START_S + 9 * CADENCE_S, abs=1e-6),
        pytest.approx(START_S + 18 * CADENCE_S, abs=1e-6),
    )
    assert readout_at(scene, 30).cell.content is ColumnContent.BEFORE


def test_a_gap_stays_a_gap_when_the_rows_before_it_have_left_the_picture():
    receiver = StillReceiver()
    feed(receiver, 400)
    receiver.skip(500)
    feed(receiver, 20)
    scene = scene_of(receiver)
    steps = refresh(scene).steps(scene.shown.time_axis, 48)
    assert (steps[:20] == PixelCode.GAP).all()
    assert readout_at(scene, 30).cell.content is ColumnContent.GAP


def test_the_readout_reports_missing_rows_of_a_column():
    receiver = StillReceiver()
    feed(receiver, 20)
    receiver.skip(14)
    feed(receiver, 100)
    scene = scene_of(receiver, view=View(rows_per_column=16))
    columns = scene.shown.time_axis.numbers
    assert scene.shown.picture.columns_with_missing_rows(columns) == [1, 2]
    scene.view = replace(scene.view, cursor=Cursor(1, 3))
    assert readout_of(scene).cell.missing == 12


def test_the_cursor_survives_pause_scroll_back_and_resize():
    receiver = StillReceiver()
    for n in range(300):
        receiver.feed(flat(n + 1.0))
    scene = scene_of(receiver)
    scene.apply_action("toggle_pause")
    feed(receiver, 50, 1e6)
    refresh(scene)
    assert readout_at(scene, 3).power == pytest.approx(297.0)
    scene.apply_action("scroll_back", 0.5)
    refresh(scene)
    assert readout_at(scene, 3).power == pytest.approx(277.0)
    scene.fit(25, 7, 2)
    refresh(scene)
    assert readout_at(scene, 3).power == pytest.approx(277.0)
    scene.apply_action("live")
    refresh(scene)
    assert readout_at(scene, 3).power == pytest.approx(1e6)


def test_the_readout_subtracts_the_background_like_the_picture():
    receiver = StillReceiver()
    data = flat(1e3)
    data[0, 40:44, :2] = 1e6
    data[0, 80:88, :2] = 0.0
    for n in range(40):
        receiver.feed(data * (10 if n == 39 else 1))
    scene = scene_of(receiver, view=View(rows_per_column=1, subtract=True))
    assert readout_at(scene, 1, 10).shown == pytest.approx(0.0, abs=0.01)
    assert readout_at(scene, 0, 10).shown == pytest.approx(10.0, abs=0.01)
    assert readout_at(scene, 0, 10).power == pytest.approx(1e7, rel=1e-4)
    dead = readout_at(scene, 0, 21)
    assert math.isnan(dead.shown)
    assert dead.power == 0.0


def test_the_background_does_not_stay_that_of_the_first_rows():
    receiver = StillReceiver()
    scene = scene_of(receiver, view=View(rows_per_column=1, subtract=True))
    for n in range(60):
        data = flat(10.0)
        if n < 3:
            data[0, :48] = np.nan
        receiver.feed(data)
        refresh(scene)
    assert readout_at(scene, 0, 3).shown == pytest.approx(0.0, abs=0.01)


def test_the_readout_of_a_polarised_bin_equals_the_picture():
    receiver = StillReceiver()
    random = np.random.default_rng(1)
    for n in range(20):
        data = flat(100.0, 3072)
        data[0, :, 3] = random.normal(0, 1, 3072)
        if n == 15:
            data[0, 1200:1204, 3] = -100.0
        receiver.feed(data)
    scene = scene_of(receiver, view=View(rows_per_column=1, product=Product.V))
    assert readout_at(scene, 4, 300).shown == pytest.approx(-100.0, abs=1)


def test_automatic_levels_of_a_paused_picture_use_all_its_rows():
    receiver = StillReceiver(buffer_length=1200)
    for _ in range(800):
        receiver.feed(flat(1e6))
    for _ in range(400):
        receiver.feed(flat(1e3))
    scene = scene_of(receiver, 70, view=View(rows_per_column=18, paused_at_slot=1199))
    assert scene.shown.picture.levels.high > 55


def test_bias_shifts_levels_and_manual_levels_can_be_removed():
    receiver = StillReceiver()
    for n in range(60):
        receiver.feed(flat(10.0 ** (1 + n % 3)))
    scene = scene_of(receiver)
    automatic = scene.shown.picture.levels
    lows = []
    for _ in range(3):
        scene.apply_action("bias", -1)
        lows.append(scene.draw().levels.low - automatic.low)
    assert lows == pytest.approx([1.0, 2.0, 3.0])
    scene.apply_action("shift_levels", 20, 20)
    scene.draw()
    scene.apply_action("toggle_automatic_levels")
    assert scene.draw().levels == automatic


def test_levels_belong_to_their_product():
    receiver = StillReceiver()
    data = flat(10.0)[..., :1]
    receiver.feed(data)
    scene = scene_of(receiver, view=View(rows_per_column=1, product=Product.V, levels=Levels(-0.1, 0.1)))
    assert scene.shown.product is Product.XX
    assert scene.shown.picture.levels.high > 5
    scene.apply_action("shift_levels", -1, 0)
    assert scene.view.product is Product.XX


@pytest.mark.parametrize(("lines", "per_line"), [(22, 2), (30, 1), (9, 2)])
def test_the_cursor_reaches_every_bin_that_is_shown(lines, per_line):
    receiver = StillReceiver()
    feed(receiver, 50)
    scene = scene_of(receiver, 40, lines, per_line=per_line)
    scene.apply_action("zoom", 1)
    refresh(scene)
    scene.apply_action("move_cursor", -1, 0)
    for _ in range(2 * lines + NBINS):
        scene.apply_action("move_cursor", 0, -1)
    seen = [scene.view.cursor.bin]
    for _ in range(2 * lines + NBINS):
        scene.apply_action("move_cursor", 0, 1)
        seen.append(scene.view.cursor.bin)
        assert readout_of(scene).inside
    cells = {scene.shown.band.cell_of_bin(each, lines, per_line) for each in seen}
    assert seen == sorted(seen)
    assert {
        scene.shown.band.cell_of_bin(each, lines, per_line)
        for each in range(scene.shown.band.start, scene.shown.band.stop)
    } == cells


@pytest.mark.parametrize(("lines", "per_line"), [(11, 2), (10, 1), (4, 2)])
def test_the_cursor_moves_by_one_pixel_at_a_time(lines, per_line):
    receiver = StillReceiver()
    feed(receiver, 50)
    scene = scene_of(receiver, 40, lines, per_line=per_line)
    pixels = lines * per_line
    scene.apply_action("move_cursor", -1, 0)
    for _ in range(pixels):
        scene.apply_action("move_cursor", 0, -1)
    seen = []
    for _ in range(pixels):
        seen.append(scene.shown.band.pixel_of_bin(scene.view.cursor.bin, pixels))
        scene.apply_action("move_cursor", 0, 1)
    assert seen == list(range(pixels))


def test_the_readout_of_a_column_has_its_first_and_last_time():
    receiver = StillReceiver()
    feed(receiver, 30)
    scene = scene_of(receiver, view=View(rows_per_column=8))
    # The column has rows 16 to 23, and row 0 ends at START_S.
    found = readout_at(scene, 1)
    assert found.begin_s == pytest.approx(START_S + 15 * CADENCE_S, abs=1e-6)
    assert found.end_s == pytest.approx(START_S + 23 * CADENCE_S, abs=1e-6)


def test_the_spectrum_is_that_of_the_column_under_the_cursor():
    receiver = StillReceiver()
    feed(receiver, 30)
    feed(receiver, 1, 1000.0)
    feed(receiver, 5)
    scene = scene_of(receiver)
    assert spectrum_scene(scene).traces[-1].name == "XX"
    readout_at(scene, 5)
    trace = spectrum_scene(scene).traces[-1]
    assert trace.name == "XX until 18:41:37"
    assert trace.power == pytest.approx(np.full(NBINS, 1000.0))
    readout_at(scene, 100)
    assert spectrum_scene(scene).traces[-1].power == pytest.approx(np.full(NBINS, 10.0))


def test_a_column_in_which_time_goes_back_has_only_an_end_time():
    receiver = StillReceiver()
    feed(receiver, 402)
    receiver.frames = 0
    feed(receiver, 20)
    found = readout_at(scene_of(receiver, view=View(rows_per_column=4)), 5)
    assert math.isnan(found.begin_s)
    assert found.end_s < START_S + 10


def test_the_cursor_is_never_under_the_write_cursor():
    receiver = StillReceiver()
    feed(receiver, 80)
    scene = scene_of(receiver, view=View(rows_per_column=1, sweeping=True))
    scene.apply_action("move_cursor", -1, 0)
    for _ in range(60):
        scene.apply_action("move_cursor", -1, 0)
    assert readout_of(scene).inside


@pytest.mark.parametrize(("chosen", "when_paused"), [(False, False), (True, True)])
def test_a_paused_picture_sweeps_only_if_the_observer_chose_it(chosen, when_paused):
    receiver = StillReceiver()
    feed(receiver, 100)
    scene = scene_of(receiver, view=View(rows_per_column=1, sweeping=chosen))
    scene.sweeps = True
    assert scene.shown.time_axis.sweeping
    scene.apply_action("toggle_pause")
    assert scene.shown.time_axis.sweeping is when_paused
    scene.apply_action("toggle_pause")
    assert scene.shown.time_axis.sweeping


def marked_caption(scene):
    return caption(scene, Depth.TRUE, LinkReading(0.05, 4000.0, Quality.FULL, has_replied=True), 0).plain


def test_marked_rows_that_leave_the_ring_are_counted(monkeypatch):
    # Without the day's history they are lost.
    monkeypatch.setattr(StillReceiver, "timeline", lambda _: None)
    receiver = StillReceiver(buffer_length=100)
    feed(receiver, 100)
    scene = scene_of(receiver)
    scene.apply_action("mark", 0)
    scene.apply_action("mark", 1)
    scene.apply_action("toggle_pause")
    assert interval_of(scene).lost_rows == 0
    assert "40 rows marked" in marked_caption(scene)
    feed(receiver, 75)
    refresh(scene)
    interval = interval_of(scene)
    assert (interval.stop - interval.start, interval.lost_rows) == (25, 15)
    assert "25 rows marked" in marked_caption(scene)
    assert "15 rows before them have left the ring" in marked_caption(scene)
    feed(receiver, 30)
    refresh(scene)
    assert interval_of(scene) is None
    assert NO_MARKED_ROWS in marked_caption(scene)


def test_a_mark_before_the_first_row_loses_nothing():
    receiver = StillReceiver()
    feed(receiver, 20)
    scene = scene_of(receiver)
    scene.apply_action("mark", 0)
    scene.apply_action("mark", 1)
    assert scene.view.marks == (0, 19)
    assert interval_of(scene).lost_rows == 0
