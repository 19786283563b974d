"""Real events raise alarms only where the receiver made a step.

The twelve quarter-hours have bursts of all kinds. Steps over whole blocks of channels at Birr come from the receiver.
They may be reported as losses of gain. Eleven of the files are not in the project, but beside it.
"""

from pathlib import Path

import numpy as np
import pytest
from solar_event import DATA, FLARE_FILE

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.products import average_channels
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.times import format_iso
from sunspec_tui.monitoring.instrument_check import InstrumentChecker
from sunspec_tui.producer.replay import Replay, open_replay
from sunspec_tui.stream.newest_frame import NewestFrame

FILES = sorted((DATA / "events").glob("*.fit.gz")) or [FLARE_FILE]
RECEIVER_STEPS = ("2012-07-04T16:17", "2012-07-04T16:27", "2012-07-04T16:48", "2012-07-04T16:58", "2013-04-23T18:35")
LOOK_ROWS, CHANNEL_AVERAGE = 20, 4


def test_all_twelve_files_are_there():
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not beside the project")
    assert len(FILES) == 12


def looks(replay: Replay, times_s: np.ndarray):
    """Yield the findings of each check of the replay."""
    header, check = replay.header(), InstrumentChecker()
    axis = Axis(header["chan0"], header["nchan"], CHANNEL_AVERAGE, header["npol"], chan0_stated=True)
    ring = RingBuffer(1200, len(axis.frequencies_mhz), axis.npol)
    row = np.empty((ring.nbins, ring.npol), np.float32)
    spectra = (spectrum for gulp in replay.gulps() for spectrum in gulp[:, 0])
    for n, (time_s, spectrum) in enumerate(zip(times_s.tolist(), spectra, strict=True)):
        average_channels(spectrum, CHANNEL_AVERAGE, row)
        ring.append(row, time_s, n)
        if n % LOOK_ROWS == LOOK_ROWS - 1:
            arrival = NewestFrame(spectrum, n / 4, 1.8e9, time_s, 0, header["recorded"], header["station"])
            yield check.check(ring, axis, replay.spectrum_s, arrival)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[:-7])
def test_a_real_event_raises_alarms_only_at_steps_of_its_receiver(path: Path):
    replay = open_replay(path, 560)
    fallen = set()
    for found in looks(replay, replay.recording.times_s):
        assert found.failures == {}
        assert not found.signal
        assert found.clock.note == ""
        assert found.axis_check is None or not found.axis_check.shift_channels
        assert not found.pipelines.faults.any()
        fallen.update(found.gain.since_s[product] for product in found.gain.lost)
    begins = {format_iso(since_s)[:16] for since_s in fallen}
    assert begins <= set(RECEIVER_STEPS)
