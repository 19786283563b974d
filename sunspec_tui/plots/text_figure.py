"""Draw the spectrum as text, for headless runs, snapshots and mails.

plotext draws it, and is imported with the first figure.
"""

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.flux_scale import ARBITRARY, level_unit
from sunspec_tui.core.levels import Levels, to_db

_MARKERS = ("braille", "dot")


def text_figure(
    frequencies_mhz: NDArray[np.float64],
    spectra: dict[str, NDArray[np.float32]],
    *,
    title: str,
    linear: bool = False,
    levels: Levels | None = None,
    unit: str = ARBITRARY,
    width: int = 80,
    height: int = 20,
) -> str:
    """Draw spectra over MHz as plain text without colours.

    Parameters
    ----------
    frequencies_mhz
        Centres of the bins, shape (nbins,).
    spectra
        Linear power by name, each of shape (nbins,); in dB, values that are not positive are omitted.
    title
        Line above the figure.
    linear
        True for linear power, such as that of signed products; else dB.
    levels
        Limits of the power axis; None for automatic limits.
    unit
        Unit of the powers; that of a ratio, which has none, is `ARBITRARY`.
    width, height
        Size of the figure in cells.
    """
    import plotext
    from rich.text import Text

    linear_label = "linear power" if unit == ARBITRARY else f"power in {unit}"
    _begin_figure(title, linear_label if linear else level_unit(unit), width, height)
    if levels is not None:
        plotext.ylim(levels.low, levels.high)
    if not _draw_spectra(frequencies_mhz, spectra, linear=linear):
        return f"{title}\nno valid values to draw"
    lines = Text.from_ansi(str(plotext.build())).plain.splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _begin_figure(title: str, power_label: str, width: int, height: int) -> None:
    """Begin an empty figure without colours."""
    import plotext

    plotext.clear_figure()
    plotext.theme("clear")
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.title(title)
    plotext.xlabel("MHz")
    plotext.ylabel(power_label)


def _draw_spectra(
    frequencies_mhz: NDArray[np.float64], spectra: dict[str, NDArray[np.float32]], *, linear: bool
) -> bool:
    """Draw spectra; return True if one has a valid value."""
    import plotext

    drawn = False
    for marker, (name, power) in zip(_MARKERS, spectra.items(), strict=False):
        values = power if linear else to_db(power)
        valid = np.isfinite(values)
        if valid.any():
            plotext.plot(frequencies_mhz[valid].tolist(), values[valid].tolist(), marker=marker, label=name)
            drawn = True
    return drawn
