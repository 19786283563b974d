"""Actions of the observer: pure functions from one view to the next.

A test can check the effect of every key with a table of values.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.row_blocks import whole_blocks
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.layouts import LAYOUT_ACTIONS
from sunspec_tui.tui.display.view_state import THEMES, Cursor, View, ViewContext

NARROWEST_SHARE = 1 / 64


def next_product(view: View, context: ViewContext, by: int) -> View:
    """Select the next product that the stream carries."""
    carried = context.products
    index = carried.index(view.product) if view.product in carried else 0
    return with_product(view, carried[(index + by) % len(carried)])


def choose_product(view: View, _: ViewContext, name: str) -> View:
    """Select a product by its name."""
    return with_product(view, Product(name))


def with_product(view: View, product: Product) -> View:
    """Select another product.

    Drop manual levels, because they belong to the previous product.
    """
    return (
        view if product is view.product else replace(view, product=product, levels=None, bias=0.0, spectrum_levels=None)
    )


def next_palette(view: View, _: ViewContext, by: int) -> View:
    """Select the next palette."""
    return replace(view, palette=PALETTES[(PALETTES.index(view.palette) + by) % len(PALETTES)])


def span(view: View, context: ViewContext, by: int) -> View:
    """Halve or double the time span.

    The limits are one row in a column, and the whole ring in the picture.
    """
    if by < 0:
        rows = max(1, min(view.rows_per_column - 1, _power_below(view.rows_per_column)))
    else:
        rows = max(1, min(whole_ring(context), view.rows_per_column * 2))
    return with_rows_per_column(replace(view, grows=False, span_s=None), context, rows)


def whole_ring(context: ViewContext) -> int:
    """Return the rows per column with which the picture shows the ring.

    The result is a number of whole blocks.
    """
    return whole_blocks(max(1, -(-context.ring_rows // max(1, context.columns - 1))))


def _power_below(value: int) -> int:
    return 1 << max(0, (value - 1).bit_length() - 1)


def with_rows_per_column(view: View, context: ViewContext, rows: int) -> View:
    """Change the rows per column.

    A paused picture keeps the cell of the cursor. A live picture does this only if the cursor would leave it; then the
    picture is paused, unless it ends at the newest row. Without a cursor in the picture, the newest end stays in place.
    """
    cursor, before, after = view.cursor, context.grid(view.rows_per_column), context.grid(rows)
    before_columns, columns = context.columns_of(view.rows_per_column), context.columns_of(rows)
    view = replace(view, rows_per_column=rows)
    if cursor is None or cursor.number is None:
        return view
    beside = before.number_of(context.end_slot) - cursor.number
    if not 0 <= beside < before_columns:
        return replace(view, cursor=Cursor(after.number_of(before.first_slot(cursor.number)), cursor.bin))
    # The newest column may not have its middle row yet.
    number = after.number_of(min(before.middle_slot(cursor.number), context.end_slot))
    view = replace(view, cursor=Cursor(number, cursor.bin))
    if view.paused_at_slot is not None or after.number_of(context.end_slot) - number >= columns - 1:
        beside = beside * columns // before_columns
        end = max(after.last_slot(number + beside), oldest_end_slot(context, rows))
        slot = min(end, context.newest)
        view = replace(view, paused_at_slot=None if view.paused_at_slot is None and slot == context.newest else slot)
    return view


def oldest_end_slot(context: ViewContext, rows: int) -> int:
    """Return the end of the picture that begins with the oldest row.

    The end is a slot. The last column of this picture may be incomplete.
    """
    grid = context.grid(rows)
    return min(grid.last_slot(grid.number_of(context.oldest) + context.columns_of(rows) - 1), context.newest)


def with_cursor_inside(view: View, context: ViewContext) -> View:
    """Move a cursor outside the picture to its edge."""
    if view.cursor is None or view.cursor.number is None:
        return view
    first, last = _shown_columns(view, context)
    return replace(view, cursor=Cursor(min(last, max(first, view.cursor.number)), view.cursor.bin))


def _shown_columns(view: View, context: ViewContext) -> tuple[int, int]:
    """Return the first and the last whole column of the picture."""
    grid = context.grid(view.rows_per_column)
    last = grid.number_of(context.end_slot)
    hidden = grid.write_columns if context.sweeping else 0
    return last - context.columns_of(view.rows_per_column) + 1 + hidden, last


def refit(view: View, before: ViewContext, context: ViewContext) -> View:
    """Adapt the view to another width.

    A picture of the whole ring still shows the whole ring. No picture shows more than the ring.
    """
    max_rows = whole_ring(context)
    if view.rows_per_column >= whole_ring(before) or view.rows_per_column > max_rows:
        return with_rows_per_column(view, context, max_rows)
    return view


def shift_levels(view: View, context: ViewContext, floor: float, ceiling: float) -> View:
    """Move floor and ceiling by steps.

    A step is 1 dB, or a twentieth of a linear scale.
    """
    now = view.levels or context.levels
    if now is None:
        return view
    amount = now.span / 20 if view.signed else 1.0
    low, high = now.low + floor * amount, now.high + ceiling * amount
    return view if high - low < amount / 2 else replace(view, levels=Levels(low, high))


def toggle_automatic_levels(view: View, context: ViewContext) -> View:
    """Fix the present levels, or return to automatic levels."""
    return replace(view, levels=context.levels if view.levels is None else None, bias=0.0)


def set_levels(view: View, _: ViewContext, low: float, high: float) -> View:
    """Set the floor and the ceiling."""
    return replace(view, levels=Levels(low, high), bias=0.0)


def bias(view: View, context: ViewContext, by: int) -> View:
    """Make the picture darker or brighter; both manual levels move together."""
    if view.levels is not None:
        return shift_levels(view, context, -by, -by)
    amount = (context.levels.span / 20 if context.levels else 0.0) if view.signed else 1.0
    return replace(view, bias=view.bias - by * amount)


def zoom(view: View, context: ViewContext, by: int) -> View:
    """Halve or double the band.

    Without a cursor, and when doubled, it keeps its middle. Else it is centred on the cursor.
    """
    low, high = view.share
    width = min(1.0, max(NARROWEST_SHARE, (high - low) / 2 if by > 0 else (high - low) * 2))
    middle = (low + high) / 2
    if view.cursor is not None and by > 0:
        middle = (view.cursor.bin + 0.5) / context.nbins
    return replace(view, share=_clipped_share(middle - width / 2, width))


def pan(view: View, _: ViewContext, by: int) -> View:
    """Move the band up or down by a quarter of its width."""
    low, high = view.share
    return replace(view, share=_clipped_share(low + by * (high - low) / 4, high - low))


def _clipped_share(low: float, width: float) -> tuple[float, float]:
    low = min(max(0.0, low), 1.0 - width)
    return (low, low + width)


def toggle_pause(view: View, context: ViewContext) -> View:
    """Pause the picture, or return to live."""
    return replace(view, paused_at_slot=context.end_slot if view.paused_at_slot is None else None)


def scroll_back(view: View, context: ViewContext, by: float) -> View:
    """Go back (`by` > 0) or forward by shares of the picture.

    At the newest end, return to live.
    """
    width = context.columns * view.rows_per_column
    end = context.end_slot if view.paused_at_slot is None else view.paused_at_slot
    slot = end - round(min(by, 1e9) * width)
    # The picture can go back until it begins with the oldest rows. A picture that already shows them does not move.
    first_slot = oldest_end_slot(context, view.rows_per_column)
    slot = max(slot, min(first_slot, end) if by > 0 else first_slot)
    return replace(view, paused_at_slot=None if slot >= context.newest and by < 0 else min(slot, context.newest))


def live(view: View, _: ViewContext) -> View:
    """Return to live and remove the cursor."""
    return replace(view, paused_at_slot=None, cursor=None)


def escape(view: View, _: ViewContext) -> View:
    """Undo one thing.

    This is the first of these that is set: cursor, marks, pause, maximised picture.
    """
    if view.cursor is not None:
        return replace(view, cursor=None)
    if view.marks != (None, None):
        return replace(view, marks=(None, None))
    if view.paused_at_slot is not None:
        return replace(view, paused_at_slot=None)
    return replace(view, maximised=None)


def mark(view: View, context: ViewContext, end: int) -> View:
    """Mark the first or last row of an interval.

    `end` is 0 for the first and 1 for the last row. The row is at the cursor's column. Without a cursor, it is at the
    beginning or end of the picture. Nothing is marked before the first row that is kept.
    """
    grid, cursor = context.grid(view.rows_per_column), view.cursor
    first, last = shown_slots(view, context)
    if cursor is not None and cursor.number is not None:
        first, last = grid.first_slot(cursor.number), min(last, grid.last_slot(cursor.number))
    first, last = max(first, context.oldest), max(last, context.oldest)
    begin, stop = view.marks
    return replace(view, marks=(begin, last) if end else (first, stop))


def shown_slots(view: View, context: ViewContext) -> tuple[int, int]:
    """Return the slots of the picture's first and last row."""
    first, _ = _shown_columns(view, context)
    return context.grid(view.rows_per_column).first_slot(first), context.end_slot


def marked_slots(view: View, context: ViewContext) -> tuple[int, int]:
    """Return the first and last slot of the marked interval.

    Without a mark, the picture's slot is used.
    """
    (first, last), (begin, stop) = shown_slots(view, context), view.marks
    chosen = first if begin is None else begin, last if stop is None else stop
    return min(chosen), max(chosen)


def move_cursor(view: View, context: ViewContext, across: int, up: int) -> View:
    """Move the cursor by columns and pixels.

    A new cursor appears in the middle of the picture, or at its end if it moves left.
    """
    first, last = _shown_columns(view, context)
    if view.maximised == "spectrum":
        return replace(view, cursor=Cursor(None, _bin_beside(view, context, across)))
    if view.cursor is None or view.cursor.number is None:
        index = view.cursor.bin if view.cursor else (context.band.start + context.band.stop) // 2
        middle = last - context.columns_of(view.rows_per_column) // 2
        return replace(view, cursor=Cursor(middle if across >= 0 else last, index))
    number = min(last, max(first, view.cursor.number + across))
    return replace(view, cursor=Cursor(number, _bin_above(view.cursor.bin, context, up)))


def _bin_above(number: int, context: ViewContext, up: int) -> int:
    """Return the middle bin of the pixel `up` pixels above a bin.

    If several pixels show the same bin, return the next bin.
    """
    band, pixels = context.band, context.lines * context.pixels_per_line
    pixel = band.pixel_of_bin(number, pixels)
    if pixel is None:
        pixel = pixels // 2
    elif up == 0:
        return number
    middle = band.bin_of_pixel(min(pixels - 1, max(0, pixel + up)), pixels)
    return middle if (middle - number) * up > 0 or up == 0 else _within_band(band, number + up)


def _bin_beside(view: View, context: ViewContext, across: int) -> int:
    """Return the bin `across` cells right of the spectrum's cursor.

    Without a cursor, return the middle bin.
    """
    band = context.band
    if view.cursor is None:
        return (band.start + band.stop) // 2
    return _within_band(band, view.cursor.bin + across * max(1, band.nbins // max(1, context.columns)))


def _within_band(band: FrequencyWindow, number: int) -> int:
    return min(band.stop - 1, max(band.start, number))


def toggle_trace(view: View, _: ViewContext, name: str) -> View:
    """Show or hide an additional trace of the spectrum."""
    return replace(view, traces=view.traces ^ {name})


def fix_spectrum(view: View, context: ViewContext) -> View:
    """Fix the spectrum's present limits, or return to automatic limits."""
    return replace(view, spectrum_levels=context.spectrum_levels if view.spectrum_levels is None else None)


def toggle_linear(view: View, _: ViewContext) -> View:
    """Switch the spectrum between decibels and linear power.

    Drop fixed limits, because they do not fit the other scale.
    """
    return replace(view, linear=not view.linear, spectrum_levels=None)


def reset_view(view: View, context: ViewContext, first: View) -> View:
    """Reset the view to `first`, except the pause and the cursor."""
    if not context.ring_rows:
        return first
    reset = replace(first, paused_at_slot=view.paused_at_slot, cursor=view.cursor, rows_per_column=view.rows_per_column)
    return with_rows_per_column(reset, context, min(whole_ring(context), first.rows_per_column))


def next_theme(view: View, _: ViewContext) -> View:
    """Select the next theme: dark, light, or the terminal's own colours."""
    return replace(view, theme=THEMES[(THEMES.index(view.theme) + 1) % len(THEMES)])


def set_option(view: View, _: ViewContext, name: str, value: str) -> View:
    """Set the palette or the theme."""
    changed: dict[str, Any] = {name: value}
    return replace(view, **changed)


def toggle_option(view: View, _: ViewContext, name: str) -> View:
    """Invert one of the yes-or-no options."""
    changed: dict[str, Any] = {name: not getattr(view, name)}
    return replace(view, **changed)


ViewAction = Callable[..., View]
VIEW_ACTIONS: Mapping[str, ViewAction] = {**LAYOUT_ACTIONS} | {
    action.__name__: action
    for action in (
        next_product, choose_product, next_palette, span, shift_levels, toggle_automatic_levels, set_levels, bias,
        zoom, pan, toggle_pause, scroll_back, live, escape, mark, move_cursor, toggle_trace, fix_spectrum,
        toggle_linear, reset_view, next_theme, set_option, toggle_option,
    )
}  # fmt: skip
"""Actions by name: each takes a view, its context and its own arguments."""
