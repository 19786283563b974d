"""Rare events on their way between the widgets and the app, all on one page.

What happens with every frame is no message: the screen pulls snapshots at its own rate. A message
carries plain values.
"""

from textual.message import Message


class DelayEntered(Message):
    """The user has typed a manual delay, in seconds."""

    def __init__(self, delay_s: float) -> None:
        super().__init__()
        self.delay_s = delay_s
