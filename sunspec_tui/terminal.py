"""What the terminal can show, as its environment tells.

Pure functions of an environment; nothing is asked of the terminal itself.
"""

from collections.abc import Mapping

from sunspec_tui.colormaps import Depth

_TRUE_COLOUR_TERMS = ("-direct", "-truecolor", "kitty", "alacritty", "ghostty", "wezterm", "foot")
_PLAIN_TERMS = ("dumb", "vt100", "vt102", "vt220", "-mono", "-m")


def colour_depth(environment: Mapping[str, str]) -> Depth:
    """Colours of the terminal.

    Parameters
    ----------
    environment
        Where ``NO_COLOR``, ``COLORTERM`` and ``TERM`` are looked up, in this order.
    """
    if environment.get("NO_COLOR"):
        return Depth.NONE
    term = environment.get("TERM", "").lower()
    if environment.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Depth.TRUE
    if any(part in term for part in _TRUE_COLOUR_TERMS):
        return Depth.TRUE
    if "256color" in term:
        return Depth.C256
    if not term or any(term == part or (part[0] == "-" and term.endswith(part)) for part in _PLAIN_TERMS):
        return Depth.NONE
    return Depth.C16


def needs_ascii(encoding: str | None) -> bool:
    """Whether an encoding has no braille and no blocks."""
    return encoding is not None and "utf" not in encoding.lower()
