"""Bursts of a live stream are listed, logged, counted, reported and shown."""

import json
import logging
import math
import os
import shlex
import threading
import time
from functools import partial

import numpy as np
import pytest
from live_bursts import MIDNIGHT_S, NOON_S, Detectors, Rings, burst
from monitors import StillReceiver
from publishers import Publisher, block_time, message
from waiting import poll_until

from sunspec_tui.cli.headless import json_line, text_line
from sunspec_tui.core.burst_reports import ReportRules
from sunspec_tui.core.bursts import BurstList, BurstType
from sunspec_tui.core.products import Product
from sunspec_tui.core.times import format_date
from sunspec_tui.files.burst_days import day_table
from sunspec_tui.files.burst_table import write_burst_table
from sunspec_tui.monitoring.burst_counter import MAX_COUNTED, BurstCounter
from sunspec_tui.monitoring.burst_log import BurstLog
from sunspec_tui.monitoring.burst_status import (
    BurstState,
    BurstStatus,
    CommandState,
    CommandStatus,
    RowCounts,
    counts_text,
    newest_solar,
    strongest,
)
from sunspec_tui.monitoring.day_count_files import DayCountFile
from sunspec_tui.monitoring.day_counter import DayCounter
from sunspec_tui.monitoring.live_bursts import BurstOptions, LiveBursts
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.monitoring.status_record import public_record, status_record
from sunspec_tui.receiver import StreamReceiver

LOW, HIGH, BAD = 1.0, 100.0, np.inf
III, II, STORM, RFI, UNKNOWN = (BurstType(name) for name in ("III", "II", "I", "RFI", "?"))
log = logging.getLogger("sunspec_tui.monitoring.test")


@pytest.fixture
def events(caplog):
    """Kinds and texts of the events of bursts so far."""
    caplog.set_level(logging.INFO)
    logging.getLogger("sunspec_tui").propagate = True

    def found(kind=""):
        records = [(getattr(record, "sunspec_event", {}), record.getMessage()) for record in caplog.records]
        return [(event["event"], text) for event, text in records if event and kind in event["event"]]

    return found


class Live:
    """Live search of rings that a test fills."""

    def __init__(self, length=1000, is_on=True, **options):
        self.rings, self.now_s = Rings(length), 0.0
        self.bursts = LiveBursts(
            BurstOptions(is_on, "the source", length, **options),
            self.rings,
            log,
            make_detector=Detectors(),
            monotonic=lambda: self.now_s,
        )

    def search(self, *powers):
        self.rings.add(*powers)
        self.bursts.update()
        return self.bursts.status()


def test_the_board_the_counts_and_the_status_follow_a_burst():
    live, calls = Live(), []
    live.bursts.board.listeners.add(lambda: calls.append(1))
    status = live.search(LOW, HIGH)
    assert (status.newest.is_open, status.since_last_s, status.total, len(calls)) == (True, 0.0, {}, 1)
    status = live.search(LOW, LOW, LOW)
    assert (status.newest.is_open, status.total, status.today) == (False, {III: 1}, {III: 1})
    assert status.since_last_s == pytest.approx(0.75)
    assert (status.reports, status.reported.name, status.state) == (1, status.newest.name, BurstState.WATCHING)
    assert list(live.bursts.board.bursts) == [status.newest]


def test_a_search_that_is_off_does_nothing_and_names_the_command_that_is_never_run(events):
    live = Live(is_on=False, command=("true",))
    live.bursts.start()
    assert live.bursts._follower._thread is None
    live.bursts.stop()
    assert live.bursts.status() == BurstStatus()
    text = "--on-event true has no effect, because --no-bursts switches the search off; leave out one of them"
    assert events() == [("on_event", text)]


def test_a_detector_that_fails_is_an_event_and_a_warning(events):
    live = Live()
    status = live.search(BAD, LOW)
    assert (status.state, status.rows) == (BurstState.FAILING, RowCounts(0, 2))
    assert [kind for kind, _ in events()] == ["bursts_failed"]
    assert "burst search failing" in Snapshot(NOON_S, "", bursts=status).warnings
    for _ in range(2):
        live.search(*[LOW] * 600)
    assert [kind for kind, _ in events()] == ["bursts_failed", "bursts"]


def test_rows_that_are_left_out_are_logged_once_a_minute(events):
    live = Live(length=10)
    for _ in range(5):
        live.search(*[LOW] * 15)
    assert [kind for kind, _ in events()] == ["bursts_skipped"]
    live.now_s = 61.0
    live.search(LOW)
    assert "(4 since the last line, 20 rows in all)" in events()[1][1]


# The log


def logged(*steps):
    burst_log = BurstLog(log)
    for now_s, *changes in steps:
        burst_log.add(changes, now_s)
    burst_log.finish()


def test_a_long_burst_is_logged_at_its_begin_and_its_end(events):
    steps = [(float(n), burst(lasts_s=float(n), is_open=True, type=III)) for n in range(1, 8)]
    logged(*steps, (9.0, burst(lasts_s=9.0, circular=0.125, lanes=2, is_saturated=True)), (9.0, burst()))
    assert events() == [
        ("burst_begin", "burst in progress: type III since 18:41:30, 25.0 to 80.0 MHz, 8.0 dB, confidence 0.90"),
        (
            "burst_end",
            "burst: type III 18:41:30 to 18:41:39, 25.0 to 80.0 MHz, 8.0 dB, confidence 0.90, "
            "drift -5 ± 0.25 MHz/s, V/I +0.12, 2 lanes, saturated",
        ),
    ]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ([burst()], ["burst_end"]),
        ([burst(is_open=True, lasts_s=1.0), burst()], ["burst_end"]),
        ([burst(type=RFI), burst("b", type=UNKNOWN)], []),
        ([burst(is_open=True, lasts_s=n, type=RFI) for n in (1.0, 9.0)], []),
        # The type changes, so that it is not known for long enough.
        ([burst(is_open=True, lasts_s=n, type=kind) for n, kind in ((1.0, III), (3.5, II), (5.0, II))], []),
        ([burst(is_open=True, lasts_s=n, type=kind) for n, kind in ((1.0, UNKNOWN), (5.0, II), (8.0, II))],
         ["burst_begin"]),
        ([burst(is_open=True, lasts_s=1.0), burst(is_open=True, lasts_s=5.0), burst(type=RFI)],
         ["burst_begin", "burst_end"]),
    ],
)  # fmt: skip
def test_noise_is_not_logged(events, changes, kinds):
    logged(*((float(n), change) for n, change in enumerate(changes)))
    assert [kind for kind, _ in events()] == kinds


def test_a_burst_that_was_something_else_says_so(events):
    logged((0.0, burst(is_open=True, lasts_s=1.0)), (1.0, burst(is_open=True, lasts_s=5.0)), (2.0, burst(type=RFI)))
    assert events()[1][1].startswith("burst: interference 18:41:30")
    assert events()[1][1].endswith(", taken for type III at first")


def test_grains_of_a_storm_are_one_line_a_minute(events):
    logged(*((float(n), burst(str(n), type=STORM)) for n in range(50)))
    assert [kind for kind, _ in events()] == ["noise_storm", "noise_storm"]
    assert events()[1][1].endswith("(49 since the last line)")


def test_an_event_has_the_numbers_of_the_burst(caplog):
    caplog.set_level(logging.INFO)
    logging.getLogger("sunspec_tui").propagate = True
    logged((0.0, burst(circular=math.nan)))
    event = caplog.records[0].sunspec_event
    assert (event["event"], event["type"], event["peak_db"], event["circular"]) == ("burst_end", "III", 8.0, None)
    json.dumps(event, allow_nan=False)


def test_the_log_remembers_a_limited_number_of_bursts():
    burst_log = BurstLog(log)
    for n in range(2000):
        burst_log.add([burst(str(n), type=RFI)], 0.0)
    assert len(burst_log._ended) <= 500
    assert not burst_log._types


# Counts


def test_bursts_are_counted_once_when_they_end():
    counter = BurstCounter()
    counter.add([burst("a", is_open=True)])
    counter.add([burst("a"), burst("b", type=II)])
    counter.add([burst("a", type=II)])
    assert (counter.total, counter.today(NOON_S)) == ({III: 1, II: 1}, {II: 2})


def test_a_withdrawn_burst_leaves_its_day_but_the_total_never_falls():
    counter = BurstCounter()
    counter.add([burst("a"), burst("b"), burst("c", is_wrong=True)])
    counter.add([burst("b", is_wrong=True)])
    assert (counter.total, counter.today(NOON_S)) == ({III: 2}, {III: 1})
    counter.add([burst("b", is_open=True)])
    counter.add([burst("b")])
    assert (counter.total, counter.today(NOON_S)) == ({III: 2}, {III: 2})


def test_bursts_from_before_the_start_count_for_their_day_only():
    counter = BurstCounter()
    counter.add_earlier([burst("a"), burst("b", is_wrong=True), burst("c", NOON_S - 86_400)])
    counter.add([burst("d", type=II), burst("a")])
    assert (counter.total, counter.today(NOON_S)) == ({II: 1}, {III: 1, II: 1})


def test_a_monitor_that_begins_again_knows_the_bursts_of_its_day(tmp_path):
    now_s = time.time()
    write_burst_table([burst("a", now_s)], day_table(tmp_path, format_date(now_s)))
    live = LiveBursts(BurstOptions(True, "", 100, directory=tmp_path), Rings(), log)
    live.start()
    poll_until(lambda: live._counter.today(now_s) == {III: 1}, 20)
    live.stop()
    assert (live.status().total, len(live.board.bursts)) == ({}, 1)


def test_a_day_has_its_own_counts():
    counter = BurstCounter()
    counter.add([burst("a"), burst("b", MIDNIGHT_S), burst("c", NOON_S - 86_400)])
    assert counter.today(NOON_S) == counter.today(MIDNIGHT_S) == {III: 2}
    assert counter.today(NOON_S - 86_400) == {III: 1}
    assert counter.today(NOON_S + 86_400) == {}
    assert counter.today(1e18) == {}


def test_counts_know_a_limited_number_of_names():
    counter = BurstCounter()
    counter.add([burst(str(n)) for n in range(MAX_COUNTED + 10)])
    assert (counter.total[III], len(counter._ended)) == (MAX_COUNTED + 10, MAX_COUNTED)


def test_the_newest_and_the_strongest_are_solar_and_not_wrong():
    bursts = BurstList([
        burst("a", NOON_S, peak_db=2.0), burst("b", NOON_S + 1, peak_db=math.nan), burst("c", NOON_S + 2, peak_db=5.0),
        burst("d", NOON_S + 3, type=RFI), burst("e", NOON_S + 4, type=UNKNOWN), burst("f", NOON_S + 5, is_wrong=True),
        burst("g", NOON_S - 60, peak_db=50.0),
    ])  # fmt: skip
    assert newest_solar(bursts).name == "c"
    assert [each.name for each in strongest(bursts, NOON_S, NOON_S + 60, 3)] == ["c", "a", "b"]
    assert newest_solar(BurstList()) is None
    assert (BurstStatus(bursts=bursts).open, BurstStatus(bursts=bursts).seen_s) == (0, NOON_S + 6)
    lasting = bursts.changed([burst("h", is_open=True), burst("i", type=RFI, is_open=True)])
    assert BurstStatus(bursts=lasting).open == 1
    assert counts_text({RFI: 5, II: 1, III: 3, UNKNOWN: 2}) == "3 III, 1 II"
    assert counts_text({"II": 1}) == "1 II"


# Status


WATCHED = BurstStatus(
    BurstState.WATCHING, RowCounts(100, 7, 1), BurstList([burst(peak_db=math.nan, circular=0.5)]), {III: 4, RFI: 2},
    {III: 1}, NOON_S + 64, 2, 3, None, CommandStatus(CommandState.FAILING, 5, 4, 3, 2, "--on-event: /bin/x fails"),
    table_problem="the disk of /bin/x is full",
)  # fmt: skip


def test_the_status_record_has_bursts_and_reports():
    record = status_record(Snapshot(NOON_S + 64, "", bursts=WATCHED))
    assert {key: value for key, value in record.items() if key.startswith(("bursts", "on_event"))} == {
        "bursts": "watching", "bursts_today": {"III": 1}, "bursts_total": {"III": 4, "RFI": 2},
        "bursts_open": 0, "bursts_newest": record["bursts_newest"], "bursts_since_last_s": 60.0, "bursts_rows": 100,
        "bursts_rows_skipped": 7, "bursts_rows_waiting": 1, "bursts_reported": 2, "bursts_held_back": 3,
        "bursts_error": "the disk of /bin/x is full", "on_event": "failing", "on_event_calls": 5, "on_event_failed": 4,
        "on_event_dropped": 3, "on_event_waiting": 2, "on_event_error": "--on-event: /bin/x fails",
    }  # fmt: skip
    assert (record["bursts_newest"]["type"], record["bursts_newest"]["circular"]) == ("III", 0.5)
    assert json.loads(json_line(Snapshot(NOON_S, "", bursts=WATCHED)))["bursts"] == "watching"
    empty = status_record(Snapshot(NOON_S, ""))
    assert (empty["bursts"], empty["bursts_newest"], empty["bursts_since_last_s"]) == ("off", None, None)


def test_the_page_gets_no_local_path():
    assert "/bin/x" not in json.dumps(public_record(Snapshot(NOON_S, "", bursts=WATCHED)))


def test_the_status_line_has_the_newest_burst():
    line = text_line(Snapshot(NOON_S + 64, "", bursts=WATCHED))
    assert "bursts 1 III  newest III 18:41:30 25-80 MHz, 60 s ago  7 rows not searched  " in line
    assert "3 calls of --on-event left out  the disk of /bin/x is full  --on-event: /bin/x fails" in line
    assert "bursts" not in text_line(Snapshot(NOON_S, ""))
    assert "  bursts 0" in text_line(Snapshot(NOON_S, "", bursts=BurstStatus(BurstState.WATCHING)))


def test_bursts_of_a_day_are_in_its_summary(events):
    receiver = StillReceiver()
    counter = DayCounter(DayCountFile(None, ""), "the source", log)
    first = receiver.snapshot()
    day = first.sun.day
    for taken_s, bursts in (
        (NOON_S, BurstStatus()), (NOON_S + 30, WATCHED), (day.end_s + 1, WATCHED),
    ):  # fmt: skip
        counter.update(Snapshot(taken_s, "", bursts=bursts, sun=first.sun))
    assert counter.counts(day.name).totals.bursts == {"III": 4, "RFI": 2}
    assert events("day_summary")


# A whole receiver


def test_a_receiver_searches_the_rows_that_it_receives(monkeypatch):
    detectors = Detectors()
    monkeypatch.setattr("sunspec_tui.receiver_parts.LiveBursts", partial(LiveBursts, make_detector=detectors))
    receiver = StillReceiver(report_rules=ReportRules(every_s=5.0), on_event="cat -")
    for power in (LOW, HIGH, LOW):
        receiver.feed(np.full((1, 64, 4), power, np.float32))
    receiver.bursts.update()
    status = receiver.snapshot().bursts
    assert (status.rows.seen, status.total, status.command.state) == (3, {III: 1}, CommandState.READY)
    assert detectors.made[0].products == (Product.XX, Product.YY, Product.XY_REAL, Product.XY_IMAG)
    assert StillReceiver(bursts=False).snapshot().bursts == BurstStatus()


def test_a_stream_is_searched_in_a_thread_and_its_last_rows_too(monkeypatch, tmp_path, events):
    monkeypatch.setattr("sunspec_tui.receiver_parts.LiveBursts", partial(LiveBursts, make_detector=Detectors()))
    calls, producer = tmp_path / "calls", Publisher()
    command = shlex.join(["sh", "-c", f"cat >> {shlex.quote(str(calls))}"])
    receiver = StreamReceiver(
        stream_port=producer.port, plot_interval=0, report_rules=ReportRules(at_night=True), on_event=command
    )
    with receiver:
        producer.wait_for_subscriber()
        for seq, power in enumerate((LOW, HIGH, HIGH)):
            data = np.full((1, 64, 4), power, np.float32)
            producer.send(message(data, last_block_time=block_time(seq), seq=seq))
        status = poll_until(lambda: (s := receiver.snapshot().bursts).rows.seen == 3 and s, 30)
        assert status.newest.is_open
        assert receiver.bursts.board.bursts[0] == status.newest
        (line,) = poll_until(lambda: calls.exists() and calls.read_text().splitlines(), 30)
        assert (json.loads(line)["state"], json.loads(line)["is_open"]) == ("begin", True)
    producer.close()
    status = receiver.snapshot().bursts
    assert (status.newest.is_open, status.rows, status.total) == (False, RowCounts(3), {III: 1})
    assert not [each for each in threading.enumerate() if each.name in ("sunspec-bursts", "sunspec-on-event")]
    # The end of the burst came with the end of the program: the call was made, or counted.
    assert status.command.started + status.command.dropped == 2
    assert [kind for kind, _ in events("burst")] == ["burst_end"]


def test_a_command_that_hangs_loses_no_burst_of_a_thousand(tmp_path, events):
    fifo, count = tmp_path / "pipe", 1000
    os.mkfifo(fifo)
    command = ("sh", "-c", f"read x < {shlex.quote(str(fifo))}")
    live = Live(length=2 * count, rules=ReportRules(every_s=0.0), command=command)
    live.bursts._command.start()
    live.search(*[HIGH, LOW] * count)
    poll_until(lambda: live.bursts.status().command.started, 30)
    status = live.bursts.status()
    live.bursts.stop()
    assert (len(status.bursts), status.total, status.reports) == (count, {III: count}, count)
    assert len(events("burst_end")) == count
    # Each burst is reported at its begin and at its end.
    assert status.command.started + status.command.waiting + status.command.dropped == 2 * count
    assert 1 <= len(events("on_event_dropped")) <= 3
