"""From a frame to the message that carries it: the other direction of `frame`.

Values only: nothing here sends anything.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Message = list[bytes]
"""Topic, header and payload."""

Encode = Callable[[dict[str, Any], NDArray[np.float32]], Iterable[Message]]
"""From a frame's header and its mean, shape (nbeam, nchan, npol), to the messages that are sent for it."""


def encode(header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
    """One message: the topic ``data``, the header as JSON, the mean as it lies in memory."""
    return ([b"data", json.dumps(header).encode(), mean.tobytes()],)
