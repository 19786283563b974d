"""Keep text legible: change colours with too little contrast.

A theme, a text style and a terminal's few colours together can give any pair of colours. So each text style is checked
once, when it becomes the style of a cell. Pure functions.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.tui.terminal.ansi_writer import CellStyle
from sunspec_tui.tui.terminal.cielab import cielab, contrast_ratio, contrast_ratios
from sunspec_tui.tui.terminal.colours import FIXED_256, XTERM_16, ansi_colour, colour_256, true_colour

MIN_CONTRAST = 4.5
"""Smallest contrast of text that the Web Content Accessibility Guidelines allow."""

_REVERSE, _DIM = "7", "2"
# A terminal mixes dim text from about two thirds of its colour and one third of the ground.
_DIM_SHARE = 2 / 3
# The default colours of a terminal with a dark and with a light ground: text, then ground.
_DARK_DEFAULTS, _LIGHT_DEFAULTS = ((229, 229, 229), (0, 0, 0)), ((0, 0, 0), (255, 255, 255))
_MIX_STEPS = 32
# A replacement has about the same hue, because a hue has a meaning, or is grey.
_SAME_HUE_DEGREES, _GREY_CHROMA = 45.0, 8.0

_Rgb = NDArray[np.int64]


def colours_of(style: CellStyle, *, light: bool) -> tuple[_Rgb, _Rgb]:
    """Return the RGB colours of a style's text and ground.

    `light` is True on a terminal whose default ground is light. The 16 ANSI colours are those of xterm.
    """
    defaults = _LIGHT_DEFAULTS if light else _DARK_DEFAULTS
    text, ground = (
        _rgb(parameters, default)
        for parameters, default in zip((style.foreground, style.background), defaults, strict=True)
    )
    attributes = style.attributes.split(";")
    if _REVERSE in attributes:
        text, ground = ground, text
    if _DIM in attributes:
        text = np.rint(_DIM_SHARE * text + (1 - _DIM_SHARE) * ground).astype(np.int64)
    return text, ground


def _rgb(parameters: str, default: tuple[int, int, int]) -> _Rgb:
    numbers = [int(part) for part in parameters.split(";")]
    if len(numbers) == 5:
        return np.array(numbers[2:], np.int64)
    if len(numbers) == 3:
        return np.asarray(XTERM_16[numbers[2]] if numbers[2] < 16 else FIXED_256[numbers[2] - 16], np.int64)
    if numbers[0] in (39, 49):
        return np.array(default, np.int64)
    return np.asarray(XTERM_16[numbers[0] % 10 + (8 if numbers[0] >= 90 else 0)], np.int64)


def legible(style: CellStyle, *, light: bool) -> CellStyle:
    """Return a style whose text has at least `MIN_CONTRAST`.

    The text keeps its hue if a colour of that hue has enough contrast, and otherwise becomes grey, black or white.
    """
    if _contrast(style, light=light) >= MIN_CONTRAST:
        return style
    attributes = ";".join(each for each in style.attributes.split(";") if each != _DIM)
    style = style._replace(attributes=attributes)
    if _contrast(style, light=light) >= MIN_CONTRAST:
        return style
    text, ground = colours_of(style, light=light)
    parameters = style.background if _REVERSE in attributes.split(";") else style.foreground
    if parameters.count(";") == 4:
        colour = true_colour(*_mixed(text, ground))
    elif parameters.count(";") == 2:
        colour = colour_256(16 + _nearest_legible(text, ground, FIXED_256))
    else:
        colour = ansi_colour(_nearest_legible(text, ground, XTERM_16))
    if _REVERSE in attributes.split(";"):
        return style._replace(background=colour.background)
    return style._replace(foreground=colour.foreground)


def _contrast(style: CellStyle, *, light: bool) -> float:
    return contrast_ratio(*colours_of(style, light=light))


def _mixed(text: _Rgb, ground: _Rgb) -> tuple[int, int, int]:
    """Mix a colour with as little black or white as is necessary."""
    other = max((np.zeros(3, np.int64), np.full(3, 255)), key=lambda each: contrast_ratio(each, ground))
    for step in range(1, _MIX_STEPS):
        mixed = np.rint(text + (other - text) * (step / _MIX_STEPS)).astype(np.int64)
        if contrast_ratio(mixed, ground) >= MIN_CONTRAST:
            other = mixed
            break
    red, green, blue = other.tolist()
    return red, green, blue


def _nearest_legible(text: _Rgb, ground: _Rgb, colours: NDArray[np.int64]) -> int:
    """Return the nearest legible colour's index, with the same hue."""
    wanted, found = cielab(text), cielab(colours)
    chroma = np.hypot(found[:, 1], found[:, 2])
    turn = np.degrees(np.arctan2(found[:, 2], found[:, 1]) - np.arctan2(wanted[2], wanted[1]))
    has_hue = np.hypot(wanted[1], wanted[2]) > _GREY_CHROMA
    fits = (chroma <= _GREY_CHROMA) | (has_hue & (np.abs((turn + 180) % 360 - 180) <= _SAME_HUE_DEGREES))
    contrasts = contrast_ratios(colours, ground)
    distances = np.linalg.norm(found - wanted, axis=1)
    if not (fits & (contrasts >= MIN_CONTRAST)).any():
        return int(contrasts.argmax())
    return int(np.where(fits & (contrasts >= MIN_CONTRAST), distances, np.inf).argmin())
