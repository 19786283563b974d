"""Events are logged once a second by kind, and all are counted."""

import logging

from sunspec_tui.monitoring.event_pacing import PacedLog

LOG = logging.getLogger("sunspec_tui.test_pacing")


def events(caplog):
    return [record.sunspec_event for record in caplog.records]


def test_the_first_event_is_logged_at_once_and_the_next_ones_once_a_second(caplog):
    caplog.set_level(logging.INFO, LOG.name)
    paced = PacedLog(LOG)
    for n in range(25):
        paced.add(logging.INFO, "restart", f"restart {n}", n / 10, number=n)
    assert [(each["number"], each["count"]) for each in events(caplog)] == [(0, 1), (10, 10), (20, 10)]
    paced.finish()
    assert events(caplog)[-1] == {"event": "restart", "number": 24, "count": 4}
    assert caplog.records[-1].getMessage() == "restart 24 (4 since the last line)"
    paced.finish()
    assert len(caplog.records) == 4


def test_kinds_do_not_delay_each_other(caplog):
    caplog.set_level(logging.INFO, LOG.name)
    paced = PacedLog(LOG)
    for kind in ("gap", "restart", "gap"):
        paced.add(logging.INFO, kind, kind, 5.0)
    assert [each["event"] for each in events(caplog)] == ["gap", "restart"]
    paced.flush(5.9)
    assert len(caplog.records) == 2
    paced.flush(6.0)
    assert [each["event"] for each in events(caplog)] == ["gap", "restart", "gap"]


def test_sums_are_single_fields_or_one_group(caplog):
    caplog.set_level(logging.INFO, LOG.name)
    paced = PacedLog(LOG)
    for missing in (1, 2, 3):
        paced.add(logging.WARNING, "gap", "a gap", 0.0, sums={"missing": missing})
        paced.add(logging.WARNING, "rejected", "no", 0.0, sums={"shape": 1, "axis": missing}, group="causes")
    paced.finish()
    gaps = [each for each in events(caplog) if each["event"] == "gap"]
    assert [each["missing"] for each in gaps] == [1, 5]
    assert [each["causes"] for each in events(caplog) if each["event"] == "rejected"] == [
        {"shape": 1, "axis": 1},
        {"shape": 2, "axis": 5},
    ]
    texts = [record.getMessage() for record in caplog.records]
    assert "a gap (2 since the last line, 5 missing in all)" in texts
