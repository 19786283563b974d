"""What the web view answers from: the receiver, the hub and the figures, in one value that every answer gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sunspec_tui.core.frame import Frame
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.webapp.answer_budget import ByteBudget
from sunspec_tui.webapp.broadcaster import Broadcaster
from sunspec_tui.webapp.broadcaster import Source as RowSource
from sunspec_tui.webapp.connection_limits import Connections
from sunspec_tui.webapp.figure_cache import Figures
from sunspec_tui.webapp.visitor_errors import Complaints


class Source(RowSource, Protocol):
    """What the web view needs of a receiver."""

    def last_frame(self) -> Frame | None:
        """The newest frame as it came."""

    def plot_job(self) -> PlotJob | None:
        """What a figure shows."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """Shared objects of the web view, used by all answers.

    Attributes
    ----------
    source
        The receiver.
    hub
        Sends its rows and status to viewers.
    figures
        Draws the current figure.
    status
        State of the web view.
    refuse
        Counts a refused visitor.
    connections
        The open connections.
    buffer_length
        Rows that the receiver keeps.
    max_viewers
        Maximum number of viewers at once.
    complaints
        Logs errors.
    budget
        Memory of answers in progress.
    """

    source: Source
    hub: Broadcaster
    figures: Figures
    status: Callable[[], WebStatus]
    refuse: Callable[[], None]
    connections: Connections
    buffer_length: int
    max_viewers: int
    complaints: Complaints
    budget: ByteBudget
