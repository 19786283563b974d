"""Derive shape and type of a message's payload from its header.

The keys may be missing, and then follow from the others and from the payload's length. The payload is copied only if it
must be averaged. A payload that does not fit its header raises `RejectedMessage`.
"""

import marshal
import math
import re
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.header_values import header_count
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.usual_frames import USUAL_NCHAN

MAX_NCHAN = 65_536
"""More channels than any producer has: a header with more would request a ring of many gigabytes."""

_POLARISATIONS = (1, 2, 4)
# Names that numpy accepts without a warning. Their type is checked later, because "long" depends on the machine.
_TYPE_NAME = re.compile(
    r"[<>=|]?(?:[fiu][1248]|[bBhHiIlLqQpPnNefd]|u?int(?:8|16|32|64)?|float(?:16|32|64)?|half|single|double"
    r"|u?byte|u?short|u?intc|u?intp|u?long|u?longlong)"
)
# The axes of a payload, outermost first; a shorter shape lacks the outer ones.
_AXES = ("ntime", "nbeam", "nchan", "npol")
_PLAIN_MARSHAL = 2  # the version without references: its bytes depend on the values alone
_LAYOUT_KEYS = ("nbeam", "nchan", "npol", "data_shape", "data_type")


def payload_array(header: dict[str, Any], payload: bytes | memoryview) -> NDArray[Any]:
    """Return the payload, shape (nbeam, nchan, npol).

    A leading time axis is averaged.
    """
    # The layout keys are the same from frame to frame, so their parsed layout is cached. The cache key is marshalled,
    # because marshal distinguishes 1 from 1.0 and true. A missing key is an ellipsis, which JSON cannot contain.
    get = header.get
    nbeam, nchan, npol, data_shape, data_type = _LAYOUT_KEYS
    stated = (get(nbeam, ...), get(nchan, ...), get(npol, ...), get(data_shape, ...), get(data_type, ...))
    dtype, shape = payload_layout(marshal.dumps(stated, _PLAIN_MARSHAL), len(payload))
    values: NDArray[Any] = np.ndarray(shape, dtype, payload)
    if len(shape) == 4:
        values = values[0] if shape[0] == 1 else _mean_spectrum(values)
    return values


def _mean_spectrum(values: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over the leading time axis."""
    # No warnings: invalid values and overflows appear as bad values in the result.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.mean(axis=0))


@lru_cache(maxsize=64)
def payload_layout(stated: bytes, nbytes: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape of a payload of `nbytes`.

    `stated` are the marshalled values of `_LAYOUT_KEYS`.
    """
    values = zip(_LAYOUT_KEYS, marshal.loads(stated), strict=True)  # noqa: S302 - marshalled here
    header = {key: value for key, value in values if value is not ...}
    name = header.get("data_type", "<f4")
    if type(name) is not str:
        raise RejectedMessage(RejectCause.DATA_TYPE, f"data_type is {short_repr(name)}, not a text")
    dtype = _data_type(name)
    size, rest = divmod(nbytes, dtype.itemsize)
    if rest:
        detail = f"payload of {nbytes} bytes is not a whole number of {name}"
        raise RejectedMessage(RejectCause.PAYLOAD_LENGTH, detail)
    shape = _shape(header, size)
    if math.prod(shape) != size:
        raise RejectedMessage(RejectCause.PAYLOAD_LENGTH, f"payload of {size} values, but the header says {shape}")
    if shape[-2] > MAX_NCHAN:
        raise RejectedMessage(RejectCause.SHAPE, f"{shape[-2]} channels, over {MAX_NCHAN}")
    return dtype, shape


def _data_type(name: str) -> np.dtype[Any]:
    """Return the numpy type of ``data_type``, a real number."""
    unknown = RejectedMessage(RejectCause.DATA_TYPE, f"data_type {name[:40]!r} is not known")
    if not _TYPE_NAME.fullmatch(name):
        raise unknown
    try:
        dtype = np.dtype(name)
    except (TypeError, ValueError) as error:
        raise unknown from error
    if dtype.kind not in "fiu" or dtype.itemsize > 8:
        raise RejectedMessage(RejectCause.DATA_TYPE, f"data_type {name!r} is not a real number of at most 8 bytes")
    return dtype


def _shape(header: dict[str, Any], size: int) -> tuple[int, ...]:
    """Return the shape of a payload of `size` values.

    It comes from ``data_shape``, else from nbeam, nchan and npol, else from `size`.
    """
    named = {axis: header_count(header, axis, least=1) for axis in _AXES[1:]}
    npol = named["npol"]
    if npol is not None and npol not in _POLARISATIONS:
        raise RejectedMessage(RejectCause.SHAPE, f"npol is {npol}, not 1, 2 or 4")
    if "data_shape" in header:
        return _stated_shape(header["data_shape"], named)
    nbeam = named["nbeam"] or 1
    nchan = named["nchan"]
    if npol is None:
        npol = _guess_npol(size, nbeam, nchan)
    return nbeam, nchan or size // (nbeam * npol), npol


def _guess_npol(size: int, nbeam: int, nchan: int | None) -> int:
    """Return the npol that gives a whole number of channels.

    Try the usual 3072 channels first.
    """
    npol = size / (nbeam * (nchan or USUAL_NCHAN))
    if npol in _POLARISATIONS:
        return int(npol)
    return next(npol for npol in (4, 2, 1) if size % (nbeam * npol) == 0 or npol == 1)


def _stated_shape(stated: object, named: dict[str, int | None]) -> tuple[int, ...]:
    """Return ``data_shape`` with all axes.

    They are (nbeam, nchan, npol), with ntime in front if it has one.
    """
    if type(stated) is not list or not all(type(length) is int for length in stated):
        raise RejectedMessage(
            RejectCause.HEADER_TYPE, f"data_shape is {short_repr(stated)}, not a list of whole numbers"
        )
    if not 1 <= len(stated) <= 4 or min(stated) < 1:
        raise RejectedMessage(RejectCause.SHAPE, f"data_shape {short_repr(stated)} is not (ntime, nbeam, nchan, npol)")
    shape = _with_all_axes(stated)
    for axis, length in zip(_AXES[1:], shape[-3:], strict=True):
        if named[axis] not in (None, length):
            raise RejectedMessage(RejectCause.SHAPE, f"data_shape {short_repr(stated)}, but {axis} is {named[axis]}")
    if shape[-1] not in _POLARISATIONS:
        raise RejectedMessage(
            RejectCause.SHAPE, f"data_shape {short_repr(stated)} has {shape[-1]} products, not 1, 2 or 4"
        )
    return shape


def _with_all_axes(stated: list[int]) -> tuple[int, ...]:
    """Add missing axes, of length 1.

    A shape of one axis is (nchan,), one of two is (nchan, npol).
    """
    if len(stated) == 1:
        return 1, stated[0], 1
    return tuple([1] * (3 - len(stated)) + stated)
