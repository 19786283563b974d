"""A monitor for the live solar beam of the OVRO-LWA radio telescope.

The names below are the public API. They load on first use, so that importing the package
costs nothing and a script that wants only the producer never loads the receiver.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sunspec_tui.frame import Frame
    from sunspec_tui.receiver import StreamReceiver
    from sunspec_tui.ring import RingBuffer
    from sunspec_tui.streaming import AvgStreamingOp

__version__ = "0.1.0"
__all__ = ["AvgStreamingOp", "Frame", "RingBuffer", "StreamReceiver", "__version__"]

_HOMES = {
    "AvgStreamingOp": "sunspec_tui.streaming",
    "Frame": "sunspec_tui.frame",
    "RingBuffer": "sunspec_tui.ring",
    "StreamReceiver": "sunspec_tui.receiver",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
