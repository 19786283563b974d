"""The drift ruler: its numbers, its text and its keys."""

import math
import re
from dataclasses import replace

import pytest
from monitors import CADENCE_S, START_S, Screen, StillReceiver
from scenes import feed, scene_of
from sky_frames import sky

from sunspec_tui.core.corona import DensityModel, radial_speed_km_s
from sunspec_tui.tui.display.cursor_point import CursorPoint, cursor_point
from sunspec_tui.tui.display.drift_ruler import Emission, Ruler, read_ruler
from sunspec_tui.tui.display.view_state import Cursor
from sunspec_tui.tui.widgets.fitting import fit_segments
from sunspec_tui.tui.widgets.ruler_text import ruler_segments

FIRST, SECOND = CursorPoint(100.0, 80.0), CursorPoint(102.0, 40.0)
EMISSIONS = [Emission(model, harmonic) for model in DensityModel for harmonic in (1, 2)]


def reading_of(first=FIRST, second=SECOND, emission=EMISSIONS[0]):
    return read_ruler(Ruler(first, emission), second)


def text_of(reading, columns=0):
    return fit_segments(ruler_segments(reading), columns).plain


@pytest.mark.parametrize("emission", EMISSIONS, ids=str)
@pytest.mark.parametrize("points", [(FIRST, SECOND), (SECOND, FIRST)])
def test_the_numbers_do_not_depend_on_the_order_of_the_points(points, emission):
    found = reading_of(*points, emission)
    assert found.drift_mhz_s == -20.0
    assert found.seconds == 2.0
    assert found.speed_km_s == radial_speed_km_s(emission.model, FIRST, SECOND, emission.harmonic)
    # The plasma frequency of 80 MHz is that of 7.9e7 electrons in a cubic centimetre.
    assert found.density_cm3[0] == pytest.approx(7.94e7 / emission.harmonic**2, rel=0.01)
    assert found.density_cm3[0] == pytest.approx(4 * found.density_cm3[1])
    assert found.height_rsun[0] < found.height_rsun[1]


def test_the_keys_change_model_and_harmonic():
    first = Emission()
    assert first.with_next_model() == (DensityModel.SAITO, 1)
    assert first.with_other_harmonic() == (DensityModel.NEWKIRK, 2)
    assert first.with_next_model().with_next_model() == first.with_other_harmonic().with_other_harmonic() == first


@pytest.mark.parametrize("columns", [40, 60, 76, 80, 120, 200])
def test_the_text_fits_and_keeps_rate_and_speed(columns):
    text = text_of(reading_of(), columns)
    assert "-20 MHz/s" in text
    assert " c" in text
    assert len(text) <= max(columns, 60)


def test_a_wide_line_has_all_numbers():
    found = reading_of()
    text = text_of(found)
    first, second = found.height_rsun
    for words in ("-20 MHz/s in 2 s", "Newkirk, fundamental", f"heights {first:.2f} to {second:.2f} Rsun",
                  "densities 7.9e7 to 2.0e7 /cm3"):  # fmt: skip
        assert words in text
    speed = re.search(r"(\d+) km/s, ([\d.]+) c", text)
    assert float(speed[1]) == pytest.approx(found.speed_km_s, rel=0.005)
    assert float(speed[2]) == pytest.approx(found.speed_km_s / 299_792.458, rel=0.05)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (FIRST, FIRST, ["no rate: one time", "no speed"]),
        (FIRST, CursorPoint(100.0, 40.0), ["no rate: one time", "no speed"]),
        # Denser than the base of the model.
        (CursorPoint(100.0, 5000.0), CursorPoint(101.0, 4000.0), ["no heights in this model", "no speed"]),
        (CursorPoint(100.0, 5000.0), SECOND, ["heights none to", "no speed"]),
    ],
)
def test_what_is_not_defined_is_said(first, second, words):
    text = text_of(reading_of(first, second))
    assert all(each in text for each in words)
    assert "nan" not in text


def test_one_frequency_at_two_times_has_no_speed_upwards():
    found = reading_of(FIRST, CursorPoint(110.0, 80.0))
    assert (found.drift_mhz_s, found.speed_km_s) == (0.0, 0.0)
    assert "0 km/s, 0 c" in text_of(found)


def test_without_a_second_point_a_sentence_asks_for_it():
    assert "move the cursor to the second point" in text_of(None)


# The cursor


def test_the_point_is_the_middle_of_the_data_under_the_cursor():
    receiver = StillReceiver()
    feed(receiver, 40)
    scene = scene_of(receiver)
    assert cursor_point(scene) is None
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - 3, 4))
    found = cursor_point(scene)
    assert found.time_s == pytest.approx(START_S + 36 * CADENCE_S - CADENCE_S / 2)
    assert math.isfinite(found.mhz)
    scene.view = replace(scene.view, cursor=Cursor(scene.shown.time_axis.newest - 3000, 4))
    assert cursor_point(scene) is None


# The keys


@pytest.fixture(params=[(80, 24), (200, 60)], ids=str)
def screen(request):
    receiver = StillReceiver()
    for n in range(200):
        receiver.feed(sky(n))
    opened = Screen(*request.param, receiver)
    shown(opened)
    yield opened
    opened.close()


def shown(screen):
    for _ in range(2):
        screen.tick()
        screen.settle()
    return "\n".join(screen.terminal.display)


def test_the_ruler_follows_the_cursor_until_escape(screen):
    screen.press("R")
    assert "put the cursor on the first point" in " ".join(shown(screen).replace("▌", " ").split())
    screen.press("escape", "left", "up", "R")
    text = shown(screen)
    assert "no rate: one time" in text
    screen.press(*["left"] * 6, *["up"] * 3)
    text = shown(screen)
    assert text.count("◇") == 2
    assert " RULER " in text
    assert "MHz/s" in text
    before = text
    screen.press("H")
    assert "Newkirk, harmonic" in shown(screen) or "Newkirk H" in shown(screen)
    screen.press("M")
    assert "Saito" in shown(screen) != before
    # The picture stays drawn cell for cell.
    assert screen.cells() == screen.full_repaint()
    screen.press("escape")
    text = shown(screen)
    assert "RULER" not in text
    assert "◇" not in text
    assert screen.app.scene.view.cursor is not None
    screen.press("escape")
    assert screen.app.scene.view.cursor is None


def test_the_rulers_choice_is_kept_for_the_next_ruler(screen):
    screen.press("M")
    assert "this key is for the ruler" in " ".join(shown(screen).split())
    screen.press("escape", "left", "R", "M", "escape", "R", "left")
    assert "Saito" in shown(screen)
