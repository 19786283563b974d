"""Only keys act as keys, and Textual's parser is as expected."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser

from sunspec_tui.tui.terminal.terminal_events import EventMaker
from sunspec_tui.tui.terminal.terminal_input import InputSplitter

SIZE = (120, 40)


def made(data, queries=1):
    splitter = InputSplitter()
    tokens = splitter.feed(data, 0.0) + splitter.tick(0.5)
    return EventMaker().messages(tokens, SIZE, queries)


def keys(data):
    return [message.key for message in made(data) if isinstance(message, events.Key)]


def test_textual_still_has_the_private_parts_that_are_used_here():
    assert list(inspect.signature(XTermParser._sequence_to_key_events).parameters) == ["self", "sequence", "alt"]
    assert list(inspect.signature(XTermParser.parse_mouse_code).parameters) == ["self", "code"]
    assert isinstance(ANSI_SEQUENCES_KEYS, dict)
    assert FUNCTIONAL_KEYS["5~"] == "pageup"
    assert [
        name for name in ("AppFocus", "AppBlur", "CursorPosition", "Paste", "Key") if not hasattr(events, name)
    ] == []
    assert hasattr(messages, "TerminalSupportsSynchronizedOutput")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"q", ["q"]),
        (b"Q", ["Q"]),
        (b"?", ["question_mark"]),
        (b" ", ["space"]),
        (b"\r", ["enter"]),
        (b"\t", ["tab"]),
        (b"\x7f", ["backspace"]),
        (b"\x03", ["ctrl+c"]),
        (b"\x0c", ["ctrl+l"]),
        (b"\x10", ["ctrl+p"]),
        (b"\x1b", ["escape"]),
        (b"\x1b[A", ["up"]),
        (b"\x1bOA", ["up"]),
        (b"\x1b[1;2C", ["shift+right"]),
        (b"\x1b[Z", ["shift+tab"]),
        (b"\x1b[5~", ["pageup"]),
        (b"\x1b[H", ["home"]),
        (b"\x1b[F", ["end"]),
        (b"\x1b[[A", ["f1"]),
        (b"\x1b[3^", ["ctrl+delete"]),
        (b"\x1bq", ["alt+q"]),
        # Extended keyboard protocols: kitty's and xterm's.
        (b"\x1b[97u", ["a"]),
        (b"\x1b[99;5u", ["ctrl+c"]),
        (b"\x1b[113;2;81u", ["Q"]),
        (b"\x1b[97;1:1u", ["a"]),
        (b"\x1b[97;1:2u", ["a"]),
        (b"\x1b[97:65;2;65u", ["A"]),
        (b"\x1b[1;1:2A", ["up"]),
        (b"\x1b[27;5;99~", ["ctrl+c"]),
        (b"\x1b[13u", ["enter"]),
        (b"\x1b[27u", ["escape"]),
    ],
)
def test_keys_are_those_that_were_pressed(data, expected):
    assert keys(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[97;1:3u",
        b"\x1b[1;1:3A",
        b"\x1b[5;1:3~",
        b"\x1b[1114112u",
        b"\x1b[9999999;1u",
        b"\x1b[97;1;1114112u",
        b"\x1b[97;1;55296u",
        b"\x1b[55296u",
        b"\x1b[155u",
        b"\x1b[97;1;27:155u",
        b"\x1b[99999999999999999999u",
        b"\x1b[?1;1R",
        b"\x1b[1;1;1R",
        b"\x1b[;R",
        b"\x1b[?62;22c",
        b"\x1b[>41;330;0c",
        b"\x1b[0n",
        b"\x1b[8;24;80t",
        b"\x1b[48;24;80;480;800t",
        b"\x1b[48;60000;60000;0;0t",
        b"\x1b[?2048;2$y",
        b"\x1b[?2026;0$y",
        b"\x1b[4;2$y",
        b"\x1b[<0;9999;9999M",
        b"\x1b[<0;0;0M",
        b"\x1b[<;;M",
        b"\x1b[<64;9999;9999M",
        b"\x1b[<128;5;5M",
        b"\x1b[32;10;10M",
        b"\x1b[<0;-5;5M",
        b"\x1b[M   ",
        b"\x1b]11;rgb:1c1c/1c1c/1c1c\x07",
        b"\x1bP>|XTerm(390)\x1b\\",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b[5;5R",
        b"\x1b[1;2R",
        b"\x1b[57399;1:3u",
        b"\x1b[200~q\x1b[201~",
        b"\x1b[201~",
        b"\x1b[?1u",
        b"\x1b[=5u",
    ],
)
def test_replies_and_invalid_sequences_are_no_keys_and_no_clicks(data):
    found = made(data)
    assert keys(data) == []
    assert not [message for message in found if isinstance(message, events.MouseEvent | events.Resize)]


def test_a_reply_that_was_not_requested_is_dropped():
    assert [type(message) for message in made(b"\x1b[5;5R" * 2000, queries=3)] == [events.CursorPosition] * 3
    assert made(b"\x1b[5;5R", queries=0) == []


def test_only_the_last_of_many_focus_changes_and_mouse_moves_counts():
    assert [type(message) for message in made(b"\x1b[I\x1b[O" * 300)] == [events.AppBlur]
    [move] = made(b"\x1b[<35;3;4M\x1b[<35;5;6M\x1b[<35;7;8M")
    assert (move.x, move.y) == (6, 7)


def test_a_paste_has_only_printable_text():
    [paste] = made(b"\x1b[200~a\x00b\x08c\td\n\x9b1m\x1b[31m\xe2\x80\xae\x1b[201~")
    assert paste.text == "abc\td\n\ufffd1m[31m"


@given(st.binary(max_size=200))
def test_random_bytes_cause_no_exception_and_no_resize(data):
    assert not [message for message in made(data) if isinstance(message, events.Resize)]


@given(st.lists(st.sampled_from([*"0123456789;:?<>=!$ '", "\x1b["]), max_size=30), st.sampled_from("uRtMmyc~AHIOn"))
def test_random_sequences_cause_no_exception_and_no_control_character(parts, final):
    for message in made(("\x1b[" + "".join(parts) + final).encode()):
        if isinstance(message, events.Key) and message.character:
            assert message.character.encode("utf-8")
