"""Only keys become key tokens, and no input delays keys for long."""

import pytest
from extent import extent
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.tui.terminal.terminal_input import (
    ESCAPE_S,
    MAX_GAP_S,
    MAX_PASTE_CHARACTERS,
    MAX_PASTE_S,
    MAX_REPLY_S,
    InputSplitter,
    Kind,
    Token,
)


def typed(text):
    return [Token(Kind.CHARACTER, each) for each in text]


def sequence(text):
    return Token(Kind.SEQUENCE, text)


def split(data, gap_s=0.0):
    """Return the tokens of bytes that arrive together, after a silence."""
    splitter = InputSplitter()
    return splitter.feed(data, 0.0) + splitter.tick(gap_s)


# Bytes from a terminal, and their tokens.
FORMS = [
    (b"q", typed("q")),
    ("\u00e9\u2026".encode(), typed("\u00e9\u2026")),
    (b"\xe9q", typed("\ufffdq")),
    (b"\xff\xfe", typed("\ufffd\ufffd")),
    (b"\x1b[A", [sequence("\x1b[A")]),
    (b"\x9bA", [sequence("\x1b[A")]),
    ("\x9bA".encode(), [sequence("\x1b[A")]),
    (b"\x1bOP", [sequence("\x1bOP")]),
    (b"\x1b[[A", [sequence("\x1b[[A")]),
    (b"\x1b[3$", [sequence("\x1b[3$")]),
    (b"\x1b[?2026;2$y", [sequence("\x1b[?2026;2$y")]),
    (b"\x1b[97;1:3u", [sequence("\x1b[97;1:3u")]),
    (b"\x1bf", [sequence("\x1bf")]),
    (b"\x1b\x1b[A", [Token(Kind.ESCAPE, "\x1b"), sequence("\x1b[A")]),
    (b"\x1b\x03", [Token(Kind.ESCAPE, "\x1b"), *typed("\x03")]),
    (b"\x1b[5\x03", typed("\x03")),
    (b"\x1b[5\x1b[A", [sequence("\x1b[A")]),
    (b"\x1b[5\xe9q", typed("q")),
    (b"\x1b[M\x20\x30\x30q", typed("q")),
    (b"\x1b[M\xff\xff\xffq", typed("q")),
    (b"\x1b]11;rgb:1c1c/1c1c/1c1c\x07q", typed("q")),
    (b"\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\q", typed("q")),
    (b"\x9d11;rgb:1c1c\x9cq", typed("q")),
    (b"\x1bP>|tmux 3.4\x1b\\q", typed("q")),
    (b"\x1bP1+r544e=787465726d\x1b\\q", typed("q")),
    (b"\x1bP1$r0m\x1b\\q", typed("q")),
    (b"\x1b_Gi=1;OK\x1b\\q", typed("q")),
    (b"\x1b^private\x1b\\q", typed("q")),
    (b"\x1bXstart\x1b\\q", typed("q")),
    (b"\x1b]52;c;" + b"A" * 10000 + b"\x07q", typed("q")),
    (b"\x1b]no end\x1b[A", [sequence("\x1b[A")]),
    (b"\x1b]no end\x18q", typed("q")),
    (b"\x1b[" + b"1;" * 400 + b"uq", typed("q")),
    (b"\x1b[200~quit\nq\x1b[201~x", [Token(Kind.PASTE, "quit\nq"), *typed("x")]),
    (b"\x1b[200~caf\xe9\x1b[201~x", [Token(Kind.PASTE, "caf\ufffd"), *typed("x")]),
    (b"\x1b[201~x", [sequence("\x1b[201~"), *typed("x")]),
]


@pytest.mark.parametrize(("data", "tokens"), FORMS, ids=[repr(data[:24]) for data, _ in FORMS])
def test_each_form_is_recognised_in_one_piece(data, tokens):
    assert split(data) == tokens


@pytest.mark.parametrize(("data", "tokens"), FORMS, ids=[repr(data[:24]) for data, _ in FORMS])
def test_each_form_is_recognised_byte_by_byte(data, tokens):
    splitter = InputSplitter()
    found = [token for place in range(len(data)) for token in splitter.feed(data[place : place + 1], place * 1e-4)]
    assert found == tokens


def test_a_lone_escape_is_a_key_after_a_silence():
    splitter = InputSplitter()
    assert splitter.feed(b"\x1b", 0.0) == []
    assert splitter.is_waiting
    assert splitter.tick(ESCAPE_S / 2) == []
    assert splitter.tick(ESCAPE_S) == [Token(Kind.ESCAPE, "\x1b")]
    assert not splitter.is_waiting


def test_parts_of_a_sequence_may_arrive_late():
    splitter = InputSplitter()
    assert splitter.feed(b"\x1b[", 0.0) == []
    assert splitter.tick(0.5) == []
    assert splitter.feed(b"5~", 0.6) == [sequence("\x1b[5~")]


@pytest.mark.parametrize(
    "data", [b"\x1b[", b"\x1b[200~hello", b"\x1b]11;rgb:", b"\x1bPx", b"\x1b[M", b"\x1bO", b"\x9b"]
)
def test_an_unfinished_sequence_delays_no_key_after_a_silence(data):
    splitter = InputSplitter()
    assert splitter.feed(data, 0.0) == []
    assert splitter.feed(b"q", MAX_GAP_S) == typed("q")
    assert splitter.dropped == 1


@pytest.mark.parametrize(("data", "most_s"), [(b"\x1b[200~hello", MAX_PASTE_S), (b"\x1b]11;", MAX_REPLY_S)])
def test_an_unfinished_sequence_delays_keys_for_some_seconds_at_most(data, most_s):
    splitter = InputSplitter()
    found = splitter.feed(data, 0.0)
    for n in range(40):
        found += splitter.feed(b"q", (n + 1) * 0.5)
    assert len(found) == 40 - round(most_s / 0.5) + 1


def test_an_unfinished_paste_ends_despite_replies_of_the_terminal():
    splitter = InputSplitter()
    assert splitter.feed(b"\x1b[200~hello", 0.0) == []
    assert splitter.feed(b"\x1b[5;5R\x1b[<35;4;4M", 0.9) == [sequence("\x1b[5;5R"), sequence("\x1b[<35;4;4M")]
    assert splitter.feed(b"q", 1.1) == typed("q")


def test_the_rest_of_an_abandoned_paste_does_not_act_as_keys():
    splitter = InputSplitter()
    splitter.feed(b"\x1b[200~first part", 0.0)
    splitter.tick(MAX_GAP_S)
    assert splitter.feed(b"second part, quite late\x1b[5;5R", 2.0) == [sequence("\x1b[5;5R")]
    assert splitter.feed(b"the end\x1b[201~q", 5.0) == typed("q")
    assert splitter.feed(b"abcdef", 5.1) == typed("abcdef")


def test_only_a_paste_that_is_too_long_is_dropped():
    data = b"\x1b[200~" + b"q" * (2 * MAX_PASTE_CHARACTERS) + b"\x1b[201~x"
    splitter = InputSplitter()
    assert splitter.feed(data, 0.0) == typed("x")
    assert splitter.dropped == 1


def test_an_unmarked_paste_acts_as_no_keys():
    text = "The quick brown fox jumps over the lazy dog, and then it is over. " * 3
    splitter = InputSplitter()
    assert splitter.feed(text.encode(), 0.0) == [Token(Kind.PASTE, text)]
    assert splitter.feed(b"the rest of it", 0.2) == []
    assert splitter.feed(b"q", 0.5) == typed("q")


def test_a_repeating_key_and_fast_typing_stay_keys():
    assert split(b"[" * 500) == typed("[" * 500)
    assert split(b"palette turbo") == typed("palette turbo")


@given(
    st.lists(
        st.one_of(
            st.sampled_from([data for data, _ in FORMS]),
            st.binary(max_size=40),
            st.sampled_from([b"\x1b", b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b[200~", b"\x9b", b"\x1b[201~", b"\x07"]),
        ),
        max_size=12,
    )
)
def test_a_key_two_silences_after_any_input_is_that_key(parts):
    splitter = InputSplitter()
    for number, part in enumerate(parts):
        splitter.feed(part, number * 0.01)
    now_s = len(parts) * 0.01 + MAX_GAP_S
    splitter.tick(now_s)
    # The first byte of a longer character waits for its other bytes.
    splitter.feed(b"0", now_s + 0.1)
    splitter.tick(now_s + 0.1 + MAX_GAP_S)
    assert splitter.feed(b"q", now_s + 0.2 + MAX_GAP_S) == typed("q")


def test_memory_stays_small_for_unfinished_sequences():
    all_bytes = (bytes(range(256)) * 256).replace(b"\x1b", b"").replace(b"\x9c", b"")
    for start in (b"\x1b[200~", b"\x1b]", b"\x1b["):
        splitter = InputSplitter()
        splitter.feed(start, 0.0)
        for n in range(extent(3, 8)):
            splitter.feed(all_bytes, n * 1e-3)
        assert splitter.stored_characters < MAX_PASTE_CHARACTERS + 1000
