"""Describe a terminal's abilities in words."""

from sunspec_tui.tui.terminal.abilities import Abilities, Graphics, Origin
from sunspec_tui.tui.terminal.colours import Depth

_DEPTHS = {Depth.TRUE: "24-bit", Depth.C256: "256 colours", Depth.C16: "16 colours", Depth.NONE: "no colours"}

PASSTHROUGH_ADVICE = "tmux keeps kitty's pixels from this screen; to allow them: tmux set -g allow-passthrough on"


def ability_rows(abilities: Abilities) -> tuple[tuple[str, str], ...]:
    """Return the Health panel's lines about the terminal's abilities."""
    pixels = ", ".join(filter(None, (_graphics(abilities), _cell(abilities))))
    return (("colours", _depth(abilities)), ("graphics", pixels))


def graphics_message(abilities: Abilities) -> str:
    """Return the notification after another kind of pictures was chosen."""
    chosen = abilities.chosen_graphics or "auto"
    return f"graphics {chosen}: {_graphics(abilities)}{_missing(abilities)}"


def _depth(abilities: Abilities) -> str:
    return f"{_DEPTHS[abilities.depth]}, {abilities.depth_origin}"


def _graphics(abilities: Abilities) -> str:
    # The environment does not tell of pixels.
    origin = "" if abilities.graphics_origin is Origin.ENVIRONMENT else f", {abilities.graphics_origin}"
    return f"{abilities.graphics}{origin}"


def _cell(abilities: Abilities) -> str:
    width_px, height_px = abilities.cell_width_px, abilities.cell_height_px
    return f"cell {width_px}x{height_px}" if width_px and abilities.graphics is not Graphics.BLOCKS else ""


def _missing(abilities: Abilities) -> str:
    """Say why no pixels are drawn although they are wanted."""
    if abilities.wanted_graphics is Graphics.BLOCKS:
        return "" if len(abilities.available_graphics) > 1 else "; this terminal shows no pixels"
    if abilities.graphics is not Graphics.BLOCKS:
        return ""
    if abilities.is_ascii_only:
        return f"; {abilities.wanted_graphics} needs more than ASCII characters"
    if abilities.has_unfit_size:
        return f"; this screen has too few lines or too many pixels for {abilities.wanted_graphics}"
    if abilities.depth in (Depth.C16, Depth.NONE):
        return f"; {abilities.wanted_graphics} needs 256 colours or more"
    if abilities.in_tmux and abilities.wanted_graphics is Graphics.KITTY and not abilities.has_passthrough:
        return "; kitty's pixels inside tmux need set -g allow-passthrough on"
    return f"; {abilities.wanted_graphics} needs the size of a cell in pixels, which is unknown"
