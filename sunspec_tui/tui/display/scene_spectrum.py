"""Spectra of a scene: of its last row or its last column."""

from typing import TYPE_CHECKING

import numpy as np

from sunspec_tui.core.bin_folding import folded_means
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CHANNELS_PER_PIPELINE
from sunspec_tui.core.levels import Floats, without_warnings
from sunspec_tui.core.products import Product, available, derive

if TYPE_CHECKING:
    from sunspec_tui.tui.display.scene import Scene


@without_warnings()
def power_of(scene: "Scene", product: Product) -> Floats | None:
    """Return one product of the picture's last row, shape (nbins,).

    In a paused picture of the timeline, it is the mean of the last column.
    """
    if scene.shown.shows_column_mean:
        return _last_column_mean(scene) if product is scene.shown.product else None
    latest = scene.shown.latest
    if latest is None or not len(latest) or product not in available(latest.data.shape[-1]):
        return None
    return _on_axis(scene, derive(latest.data[-1], product))


def trace_of(scene: "Scene", name: str) -> Floats | None:
    """Return an additional trace of the spectrum; None before the first row.

    Without a stream, it is that of the picture's columns.
    """
    if not scene.shown.has_ring:
        return _trace_of_columns(scene, name)
    values = scene.traces.get(name)
    return None if values is None else _on_axis(scene, values)


def _on_axis(scene: "Scene", values: Floats) -> Floats:
    """Return values of the ring's bins with those of the picture."""
    return folded_means(values[None], scene.timeline.mode.fold_factor)[0] if scene.shown.in_timeline else values


@without_warnings()
def _trace_of_columns(scene: "Scene", name: str) -> Floats | None:
    """Return highest power, lowest mean or mean of the columns."""
    numbers = scene.shown.picture.store.stored_numbers() if scene.shown.picture else []
    if scene.shown.picture is None or not numbers:
        return None
    mean, peak = scene.shown.picture.store.statistics(numbers)
    if name in ("max", "min"):
        return np.asarray(np.fmax.reduce(peak) if name == "max" else np.fmin.reduce(mean))
    known = np.isfinite(mean)
    # In double precision, the sum of many large powers does not overflow.
    total = np.sum(mean, axis=0, where=known, dtype=np.float64)
    return np.asarray(total / known.sum(axis=0), np.float32)


def _last_column_mean(scene: "Scene") -> Floats | None:
    numbers = scene.shown.picture.store.stored_numbers() if scene.shown.picture else []
    return scene.shown.picture.store.statistics(numbers[-1:])[0][0] if scene.shown.picture and numbers else None


def edges_mhz_of(scene: "Scene") -> tuple[float, ...]:
    """Return the edges of the pipelines; none without rows."""
    if scene.shown.position is None or not scene.shown.has_ring or not scene.shown.has_stream:
        return ()
    axis = scene.shown.position.axis
    channels = axis.chan0 - 0.5 + np.arange(0, axis.nchan + 1, CHANNELS_PER_PIPELINE)
    return tuple((channels * CHANNEL_WIDTH_HZ / 1e6).tolist())
