"""Decide a terminal's abilities from environment, replies and choices.

The terminal's own replies count more than the environment, because ``COLORTERM`` does not travel with SSH and may
describe another terminal. The user's choices count most.

Pure functions only: this module uses no terminal, no clock and nothing of Textual.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sunspec_tui.tui.terminal.abilities import Abilities, Graphics, KittyDialect, Origin
from sunspec_tui.tui.terminal.capabilities import colour_depth
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.terminal_replies import (
    CellPixels,
    DeviceAttributes,
    KittyReply,
    NamedColours,
    Replies,
    SixelColours,
    StyleReply,
    TextArea,
    Version,
    cell_pixels,
)
from sunspec_tui.tui.terminal.tmux_state import TmuxState

_AUTOMATIC = "auto"
_SIXEL_ATTRIBUTE = 4
# A terminal with fewer registers, such as a vt340 with 16, shows other colours than those of the palette.
_MIN_SIXEL_COLOURS = 256
# Pixels such as those of the cursor need more colours than these.
_TOO_FEW_COLOURS = (Depth.C16, Depth.NONE)


class Choices(NamedTuple):
    """Chosen colour depth and kind of pictures; None to find out."""

    depth: Depth | None = None
    graphics: Graphics | None = None


def named_choices(depth: str, graphics: str) -> Choices:
    """Return the choices of ``--colors`` and ``--graphics``; ``auto`` is no choice."""
    return Choices(
        None if depth == _AUTOMATIC else Depth(depth), None if graphics == _AUTOMATIC else Graphics(graphics)
    )


class Screen(NamedTuple):
    """Size of the screen according to the kernel; 0 if unknown."""

    columns: int = 0
    lines: int = 0
    width_px: int = 0
    height_px: int = 0


def resolve(
    environment: Mapping[str, str],
    replies: Replies,
    choices: Choices,
    screen: Screen,
    tmux: TmuxState | None = None,
) -> Abilities:
    """Return a terminal's abilities.

    Parameters
    ----------
    environment
        Variables of the program.
    replies
        The terminal's replies so far.
    choices
        Decisions of the user.
    screen
        Present size of the screen.
    tmux
        State of tmux; None outside tmux, or if tmux has reported none.
    """
    depth, depth_origin = _depth(environment, replies, choices)
    in_tmux = is_in_tmux(environment, replies)
    tmux = tmux if in_tmux else None
    cell = _cell(replies, screen) or (tmux.cell if tmux else None)
    available = _available_graphics(replies, tmux, in_tmux=in_tmux)
    wanted = choices.graphics or available[0]
    is_barred = wanted is Graphics.KITTY and in_tmux and (tmux is None or not tmux.has_passthrough)
    has_pixels = cell is not None and depth not in _TOO_FEW_COLOURS and not is_barred
    asked = replies.get(DeviceAttributes) is not None or len(available) > 1
    return Abilities(
        depth=depth,
        depth_origin=depth_origin,
        graphics=wanted if has_pixels else Graphics.BLOCKS,
        graphics_origin=Origin.CHOSEN if choices.graphics else Origin.ASKED if asked else Origin.ENVIRONMENT,
        chosen_graphics=choices.graphics,
        available_graphics=available,
        dialect=_dialect(environment, replies, in_tmux=in_tmux),
        cell_width_px=cell.width if cell else 0,
        cell_height_px=cell.height if cell else 0,
        in_tmux=in_tmux,
        has_passthrough=tmux is not None and tmux.has_passthrough,
        lacks_passthrough=depth not in _TOO_FEW_COLOURS and _lacks_passthrough(tmux, choices, available),
    )


def is_in_tmux(environment: Mapping[str, str], replies: Replies) -> bool:
    """Return True if the program runs inside tmux.

    A terminal that was started from tmux inherits ``TMUX``. So the version in its reply decides, if there is one.
    """
    version = replies.get(Version)
    if version is not None:
        return version.is_tmux
    return bool(environment.get("TMUX")) or environment.get("TERM", "").startswith("tmux")


def _depth(environment: Mapping[str, str], replies: Replies, choices: Choices) -> tuple[Depth, Origin]:
    stated = colour_depth(environment)
    if choices.depth is not None:
        return choices.depth, Origin.CHOSEN
    told = _told_depth(replies)
    if stated is Depth.NONE or told is None:
        return stated, Origin.ENVIRONMENT
    if told is not Depth.C16:
        return told, Origin.ASKED
    # The terminal has no 24-bit colours, and has not reported which others it has.
    by_term = colour_depth({"TERM": environment.get("TERM", "")})
    return Depth.C256 if by_term is Depth.TRUE else by_term, Origin.ASKED


def _told_depth(replies: Replies) -> Depth | None:
    """Return the depth that the terminal has reported.

    A reported style counts more than a reported capability. A missing capability proves nothing.
    """
    style, named = replies.get(StyleReply), replies.get(NamedColours)
    if style is not None and style.depth is not None:
        return style.depth
    return Depth.TRUE if named is not None and named.has_rgb else None


def _cell(replies: Replies, screen: Screen) -> CellPixels | None:
    """Return the size of a cell in pixels, if known."""
    told = replies.get(CellPixels)
    if told is not None:
        return told
    area = replies.get(TextArea) or TextArea(screen.width_px, screen.height_px, screen.columns, screen.lines)
    if not area.columns or not area.lines:
        return None
    return cell_pixels(area.width // area.columns, area.height // area.lines)


def _available_graphics(replies: Replies, tmux: TmuxState | None, *, in_tmux: bool) -> tuple[Graphics, ...]:
    kitty, attributes, colours = replies.get(KittyReply), replies.get(DeviceAttributes), replies.get(SixelColours)
    # Inside tmux, a terminal must know placeholders too.
    reaches_terminal = not in_tmux or (tmux is not None and tmux.has_passthrough and tmux.has_placeholders)
    has_registers = colours is None or not 0 < colours.number < _MIN_SIXEL_COLOURS
    has = {
        Graphics.KITTY: kitty is not None and kitty.is_ok and reaches_terminal,
        Graphics.SIXEL: attributes is not None and _SIXEL_ATTRIBUTE in attributes.numbers and has_registers,
        Graphics.BLOCKS: True,
    }
    return tuple(kind for kind in Graphics if has[kind])


def _lacks_passthrough(tmux: TmuxState | None, choices: Choices, available: tuple[Graphics, ...]) -> bool:
    """Return True if only tmux's option prevents pixels."""
    if tmux is None or tmux.has_passthrough or not tmux.may_have_placeholders:
        return False
    return choices.graphics is Graphics.KITTY or (choices.graphics is None and available == (Graphics.BLOCKS,))


def _dialect(environment: Mapping[str, str], replies: Replies, *, in_tmux: bool) -> KittyDialect:
    version = replies.get(Version)
    is_kitty = version.is_kitty if version else "kitty" in environment.get("TERM", "")
    if in_tmux:
        return KittyDialect.PLACEHOLDERS
    return KittyDialect.FRAMES if is_kitty else KittyDialect.STRIPS
