"""Convert colour maps to palettes of terminal colours."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from sunspec_tui.core.colormaps import colours
from sunspec_tui.tui.terminal.colours import Colour, Depth, ansi_colour, colour_256, true_colour
from sunspec_tui.tui.widgets.colour_ramps import Ramp, colour_ramp


class TerminalPalette(NamedTuple):
    """Colours of a colour map's steps, for rising values.

    Attributes
    ----------
    colours
        Colour of each step.
    places
        Steps of evenly spaced values; a fraction means that the value is dithered between two steps. None if all steps
        are equally wide.
    """

    colours: tuple[Colour, ...]
    places: tuple[float, ...] | None = None


@lru_cache(maxsize=64)
def terminal_palette(name: str, depth: Depth, steps: int, *, dithered: bool = True) -> TerminalPalette:
    """Return a colour map in the colours of a terminal.

    Parameters
    ----------
    name
        One of `PALETTES`, or `DIVERGING`.
    depth
        Colour depth of the terminal; not `Depth.NONE`.
    steps
        Largest number of colours.
    dithered
        False to give each value the nearest step.
    """
    if depth is Depth.TRUE:
        return TerminalPalette(tuple(true_colour(*(int(part) for part in row)) for row in colours(name, steps)))
    ramp = thinned(colour_ramp(name, depth), steps)
    make = colour_256 if depth is Depth.C256 else ansi_colour
    places = ramp.places if dithered else tuple(np.rint(ramp.places).tolist())
    return TerminalPalette(tuple(make(number) for number in ramp.numbers), places)


def thinned(ramp: Ramp, steps: int) -> Ramp:
    """Return at most so many steps of a ramp, with both ends."""
    last = len(ramp.numbers) - 1
    if last < steps:
        return ramp
    kept = np.linspace(0, last, max(2, steps)).round().astype(int)
    places = np.interp(ramp.places, kept, np.arange(len(kept)))
    return Ramp(tuple(ramp.numbers[number] for number in kept), tuple(places.tolist()))
