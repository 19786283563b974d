"""Ramps of few colours: lightness, hues, dithering and characters."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sunspec_tui.core.colormaps import DIVERGING, PALETTES, colours
from sunspec_tui.core.levels import Levels
from sunspec_tui.tui.display.pixels import dithered_steps
from sunspec_tui.tui.terminal.cielab import cielab, linear_rgb, luminance
from sunspec_tui.tui.terminal.colours import FIXED_256, XTERM_16, Depth
from sunspec_tui.tui.widgets.colour_ramps import colour_ramp
from sunspec_tui.tui.widgets.terminal_palette import terminal_palette, thinned
from sunspec_tui.tui.widgets.waterfall_cells import ColourSteps

DEPTHS = (Depth.C256, Depth.C16)
# Turbo becomes dark again at its end, so its ramp has other values of lightness.
ORDERED = tuple(name for name in PALETTES if name != "turbo")


def rgb_of(ramp, depth):
    return FIXED_256[np.array(ramp.numbers) - 16] if depth is Depth.C256 else XTERM_16[list(ramp.numbers)]


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", PALETTES)
def test_the_lightness_of_a_ramp_rises_strictly(name, depth):
    ramp = colour_ramp(name, depth)
    assert (np.diff(cielab(rgb_of(ramp, depth))[:, 0]) > 1).all()
    assert len(ramp.numbers) >= (10 if depth is Depth.C256 else 4)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_diverging_ramp_is_darkest_at_zero_and_rises_on_both_sides(depth):
    ramp = colour_ramp(DIVERGING, depth)
    lightness = cielab(rgb_of(ramp, depth))[:, 0]
    middle = int(lightness.argmin())
    assert (np.diff(lightness[: middle + 1]) < -1).all()
    assert (np.diff(lightness[middle:]) > 1).all()
    assert middle in {round(place) for place in ramp.places[126:130]}
    assert len(set(ramp.numbers)) >= len(ramp.numbers) - 1


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", [*PALETTES, DIVERGING])
def test_each_step_has_values_and_the_ends_have_the_end_values(name, depth):
    ramp = colour_ramp(name, depth)
    places = np.array(ramp.places)
    assert (np.diff(places) >= 0).all()
    assert (places[0], places[-1]) == (0, len(ramp.numbers) - 1)
    assert np.histogram(places, np.arange(len(ramp.numbers) + 1) - 0.5)[0].min() > 0


@pytest.mark.parametrize("name", ORDERED)
def test_dithered_pixels_are_as_bright_as_the_map(name):
    ramp = colour_ramp(name, Depth.C256)
    shares = np.linspace(0, 1, 64, dtype=np.float32)
    values = np.repeat(shares[:, None, None], 16, axis=1).repeat(16, axis=2)
    steps = np.stack([dithered_steps(each, Levels(0, 1), ramp.places, np.arange(16)) for each in values])
    shown = luminance(rgb_of(ramp, Depth.C256))[steps].mean(axis=(1, 2))
    wanted = luminance(colours(name, 64).astype(int))
    inside = slice(3, -8)
    assert np.abs(shown - wanted)[inside].max() < 0.03


@pytest.mark.parametrize("name", ORDERED)
def test_dithered_pixels_have_hues_near_those_of_the_map(name):
    ramp = colour_ramp(name, Depth.C256)
    mixed = np.stack([
        np.interp(ramp.places, np.arange(len(ramp.numbers)), channel)
        for channel in linear_rgb(rgb_of(ramp, Depth.C256)).T
    ], axis=1)  # fmt: skip
    wanted = linear_rgb(colours(name, 256))
    assert np.abs(mixed - wanted).mean() < 0.08


def test_the_steps_of_few_values_by_hand():
    # Half of the pixels between steps 0 and 1 have step 1, and no value is beyond the last step.
    places = (0.0, 0.5, 1.0)
    values = np.array([[-1, 0, 0.5, 1, 2, np.nan]], np.float32).repeat(4, axis=0)
    steps = dithered_steps(values, Levels(0, 1), places, np.arange(4))
    assert steps[:, [0, 1]].max() == 0
    assert sorted(steps[:, 2].tolist()) == [0, 0, 1, 1]
    assert (steps[:, [3, 4]] == 1).all()
    assert (steps[:, 5] == -1).all()


def test_a_column_has_the_same_pixels_wherever_it_is_drawn():
    values = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    places = colour_ramp("viridis", Depth.C256).places
    whole = dithered_steps(values, Levels(0, 1), places, np.arange(100, 140))
    np.testing.assert_array_equal(dithered_steps(values[7:], Levels(0, 1), places, np.arange(107, 140)), whole[7:])


@pytest.mark.parametrize("steps", [2, 5, 11, 24, 48])
def test_a_thinned_ramp_keeps_its_ends_and_its_order(steps):
    ramp = colour_ramp("gray", Depth.C256)
    fewer = thinned(ramp, steps)
    assert len(fewer.numbers) == min(steps, len(ramp.numbers))
    assert (fewer.numbers[0], fewer.numbers[-1]) == (ramp.numbers[0], ramp.numbers[-1])
    assert (np.diff(fewer.places) >= 0).all()
    assert fewer.places[-1] == len(fewer.numbers) - 1


def test_a_palette_without_dithering_gives_each_value_one_colour():
    places = terminal_palette("viridis", Depth.C256, 24, dithered=False).places
    assert set(places) == set(range(len(terminal_palette("viridis", Depth.C256, 24).colours)))
    assert terminal_palette("viridis", Depth.TRUE, 48).places is None


FONT = ImageFont.truetype(str(Path(mpl.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf")), 64)


def distance_from_ground(character, ink, ground):
    picture = Image.new("L", (60, 100), ground)
    ImageDraw.Draw(picture).text((8, 10), character, fill=ink, font=FONT)
    return np.abs(np.asarray(picture, float) - ground).mean()


@pytest.mark.parametrize(("ink", "ground"), [(220, 16), (16, 240)], ids=["dark", "light"])
def test_each_character_has_more_ink_than_the_one_before(ink, ground):
    def inks(characters):
        return np.diff([distance_from_ground(each, ink, ground) for each in characters])

    assert (inks(ColourSteps("viridis", Depth.NONE, 48, signed=False).ramp) > 0.5).all()
    signed = ColourSteps("viridis", Depth.NONE, 48, signed=True).ramp
    zero = signed.index(" ")
    assert (inks(signed[zero:]) > 0.5).all()
    assert (inks(signed[zero::-1]) > 0.5).all()
    assert len(set(signed)) == len(signed)


@pytest.mark.parametrize("depth", [Depth.TRUE, *DEPTHS])
@pytest.mark.parametrize("is_grey", [False, True], ids=["colours", "grey"])
def test_no_step_has_the_colour_of_no_data(depth, is_grey):
    scales = [ColourSteps(name, depth, 48, signed=False, is_grey=is_grey, dithered=True) for name in PALETTES]
    scales.append(ColourSteps("viridis", depth, 48, signed=True, is_grey=is_grey, dithered=True))
    assert [scale.palette for scale in scales if scale.no_data_colour in scale.colours] == []
