"""Flux scale: factors that turn received powers into flux density in sfu.

A scale is one factor, or a factor per frequency. The ring and the archive keep powers as received; they are multiplied
when rows are read to be shown or exported. A ratio such as V/I has no unit. Bins outside a scale's frequencies have no
values, of any product.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.bounded_read import read_bounded
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import printable_name, quote_untrusted
from sunspec_tui.core.products import Product
from sunspec_tui.core.view_options import FLUX_FACTORS, check_flux_scale, is_number_text

if TYPE_CHECKING:
    from sunspec_tui.core.recording import Recording

ARBITRARY, SFU = "arbitrary", "sfu"
"""Units of power: as received, and solar flux units (1e-22 W/m2/Hz)."""

MAX_SCALE_BYTES, MAX_SCALE_LINES = 4 * 2**20, 100_000
"""Largest file of a scale."""

_MAX_MHZ = 1e6
_OPTION = "--flux-scale"


@dataclass(frozen=True, eq=False)
class FluxScale:
    """Factors from received power to sfu.

    Attributes
    ----------
    frequencies_mhz
        Frequencies of the factors, ascending, shape (n,); empty for one factor at all frequencies.
    factors
        Factor at each frequency, shape (n,), or (1,) for one factor.
    name
        The number, or the name of the file, for users.
    """

    frequencies_mhz: NDArray[np.float64]
    factors: NDArray[np.float64]
    name: str

    @property
    def digest(self) -> str:
        """Short hash of the factors.

        A file of the same name may change.
        """
        return hashlib.sha256(self.frequencies_mhz.tobytes() + self.factors.tobytes()).hexdigest()[:16]

    def bins_outside(self, frequencies_mhz: NDArray[np.float64]) -> int:
        """Return the number of bins that have no factor."""
        return int(np.isnan(self.at(frequencies_mhz)).sum())

    def at(self, frequencies_mhz: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the factor of each frequency; NaN outside the scale.

        Between two frequencies of the scale, it is interpolated linearly.
        """
        if not len(self.frequencies_mhz):
            return np.full(len(frequencies_mhz), self.factors[0], np.float32)
        found = np.interp(frequencies_mhz, self.frequencies_mhz, self.factors, left=math.nan, right=math.nan)
        return found.astype(np.float32)


def scale_power(
    power: NDArray[np.float32], factors: NDArray[np.float32], product: Product | None
) -> NDArray[np.float32]:
    """Return powers in sfu.

    Parameters
    ----------
    power
        Power as received, shape (n, nbins), or (n, nbins, nproducts) if `product` is None.
    factors
        Factor of each bin, shape (nbins,).
    product
        Product of the powers; a ratio is not scaled. None for the products of the wire.
    """
    if product is None:
        return power * factors[:, None]
    return power + np.float32(0) * factors if product is Product.V_OVER_I else power * factors


def scale_recording(recording: "Recording", scale: FluxScale | None) -> "Recording":
    """Return a recording in sfu; unchanged without a scale.

    Raises
    ------
    UsageError
        If its powers are in sfu already.
    """
    if scale is None:
        return recording
    check_not_scaled(recording.unit)
    factors, data = scale.at(recording.frequencies_hz / 1e6), recording.data
    scaled = [scale_power(data[..., i], factors, product) for i, product in enumerate(recording.products)]
    return replace(recording, data=np.stack(scaled, axis=-1) if scaled else data, unit=SFU)


def check_not_scaled(unit: str) -> None:
    """Refuse to scale powers a second time.

    Raises
    ------
    UsageError
        If their unit is sfu already.
    """
    if unit != ARBITRARY:
        raise UsageError(f"the powers are in {unit} already; leave {_OPTION} out")


def unit_of(product: Product, unit: str) -> str:
    """Return the unit of a product; a ratio has none."""
    return "1" if product is Product.V_OVER_I and unit != ARBITRARY else unit


def unit_words(unit: str) -> str:
    """Return a unit of power for sentences."""
    return "an arbitrary unit" if unit == ARBITRARY else unit


def level_unit(unit: str) -> str:
    """Return the unit of logarithmic powers."""
    return "dB" if unit == ARBITRARY else f"dB({unit})"


# Reading a scale


def load_flux_scale(text: str | Path | float | FluxScale | None) -> FluxScale | None:
    """Return the scale that an option names: a number, or a file.

    The file has two columns, MHz and factor, separated by white space, comma or semicolon. ``#`` begins a comment; one
    line of names before the numbers is allowed.

    Raises
    ------
    UsageError
        If the number or the file cannot be used.
    """
    if text is None or isinstance(text, FluxScale):
        return text
    name = str(text)
    check_flux_scale(name)
    if is_number_text(name):
        return FluxScale(np.empty(0), np.array([float(name)]), name)
    try:
        content = read_bounded(Path(name).expanduser(), MAX_SCALE_BYTES).decode("utf-8-sig")
    except (OSError, RuntimeError, ValueError) as error:
        why = (
            "it is not UTF-8 text"
            if isinstance(error, UnicodeDecodeError)
            else getattr(error, "strerror", None) or error
        )
        raise UsageError(f"{_OPTION} {printable_name(name)} cannot be read: {why}; give a file or a number") from error
    try:
        return _parsed(content, printable_name(Path(name).name))
    except ValueError as error:
        raise UsageError(f"{_OPTION} {printable_name(name)}: {error}; each line needs MHz and factor") from error


def _parsed(content: str, name: str) -> FluxScale:
    """Return the scale of a file's text.

    A `ValueError` says what is wrong with it.
    """
    lines = content.splitlines()
    if len(lines) > MAX_SCALE_LINES:
        raise ValueError(f"it has more than {MAX_SCALE_LINES} lines")
    pairs: list[tuple[float, float]] = []
    may_be_names = True
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if words:
            pair = _pair(words)
            if pair is None and not may_be_names:
                raise ValueError(f"line {number} is {quote_untrusted(line)}")
            pairs += [] if pair is None else [pair]
            may_be_names = False
    if not pairs:
        raise ValueError("it has no factors")
    mhz, factors = (np.array(column) for column in zip(*pairs, strict=True))
    _check_columns(mhz, factors)
    return FluxScale(mhz, factors, name)


def _pair(words: list[str]) -> tuple[float, float] | None:
    """Return the numbers of a line; None for anything but two numbers."""
    try:
        mhz, factor = (float(word) for word in words)
    except ValueError:
        return None
    return mhz, factor


def _check_columns(mhz: NDArray[np.float64], factors: NDArray[np.float64]) -> None:
    if not ((mhz >= 0) & (mhz <= _MAX_MHZ)).all():
        raise ValueError(f"a frequency is not between 0 and {_MAX_MHZ:g} MHz")
    if not (np.diff(mhz) > 0).all():
        raise ValueError("its frequencies do not ascend")
    if not ((factors >= FLUX_FACTORS[0]) & (factors <= FLUX_FACTORS[1])).all():
        raise ValueError(f"a factor is not between {FLUX_FACTORS[0]:g} and {FLUX_FACTORS[1]:g}")
