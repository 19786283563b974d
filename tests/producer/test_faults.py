"""A receiver counts the faults that a producer has injected."""

import itertools
import json
import logging
import math
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.producer_setup import make_faults, make_producer, make_source
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.event_log import EventLog
from sunspec_tui.core.frame import encode
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.settings import FORMAT_NAMES, StreamSettings
from sunspec_tui.monitoring.snapshot import NO_ROWS
from sunspec_tui.producer.fault_injection import STALL_AFTER_FRAMES, FaultInjector, FaultPlan
from sunspec_tui.producer.header_versions import FORMATS, encode_as
from sunspec_tui.stream.health_reading import StreamState

SHAPE = (1, 3072, 4)


def header(n, **keys):
    return {
        "time_tag": 1755552894 * CLOCK_HZ,
        "nbeam": 1,
        "nchan": 3072,
        "npol": 4,
        "timestamp": f"{1755552894 + n / 4:.6f}",
        "last_block_time": "2025-08-18 21:34:54",
        "data_shape": list(SHAPE),
        "data_type": "<f4",
        "seq": n,
        "interval": 0.25,
        "chan0": 560,
    } | keys  # fmt: skip


def watch(look=lambda snapshot: None, **options):
    """Run a producer and a receiver to the end of the frames.

    Return the producer, its faults, and the receiver's last snapshot. The receiver's clock is as fast as the producer's
    data, and its snapshots are taken all the time.
    """
    given = StreamSettings(port=0, wait=True, **options)
    speed = given.speed or 1.0
    with ExitStack() as started:
        faults = make_faults(given)
        op, _ = make_producer(started, make_source(given), given, faults)
        port, clock = op.bind(), lambda: time.monotonic() * speed
        receiver = StreamReceiver("127.0.0.1", port, plot_interval=0, gc_interval=0, monotonic=clock)
        started.enter_context(receiver)
        thread = threading.Thread(target=op.main)
        thread.start()
        end_s = time.monotonic() + 60
        while thread.is_alive() and time.monotonic() < end_s:
            look(receiver.snapshot(since=NO_ROWS))
            thread.join(0.02)
        assert not thread.is_alive()
        poll_until(lambda: seen(receiver) >= op.frames_sent, 20, lambda: f"{seen(receiver)} of {op.frames_sent}")
        return op, faults, receiver.snapshot()


def seen(receiver):
    health = receiver.snapshot(since=NO_ROWS).health
    return health.frames_received + health.frames_rejected


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_frames_of_each_form_at_full_speed_are_all_received(form):
    op, _, last = watch(format=form, speed=0.0, frames=extent(150, 600))
    assert last.health.frames_received == op.frames_sent == op.frames_made
    assert (last.health.frames_missing, last.health.frames_rejected) == (0, 0)


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_the_cadence_of_each_form_is_right_within_one_percent(form):
    _, _, last = watch(format=form, frames=16)
    # Some headers have the sender's clock alone: on a busy machine frames leave a little early or late.
    share = 0.1 if form in ("minimal", "test-producer") else 0.01
    assert last.health.cadence_s == pytest.approx(0.2508, rel=share)
    assert (last.health.frames_missing, last.health.frames_rejected) == (0, 0)


def test_a_burst_is_two_frames_of_one_time_and_its_cadence_is_that_of_the_data():
    _, _, last = watch(burst=True, frames=6)
    assert last.health.cadence_s == pytest.approx(0.5136, rel=0.001)
    assert (last.health.frames_missing, last.health.frames_rejected) == (0, 0)
    # The second frame of a burst has the first one's timestamp and leaves later.
    assert last.delay.value_s == pytest.approx(0.15, abs=0.1)


@pytest.mark.parametrize(
    "fault",
    ["gap=0.1", "corrupt=0.1", "restart=17", "gap=0.1,corrupt=0.1", "gap=0.2,corrupt=0.2,restart=15", "skew=3"],
)
def test_a_receiver_and_its_event_log_count_what_the_producer_says_that_it_did(fault, tmp_path):
    handler = EventLog(tmp_path / "events.jsonl")
    logging.getLogger("sunspec_tui").addHandler(handler)
    _, faults, last = watch(fault=fault, speed=0.0, frames=extent(240, 600), seed=4)
    logging.getLogger("sunspec_tui").removeHandler(handler)
    handler.close()
    said, health = faults.report(), last.health
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert sum(event["missing"] for event in events if event["event"] == "gap") == said["frames_missing"]
    assert sum(event["count"] for event in events if event["event"] == "rejected") == said["frames_rejected"]
    assert sum(event["count"] for event in events if event["event"] == "restart") == said["restarts"]
    got = {name: getattr(health, name) for name in ("frames_received", "frames_missing", "frames_rejected", "restarts")}
    assert got | {"rejected": health.rejected} == said
    done = {"gap": "frames_missing", "corrupt": "frames_rejected", "restart": "restarts", "skew": "frames_received"}
    for name in fault.split(","):
        assert said[done[name.partition("=")[0]]] > 10


@pytest.mark.parametrize(
    ("fault", "event", "said", "warned"),
    [
        ("nan-band=55:59", "pipelines", "18-19 no numbers", "2 pipelines at fault"),
        ("dead-pipeline=7", "pipelines", "XX 7 zero; YY 7 zero", "1 pipeline at fault"),
        ("gain-loss=30", "gain", "gain lost?", "gain lost?"),
        ("skew=0.4", "delay", "clock skew", None),
    ],
)
def test_what_is_wrong_with_the_data_is_in_status_and_event_log(fault, event, said, warned, tmp_path):
    handler, seen = EventLog(tmp_path / "events.jsonl"), []
    logging.getLogger("sunspec_tui").addHandler(handler)
    watch(seen.append, fault=fault, speed=20.0, frames=240)
    logging.getLogger("sunspec_tui").removeHandler(handler)
    handler.close()
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = [each for each in events if each["event"] == event]
    assert len(told) == 1, told
    assert said in told[0]["text"]
    last = next(snapshot for snapshot in reversed(seen) if snapshot.health.frames_received > 150)
    if warned is None:
        assert (last.delay.oddity, last.delay.used) == ("clock skew", "auto")
        assert last.delay.value_s == pytest.approx(-0.4, abs=0.2)
    else:
        # At twenty times real time the data are ahead of the clock, too.
        assert set(last.warnings) - {"data ahead of the clock"} == {warned}


def test_a_stall_turns_yellow_then_red_then_live_and_its_frames_are_missing(tmp_path):
    handler, states = EventLog(tmp_path / "events.jsonl"), []
    logging.getLogger("sunspec_tui").addHandler(handler)
    _, faults, last = watch(
        lambda seen: states.append((seen.health.state, seen.health.is_silent)),
        fault="stall=0.8", speed=20.0, frames=120,
    )  # fmt: skip
    logging.getLogger("sunspec_tui").removeHandler(handler)
    handler.close()
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    once = [state for state, _ in itertools.groupby(states)]
    live, yellow, red = (StreamState.LIVE, False), (StreamState.STALLED, False), (StreamState.STALLED, True)
    first = once.index(red)
    # A busy machine may look too late to see how it began.
    before = once[max(0, first - 2) : first + 1]
    assert before == [live, yellow, red][-len(before) :]
    assert live in once[first + 1 :]
    assert last.health.frames_missing == faults.report()["frames_missing"] > 30
    [over] = [event for event in events if event["event"] == "stall_over" and event["silence_s"] > 10]
    assert over["silence_s"] == pytest.approx(16, abs=4)
    assert [event["event"] for event in events].count("silence") == 1


def test_a_stall_leaves_out_what_would_have_been_sent():
    now = [0.0]
    faults = FaultInjector(FaultPlan.parse("stall=2"), encode, monotonic=lambda: now[0])
    sent = []
    for n in range(60):
        now[0] = n / 4
        sent += [n] * len(list(faults(header(n), np.ones(SHAPE, np.float32))))
    first = STALL_AFTER_FRAMES
    assert sent == [*range(first), *range(first + 8, 60)]
    assert faults.report()["frames_missing"] == 8


def test_skew_bad_bands_and_dead_pipelines_are_where_they_are_asked_for():
    faults = FaultInjector(FaultPlan.parse("skew=-0.4,nan-band=55:59,dead-pipeline=7"), encode)
    [[_, raw, payload]] = faults(header(0), np.ones(SHAPE, np.float32))
    data, mhz = np.frombuffer(payload, "<f4").reshape(SHAPE), (560 + np.arange(3072)) * 0.02392578125
    assert float(json.loads(raw)["timestamp"]) == pytest.approx(1755552894 - 0.4, abs=1e-6)
    np.testing.assert_array_equal(np.isnan(data[0, :, 0]), (mhz >= 55) & (mhz <= 59))
    assert np.flatnonzero(data[0, :, 3] == 0).tolist() == list(range(7 * 96, 8 * 96))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("gaps=1", "no 'gaps'"), ("gap", "'', it must be a share"), ("gap=2", "a share from 0 to 1"),
        ("corrupt=x", "a share"), ("nan-band=59:55", "such as 55:59"), ("nan-band=55", "such as 55:59"),
        ("dead-pipeline=-1", "number of a pipeline"), ("restart=1.5", "number of frames"), ("stall=nan", "seconds"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_done_is_one_sentence(fault, said):
    with pytest.raises(UsageError, match=said):
        FaultPlan.parse(fault)


@settings(max_examples=extent(20, 60), deadline=None)
@given(gap=st.floats(0, 1), corrupt=st.floats(0, 1), restart=st.integers(0, 30), seed=st.integers(0, 99))
def test_every_frame_is_received_rejected_missing_or_was_never_to_be_missed(gap, corrupt, restart, seed):
    faults = FaultInjector(FaultPlan(gap=gap, corrupt=corrupt, restart=restart), encode_as("minimal"), seed)
    messages = [list(faults(header(n), np.ones((1, 4, 4), np.float32))) for n in range(100)]
    said = faults.report()
    assert said["frames_received"] + said["frames_rejected"] == sum(map(len, messages)) <= 100
    assert said["frames_received"] + said["frames_missing"] <= 100
    assert sum(said["rejected"].values()) == said["frames_rejected"]
    assert said["restarts"] <= (math.ceil(100 / restart) - 1 if restart else 0)


def test_forms_lack_what_their_producers_did_not_write():
    written = {name: form(header(3)) for name, form in FORMATS.items()}
    assert written["today"] == header(3)
    assert written["2025-08"].keys() == header(3).keys() - {
        "data_type",
        "seq",
        "interval",
        "chan0",
        "last_block_time",
    } | {"lwa_time"}
    assert written["minimal"] == {"nchan": 3072, "npol": 4, "timestamp": pytest.approx(1755552894.75)}
