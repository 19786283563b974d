"""Screen of the monitor: layout, pictures, panels and log.

The screen shows values; the app fetches them.
"""

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widgets import Static

from sunspec_tui.core.printable import printable, printable_lines
from sunspec_tui.core.times import format_clock
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import PANELS, PICTURES, THEMES
from sunspec_tui.tui.key_bindings import FOOTER, KEYS
from sunspec_tui.tui.log_lines import LogLine
from sunspec_tui.tui.terminal.abilities import Abilities
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.guarded import Guarded
from sunspec_tui.tui.terminal.link_pacing import LinkReading, Quality
from sunspec_tui.tui.widget_data import spectrum_scene, view_line, waterfall_scene
from sunspec_tui.tui.widgets.delay_panel import DelayPanel
from sunspec_tui.tui.widgets.footer import KeyLine
from sunspec_tui.tui.widgets.line_text import status_text
from sunspec_tui.tui.widgets.panel_table import PANEL_TEXTS, PanelValues
from sunspec_tui.tui.widgets.panel_text import waiting_text
from sunspec_tui.tui.widgets.panels import LogPanel, Panel, TextCells
from sunspec_tui.tui.widgets.spectrum import Spectrum
from sunspec_tui.tui.widgets.waterfall import Waterfall

if TYPE_CHECKING:
    from sunspec_tui.monitoring.snapshot import Snapshot

COLOUR_STEPS = {Quality.PIXELS: 48, Quality.FULL: 48, Quality.SLOWER: 48, Quality.SWEEPING: 24, Quality.LOWEST: 16}
"""Number of colours of the waterfall at each quality of the link; in pixels only the colour bar has them."""

WIDTH_CLASSES = [(0, "-slim"), (78, "-narrow"), (100, "-wide"), (180, "-widest")]
"""Smallest width in columns, and style class, of each layout."""

HEIGHT_CLASSES = [(0, "-flat"), (12, "-low"), (18, "-high")]
"""Smallest height in lines, and style class, of each layout."""

_THEMES = dict(zip(THEMES, ("textual-dark", "textual-light", "ansi-dark"), strict=True))
# With less room beside the Health panel the other panels shrink.
_MIN_LINES_BESIDE_HEALTH = 23
_NOTIFY_EVERY_S = 1.0
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

    def __init__(self, scene: Scene, shown: ShownAbilities, classes: str) -> None:
        super().__init__(id="_default", classes=classes)
        self._scene, self._shown = scene, shown
        self._waiting = self._failed = ""
        self._problems: Sequence[str] = ()
        self._notified_s = 0.0

    @property
    def has_layout(self) -> bool:
        """True after the first layout."""
        return bool(self.query_one("#status").size)

    # Pictures

    def set_abilities(self, shown: ShownAbilities) -> None:
        """Draw for other abilities of the terminal from now on."""
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

    def show_pictures(self, link: LinkReading) -> None:
        """Draw the scene's pictures and the line between them."""
        scene, quality = self._scene, link.quality
        if scene.draw() is None or scene.position is None:
            return
        depth, ascii_only = self._shown.abilities.depth, self._shown.ascii_only
        depth = Depth.C256 if quality.sweeps and depth is Depth.TRUE else depth
        self.query_one(Waterfall).show(waterfall_scene(scene, depth, COLOUR_STEPS[quality]))
        spectrum = self.query_one(Spectrum)
        spectrum.show(spectrum_scene(scene))
        scene.spectrum_levels = spectrum.levels
        line = self.query_one("#view", TextCells)
        # In ASCII each of the two ± takes two cells.
        width = max(0, line.content_size.width - 2 * ascii_only)
        line.show(view_line(scene, depth, link, width))

    # Readings

    def show_readings(self, snapshot: "Snapshot", link: LinkReading, *, is_receiving: bool) -> None:
        """Show a snapshot on the status line and in the panels.

        The Memory and Plots panels stay empty until the receiver has started.
        """
        self._show_status(snapshot)
        self.show_problems(snapshot.problems)
        if snapshot.axis is None:
            self._show_waiting(waiting_text(snapshot.health, snapshot.source))
        self.query_one(DelayPanel).show_delay(
            snapshot.delay,
            snapshot.data_age_s,
            snapshot.delay_statistics,
            snapshot.delay_history,
            snapshot.taken_s,
        )
        values = PanelValues(snapshot, link, self._shown.abilities, is_receiving)
        for name, make_text in PANEL_TEXTS.items():
            if (text := make_text(values)) is not None:
                self.query_one(f"#{name}", Panel).show(text)
        self._follow_health_panel()

    def _show_status(self, snapshot: "Snapshot") -> None:
        scene, status = self._scene, self.query_one("#status", TextCells)
        source = f"{snapshot.station} at {snapshot.source}" if snapshot.station else snapshot.source
        newest_s = snapshot.taken_s - snapshot.data_age_s
        paused_s = None if scene.view.paused_at_slot is None else scene.end_s
        text = partial(status_text, snapshot.health, source, scene.product, newest_s, snapshot.data_age_s)
        columns = status.content_size.width
        status.show(text(paused_s=paused_s, columns=columns, alarms=snapshot.alarms, warnings=snapshot.warnings))

    def _follow_health_panel(self) -> None:
        """Make the other panels smaller if the Health panel is long."""
        room = self.query_one("#body").size.height - self.query_one("#health").outer_size.height
        self.set_class(room < _MIN_LINES_BESIDE_HEALTH, "-crowded")

    def _show_waiting(self, text: str) -> None:
        if text != self._waiting:
            self._waiting = text
            self.query_one("#waiting", Static).update(Text(printable_lines(text)))

    # The log

    def show_log(self, lines: Sequence[LogLine]) -> None:
        """Add lines to the log panel.

        If the panel is hidden, an error is also shown as a notification. The last line also shows a permanent failure.
        """
        if not lines:
            return
        panel = self.query_one(LogPanel)
        panel.add(*(Text(f"{format_clock(line.time_s)} {line.text}", line.style) for line in lines))
        errors = [line for line in lines if line.level >= logging.ERROR]
        now_s = time.monotonic()
        if errors and not panel.is_on_screen and now_s - self._notified_s >= _NOTIFY_EVERY_S:
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
        """Hide panels and maximise pictures according to the view."""
        view = self._scene.view
        for name in PANELS:
            hidden = view.maximised != name if view.maximised in PANELS else name in view.hidden
            self.query_one(f"#{name}").set_class(hidden, "-hidden")
        for name, is_set in screen_classes(self._scene, self._shown).items():
            self.set_class(is_set, name)


def monitor_widgets() -> ComposeResult:
    """Yield all widgets of the monitor's screen.

    The app composes them, because a screen's own `compose` would run after the first layout.
    """
    yield TextCells(id="status")
    with Horizontal(id="body"):
        with Vertical(id="pictures"):
            yield Static(id="waiting")
            yield Spectrum(id="spectrum")
            yield TextCells(id="view")
            yield Waterfall(id="waterfall")
        with Vertical(id="panels"):
            for name in PANELS:
                yield _PANEL_CLASSES.get(name, Panel)(name.capitalize(), id=name)
    yield KeyLine([key for shown in FOOTER for key in KEYS if key.shown == shown], id="keys")


def screen_classes(scene: Scene, shown: ShownAbilities) -> dict[str, bool]:
    """Return the screen's style classes, each with True if it applies.

    They depend on the view and the terminal, not on the size.
    """
    view = scene.view
    return {
        "-empty": scene.position is None,
        "-bare": view.maximised in PICTURES or view.hidden == frozenset(PANELS),
        "-only-waterfall": view.maximised == "waterfall",
        "-only-spectrum": view.maximised == "spectrum",
        "-only-panel": view.maximised in PANELS,
        "-ascii": shown.ascii_only,
    }


def initial_classes(scene: Scene, shown: ShownAbilities, size: tuple[int, int]) -> str:
    """Return the style classes for a size in columns and lines."""
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
