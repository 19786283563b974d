"""Choose ramps of terminal colours for colour maps, ordered by lightness.

A terminal with 256 or 16 colours shows a colour map with a few of its fixed colours. Their CIELAB lightness L* rises
strictly along a ramp, so that a higher value is never darker. Values between two steps are dithered: some pixels have
the lower step, the others the upper one. A ramp is the chain of colours with the smallest expected error of its
dithered pixels, found by dynamic programming. docs/decisions/018-few-colours.md gives the reasons.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.colormaps import DIVERGING, colours
from sunspec_tui.tui.terminal.cielab import cielab, luminance, luminance_of_lightness
from sunspec_tui.tui.terminal.colours import FIXED_256, XTERM_16, Depth

Floats = NDArray[np.float64]

# Steps that differ less in L* look the same.
_MIN_RISE = 1.5
# Largest L* by which a ramp may exceed the ends of its map.
_BEYOND_ENDS = {Depth.C256: 8.0, Depth.C16: 16.0}
# If a map ends darker than its maximum by more than this L*, its colours are not ordered by lightness; they then get
# a new L*, up to the second number.
_LOST_LIGHTNESS, _LIGHT_END = 8.0, 95.0
# Largest distance of a colour from the map, without lightness.
_FARTHEST = {Depth.C256: 20.0, Depth.C16: 45.0}
# Smallest and largest share of the map's chroma, and a difference of chroma that is not visible.
_MIN_CHROMA_SHARE, _MAX_CHROMA_SHARE, _CHROMA_SLACK = 0.5, 3.0, 3.0
# Colours below this L* have hardly any hue.
_NEARLY_BLACK = 12.0
# Weights of the scatter of dithered pixels, and of the error of a colour itself.
_SCATTER_WEIGHT, _OWN_WEIGHT = 2.0, 1.0
# Weights of the errors of values below the first colour and above the last one. These values look the same, and high
# values matter more.
_LOW_WEIGHT = {Depth.C256: 2.0, Depth.C16: 4.0}
_HIGH_WEIGHT = 4.0
_CHROMA_RATE, _LIGHTNESS_WEIGHT = 0.045, 1.0
# Numbers of map colours that suffice for the errors of a chain, and of values that have a place.
_MAP_SAMPLES, _PLACES = 48, 256


class Ramp(NamedTuple):
    """Steps of terminal colours, from the lowest to the highest value.

    Attributes
    ----------
    numbers
        Numbers of the terminal's colours.
    places
        Steps of 256 evenly spaced values, ascending. A fraction means a place between two steps.
    """

    numbers: tuple[int, ...]
    places: tuple[float, ...]


class _Candidates(NamedTuple):
    """Colours that a ramp may have, ordered by lightness."""

    numbers: NDArray[np.int64]
    luminances: Floats
    even: Floats
    farthest: float
    beyond_ends: float
    low_weight: float


@lru_cache(maxsize=32)
def colour_ramp(name: str, depth: Depth) -> Ramp:
    """Return the ramp of a colour map.

    Parameters
    ----------
    name
        One of `PALETTES`; or `DIVERGING`, whose lightness falls to the middle and rises after it.
    depth
        `Depth.C256` or `Depth.C16`.
    """
    candidates = _candidates(depth)
    rgb = colours(name, 2 * _MAP_SAMPLES).astype(np.int64)
    if name != DIVERGING:
        return _rising_ramp(_rising_map(rgb[::2]), candidates, _PLACES)
    below, above = (
        _rising_ramp(_rising_map(half), candidates, _PLACES // 2)
        for half in (rgb[_MAP_SAMPLES - 1 :: -1], rgb[_MAP_SAMPLES:])
    )
    return _joined(below, above)


def _candidates(depth: Depth) -> _Candidates:
    rgb, first = (FIXED_256, 16) if depth is Depth.C256 else (XTERM_16, 0)
    lab = cielab(rgb)
    order = np.argsort(lab[:, 0], kind="stable")
    return _Candidates(
        order + first,
        luminance(rgb[order]),
        _even(lab[order]),
        _FARTHEST[depth],
        _BEYOND_ENDS[depth],
        _LOW_WEIGHT[depth],
    )


def _even(lab: Floats) -> Floats:
    """Return CIELAB colours in coordinates whose differences look even.

    Differences of strong chroma look smaller than CIELAB says, so chroma is compressed as in DIN99. Lightness is not
    changed; it counts more than hue, because it carries the picture.
    """
    chroma = np.maximum(np.hypot(lab[:, 1], lab[:, 2]), 1e-9)
    factor = np.log1p(_CHROMA_RATE * chroma) / (_CHROMA_RATE * chroma * _LIGHTNESS_WEIGHT)
    return lab * np.stack([np.ones(len(lab)), factor, factor], axis=1)


def _rising_map(rgb: NDArray[np.int64]) -> Floats:
    """Return a map in even coordinates whose lightness never falls.

    A map that becomes dark again (turbo) keeps the order of its hues. Its lightness rises nearly evenly: a third of it
    is the map's highest lightness so far, so that the light hues in the middle stay light.
    """
    lab = cielab(rgb)
    lightest = np.maximum.accumulate(lab[:, 0])
    if lightest[-1] - lab[-1, 0] > _LOST_LIGHTNESS:
        lightest = (lightest + 2 * np.linspace(lightest[0], _LIGHT_END, len(lab))) / 3
        # Light colours of a strong chroma do not exist.
        lab[:, 1:] *= np.minimum(1, lab[:, 0] / lightest)[:, None]
    lab[:, 0] = lightest
    return _even(lab)


def _rising_ramp(target: Floats, candidates: _Candidates, count: int) -> Ramp:
    """Return a rising map's best ramp, with places of `count` values."""
    near = _near(target, candidates)
    chain = near[_best_chain(candidates.even[near], target, candidates.low_weight)]
    lightness = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(target)), target[:, 0])
    # Dithered pixels are mixed in linear light, so the fraction of a step is that of its luminance.
    wanted = luminance_of_lightness(lightness)
    # The lowest and the highest value have the first and the last step, without any dithering.
    steps = np.clip(candidates.luminances[chain], wanted[0], wanted[-1])
    places = np.interp(wanted, steps, np.arange(len(chain)))
    return Ramp(tuple(candidates.numbers[chain].tolist()), tuple(places.tolist()))


def _at_lightness(target: Floats, lightness: Floats) -> Floats:
    """Return the map's colours of some lightness, or those of its ends."""
    return np.stack([np.interp(lightness, target[:, 0], target[:, each]) for each in range(3)], axis=1)


def _near(target: Floats, candidates: _Candidates) -> NDArray[np.int64]:
    """Return candidates near the map; no greys for a hue."""
    even = candidates.even
    wanted = _at_lightness(target, even[:, 0])
    difference = even - wanted
    chroma, wanted_chroma = (np.hypot(each[:, 1], each[:, 2]) for each in (even, wanted))
    has_hue = (chroma >= _MIN_CHROMA_SHARE * wanted_chroma - _CHROMA_SLACK) | (even[:, 0] < _NEARLY_BLACK)
    return np.flatnonzero(
        has_hue
        & (chroma <= _MAX_CHROMA_SHARE * wanted_chroma + _CHROMA_SLACK)
        & (np.abs(difference[:, 0]) <= candidates.beyond_ends)
        & (np.hypot(difference[:, 1], difference[:, 2]) <= candidates.farthest)
    )


def _best_chain(nodes: Floats, target: Floats, low_weight: float) -> list[int]:
    """Return the chain of nodes with rising lightness and the smallest error.

    The error of a chain is the sum of the errors of all map colours and of all nodes. The first node shows all map
    colours that are darker, and the last node all that are lighter.
    """
    lightness = nodes[:, 0]
    own = _OWN_WEIGHT * ((nodes - _at_lightness(target, lightness)) ** 2).sum(axis=1)
    alone = ((nodes[:, None, :] - target[None, :, :]) ** 2).sum(axis=2)
    is_darker = target[None, :, 0] < lightness[:, None]
    error = own + low_weight * np.where(is_darker, alone, 0).sum(axis=1)
    error_above = _HIGH_WEIGHT * np.where(is_darker, 0, alone).sum(axis=1)
    previous = [-1] * len(nodes)
    for upper, node in enumerate(nodes):
        lower = np.flatnonzero(lightness <= node[0] - _MIN_RISE)
        if not len(lower):
            continue
        totals = error[lower] + _errors_between(nodes[lower], node, target) + own[upper]
        best = int(totals.argmin())
        if totals[best] < error[upper]:
            error[upper], previous[upper] = totals[best], int(lower[best])
    chain = [int((error + error_above).argmin())]
    while previous[chain[-1]] >= 0:
        chain.append(previous[chain[-1]])
    return chain[::-1]


def _errors_between(lower: Floats, upper: Floats, target: Floats) -> Floats:
    """Return the mean squared errors of pixels dithered between two nodes.

    `lower` has several nodes, `upper` is one node. An error has two parts: the distance of the pixels' mean from the
    map, and their scatter about the mean.
    """
    distance = upper - lower
    share = (target[None, :, 0] - lower[:, :1]) / distance[:, :1]
    mean = lower[:, None, :] + share[:, :, None] * distance[:, None, :]
    wrong = ((mean - target[None, :, :]) ** 2).sum(axis=2)
    scatter = share * (1 - share) * (distance**2).sum(axis=1)[:, None]
    return np.asarray(np.where((share >= 0) & (share < 1), wrong + _SCATTER_WEIGHT * scatter, 0).sum(axis=1))


def _joined(below: Ramp, above: Ramp) -> Ramp:
    """Join the halves of a diverging map, which begin in its middle."""
    is_shared = below.numbers[0] == above.numbers[0]
    last = len(below.numbers) - 1
    first = last + (not is_shared)
    places = [last - place for place in reversed(below.places)] + [first + place for place in above.places]
    return Ramp((*reversed(below.numbers), *above.numbers[is_shared:]), tuple(places))
