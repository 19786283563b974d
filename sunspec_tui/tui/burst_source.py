"""Bursts of a receiver, for the screens.

This is the only place that knows where a receiver keeps them.
"""

from sunspec_tui.core.burst_board import BurstBoard
from sunspec_tui.core.bursts import NO_BURSTS, BurstList


def board_of(receiver: object) -> BurstBoard | None:
    """Return a receiver's board of bursts; None if it has none."""
    board = getattr(getattr(receiver, "bursts", None), "board", None)
    return board if isinstance(board, BurstBoard) else None


def bursts_of(receiver: object) -> BurstList:
    """Return a receiver's bursts now; an empty list without a board."""
    board = board_of(receiver)
    return NO_BURSTS if board is None else board.bursts
