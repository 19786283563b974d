"""Draw the figure of a plot: spectrum above, waterfall below.

Only this module draws with matplotlib. It keeps one `Figure` on an Agg canvas and updates its artists, which is ten
times faster than a new figure. It does not use pyplot, which would keep figures in memory and need a display.
"""

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import PcolorImage
from matplotlib.mathtext import MathTextParser
from numpy.typing import NDArray
from PIL import Image

from sunspec_tui.core.background import REMOVED, quiet_median, without_background
from sunspec_tui.core.colormaps import DIVERGING, PALETTES
from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Levels, default_levels, picture_levels, to_db, without_warnings
from sunspec_tui.core.printable import printable
from sunspec_tui.core.products import Product
from sunspec_tui.core.row_spans import GAP, Columns, place_columns
from sunspec_tui.core.times import format_clock
from sunspec_tui.files.atomic_write import atomic_write
from sunspec_tui.plots.figure_style import colour_map_of, default_style, encode_png
from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.time_labels import DAY_S, TimeLabels

SIZE_INCHES = (12, 10)
DOTS_PER_INCH = 150
# A row whose length is outside these limits is drawn one second long. If times are outside the years 1970 to 9998, the
# time axis shows row numbers.
_MIN_ROW_S, _MAX_ROW_S = 1e-5, 1e6
_MAX_TIME_S = 253_370_764_800.0
_MAX_STATION_CHARACTERS = 80
_MAX_FREQUENCY_MHZ = 1e12
_MAX_SINGLE = 1e37
# After a long silence, only the newest part of the history is drawn. Rows ahead of the newest one, because time went
# back, are drawn up to an hour ahead.
_REACH_LENGTHS, _REACH_ROWS = 4, 1200
_MIN_REACH_AHEAD_S = 3600.0
_RESTART_COLOUR, _RESTART_WIDTH = "tab:red", 0.8
# With a fixed position of the title, matplotlib does not measure all labels to avoid them.
_TITLE_Y = 1.0
# Formula of a tick label on a logarithmic axis.
_FORMULA = r"$\mathdefault{10^{1}}$"
_LINES = (("tab:blue", 0.9, 1.0), ("tab:orange", 2.4, 0.6))


def column_image(job: PlotJob) -> tuple[NDArray[np.float32], Columns, bool]:
    """Arrange the values of a job's rows by time.

    Returns
    -------
    (image, columns, timed)
        Values of shape (nbins, ncolumns): dB, or linear for a signed product, without the background if the job
        requires it; NaN in a gap or if a value has no decibels. The columns, and True if their edges are times. If
        matplotlib cannot draw the times, or if they do not increase, the edges are row numbers relative to the newest
        row.
    """
    columns, count = _timed_columns(job), len(job.times_s)
    timed = columns is not None
    if columns is None:
        columns = Columns(np.arange(-count, 1, dtype=np.float64), np.arange(count))
    shown = columns.rows != GAP
    image = np.full((job.data.shape[1], len(shown)), np.nan, np.float32)
    values = job.data[columns.rows[shown]]
    if job.remove_background:
        values = without_background(values, quiet_median(values), signed=job.signed)
    image[:, shown] = (np.where(np.isfinite(values), values, np.nan) if job.signed else to_db(values)).T
    return image, columns, timed


def _timed_columns(job: PlotJob) -> Columns | None:
    """Place rows at their times, without those too far from the newest.

    None if no time can be drawn.
    """
    ends_s, lengths_s = job.times_s, job.times_s - job.begins_s
    lengths_s = np.where((lengths_s >= _MIN_ROW_S) & (lengths_s <= _MAX_ROW_S), lengths_s, 1.0)
    drawable = (ends_s > lengths_s) & (ends_s < _MAX_TIME_S)
    if not drawable.any():
        return None
    newest_s, drawn_s = float(ends_s[drawable][-1]), lengths_s[drawable]
    reach_s = max(_REACH_LENGTHS * float(drawn_s.sum()), _REACH_ROWS * float(np.median(drawn_s)))
    near = (ends_s > newest_s - reach_s) & (ends_s - lengths_s < newest_s + max(reach_s, _MIN_REACH_AHEAD_S))
    rows = np.flatnonzero(drawable & near)
    columns = place_columns(ends_s[rows] - lengths_s[rows], ends_s[rows])
    if len(rows) > 1 and len(columns.rows) == 1:
        return None
    return Columns(columns.edges_s, np.where(columns.rows == GAP, GAP, rows[columns.rows]))


def image_levels(image: NDArray[np.float32], columns: Columns, *, signed: bool = False) -> Levels:
    """Return the colour levels of an image, without its gaps.

    Default levels without valid values.
    """
    levels = picture_levels(image[:, columns.rows != GAP].T, signed=signed)
    if levels is not None and math.isfinite(levels.low) and math.isfinite(levels.high) and levels.low < levels.high:
        return levels
    return default_levels(signed=signed)


def add_waterfall(axes: Axes) -> PcolorImage:
    """Add an empty waterfall to axes; `set_waterfall` sets its values."""
    empty = np.full((1, 1), np.nan)
    waterfall = PcolorImage(axes, [0, 1], [0, 1], empty, norm=Normalize(0, 10), cmap=colour_map_of(PALETTES[0]))
    waterfall.set_clip_path(axes.patch)
    axes.add_image(waterfall)
    return waterfall


def set_waterfall(
    waterfall: PcolorImage,
    job: PlotJob,
    image: NDArray[np.float32],
    columns: Columns,
    levels: Levels,
    *,
    timed: bool,
) -> tuple[float, float, float, float]:
    """Set a waterfall's values, edges and colours.

    Parameters
    ----------
    waterfall
        The artist, from `add_waterfall`.
    job
        The job with the frequencies and the palette.
    image, columns, timed
        The arranged values, from `column_image`.
    levels
        Floor and ceiling of the colours.

    Returns
    -------
    tuple
        Left, right, low and high edge: times in days, frequencies in MHz.
    """
    x_edges, y_edges = columns.edges_s / (DAY_S if timed else 1.0), bin_edges(frequencies_of(job), job.alone_mhz)
    left, right, low, high = (float(edges[end]) for edges in (x_edges, y_edges) for end in (0, -1))
    # matplotlib computes colours from differences, which may overflow even if the values do not.
    huge = bool(np.nanmax(np.abs(image), initial=0.0) > _MAX_SINGLE)
    drawn = np.ma.masked_invalid(image.astype(np.float64) if huge else image)
    waterfall.set_data(x_edges, y_edges, drawn)
    waterfall.set_extent((left, right, low, high))
    colour_map = colour_map_of(DIVERGING if job.signed else job.palette)
    if waterfall.get_cmap() is not colour_map:
        waterfall.set_cmap(colour_map)
    waterfall.set_clim(levels.low, levels.high)
    return left, right, low, high


class SpectrumFigure:
    """Figure of two panels that is drawn repeatedly.

    Attributes
    ----------
    figure
        The matplotlib figure, 12 x 10 inches at 150 dots per inch.
    spectrum, time_axes
        Axes of the upper and of the lower panel.
    waterfall
        Image of the lower panel, in dB, or linear for a signed product; each column has its own width.
    restarts
        Vertical lines in the lower panel at restarts of the sequence.
    lines
        The two lines of the upper panel.
    """

    def __init__(self) -> None:
        with default_style():
            self._build()

    def _build(self) -> None:
        self.figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH)
        self.canvas = FigureCanvasAgg(self.figure)
        upper = self.figure.add_axes((0.07, 0.60, 0.84, 0.28))
        lower = self.figure.add_axes((0.07, 0.06, 0.84, 0.44))
        self.spectrum, self.time_axes = upper, lower
        upper.set_xlabel("frequency [MHz]")
        upper.grid(visible=True, which="both", alpha=0.3)
        # The second line is wider and behind the first, so that both are visible where they coincide.
        made = [upper.plot([], [], color=colour, lw=width, alpha=alpha)[0] for colour, width, alpha in _LINES[::-1]]
        self.lines = made[::-1]
        self.waterfall = add_waterfall(lower)
        self.restarts = lower.plot(
            [], [], color=_RESTART_COLOUR, lw=_RESTART_WIDTH, transform=lower.get_xaxis_transform()
        )[0]
        lower.set_xlabel("time [UTC]")
        lower.set_ylabel("frequency [MHz]")
        self._labels = TimeLabels(lower)
        self.colour_bar = self.figure.colorbar(self.waterfall, cax=self.figure.add_axes((0.92, 0.06, 0.015, 0.44)))

    def load_formats(self) -> None:
        """Load formula parser, font and file format for the first picture."""
        MathTextParser("agg").parse(_FORMULA, DOTS_PER_INCH, FontProperties())
        Image.preinit()

    def draw(self, job: PlotJob) -> None:
        """Draw a job's data in place of the previous data."""
        with default_style(), without_warnings():
            self._draw_spectrum(job)
            image, columns, timed = column_image(job)
            self._draw_waterfall(job, image, columns, timed=timed)
            # Text from a stream or a file must not be parsed as a formula.
            span = time_span(columns) if timed else "times are not valid dates"
            self.figure.suptitle(_title(job, span), fontsize=12, parse_math=False)

    def _draw_spectrum(self, job: PlotJob) -> None:
        linear = job.signed and set(job.spectra) <= {job.product}
        self.spectrum.set_yscale("linear" if linear else "log")
        self.spectrum.set_ylabel(_linear_label(job) if linear else f"power [{_unit(job.unit)}]")
        shown = []
        for line, (name, power) in zip(self.lines, job.spectra.items(), strict=False):
            # In double precision, so that axis limits above the largest values are finite.
            valid = np.where(np.isfinite(power) & (linear | (power > 0)), power, np.nan).astype(np.float64)
            line.set_data(frequencies_of(job), valid)
            line.set_label(name)
            shown.append(valid)
        for n, line in enumerate(self.lines):
            line.set_visible(n < len(shown))
        self.spectrum.legend(self.lines[: len(shown)], list(job.spectra)[: len(shown)], loc="upper right")
        values = np.concatenate(shown) if shown else np.empty(0)
        values = values[np.isfinite(values)]
        # Without valid values, do not keep the limits of the previous figure.
        limits = (float(values.min()), float(values.max())) if values.size else (-1.0, 1.0) if linear else (1, 10)
        self._set_limits(*limits, linear=linear)
        mhz = frequencies_of(job)
        first, last = float(mhz[0]), float(mhz[-1])
        self.spectrum.set_xlim(*((first, last) if first < last else band_edges(mhz, job.alone_mhz)))
        empty = "" if values.size else ", no numbers"
        # A mean of all rows has no single time.
        moment = "" if job.note else f", {_clock(float(job.times_s[-1]))} UTC, {_lag(job.lag_s)}"
        self.spectrum.set_title(f"{job.heading}{moment}{empty}", y=_TITLE_Y)

    def _set_limits(self, minimum: float, maximum: float, *, linear: bool) -> None:
        if linear:
            room = 0.1 * (maximum - minimum) or max(1.0, 0.1 * abs(maximum))
            self.spectrum.set_ylim(minimum - room, maximum + room)
        else:
            self.spectrum.set_ylim(minimum / 1.5, maximum * 1.5)

    def _draw_waterfall(self, job: PlotJob, image: NDArray[np.float32], columns: Columns, *, timed: bool) -> None:
        levels = job.levels or image_levels(image, columns, signed=job.signed)
        left, right, low, high = set_waterfall(self.waterfall, job, image, columns, levels, timed=timed)
        self.colour_bar.set_label(_colour_label(job))
        restarts = job.restarts_s / DAY_S if timed else np.empty(0)
        self.restarts.set_data(np.repeat(restarts, 3), np.tile([0.0, 1.0, np.nan], len(restarts)))
        self._labels.set_limits(left, right, timed=timed)
        self.time_axes.set_ylim(low, high)
        self.time_axes.set_title(f"waterfall of {_shown(job)}, {_rows(job, columns)}, {_lag(job.lag_s)}", y=_TITLE_Y)

    def png(self) -> bytes:
        """Return the figure as a PNG of 256 colours."""
        return encode_png(self.canvas)

    def save(self, path: Path) -> int:
        """Write a PNG atomically and return its size in bytes."""
        picture = self.png()
        with atomic_write(path) as temporary:
            temporary.write_bytes(picture)
        return len(picture)


def frequencies_of(job: PlotJob) -> NDArray[np.float64]:
    """Return bin centres in MHz, or numbers if these cannot be drawn."""
    mhz = job.frequencies_mhz
    return mhz if np.abs(mhz[[0, -1]]).max() < _MAX_FREQUENCY_MHZ else np.arange(len(mhz), dtype=np.float64)


def band_edges(frequencies_mhz: NDArray[np.float64], alone_mhz: float = 1.0) -> tuple[float, float]:
    """Return the edges of the band, half a bin outside it.

    A band of one bin is `alone_mhz` wide.
    """
    first, last = float(frequencies_mhz[0]), float(frequencies_mhz[-1])
    half = (last - first) / max(1, 2 * (len(frequencies_mhz) - 1))
    # Far from zero, the width of a narrow band is lost in double precision.
    half = half if first - half < last + half else max(alone_mhz / 2, 1e-6 * abs(first))
    return first - half, last + half


def bin_edges(frequencies_mhz: NDArray[np.float64], alone_mhz: float = 1.0) -> NDArray[np.float64]:
    """Return the edges of the bins, halfway between their centres.

    Evenly spaced if the centres do not ascend.
    """
    low, high = band_edges(frequencies_mhz, alone_mhz)
    edges = np.concatenate([[low], (frequencies_mhz[1:] + frequencies_mhz[:-1]) / 2, [high]])
    return edges if (np.diff(edges) > 0).all() else np.linspace(low, high, len(frequencies_mhz) + 1)


def _rows(job: PlotJob, columns: Columns) -> str:
    count = len(job.times_s) if job.rows_received is None else job.rows_received
    joined = f", means of {job.rows_per_slot}" if job.rows_per_slot > 1 else ""
    # Rows covered by later ones of the same time, and rows too far from the newest.
    hidden = len(job.times_s) - len(np.unique(columns.rows[columns.rows != GAP]))
    left_out = f", {min(count, hidden * job.rows_per_slot)} not shown" if hidden else ""
    return f"{count} {'row' if count == 1 else 'rows'}{joined}{left_out}"


def _title(job: PlotJob, span: str) -> str:
    counted = "nothing missing" if job.frames_missing == 0 else f"{job.frames_missing} frames missing"
    losses = job.note or ("losses unknown" if job.frames_missing is None else counted)
    cadence = f"cadence {job.cadence_s:.4f} s" if math.isfinite(job.cadence_s) else "cadence unknown"
    station = printable(job.station, _MAX_STATION_CHARACTERS)
    return f"{station}  {_shown(job)}  {span}\n{_lag(job.lag_s)}, {cadence}, {losses}"


def _shown(job: PlotJob) -> str:
    """Return the waterfall's product, noting a removed background."""
    return f"{job.product}, {REMOVED}" if job.remove_background else job.product


def _colour_label(job: PlotJob) -> str:
    if job.remove_background:
        return f"{job.product} above background" + ("" if job.signed else " [dB]")
    if job.signed:
        return _linear_label(job)
    return "power [dB, arbitrary zero]" if job.unit == ARBITRARY else f"power [{level_unit(job.unit)}]"


def time_span(columns: Columns) -> str:
    """Return the dates and times of the first and the last edge."""
    begin_s, end_s = columns.edges_s[[0, -1]].tolist()
    first, last = datetime.fromtimestamp(begin_s, UTC), datetime.fromtimestamp(end_s, UTC)
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} to {until} UTC"


def _clock(unix_s: float) -> str:
    return format_clock(unix_s) if 0 <= unix_s < _MAX_TIME_S else format_clock(math.nan)


def _linear_label(job: PlotJob) -> str:
    return "V/I" if job.product == Product.V_OVER_I else f"{job.product} [{_unit(job.unit)}]"


def _unit(unit: str) -> str:
    return "arbitrary units" if unit == ARBITRARY else unit


def _lag(lag_s: float | None) -> str:
    if lag_s is None:
        return "recorded"
    return f"lag {lag_s:.3f} s" if math.isfinite(lag_s) else "lag unknown"
