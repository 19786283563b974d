"""Convert terminal input into Textual's events: keys, mouse, pastes, requested replies.

Only sequences of a known form become events. A reply about the terminal's abilities becomes one only if it is expected.
Textual's parser is used only to find the key of a sequence. It does not read the stream, because it would turn unknown
replies into keys.

This module uses private parts of Textual: `XTermParser._sequence_to_key_events`, `XTermParser.parse_mouse_code`, the
table of keys, and its messages. tests/tui/test_terminal_events.py fails when one of them changes.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from itertools import zip_longest

from textual import events, messages
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._keyboard_protocol import FUNCTIONAL_KEYS
from textual._xterm_parser import XTermParser
from textual.keys import Keys
from textual.message import Message

from sunspec_tui.tui.terminal.terminal_input import ESC, Kind, Token
from sunspec_tui.tui.terminal.terminal_replies import Reply, parse_reply

_CURSOR = re.compile(r"\x1b\[(\d{1,5});(\d{1,5})R")
_SYNCHRONISED_OUTPUT = re.compile(r"\x1b\[\?2026;[123]\$y")
_MOUSE = re.compile(r"\x1b\[<(\d{1,3});(\d{1,5});(\d{1,5})[Mm]")
_MODIFIED_KEY = re.compile(r"\x1b\[27;(\d{1,3});(\d{1,7})~")
_EXTENDED_KEY = re.compile(
    r"\x1b\[(?P<code>\d{0,7})(?::[\d:]*)?(?:;(?P<modifiers>\d{0,3})(?::(?P<kind>\d?))?(?:;(?P<text>[\d:]*))?)?(?P<end>[u~A-HPQS])"
)
_FOCUS = {f"{ESC}[I": events.AppFocus, f"{ESC}[O": events.AppBlur}
_RELEASED = "3"
# Button codes from here on are extra buttons. The program does not use them, and Textual would report the left button.
_MAX_BUTTONS = 128
_MAX_CODE_POINT = 0x10FFFF


class TerminalReplied(Message):
    """The terminal has replied to a query of its abilities."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply


class EventMaker:
    """Converter from tokens to Textual's messages.

    Attributes
    ----------
    expected
        Types of the replies that become messages; any other reply is dropped.
    """

    def __init__(self) -> None:
        self._parser = XTermParser()
        self.expected: Collection[type[Reply]] = frozenset()

    def messages(self, tokens: Iterable[Token], size: tuple[int, int], queries: int) -> list[Message]:
        """Return the messages for tokens that arrived together.

        Parameters
        ----------
        tokens
            Tokens of an `InputSplitter`.
        size
            Columns and lines of the screen; mouse events outside it are dropped.
        queries
            Number of cursor reports that were requested. Further reports are dropped.
        """
        found: list[Message] = []
        for token in tokens:
            found += self._messages(token, size)
        return _without_unrequested_reports(_without_repeats(found), queries)

    def _messages(self, token: Token, size: tuple[int, int]) -> list[Message]:
        if token.kind is Kind.ESCAPE:
            return [events.Key("escape", ESC)]
        if token.kind is Kind.PASTE:
            text = "".join(each for each in token.text if each in "\n\t" or each.isprintable())
            return [events.Paste(text)] if text else []
        if token.kind is Kind.CHARACTER:
            return self._keys(token.text)
        reply = parse_reply(token.text)
        if reply is not None or token.kind is Kind.STRING:
            return [TerminalReplied(reply)] if type(reply) in self.expected and reply is not None else []
        return self._sequence(token.text, size)

    def _keys(self, sequence: str, *, alt: bool = False) -> list[Message]:
        return [key for key in self._parser._sequence_to_key_events(sequence, alt) if key.key != Keys.Ignore]  # noqa: SLF001

    def _sequence(self, sequence: str, size: tuple[int, int]) -> list[Message]:
        if sequence in _FOCUS:
            return [_FOCUS[sequence]()]
        if (found := _CURSOR.fullmatch(sequence)) is not None:
            return [events.CursorPosition(int(found[2]) - 1, int(found[1]) - 1)]
        if _SYNCHRONISED_OUTPUT.fullmatch(sequence):
            return [messages.TerminalSupportsSynchronizedOutput()]
        if (found := _MOUSE.fullmatch(sequence)) is not None:
            return self._mouse(sequence, int(found[1]), (int(found[2]), int(found[3])), size)
        key = canonical_key(sequence)
        if key is not None:
            return self._keys(key)
        if len(sequence) == 2 and sequence not in ANSI_SEQUENCES_KEYS:
            return self._keys(sequence[1], alt=True)
        return self._keys(sequence) if sequence in ANSI_SEQUENCES_KEYS else []

    def _mouse(self, sequence: str, buttons: int, at: tuple[int, int], size: tuple[int, int]) -> list[Message]:
        if buttons >= _MAX_BUTTONS or not (1 <= at[0] <= size[0] and 1 <= at[1] <= size[1]):
            return []
        event = self._parser.parse_mouse_code(sequence)
        return [] if event is None else [event]


def canonical_key(sequence: str) -> str | None:
    """Reduce an extended keyboard sequence to key, modifiers and text.

    Return None for any other sequence, and an empty text for a released or an invalid key.
    """
    if (modified := _MODIFIED_KEY.fullmatch(sequence)) is not None:
        sequence = f"{ESC}[{modified[2]};{modified[1]}u"
    found = _EXTENDED_KEY.fullmatch(sequence)
    if found is None:
        return None
    code, modifiers, text, end = (found[name] or "" for name in ("code", "modifiers", "text", "end"))
    if end != "u":
        known = f"{int(code or 1)}{end}" in FUNCTIONAL_KEYS
        if not known or not modifiers:
            return None if sequence in ANSI_SEQUENCES_KEYS or known else ""
    if found["kind"] == _RELEASED or not all(map(_is_character, [code or "1", *filter(None, text.split(":"))])):
        return ""
    middle = f";{modifiers}" if modifiers or text else ""
    return f"{ESC}[{code}{middle}{';' + text if text else ''}{end}"


def _is_character(number: str) -> bool:
    code = int(number)
    return code <= _MAX_CODE_POINT and not 0xD800 <= code <= 0xDFFF and not 0x80 <= code <= 0x9F


def _without_repeats(found: list[Message]) -> list[Message]:
    """Keep only the last of consecutive mouse moves and of focus changes."""
    kept: list[Message] = []
    for message, after in zip_longest(found, found[1:]):
        if not (isinstance(message, events.MouseMove) and isinstance(after, events.MouseMove)):
            kept.append(message)
    focus = [message for message in kept if isinstance(message, events.AppFocus | events.AppBlur)]
    return _without(kept, focus[:-1])


def _without_unrequested_reports(found: list[Message], queries: int) -> list[Message]:
    """Drop cursor reports that were not requested."""
    reports = [message for message in found if isinstance(message, events.CursorPosition)]
    return _without(found, reports[queries:])


def _without(found: list[Message], dropped: Sequence[Message]) -> list[Message]:
    gone = set(map(id, dropped))
    return [message for message in found if id(message) not in gone]
