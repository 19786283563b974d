"""Rare events on their way to the app, all on one page.

What happens with every frame is no message: the screen pulls snapshots at its own rate. A message
carries plain values.
"""

from textual.message import Message


class CellPointed(Message):
    """The mouse points at a column (None in the spectrum) and a bin."""

    def __init__(self, number: int | None, bin_number: int) -> None:
        super().__init__()
        self.number = number
        self.bin = bin_number


class Wheeled(Message):
    """The wheel turns over the waterfall: through time, or through frequency."""

    def __init__(self, by: int, *, zoom: bool) -> None:
        super().__init__()
        self.by = by
        self.zoom = zoom


class KeyClicked(Message):
    """A key of the last line was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
