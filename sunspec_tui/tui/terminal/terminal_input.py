"""Parse a terminal's bytes into characters, whole escape sequences and pastes.

The input of a terminal cannot be trusted. It may contain invalid UTF-8, replies that were not requested, replies that
come late or in pieces, and pastes without an end. The parser recognises all of these by their form (ECMA-48). Thus no
part of them acts as keys, and input without an end blocks the keys only for a short time. String replies (DCS, APC) are
dropped, except those with an expected start.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

import codecs
import math
import re
from enum import Enum, auto
from typing import NamedTuple

ESC = "\x1b"
_CSI, _SS3 = ESC + "[", ESC + "O"
PASTE_START, PASTE_END = _CSI + "200~", _CSI + "201~"
# A lone ESC is a key if nothing follows it within this time. The rest of a longer sequence may arrive more slowly.
ESCAPE_S = 0.1
MAX_GAP_S = 1.0
# A reply or a paste ends after this time, even if more of it arrives.
MAX_REPLY_S = 5.0
MAX_PASTE_S = 10.0
MAX_PASTE_CHARACTERS = 1 << 16
MAX_SEQUENCE_CHARACTERS = 256
MAX_STRING_CHARACTERS = 256
# After dropped input, its rest is expected for this time. The rest arrives in pieces of several characters, but a
# person types one character at a time.
_EXPECT_REST_S = 10.0
_PIECE_CHARACTERS = 4
# A read with this many characters, of this many kinds, is a paste from a terminal without bracketed paste, not typing.
_UNMARKED_PASTE_CHARACTERS, _UNMARKED_PASTE_KINDS = 64, 8
# One-byte introducers of sequences (C1 controls). They come as raw bytes (surrogates of the decoder) or in UTF-8.
_ONE_BYTE = {
    0x8F: _SS3,
    0x90: ESC + "P",
    0x98: ESC + "X",
    0x9B: _CSI,
    0x9D: ESC + "]",
    0x9E: ESC + "^",
    0x9F: ESC + "_",
}
_INTRODUCERS = {chr(base + code): text for code, text in _ONE_BYTE.items() for base in (0, 0xDC00)}
_STRING_STARTS = frozenset("]PX^_")
_STRING_ENDS = frozenset("\x07\x9c\udc9c")
_STRING_CANCELS = frozenset("\x18\x1a")
_STRING_SPECIAL = re.compile("[\x07\x18\x1a\x1b\x9c\udc9c]")
# Reports of the cursor's position, the mouse and the window's focus.
_REPORT = re.compile(r"\x1b\[(?:\d+;\d+R|<\d+;\d+;\d+[Mm]|[IO])")
_REPLACEMENT = "\ufffd"


class Kind(Enum):
    """Kind of a token."""

    CHARACTER = auto()
    ESCAPE = auto()
    SEQUENCE = auto()
    STRING = auto()
    PASTE = auto()


class Token(NamedTuple):
    """Character, escape key, escape sequence, string reply or paste from the terminal.

    A sequence is complete, and its introducer has two characters. The text of a string begins with the second character
    of its introducer and has no end mark. The text of a paste is without its marks.
    """

    kind: Kind
    text: str


class _State(Enum):
    GROUND = auto()
    ESCAPE = auto()
    SEQUENCE = auto()
    MOUSE = auto()
    STRING = auto()
    PASTE = auto()


class InputSplitter:
    """Parser of a terminal's bytes.

    Attributes
    ----------
    dropped
        Number of sequences, replies and pastes that had no end and were dropped.
    string_starts
        Starts of the string replies that become tokens; all others are dropped.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self.string_starts: tuple[str, ...] = ()
        self._string = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._state = _State.GROUND
        self._buffer = ""
        self._paste: list[str] = []
        self._begun_s = self._last_s = -math.inf
        self._expect_rest_until_s = -math.inf
        self._tokens: list[Token] = []

    def feed(self, data: bytes, now_s: float) -> list[Token]:
        """Return the tokens that these bytes complete.

        Parameters
        ----------
        data
            Bytes as read from the terminal.
        now_s
            Time of the read, seconds of a monotonic clock.
        """
        self._end_overdue_input(now_s)
        text = self._decode(data)
        if self._state is _State.PASTE or now_s < self._expect_rest_until_s:
            text = self._without_reports(text)
        if text:
            self._last_s = now_s
        if self._state is _State.GROUND:
            text = self._without_dropped_rest(text, now_s)
        at = 0
        while at < len(text):
            at = self._skip_string(text, at) if self._state is _State.STRING else at
            if at < len(text):
                self._parse(text[at], now_s)
                at += 1
        return self._pop_tokens()

    def tick(self, now_s: float) -> list[Token]:
        """Return the tokens that end because no more bytes came in time."""
        self._end_overdue_input(now_s)
        return self._pop_tokens()

    @property
    def is_waiting(self) -> bool:
        """True if `tick` should be called soon."""
        return self._state is not _State.GROUND

    @property
    def is_in_string(self) -> bool:
        """True if a string reply has begun and not ended."""
        return self._state is _State.STRING

    @property
    def stored_characters(self) -> int:
        """Number of stored characters of unfinished input."""
        return len(self._buffer) + len(self._string) + len(self._paste)

    def _pop_tokens(self) -> list[Token]:
        tokens, self._tokens = self._tokens, []
        return tokens

    # Input without an end

    def _end_overdue_input(self, now_s: float) -> None:
        state, gap_s, age_s = self._state, now_s - self._last_s, now_s - self._begun_s
        if state is _State.GROUND:
            return
        if state is _State.ESCAPE:
            if gap_s >= ESCAPE_S:
                self._emit(Kind.ESCAPE, ESC)
            return
        max_age_s = {_State.STRING: MAX_REPLY_S, _State.PASTE: MAX_PASTE_S}.get(state, math.inf)
        if gap_s >= MAX_GAP_S or age_s >= max_age_s:
            self._drop_unfinished(now_s)

    def _drop_unfinished(self, now_s: float) -> None:
        """Drop input that has no end, and expect its rest."""
        self.dropped += 1
        self._expect_rest_until_s = now_s + _EXPECT_REST_S
        self._reset()

    def _without_dropped_rest(self, text: str, now_s: float) -> str:
        """Remove the rest of dropped input; emit a paste without marks."""
        head, mark, tail = text.partition(ESC)
        if now_s < self._expect_rest_until_s:
            _, end, after = text.partition(PASTE_END)
            if end:
                self._expect_rest_until_s = -math.inf
                return after
            if len(head) < _PIECE_CHARACTERS:
                return text
            # While the rest of a paste keeps coming, none of it acts as keys.
            self._expect_rest_until_s = max(self._expect_rest_until_s, now_s + MAX_GAP_S)
            return ""
        if len(head) > _UNMARKED_PASTE_CHARACTERS and len(set(head)) >= _UNMARKED_PASTE_KINDS:
            self._emit(Kind.PASTE, _readable(head))
            self._expect_rest_until_s = now_s + MAX_GAP_S
            return mark + tail
        return text

    def _without_reports(self, text: str) -> str:
        """Move the terminal's own reports from the text to the tokens."""
        self._tokens += [Token(Kind.SEQUENCE, report) for report in _REPORT.findall(text)]
        return _REPORT.sub("", text)

    # Character by character

    def _parse(self, character: str, now_s: float) -> None:
        parse = {
            _State.GROUND: self._in_ground,
            _State.ESCAPE: self._after_escape,
            _State.SEQUENCE: self._in_sequence,
            _State.MOUSE: self._in_mouse,
            _State.STRING: self._in_string,
            _State.PASTE: self._in_paste,
        }[self._state]
        parse(character, now_s)

    def _emit(self, kind: Kind, text: str) -> None:
        self._tokens.append(Token(kind, text))
        self._reset()

    def _reset(self) -> None:
        self._state, self._buffer, self._string = _State.GROUND, "", ""
        self._paste.clear()

    def _begin(self, state: _State, buffer: str, now_s: float) -> None:
        self._state, self._buffer, self._begun_s = state, buffer, now_s

    def _in_ground(self, character: str, now_s: float) -> None:
        if character == ESC:
            self._begin(_State.ESCAPE, ESC, now_s)
        elif character in _INTRODUCERS:
            self._introduce(_INTRODUCERS[character], now_s)
        elif not "\x80" <= character <= "\x9f":
            self._emit(Kind.CHARACTER, _readable(character))

    def _after_escape(self, character: str, now_s: float) -> None:
        if character < " ":
            self._emit(Kind.ESCAPE, ESC)
            self._in_ground(character, now_s)
        else:
            self._introduce(ESC + character, now_s)

    def _introduce(self, text: str, now_s: float) -> None:
        if text in (_CSI, _SS3):
            self._begin(_State.SEQUENCE, text, now_s)
        elif text[1] in _STRING_STARTS:
            self._begin(_State.STRING, "", now_s)
            self._string = text[1]
        elif text[1].isascii():
            self._emit(Kind.SEQUENCE, text)
        else:
            self._reset()

    def _in_sequence(self, character: str, now_s: float) -> None:
        buffer = self._buffer
        if character < " ":
            # A sequence contains no control character: drop the sequence and handle the key.
            self._reset()
            self._in_ground(character, now_s)
        elif character > "~":
            self._reset()
        elif buffer == _CSI and character == "M":
            # The oldest mouse reports have three more bytes. A terminal with newer reports never sends these reports.
            self._begin(_State.MOUSE, "", now_s)
        elif buffer == _CSI and character == "[":
            # Function keys of the Linux console.
            self._buffer += character
        elif character == "$" and buffer[2:].isdecimal():
            # A shifted key of rxvt ends with "$". In other sequences, one more character follows "$".
            self._emit(Kind.SEQUENCE, buffer + character)
        elif character < "@":
            # A sequence that is too long is read to its end and then dropped.
            self._buffer = (buffer + character)[: MAX_SEQUENCE_CHARACTERS + 1]
        elif buffer + character == PASTE_START:
            self._begin(_State.PASTE, "", now_s)
        elif len(buffer) > MAX_SEQUENCE_CHARACTERS:
            self._reset()
        else:
            self._emit(Kind.SEQUENCE, buffer + character)

    def _in_mouse(self, character: str, now_s: float) -> None:
        if character == ESC:
            self._begin(_State.ESCAPE, ESC, now_s)
            return
        self._buffer += character
        if len(self._buffer) == 3:
            self._reset()

    def _in_string(self, character: str, now_s: float) -> None:
        if character == ESC:
            self._buffer = ESC
        elif character in _STRING_ENDS or self._buffer + character == ESC + "\\":
            self._end_string()
        elif character in _STRING_CANCELS:
            self._reset()
        elif self._buffer == ESC:
            # A reply contains no ESC, so this reply has no end, and another sequence begins.
            self._string = ""
            self._introduce(ESC + character, now_s)
        else:
            self._keep_string(character)

    def _skip_string(self, text: str, at: int) -> int:
        """Keep a string's text; return the next special character's place."""
        if self._buffer:
            return at
        found = _STRING_SPECIAL.search(text, at)
        end = found.start() if found else len(text)
        self._keep_string(text[at:end])
        return end

    def _keep_string(self, text: str) -> None:
        """Keep a string's text, one character beyond its limit."""
        self._string += text[: max(0, MAX_STRING_CHARACTERS + 1 - len(self._string))]

    def _end_string(self) -> None:
        """Emit an expected string; drop others and too long ones."""
        text = self._string
        if len(text) <= MAX_STRING_CHARACTERS and self.string_starts and text.startswith(self.string_starts):
            self._emit(Kind.STRING, _readable(text))
        else:
            self._reset()

    def _in_paste(self, character: str, _: float) -> None:
        self._buffer = (self._buffer + character)[-len(PASTE_END) :]
        if len(self._paste) <= MAX_PASTE_CHARACTERS + len(PASTE_END):
            self._paste.append(character)
        if self._buffer == PASTE_END:
            text = "".join(self._paste)
            if text.endswith(PASTE_END):
                self._emit(Kind.PASTE, _readable(text.removesuffix(PASTE_END)))
            else:
                self.dropped += 1
                self._reset()


def _readable(text: str) -> str:
    """Replace bytes that are not valid UTF-8."""
    return "".join(_REPLACEMENT if "\ud800" <= character <= "\udfff" else character for character in text)
