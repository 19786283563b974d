"""What the web view answers from: the receiver, the hub and the figures, in one value that every answer gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sunspec_tui.frame import Frame
from sunspec_tui.plots import PlotJob
from sunspec_tui.serving.budget import ByteBudget
from sunspec_tui.serving.complaints import Complaints
from sunspec_tui.serving.connections import Connections
from sunspec_tui.serving.figures import Figures
from sunspec_tui.serving.hub import Hub
from sunspec_tui.serving.hub import Source as Followed
from sunspec_tui.webview import WebStatus


class Source(Followed, Protocol):
    """What the web view needs of a receiver."""

    def last_frame(self) -> Frame | None:
        """The newest frame as it came."""

    def plot_job(self) -> PlotJob | None:
        """What a figure shows."""


@dataclass(frozen=True, slots=True)
class Site:
    """All that answers need.

    Attributes
    ----------
    source
        The receiver.
    hub
        Follows it for viewers.
    figures
        Draws the current figure.
    status
        How the web view is doing.
    refuse
        Counts who is turned away.
    connections
        Those that are open.
    buffer_length
        Rows that the receiver keeps.
    max_viewers
        Viewers at once.
    complaints
        Where errors are logged.
    budget
        Memory that answers under way may keep.
    """

    source: Source
    hub: Hub
    figures: Figures
    status: Callable[[], WebStatus]
    refuse: Callable[[], None]
    connections: Connections
    buffer_length: int
    max_viewers: int
    complaints: Complaints
    budget: ByteBudget
