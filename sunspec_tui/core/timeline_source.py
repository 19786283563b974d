"""Blocks and rows of a timeline, as screens and pages read them.

A timeline joins the ring, the memory, the archive and files. This module has only value types and a protocol.
"""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.time_blocks import TimeBlocks


class TimelineExtent(NamedTuple):
    """Times of a timeline's rows.

    Attributes
    ----------
    begin_s, end_s
        Begin of the data of the oldest row, and end of that of the newest one, seconds since 1970 UTC.
    finished_s
        Rows that end before this time never change.
    cadence_s
        Data time from row to row of the newest rows; NaN while unknown.
    revision
        Number of times that rows before `finished_s` have changed all the same, for example because the stream's clock
        went back. Copies of earlier rows are then out of date.
    """

    begin_s: float
    end_s: float
    finished_s: float
    cadence_s: float
    revision: int = 0


class TimelineAxis(NamedTuple):
    """Bins and products of a timeline.

    All blocks have them: rows of another frequency axis are mapped to these bins.

    Attributes
    ----------
    frequencies_hz
        Centres of the bins, ascending, shape (nbins,).
    bin_hz
        Width of a bin.
    products
        Products that can be read.
    """

    frequencies_hz: NDArray[np.float64]
    bin_hz: float
    products: tuple[Product, ...]


class AxisBlocks(NamedTuple):
    """Blocks of one frequency axis.

    Attributes
    ----------
    frequencies_hz
        Centres of the bins.
    blocks
        Blocks of one step.
    """

    frequencies_hz: NDArray[np.float64]
    blocks: TimeBlocks


class TimelineSource(Protocol):
    """Timeline: rows and blocks of time from all sources."""

    def extent(self) -> TimelineExtent | None:
        """Return the times of the rows; None without rows."""
        ...

    def axis(self) -> TimelineAxis | None:
        """Return bins and products; None without rows."""
        ...

    def blocks(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[TimeBlocks]:
        """Return the blocks between two times.

        The call may read a disk: a screen calls it from a thread of its own, for a part of the picture at a time.

        Parameters
        ----------
        step_s
            Longest wanted step: one of `STEPS_S`, or 0 for single rows.
        begin_s, end_s
            Limits in seconds since 1970 UTC; for a step, multiples of it. Blocks that begin in them are returned; of
            rows, those that end from `begin_s` to before `end_s`. Between multiples of the longest step no block
            reaches beyond the limits, so adjacent calls return each block once.
        product
            The product to read.

        Returns
        -------
        list of TimeBlocks
            In the order of time, without overlap. A part may have a longer step than wanted, where only longer blocks
            are known, and may then reach beyond the limits. A time without rows has no blocks.

        Raises
        ------
        SunspecError
            If a source cannot be read; other times may still be readable.
        """
        ...

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows that end between two times, to export them.

        Return None if no row is known there, even if blocks are.
        """
        ...
