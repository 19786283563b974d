"""Queries of a terminal's abilities, and which are safe to send.

A query has one of three forms: a control sequence (CSI), a device control string (DCS) or an application program
command (APC). Not every terminal skips a form that it does not know:

- The Linux console, old terminals (vt52 to vt102), ``dumb`` terminals and those of Emacs print unknown sequences. They
  get no queries.
- GNU screen passes a DCS to the terminal behind it, and shows an APC as a message. If ``TERM`` is ``screen`` and
  ``TMUX`` is not set, the terminal gets only CSI queries. A vt220 and Apple's Terminal also get only these.
- tmux makes an APC the title of its pane, so that form is not sent inside tmux. tmux passes the query of kitty's
  protocol on to its terminal, if its option allows that.

Other terminals get all queries. The queries are sent directly before the first screen, which covers anything that a
terminal prints.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

from collections.abc import Collection, Mapping
from enum import IntEnum
from typing import NamedTuple

from sunspec_tui.tui.terminal.terminal_replies import (
    KITTY_IMAGE_ID,
    CellPixels,
    DeviceAttributes,
    KittyReply,
    NamedColours,
    Replies,
    Reply,
    SixelColours,
    StyleReply,
    TextArea,
    Version,
)
from sunspec_tui.tui.terminal.tmux_passthrough import passed_on

_ESC = "\x1b"
_END = _ESC + "\\"


class Form(IntEnum):
    """Form of a query.

    A terminal that skips one form also skips the forms before it.
    """

    NOTHING = 0
    CSI = 1
    DCS = 2
    APC = 3


class Query(NamedTuple):
    """Text of a query, its form, and the type of its reply."""

    text: str
    form: Form
    reply: type[Reply]


# The query first sets a background that every terminal has, so each terminal that reports styles reports one.
_STYLE = Query(f"{_ESC}[0;44;48;2;1;2;3m{_ESC}P$qm{_END}{_ESC}[0m", Form.DCS, StyleReply)
_NAMED_COLOURS = Query(f"{_ESC}P+q{b'RGB'.hex()}{_END}", Form.DCS, NamedColours)
_KITTY = Query(f"{_ESC}_Gi={KITTY_IMAGE_ID},s=1,v=1,a=q,t=d,f=24;AAAA{_END}", Form.APC, KittyReply)
_VERSION = Query(f"{_ESC}[>q", Form.CSI, Version)
_SIXEL_COLOURS = Query(f"{_ESC}[?1;1;0S", Form.CSI, SixelColours)
_CELL_PIXELS = Query(f"{_ESC}[16t", Form.CSI, CellPixels)
_TEXT_AREA = Query(f"{_ESC}[14t", Form.CSI, TextArea)
# Every terminal answers this query, so it is the last one: its reply shows that no reply before it will follow.
_FENCE = Query(f"{_ESC}[c", Form.CSI, DeviceAttributes)
_FIRST = (_VERSION, _STYLE, _NAMED_COLOURS, _KITTY, _SIXEL_COLOURS, _CELL_PIXELS, _TEXT_AREA, _FENCE)

_ASKED_NOTHING = ("", "dumb", "unknown", "linux", "vt52", "vt100", "vt102", "ansi", "sun", "emacs")
_ASKED_NOTHING_PREFIXES = ("cons", "eterm", "linux-", "dumb-", "vt100-", "vt102-")
_ASKED_BY_CSI = ("screen", "vt220")


def last_form(environment: Mapping[str, str]) -> Form:
    """Return the last form that the terminal is known to skip."""
    term = environment.get("TERM", "").lower()
    if term in _ASKED_NOTHING or term.startswith(_ASKED_NOTHING_PREFIXES):
        return Form.NOTHING
    if environment.get("TMUX") or term.startswith("tmux"):
        return Form.DCS
    is_apple = environment.get("TERM_PROGRAM") == "Apple_Terminal"
    if environment.get("STY") or is_apple or term.startswith(_ASKED_BY_CSI):
        return Form.CSI
    return Form.APC


def first_queries(environment: Mapping[str, str]) -> tuple[Query, ...]:
    """Return the queries to send with the first screen."""
    last = last_form(environment)
    return tuple(query for query in _FIRST if query.form <= last)


def passed_on_queries() -> tuple[Query, ...]:
    """Return the queries that tmux passes on to its terminal.

    Their replies come as keys of the pane.
    """
    return (_KITTY._replace(text=passed_on(_KITTY.text)),)


def next_queries(environment: Mapping[str, str], replies: Replies) -> tuple[Query, ...]:
    """Return the queries that the first replies have made safe.

    A terminal that was started from tmux inherits ``TMUX`` without being inside tmux. Its version shows that.
    """
    version = replies.get(Version)
    if version is None or version.is_tmux or last_form(environment) is not Form.DCS:
        return ()
    return (_KITTY, _FENCE)


def size_queries(replies: Replies) -> tuple[Query, ...]:
    """Return the answered query of a cell's size."""
    query = _TEXT_AREA if replies.get(CellPixels) is None else _CELL_PIXELS
    return () if replies.get(query.reply) is None else (query,)


def query_text(queries: Collection[Query]) -> str:
    """Return the text that sends the queries."""
    return "".join(query.text for query in queries)
