"""Convert Rich styles to cell styles and back, and text to ASCII.

These are pure functions.
"""

from typing import Any

import numpy as np
from rich.cells import cell_len
from rich.color import Color, ColorType
from rich.style import Style

from sunspec_tui.tui.terminal.ansi_writer import CellStyle
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.colours import Depth, ansi_colour, nearest_16, nearest_256, true_colour

_ATTRIBUTE_NAMES = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike")
_ATTRIBUTES = tuple(zip(_ATTRIBUTE_NAMES, "1234579", strict=True))
_ASCII = {
    **dict.fromkeys("─━═╌┄▔▁▂", "-"), **dict.fromkeys("│║╎┊▏▕▌▐┤├╵╷╹", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘┼╋┬┴", "+"), **dict.fromkeys("▀▄█░▒▓■●", "#"),
    "╳": "x", "┃": "!", "–": "-", "—": "-", "−": "-", "→": ">", "←": "<", "↑": "^", "↓": "v", "…": ".", "·": ".",
    "×": "x", "°": "o", "±": "~", "µ": "u", "▲": "^", "◆": "*", "◇": "o", "▼": "v", "◀": "<", "▶": ">", "•": "*",
    "⠀": " ", "Ⅰ": "1", "Ⅱ": "2", "Ⅲ": "3", "Ⅳ": "4",
}  # fmt: skip


def ascii_text(text: str) -> str:
    """Return the text in ASCII characters, of the same width in cells."""
    return "".join(_ASCII.get(each, each if each.isascii() else "?" * cell_len(each)) for each in text)


def to_ascii(grid: Grid) -> None:
    """Replace all characters of a grid that are not ASCII."""
    for code in np.unique(grid.codes[grid.codes > 126]).tolist():
        grid.codes[grid.codes == code] = ord(_ASCII.get(chr(code), "?"))


def cell_style(style: Style, depth: Depth) -> CellStyle:
    """Return the cell style of a Rich style at a colour depth."""
    attributes = [number for name, number in _ATTRIBUTES if getattr(style, name)]
    if depth is Depth.NONE:
        if _is_dark_on_light(style) and "7" not in attributes:
            attributes.append("7")
        return CellStyle(attributes=";".join(attributes))
    return CellStyle(_parameters(style.color, depth, 0), _parameters(style.bgcolor, depth, 1), ";".join(attributes))


def _is_dark_on_light(style: Style) -> bool:
    """Return True if a style is dark on light.

    A terminal without colours shows such a style as reverse video.
    """
    if style.bgcolor is None or style.bgcolor.is_default:
        return False
    front = style.color.get_truecolor() if style.color and not style.color.is_default else (220, 220, 220)
    return sum(style.bgcolor.get_truecolor()) > sum(front)


def _parameters(color: Color | None, depth: Depth, which: int) -> str:
    if color is None or color.is_default:
        return ("39", "49")[which]
    if color.type in (ColorType.STANDARD, ColorType.WINDOWS) and color.number is not None:
        return ansi_colour(color.number)[which]
    if color.type is ColorType.EIGHT_BIT and color.number is not None and depth is not Depth.C16:
        return f"{(38, 48)[which]};5;{color.number}"
    red, green, blue = color.get_truecolor()
    if depth is Depth.TRUE:
        return true_colour(red, green, blue)[which]
    if depth is Depth.C256:
        return f"{(38, 48)[which]};5;{nearest_256(red, green, blue)}"
    return ansi_colour(nearest_16(red, green, blue))[which]


def rich_style(style: CellStyle) -> Style:
    """Return the Rich style of a cell style."""
    attributes: dict[str, Any] = {name: True for name, number in _ATTRIBUTES if number in style.attributes.split(";")}
    return Style(color=_color(style.foreground), bgcolor=_color(style.background), **attributes)


def _color(parameters: str) -> Color:
    numbers = [int(part) for part in parameters.split(";")]
    if len(numbers) == 5:
        return Color.from_rgb(*numbers[2:])
    if len(numbers) == 3:
        return Color.from_ansi(numbers[2])
    if numbers[0] in (39, 49):
        return Color.default()
    number = numbers[0] % 10 + (8 if numbers[0] >= 90 else 0)
    return Color.from_ansi(number)
