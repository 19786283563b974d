"""Convert a scene into the values that each widget shows.

This module does not draw, keeps no state and does not know the source of rows.
"""

import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.text import Text

from sunspec_tui.core.addresses import host_and_port
from sunspec_tui.core.products import PEAK_PRODUCTS, Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.times import format_clock
from sunspec_tui.monitoring.snapshot import Snapshot, ViewedRows
from sunspec_tui.stream.health_reading import HealthReading, LinkState
from sunspec_tui.tui.display.cursor_point import cursor_point
from sunspec_tui.tui.display.day_loader import DayContent
from sunspec_tui.tui.display.day_signs import Sign, SignKind, burst_signs
from sunspec_tui.tui.display.drift_ruler import read_ruler
from sunspec_tui.tui.display.intervals import interval_of
from sunspec_tui.tui.display.readouts import readout_of, spectrum_under_cursor
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.scene_spectrum import edges_mhz_of, power_of, trace_of
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.link_pacing import LinkReading
from sunspec_tui.tui.widgets.caption import ShownPicture, caption_text, column_text
from sunspec_tui.tui.widgets.day_strip import DayScene
from sunspec_tui.tui.widgets.fitting import LineSegment
from sunspec_tui.tui.widgets.picture_notice import no_stream_notice, picture_notice
from sunspec_tui.tui.widgets.plots_panel_text import NO_MARKED_ROWS, interval_text, short_interval_text
from sunspec_tui.tui.widgets.ruler_text import ruler_segments
from sunspec_tui.tui.widgets.spectrum import SpectrumScene, Trace
from sunspec_tui.tui.widgets.waterfall_scene import WaterfallScene

if TYPE_CHECKING:
    from sunspec_tui.core.ring_epochs import Epoch

_DAY_S = 86_400.0


def waterfall_scene(
    scene: Scene, depth: Depth, steps: int, stalled_s: float | None = None, *, dithered: bool = False
) -> WaterfallScene | None:
    """Return the waterfall of a drawn scene; None without a picture.

    Parameters
    ----------
    scene
        Drawn scene.
    depth, steps
        The terminal's colour depth, largest number of colours.
    stalled_s
        Seconds since the last frame of a stalled stream; None if it is not stalled.
    dithered
        True to dither values between two of few colours.
    """
    if scene.shown.picture is None:
        return None
    view, cursor = scene.view, scene.view.cursor
    under_cursor = None if cursor is None or cursor.number is None else (cursor.number, cursor.bin)
    begin, end = (None if slot is None else scene.shown.grid.number_of(slot) for slot in view.marks)
    return WaterfallScene(
        scene.shown.picture,
        scene.shown.time_axis,
        scene.shown.band,
        view.palette,
        depth,
        steps,
        dithered,
        scene.shown.signed,
        cursor=under_cursor,
        marks=(begin, end),
        notice=_notice(scene, stalled_s),
        notes=scene.notes,
        unit=scene.shown.product_unit,
        bursts=scene.bursts,
        ruler=scene.ruler.first if scene.ruler else None,
    )


def _notice(scene: Scene, stalled_s: float | None) -> str:
    """Return why the picture is not live; empty if it is.

    It is empty for recorded rows too.
    """
    if not scene.shown.has_ring:
        return ""
    if scene.view.paused_at_slot is None and not scene.shown.has_stream:
        return no_stream_notice(scene.shown.end_s, time.time())
    if scene.view.paused_at_slot is None:
        return picture_notice(stalled_s, None)
    return picture_notice(stalled_s, scene.shown.end_s, scene.history.newest_s)


def spectrum_scene(scene: Scene) -> SpectrumScene | None:
    """Return the spectrum with its additional traces; None without rows.

    It is the spectrum under the cursor or, without a cursor, that of the picture's last row. In a paused picture of the
    timeline, it is the mean of the last column.
    """
    view = scene.view
    latest = power_of(scene, scene.shown.product)
    if latest is None:
        return None
    name, shown = str(scene.shown.product), latest
    if (under_cursor := spectrum_under_cursor(scene)) is not None:
        shown, name = under_cursor[0], f"{scene.shown.product} until {format_clock(under_cursor[1])}"
    elif scene.shown.shows_column_mean:
        name = f"{scene.shown.product} mean of {column_text(scene.shown.column_s)}"
    return SpectrumScene(
        scene.shown.band,
        (*_additional_traces(scene), *_pair(scene), Trace(name, shown, "spectrum--latest")),
        str(scene.shown.product),
        linear=view.linear or scene.shown.signed,
        fixed=view.spectrum_levels,
        edges_mhz=edges_mhz_of(scene) if view.pipelines else (),
        cursor=view.cursor.bin if view.cursor else None,
        unit=scene.shown.product_unit,
    )


_TRACES_OF_COLUMNS = {"min": "lowest mean", "max": "highest", "average": "mean of the picture"}


def _additional_traces(scene: Scene) -> list[Trace]:
    names = [name for name in ("min", "max", "average") if name in scene.view.traces]
    powers = [(name, trace_of(scene, name)) for name in names]
    shown = {name: name for name in names} if scene.shown.has_ring else _TRACES_OF_COLUMNS
    return [Trace(shown[name], power, f"spectrum--{name}") for name, power in powers if power is not None]


def _pair(scene: Scene) -> list[Trace]:
    """Return the traces of XX and YY, if the view has them.

    The product of the scene is left out, because it has its own trace.
    """
    others = [product for product in (Product.YY, Product.XX) if scene.view.pair and product is not scene.shown.product]
    components = ("spectrum--second", "spectrum--third")
    powers = [(product, power_of(scene, product), name) for product, name in zip(others, components, strict=False)]
    return [Trace(str(product), power, name) for product, power, name in powers if power is not None]


def day_scene(scene: Scene, content: DayContent | None, depth: Depth) -> DayScene | None:
    """Return the day strip with the shown columns and the observer's marks.

    Return None without rows.
    """
    if content is None:
        return None
    shown = content.columns.window.columns_between(*scene.shown.interval_s)
    return DayScene(content, shown, mark_signs(scene), scene.view.palette, depth)


def mark_signs(scene: Scene) -> tuple[Sign, ...]:
    """Return bursts, the day's notes, and the ends of the marked interval."""
    notes = scene.notes.between(scene.shown.end_s - _DAY_S, scene.shown.end_s + _DAY_S)
    signs = [Sign(note.time_s, SignKind.NOTE) for note in notes]
    interval = interval_of(scene) if scene.view.marks != (None, None) else None
    if interval is not None:
        begin, end = scene.view.marks
        signs += [Sign(interval.begin_s, SignKind.MARK_BEGIN)] if begin is not None else []
        signs += [Sign(interval.end_s, SignKind.MARK_END)] if end is not None else []
    return (*burst_signs(scene.bursts), *signs)


def caption(scene: Scene, depth: Depth, link: LinkReading, columns: int, confirmed: str = "") -> Text:
    """Return the line between the pictures.

    It describes the content of the pictures, and beside it the data under the cursor.
    """
    view, readout = scene.view, readout_of(scene)
    cadence_s = scene.shown.position.cadence_s if scene.shown.position else math.nan
    seconds = scene.size.columns * view.rows_per_column * cadence_s
    palette = "characters" if depth is Depth.NONE else view.palette
    shown = ShownPicture(
        scene.shown.product,
        scene.shown.band,
        scene.shown.picture.levels if scene.shown.picture else None,
        seconds,
        subtracted=view.subtract and readout is not None and readout.cell is not None,
        in_pixels=scene.size.cell_px > 1,
        unit=scene.shown.product_unit,
        cell_s=scene.shown.column_s,
        mean_note=_mean_note(scene),
    )
    return caption_text(
        replace(view, product=scene.shown.product, palette=palette),
        shown,
        link,
        readout=readout,
        marked=_marked_texts(scene),
        confirmed=confirmed,
        ruler=_ruler_segments(scene),
        columns=columns,
    )


def _ruler_segments(scene: Scene) -> list[LineSegment]:
    """Return the numbers of the ruler; none without a ruler."""
    if scene.ruler is None:
        return []
    second = cursor_point(scene)
    is_known = second is not None and math.isfinite(second.time_s)
    return ruler_segments(read_ruler(scene.ruler, second) if second is not None and is_known else None)


def _mean_note(scene: Scene) -> str:
    """Say that only means are shown; empty if peaks are too."""
    timeline = scene.shown.picture.timeline if scene.shown.picture else None
    if timeline is None:
        return ""
    longest_s = timeline.longest_block_s()
    if longest_s:
        return f"mean of {column_text(longest_s)}"
    has_peaks = timeline.grid.block_slots == 1 or scene.shown.product in PEAK_PRODUCTS
    return "" if has_peaks else "mean"


def _marked_texts(scene: Scene) -> tuple[str, str]:
    """Return a text and a short one about the marked interval."""
    if scene.view.marks == (None, None):
        return "", ""
    interval = interval_of(scene)
    if interval is None:
        return NO_MARKED_ROWS, "no rows marked"
    return interval_text(interval), short_interval_text(interval)


def epoch_text(epoch: "Epoch") -> str:
    """Describe an earlier shape and axis of the stream, and its rows."""
    axis, (first_s, last_s) = epoch.axis, epoch.times_s
    return (
        f"rows before a change: {axis.nchan} channels x {axis.npol} products from channel {axis.chan0}, "
        f"{format_clock(first_s)} to {format_clock(last_s)}; End goes back to live"
    )


def initial_snapshot(settings: Settings, opening: str | None = None) -> Snapshot:
    """Return the snapshot that is shown before there is a receiver.

    It has the address of the stream and the state CONNECTING or, for recorded rows, how far they are opened.
    """
    if opening is not None:
        return Snapshot(time.time(), "", viewed=ViewedRows("VIEW", opening))
    source = "127.0.0.1" if settings.demo else host_and_port(settings.addr, settings.stream_port)
    return Snapshot(time.time(), source, HealthReading(link=LinkState.CONNECTING), station=settings.station)
