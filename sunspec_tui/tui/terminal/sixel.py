"""Encoder of pixels as sixels.

A sixel is a column of six pixels of one colour. A band is a line of sixels; each colour of a band is drawn in a pass of
its own over the band.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BAND_PX = 6
"""Height of a band."""
COLOUR_TOLERANCE = 2.0
"""Largest distance, of 255, from a colour to its register; a terminal's own rounding adds up to 1."""
_PERCENT = 2.55
# The second parameter keeps pixels that no sixel covers.
_START = "\x1bP0;1;0q"
_END = "\x1b\\"
_EMPTY = 63


@dataclass(frozen=True)
class Registers:
    """Colours of a palette in percent; similar neighbours share a register.

    Attributes
    ----------
    numbers
        Number of the register of each palette colour, shape (256,).
    percents
        Red, green and blue of each register in percent, shape (n, 3).
    """

    numbers: NDArray[np.intp]
    percents: NDArray[np.intp]


@lru_cache(maxsize=16)
def _registers(palette: bytes) -> Registers:
    colours = np.frombuffer(palette, dtype=np.uint8).reshape(-1, 3).astype(float)
    numbers = np.zeros(256, dtype=np.intp)
    percents: list[NDArray[np.intp]] = []
    start = 0
    for end in range(1, len(colours) + 1):
        if end == len(colours) or _shared_percents(colours[start : end + 1]) is None:
            numbers[start:end] = len(percents)
            shared = _shared_percents(colours[start:end])
            percents.append(np.rint(colours[start] / _PERCENT).astype(np.intp) if shared is None else shared)
            start = end
    return Registers(numbers, np.array(percents))


def registers_of(palette: NDArray[np.uint8]) -> Registers:
    """Return registers that show each colour of a palette within `COLOUR_TOLERANCE`."""
    return _registers(np.ascontiguousarray(palette).tobytes())


def _shared_percents(colours: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """Return percents near all these colours; None if there are none."""
    lowest, highest = colours.min(axis=0), colours.max(axis=0)
    smallest = np.ceil((highest - COLOUR_TOLERANCE) / _PERCENT)
    largest = np.floor((lowest + COLOUR_TOLERANCE) / _PERCENT)
    if (smallest > largest).any():
        return None
    middle = np.rint((lowest + highest) / 2 / _PERCENT)
    shared: NDArray[np.intp] = np.clip(np.clip(middle, smallest, largest), 0, 100).astype(np.intp)
    return shared


def sixel_image(pixels: NDArray[np.uint8], mask: NDArray[np.bool_], registers: Registers) -> str:
    """Return the marked pixels as sixels; the terminal keeps the others.

    Parameters
    ----------
    pixels
        Numbers of palette colours, shape (height, width).
    mask
        Marked pixels; at least one.
    registers
        Registers of the palette.
    """
    height, width = pixels.shape
    lines, columns = np.nonzero(mask)
    colours, ranks = _by_frequency(registers.numbers[pixels[lines, columns]])
    definitions = "".join(
        f"#{rank};2;{red};{green};{blue}"
        for rank, (red, green, blue) in enumerate(registers.percents[colours].tolist())
    )
    passes = (lines // BAND_PX) * len(colours) + ranks
    text = _passes_text(passes, columns, 1 << (lines % BAND_PX), (len(colours), width))
    return f'{_START}"1;1;{width};{height}{definitions}{text}{_END}'


def _by_frequency(colours: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the colours by falling frequency, and each pixel's rank.

    So frequent colours have short numbers.
    """
    counts = np.bincount(colours)
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    ranks = np.zeros(len(counts), dtype=np.intp)
    ranks[order] = np.arange(len(order))
    return order, ranks[colours]


def _passes_text(
    passes: NDArray[np.intp], columns: NDArray[np.intp], bits: NDArray[np.intp], size: tuple[int, int]
) -> str:
    """Return the sixels of all passes.

    Parameters
    ----------
    passes
        Number of each pixel's pass: band x number of colours + colour.
    columns
        Column of each pixel.
    bits
        Bit of each pixel in its sixel.
    size
        Number of colours, and width.
    """
    count, width = size
    keys = passes * width + columns
    order = np.argsort(keys, kind="stable")
    keys, starts = np.unique(keys[order], return_index=True)
    sixels = np.add.reduceat(bits[order], starts)
    passes, columns = np.divmod(keys, width)
    # A run is a row of equal sixels of one pass.
    new_pass = np.diff(passes, prepend=-1) != 0
    begins = np.flatnonzero(new_pass | (np.diff(columns, prepend=-1) != 1) | (np.diff(sixels, prepend=-1) != 0))
    lengths = np.diff(begins, append=len(keys))
    ends = columns[begins] + lengths
    gaps = columns[begins] - np.where(new_pass[begins], 0, np.concatenate(([0], ends[:-1])))
    heads = _heads(passes[begins], new_pass[begins], count)
    runs = zip(heads, gaps.tolist(), sixels[begins].tolist(), lengths.tolist(), strict=True)
    return "".join([f"{head}{_repeated(0, gap)}{_repeated(sixel, length)}" for head, gap, sixel, length in runs])


def _heads(passes: NDArray[np.intp], new_pass: NDArray[np.bool_], count: int) -> list[str]:
    """Return the text before each run.

    Before the first run of a pass, the text moves to the band of the pass and selects its colour.
    """
    bands, colours = np.divmod(passes, count)
    steps = np.diff(bands, prepend=0).tolist()
    first = [f"{'-' * step or '$'}#{colour}" for step, colour in zip(steps, colours.tolist(), strict=True)]
    first[0] = first[0].removeprefix("$")
    return [head if new else "" for head, new in zip(first, new_pass.tolist(), strict=True)]


@lru_cache(maxsize=1 << 14)
def _repeated(sixel: int, count: int) -> str:
    """Return a sixel `count` times, in the shorter form."""
    character = chr(_EMPTY + sixel)
    return character * count if count <= 3 else f"!{count}{character}"
