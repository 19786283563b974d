"""Abilities of a terminal, and how each was found."""

from dataclasses import dataclass
from enum import StrEnum

from sunspec_tui.tui.terminal.colours import Depth


class Graphics(StrEnum):
    """Kinds of pictures that a terminal shows.

    The values are those of ``--graphics``.
    """

    KITTY = "kitty"
    SIXEL = "sixel"
    BLOCKS = "blocks"


class Origin(StrEnum):
    """Source of a known ability."""

    ASKED = "asked"
    ENVIRONMENT = "environment"
    CHOSEN = "chosen"


class KittyDialect(StrEnum):
    """Part of kitty's graphics protocol that a terminal knows.

    Kitty itself has frames, which it edits and composes. Other terminals only place images. Inside tmux a picture is
    placed with Unicode placeholders.
    """

    FRAMES = "frames"
    STRIPS = "strips"
    PLACEHOLDERS = "placeholders"


@dataclass(frozen=True, slots=True)
class Abilities:
    """Abilities of a terminal as far as they are known.

    Attributes
    ----------
    depth, depth_origin
        Colour depth and its source.
    graphics, graphics_origin
        Kind of pictures to draw, and its source. It is `Graphics.BLOCKS` while no pixels can be drawn.
    chosen_graphics
        Kind that the user has chosen; None if the best one is drawn.
    available_graphics
        Kinds that the terminal has, the best one first.
    dialect
        Part of kitty's protocol, if `graphics` is `Graphics.KITTY`.
    cell_width_px, cell_height_px
        Size of a cell in pixels; 0 if unknown. Without it no pixels are drawn.
    in_tmux
        True if the program runs inside tmux.
    has_passthrough
        True if tmux passes sequences on to its terminal.
    lacks_passthrough
        True if tmux could show pixels on its terminal, but its option ``allow-passthrough`` is off.
    is_ascii_only
        True if no pixels are drawn because the screen has only ASCII characters.
    has_unfit_size
        True if no pixels are drawn because the screen has too few lines or too many pixels.
    """

    depth: Depth = Depth.TRUE
    depth_origin: Origin = Origin.ENVIRONMENT
    graphics: Graphics = Graphics.BLOCKS
    graphics_origin: Origin = Origin.ENVIRONMENT
    chosen_graphics: Graphics | None = None
    available_graphics: tuple[Graphics, ...] = (Graphics.BLOCKS,)
    dialect: KittyDialect = KittyDialect.FRAMES
    cell_width_px: int = 0
    cell_height_px: int = 0
    in_tmux: bool = False
    has_passthrough: bool = False
    lacks_passthrough: bool = False
    is_ascii_only: bool = False
    has_unfit_size: bool = False

    @property
    def wanted_graphics(self) -> Graphics:
        """Kind that would be drawn if nothing were missing."""
        return self.chosen_graphics or self.available_graphics[0]
