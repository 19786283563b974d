"""The producer: exact windows of data time, true headers, a clean end."""

import json
import logging
import sys
import threading
import time
import types
from typing import ClassVar

import numpy as np
import pytest
import zmq
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from waiting import poll_until

from sunspec_tui.core.errors import SourceError, UsageError
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.core.times import format_block_time
from sunspec_tui.producer.averaging import RingSequence, WindowAverager
from sunspec_tui.producer.memory_ring import MemoryRing, RingClosed
from sunspec_tui.producer.publisher import Publisher
from sunspec_tui.producer.stop_flag import StopSignal
from sunspec_tui.producer.streaming_op import AvgStreamingOp

LOG = logging.getLogger("test")


def sequence_header(**keys):
    return {"time_tag": 1755552894 * CLOCK_HZ, "chan0": 560, "navg": 24, "nbeam": 1, "nchan": 8, "npol": 4} | keys


def spectra(n, nchan=8, npol=4, nbeam=1, seed=0):
    return np.random.default_rng(seed).uniform(0, 1e5, (n, nbeam, nchan, npol)).astype(np.float32)


@settings(max_examples=extent(20, 50), deadline=None)
@given(
    ticks=st.integers(1_000, 60_000_000),
    interval_s=st.floats(0.001, 0.5),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=12),
)
def test_means_equal_a_float64_mean_of_exact_windows_however_the_gulps_are_cut(ticks, interval_s, cuts):
    sequence = RingSequence(0, 1, 3, 2, 560, ticks)
    data = spectra(sum(cuts), 3, 2)
    averager, got, start = WindowAverager(sequence, interval_s), [], 0
    for cut in cuts:
        got += [(mean.copy(), end) for mean, end in averager.add(data[start : start + cut])]
        start += cut
    interval_ticks = max(round(interval_s * CLOCK_HZ), ticks)
    window = np.arange(len(data) + 1) * ticks // interval_ticks
    ends = np.flatnonzero(np.diff(window)) + 1
    assert [end for _, end in got] == [int(end) * ticks for end in ends]
    for (mean, _), first, last in zip(got, [0, *ends][: len(ends)], ends, strict=True):
        np.testing.assert_allclose(mean, data[first:last].mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert averager.pending == len(data) - (int(ends[-1]) if len(ends) else 0)


class Run:
    """Producer on its ring, with a subscriber that returns its frames."""

    def __init__(self, **options):
        self.ring = MemoryRing(capacity=1000)
        self.op = AvgStreamingOp(LOG, self.ring, stream_port=0, wait=True, lossless=True, **options)
        self.port = self.op.bind()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.subscribe(b"data")
        self.socket.connect(f"tcp://127.0.0.1:{self.port}")
        self.thread = threading.Thread(target=self.op.main)
        self.thread.start()

    def frames(self, n):
        got = []
        for _ in range(n):
            assert self.socket.poll(10_000), f"only {len(got)} of {n} frames came"
            topic, header, payload = self.socket.recv_multipart()
            assert topic == b"data"
            header = json.loads(header)
            got.append((header, np.frombuffer(payload, header["data_type"]).reshape(header["data_shape"])))
        return got

    def end(self):
        self.thread.join(10)
        assert not self.thread.is_alive()
        self.context.destroy(linger=0)


def test_a_frame_carries_every_key_of_the_wire_and_the_true_end_of_its_data():
    run = Run(ntime_gulp=50, stream_interval=0.05)
    run.ring.begin_sequence(sequence_header())
    run.ring.write(spectra(120))
    run.ring.end_sequence()
    run.ring.end_writing()
    (first, mean), (second, _) = run.frames(2)
    run.end()
    assert set(first) == {
        "time_tag", "nbeam", "nchan", "npol", "timestamp", "last_block_time", "data_shape", "data_type",
        "seq", "chan0", "interval",
    }  # fmt: skip
    assert (first["time_tag"], first["chan0"], first["data_shape"]) == (1755552894 * CLOCK_HZ, 560, [1, 8, 4])
    assert (first["seq"], second["seq"]) == (0, 1)
    assert isinstance(first["timestamp"], str)
    assert len(first["timestamp"].partition(".")[2]) == 6
    assert first["interval"] == 0.05
    # 0.05 s is 49.85 spectra of 1.003102 ms, so the first window holds 50 of them.
    assert first["last_block_time"] == "2025-08-18 21:34:54.050155"
    np.testing.assert_allclose(mean, spectra(120)[:50].mean(axis=0, dtype=np.float64), rtol=1e-6)
    assert run.op.frames_sent == 2


def test_several_sequences_of_other_shapes_follow_each_other():
    run = Run(ntime_gulp=10, stream_interval=0.01)
    for nchan, npol, nbeam in ((8, 4, 1), (16, 2, 1), (8, 4, 2)):
        run.ring.begin_sequence(sequence_header(nchan=nchan, npol=npol, nbeam=nbeam))
        run.ring.write(spectra(13, nchan, npol, nbeam))
        run.ring.end_sequence()
    run.ring.end_writing()
    headers = [header for header, _ in run.frames(3)]
    run.end()
    assert [header["data_shape"] for header in headers] == [[1, 8, 4], [1, 16, 2], [2, 8, 4]]
    assert [header["seq"] for header in headers] == [0, 1, 2]


def test_spectra_that_fill_no_interval_are_not_sent_and_the_log_says_how_many(caplog):
    caplog.set_level(logging.INFO)
    run = Run(ntime_gulp=10, stream_interval=0.01)
    run.ring.begin_sequence(sequence_header())
    run.ring.write(spectra(13))
    run.ring.end_sequence()
    run.ring.end_writing()
    run.frames(1)
    run.end()
    assert run.op.frames_sent == 1
    assert "the last 3 spectra do not fill an interval" in caplog.text


def test_a_value_that_is_no_number_spoils_its_own_channel_in_its_own_window_only():
    data = spectra(6)
    data[1, 0, 3, 2] = np.nan
    averager = WindowAverager(RingSequence(0, 1, 8, 4, None, CLOCK_HZ // 100), 0.03)
    (first, _), (second, _) = averager.add(data)
    assert np.argwhere(np.isnan(first)).tolist() == [[0, 3, 2]]
    assert np.isfinite(second).all()


def test_spectra_as_long_as_the_interval_are_each_a_frame():
    run = Run(ntime_gulp=1, stream_interval=0.25)
    run.ring.begin_sequence(sequence_header(spectrum_ticks=CLOCK_HZ // 4))
    run.ring.write(spectra(7))
    run.ring.end_sequence()
    run.ring.end_writing()
    got = run.frames(7)
    run.end()
    for (_, mean), expected in zip(got, spectra(7), strict=True):
        np.testing.assert_array_equal(mean, expected)


def test_a_header_may_be_text_bytes_an_array_or_a_dictionary():
    fields = sequence_header()
    text = json.dumps(fields)
    forms = [fields, text, text.encode(), np.frombuffer(text.encode(), np.uint8)]
    assert len({RingSequence.from_header(form) for form in forms}) == 1


@pytest.mark.parametrize(
    "header",
    [b"no JSON", b"\xff", "[]", {"nchan": 8}, {"time_tag": 1}, sequence_header(nchan=0), sequence_header(navg="x"),
     sequence_header(spectrum_ticks=0)],
)  # fmt: skip
def test_a_sequence_header_that_cannot_be_used_is_one_sentence(header):
    with pytest.raises(SourceError, match="header of the ring's sequence"):
        RingSequence.from_header(header)


def test_a_header_that_cannot_be_used_ends_the_producer_with_its_socket_closed():
    ring = MemoryRing()
    ring.begin_sequence({"nchan": 8})
    op = AvgStreamingOp(LOG, ring, stream_port=0)
    port = op.bind()
    with pytest.raises(SourceError):
        op.main()
    again = AvgStreamingOp(LOG, MemoryRing(), stream_port=port)
    assert again.bind() == again.bind() == port
    again.shutdown()
    again.main()


def test_a_core_that_does_not_exist_is_a_warning_not_the_end(caplog):
    ring = MemoryRing()
    ring.end_writing()
    AvgStreamingOp(LOG, ring, stream_port=0, core=100_000).main()
    assert "pin" in caplog.text


def test_a_core_below_0_leaves_the_producer_free(caplog):
    ring = MemoryRing()
    ring.end_writing()
    AvgStreamingOp(LOG, ring, stream_port=0, core=-1).main()
    assert "pin" not in caplog.text


@pytest.mark.parametrize("options", [{"ntime_gulp": 0}, {"stream_interval": 0.0}, {"stream_interval": float("nan")}])
def test_a_gulp_or_an_interval_of_nothing_is_refused(options):
    with pytest.raises(UsageError, match="choose"):
        AvgStreamingOp(LOG, MemoryRing(), **options)


def fill(ring, n):
    ring.begin_sequence(sequence_header(nchan=3072, spectrum_ticks=CLOCK_HZ))
    for _ in range(n):
        ring.write(np.ones((1, 1, 3072, 4), np.float32))
    ring.end_sequence()
    ring.end_writing()


def stuck_subscriber(context, port):
    """Return a subscriber that queues one frame and reads none itself."""
    socket = context.socket(zmq.SUB)
    socket.rcvhwm = 1
    socket.subscribe(b"data")
    socket.connect(f"tcp://127.0.0.1:{port}")
    return socket


@pytest.mark.parametrize("lossless", [True, False])
def test_a_slow_subscriber_loses_nothing_when_lossless_and_never_holds_up_a_recorder(lossless):
    ring, n = MemoryRing(capacity=2000), 600
    fill(ring, n)
    op = AvgStreamingOp(LOG, ring, ntime_gulp=1, stream_port=0, wait=True, lossless=lossless, send_queue_frames=5)
    context = zmq.Context()
    socket = stuck_subscriber(context, op.bind())
    thread = threading.Thread(target=op.main)
    thread.start()
    if not lossless:
        poll_until(lambda: op.frames_sent == n)
        op.shutdown()
    else:
        poll_until(lambda: op.frames_sent > 20)
        numbers = []
        while len(numbers) < n and socket.poll(10_000):
            numbers.append(json.loads(socket.recv_multipart()[1])["seq"])
        assert numbers == list(range(n))
    thread.join(10)
    assert not thread.is_alive()
    context.destroy(linger=0)


def test_a_subscriber_that_falls_behind_is_counted_and_logged(caplog):
    ring, n = MemoryRing(capacity=2000), 600
    fill(ring, n)
    op = AvgStreamingOp(LOG, ring, ntime_gulp=1, stream_port=0, wait=True, send_queue_frames=300, max_frames=n)
    context = zmq.Context()
    stuck = stuck_subscriber(context, op.bind())
    thread = threading.Thread(target=op.main)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    stuck.close(linger=0)
    assert op.frames_made == op.frames_sent == n
    # libzmq reports this once, and does not report what it drops until the subscriber reads again.
    assert op.times_behind == 1
    assert "a subscriber is too slow" in caplog.text
    context.destroy(linger=0)


class FakeLog:
    """bifrost's process log, for a test."""

    shown: ClassVar[dict] = {}

    def __init__(self, name):
        self.name = name

    def update(self, values):
        self.shown.setdefault(self.name, {}).update(values)


def test_bifrost_gets_its_process_log_and_does_the_pinning_where_it_is_there(monkeypatch):
    pinned = []
    monkeypatch.setitem(sys.modules, "bifrost", types.ModuleType("bifrost"))
    monkeypatch.setitem(sys.modules, "bifrost.proclog", types.SimpleNamespace(ProcLog=FakeLog))
    monkeypatch.setitem(sys.modules, "bifrost.affinity", types.SimpleNamespace(set_core=pinned.append))
    run = Run(ntime_gulp=2, core=3, stream_interval=0.001)
    run.ring.begin_sequence(sequence_header())
    run.ring.write(spectra(4))
    run.frames(2)
    run.ring.end_writing()
    run.end()
    assert pinned == [3]
    assert FakeLog.shown["AvgStreamingOp/in"] == {"nring": 1, "ring0": "MemoryRing"}
    assert FakeLog.shown["AvgStreamingOp/bind"] == {"ncore": 1, "core0": 3}
    assert FakeLog.shown["AvgStreamingOp/sequence0"]["nchan"] == 8
    assert set(FakeLog.shown["AvgStreamingOp/perf"]) == {"acquire_time", "reserve_time", "process_time"}


def test_shutdown_from_another_thread_ends_a_silent_and_a_waiting_producer():
    for wait in (True, False):
        op = AvgStreamingOp(LOG, MemoryRing(), stream_port=0, wait=wait)
        thread = threading.Thread(target=op.main)
        thread.start()
        op.shutdown()
        thread.join(5)
        assert not thread.is_alive()


def test_a_taken_port_is_one_sentence_and_leaves_nothing_open():
    first = AvgStreamingOp(LOG, MemoryRing(), stream_port=0)
    port = first.bind()
    with pytest.raises(UsageError, match="--port"):
        AvgStreamingOp(LOG, MemoryRing(), stream_port=port).bind()
    first.shutdown()
    first.main()


def test_subscribers_are_counted_as_they_come_and_go():
    stop = StopSignal()
    publisher = Publisher("127.0.0.1", 0, stop, LOG, lossless=False, queue_messages=10, monotonic=time.monotonic)
    context = zmq.Context()
    sockets = [stuck_subscriber(context, publisher.bind()) for _ in range(3)]

    def counted():
        publisher.read_subscriptions()
        return publisher.subscribers

    poll_until(lambda: counted() == 3)
    for left in (2, 1, 0):
        sockets.pop().close(0)
        poll_until(lambda left=left: counted() == left)
    stop.set()
    publisher.close()
    context.destroy(linger=0)


def test_the_memory_ring_cuts_what_was_written_to_the_size_that_is_read():
    ring = MemoryRing(capacity=10)
    ring.begin_sequence({"n": 1})
    for n in (3, 5, 1):
        ring.write(np.arange(n, dtype=np.float32))
    ring.end_sequence()
    ring.end_writing()
    (sequence,) = (list(each.read(4 * 4)) for each in ring.read())
    assert [span.size for span in sequence] == [16, 16, 4]
    assert np.concatenate([span.data_view(np.float32) for span in sequence]).tolist() == [0, 1, 2, 0, 1, 2, 3, 4, 0]


def test_a_sequence_that_is_left_early_or_never_ended_hides_no_later_one():
    ring = MemoryRing(capacity=20)
    for n in range(3):
        ring.begin_sequence({"n": n})
        ring.write(np.zeros(4, np.float32))
    ring.end_writing()
    assert [json.loads(sequence.header.tobytes())["n"] for sequence in ring.read()] == [0, 1, 2]


def test_spectra_outside_a_sequence_are_refused():
    with pytest.raises(ValueError, match="begin_sequence"):
        MemoryRing().write(np.zeros(4, np.float32))


def test_a_full_memory_ring_makes_its_writer_wait_and_closing_it_ends_the_wait():
    ring, ended = MemoryRing(capacity=1), threading.Event()
    ring.begin_sequence({})

    def write():
        with pytest.raises(RingClosed):
            ring.write(np.zeros(4, np.float32))
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert not ended.wait(0.1)
    ring.close()
    assert ended.wait(5)
    writer.join()


# As recorders call it


def test_both_spellings_of_address_and_port_and_the_positions_of_the_recorders_class_are_taken():
    ring, event = MemoryRing(), threading.Event()
    newest = AvgStreamingOp(LOG, ring, ntime_gulp=1024, core=None, streaming_port=0, streaming_addr="localhost")
    assert (newest.stream_addr, newest.port, newest.shutdown_event) == ("localhost", 0, None)
    by_position = AvgStreamingOp(LOG, ring, 1024, True, None, "127.0.0.1", 0, 0.15, 2)
    assert (by_position.ntime_gulp, by_position.stream_interval, by_position.npack_per_gulp) == (1024, 0.15, 2)
    newest.shutdown_event = event
    newest.bind()
    thread = threading.Thread(target=newest.main)
    thread.start()
    event.set()
    ring.close()
    thread.join(10)
    assert not thread.is_alive()


def test_an_event_that_is_set_from_outside_ends_a_producer_that_waits_for_a_subscriber():
    op = AvgStreamingOp(LOG, MemoryRing(), stream_port=0, wait=True)
    op.shutdown_event = threading.Event()
    thread = threading.Thread(target=op.main)
    thread.start()
    op.shutdown_event.set()
    thread.join(10)
    assert not thread.is_alive()


def test_with_npack_per_gulp_a_gulp_is_cut_into_parts_of_one_timestamp_and_a_short_one_is_dropped(caplog):
    caplog.set_level(logging.INFO)
    run = Run(ntime_gulp=20, stream_interval=0.01, npack_per_gulp=2)
    run.ring.begin_sequence(sequence_header())
    run.ring.write(spectra(47))
    run.ring.end_sequence()
    run.ring.end_writing()
    got = run.frames(4)
    run.end()
    assert run.op.frames_sent == 4
    headers, means = zip(*got, strict=True)
    assert headers[0]["timestamp"] == headers[1]["timestamp"]
    assert headers[2]["timestamp"] == headers[3]["timestamp"]
    ends_s = [(10 * (n + 1)) * 24 * 8192 / CLOCK_HZ for n in range(4)]
    assert [header["last_block_time"] for header in headers] == [
        format_block_time(1755552894 + end_s) for end_s in ends_s
    ]
    for n, mean in enumerate(means):
        np.testing.assert_allclose(mean, spectra(47)[10 * n : 10 * n + 10].mean(axis=0), rtol=1e-5)
    assert headers[0]["interval"] == pytest.approx(ends_s[0])
    assert "the last 7 spectra do not fill an interval" in caplog.text


def test_the_parts_of_a_gulp_need_no_pause_and_have_one_timestamp_all_the_same():
    run = Run(
        ntime_gulp=20, stream_interval=0, npack_per_gulp=4, clock=iter(range(1_700_000_000, 1_800_000_000)).__next__
    )
    run.ring.begin_sequence(sequence_header())
    run.ring.write(spectra(40))
    run.ring.end_writing()
    stamps = [header["timestamp"] for header, _ in run.frames(8)]
    run.end()
    assert [len(set(stamps[:4])), len(set(stamps[4:])), len(set(stamps))] == [1, 1, 2]


@pytest.mark.parametrize("npack", [0, -1, 251])
def test_a_gulp_that_cannot_be_cut_is_one_sentence(npack):
    with pytest.raises(UsageError, match="cannot be cut into"):
        AvgStreamingOp(LOG, MemoryRing(), npack_per_gulp=npack)
