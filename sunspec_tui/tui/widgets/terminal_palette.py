"""Convert colour maps to palettes of terminal colours."""

from functools import lru_cache

from sunspec_tui.core.colormaps import DIVERGING, colours
from sunspec_tui.tui.terminal.colours import Colour, Depth, ansi_colour, nearest_256, true_colour

# Colours 0-15 of the terminal, from dark to bright, chosen manually because the nearest colours are too far off.
_SIXTEEN = {
    "viridis": (0, 4, 12, 6, 2, 10, 11),
    "turbo": (4, 12, 6, 14, 2, 10, 11, 3, 9, 1),
    "inferno": (0, 4, 5, 1, 9, 3, 11, 15),
    "cividis": (0, 4, 12, 8, 7, 3, 11),
    "gray": (0, 8, 7, 15),
    DIVERGING: (14, 12, 4, 0, 1, 9, 11),
}


@lru_cache(maxsize=64)
def terminal_palette(name: str, depth: Depth, steps: int) -> tuple[Colour, ...]:
    """Return a colour map in the colours of a terminal.

    Parameters
    ----------
    name
        One of `PALETTES`, or `DIVERGING`.
    depth
        Colour depth of the terminal; not `Depth.NONE`.
    steps
        Largest number of colours.

    Returns
    -------
    tuple of Colour
        From the lowest value to the highest: `steps` colours, or fewer if fewer differ.
    """
    if depth is Depth.C16:
        return tuple(ansi_colour(number) for number in _SIXTEEN[name])
    if depth is Depth.TRUE:
        return tuple(true_colour(*(int(part) for part in row)) for row in colours(name, steps))
    nearest = [nearest_256(*(int(part) for part in row)) for row in colours(name, 256)]
    different = [number for i, number in enumerate(nearest) if number not in nearest[:i]]
    if len(different) > steps:
        different = [different[round(i * (len(different) - 1) / (steps - 1))] for i in range(steps)]
    return tuple(Colour(f"38;5;{number}", f"48;5;{number}") for number in different)
