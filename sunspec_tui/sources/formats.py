"""Headers as producers of other years wrote them, for receivers that must bear them all.

Pure functions from the newest header to an older one; the payload is the same in all of them.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.encoding import Encode, Message, encode

_IN_2025_08 = ("time_tag", "nbeam", "nchan", "npol", "timestamp", "data_shape")
_MINIMAL = ("nchan", "npol")


def _of_2025_08(header: dict[str, Any]) -> dict[str, Any]:
    """No type of the data, no numbers of frames, no first channel; the end of the data under its older name."""
    return {key: header[key] for key in _IN_2025_08} | {"lwa_time": header["last_block_time"]}


def _minimal(header: dict[str, Any]) -> dict[str, Any]:
    """The shape, and when it was sent, as a number."""
    return {key: header[key] for key in _MINIMAL} | {"timestamp": float(header["timestamp"])}


FORMATS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "today": dict,
    "2025-08": _of_2025_08,
    "minimal": _minimal,
}
"""Header of a form from the newest one, by the form's name."""


def encode_as(form: str) -> Encode:
    """What sends frames in the form of that name."""
    rewritten = FORMATS[form]

    def encode_form(header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
        return encode(rewritten(header), mean)

    return encode_form
