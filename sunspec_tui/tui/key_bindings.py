"""Table of all keys, for footer, help and command palette.

The table contains only values. An action is the name of an action method of the monitor, with arguments.
``change_view`` applies a function of `view_actions.VIEW_ACTIONS`.
"""

from typing import NamedTuple

from sunspec_tui.tui.display.view_state import PANELS


class Key(NamedTuple):
    """Key and its action.

    Attributes
    ----------
    keys
        Textual's names of the keys, separated by commas.
    shown
        Label of the key.
    action
        Call of the action.
    help
        Description for help and command palette.
    """

    keys: str
    shown: str
    action: str
    help: str


GROUPS: dict[str, tuple[Key, ...]] = {
    "Program": (
        Key("question_mark,f1", "?", "help", "show all keys"),
        Key("q,ctrl+q", "q", "end(0)", "end the monitor"),
        Key("ctrl+p", "ctrl+p", "command_palette", "find an action by its name"),
        Key("u", "u", "log", "the whole log"),
        Key("ctrl+l", "ctrl+l", "redraw", "redraw the screen"),
        Key("G,shift+g", "G", "next_graphics", "next graphics: kitty, sixel, blocks, or the best"),
        Key("t", "t", "change_view('next_theme')", "next theme: dark, light, the terminal's colours"),
        Key("ctrl+c", "ctrl+c", "end(130)", "end as interrupted"),
    ),
    "Time": (
        Key("space", "space", "change_view('toggle_pause')", "pause the picture; receiving goes on"),
        Key("pageup", "pgup", "change_view('scroll_back', 0.5)", "half a picture back in time"),
        Key("pagedown", "pgdn", "change_view('scroll_back', -0.5)", "half a picture forward"),
        Key("home", "home", "change_view('scroll_back', 1e9)", "the oldest known rows"),
        Key("end", "end", "change_view('live')", "back to live"),
        Key("left_square_bracket", "[", "change_view('span', -1)", "less time, down to one row a column"),
        Key(
            "right_square_bracket",
            "]",
            "change_view('span', 1)",
            "more time, up to all known rows",
        ),
        Key("colon", ":", "go_to_time", "type a time to go to, such as 18:42 or -20m"),
        Key("J,shift+j", "J", "next_sign(-1)", "earlier sign of the day strip: burst, restart, gap, mark"),
        Key("K,shift+k", "K", "next_sign(1)", "later sign of the day strip"),
        Key("s", "s", "change_view('toggle_option', 'sweeping')", "scroll, or sweep with a write cursor"),
    ),
    "Bursts": (
        Key("B,shift+b", "B", "bursts", "the list of bursts, with their numbers"),
        Key("A,shift+a", "A", "next_burst(-1)", "go to the burst before the picture's middle"),
        Key("D,shift+d", "D", "next_burst(1)", "go to the next burst"),
        Key("R,shift+r", "R", "ruler", "first point of the drift ruler, at the cursor; esc ends it"),
        Key("M,shift+m", "M", "ruler_model", "density model of the ruler: Newkirk or Saito"),
        Key("H,shift+h", "H", "ruler_harmonic", "the ruler's emission: fundamental or harmonic"),
    ),
    "Files": (
        Key("F,shift+f", "F", "next_section(1)", "next file, or day of an archive, in view"),
        Key("O,shift+o", "O", "next_section(-1)", "previous (older) file or day, in view"),
        Key("P,shift+p", "P", "play", "play from the picture's end on, or stop, in view"),
    ),
    "Cursor": (
        Key("left", "←", "change_view('move_cursor', -1, 0)", "cursor one column back"),
        Key("right", "→", "change_view('move_cursor', 1, 0)", "cursor one column forward"),
        Key("up", "↑", "change_view('move_cursor', 0, 1)", "cursor one pixel up in frequency"),
        Key("down", "↓", "change_view('move_cursor', 0, -1)", "cursor one pixel down"),
        Key("shift+left", "shift+←", "change_view('move_cursor', -10, 0)", "cursor ten columns back"),
        Key("shift+right", "shift+→", "change_view('move_cursor', 10, 0)", "cursor ten columns forward"),
        Key(
            "escape",
            "esc",
            "change_view('escape')",
            "end the ruler, remove the cursor, the marks, go live, show all",
        ),
        Key(
            "j",
            "j",
            "change_view('mark', 0)",
            "mark the beginning of an interval, at the cursor or the left edge",
        ),
        Key("k", "k", "change_view('mark', 1)", "mark the end, at the cursor or the right edge"),
        Key("N,shift+n", "N", "note", "write a note about the marked interval, the cursor, or now"),
    ),
    "Waterfall": (
        Key("x", "x", "change_view('next_product', 1)", "next product"),
        Key("X,shift+x", "X", "change_view('next_product', -1)", "previous product"),
        Key("c", "c", "change_view('next_palette', 1)", "next palette"),
        Key("C,shift+c", "C", "change_view('next_palette', -1)", "previous palette"),
        Key("a", "a", "change_view('toggle_automatic_levels')", "manual or automatic levels"),
        Key("left_parenthesis", "(", "change_view('shift_levels', -1, 0)", "floor down"),
        Key("right_parenthesis", ")", "change_view('shift_levels', 1, 0)", "floor up"),
        Key("left_curly_bracket", "{", "change_view('shift_levels', 0, -1)", "ceiling down"),
        Key("right_curly_bracket", "}", "change_view('shift_levels', 0, 1)", "ceiling up"),
        Key("less_than_sign", "<", "change_view('bias', -1)", "picture darker"),
        Key("greater_than_sign", ">", "change_view('bias', 1)", "picture brighter"),
        Key("l", "l", "levels", "type floor and ceiling"),
        Key("b", "b", "change_view('toggle_option', 'subtract')", "remove the quiet background"),
        Key("z", "z", "change_view('zoom', 1)", "zoom in, about the cursor"),
        Key("Z,shift+z", "Z", "change_view('zoom', -1)", "zoom out"),
        Key("comma", ",", "change_view('pan', -1)", "lower frequencies"),
        Key("full_stop", ".", "change_view('pan', 1)", "higher frequencies"),
    ),
    "Spectrum": (
        Key("h", "h", "change_view('toggle_trace', 'max')", "maximum hold"),
        Key("n", "n", "change_view('toggle_trace', 'min')", "minimum hold"),
        Key("v", "v", "change_view('toggle_trace', 'average')", "running average"),
        Key("r", "r", "reset_traces", "reset maximum, minimum and average"),
        Key("y", "y", "change_view('toggle_option', 'pair')", "XX and YY together"),
        Key("e", "e", "change_view('toggle_linear')", "decibels or linear power"),
        Key("f", "f", "change_view('fix_spectrum')", "fixed or automatic limits"),
        Key("i", "i", "change_view('toggle_option', 'pipelines')", "marks of the 32 pipelines"),
    ),
    "Layout": (
        Key("L,shift+l", "L", "change_view('next_layout')", "next layout: watch, operate, engineer"),
        Key("tab", "tab", "change_view('maximise', ('waterfall', 'spectrum'))", "waterfall alone, spectrum alone, all"),
        Key("shift+tab", "shift+tab", f"change_view('maximise', {PANELS})", "each panel alone in turn, then all"),
        Key("S,shift+s", "S", "change_view('toggle_option', 'day_strip')", "hide or show the day strip"),
        Key("backslash", "\\", "change_view('toggle_panels')", "hide or show all panels"),
        Key("0", "0", "reset_view", "reset the layout, colours and levels"),
        *(
            Key(f"{n}", f"{n}", f"change_view('toggle_panel', {name!r})", f"{name} panel")
            for n, name in enumerate(PANELS, 1)
        ),
    ),
    "Receiver": (
        Key("d", "d", "delay_method", "next delay method: auto, buffer, manual"),
        Key("m", "m", "manual_delay", "type a manual delay in seconds"),
        Key("plus,equals_sign", "+", "plot_interval(1)", "plots more rarely, up to off; in view, play faster"),
        Key("minus", "-", "plot_interval(-1)", "plots more often, down to one a second; in view, slower"),
        Key("p", "p", "plot_now", "write a plot now"),
        Key("E,shift+e", "E", "export", "write the marked interval, or the picture's rows, to a file"),
        Key("w", "w", "web", "start or stop the web view"),
        Key("g", "g", "collect_garbage", "collect garbage now"),
        Key("o", "o", "optimise_memory", "free unused memory; rows stay"),
    ),
}
"""Keys by subject, in the order of the help."""

KEYS = tuple(key for group in GROUPS.values() for key in group)


class FooterHint(NamedTuple):
    """Keys of the footer, with the words for them.

    Attributes
    ----------
    shown
        Labels of the keys, as in the table.
    words
        A few words for all of them.
    """

    shown: tuple[str, ...]
    words: str

    @property
    def width(self) -> int:
        """Number of cells of the keys and the words, with single blanks."""
        return len(" ".join((*self.shown, self.words)))


RECORDED_FOOTER = (
    FooterHint(("?",), "help"),
    FooterHint(("q",), "quit"),
    FooterHint(("O", "F"), "file or day"),
    FooterHint(("[", "]"), "time span"),
    FooterHint(("P",), "play"),
    FooterHint(("space",), "pause"),
    FooterHint(("x",), "product"),
    FooterHint(("c",), "palette"),
    FooterHint(("←", "→"), "cursor"),
    FooterHint(("z", "Z"), "zoom"),
    FooterHint(("E",), "export"),
    FooterHint(("+", "-"), "speed"),
    FooterHint(("b",), "background"),
    FooterHint(("<", ">"), "brightness"),
    FooterHint(("u",), "log"),
    FooterHint(("L",), "layout"),
    FooterHint(("B",), "bursts"),
)
"""Keys of the footer of recorded rows."""

FOOTER = (
    FooterHint(("?",), "help"),
    FooterHint(("q",), "quit"),
    FooterHint(("space",), "pause"),
    FooterHint(("[", "]"), "time span"),
    FooterHint(("x",), "product"),
    FooterHint(("c",), "palette"),
    FooterHint(("u",), "log"),
    FooterHint(("L",), "layout"),
    FooterHint(("B",), "bursts"),
    FooterHint(("←", "→"), "cursor"),
    FooterHint(("z", "Z"), "zoom"),
    FooterHint(("<", ">"), "brightness"),
    FooterHint(("+", "-"), "plot interval"),
    FooterHint(("p",), "plot now"),
    FooterHint(("E",), "export"),
    FooterHint(("w",), "web view"),
    FooterHint(("d",), "delay method"),
)
"""Keys of the footer, the most important first; a narrow screen drops the last ones."""
