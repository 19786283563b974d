"""Page with the list of bursts, over the screen."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType

from sunspec_tui.core.bursts import Burst, BurstList
from sunspec_tui.core.listeners import Listeners
from sunspec_tui.tui.messages import BurstPointed
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.dialog import Dialog
from sunspec_tui.tui.widgets.burst_table import burst_layout, burst_line, detail_lines, heading_line
from sunspec_tui.tui.widgets.fitting import first_that_fits, wrap_line
from sunspec_tui.tui.widgets.panels import SUBTITLE_FRAME_COLUMNS, TextCells

_FAR = 10**9
# Largest share of the page for the details, smallest number of rows above them, and lines of a window whose waterfall
# stays visible below the page.
_DETAIL_SHARE, _MIN_ROWS, _HALF_PAGE_LINES = 0.5, 3, 40


class BurstActions(Protocol):
    """Bursts of the page, and actions of its keys."""

    def bursts_now(self) -> BurstList:
        """Return all bursts."""

    def why_no_bursts(self, hidden: int) -> str:
        """Return the reason for an empty list."""

    def show_burst(self, burst: Burst) -> bool:
        """Move the picture to a burst; return False without its rows."""

    def export_burst(self, burst: Burst) -> None:
        """Ask for a file, and write a burst's rows to it."""

    def mark_burst(self, burst: Burst) -> None:
        """Mark a burst as wrong, or take that back."""


class BurstRows(TextCells):
    """Rows of the list, with the details of the selected burst below.

    The newest burst is at the top. The selection stays on its burst when others come.

    Parameters
    ----------
    bursts
        Returns all bursts.
    why_none
        Returns the reason for an empty list, from the number of hidden detections.
    """

    def __init__(self, bursts: Callable[[], BurstList], why_none: Callable[[int], str]) -> None:
        super().__init__(id="burst-list")
        self._bursts, self._why_none = bursts, why_none
        self.shows_interference = False
        self._name: str | None = None
        self._index = self._first = self._row_count = 0

    def listed(self) -> list[Burst]:
        """Return the bursts of the list, the newest first."""
        return [burst for burst in reversed(list(self._bursts())) if burst.is_solar or self.shows_interference]

    @property
    def selected(self) -> Burst | None:
        """The selected burst; None in an empty list."""
        return self._select(self.listed())

    def _select(self, listed: Sequence[Burst]) -> Burst | None:
        """Find the selected burst again, or the one at its place."""
        if not listed:
            return None
        index = next((i for i, burst in enumerate(listed) if burst.name == self._name), None)
        self._index = min(self._index, len(listed) - 1) if index is None else index
        self._name = listed[self._index].name
        return listed[self._index]

    def move(self, by: int) -> None:
        """Select an older burst, or a newer one."""
        listed = self.listed()
        if self._select(listed) is not None:
            self._name = listed[max(0, min(self._index + by, len(listed) - 1))].name
        self.repaint()

    @property
    def position(self) -> str:
        """Number of the selected burst, and of all."""
        listed = self.listed()
        return f"{self._index + 1} of {len(listed)}" if self._select(listed) else "none"

    @property
    def page_rows(self) -> int:
        """Number of rows on a page."""
        return max(1, self._row_count)

    def build(self, grid: Grid) -> None:
        """Write heading, rows and details."""
        listed = self.listed()
        selected = self._select(listed)
        if selected is None:
            hidden = len(self._bursts())
            for y, line in enumerate(wrap_line(Text(self._why_none(hidden)), grid.columns)[: grid.lines]):
                self._write(grid, y, line)
            return
        details = self._details(selected, grid)
        self._row_count = max(1, grid.lines - 1 - len(details))
        self._first = max(self._index - self._row_count + 1, min(self._first, self._index))
        self._first = max(0, min(self._first, len(listed) - self._row_count))
        self._write_rows(grid, listed)
        for y, line in enumerate(details, grid.lines - len(details)):
            self._write(grid, y, line)

    def _details(self, burst: Burst, grid: Grid) -> list[Text]:
        """Return the details that have room, below a line."""
        room = min(grid.lines - 2 - _MIN_ROWS, int(_DETAIL_SHARE * grid.lines))
        lines = detail_lines(burst, grid.columns)[: max(0, room)]
        return [Text.assemble(("─" * grid.columns, "dim")), *lines] if lines else []

    def _write_rows(self, grid: Grid, listed: Sequence[Burst]) -> None:
        layout = burst_layout(listed, grid.columns)
        self._write(grid, 0, heading_line(layout))
        for y, burst in enumerate(listed[self._first : self._first + self._row_count], 1):
            is_selected = self._first + y - 1 == self._index
            ascii_only = self.app.ascii_only
            line = burst_line(burst, layout, grid.columns, is_selected=is_selected, ascii_only=ascii_only)
            self._write(grid, y, line)

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        offset = event.get_content_offset(self)
        if offset is not None and 1 <= offset.y <= self._row_count:
            self.post_message(BurstPointed(self._first + offset.y - 1 - self._index))


class BurstPage(Dialog[None]):
    """The list of bursts as a page; escape closes it.

    Parameters
    ----------
    source
        The bursts, and the actions on one.
    listeners
        Called when the bursts have changed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,B,shift+b,q", "dismiss", "Close"),
        ("up,k", "move(-1)", "Newer"),
        ("down,j", "move(1)", "Older"),
        ("pageup", "turn(-1)", "Page up"),
        ("pagedown,space", "turn(1)", "Page down"),
        ("home", f"move({-_FAR})", "Newest"),
        ("end", f"move({_FAR})", "Oldest"),
        ("enter", "show", "Show"),
        ("less_than_sign", "show_next(1)", "Show earlier"),
        ("greater_than_sign", "show_next(-1)", "Show later"),
        ("E,shift+e", "export", "Export"),
        ("w", "mark", "Wrong"),
        ("i", "interference", "Interference"),
    ]

    def __init__(self, source: BurstActions, listeners: Listeners) -> None:
        super().__init__(id="burst-page")
        self._source, self._listeners = source, listeners
        self._rows = BurstRows(source.bursts_now, source.why_no_bursts)

    def compose(self) -> ComposeResult:
        """Yield the list."""
        self._rows.border_title = "Bursts, newest first (UTC)"
        yield self._rows

    def on_mount(self) -> None:
        """Follow the bursts while the page is open."""
        self._listeners.add(self._show_changes)
        self.call_after_refresh(self._show_position)

    def on_unmount(self) -> None:
        """Stop following the bursts."""
        self._listeners.remove(self._show_changes)

    def on_resize(self, event: events.Resize) -> None:
        """Leave the lower half of a high window to the waterfall."""
        self.set_class(event.size.height >= _HALF_PAGE_LINES, "-half")
        self.call_after_refresh(self._show_position)

    def action_move(self, by: int) -> None:
        """Select an older burst, or a newer one."""
        self._rows.move(by)
        self._show_position()

    def action_turn(self, pages: int) -> None:
        """Move the selection by pages."""
        self.action_move(pages * max(1, self._rows.page_rows - 1))

    def action_show(self) -> None:
        """Close the page, and move the picture to the burst."""
        burst = self._rows.selected
        if burst is not None:
            self.dismiss()
            self._source.show_burst(burst)

    def action_show_next(self, by: int) -> None:
        """Select the burst below or above, and move the picture to it."""
        self.action_move(by)
        if (burst := self._rows.selected) is not None:
            self._source.show_burst(burst)

    def action_export(self) -> None:
        """Write the rows of the burst to a file."""
        if (burst := self._rows.selected) is not None:
            self._source.export_burst(burst)

    def action_mark(self) -> None:
        """Mark the burst as wrong, or take that back."""
        if (burst := self._rows.selected) is not None:
            self._source.mark_burst(burst)
            self._show_changes()

    def action_interference(self) -> None:
        """Show or hide detections that are interference."""
        self._rows.shows_interference = not self._rows.shows_interference
        self._show_changes()

    def on_burst_pointed(self, event: BurstPointed) -> None:
        """Select the burst that the mouse points at."""
        self.action_move(event.by)

    def on_mouse_scroll_up(self) -> None:
        """Select a newer burst."""
        self.action_move(-1)

    def on_mouse_scroll_down(self) -> None:
        """Select an older burst."""
        self.action_move(1)

    def _show_changes(self) -> None:
        self._rows.repaint()
        self._show_position()

    def _show_position(self) -> None:
        columns = self._rows.content_size.width - SUBTITLE_FRAME_COLUMNS
        position = self._rows.position
        has_selection = self._rows.selected is not None
        words = (
            f"{position} · enter shows · < > show neighbours · E exports · w wrong · i interference · esc closes",
            f"{position} · enter < > show · E export · w wrong · i RFI · esc",
            f"{position} · enter < > E w i esc",
            "esc closes",
        )
        shown = words if has_selection else words[-1:]
        self._rows.border_subtitle = first_that_fits(shown, columns) if columns > 0 else shown[0]
