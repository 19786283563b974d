"""Recorded solar events that tests replay.

The flare is a file of the package; the others are beside the project.
"""

from pathlib import Path

import pytest

from sunspec_tui.producer.recorded_flare import FLARE_FILE

__all__ = ["DATA", "EVENT", "EVENTS", "FLARE_FILE", "FLARE_START_S", "FLARE_STATION", "needs_event", "needs_events"]

DATA = Path(__file__).parents[3] / "shared" / "data"

EVENT = DATA / "BIR_20110607_062400_10.fit"

EVENTS = sorted((DATA / "events").glob("*.fit.gz"))
"""Twelve quarter-hours of e-CALLISTO stations; empty if they are not beside the project."""

FLARE_START_S = 1_504_698_901.109
"""2017-09-06 11:55:01.109 UTC, the beginning of `FLARE_FILE`."""

FLARE_STATION = "GREENLAND"

needs_event = pytest.mark.skipif(not EVENT.exists(), reason=f"the solar event {EVENT.name} is not beside the project")

needs_events = pytest.mark.skipif(not EVENTS, reason="the quarter-hours of solar events are not beside the project")
