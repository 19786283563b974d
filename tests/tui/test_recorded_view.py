"""Pictures of recorded files have the times and values of the files."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from recordings import START_S, recording
from solar_event import DATA, needs_event
from waiting import poll_until

from sunspec_tui.core.errors import SourceError, UsageError
from sunspec_tui.core.flux_scale import load_flux_scale, scale_recording
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.times import parse_user_time
from sunspec_tui.files.archive.layout import Precision
from sunspec_tui.files.archive.store import open_store
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.read_limits import RowSelection
from sunspec_tui.files.write import export
from sunspec_tui.playback import Playback, interval_text
from sunspec_tui.timeline.recorded import RecordedSection, open_timeline
from sunspec_tui.tui.display.readouts import readout_of
from sunspec_tui.tui.display.recorded_view import begin_at, go_live, pause_at, show_section, shown_interval
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.scene_spectrum import edges_mhz_of, power_of
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.view_state import Cursor, View
from sunspec_tui.tui.recorded_actions import next_speed, section_to_show
from sunspec_tui.tui.widget_data import spectrum_scene
from sunspec_tui.tui.widgets.caption import column_text

EVENTS = DATA / "events"
HOUR = [f"BIR_20120704_{clock}_01.fit.gz" for clock in ("160000", "161500", "163000", "164500")]
TYPE_II_S = parse_user_time("2012-07-04T16:42:45")
"""Beginning of the type II burst in the files; NOAA's list has 16:42."""

TYPE_II_MHZ = 80.25
MIDNIGHT_S = START_S // 86_400 * 86_400 + 86_400


def loaded(scene):
    """Load the whole picture."""
    poll_until(lambda: not (scene.update() or scene.loading), 20)
    scene.draw()
    return scene


@pytest.fixture
def scenes():
    """Return scenes of files, which end with the test."""
    opened = []

    def start(paths, product=Product.XX, speed=10.0, **size):
        playback = Playback(open_timeline(paths, RowSelection()), speed)
        scene = Scene(View(product=product, grows=True), playback)
        scene.fit(**({"columns": 120, "lines": 40, "pixels_per_line": 2} | size))
        opened.append(scene)
        return loaded(scene), playback

    yield start
    for scene in opened:
        scene.close()


def files_of(directory, count=3, rows_each=400, gap_s=0.0):
    """Write files that follow each other, with a gap between them."""
    rows = recording(count * rows_each, nchan=64)
    paths = []
    for number in range(count):
        part = rows.only(slice(number * rows_each, (number + 1) * rows_each))
        paths.append(directory / f"{number}.npz")
        export(replace(part, times_s=part.times_s + number * gap_s), paths[-1])
    return paths


def put_cursor(scene, time_s, mhz):
    number = scene.shown.grid.number_of(TimeSlots(scene.view.slot_s).slot_at(time_s))
    bins = scene.shown.position.axis.frequencies_mhz
    scene.view = replace(scene.view, cursor=Cursor(number, int(np.abs(bins - mhz).argmin())))
    return readout_of(scene)


# Real files


def rows_of_files():
    """Return the rows of the hour with each frequency once."""
    parts = [read_recording(EVENTS / name, quiet=True) for name in HOUR]
    times_s = np.concatenate([each.times_s for each in parts])
    data = np.concatenate([each.data[:, 7:] for each in parts])
    return Recording(data, parts[0].products, times_s, parts[0].frequencies_hz[7:], 0.25)


@needs_event
@pytest.mark.parametrize("span_s", [3600, 600, 60])
def test_the_cursor_on_a_type_ii_burst_has_time_frequency_and_power_of_its_rows(span_s, scenes):
    rows = rows_of_files()
    scene, _ = scenes([EVENTS / name for name in HOUR], Product.I)
    begin_s, end_s = shown_interval(scene)
    assert (begin_s, end_s) == pytest.approx((rows.times_s[0], rows.times_s[-1]), abs=1)
    if span_s < 3600:
        show_section(scene, TYPE_II_S - span_s / 2, TYPE_II_S + span_s / 2)
        loaded(scene)
    found = put_cursor(scene, TYPE_II_S, TYPE_II_MHZ)
    column_s, cell_mhz = scene.shown.column_s, 2 * 95.5 / 80
    assert found.inside
    assert found.begin_s - column_s <= TYPE_II_S <= found.end_s + column_s
    # A column has whole blocks of 2 or 16 s.
    assert found.end_s - found.begin_s <= column_s + 2.1
    assert found.low_mhz < TYPE_II_MHZ < found.high_mhz
    assert found.high_mhz - found.low_mhz < cell_mhz
    # The shown power is between the lowest and the highest of the column's rows at these frequencies.
    inside = (rows.times_s > found.begin_s + 1e-3) & (rows.times_s < found.end_s + 1e-3)
    mhz = rows.frequencies_hz / 1e6
    own = rows.data[inside][:, (mhz > found.low_mhz) & (mhz < found.high_mhz), 0]
    assert own.size
    assert own.min() * 0.999 <= found.power <= own.max() * 1.001


@needs_event
def test_at_one_row_a_column_the_cursor_has_the_row_s_own_value(scenes):
    rows = rows_of_files()
    scene, _ = scenes([EVENTS / name for name in HOUR], Product.I, lines=97)
    show_section(scene, TYPE_II_S - 15, TYPE_II_S + 15)
    loaded(scene)
    assert scene.view.rows_per_column == 1
    for time_s, mhz in ((TYPE_II_S, TYPE_II_MHZ), (TYPE_II_S - 10, 10.0), (TYPE_II_S + 9, 105.5), (TYPE_II_S, 43.25)):
        found = put_cursor(scene, time_s, mhz)
        row = int(np.searchsorted(rows.times_s, found.end_s - 1e-3))
        number = int(np.abs(rows.frequencies_hz / 1e6 - mhz).argmin())
        assert abs(rows.times_s[row] - time_s) <= 0.26
        assert found.power == rows.data[row, number, 0]
        assert found.low_mhz <= mhz <= found.high_mhz


@needs_event
def test_the_burst_is_brighter_than_the_minute_before_it(scenes):
    scene, _ = scenes([EVENTS / name for name in HOUR], Product.I)
    show_section(scene, TYPE_II_S - 60, TYPE_II_S + 60)
    loaded(scene)
    before_db = [put_cursor(scene, TYPE_II_S - each, 79).shown for each in range(5, 55)]
    during_db = [put_cursor(scene, TYPE_II_S + each, 79).shown for each in range(20, 30)]
    assert np.median(during_db) > np.median(before_db) + 2


# Moving


def test_all_rows_are_shown_at_first_without_a_ring(tmp_path, scenes):
    scene, playback = scenes(files_of(tmp_path))
    begin_s, end_s = shown_interval(scene)
    # A column has a whole number of slots, so the picture may be a tenth longer than the rows.
    assert START_S - 35 < begin_s <= START_S
    assert end_s == pytest.approx(playback.timeline().extent().end_s, abs=0.5)
    assert not scene.shown.has_ring
    assert scene.shown.picture.store.stored_numbers()
    assert power_of(scene, Product.XX) is not None
    assert (edges_mhz_of(scene), scene.past_epoch) == ((), None)


def test_keys_of_the_view_act_as_on_a_stream(tmp_path, scenes):
    scene, _ = scenes(files_of(tmp_path))
    for action in (("span", -1), ("scroll_back", 1e9), ("zoom", 1), ("next_product", 1), ("move_cursor", 0, 1)):
        assert scene.apply_action(*action) == ""
        loaded(scene)
        assert scene.shown.picture.store.stored_numbers()
    assert shown_interval(scene)[0] == pytest.approx(START_S, abs=1.5)
    scene.apply_action("live")
    loaded(scene)
    assert scene.view.paused_at_slot is None
    assert scene.shown.in_timeline
    scene.apply_action("reset_view", View(grows=True))
    loaded(scene)
    assert START_S - 35 < shown_interval(scene)[0] <= START_S


def test_a_resized_picture_keeps_its_span(tmp_path, scenes):
    scene, _ = scenes(files_of(tmp_path))
    before = shown_interval(scene)
    for columns in (40, 200, 77):
        scene.fit(columns, 20, 2)
        loaded(scene)
        assert shown_interval(scene) == pytest.approx(before, abs=before[1] - before[0])
        assert shown_interval(scene)[0] <= START_S + 1


def test_a_picture_begins_and_ends_at_the_requested_times(tmp_path, scenes):
    scene, playback = scenes(files_of(tmp_path))
    sections = playback.sections()
    assert [section.name for section in sections] == ["0.npz", "1.npz", "2.npz"]
    end_s = show_section(scene, sections[1].begin_s, sections[1].end_s)
    begin_s, shown_end_s = shown_interval(scene)
    assert begin_s == pytest.approx(sections[1].begin_s, abs=1)
    assert end_s == shown_end_s == pytest.approx(sections[1].end_s, abs=25)
    pause_at(scene, START_S + 50)
    assert shown_interval(scene)[1] == pytest.approx(START_S + 50, abs=0.5)
    begin_at(scene, START_S + 1e6)
    assert scene.view.paused_at_slot is None
    go_live(scene)
    assert shown_interval(scene)[1] == pytest.approx(playback.timeline().extent().end_s, abs=0.5)


def test_a_product_that_no_file_has_is_replaced_by_one_that_they_have(tmp_path, scenes):
    rows = recording(40, nchan=64)
    only_i = replace(rows, data=rows.power(Product.I)[..., None], products=(Product.I,))
    export(only_i, tmp_path / "i.npz")
    scene, _ = scenes([tmp_path / "i.npz"])
    assert scene.shown.product is Product.I
    assert scene.context.products == (Product.I,)


SECTIONS = [RecordedSection(str(n), "", 900.0 * n, 900.0 * n + 899) for n in range(4)]


@pytest.mark.parametrize(
    ("shown", "by", "expected"),
    [
        ((0, 3600), 1, 0),  # all of them: show the first one
        ((0, 1800), 1, 0),
        ((0, 900), 1, 1),
        ((0, 1300), 1, 1),  # columns of whole rows
        ((2, 902), 1, 1),
        ((-3, 897), 1, 1),
        ((-48, 906), 1, 1),  # columns that begin before the file
        ((400, 1300), 1, 1),
        ((400, 460), 1, 1),
        ((2700, 3600), 1, None),
        ((3000, 3600), 1, None),
        ((-90000, 3600), 1, 0),
        ((0, 3600), -1, None),
        ((900, 1800), -1, 0),
        ((400, 460), -1, 0),
        ((1000, 1900), -1, 1),
        ((-90000, -50), -1, None),
    ],
)
def test_the_keys_go_from_file_to_file(shown, by, expected):
    assert section_to_show(SECTIONS, *shown, by) == expected


@pytest.mark.parametrize(
    ("speed", "by", "expected"), [(10, 1, 20), (10, -1, 5), (15, 1, 20), (1, -1, 1), (1e4, 1, 1e4)]
)
def test_speeds_have_round_steps(speed, by, expected):
    assert next_speed(speed, by) == expected


def test_only_days_that_have_stores_are_sections(tmp_path):
    rows = recording(8, nchan=64)
    for day in (0, 1, 3):
        shifted = replace(rows, times_s=rows.times_s + day * 86_400)
        open_store(tmp_path, shifted, (), Precision.EXACT).append(shifted)
    # A clock that was not set wrote a row of 1970.
    unset = replace(rows.only(slice(0, 1)), times_s=np.array([5.0]))
    open_store(tmp_path, unset, (), Precision.EXACT).append(unset)
    recorded = open_timeline([tmp_path], RowSelection())
    days = recorded.sections()
    assert [day.name for day in days] == ["1970-01-01", "2025-08-18", "2025-08-19", "2025-08-21"]
    assert days[0].begin_s == recorded.source.extent().begin_s
    assert days[-1].end_s == recorded.source.extent().end_s


def test_an_archive_is_shown_day_by_day(tmp_path, scenes):
    rows = recording(800, nchan=64, start_s=MIDNIGHT_S - 100)
    for day in (rows.only(rows.times_s < MIDNIGHT_S), rows.only(rows.times_s >= MIDNIGHT_S)):
        open_store(tmp_path / "archive", day, (), Precision.EXACT).append(day)
    scene, playback = scenes([tmp_path / "archive"], Product.I)
    assert [section.name for section in playback.sections()] == ["2025-08-18", "2025-08-19"]
    assert playback.snapshot(memory=False).viewed.text == "2025-08-18 23:58 to 2025-08-19 00:01, archive archive"
    second = playback.sections()[1]
    show_section(scene, second.begin_s, second.begin_s + 20)
    loaded(scene)
    found = put_cursor(scene, MIDNIGHT_S + 10, 14.0)
    row = int(np.searchsorted(rows.times_s, found.end_s - 1e-3))
    assert found.power == rows.power(Product.I)[row, int(np.abs(rows.frequencies_hz - 14e6).argmin())]
    sentence = playback.export_times(tmp_path / "out.npz", MIDNIGHT_S - 10, MIDNIGHT_S + 10)
    assert "80 rows" in sentence


def test_an_archive_without_rows_is_refused(tmp_path):
    (tmp_path / "2025-08-18.zarr").mkdir()
    with pytest.raises(SourceError, match="has no rows that can be read"):
        open_timeline([tmp_path], RowSelection())


@pytest.mark.parametrize(
    ("begin", "end", "text"),
    [
        ("2012-07-04T16:00", "2012-07-04T17:00:30", "2012-07-04 16:00 to 17:00"),
        ("2012-07-04T23:00", "2012-07-05T01:00", "2012-07-04 23:00 to 2012-07-05 01:00"),
    ],
)
def test_an_interval_has_its_date_once(begin, end, text):
    assert interval_text(parse_user_time(begin), parse_user_time(end)) == text


# Playing


def test_playing_moves_the_picture_and_a_pause_holds_it(tmp_path, scenes):
    scene, playback = scenes(files_of(tmp_path), speed=20.0)
    playback.play_from(START_S + 20)
    playback.is_paused = lambda: scene.view.paused_at_slot is not None
    loaded(scene)
    assert shown_interval(scene)[1] == pytest.approx(START_S + 20, abs=0.5)
    assert playback.snapshot(memory=False).viewed.state == "PLAY 20x"
    playback.play_on(1.0)
    scene.timeline.mode.refresh(now=True)
    loaded(scene)
    assert shown_interval(scene)[1] == pytest.approx(START_S + 40, abs=0.5)
    scene.apply_action("toggle_pause")
    playback.play_on(1.0)
    assert playback.head.time_s == START_S + 40
    scene.apply_action("toggle_pause")
    playback.play_on(1e6)
    assert not playback.is_playing
    assert playback.snapshot(memory=False).viewed.state == "VIEW"


def test_playing_skips_the_night(tmp_path):
    playback = Playback(open_timeline(files_of(tmp_path, count=2, gap_s=40_000), RowSelection()), 1.0)
    first, second = playback.sections()
    playback.play_from(first.end_s - 1)
    playback.play_on(20.0)
    assert playback.head.time_s == second.begin_s


def test_the_thread_plays_and_ends(tmp_path):
    playback = Playback(open_timeline(files_of(tmp_path), RowSelection()), 50.0)
    news = threading.Event()
    playback.listeners.add(news.set)
    playback.start()
    playback.play_from(START_S + 10)
    assert news.wait(10)
    poll_until(lambda: playback.head.time_s > START_S + 11, 10)
    playback.stop()
    assert not [each for each in threading.enumerate() if each.name == "sunspec-playback"]


def test_a_jump_lets_the_picture_begin_anew(tmp_path, scenes):
    scene, playback = scenes(files_of(tmp_path))
    playback.play_from(START_S + 200)
    loaded(scene)
    playback.play_from(START_S + 60)
    scene.timeline.mode.refresh(now=True)
    loaded(scene)
    end_slot = TimeSlots(scene.view.slot_s).slot_at(START_S + 60)
    assert scene.shown.picture.store.newest == scene.shown.grid.number_of(end_slot)
    playback.stop_playing()
    assert math.isinf(playback.head.time_s)


def test_traces_of_the_spectrum_are_those_of_the_shown_columns(tmp_path, scenes):
    scene, _ = scenes(files_of(tmp_path))
    assert [each.name for each in spectrum_scene(scene).traces] == [f"XX mean of {column_text(scene.shown.column_s)}"]
    for name in ("max", "min", "average"):
        scene.apply_action("toggle_trace", name)
    lowest, highest, mean, last = spectrum_scene(scene).traces
    assert [each.name for each in (lowest, highest, mean)] == ["lowest mean", "highest", "mean of the picture"]
    rows = recording(1200, nchan=64).data[..., 0]
    np.testing.assert_allclose(highest.power, np.nanmax(rows, axis=0), rtol=0.01)
    np.testing.assert_allclose(mean.power, np.nanmean(rows, axis=0), rtol=0.05)
    assert (lowest.power <= np.fmin(mean.power, last.power)).all()
    assert (lowest.power >= np.nanmin(rows, axis=0)).all()


def test_rows_of_an_interval_are_exported(tmp_path):
    paths = files_of(tmp_path)
    playback = Playback(open_timeline(paths, RowSelection()), 1.0)
    sentence = playback.export_times(tmp_path / "out.npz", START_S + 30, START_S + 150)
    whole = recording(1200, nchan=64)
    inside = (whole.times_s >= START_S + 30) & (whole.times_s < START_S + 150)
    assert f"{inside.sum()} rows" in sentence
    np.testing.assert_array_equal(read_recording(tmp_path / "out.npz").data, whole.data[inside])


# Flux


FACTOR = 0.5


def test_files_in_sfu_say_so_and_are_not_scaled_again(tmp_path):
    rows = scale_recording(recording(120, nchan=64), load_flux_scale(FACTOR))
    export(rows, tmp_path / "sfu.npz")
    found = open_timeline([tmp_path / "sfu.npz"], RowSelection())
    assert (found.unit, Playback(found, 1.0).unit, Playback(found, 1.0).snapshot(memory=False).unit) == ("sfu",) * 3
    with pytest.raises(UsageError, match="in sfu already; leave --flux-scale out"):
        open_timeline([tmp_path / "sfu.npz"], RowSelection(), scale=load_flux_scale(FACTOR))


def test_files_of_another_unit_are_left_out(tmp_path, warnings_logged):
    paths = files_of(tmp_path, count=2)
    export(scale_recording(recording(40, nchan=64), load_flux_scale(FACTOR)), tmp_path / "sfu.npz")
    found = open_timeline([*paths, tmp_path / "sfu.npz"], RowSelection())
    assert (found.unit, len(found.sections())) == ("arbitrary", 2)
    assert warnings_logged() == [
        "sfu.npz: powers in sfu, not in an arbitrary unit as those of the other files; left out, view them apart"
    ]


@pytest.mark.parametrize("product", [Product.XX, Product.I, Product.V_OVER_I])
@pytest.mark.parametrize("step_s", [0, 2])
def test_a_scale_turns_files_into_sfu(tmp_path, product, step_s):
    paths = files_of(tmp_path, count=2)
    plain, scaled = (open_timeline(paths, RowSelection(), scale=each) for each in (None, load_flux_scale(FACTOR)))
    asked = (step_s, MIDNIGHT_S - 86_400, MIDNIGHT_S, product)
    factor = 1 if product is Product.V_OVER_I else FACTOR
    pairs = list(zip(plain.source.blocks(*asked), scaled.source.blocks(*asked), strict=True))
    assert pairs
    for before, after in pairs:
        np.testing.assert_allclose(after.mean, before.mean * factor, rtol=1e-5)
        np.testing.assert_allclose(after.peak, before.peak * factor, rtol=1e-5)


def test_an_export_from_the_screen_is_in_sfu(tmp_path):
    scale = load_flux_scale(FACTOR)
    playback = Playback(open_timeline(files_of(tmp_path), RowSelection(), scale=scale), 1.0, scale=scale)
    playback.export_times(tmp_path / "out.npz", START_S + 30, START_S + 150)
    found, whole = read_recording(tmp_path / "out.npz"), recording(1200, nchan=64)
    inside = (whole.times_s >= START_S + 30) & (whole.times_s < START_S + 150)
    assert found.unit == "sfu"
    np.testing.assert_array_equal(found.data, whole.data[inside] * np.float32(FACTOR))


def test_bins_outside_a_scale_are_named(tmp_path):
    (tmp_path / "scale.txt").write_text("1 0.5\n2 0.5\n")
    scale, paths = load_flux_scale(tmp_path / "scale.txt"), files_of(tmp_path)
    snapshot = Playback(open_timeline(paths, RowSelection(), scale=scale), 1.0, scale=scale).snapshot(memory=False)
    assert snapshot.notes == ("16 bins are outside the flux scale scale.txt and without values",)
