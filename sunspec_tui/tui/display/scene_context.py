"""Context of a scene's next view action."""

from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.shown_scene import ShownScene
from sunspec_tui.tui.display.view_state import ViewContext, Window


def context_of(shown: ShownScene, window: Window, spectrum_levels: Levels | None) -> ViewContext:
    """Return the context of a view.

    Parameters
    ----------
    shown
        What is shown of the view.
    window
        Size of the terminal.
    spectrum_levels
        Current levels of the spectrum; None before the first drawing.
    """
    view, size, position, picture = shown.view, shown.size, shown.position, shown.picture
    return ViewContext(
        products=position.axis.products if position else tuple(Product),
        ring_rows=position.length if position else 0,
        columns=size.columns,
        lines=size.lines,
        nbins=len(position.axis.frequencies_mhz) if position else 1,
        newest=position.newest if position else 0,
        oldest=position.oldest if position else 0,
        end_slot=shown.end_slot,
        pixels_per_line=size.pixels_per_line,
        # A paused picture does not move, so it need not sweep.
        sweeping=view.sweeping or (shown.sweeps and view.paused_at_slot is None),
        band=shown.band,
        levels=picture.levels if picture else None,
        spectrum_levels=spectrum_levels,
        window=window,
        cell_px=size.cell_px,
        steps=shown.steps,
    )
