"""Replies about abilities are parsed by their form, within limits."""

import pytest
from ability_replies import KITTY, TMUX, WEZTERM, XTERM_256, XTERM_JS, XTERM_SIXEL
from hypothesis import given
from hypothesis import strategies as st
from textual import events

from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.terminal_events import EventMaker, TerminalReplied
from sunspec_tui.tui.terminal.terminal_input import MAX_STRING_CHARACTERS, InputSplitter
from sunspec_tui.tui.terminal.terminal_replies import (
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
    parse_reply,
    string_starts,
)

ALL = frozenset(Reply.__args__)


def messages_of(data, expected=ALL, pieces=1):
    """Return the messages for bytes that arrive in pieces.

    Replies of some types are expected.
    """
    splitter, maker = InputSplitter(), EventMaker()
    splitter.string_starts, maker.expected = string_starts(expected), expected
    size = max(1, len(data) // pieces)
    tokens = [token for at in range(0, len(data), size) for token in splitter.feed(data[at : at + size], 0.0)]
    return maker.messages([*tokens, *splitter.tick(0.5)], (120, 40), 1)


def replies_of(data, expected=ALL, pieces=1):
    return [each.reply for each in messages_of(data, expected, pieces) if isinstance(each, TerminalReplied)]


def keys_of(data, expected=ALL):
    return [each.key for each in messages_of(data, expected) if isinstance(each, events.Key)]


PARSED = [
    ("\x1b[?62;c", DeviceAttributes(frozenset({62}))),
    ("\x1b[?1;2c", DeviceAttributes(frozenset({1, 2}))),
    ("\x1b[?63;1;2;4;6c", DeviceAttributes(frozenset({63, 1, 2, 4, 6}))),
    ("\x1b[?c", DeviceAttributes(frozenset())),
    ("\x1b[6;20;9t", CellPixels(9, 20)),
    ("\x1b[6;256;128t", CellPixels(128, 256)),
    ("\x1b[6;257;128t", None),
    ("\x1b[6;20;129t", None),
    ("\x1b[6;0;0t", None),
    ("\x1b[6;1;1t", None),
    ("\x1b[6;-20;-10t", None),
    ("\x1b[6;99999999;10t", None),
    ("\x1b[6;\u0662\u0660;10t", None),
    ("\x1b[4;840;1197t", TextArea(1197, 840)),
    ("\x1b[4;0;1197t", None),
    ("\x1b[8;24;80t", None),
    ("\x1b[?1;0;256S", SixelColours(256)),
    ("\x1b[?1;0;65537S", SixelColours(0)),
    ("\x1b[?1;0;1S", SixelColours(0)),
    ("\x1b[?1;3S", SixelColours(0)),
    ("\x1b[?1;3;0S", SixelColours(0)),
    ("P>|kitty(0.26.5)", Version("kitty(0.26.5)")),
    ("P>|", None),
    ("P>|two\nlines", None),
    ("P>|" + "v" * 65, None),
    ("P1$r48:2:1:2:3m", StyleReply(Depth.TRUE)),
    ("P1$r0;48:2::1:2:3m", StyleReply(Depth.TRUE)),
    ("P1$r0;48:2:0:1:2:3m", StyleReply(Depth.TRUE)),
    ("P1$r0;48;2;1;2;3m", StyleReply(Depth.TRUE)),
    ("P0$r0;48;2;1;2;3m", StyleReply(Depth.TRUE)),
    ("P1$r0;48:2::1:2:30m", StyleReply(None)),
    ("P1$r0;48:5:16m", StyleReply(Depth.C256)),
    ("P1$r0;48;5;233m", StyleReply(Depth.C256)),
    ("P1$r0;48:5:4m", StyleReply(Depth.C16)),
    ("P1$r0;2;1;2;3;44m", StyleReply(Depth.C16)),
    ("P1$r0m", StyleReply(None)),
    ("P1$rm", StyleReply(None)),
    ("P0$r", StyleReply(None)),
    ("P1$r2 q", None),
    ("P1$r" + "0;" * 60 + "m", None),
    ("P1+r524742=382f382f38", NamedColours(True)),
    ("P1+r524742", NamedColours(True)),
    ("P0+r524742", NamedColours(False)),
    ("P0+r", NamedColours(False)),
    ("P1+r544e=787465726d", None),
    ("_Gi=4321;OK", KittyReply(True)),
    ("_Gi=4321,I=7;OK", KittyReply(True)),
    ("_Gi=4321;ENOTSUP:no", KittyReply(False)),
    ("_Gi=43210;OK", None),
    ("_Gi=1;OK", None),
    ("_GOK", None),
]


@pytest.mark.parametrize(("text", "reply"), PARSED, ids=[ascii(text)[:40] for text, _ in PARSED])
def test_a_reply_is_parsed_by_its_form_and_within_limits(text, reply):
    assert parse_reply(text) == reply


@pytest.mark.parametrize("terminal", [KITTY, XTERM_SIXEL, XTERM_256, TMUX, XTERM_JS, WEZTERM])
@pytest.mark.parametrize("pieces", [1, 3, 10_000])
def test_each_reply_of_a_real_terminal_becomes_one_message(terminal, pieces):
    data = b"".join(terminal.values())
    assert len(replies_of(data, pieces=pieces)) == len(terminal)
    assert keys_of(data) == []


@pytest.mark.parametrize("terminal", [KITTY, XTERM_SIXEL, XTERM_256, TMUX, XTERM_JS, WEZTERM])
def test_a_reply_that_is_not_expected_is_neither_passed_on_nor_a_key(terminal):
    for data in terminal.values():
        assert messages_of(data, frozenset()) == []
        [reply] = replies_of(data)
        assert messages_of(data, ALL - {type(reply)}) == []


HIDDEN_KEYS = [
    b"\x1bP1$rq\x1b\\",
    b"\x1bP>|q\x1bq",
    b"\x1bP>|" + b"q" * 300 + b"\x1b\\",
    b"\x1b_Gi=4321;q\x07",
    b"\x1b_Gi=4321;OK\x18",
    b"\x1b_Gi=4321;OK\x1a",
    b"\x1bP1+r524742=q\x1b\\",
    b"\x1b[?62;4;22q",
    b"\x1b[6;20;10;q",
    b"\x1b[?1;0;256;1S",
    b"\x90>|q\x9c",
    b"\x9fGi=4321;q\x9c",
]


@pytest.mark.parametrize("data", HIDDEN_KEYS)
def test_keys_inside_a_reply_stay_inside_it(data):
    assert "q" not in keys_of(data + b"x")


def test_a_cancelled_or_unfinished_string_is_no_reply():
    for end in (b"\x18", b"\x1a", b"\x1b[A", b""):
        assert replies_of(b"\x1b_Gi=4321;OK" + end) == []


@given(st.integers(0, 3 * MAX_STRING_CHARACTERS), st.sampled_from([b"\x1bP>|", b"\x1b_G", b"\x1bP1$r", b"\x1b]11;"]))
def test_a_string_is_kept_only_up_to_its_limit(length, start):
    splitter = InputSplitter()
    splitter.string_starts = string_starts(ALL)
    splitter.feed(start + b"q" * length, 0.0)
    assert splitter.stored_characters <= MAX_STRING_CHARACTERS + 2
    tokens = splitter.feed(b"\x1b\\", 0.0)
    assert len(tokens) == (start != b"\x1b]11;" and len(start) - 1 + length <= MAX_STRING_CHARACTERS)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x1b\x07\x18\x1a\x9c"), max_size=400))
def test_no_text_inside_a_string_becomes_a_key(text):
    for start in (b"\x1bP", b"\x1b_", b"\x1bP>|", b"\x1bP1$r", b"\x1b_Gi=4321;"):
        data = start + text.encode("utf-8") + b"\x1b\\"
        assert [each for each in messages_of(data) if not isinstance(each, TerminalReplied)] == []


@given(st.text())
def test_any_text_is_a_reply_or_none(text):
    assert parse_reply(text) is None or isinstance(parse_reply(text), tuple(ALL))


def test_the_last_reply_of_a_type_counts():
    replies = Replies(Version("a"), CellPixels(9, 20)).including(Version("b"))
    assert replies.get(Version) == Version("b")
    assert replies.get(CellPixels) == CellPixels(9, 20)
    assert replies.get(TextArea) is None
    assert replies
    assert not Replies()
