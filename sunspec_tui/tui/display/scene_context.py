"""Context of a scene's next view action."""

from typing import TYPE_CHECKING

from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.time_slots import TimeSlots
from sunspec_tui.tui.display.view_state import View, ViewContext

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.tui.display.scene import Scene


def steps_of(view: View) -> tuple[int, ...]:
    """Return the slots in a timeline's blocks; empty for the ring."""
    return () if view.slot_s is None else TimeSlots(view.slot_s).steps


def context_of(scene: "Scene", view: View, position: "Position | None") -> ViewContext:
    """Return the context of a view.

    Parameters
    ----------
    scene
        The scene, with the present size and picture.
    view
        The view, which need not be that of the scene.
    position
        Position of the source, in the view's slots.
    """
    newest, oldest = (position.newest, position.oldest) if position else (0, 0)
    return ViewContext(
        products=position.axis.products if position else tuple(Product),
        ring_rows=position.length if position else 0,
        columns=scene.columns,
        lines=scene.lines,
        nbins=len(position.axis.frequencies_mhz) if position else 1,
        newest=newest,
        oldest=oldest,
        end_slot=newest if view.paused_at_slot is None else view.paused_at_slot,
        pixels_per_line=scene.pixels_per_line,
        # A paused picture does not move, so it need not sweep.
        sweeping=view.sweeping or (scene.sweeps and view.paused_at_slot is None),
        band=scene.band,
        levels=scene.picture.levels if scene.picture else None,
        spectrum_levels=scene.spectrum_levels,
        window=scene.window,
        cell_px=scene.cell_px,
        steps=steps_of(view),
    )
