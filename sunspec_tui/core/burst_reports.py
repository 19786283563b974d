"""Rules of burst reports, and the texts of settings that give them.

Values and parsers: `BurstReporter` applies the rules, `EventCommand` runs the command.
"""

import shlex
from dataclasses import dataclass

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import quote_untrusted

DEFAULT_REPORT_TYPES = "III,IIIG,II,IV"
DEFAULT_CONFIDENCE = 0.5
DEFAULT_EVERY_S = 60.0
DEFAULT_FILES_DB = 10.0
"""Peak over the background of bursts that get a picture and a FITS file, decibels."""

NOTIFY_WAYS = ("bell", "title", "osc")
"""Ways in which a terminal shows a report."""

_TYPES = {str(kind): kind for kind in BurstType}


@dataclass(frozen=True)
class ReportRules:
    """Rules that a burst must meet to be reported.

    Attributes
    ----------
    types
        Types that are reported.
    min_db
        Smallest peak over the background, decibels; 0 also reports bursts whose peak is unknown.
    min_confidence
        Smallest confidence of the type, from 0 to 1.
    every_s
        Shortest time from one report of a type to the next, seconds.
    at_night
        True to report bursts while the Sun is down too.
    """

    types: tuple[BurstType, ...] = (BurstType.III, BurstType.GROUP, BurstType.II, BurstType.CONTINUUM)
    min_db: float = 0.0
    min_confidence: float = DEFAULT_CONFIDENCE
    every_s: float = DEFAULT_EVERY_S
    at_night: bool = False


def parse_report_types(text: str, name: str = "report_types") -> tuple[BurstType, ...]:
    """Return the types of a text such as ``III,II``; empty for none.

    Raises
    ------
    UsageError
        If a type is unknown.
    """
    return tuple(_TYPES[word] for word in _words(text, tuple(_TYPES), name))


def parse_notify(text: str, name: str = "notify") -> tuple[str, ...]:
    """Return the ways of a text such as ``bell,title``; empty for none.

    Raises
    ------
    UsageError
        If a way is unknown.
    """
    return _words(text, NOTIFY_WAYS, name)


def parse_command(text: str, name: str = "on_event") -> tuple[str, ...]:
    """Return the words of a command, split as a shell does.

    Raises
    ------
    UsageError
        If a quotation mark is missing, there is no command, or it has a NUL.
    """
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"{name} is {quote_untrusted(text)}, it is no command: {error}") from error
    if not words or not words[0] or "\0" in text:
        raise UsageError(f"{name} is {quote_untrusted(text)}, name a command and its arguments")
    return words


def _words(text: str, known: tuple[str, ...], name: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(filter(None, (word.strip() for word in text.split(",")))))
    for word in words:
        if word not in known:
            raise UsageError(f"{name} has {quote_untrusted(word)}, choose from {', '.join(known)}")
    return words
