"""What the last rows say of the instrument: its pipelines, its frequency axis and its gain.

Arithmetic on rows of a ring; whoever asks does so outside the lock that frames wait for.
"""

from dataclasses import dataclass, field

from sunspec_tui import carriers, gain, pipelines
from sunspec_tui.carriers import AxisCheck, check_axis
from sunspec_tui.gain import GainCheck, check_gain
from sunspec_tui.health import DEFAULT_INTERVAL_S
from sunspec_tui.pipelines import PipelineMap, pipeline_map
from sunspec_tui.ring import RingBuffer
from sunspec_tui.snapshot import Axis
from sunspec_tui.times import CHANNELS_PER_PIPELINE


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings; None and empty before the first row."""

    pipelines: PipelineMap | None = None
    axis_check: AxisCheck | None = None
    gain: GainCheck = field(default_factory=GainCheck)


def judge(ring: RingBuffer | None, axis: Axis | None, cadence_s: float) -> Judgement:
    """Look at the last rows.

    Parameters
    ----------
    ring, axis
        What is kept, and its axis; None before the first frame.
    cadence_s
        Data time from row to row; NaN while it is not known.
    """
    rows = ring.latest(max(pipelines.ROWS, carriers.ROWS, gain.ROWS)) if ring else None
    if ring is None or axis is None or rows is None or not len(rows):
        return Judgement()
    data, minutes = rows.data, gain.MINUTES_S / (cadence_s if cadence_s > 0 else DEFAULT_INTERVAL_S)
    # A bin wider than a pipeline tells of none alone; lines are looked for in YY where XX is dead.
    single = axis.channel_average <= CHANNELS_PER_PIPELINE
    heard = 1 if axis.npol > 1 and not (data[-1, :, 0] > 0).any() else 0
    return Judgement(
        pipeline_map(data[-pipelines.ROWS :], axis.channel_average) if single else None,
        check_axis(data[-carriers.ROWS :, :, heard], axis.frequencies_mhz, axis.channel_average),
        check_gain(data[-gain.ROWS :], ring.sampled(gain.SAMPLES, int(minutes)).data),
    )
