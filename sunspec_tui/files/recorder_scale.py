"""Names and scale of the products in a recorder's HDF5 file.

The stream carries sums of `NAVG` spectra. The recorder's files hold them divided by `NAVG`, which is 13.8 dB less, and
its Stokes parameters are sums: I is XX + YY, twice ours. Files are read and written in the recorder's scale; powers in
memory have that of the stream. A power that is written and read again changes at most in the last bit of a float32.
"""

from typing import Any

from sunspec_tui.core.products import Product, plain_name

NAVG = 24
"""Spectra that the recorder averages into one."""

NAVG_ATTRIBUTE = "sunspec_navg"
"""Attribute of exports in the recorder's scale; exports of version 0.1.0 lack it and hold the stream's powers."""

LENGTHS = "sunspec_lengths"
"""Dataset beside the times of an export whose rows change their cadence: the seconds that each row averages."""

UNITS_ATTRIBUTE = "sunspec_units"
_STOKES = (Product.I, Product.Q, Product.U, Product.V)
_OTHER_NAMES = {Product.XY_REAL: ("CR", "XYR"), Product.XY_IMAG: ("CI", "XYI")}


def file_names(product: Product) -> tuple[str, ...]:
    """Return the names of a product's dataset, the recorder's usual name first."""
    names = (plain_name(product), *_OTHER_NAMES.get(product, ()))
    return (*names, *(name.lower() for name in names))


def is_export(file: Any) -> bool:
    """Return True if this program wrote the file."""
    return UNITS_ATTRIBUTE in file.attrs


def factor(file: Any, product: Product) -> int:
    """Return the factor from a file's scale to the stream's."""
    return 1 if is_export(file) and NAVG_ATTRIBUTE not in file.attrs else divisor(product)


def divisor(product: Product) -> int:
    """Return the divisor from the stream's scale to the recorder's."""
    if product is Product.V_OVER_I:
        return 1
    return NAVG // 2 if product in _STOKES else NAVG
