"""Contrast of text and traces, in each theme and depth."""

import numpy as np
import pytest
from monitors import Screen, StillReceiver
from rich.style import Style
from sky_frames import sky

from sunspec_tui.tui.display.view_state import THEMES
from sunspec_tui.tui.terminal.ansi_writer import CellStyle
from sunspec_tui.tui.terminal.cell_widget import CellWidget
from sunspec_tui.tui.terminal.cielab import contrast_ratio
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.legible import MIN_CONTRAST, colours_of, legible
from sunspec_tui.tui.terminal.rich_styles import cell_style
from sunspec_tui.tui.widgets.footer import FAILURE_STYLE
from sunspec_tui.tui.widgets.line_text import STATE_STYLES
from sunspec_tui.tui.widgets.panels import TextCells

# Styles that texts have in lines, panels and the log.
TEXT_STYLES = [
    "", "bold", "dim", "yellow", "red", "bold red", "cyan", "bold underline", "bold black on cyan", FAILURE_STYLE,
    *STATE_STYLES.values(),
]  # fmt: skip


def contrast(style, *, light):
    return contrast_ratio(*colours_of(style, light=light))


def styles_on_screen(screen):
    """Each widget's own styles and text styles, by name."""
    found = {}
    for widget in screen.app.screen.query(CellWidget):
        for name in ("", *getattr(widget, "COMPONENT_CLASSES", ())):
            found[widget.id, name] = widget.component_style(name)
        if isinstance(widget, TextCells):
            found |= {(widget.id, text): widget._style_number(Style.parse(text)) for text in TEXT_STYLES if text}
    known = screen.app.canvas.styles.known
    return {name: known[number] for name, number in found.items()}


def styles_of_dialog(screen):
    """Styles of the texts of the open dialog, by widget."""
    widgets = screen.app.screen.query("Static, Label, Input")
    found = {(type(each).__name__, each.id): cell_style(each.rich_style, screen.app.depth) for each in widgets}
    assert found
    return found


def low_contrasts(screen, styles):
    light = not screen.app.current_theme.dark
    contrasts = {name: round(contrast(style, light=light), 2) for name, style in styles.items()}
    return {name: value for name, value in contrasts.items() if value < MIN_CONTRAST}


@pytest.mark.parametrize("depth", [Depth.TRUE, Depth.C256, Depth.C16])
def test_text_and_traces_have_enough_contrast_in_each_theme(depth):
    receiver = StillReceiver()
    for n in range(8):
        receiver.feed(sky(n))
    screen = Screen(120, 40, receiver, depth=depth)
    try:
        for theme in THEMES:
            screen.settle()
            styles = screen.do(styles_on_screen, screen)
            assert low_contrasts(screen, styles) == {}, theme
            traces = {styles["spectrum", f"spectrum--{name}"] for name in ("latest", "second", "max", "min")}
            assert len(traces) > (1 if depth is Depth.C16 else 2), f"the traces look the same in {theme}"
            screen.act("manual_delay")
            screen.settle()
            assert low_contrasts(screen, screen.do(styles_of_dialog, screen)) == {}, f"dialog in {theme}"
            screen.press("escape")
            screen.act("change_view('next_theme')")
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("style", "light", "wanted"),
    [
        (CellStyle("31", "49"), False, CellStyle("91", "49")),  # red on black becomes bright red
        (CellStyle("33", "49"), True, CellStyle("30", "49")),  # a yellow that is dark enough would be red
        (CellStyle("33", "49", "2"), False, CellStyle("33", "49", "2")),  # dim yellow is legible on black
        (CellStyle("31", "49", "1;2"), False, CellStyle("91", "49", "1")),
        (CellStyle("38;2;120;120;120", "48;2;120;120;120"), False, CellStyle("38;2;8;8;8", "48;2;120;120;120")),
        (CellStyle("39", "49"), False, CellStyle("39", "49")),
        (CellStyle("39", "49"), True, CellStyle("39", "49")),
    ],
)
def test_text_of_low_contrast_becomes_legible(style, light, wanted):
    assert legible(style, light=light) == wanted


def test_any_pair_of_colours_becomes_legible():
    rng = np.random.default_rng(0)

    def colour(which, kind):
        numbers = (
            [which + 8, 5, rng.integers(256)],
            [which + 8, 2, *rng.integers(256, size=3)],
            [which + rng.integers(8)],
        )
        return ";".join(map(str, numbers[kind]))

    for _ in range(500):
        attributes = ["", "1", "2", "7", "2;7", "1;7"][rng.integers(6)]
        style = CellStyle(colour(30, rng.integers(3)), colour(40, rng.integers(3)), attributes)
        light = bool(rng.integers(2))
        # On some grounds, no ANSI colour has more contrast than this.
        assert contrast(legible(style, light=light), light=light) > 4.4
