"""Value types for the web view's state and counts."""

from dataclasses import dataclass, field
from enum import StrEnum


class WebState(StrEnum):
    """State of the web view; the values are shown to users."""

    OFF = "off"
    SERVING = "serving"
    FAILED = "failed"


@dataclass(slots=True)
class WebCounts:
    """Counts of all viewers since the program's start, which only grow.

    Attributes
    ----------
    rows_sent, rows_skipped, dropped, refused
        Counts as in `WebStatus`.
    encode_s
        Seconds spent on encoding rows.
    """

    rows_sent: int = 0
    rows_skipped: int = 0
    dropped: int = 0
    refused: int = 0
    encode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class WebStatus:
    """Status of the web view.

    Attributes
    ----------
    state
        State of the web view.
    url
        Address with the token, to be shown on a screen and never logged; empty while the web view is not served.
    viewers
        Number of connected pages.
    rows_sent
        Rows sent since the start, summed over all viewers.
    rows_skipped
        Rows that slow viewers did not receive.
    dropped
        Viewers disconnected because they received nothing for too long.
    refused
        Refused requests: foreign, too many, too large or too slow.
    problem
        Reason why the web view is not served; else empty.
    """

    state: WebState = WebState.OFF
    url: str = field(default="", repr=False)
    viewers: int = 0
    rows_sent: int = 0
    rows_skipped: int = 0
    dropped: int = 0
    refused: int = 0
    problem: str = ""

    @property
    def address(self) -> str:
        """Address without the token, which may be written to a log."""
        return self.url.partition("?")[0]

    @property
    def asks_for_token(self) -> bool:
        """True if visitors need a token."""
        return "?" in self.url

    @property
    def announcement(self) -> str:
        """Text for the log, which others read: the address has no token."""
        more = "; it asks for a token, which only a terminal shows; --web-token sets one" if self.asks_for_token else ""
        return f"web view at {self.address}{more}"
