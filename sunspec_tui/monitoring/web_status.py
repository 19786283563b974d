"""The state of the web view, and its counts."""

from dataclasses import dataclass, field
from enum import StrEnum


class WebState(StrEnum):
    """What the web view does; the values are what people read."""

    OFF = "off"
    SERVING = "serving"
    FAILED = "failed"


@dataclass(slots=True)
class WebCounts:
    """Counts for all viewers since the program's start; they only grow.

    Attributes
    ----------
    rows_sent, rows_skipped, dropped, refused
        As in `WebStatus`.
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
    """How the web view is doing.

    Attributes
    ----------
    state
        What it does.
    url
        Where it is, with the token that it asks for: for a screen, never for a log; empty while it does not serve.
    viewers
        Pages that watch at the moment.
    rows_sent
        Rows handed to viewers since the start, each viewer's counted.
    rows_skipped
        Rows that slow viewers did not get.
    dropped
        Viewers disconnected because they received nothing for too long.
    refused
        Requests turned away: foreign, too many, too large or too slow.
    problem
        Why it does not serve; else empty.
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
