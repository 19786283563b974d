"""Map each panel's name to the function that makes its text.

A panel needs a name in `view_state.PANELS`, a layout that shows it in `layouts`, and a row here.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from sunspec_tui.core.memory_usage import NOT_READ
from sunspec_tui.tui.terminal.abilities import Abilities
from sunspec_tui.tui.terminal.link_pacing import LinkReading
from sunspec_tui.tui.widgets.panel_text import health_text, memory_text
from sunspec_tui.tui.widgets.plots_panel_text import plots_text

if TYPE_CHECKING:
    from sunspec_tui.monitoring.snapshot import Snapshot


class PanelValues(NamedTuple):
    """Values that panels show.

    Attributes
    ----------
    snapshot
        State of the stream and of the program.
    link
        Link to the terminal.
    abilities
        Abilities of the terminal.
    is_receiving
        False until the receiver has started.
    detailed
        True to show the readings for developers too.
    """

    snapshot: "Snapshot"
    link: LinkReading
    abilities: Abilities
    is_receiving: bool
    detailed: bool = True


def no_stream_text() -> Text:
    """Return the text of a stream's panels for recorded rows."""
    return Text("no stream: recorded rows are shown", "dim")


def _health(values: PanelValues) -> Text:
    snapshot = values.snapshot
    if snapshot.viewed is not None:
        return no_stream_text()
    return health_text(
        snapshot.health,
        values.link,
        snapshot.check.pipelines,
        abilities=values.abilities,
        chan0=snapshot.axis.chan0_text if snapshot.axis else "",
        gain=snapshot.check.gain,
        notes=snapshot.notes,
        sun=snapshot.sun,
        detailed=values.detailed,
    )


def _memory(values: PanelValues) -> Text | None:
    memory = values.snapshot.memory
    if not values.is_receiving or memory is NOT_READ:
        return None
    return memory_text(memory, detailed=values.detailed)


def _plots(values: PanelValues) -> Text | None:
    snapshot = values.snapshot
    if snapshot.viewed is not None:
        return no_stream_text()
    return plots_text(snapshot.plots, snapshot.archive, snapshot.web) if values.is_receiving else None


PANEL_TEXTS: dict[str, Callable[[PanelValues], Text | None]] = {"health": _health, "memory": _memory, "plots": _plots}
"""Functions that make the panels' texts; None leaves a panel as it is."""
