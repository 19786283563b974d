"""Messages from widgets to the app: mouse and clicked keys.

Frames cause no messages: the screen pulls snapshots at its own rate. A message carries plain values.
"""

from textual.message import Message


class CellPointed(Message):
    """The mouse points at a column (None in the spectrum) and a bin."""

    def __init__(self, number: int | None, bin_number: int) -> None:
        super().__init__()
        self.number = number
        self.bin = bin_number


class WheelTurned(Message):
    """The wheel turns over the waterfall, to move in time or to zoom in frequency."""

    def __init__(self, by: int, *, zoom: bool) -> None:
        super().__init__()
        self.by = by
        self.zoom = zoom


class KeyClicked(Message):
    """A key of the footer was clicked."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
