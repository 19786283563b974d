"""The bench of the burst curve, in its short form."""

import sys
from pathlib import Path

import pytest
from extent import extent
from simulated_bursts import STRENGTHS_DB, bursts_of_day, disturbances_of_day, rows_of_day

from sunspec_tui.core.bursts import BurstType

HOURS = extent(0.7, 6.0)  # one strong burst of type III, or many


@pytest.fixture
def curve(monkeypatch):
    """The bench as a module."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))
    import burst_curve

    yield burst_curve
    sys.modules.pop("burst_curve", None)


def test_strong_bursts_of_minutes_are_found_with_their_drifts(curve):
    truths = bursts_of_day(0, HOURS)
    rows = rows_of_day(truths, disturbances_of_day(0, HOURS), 0, HOURS)
    matches, alarms = curve.matched(truths, curve.found_in(rows))
    strong = [each for each in matches if each.true.strength_db >= 10 and each.true.kind is BurstType.III]
    assert strong
    assert all(each.found for each in strong)
    assert all(abs(each.drift_error) < 0.1 for each in curve.strong_singles(matches))
    assert len(alarms) <= 2 * HOURS + 2
    text = curve.report(matches, alarms, HOURS)
    assert f"bursts {len(matches)}, found" in text
    assert all(f"| {strength:g} dB |" in text for strength in STRENGTHS_DB)
