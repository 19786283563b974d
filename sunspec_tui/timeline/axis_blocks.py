"""Give blocks of other frequency axes the bins of the timeline.

Pure arithmetic.
"""

from collections.abc import Sequence

import numpy as np

from sunspec_tui.core.bin_folding import fold_factor, folded_frequencies_hz, folded_means, folded_peaks
from sunspec_tui.core.bin_mapping import bin_width_hz, is_same_axis, mapped, source_bins
from sunspec_tui.core.time_blocks import TimeBlocks, joined
from sunspec_tui.core.timeline_source import AxisBlocks, TimelineAxis
from sunspec_tui.timeline.better_blocks import in_order
from sunspec_tui.timeline.memory_blocks import MAX_BINS


def on_axis(parts: Sequence[AxisBlocks], axis: TimelineAxis) -> list[TimeBlocks]:
    """Return blocks of several axes with the bins of one.

    A block in which the axis changes is in two parts; they become one block.
    """
    found = [_mapped(part, axis) for part in parts if len(part.blocks.rows)]
    steps = {blocks.step_s for blocks in found}
    if len(found) > 1 and len(steps) == 1 and steps != {0}:
        return [joined(found).merged(steps.pop())]
    return in_order(found)


def _mapped(part: AxisBlocks, axis: TimelineAxis) -> TimeBlocks:
    """Return blocks with the bins of the timeline."""
    frequencies_hz, blocks = part
    factor = fold_factor(len(frequencies_hz), MAX_BINS)
    if factor > 1:
        frequencies_hz = folded_frequencies_hz(frequencies_hz, factor)
        mean, peak = folded_means(blocks.mean, factor), folded_peaks(blocks.peak, factor)
        blocks = blocks._replace(mean=mean, peak=peak)
    if is_same_axis(frequencies_hz, axis.frequencies_hz):
        return blocks
    width_hz = float(np.nanmax([bin_width_hz(frequencies_hz), axis.bin_hz]))
    bins = source_bins(frequencies_hz, axis.frequencies_hz, width_hz)
    return blocks._replace(mean=mapped(blocks.mean, bins), peak=mapped(blocks.peak, bins))
