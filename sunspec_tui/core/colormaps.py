"""Colour maps as tables.

The terminal therefore never loads matplotlib for them.

A map is defined by 33 colours at even steps, and interpolated to the requested number of colours; the error
against the published tables of 256 colours is at most 3 of 255. Terminals with 256 and 16 colours get tables
with as many steps as they can distinguish. Pure values and functions.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr

_ANCHORS = {
    "viridis": (
        "440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d "
        "2f6b8e 2c728e 297a8e 26828e 23898e 21908c 1f978b 1f9f88 21a685 27ad81 31b57b "
        "3ebc74 4dc26c 5cc863 6ece58 82d34d 95d840 aadc32 c0df25 d5e21a eae51a fde725"
    ),
    "turbo": (
        "30123b 392a73 4040a2 4456c7 466be3 4680f6 4293ff 37a7fa 28bbec 1dccd9 18dcc3 "
        "1ee8b0 31f299 4cf97e 6bfe64 8aff4c a2fc3c b8f735 cced34 dee037 edd03a f7c03a "
        "fdad35 fe982c fb8022 f56818 ec520f e14109 d23105 c12302 ac1701 950d01 7a0403"
    ),
    "inferno": (
        "000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 56106e 63156e 70196e "
        "7d1e6d 89226a 962766 a32c61 af315b bb3654 c63d4d d14545 da4f3c e35932 eb6529 "
        "f1721e f67f14 f98c0a fb9b06 fcaa0f fbba1f f9c932 f5d949 f2e865 f3f586 fcffa4"
    ),
    "cividis": (
        "00224e 00285b 002e6a 053371 1a386f 273e6e 32436d 3b496c 434e6c 4b546c 535a6d "
        "5a5f6e 61656f 686a71 6f7073 767676 7c7c78 838179 8b8778 928d78 9a9376 a29975 "
        "aaa073 b3a670 bbad6d c3b369 ccba64 d4c15f ddc858 e6d051 efd748 f8df3c fee838"
    ),
    "gray": "000000 ffffff",
}

PALETTES = tuple(_ANCHORS)
"""Names of the maps; the first is the default."""

DIVERGING = "diverging"
"""Colour map of signed products: blue below zero, dark at zero, red above."""
_ANCHORS[DIVERGING] = (
    "d2f0ff a8dcff 7cc4ff 50a8f5 2f8ae0 2070c4 1859a3 134682 103563 0e2849 0d1e35 0e1726 12131b "
    "141216 151213 161211 181210 1c1110 22100f 2d100e 3d100e 52110f 6b1311 881815 a6201b c22d22 "
    "db402b ee5a38 fa7949 ff9a62 ffb984 ffd6ac fff0d8"
)


def parse_palette(name: str) -> str:
    """Return the name of a palette as it is written in `PALETTES`.

    Raises
    ------
    UsageError
        If there is no such palette.
    """
    if name not in PALETTES:
        raise UsageError(f"the palette is {short_repr(name)}, it must be one of {', '.join(PALETTES)}")
    return name


@lru_cache(maxsize=32)
def colours(name: str, steps: int = 256) -> NDArray[np.uint8]:
    """Return a colour map as a table.

    Parameters
    ----------
    name
        One of `PALETTES`.
    steps
        Number of colours.

    Returns
    -------
    numpy.ndarray
        uint8, shape (steps, 3): red, green and blue from the lowest value to the highest.
    """
    anchors = np.array([list(bytes.fromhex(colour)) for colour in _ANCHORS[name].split()], float)
    places = np.linspace(0, len(anchors) - 1, steps)
    channels = [np.interp(places, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)
