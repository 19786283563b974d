"""Layout of a store's blocks of time.

A store of one day has, for each step of `STORED_STEPS_S`, arrays of the codes of means and highest values,
and the spans of the blocks. Block n of an array begins n steps after midnight; a block without rows has a span of
zeros. Chunks of all steps cover the same 512 s from midnight on. They are written when the rows have passed their end,
and never changed. This module opens no file.
"""

from typing import NamedTuple

from sunspec_tui.core.products import Product
from sunspec_tui.core.time_blocks import SECOND_US, STEPS_S
from sunspec_tui.files.archive.layout import EXTREMES

TIME_BLOCKS = "time_blocks"
"""Group of a store with its blocks of time."""

STORED_STEPS_S = STEPS_S[1:]
"""Steps that are stored. Blocks of 2 s would take a sixth of the archive; an hour of them is quickly made of rows."""

CHUNK_S = 512
"""Data time of a chunk in seconds, of all steps: at most the rows of this time are read instead of blocks."""

CHUNK_US = CHUNK_S * SECOND_US

MISSING, RESTARTED = "missing", -1
"""Array with the number of rows missing before each row, and its value for a row that begins a sequence."""

ROWS_COVERED, CHUNKS_COVERED = "rows_covered", "chunks_covered"
"""Attributes of the group: number of rows that are in complete chunks, and of the first chunk that is not complete."""

MAX_TIME_BINS = 4096
"""Largest number of bins of a store with blocks of time; the instrument has no more channels."""

DAY_S = 86_400

SPAN_FIELDS = ("rows", "missing", "restarts", "first_us", "last_us")
"""Columns of the spans: numbers of rows, of missing rows and of restarts, and end times of the first and last row."""


class ArrayLayout(NamedTuple):
    """Type, shape and shape of a chunk of an array."""

    data_type: str
    itemsize: int
    shape: tuple[int, ...]
    chunk: tuple[int, ...]


def peak_products(products: tuple[Product, ...]) -> tuple[Product, ...]:
    """Return the products whose highest values are kept."""
    both = {Product.XX, Product.YY} <= set(products)
    return tuple(each for each in EXTREMES if each in products or both)


def blocks_of_chunk(step_s: int) -> int:
    """Return the number of blocks of a chunk."""
    return CHUNK_S // step_s


def span_name(step_s: int) -> str:
    """Return the name of the array of spans of a step."""
    return f"spans_{step_s}s"


def mean_name(step_s: int) -> str:
    """Return the name of the array of means of a step."""
    return f"mean_{step_s}s"


def peak_name(step_s: int) -> str:
    """Return the name of the array of highest values of a step."""
    return f"peak_{step_s}s"


def time_arrays(products: tuple[Product, ...], nbins: int) -> dict[str, ArrayLayout]:
    """Return the layout of all arrays of blocks of time, by name.

    A chunk has all products: chunks are small, and a day has fewer files.
    """
    found = {}
    for step_s in STORED_STEPS_S:
        blocks, chunk = DAY_S // step_s, blocks_of_chunk(step_s)
        found[span_name(step_s)] = ArrayLayout("int64", 8, (blocks, len(SPAN_FIELDS)), (chunk, len(SPAN_FIELDS)))
        peaks = len(peak_products(products))
        counts = (mean_name(step_s), "uint16", 2, len(products)), (peak_name(step_s), "uint8", 1, peaks)
        for name, data_type, itemsize, count in counts:
            if count:
                found[name] = ArrayLayout(data_type, itemsize, (blocks, count, nbins), (chunk, count, nbins))
    return found
