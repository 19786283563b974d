"""Names of the project at present and earlier places.

So one bench measures several revisions.

``from homes import decode`` finds the name in the revision that is on the path.
"""

from importlib import import_module
from typing import Any

# For each name: its present place, then its places in earlier revisions.
HOMES = {
    "ArchiveStore": ("files.archive.store.ArchiveStore", "writers.store.ArchiveStore"),
    "CHANNEL_WIDTH_HZ": ("core.instrument.CHANNEL_WIDTH_HZ", "times.CHANNEL_WIDTH_HZ"),
    "DelayChoice": ("stream.ingest.DelayChoice", "intake.DelayChoice"),
    "DelayMethod": ("stream.message_delay.DelayMethod", "delay.DelayMethod"),
    "FrameIngester": ("stream.ingest.FrameIngester", "intake.Intake"),
    "History": ("webapp.history_messages.History", "serving.histories.History"),
    "NCHAN": ("producer.simulated_sun.NCHAN", "sources.simulate.NCHAN"),
    "PlotJob": ("plots.job.PlotJob", "plots.PlotJob"),
    "PlotService": ("plots.plot_service.PlotService", "writers.png.PngWriter"),
    "Precision": ("files.archive.layout.Precision", "archiving.Precision"),
    "Product": ("core.products.Product", "products.Product"),
    "Recording": ("core.recording.Recording", "recording.Recording"),
    "RetentionPolicy": ("core.retention.RetentionPolicy", "core.retention.Keep", "retention.Keep"),
    "RingBuffer": ("core.ring_buffer.RingBuffer", "ring.RingBuffer"),
    "RowChain": ("webapp.row_chain.RowChain", "serving.row_chain.RowChain"),
    "Rows": ("core.ring_buffer.Rows", "ring.Rows"),
    "Scene": ("tui.display.scene.Scene", "scene.Scene"),
    "SimulatedSun": ("producer.simulated_sun.SimulatedSun", "sources.simulate.SimulatedSun"),
    "View": ("tui.display.view_state.View", "view.View"),
    "WIRE_PRODUCTS": ("core.products.WIRE_PRODUCTS", "products.WIRE_PRODUCTS"),
    "average_channels": ("core.products.average_channels", "products.average_channels"),
    "bin_frequencies_hz": ("core.instrument.bin_frequencies_hz", "times.bin_frequencies_hz"),
    "decode": ("core.frame.decode", "frame.decode"),
    "derive": ("core.products.derive", "products.derive"),
    "format_block_time": ("core.times.format_block_time", "times.format_block_time"),
    "open_archive": ("files.archive.reader.open_archive", "sources.archive.open_archive"),
    "open_store": ("files.archive.store.open_store", "writers.store.open_store"),
    "overview": ("files.archive.block_reader.overview", "sources.archive_blocks.overview"),
    "row_messages": ("webapp.row_messages", "serving.layout"),
    "whole_ring": ("tui.display.view_actions.whole_ring", "view.whole_ring"),
}


def __getattr__(name: str) -> Any:
    for home in HOMES.get(name, ()):
        found = _find(f"sunspec_tui.{home}")
        if found is not None:
            return found
    raise AttributeError(f"this revision has no {name}")


def _find(home: str) -> Any:
    """Return a module or a name in one, else None."""
    module, _, name = home.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (AttributeError, ModuleNotFoundError):
        pass
    try:
        return import_module(home)
    except ModuleNotFoundError:
        return None


def ingest(ingester: Any) -> Any:
    """Return the method of an ingester that keeps a frame."""
    return getattr(ingester, "ingest", None) or ingester.take


def on_message(receiver: Any) -> Any:
    """Return the method that a receiver's thread calls for a message."""
    return getattr(receiver, "handler", receiver).on_message
