"""The figure: latest spectrum above, waterfall below. The only module that imports matplotlib.

One `Figure` on an Agg canvas is kept and its artists are updated, which is ten times faster than a figure
made anew. No pyplot, so no figure is ever left behind and no display is asked for.
"""

import math
import os
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from sunspec_tui.plots import PlotJob
from sunspec_tui.scaling import Levels, auto_levels, middle_of_band, to_db
from sunspec_tui.times import format_clock

SIZE_INCHES = (12, 10)
DOTS_PER_INCH = 150
_DAY_S = 86_400.0
_NO_DATA_COLOUR = "#c9c9cf"
# History that a long silence has torn apart is not drawn at full width: the newest part counts.
_MOST_SLOTS_PER_ROW = 4
_LEAST_SLOTS = 1200


def slot_image(job: PlotJob) -> tuple[NDArray[np.float32], float, float]:
    """Rows on their even time axis.

    Returns
    -------
    (image, start_s, end_s)
        Power of shape (nbins, nslots), NaN where a row is missing or a value is not positive; and the times of the
        image's left and right edges, seconds since 1970.
    """
    places = job.slots - job.slots[-1]
    span = int(min(1 - places[0], max(_MOST_SLOTS_PER_ROW * len(places), _LEAST_SLOTS)))
    places = places + span - 1
    kept = places >= 0
    image = np.full((job.data.shape[1], span), np.nan, np.float32)
    image[:, places[kept]] = job.data[kept].T
    image[~(image > 0) | np.isinf(image)] = np.nan
    cadence_s = job.cadence_s if job.cadence_s > 0 else 1.0
    # The first kept row's own time fixes the left edge, the newest row's the right one.
    first_s = float(job.times_s[kept][0]) - (int(places[kept][0]) + 1) * cadence_s
    return image, first_s, float(job.times_s[-1])


def image_levels(image: NDArray[np.float32]) -> Levels:
    """Colour levels in dB, from percentiles of the middle of the band; some where nothing is valid."""
    return auto_levels(middle_of_band(to_db(image.T))) or Levels(0.0, 10.0)


class SpectrumFigure:
    """Two panels that are drawn again and again.

    Attributes
    ----------
    figure
        The matplotlib figure, 12 x 10 inches at 150 dots an inch.
    spectrum, waterfall
        Axes of the upper panel, and the image of the lower one.
    """

    def __init__(self) -> None:
        # The user's own matplotlibrc must not change what the night shift finds.
        mpl.rcdefaults()
        self.figure = Figure(figsize=SIZE_INCHES, dpi=DOTS_PER_INCH)
        self.canvas = FigureCanvasAgg(self.figure)
        upper = self.figure.add_axes((0.07, 0.60, 0.84, 0.28))
        lower = self.figure.add_axes((0.07, 0.06, 0.84, 0.44))
        self.spectrum, self.time_axes = upper, lower
        upper.set_yscale("log")
        upper.set_xlabel("frequency [MHz]")
        upper.set_ylabel("power [arbitrary units]")
        upper.grid(visible=True, which="both", alpha=0.3)
        # YY is drawn wider and below, so that it shows where both are the same.
        (yy,) = upper.plot([], [], lw=2.4, color="tab:orange", alpha=0.6, label="YY")
        (xx,) = upper.plot([], [], lw=0.9, color="tab:blue", label="XX")
        self.lines = {"XX": xx, "YY": yy}
        palette = mpl.colormaps["viridis"].with_extremes(bad=_NO_DATA_COLOUR)
        self.waterfall = lower.imshow(
            np.full((1, 1), np.nan), norm=LogNorm(1, 10), cmap=palette, aspect="auto", origin="lower",
            interpolation="nearest",
        )  # fmt: skip
        lower.set_xlabel("time [UTC]")
        lower.set_ylabel("frequency [MHz]")
        lower.xaxis.set_major_locator(AutoDateLocator(tz=UTC, minticks=4, maxticks=9))  # type: ignore[no-untyped-call]
        lower.xaxis.set_major_formatter(DateFormatter("%H:%M:%S", tz=UTC))  # type: ignore[no-untyped-call]
        self.colour_bar = self.figure.colorbar(
            self.waterfall, cax=self.figure.add_axes((0.92, 0.06, 0.015, 0.44)), label="power [arbitrary units]"
        )

    def draw(self, job: PlotJob) -> None:
        """Show a job's data; what was shown before is replaced."""
        self._draw_spectrum(job)
        self._draw_waterfall(job)
        first, last = (datetime.fromtimestamp(float(job.times_s[i]), UTC) for i in (0, -1))
        losses = f"{job.frames_missing} frames missing" if job.frames_missing else "nothing missing"
        cadence = f"cadence {job.cadence_s:.4f} s" if math.isfinite(job.cadence_s) else "cadence unknown"
        self.figure.suptitle(
            f"{job.station}  {job.product}  {first:%Y-%m-%d %H:%M:%S} to {last:%H:%M:%S} UTC\n"
            f"{_lag(job.lag_s)}, {cadence}, {losses}",
            fontsize=12,
        )

    def _draw_spectrum(self, job: PlotJob) -> None:
        shown = []
        for name, line in self.lines.items():
            power = job.spectra.get(name)
            line.set_visible(power is not None)
            if power is not None:
                valid = np.where(np.isfinite(power) & (power > 0), power, np.nan)
                line.set_data(job.frequencies_mhz, valid)
                shown.append(valid)
        self.spectrum.legend([self.lines[name] for name in job.spectra], list(job.spectra), loc="upper right")
        values = np.concatenate(shown) if shown else np.empty(0)
        values = values[np.isfinite(values)]
        if values.size:
            self.spectrum.set_ylim(float(values.min()) / 1.5, float(values.max()) * 1.5)
        self.spectrum.set_xlim(float(job.frequencies_mhz[0]), float(job.frequencies_mhz[-1]))
        self.spectrum.set_title(f"latest spectrum, {format_clock(float(job.times_s[-1]))} UTC, {_lag(job.lag_s)}")

    def _draw_waterfall(self, job: PlotJob) -> None:
        image, start_s, end_s = slot_image(job)
        levels = image_levels(image)
        half = (job.frequencies_mhz[-1] - job.frequencies_mhz[0]) / max(1, 2 * (len(job.frequencies_mhz) - 1))
        low, high = float(job.frequencies_mhz[0] - half), float(job.frequencies_mhz[-1] + half)
        self.waterfall.set_data(np.ma.masked_invalid(image))
        self.waterfall.set_extent((start_s / _DAY_S, end_s / _DAY_S, low, high))
        self.waterfall.set_clim(10 ** (levels.low / 10), 10 ** (levels.high / 10))
        self.time_axes.set_xlim(start_s / _DAY_S, end_s / _DAY_S)
        self.time_axes.set_ylim(low, high)
        self.time_axes.set_title(f"waterfall of {job.product}, {len(job.times_s)} rows, {_lag(job.lag_s)}")

    def save(self, path: Path) -> int:
        """Write a PNG of 256 colours under its final name in one step; returns its size in bytes."""
        self.canvas.draw()  # type: ignore[no-untyped-call]
        pixels = np.asarray(self.canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        picture = Image.fromarray(pixels[..., :3])
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            paletted = picture.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            paletted.save(temporary, format="PNG", compress_level=6)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return path.stat().st_size


def _lag(lag_s: float) -> str:
    return f"lag {lag_s:.3f} s" if math.isfinite(lag_s) else "lag unknown"
