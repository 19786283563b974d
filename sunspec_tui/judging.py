"""What the last rows say of the instrument: its pipelines, its frequency axis and its gain.

Arithmetic on rows of a ring; whoever asks does so outside the lock that frames wait for.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sunspec_tui import carriers, gain, pipelines
from sunspec_tui.carriers import AxisCheck, check_axis
from sunspec_tui.errors import named_error
from sunspec_tui.gain import GainCheck, check_gain
from sunspec_tui.health import DEFAULT_INTERVAL_S
from sunspec_tui.pipelines import PipelineMap, pipeline_map
from sunspec_tui.ring import RingBuffer
from sunspec_tui.snapshot import Axis
from sunspec_tui.times import CHANNELS_PER_PIPELINE

Found = TypeVar("Found")

_MAX_SLOTS = 2**40


@dataclass(frozen=True, slots=True)
class Judgement:
    """Findings of the checks; None or empty if unknown.

    A finding is unknown before the first row, and if its check has failed.

    Attributes
    ----------
    pipelines, axis_check, gain
        Findings of the checks.
    failures
        Reasons why checks have failed, by the check's name.
    """

    pipelines: PipelineMap | None = None
    axis_check: AxisCheck | None = None
    gain: GainCheck = field(default_factory=GainCheck)
    failures: dict[str, str] = field(default_factory=dict)


def judge(ring: RingBuffer | None, axis: Axis | None, cadence_s: float) -> Judgement:
    """Check the last rows; note the reason of a check that fails.

    Parameters
    ----------
    ring, axis
        What is kept, and its axis; None before the first frame.
    cadence_s
        Data time from row to row; NaN while it is not known.
    """
    if ring is None or axis is None:
        return Judgement()
    failures: dict[str, str] = {}
    most = max(pipelines.ROWS, carriers.ROWS, gain.ROWS)
    data = _checked("rows", lambda: ring.latest(most).data, failures)
    if data is None or not len(data):
        return Judgement(failures=failures)
    return Judgement(
        _checked("pipelines", lambda: _pipelines(data, axis), failures),
        _checked("frequency axis", lambda: _axis(data, axis), failures),
        _checked("gain", lambda: _gain(data, ring, cadence_s), failures) or GainCheck(),
        failures,
    )


def _checked(name: str, check: Callable[[], Found], failures: dict[str, str]) -> Found | None:
    """Run a check; on an error, note the reason and return None.

    No value of a stream may end a front end.
    """
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - shown as unknown, and logged once with the snapshot
        places = traceback.extract_tb(error.__traceback__)
        place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
        failures[name] = f"{named_error(error)}{place}"
        return None


def _pipelines(data: NDArray[np.float32], axis: Axis) -> PipelineMap | None:
    # A bin that is wider than a pipeline contains several pipelines.
    if axis.channel_average > CHANNELS_PER_PIPELINE:
        return None
    return pipeline_map(data[-pipelines.ROWS :], axis.channel_average)


def _axis(data: NDArray[np.float32], axis: Axis) -> AxisCheck:
    # Search for lines in YY if XX is dead.
    heard = 1 if axis.npol > 1 and not (data[-1, :, 0] > 0).any() else 0
    return check_axis(data[-carriers.ROWS :, :, heard], axis.frequencies_mhz, axis.channel_average)


def _gain(data: NDArray[np.float32], ring: RingBuffer, cadence_s: float) -> GainCheck:
    slots = gain.MINUTES_S / (cadence_s if cadence_s > 0 else DEFAULT_INTERVAL_S)
    # A cadence may be longer than those minutes, or so short that their number is no integer.
    slots = int(min(max(1.0, slots), _MAX_SLOTS))
    return check_gain(data[-gain.ROWS :], ring.sampled(gain.SAMPLES, slots).data)
