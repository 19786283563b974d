"""Parse a terminal's replies to queries of its abilities into typed values.

Replies cannot be trusted: a reply of another form, with a number out of its range or with an overlong text is no reply.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

import re
from collections.abc import Collection
from typing import NamedTuple, TypeVar

from sunspec_tui.tui.terminal.colours import Depth

KITTY_IMAGE_ID = 4321
"""Number of the image in the query of kitty's protocol; its reply repeats it."""

MAX_CELL_WIDTH_PX, MAX_CELL_HEIGHT_PX = 128, 256
_MIN_CELL_PX = 2
_MAX_SIXEL_COLOURS = 65536
_MAX_ATTRIBUTES = 40

_ATTRIBUTES = re.compile(r"\x1b\[\?([0-9]{0,5}(?:;[0-9]{0,5})*)c")
_SIZE = re.compile(r"\x1b\[([46]);([0-9]{1,5});([0-9]{1,5})t")
_REGISTERS = re.compile(r"\x1b\[\?1;([0-3])(?:;([0-9]{1,6}))?S")
_VERSION = re.compile(r"P>\|([ -~]{1,64})")
_STYLE = re.compile(r"P[01]\$r([0-9;:]{0,100})m?")
_CAPABILITY = re.compile(r"P([01])\+r(?:524742)?(?:=[0-9a-fA-F]{0,64})?")
_KITTY = re.compile(r"_G([a-zA-Z0-9=,]{1,64});([ -~]{0,200})")

# The background colours in a style, from the one that was set to the plainest one.
_TRUE_BACKGROUND = re.compile(r"(?:^|;)48[:;]2[:;](?:[0-9]*:)?1[:;]2[:;]3(?:;|$)")
_256_BACKGROUND = re.compile(r"(?:^|;)48[:;]5[:;](?:1[6-9]|[2-9][0-9]|[12][0-9][0-9])(?:;|$)")
_16_BACKGROUND = re.compile(r"(?:^|;)(?:4[0-7]|10[0-7]|48[:;]5[:;][0-9]{1,2})(?:;|$)")


class DeviceAttributes(NamedTuple):
    """Numbers of a terminal's device attributes (DA1); 4 is sixel."""

    numbers: frozenset[int]


class Version(NamedTuple):
    """Name and version of a terminal (XTVERSION)."""

    text: str

    @property
    def is_tmux(self) -> bool:
        """True if the terminal is tmux."""
        return self.text.startswith("tmux")

    @property
    def is_kitty(self) -> bool:
        """True if the terminal is kitty itself."""
        return self.text.startswith("kitty(")


class StyleReply(NamedTuple):
    """Colour depth of the background after a 24-bit colour was set (DECRQSS).

    It is None if the terminal reports no background at all; some always report a plain style.
    """

    depth: Depth | None


class NamedColours(NamedTuple):
    """True if the terminal has the capability ``RGB`` (XTGETTCAP)."""

    has_rgb: bool


class KittyReply(NamedTuple):
    """True if the terminal could show an image of kitty's protocol."""

    is_ok: bool


class CellPixels(NamedTuple):
    """Size of a cell in pixels (``CSI 16 t``)."""

    width: int
    height: int


class TextArea(NamedTuple):
    """Size of all cells in pixels (``CSI 14 t``), and their number."""

    width: int
    height: int
    columns: int = 0
    lines: int = 0


class SixelColours(NamedTuple):
    """Number of colour registers for sixel (XTSMGRAPHICS); 0 without any."""

    number: int


Reply = DeviceAttributes | Version | StyleReply | NamedColours | KittyReply | CellPixels | TextArea | SixelColours
AnyReply = TypeVar("AnyReply", bound=Reply)

_STRING_STARTS: dict[type[Reply], tuple[str, ...]] = {
    Version: ("P>|",),
    StyleReply: ("P0$r", "P1$r"),
    NamedColours: ("P0+r", "P1+r"),
    KittyReply: ("_G",),
}


def string_starts(expected: Collection[type[Reply]]) -> tuple[str, ...]:
    """Return the starts of expected string replies (DCS, APC)."""
    return tuple(start for kind in expected for start in _STRING_STARTS.get(kind, ()))


def parse_reply(text: str) -> Reply | None:
    """Parse a control sequence or a string; None for other text.

    Parameters
    ----------
    text
        Whole control sequence, or a string without its first ESC and its end.
    """
    for form, make in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            return make(found)
    return None


def cell_pixels(width: int, height: int) -> CellPixels | None:
    """Return a cell's size; None for a size that no terminal has."""
    is_usual = _MIN_CELL_PX <= width <= MAX_CELL_WIDTH_PX and _MIN_CELL_PX <= height <= MAX_CELL_HEIGHT_PX
    return CellPixels(width, height) if is_usual else None


def _attributes(found: re.Match[str]) -> DeviceAttributes:
    return DeviceAttributes(frozenset(int(each) for each in found[1].split(";")[:_MAX_ATTRIBUTES] if each))


def _size(found: re.Match[str]) -> Reply | None:
    height, width = int(found[2]), int(found[3])
    if found[1] == "6":
        return cell_pixels(width, height)
    return TextArea(width, height) if width and height else None


def _registers(found: re.Match[str]) -> SixelColours:
    number = int(found[2] or 0) if found[1] == "0" else 0
    return SixelColours(number if 2 <= number <= _MAX_SIXEL_COLOURS else 0)


def _style(found: re.Match[str]) -> StyleReply:
    forms = ((Depth.TRUE, _TRUE_BACKGROUND), (Depth.C256, _256_BACKGROUND), (Depth.C16, _16_BACKGROUND))
    return StyleReply(next((depth for depth, form in forms if form.search(found[1])), None))


def _kitty(found: re.Match[str]) -> KittyReply | None:
    is_ours = f"i={KITTY_IMAGE_ID}" in found[1].split(",")
    return KittyReply(found[2] == "OK") if is_ours else None


_FORMS = (
    (_ATTRIBUTES, _attributes),
    (_SIZE, _size),
    (_REGISTERS, _registers),
    (_VERSION, lambda found: Version(found[1])),
    (_STYLE, _style),
    (_CAPABILITY, lambda found: NamedColours(found[1] == "1")),
    (_KITTY, _kitty),
)


class Replies:
    """Replies of different types.

    Parameters
    ----------
    replies
        Replies in the order of their arrival; only the last one of each type is kept.
    """

    def __init__(self, *replies: Reply) -> None:
        self._replies = tuple({type(reply): reply for reply in replies}.values())

    def get(self, kind: type[AnyReply]) -> AnyReply | None:
        """Return the reply of a type; None if there is none."""
        return next((reply for reply in self._replies if isinstance(reply, kind)), None)

    def including(self, reply: Reply) -> "Replies":
        """Return these replies and a newer one."""
        return Replies(*self._replies, reply)

    def __bool__(self) -> bool:
        return bool(self._replies)
