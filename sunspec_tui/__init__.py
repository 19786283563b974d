"""A monitor for the live solar beam of the OVRO-LWA radio telescope.

The names below are the public API. They load on first use, so that importing the package
costs nothing and a script that wants only the producer never loads the receiver.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from sunspec_tui.core.version import __version__

if TYPE_CHECKING:
    from sunspec_tui.core.frame import Frame
    from sunspec_tui.core.rebinning import rebinned
    from sunspec_tui.core.recording import Recording
    from sunspec_tui.core.ring_buffer import RingBuffer
    from sunspec_tui.core.times import lwa_time_tag_to_datetime
    from sunspec_tui.files.archive.block_reader import overview
    from sunspec_tui.files.archive.reader import open_archive
    from sunspec_tui.files.read import read_recording
    from sunspec_tui.files.write import export
    from sunspec_tui.files.xarray_dataset import to_dataset
    from sunspec_tui.plots.plot_window import plot_window
    from sunspec_tui.producer.streaming_op import AvgStreamingOp
    from sunspec_tui.receiver import StreamReceiver
    from sunspec_tui.stream.frame_iterator import Row

__all__ = [
    "AvgStreamingOp",
    "Frame",
    "Recording",
    "RingBuffer",
    "Row",
    "StreamReceiver",
    "__version__",
    "export",
    "lwa_time_tag_to_datetime",
    "open_archive",
    "overview",
    "plot_window",
    "read_recording",
    "rebinned",
    "to_dataset",
]

_MODULES = {
    "AvgStreamingOp": "sunspec_tui.producer.streaming_op",
    "Frame": "sunspec_tui.core.frame",
    "RingBuffer": "sunspec_tui.core.ring_buffer",
    "Row": "sunspec_tui.stream.frame_iterator",
    "StreamReceiver": "sunspec_tui.receiver",
    "Recording": "sunspec_tui.core.recording",
    "export": "sunspec_tui.files.write",
    "lwa_time_tag_to_datetime": "sunspec_tui.core.times",
    "open_archive": "sunspec_tui.files.archive.reader",
    "overview": "sunspec_tui.files.archive.block_reader",
    "plot_window": "sunspec_tui.plots.plot_window",
    "read_recording": "sunspec_tui.files.read",
    "rebinned": "sunspec_tui.core.rebinning",
    "to_dataset": "sunspec_tui.files.xarray_dataset",
}


def __dir__() -> list[str]:
    return sorted(__all__)


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_MODULES[name]), name)
    _enable_figures()
    return found


def _enable_figures() -> None:
    """Let notebooks show recordings as figures, once recordings are loaded."""
    if "sunspec_tui.core.recording" in sys.modules:
        from sunspec_tui.plots.notebook import enable_notebook_figures

        enable_notebook_figures()
