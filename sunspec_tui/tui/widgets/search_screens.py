"""Help and command palette: lists of keys that typing filters.

One widget draws each screen. It has few cells and no animation, so that it opens at once on a slow link.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.geometry import Size

from sunspec_tui.core.printable import printable
from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.key_search import MAX_QUERY_CHARACTERS, Action, best_first, score
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.key_list import (
    FRAME_COLUMNS,
    FRAME_LINES,
    ListedActions,
    first_visible,
    framed,
    help_lines,
    help_width,
    palette_lines,
    search_line,
)
from sunspec_tui.tui.widgets.panels import TextCells

_PALETTE_COLUMNS, _PALETTE_LINES = 76, 17
_WHEEL_LINES = 3
# Lines and pages that a key moves by.
_MOVES = {
    "up": (-1, 0),
    "down": (1, 0),
    "pageup": (0, -1),
    "pagedown": (0, 1),
    "home": (0, -999),
    "end": (0, 999),
}
# While a dialog is open, Textual uses only the bindings of the dialog.
_PROGRAM_KEYS = {
    name: key.action for key in KEYS for name in key.keys.split(",") if name in ("ctrl+c", "ctrl+l", "ctrl+q")
}


class SearchCells(TextCells):
    """Search line and list of a search screen.

    Parameters
    ----------
    fit
        Returns the size for a size of the screen.
    draw
        Returns the lines for a number of columns and lines.
    """

    def __init__(self, fit: Callable[[Size], Size], draw: Callable[[int, int], Sequence[Text]]) -> None:
        super().__init__(id="search")
        self._fit, self._draw = fit, draw

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Return the width for the screen."""
        del container
        return self._fit(viewport).width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the height for the screen.

        It stays the same while the observer types, so that the picture below is not sent again.
        """
        del container, width
        return self._fit(viewport).height

    def build(self, grid: Grid) -> None:
        """Write the lines."""
        for y, line in enumerate(self._draw(grid.columns, grid.lines)[: grid.lines]):
            self._write(grid, y, line)


class SearchScreen(Dialog[str | None]):
    """Dialog with a list that typing filters.

    Parameters
    ----------
    actions
        All actions of the list.
    """

    title_text: ClassVar[str] = ""
    keys_text: ClassVar[str] = ""
    hint: ClassVar[str] = ""

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__()
        self.actions = self.found = tuple(actions)
        self.query_text = ""
        self.first_line = 0

    def compose(self) -> ComposeResult:
        """Yield the box."""
        self._cells = SearchCells(self._fitted_frame, self._framed)
        yield self._cells

    def _fitted_frame(self, screen: Size) -> Size:
        inner = self.fitted(screen.width - FRAME_COLUMNS, screen.height - FRAME_LINES)
        return Size(min(screen.width, inner.width + FRAME_COLUMNS), min(screen.height, inner.height + FRAME_LINES))

    def _framed(self, columns: int, lines: int) -> list[Text]:
        content = self.draw(max(1, columns - FRAME_COLUMNS), max(1, lines - FRAME_LINES))
        return framed(content, columns, lines, self.title_text, self.keys_text)

    def fitted(self, columns: int, lines: int) -> Size:
        """Return the size of the content, at most that of the screen."""
        raise NotImplementedError

    def draw(self, columns: int, lines: int) -> list[Text]:
        """Return the lines of the content."""
        raise NotImplementedError

    def matching(self, query: str) -> tuple[Action, ...]:
        """Return the actions to list for a query."""
        raise NotImplementedError

    def move(self, by: int, page: int) -> None:
        """Move through the list by lines and by pages."""
        raise NotImplementedError

    def accept(self) -> None:
        """Act on the enter key."""
        self.dismiss(None)

    @property
    def list_lines(self) -> int:
        """Number of lines of the list."""
        return max(1, self._cells.content_size.height - FRAME_LINES - 1)

    @property
    def list_columns(self) -> int:
        """Number of columns of the list."""
        return max(1, self._cells.content_size.width - FRAME_COLUMNS)

    def show(self) -> None:
        """Show the present state."""
        self._cells.repaint()

    # Keys and mouse

    def on_key(self, event: events.Key) -> None:
        """Edit the search, move, close, or end the program."""
        event.stop()
        event.prevent_default()
        if self.passes_on(event):
            return
        if event.key in _MOVES:
            self.move(*_MOVES[event.key])
        elif event.key == "enter":
            self.accept()
        elif event.key == "escape":
            self._clear_or_close()
        elif event.key in ("backspace", "ctrl+h"):
            self.search_for(self.query_text[:-1])
        elif event.is_printable and event.character:
            self.type_character(event.character)
        elif event.key in _PROGRAM_KEYS:
            self.app.call_later(self.app.run_action, _PROGRAM_KEYS[event.key])

    def on_paste(self, event: events.Paste) -> None:
        """Add pasted text to the search."""
        self.search_for(self.query_text + " ".join(event.text.split()))
        event.stop()

    def type_character(self, character: str) -> None:
        """Add a character; a first `/` or space only begins the search."""
        if self.query_text or character not in "/ ":
            self.search_for(self.query_text + character)

    def _clear_or_close(self) -> None:
        if self.query_text:
            self.search_for("")
        else:
            self.dismiss(None)

    def search_for(self, query: str) -> None:
        """List the actions that fit a query."""
        self.query_text = printable(query)[:MAX_QUERY_CHARACTERS]
        self.found = self.matching(self.query_text)
        self.first_line = 0
        self.show()

    def on_mouse_scroll_up(self) -> None:
        """Move up."""
        self.move(-_WHEEL_LINES, 0)

    def on_mouse_scroll_down(self) -> None:
        """Move down."""
        self.move(_WHEEL_LINES, 0)


class HelpScreen(SearchScreen):
    """Help with every key of the monitor, by subject."""

    title_text = "Keys"
    keys_text = "type to search, ↑ ↓ pgup pgdn scroll, esc closes"
    hint = "type a key or a word, such as zoom"

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__(actions)
        # Textual asks for the size several times, and wrapping takes milliseconds.
        self._lines_of = lru_cache(maxsize=4)(help_lines)

    def fitted(self, columns: int, lines: int) -> Size:
        """Return a size for all keys, or the whole screen."""
        width = help_width(columns)
        return Size(width, max(1, min(1 + len(self._lines_of(self.actions, width)), lines)))

    def matching(self, query: str) -> tuple[Action, ...]:
        """Return the keys that fit, in the order of the help."""
        return tuple(action for action in self.actions if score(action, query))

    def type_character(self, character: str) -> None:
        """Close at a second `?`; scroll by a page at a space."""
        if not self.query_text and character == "?":
            self.dismiss(None)
        elif not self.query_text and character == " ":
            self.move(0, 1)
        else:
            super().type_character(character)

    def move(self, by: int, page: int) -> None:
        """Scroll."""
        total = len(self._lines_of(self.found, self.list_columns))
        last = max(0, total - self.list_lines)
        self.first_line = max(0, min(last, self.first_line + by + page * self.list_lines))
        self.show()

    def draw(self, columns: int, lines: int) -> list[Text]:
        """Return the search and the keys in view."""
        listed = self._lines_of(self.found, columns) or [Text(f"no key for {self.query_text!r}: esc clears")]
        below = len(listed) - self.first_line - (lines - 1)
        note = f"{below} more line{'s' * (below > 1)} ↓" if below > 0 else "↑" if self.first_line else ""
        return [
            search_line(self.query_text, self.hint, note, columns),
            *listed[self.first_line : self.first_line + lines - 1],
        ]


class PaletteScreen(SearchScreen):
    """Command palette: finds an action by words and runs it."""

    title_text = "Actions"
    keys_text = "type to search, ↑ ↓ choose, enter runs, esc closes"
    hint = "type what you want, such as quit"

    def __init__(self, actions: Sequence[Action]) -> None:
        super().__init__(actions)
        self._chosen = 0

    def fitted(self, columns: int, lines: int) -> Size:
        """Return the size of a short list."""
        return Size(max(1, min(_PALETTE_COLUMNS, columns)), max(1, min(_PALETTE_LINES, lines)))

    def matching(self, query: str) -> tuple[Action, ...]:
        """Return the actions that fit, the best first."""
        self._chosen = 0
        return tuple(best_first(self.actions, query))

    def move(self, by: int, page: int) -> None:
        """Choose another action."""
        self._chosen = max(0, min(len(self.found) - 1, self._chosen + by + page * self.list_lines))
        self.show()

    def accept(self) -> None:
        """Return the chosen action."""
        if self.found:
            self.dismiss(self.found[self._chosen].call)

    def draw(self, columns: int, lines: int) -> list[Text]:
        """Return the search and the actions in view."""
        listed = self._listed(columns)
        owned = [n for n, owner in enumerate(listed.owners) if owner == self._chosen]
        if owned:
            self.first_line = first_visible(self.first_line, range(owned[0], owned[-1] + 1), lines - 1)
        shown = listed.lines[self.first_line : self.first_line + lines - 1]
        note = f"{len(self.found)} actions" if len(self.found) != 1 else "1 action"
        return [
            search_line(self.query_text, self.hint, note, columns),
            *(shown or [Text(f"no action for {self.query_text!r}: esc clears")]),
        ]

    def _listed(self, columns: int) -> ListedActions:
        return palette_lines(self.found, self._chosen, columns)

    def on_click(self, event: events.Click) -> None:
        """Run the clicked action."""
        at = event.get_content_offset(self._cells)
        owners = self._listed(self.list_columns).owners
        line = self.first_line + at.y - 2 if at is not None and at.y >= 2 else len(owners)
        if line < len(owners):
            self.dismiss(self.found[owners[line]].call)
