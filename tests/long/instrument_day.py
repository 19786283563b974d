"""Play hours of the simulated Sun through the instrument's checks.

Count their alarms.

Rows are left out, and sequences begin anew, as in the field; no fault is planted, so any alarm is a wrong one.

    python tests/long/instrument_day.py --hours 24 --seed 1
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from simulated_rows import CADENCE_S, CHANNEL_AVERAGE, NBINS, rows_of

from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.ring_buffer import Mark, RingBuffer
from sunspec_tui.monitoring.instrument_check import InstrumentChecker
from sunspec_tui.producer.simulated_sun import NCHAN, NPOL, SimulatedSun
from sunspec_tui.stream.newest_frame import NewestFrame

START_S = 1.8e9
_LOOK_ROWS = 4
_GAP_SHARE, _GAP_ROWS = 0.002, 40
_RESTART_SHARE, _RESTART_S = 0.0001, 90.0


def alarms(hours: float, seed: int) -> Counter[str]:
    """Count the alarms by kind, over hours of data time."""
    sun, rng = SimulatedSun(seed), np.random.default_rng([seed, 8])
    ring, axis = RingBuffer(1200, NBINS, NPOL), Axis(560, NCHAN, CHANNEL_AVERAGE, NPOL, chan0_stated=True)
    check, found = InstrumentChecker(), Counter[str]()
    slot = restarts = missing = 0
    shift_s = 0.0
    for end_s, row in rows_of(sun, 0.0, int(hours * 3600 / CADENCE_S), seed):
        slot += 1
        if missing or rng.random() < _GAP_SHARE:
            missing = missing - 1 if missing else int(rng.integers(_GAP_ROWS))
            continue
        mark = Mark.NONE
        if rng.random() < _RESTART_SHARE:
            shift_s, restarts, mark = shift_s + _RESTART_S, restarts + 1, Mark.RESTART
        data_s = START_S + end_s + shift_s
        ring.append(row, data_s, slot, mark)
        if ring.count % _LOOK_ROWS == 0:
            arrival = NewestFrame(np.repeat(row, CHANNEL_AVERAGE, axis=0), end_s, data_s + 0.3, data_s, restarts)
            kinds = _kinds(check, ring, axis, arrival)
            found.update(kinds)
            if kinds:
                print(f"{end_s:.2f} s: {', '.join(kinds)}", flush=True)
    found["looks"] = ring.count // _LOOK_ROWS
    found["restarts"] = restarts
    return found


def _kinds(check: InstrumentChecker, ring: RingBuffer, axis: Axis, arrival: NewestFrame) -> list[str]:
    """Kinds of the alarms at one look."""
    found = check.check(ring, axis, CADENCE_S, arrival)
    unknown = [name for name, result in (("axis", found.axis_check), ("pipelines", found.pipelines)) if result is None]
    failed = [f"failed: {name}" for name in found.failures]
    return [finding.kind for finding in found.findings(axis) if finding.fault] + unknown + failed


def main() -> int:
    """Play the hours that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found = alarms(given.hours, given.seed)
    looks, restarts = found.pop("looks"), found.pop("restarts")
    print(f"{given.hours:g} h, seed {given.seed}: {looks} looks, {restarts} restarts, alarms: {dict(found) or 'none'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
