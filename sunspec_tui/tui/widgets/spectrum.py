"""Spectrum widget: traces in braille over a MHz axis.

It draws arrays as cells. It uses no receiver, no ring and no clock.
"""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from textual import events

from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Floats, Levels, level_label, middle_of_band, to_db, without_warnings
from sunspec_tui.tui.display.axes import FrequencyWindow, ticks
from sunspec_tui.tui.display.axis_labels import labels
from sunspec_tui.tui.display.braille import braille, plain_dots, trace_dots
from sunspec_tui.tui.messages import CellPointed
from sunspec_tui.tui.terminal.canvas import Grid
from sunspec_tui.tui.terminal.cell_widget import CellWidget

AXIS_WIDTH = 6
_MHZ_PER_LABEL = 9
_NO_DOTS = 0x2800


@dataclass(frozen=True, slots=True)
class Trace:
    """One curve of the spectrum.

    Attributes
    ----------
    name
        Name in the legend.
    power
        Linear power of all bins, shape (nbins,).
    component
        Component class of its colour.
    """

    name: str
    power: Floats
    component: str


@dataclass(frozen=True, slots=True)
class SpectrumScene:
    """Data and settings that the spectrum shows.

    Attributes
    ----------
    band
        Bins on the axis.
    traces
        Traces in drawing order: later ones cover earlier ones.
    product
        Name of the product; for another product the limits start again.
    linear
        True for linear power instead of dB.
    fixed
        Limits of the axis; None for automatic limits.
    edges_mhz
        Edges of the pipelines; empty if they are not drawn.
    cursor
        Bin of the cursor; None without a cursor.
    unit
        Unit of the powers.
    """

    band: FrequencyWindow
    traces: tuple[Trace, ...]
    product: str = ""
    linear: bool = False
    fixed: Levels | None = None
    edges_mhz: tuple[float, ...] = ()
    cursor: int | None = None
    unit: str = ARBITRARY


class Spectrum(CellWidget):
    """Widget of power against frequency."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "spectrum--axis", "spectrum--empty", "spectrum--cursor", "spectrum--mark", "spectrum--latest",
        "spectrum--second", "spectrum--third", "spectrum--max", "spectrum--min", "spectrum--average",
    }  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._scene: SpectrumScene | None = None
        self._frame: tuple[object, Grid] | None = None
        self.levels: Levels | None = None

    def show(self, scene: SpectrumScene | None) -> None:
        """Show another scene; None if there is no row."""
        before, self._scene = self._scene, scene
        if before is None or scene is None or (before.linear, before.product) != (scene.linear, scene.product):
            self.levels = None
        self.repaint()

    # Cells

    @without_warnings()
    def build(self, grid: Grid) -> None:
        """Draw labels, traces, marks and the MHz axis."""
        scene = self._scene
        width, height = grid.columns - AXIS_WIDTH, grid.lines - 1
        if scene is not None and (width < 2 or height < 1):
            return
        if scene is None:
            _write_centred(grid, "no spectrum yet", self.component_style("spectrum--empty"))
            return
        shown = [values_shown(trace.power[scene.band.start : scene.band.stop], scene.linear) for trace in scene.traces]
        self.levels = scene.fixed or axis_levels(np.concatenate(shown), self.levels)
        if self.levels is None:
            _write_centred(
                grid,
                f"{scene.product} has no valid values: x shows another product".lstrip(),
                self.component_style("spectrum--empty"),
            )
            return
        cells = (slice(0, height), slice(AXIS_WIDTH, grid.columns))
        frame = self._frame_for(grid, scene, self.levels, width, height)
        grid.codes[:], grid.styles[:] = frame.codes, frame.styles
        for trace, values in zip(scene.traces, shown, strict=True):
            codes = self._trace(values, self.levels, width, height)
            _draw_trace(codes, self.component_style(trace.component), grid.codes[cells], grid.styles[cells])
        self._draw_legend(grid, scene)

    def _frame_for(self, grid: Grid, scene: SpectrumScene, levels: Levels, width: int, height: int) -> Grid:
        """Return axes and marks; draw them only if they have changed.

        They are the same for most rows.
        """
        key = (grid.columns, grid.lines, scene.band, levels, scene.edges_mhz, scene.cursor, self.style_version)
        if self._frame is None or self._frame[0] != key:
            frame = Grid(grid.codes.copy(), grid.styles.copy())
            self._draw_marks(frame, scene, width, height)
            self._draw_axes(frame, scene, levels, width, height)
            self._frame = (key, frame)
        return self._frame[1]

    def _trace(self, values: Floats, levels: Levels, width: int, height: int) -> NDArray[np.int32]:
        if self.app.ascii_only:
            return plain_dots(trace_dots(values, levels.low, levels.high, width, 2 * height, thickness=1))
        return braille(trace_dots(values, levels.low, levels.high, 2 * width, 4 * height))

    def _draw_marks(self, grid: Grid, scene: SpectrumScene, width: int, height: int) -> None:
        """Draw the edges of the pipelines with their numbers, and the cursor."""
        style = self.component_style("spectrum--mark")
        band, places = scene.band, []
        edges = [(mhz - band.low_mhz) / (band.high_mhz - band.low_mhz) * width for mhz in scene.edges_mhz]
        for edge in edges:
            if 0 <= edge < width:
                for y in range(height):
                    grid.write(AXIS_WIDTH + int(edge), y, "┊", style)
        for number, (left, right) in enumerate(itertools.pairwise(edges)):
            # The number is in the middle of the visible part of the pipeline.
            left, right = max(0.0, left), min(float(width), right)
            if left < right:
                places.append((int((left + right) / 2), str(number)))
        for start, text in labels(places, width, centred=True):
            grid.write(AXIS_WIDTH + start, 0, text, style)
        cell = None if scene.cursor is None else scene.band.cell_of_bin(scene.cursor, width)
        if cell is not None:
            for y in range(height):
                grid.write(AXIS_WIDTH + cell, y, "│", self.component_style("spectrum--cursor"))

    def _draw_axes(self, grid: Grid, scene: SpectrumScene, levels: Levels, width: int, height: int) -> None:
        style = self.component_style("spectrum--axis")
        for y in range(height):
            grid.write(AXIS_WIDTH - 1, y, "│", style)
        for value in ticks(levels.low, levels.high, max(2, height // 2)):
            y = round((levels.high - value) / levels.span * (height - 1))
            text = level_label(value, levels.span)
            grid.write(AXIS_WIDTH - 1 - len(text), y, f"{text}┤", style)
        grid.write(2, height, "MHz", style)
        grid.write(AXIS_WIDTH, height, mhz_axis(scene.band, width), style)

    def _draw_legend(self, grid: Grid, scene: SpectrumScene) -> None:
        """Write the names of the traces in their colours.

        They are at the right end of the first line.
        """
        parts = [(trace.name, self.component_style(trace.component)) for trace in reversed(scene.traces)]
        linear = "linear" if scene.unit == ARBITRARY else scene.unit
        unit = linear if scene.linear else level_unit(scene.unit)
        parts.append((unit + (" fixed" if scene.fixed else ""), self.component_style("spectrum--axis")))
        x = grid.columns - sum(len(name) + 1 for name, _ in parts)
        for name, style in parts:
            grid.write(x, 0, f" {name}", style)
            x += len(name) + 1

    # Mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Point at a frequency."""
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag the cursor."""
        if event.button:
            self._point(event)

    def _point(self, event: events.MouseEvent) -> None:
        width, cell = self.content_size.width - AXIS_WIDTH, event.x - AXIS_WIDTH
        if self._scene is not None and 0 <= cell < width:
            start, stop = self._scene.band.bins_of(cell, width)
            self.post_message(CellPointed(None, (start + stop) // 2))


def _write_centred(grid: Grid, text: str, style: int) -> None:
    grid.write(max(0, (grid.columns - len(text)) // 2), grid.lines // 2, text, style)


def _draw_trace(codes: NDArray[np.int32], style: int, cells: NDArray[np.int32], styles: NDArray[np.int32]) -> None:
    """Draw the characters of a trace over the cells.

    If a cell has dots of an earlier braille trace, the dots of both traces are shown.
    """
    drawn = (codes != _NO_DOTS) & (codes != ord(" "))
    both = drawn & (cells >= _NO_DOTS) & (cells < _NO_DOTS + 256) & (codes >= _NO_DOTS)
    cells[drawn & ~both] = codes[drawn & ~both]
    cells[both] |= codes[both]
    styles[drawn] = style


def values_shown(power: Floats, linear: bool) -> Floats:
    """Return power in the unit of the axis.

    Invalid values, and values without decibels, become NaN.
    """
    return np.where(np.isfinite(power), power, np.float32(np.nan)) if linear else to_db(power)


def mhz_axis(band: FrequencyWindow, width: int) -> str:
    """Return the MHz axis: round values under their cells."""
    line = [" "] * width
    places = []
    for value in ticks(band.low_mhz, band.high_mhz, max(1, width // _MHZ_PER_LABEL)):
        cell = band.cell_of(value, width)
        if cell is not None:
            places.append((cell, f"{value:.6g}"))
    for start, text in labels(places, width, centred=True):
        line[start : start + len(text)] = text
    return "".join(line)


def axis_levels(values: Floats, previous: Levels | None) -> Levels | None:
    """Return limits that contain all values.

    The previous limits are kept if they fit: all values are inside, and most of them fill more than a quarter.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return previous
    low, high = float(finite.min()), float(finite.max())
    if low == high == 0:
        # If all values are zero, they give no scale.
        return Levels(-1.0, 1.0)
    if previous is not None and previous.low <= low and high <= previous.high:
        middle = middle_of_band(finite)
        if float(middle.max() - middle.min()) > previous.span / 4:
            return previous
    margin = max(0.1 * (high - low), 1e-6 * max(abs(low), abs(high)), 1e-30)
    if high - low > 2:
        return Levels(float(np.floor(low - margin)), float(np.ceil(high + margin)))
    return Levels(low - margin, high + margin)
