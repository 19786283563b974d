"""Convert sRGB colours to CIELAB and to relative luminance.

The white point is D65, that of sRGB. Pure functions.
"""

import numpy as np
from numpy.typing import NDArray

# Rows: X, Y and Z of the primaries red, green and blue; IEC 61966-2-1.
_XYZ_OF_RGB = np.array([
    [0.4123908, 0.3575843, 0.1804808],
    [0.2126390, 0.7151687, 0.0721923],
    [0.0193308, 0.1191948, 0.9505322],
])  # fmt: skip
_WHITE = _XYZ_OF_RGB.sum(axis=1)
# Below this share of white, CIELAB is linear instead of a cube root.
_LINEAR_BELOW = (6 / 29) ** 3


def linear_rgb(rgb: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return intensities, 0 to 1, of sRGB colours of 8 bits."""
    share = np.asarray(rgb, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def luminance(rgb: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the relative luminance Y of sRGB colours, from 0 to 1."""
    return np.asarray(linear_rgb(rgb) @ _XYZ_OF_RGB[1])


def cielab(rgb: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return L*, a* and b* of sRGB colours.

    Parameters
    ----------
    rgb
        Red, green and blue from 0 to 255, shape (..., 3).

    Returns
    -------
    numpy.ndarray
        float64 of the same shape; L* is from 0 (black) to 100 (white).
    """
    ratio = linear_rgb(rgb) @ _XYZ_OF_RGB.T / _WHITE
    bent = np.where(ratio > _LINEAR_BELOW, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(bent, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def luminance_of_lightness(lightness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the relative luminance Y of values of L*."""
    return np.where(lightness > 8, ((lightness + 16) / 116) ** 3, lightness * (3 / 29) ** 3)


def contrast_ratios(colours: NDArray[np.integer], ground: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the contrast of each sRGB colour with a ground.

    It is from 1 to 21, as the Web Content Accessibility Guidelines define it.
    """
    one, other = luminance(colours) + 0.05, luminance(ground) + 0.05
    return np.maximum(one, other) / np.minimum(one, other)


def contrast_ratio(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Return the contrast of two sRGB colours, from 1 to 21."""
    return float(contrast_ratios(one, other))
