"""The observer's actions, each from one view to the next."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product, available
from sunspec_tui.core.row_blocks import whole_blocks
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.view_state import PANELS, THEMES, Cursor, View, ViewContext

NARROWEST_SHARE = 1 / 64


def other_product(view: View, extent: ViewContext, by: int) -> View:
    """The next product that the stream carries."""
    carried = available(extent.npol)
    at = carried.index(view.product) if view.product in carried else 0
    return with_product(view, carried[(at + by) % len(carried)])


def choose_product(view: View, _: ViewContext, name: str) -> View:
    """A product by its name."""
    return with_product(view, Product(name))


def with_product(view: View, product: Product) -> View:
    """Another product; levels by hand belong to the product before."""
    return (
        view if product is view.product else replace(view, product=product, levels=None, bias=0.0, spectrum_levels=None)
    )


def other_palette(view: View, _: ViewContext, by: int) -> View:
    """The next palette."""
    return replace(view, palette=PALETTES[(PALETTES.index(view.palette) + by) % len(PALETTES)])


def span(view: View, extent: ViewContext, by: int) -> View:
    """Half or twice the time, from one row a column to the whole ring in the picture."""
    if by < 0:
        rows = max(1, min(view.rows_per_column - 1, _power_below(view.rows_per_column)))
    else:
        rows = max(1, min(whole_ring(extent), view.rows_per_column * 2))
    return with_rows(view, extent, rows)


def whole_ring(extent: ViewContext) -> int:
    """Rows a column with which the whole ring is in the picture."""
    return whole_blocks(max(1, -(-extent.ring_rows // max(1, extent.columns - 1))))


def _power_below(value: int) -> int:
    return 1 << max(0, (value - 1).bit_length() - 1)


def with_rows(view: View, extent: ViewContext, rows: int) -> View:
    """Other rows a column, about the cursor where it is in the picture, else about the newest end."""
    cursor, before = view.cursor, view.rows_per_column
    view = replace(view, rows_per_column=rows)
    if cursor is None or cursor.number is None:
        return view
    beside = extent.shown // before - cursor.number
    if not 0 <= beside < extent.columns:
        return replace(view, cursor=Cursor(cursor.number * before // rows, cursor.bin))
    # The newest column may be short of the rows in its middle.
    number = min(cursor.number * before + before // 2, extent.shown) // rows
    view = replace(view, cursor=Cursor(number, cursor.bin))
    if view.paused_at_slot is not None or extent.shown // rows - number >= extent.columns - 1:
        end = max((number + beside + 1) * rows - 1, first_end(extent, rows))
        held = min(end, extent.newest)
        view = replace(view, paused_at_slot=None if view.paused_at_slot is None and held == extent.newest else held)
    return view


def first_end(extent: ViewContext, rows: int) -> int:
    """Slot at the end of the picture that begins with the oldest row; its column may be short of its own rows."""
    return min((extent.oldest // rows + extent.columns) * rows - 1, extent.newest)


def with_cursor_inside(view: View, extent: ViewContext) -> View:
    """The cursor at the picture's edge, if it is outside."""
    if view.cursor is None or view.cursor.number is None:
        return view
    last = extent.shown // view.rows_per_column
    first = last - extent.columns + (2 if extent.sweeping else 1)
    return replace(view, cursor=Cursor(min(last, max(first, view.cursor.number)), view.cursor.bin))


def refit(view: View, before: ViewContext, extent: ViewContext) -> View:
    """Keep the whole ring in a picture that had it, and no more than that, when the picture has another width."""
    most = whole_ring(extent)
    if view.rows_per_column >= whole_ring(before) or view.rows_per_column > most:
        return with_rows(view, extent, most)
    return view


def levels_by_hand(view: View, extent: ViewContext, floor: float, ceiling: float) -> View:
    """Move floor and ceiling by steps of 1 dB, or of a twentieth of a linear scale."""
    now = view.levels or extent.levels
    if now is None:
        return view
    step = now.span / 20 if view.signed else 1.0
    low, high = now.low + floor * step, now.high + ceiling * step
    return view if high - low < step / 2 else replace(view, levels=Levels(low, high))


def automatic(view: View, extent: ViewContext) -> View:
    """Levels by hand as they are now, or automatic again."""
    return replace(view, levels=extent.levels if view.levels is None else None, bias=0.0)


def bias(view: View, extent: ViewContext, by: int) -> View:
    """Make the picture darker or brighter; levels by hand move as a whole."""
    if view.levels is not None:
        return levels_by_hand(view, extent, -by, -by)
    step = (extent.levels.span / 20 if extent.levels else 0.0) if view.signed else 1.0
    return replace(view, bias=view.bias - by * step)


def zoom(view: View, extent: ViewContext, by: int) -> View:
    """Half or twice the band, about the cursor, or about its middle."""
    low, high = view.share
    width = min(1.0, max(NARROWEST_SHARE, (high - low) / 2 if by > 0 else (high - low) * 2))
    middle = (low + high) / 2
    if view.cursor is not None and by > 0:
        middle = (view.cursor.bin + 0.5) / extent.nbins
    return replace(view, share=_within(middle - width / 2, width))


def pan(view: View, _: ViewContext, by: int) -> View:
    """A quarter of the shown band up or down."""
    low, high = view.share
    return replace(view, share=_within(low + by * (high - low) / 4, high - low))


def _within(low: float, width: float) -> tuple[float, float]:
    low = min(max(0.0, low), 1.0 - width)
    return (low, low + width)


def hold(view: View, extent: ViewContext) -> View:
    """Hold the picture where it is, or go back to live."""
    return replace(view, paused_at_slot=extent.shown if view.paused_at_slot is None else None)


def back_in_time(view: View, extent: ViewContext, by: float) -> View:
    """Go back (more than 0) or forward by shares of the picture; the newest end is live again."""
    width = extent.columns * view.rows_per_column
    end = extent.shown if view.paused_at_slot is None else view.paused_at_slot
    slot = end - round(min(by, 1e9) * width)
    # The oldest rows stay in the picture, not at its end; a picture that has them already stays where it is.
    least = first_end(extent, view.rows_per_column)
    slot = max(slot, min(least, end) if by > 0 else least)
    return replace(view, paused_at_slot=None if slot >= extent.newest and by < 0 else min(slot, extent.newest))


def live(view: View, _: ViewContext) -> View:
    """Back to live, with the cursor put away."""
    return replace(view, paused_at_slot=None, cursor=None)


def escape(view: View, _: ViewContext) -> View:
    """Put away one thing: cursor, then marks, then hold, then a maximised picture."""
    if view.cursor is not None:
        return replace(view, cursor=None)
    if view.marks != (None, None):
        return replace(view, marks=(None, None))
    if view.paused_at_slot is not None:
        return replace(view, paused_at_slot=None)
    return replace(view, maximised=None)


def mark(view: View, extent: ViewContext, end: int) -> View:
    """Mark the first (0) or the last (1) row of an interval: that of the cursor's column, or of the picture's end."""
    rows, cursor = view.rows_per_column, view.cursor
    first, last = shown_slots(view, extent)
    if cursor is not None and cursor.number is not None:
        first, last = cursor.number * rows, min(last, cursor.number * rows + rows - 1)
    begin, stop = view.marks
    return replace(view, marks=(begin, last) if end else (first, stop))


def shown_slots(view: View, extent: ViewContext) -> tuple[int, int]:
    """Slots of the first and of the last row that the picture has room for."""
    column = extent.shown // view.rows_per_column - extent.columns + 1 + extent.sweeping
    return column * view.rows_per_column, extent.shown


def marked_slots(view: View, extent: ViewContext) -> tuple[int, int]:
    """Slots of the first and of the last row of the marked interval; an end that is not marked is the picture's."""
    (first, last), (begin, stop) = shown_slots(view, extent), view.marks
    chosen = first if begin is None else begin, last if stop is None else stop
    return min(chosen), max(chosen)


def move_cursor(view: View, extent: ViewContext, across: int, up: int) -> View:
    """Move the cursor by columns and pixels of the waterfall; it appears in the middle of the picture."""
    last = extent.shown // view.rows_per_column
    if view.maximised == "spectrum":
        return replace(view, cursor=Cursor(None, _bin_beside(view, extent, across)))
    if view.cursor is None or view.cursor.number is None:
        at = view.cursor.bin if view.cursor else (extent.band.first + extent.band.last) // 2
        return replace(view, cursor=Cursor(last - extent.columns // 2 if across >= 0 else last, at))
    oldest = last - extent.columns + (2 if extent.sweeping else 1)
    number = min(last, max(oldest, view.cursor.number + across))
    return replace(view, cursor=Cursor(number, _bin_above(view.cursor.bin, extent, up)))


def _bin_above(number: int, extent: ViewContext, up: int) -> int:
    """Middle bin of the pixel `up` above the one that shows a bin; the next bin where pixels share one."""
    band, pixels = extent.band, extent.lines * extent.per_line
    pixel = band.pixel_of_bin(number, pixels)
    if pixel is None:
        pixel = pixels // 2
    elif up == 0:
        return number
    middle = band.bin_of_pixel(min(pixels - 1, max(0, pixel + up)), pixels)
    return middle if (middle - number) * up > 0 or up == 0 else _within_band(band, number + up)


def _bin_beside(view: View, extent: ViewContext, across: int) -> int:
    """The bin a cell of the spectrum to the right of the cursor's; the middle one where there is no cursor."""
    band = extent.band
    if view.cursor is None:
        return (band.first + band.last) // 2
    return _within_band(band, view.cursor.bin + across * max(1, band.nbins // max(1, extent.columns)))


def _within_band(band: FrequencyWindow, number: int) -> int:
    return min(band.last - 1, max(band.first, number))


def toggle_trace(view: View, _: ViewContext, name: str) -> View:
    """Show or hide a further trace of the spectrum."""
    return replace(view, traces=view.traces ^ {name})


def fix_spectrum(view: View, extent: ViewContext) -> View:
    """Fix the spectrum's limits as they are, or let them follow again."""
    return replace(view, spectrum_levels=extent.spectrum_levels if view.spectrum_levels is None else None)


def toggle_linear(view: View, _: ViewContext) -> View:
    """Decibels or linear power in the spectrum; fixed limits do not fit the other scale."""
    return replace(view, linear=not view.linear, spectrum_levels=None)


def toggle_panel(view: View, _: ViewContext, name: str) -> View:
    """Fold a panel away, or unfold it."""
    return replace(view, hidden=view.hidden ^ {name})


def toggle_panels(view: View, _: ViewContext) -> View:
    """Fold all panels away, or unfold them."""
    return replace(view, hidden=frozenset() if view.hidden else frozenset(PANELS))


def maximise(view: View, _: ViewContext, names: tuple[str, ...]) -> View:
    """One after another alone on the screen, then all again."""
    order = (None, *names)
    at = order.index(view.maximised) if view.maximised in order else 0
    return replace(view, maximised=order[(at + 1) % len(order)])


def begin_anew(view: View, extent: ViewContext, first: View) -> View:
    """The look as it is at first; held picture and cursor stay."""
    kept = replace(first, paused_at_slot=view.paused_at_slot, cursor=view.cursor, rows_per_column=view.rows_per_column)
    return with_rows(kept, extent, min(whole_ring(extent), first.rows_per_column))


def other_theme(view: View, _: ViewContext) -> View:
    """Dark, light, or the terminal's own colours."""
    return replace(view, theme=THEMES[(THEMES.index(view.theme) + 1) % len(THEMES)])


def flip(view: View, _: ViewContext, name: str) -> View:
    """Turn one of the plain choices over."""
    turned: dict[str, Any] = {name: not getattr(view, name)}
    return replace(view, **turned)


Step = Callable[..., View]
VIEW_ACTIONS: Mapping[str, Step] = {
    step.__name__: step
    for step in (
        other_product, choose_product, other_palette, span, levels_by_hand, automatic, bias, zoom, pan, hold,
        back_in_time, live, escape, mark, move_cursor, toggle_trace, fix_spectrum, toggle_linear, toggle_panel,
        toggle_panels, maximise, begin_anew, other_theme, flip,
    )
}  # fmt: skip
"""Steps by name: each takes a view, an extent and its own arguments."""
