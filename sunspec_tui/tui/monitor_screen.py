"""Screen of the monitor: layout, pictures, panels and log.

The screen shows values; the app fetches them.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from sunspec_tui.core.printable import printable, printable_lines
from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.burst_marks import marked_bursts, newest_burst
from sunspec_tui.tui.display.day_loader import DayContent
from sunspec_tui.tui.display.early_actions import waiting_words
from sunspec_tui.tui.display.layouts import (
    day_strip_lines,
    frame_lines,
    has_strip,
    is_small,
    layout_of,
    panel_heights,
    shown_panels,
)
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import PANELS, THEMES, Window
from sunspec_tui.tui.key_bindings import FOOTER, FooterHint
from sunspec_tui.tui.log_lines import LogLine
from sunspec_tui.tui.log_page import LogHistory, LogPage
from sunspec_tui.tui.stall import Stall
from sunspec_tui.tui.terminal.abilities import Abilities
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.guarded import Guarded
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widget_data import caption, day_scene, spectrum_scene, waterfall_scene
from sunspec_tui.tui.widgets.day_strip import DayStrip
from sunspec_tui.tui.widgets.delay_panel import DelayPanel
from sunspec_tui.tui.widgets.footer import KeyLine
from sunspec_tui.tui.widgets.line_text import status_text, viewed_text
from sunspec_tui.tui.widgets.panel_table import PANEL_TEXTS, PanelValues, no_stream_text
from sunspec_tui.tui.widgets.panel_text import waiting_advice, waiting_text
from sunspec_tui.tui.widgets.panels import LOG_LINES, LogPanel, Panel, TextCells
from sunspec_tui.tui.widgets.spectrum import Spectrum
from sunspec_tui.tui.widgets.waterfall import Waterfall

if TYPE_CHECKING:
    from sunspec_tui.monitoring.snapshot import Snapshot

COLOUR_STEPS = {Quality.PIXELS: 48, Quality.FULL: 48, Quality.SLOWER: 48, Quality.SWEEPING: 24, Quality.LOWEST: 16}
"""Number of colours of the waterfall at each quality of the link; in pixels, only that of the colour bar."""

NEWEST_BURST_S = 300.0
"""Time for which the status line shows a burst after its end."""

WIDTH_CLASSES = [(0, "-slim"), (78, "-narrow"), (100, "-wide"), (180, "-widest")]
"""Smallest width in columns, and style class, of each layout."""

HEIGHT_CLASSES = [(0, "-flat"), (12, "-low"), (18, "-high")]
"""Smallest height in lines, and style class, of each layout."""

_THEMES = dict(zip(THEMES, ("textual-dark", "textual-light", "ansi-dark"), strict=True))
# Assumed lines of each panel before the first reading, so that the first layout is similar to the next.
_FIRST_LINES = {"delay": 4, "health": 8, "memory": 4, "plots": 3, "log": 0}
_NOTIFY_EVERY_S = 1.0
# A smaller window shows only what it waits for, and no advice.
_ADVICE_COLUMNS, _ADVICE_LINES = 38, 10
_PANEL_CLASSES = {"delay": DelayPanel, "log": LogPanel}


class ShownAbilities(NamedTuple):
    """Abilities of the terminal, and True if it has only ASCII characters."""

    abilities: Abilities
    ascii_only: bool


class MonitorScreen(Guarded, Screen[object]):
    """Main screen, below all dialogs.

    Parameters
    ----------
    scene
        Content of the pictures.
    shown
        Abilities of the terminal.
    classes
        Style classes at the start. Adding a class later would style all widgets again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, show=False)
        for key, action in (
            ("up", "scroll_panel(-1)"),
            ("down", "scroll_panel(1)"),
            ("pageup", "turn_panel(-1)"),
            ("pagedown", "turn_panel(1)"),
        )
    ]

    def __init__(self, scene: Scene, shown: ShownAbilities, classes: str) -> None:
        super().__init__(id="_default", classes=classes)
        self._scene, self._shown = scene, shown
        self._waiting = self._waiting_for = self._advice = self._failed = ""
        self._problems: Sequence[str] = ()
        self._stall = Stall()
        self._notified_s = 0.0
        self._heights: dict[str, int] = {}
        self.log_history = LogHistory()

    @property
    def has_layout(self) -> bool:
        """True after the first layout."""
        return bool(self.query_one("#status").size)

    # Pictures

    def set_abilities(self, shown: ShownAbilities) -> None:
        """Use other abilities of the terminal from now on."""
        self._shown = shown
        self.fit_scene()

    def fit_scene(self) -> None:
        """Fit the scene to the size of the waterfall."""
        waterfall = self.query_one(Waterfall)
        if waterfall.content_size:
            self._scene.fit(waterfall.columns, waterfall.lines, waterfall.pixels_per_line, waterfall.cell_px)

    def picture_sizes(self) -> tuple[object, object]:
        """Return the sizes of the pictures."""
        return self.query_one(Waterfall).size, self.query_one(Spectrum).size

    def show_pictures(self, link: LinkReading, confirmed: str = "") -> None:
        """Draw the scene's pictures and the caption between them."""
        scene, quality = self._scene, link.quality
        if scene.draw() is None or scene.shown.position is None:
            return
        depth = self._shown.abilities.depth
        depth = Depth.C256 if quality.sweeps and depth is Depth.TRUE else depth
        stalled_s, dithered = self._stall.age_s(scene), not quality.sweeps
        self.query_one(Waterfall).show(
            waterfall_scene(scene, depth, COLOUR_STEPS[quality], stalled_s, dithered=dithered)
        )
        spectrum = self.query_one(Spectrum)
        spectrum.show(spectrum_scene(scene))
        scene.spectrum_levels = spectrum.levels
        self.show_caption(link, confirmed)

    def show_day(self, content: DayContent | None) -> None:
        """Show the day strip, if the layout gives it room."""
        self.query_one(DayStrip).show(day_scene(self._scene, content, self._shown.abilities.depth))

    def show_caption(self, link: LinkReading, confirmed: str = "") -> None:
        """Show the caption, with the effect of the last key."""
        depth, ascii_only = self._shown.abilities.depth, self._shown.ascii_only
        line = self.query_one("#view", TextCells)
        # In ASCII each of the two ± takes two cells.
        width = max(0, line.content_size.width - 2 * ascii_only)
        line.show(caption(self._scene, depth, link, width, confirmed))

    # Readings

    def show_readings(self, snapshot: "Snapshot", link: LinkReading, *, is_receiving: bool) -> None:
        """Show a snapshot on the status line and in the panels.

        The Memory and Plots panels stay empty until the receiver has started.
        """
        self._show_status(snapshot)
        if self._stall.note(snapshot.health, self._scene):
            self.show_pictures(link)
        self.show_problems(snapshot.problems)
        if snapshot.axis is None:
            viewed = snapshot.viewed
            self._waiting_for = viewed.text if viewed else waiting_text(snapshot.health, snapshot.source)
            self._advice = "" if viewed else waiting_advice(snapshot.health)
            self._show_waiting()
        self._show_panels(snapshot, link, is_receiving=is_receiving)

    def _show_panels(self, snapshot: "Snapshot", link: LinkReading, *, is_receiving: bool) -> None:
        delay = self.query_one(DelayPanel)
        if snapshot.viewed is None:
            minute = snapshot.delay_statistics
            delay.show_delay(snapshot.delay, snapshot.data_age_s, minute, snapshot.delay_history, snapshot.taken_s)
        else:
            delay.show(no_stream_text())
        detailed = layout_of(self._scene.view, self._scene.window) == "engineer"
        values = PanelValues(snapshot, link, self._shown.abilities, is_receiving, detailed)
        for name, make_text in PANEL_TEXTS.items():
            if (text := make_text(values)) is not None:
                self.query_one(f"#{name}", Panel).show(text)
        self._fit_panels()

    def _show_status(self, snapshot: "Snapshot") -> None:
        scene, status = self._scene, self.query_one("#status", TextCells)
        if snapshot.viewed is not None:
            is_waiting = scene.view.paused_at_slot is not None
            columns = status.content_size.width
            status.show(
                viewed_text(snapshot, scene.shown.product, scene.shown.end_s, is_waiting=is_waiting, columns=columns)
            )
            return
        source = f"{snapshot.station} at {snapshot.source}" if snapshot.station else snapshot.source
        newest_s = snapshot.taken_s - snapshot.data_age_s
        paused_s = None if scene.view.paused_at_slot is None else scene.shown.end_s
        burst = newest_burst(marked_bursts(scene.bursts), newest_s, NEWEST_BURST_S)
        text = partial(status_text, snapshot.health, source, scene.shown.product, newest_s, snapshot.data_age_s)
        text = partial(text, sun=snapshot.sun, burst=burst)
        columns = status.content_size.width
        status.show(text(paused_s=paused_s, columns=columns, alarms=snapshot.alarms, warnings=snapshot.warnings))

    def _show_waiting(self) -> None:
        """Show the reason for no picture, advice, and the waiting keys."""
        columns, lines = self.query_one("#waiting").size
        advice = self._advice if columns >= _ADVICE_COLUMNS and lines >= _ADVICE_LINES else ""
        parts = (self._waiting_for, advice, waiting_words(len(self._scene.early_actions)))
        text = "\n\n".join(filter(None, parts))
        if text != self._waiting:
            self._waiting = text
            self.query_one("#waiting", Static).update(Text(printable_lines(text)))

    # The log

    def show_log(self, lines: Sequence[LogLine]) -> None:
        """Add lines to the log panel.

        If the log is hidden, an error is also shown as a notification. The last line also shows a permanent failure.
        """
        if not lines:
            return
        self.log_history.add(lines)
        panel = self.query_one(LogPanel)
        # Lines of a flood that the panel would drop at once cost nothing.
        kept = lines[-LOG_LINES:]
        # A span carries the style, because the style of a whole text would not be drawn.
        panel.add(*(Text.assemble((f"{format_clock(line.time_s)} {line.text}", line.style)) for line in kept))
        errors = [line for line in lines if line.level >= logging.ERROR]
        now_s = time.monotonic()
        shows_log = panel.is_on_screen or isinstance(self.app.screen, LogPage)
        if errors and not shows_log and now_s - self._notified_s >= _NOTIFY_EVERY_S:
            self._notified_s = now_s
            self.app.notify(errors[-1].text, severity="error")
        self._failed = next((line.text for line in reversed(lines) if line.is_failure), self._failed)
        self.show_problems(self._problems)

    def show_problems(self, problems: Sequence[str]) -> None:
        """Show permanent failures and current problems on the last line."""
        self._problems = problems
        problem_texts = [text for text in (self._failed, *problems) if text]
        more = f" (and {len(problem_texts) - 1} more)" if len(problem_texts) > 1 else ""
        self.query_one(KeyLine).show_failure(printable(problem_texts[0]) + more if problem_texts else "")

    # Layout

    def follow_view(self) -> None:
        """Show the panels and pictures of the view's layout."""
        scene = self._scene
        shown = shown_panels(scene.view, scene.window)
        self._show_waiting()
        for name in PANELS:
            panel = self.query_one(f"#{name}", Panel)
            panel.set_class(name not in shown, "-hidden")
            panel.hint = f"key {PANELS.index(name) + 1}" if is_small(scene.window) else "shift+tab"
            panel.set_alone(scene.view.maximised == name)
        for name, is_set in screen_classes(scene, self._shown).items():
            self.set_class(is_set, name)
        self._fit_panels()
        self.call_after_refresh(self.fit_toasts)

    def on_resize(self, event: events.Resize) -> None:
        """Follow the new size."""
        self._scene.window = Window(*event.size)
        self.follow_view()

    def _fit_panels(self) -> None:
        """Share the height of the column among the panels."""
        scene = self._scene
        shown = shown_panels(scene.view, scene.window)
        in_column = len(shown) > 1 and not has_strip(scene.view, scene.window)
        needed = {name: self._lines_needed(name) for name in shown}
        lines = scene.window.lines - 2
        heights = panel_heights(needed, lines) if in_column else {}
        self.set_class(in_column and frame_lines(needed, lines) == 1, "-tight")
        for name in PANELS:
            # A panel outside the column has the height of the style sheet. Each change of a height costs a new layout.
            if heights.get(name) != self._heights.get(name):
                self.query_one(f"#{name}").styles.height = heights.get(name)
        self._heights = heights

    def _lines_needed(self, name: str) -> int:
        panel = self.query_one(f"#{name}", Panel)
        return panel.lines_needed() if panel.text else _FIRST_LINES[name]

    def fit_toasts(self) -> None:
        """Keep toasts inside the waterfall, away from axes and panels.

        Without a waterfall, keep them inside the text that replaces it.
        """
        cells = self.query_one(Waterfall).cells_region or self.query_one("#waiting").region
        for rack in self.query("#textual-toastrack"):
            if cells:
                rack.styles.dock, rack.styles.width = "bottom", cells.width
                rack.styles.margin = (0, 0, self.size.height - cells.bottom, cells.x)
            else:
                # Over a single panel, toasts are at the top, because the newest line of the log is at the bottom.
                rack.styles.dock, rack.styles.width, rack.styles.margin = "top", "1fr", (2, 0, 0, 0)

    # Keys of a panel that is alone on the screen

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to the pictures unless a panel is alone."""
        if action in ("scroll_panel", "turn_panel"):
            return self._scene.view.maximised in PANELS
        return super().check_action(action, parameters)

    def action_scroll_panel(self, by: int) -> None:
        """Scroll the panel that is alone on the screen, by lines."""
        self.query_one(f"#{self._scene.view.maximised}", Panel).scroll_lines(by)

    def action_turn_panel(self, pages: int) -> None:
        """Scroll the panel that is alone on the screen, by pages."""
        panel = self.query_one(f"#{self._scene.view.maximised}", Panel)
        panel.scroll_lines(pages * panel.page_lines)


def monitor_widgets(footer: Sequence[FooterHint] = FOOTER) -> ComposeResult:
    """Yield all widgets of the monitor's screen.

    `footer` has the keys of its last line. The app composes them, because a screen's own `compose` would run after
    the first layout.
    """
    yield TextCells(id="status")
    with Horizontal(id="body"):
        with Vertical(id="pictures"):
            yield Static(id="waiting")
            yield Spectrum(id="spectrum")
            yield TextCells(id="view")
            yield Waterfall(id="waterfall")
            yield DayStrip(id="day")
        with Vertical(id="panels"):
            for name in PANELS:
                yield _PANEL_CLASSES.get(name, Panel)(name.capitalize(), id=name)
    yield KeyLine(footer, id="keys")


def screen_classes(scene: Scene, shown: ShownAbilities) -> dict[str, bool]:
    """Return the screen's style classes, each with True if it applies.

    They depend on the view, the terminal and the size of the window.
    """
    view, window = scene.view, scene.window
    layout = layout_of(view, window)
    day_lines = day_strip_lines(view, window, is_longer=scene.day_is_longer)
    return {
        "-empty": scene.shown.is_empty,
        "-bare": not shown_panels(view, window),
        "-watch": layout == "watch",
        "-strip": has_strip(view, window),
        "-only-waterfall": view.maximised == "waterfall",
        "-only-spectrum": view.maximised == "spectrum",
        "-only-panel": view.maximised in PANELS,
        "-day-1": day_lines == 1,
        "-day-2": day_lines == 2,
        "-ascii": shown.ascii_only,
    }


def initial_classes(scene: Scene, shown: ShownAbilities, size: tuple[int, int]) -> str:
    """Return the style classes for a size, and keep it.

    The size is in columns and lines.
    """
    scene.window = Window(*size)
    classes = {name for name, applies in screen_classes(scene, shown).items() if applies}
    for cells, breakpoints in zip(size, (WIDTH_CLASSES, HEIGHT_CLASSES), strict=True):
        classes.add([name for smallest, name in breakpoints if cells >= smallest][-1])
    return " ".join(classes)


def theme_name(theme: str, depth: Depth) -> str:
    """Return Textual's name of a theme, for the colours of the terminal."""
    if depth in (Depth.C16, Depth.NONE):
        # Textual's other themes need 24-bit colours.
        return "ansi-light" if theme == "light" and depth is Depth.C16 else "ansi-dark"
    return _THEMES[theme]
