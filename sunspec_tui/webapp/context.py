"""Objects that all answers of the web view share (`AppContext`)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sunspec_tui.core.burst_board import BurstSource
from sunspec_tui.core.frame import Frame
from sunspec_tui.files.note_follower import NoteFollower
from sunspec_tui.monitoring.web_status import WebStatus
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.webapp.answer_budget import ByteBudget
from sunspec_tui.webapp.broadcaster import Broadcaster
from sunspec_tui.webapp.broadcaster import Source as RowSource
from sunspec_tui.webapp.burst_feed import BurstFeed
from sunspec_tui.webapp.connection_limits import Connections
from sunspec_tui.webapp.figure_cache import FigureCache
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog


class Source(RowSource, Protocol):
    """Methods of a receiver that the web view uses."""

    @property
    def notes(self) -> NoteFollower:
        """The observers' notes."""

    @property
    def bursts(self) -> BurstSource:
        """The bursts."""

    def last_frame(self) -> Frame | None:
        """Return the newest frame as received."""

    def plot_job(self) -> PlotJob | None:
        """Return the data of a figure; None before the first row."""


@dataclass(frozen=True, slots=True)
class AppContext:
    """Shared objects of the web view, used by all answers.

    Attributes
    ----------
    source
        The receiver.
    broadcaster
        Sends rows and status to viewers; its `status` is the monitor's newest state.
    figures
        Draws the current figure.
    status
        State of the web view.
    refuse
        Counts a refused visitor.
    connections
        The open connections.
    buffer_length
        Number of rows that the receiver keeps.
    max_viewers
        Maximum number of viewers at once.
    error_log
        Logs errors.
    budget
        Memory of answers in progress.
    bursts
        The bursts and their changes.
    """

    source: Source
    broadcaster: Broadcaster
    figures: FigureCache
    status: Callable[[], WebStatus]
    refuse: Callable[[], None]
    connections: Connections
    buffer_length: int
    max_viewers: int
    error_log: VisitorErrorLog
    budget: ByteBudget
    bursts: BurstFeed
