"""Messages from widgets to the app: mouse events, and clicked footer keys.

Frames cause no messages: the screen fetches snapshots at its own rate. A message contains plain values.
"""

from textual.message import Message


class CellPointed(Message):
    """Mouse button pressed on a cell of a picture.

    Attributes
    ----------
    number
        Number of the column; None in the spectrum.
    bin
        Number of the frequency bin.
    """

    def __init__(self, number: int | None, bin_number: int) -> None:
        super().__init__()
        self.number = number
        self.bin = bin_number


class TimePointed(Message):
    """Mouse pressed on a time of the day strip.

    Attributes
    ----------
    time_s
        Time in seconds since 1970 UTC.
    """

    def __init__(self, time_s: float) -> None:
        super().__init__()
        self.time_s = time_s


class BurstPointed(Message):
    """Mouse pressed on a row of the list of bursts.

    Attributes
    ----------
    by
        Number of rows below the selected one.
    """

    def __init__(self, by: int) -> None:
        super().__init__()
        self.by = by


class WheelTurned(Message):
    """Mouse wheel turned over the waterfall or the day strip.

    Attributes
    ----------
    by
        1 up, -1 down.
    zoom
        True to zoom in frequency; False to move in time.
    """

    def __init__(self, by: int, *, zoom: bool) -> None:
        super().__init__()
        self.by = by
        self.zoom = zoom


class KeyClicked(Message):
    """Click on a key of the footer."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
