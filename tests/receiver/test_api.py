"""The Python API works as its page describes it."""

import gc
import re
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from extent import extent
from publishers import block_time, message, producing
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frame import decode
from sunspec_tui.monitoring.snapshot import NO_ROWS
from sunspec_tui.stream.frame_iterator import FrameIterator

ROOT = Path(__file__).parents[2]
EXAMPLES = [
    (name, number, code)
    for name in ("docs/python-api.md", "docs/coming-from-stream-receiver.md", "README.md")
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), re.S))
]


@pytest.fixture(scope="module")
def live_port():
    with producing() as port:
        yield port


@pytest.mark.parametrize(("name", "number", "code"), EXAMPLES, ids=[f"{name}-{number}" for name, number, _ in EXAMPLES])
def test_the_examples_of_the_pages_run(name, number, code, live_port, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # No producer uses their port on a test machine.
    code = code.replace("9798", str(live_port))
    exec(compile(code, f"{name}, example {number}", "exec"), {})  # noqa: S102 - our own pages


def frame(n):
    return decode(message(np.full((1, 8, 4), n, np.float32), seq=n, last_block_time=block_time(n)))


def test_a_loop_over_frames_gets_each_one_and_ends_with_the_receiver(publisher):
    got = []
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        frames = receiver.frames()
        thread = threading.Thread(target=lambda: got.extend(each.seq for each in frames))
        thread.start()
        publisher.wait_for_subscriber()
        for n in range(50):
            publisher.send(message(np.ones((1, 64, 4)), seq=n, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(50, 10)
    thread.join(5)
    assert not thread.is_alive()
    assert got == list(range(50))
    assert frames.frames_missed == 0


def test_a_slow_loop_loses_its_oldest_frames_and_knows_how_many():
    frames = FrameIterator(3, None)
    for n in range(8):
        frames.put(frame(n))
    frames.close()
    assert [each.seq for each in frames] == [5, 6, 7]
    assert frames.frames_missed == 5


def test_a_loop_ends_when_nothing_comes_or_nothing_runs(publisher):
    assert list(FrameIterator(3, 0.01)) == []
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0)
    assert list(receiver.frames()) == []
    receiver.start()
    receiver.stop()
    assert list(receiver.frames()) == []


def test_rows_come_averaged_with_their_axis_and_products(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, chan0=700) as receiver:
        publisher.wait_for_subscriber()
        rows = receiver.rows(timeout_s=10)
        for n in range(3):
            data = np.full((1, 64, 4), n + 1.0) * [1, 3, 0, 0.5]
            publisher.send(message(data, last_block_time=block_time(n), seq=n))
        found = [next(rows) for _ in range(3)]
        receiver.stop()
        assert list(rows) == []
    assert [row.data[0].tolist() for row in found] == [[n, 3 * n, 0, n / 2] for n in (1.0, 2.0, 3.0)]
    assert [float(row.power("I")[5]) for row in found] == [2.0, 4.0, 6.0]
    assert [(row.number, row.slot, row.epoch) for row in found] == [(0, 0, 0), (1, 1, 0), (2, 2, 0)]
    last = found[-1]
    assert last.products == ("XX", "YY", "XY_real", "XY_imag")
    assert last.data.shape == (16, 4)
    assert last.frequencies_hz == pytest.approx((700 + 4 * np.arange(16) + 1.5) * 196e6 / 8192)
    assert np.diff([row.time_s for row in found]) == pytest.approx(0.25, abs=1e-5)
    assert last.cadence_s == pytest.approx(0.25)
    with pytest.raises(UsageError, match="choose one of XX"):
        last.power("W")


def test_a_loop_over_rows_that_is_too_slow_loses_its_oldest_and_counts_them(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        rows = receiver.rows(most=2)
        for n in range(5):
            publisher.send(message(np.full((1, 64, 4), n), last_block_time=block_time(n), seq=n))
        assert receiver.wait_for_frames(5, 10)
        poll_until(lambda: rows.frames_missed == 3)
    assert [row.number for row in rows] == [3, 4]
    assert list(receiver.rows()) == []


@pytest.mark.parametrize(("stated", "chan0"), [(560, 560), (None, 700)])
def test_a_frame_has_the_frequencies_of_its_channels(publisher, stated, chan0):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, chan0=700) as receiver:
        publisher.wait_for_subscriber()
        frames = receiver.frames(timeout_s=10)
        publisher.send(message(np.ones((1, 64, 4)), chan0=stated))
        frame = next(frames)
    assert frame.frequencies_hz == pytest.approx((chan0 + np.arange(64)) * 196e6 / 8192)
    assert frame.chan0 == stated


def test_two_receivers_in_one_process_know_nothing_of_each_other(live_port):
    with (
        StreamReceiver(stream_port=live_port, plot_interval=0, buffer_length=8) as one,
        StreamReceiver(stream_port=live_port, plot_interval=0, channel_average=2) as other,
    ):
        assert one.wait_for_frames(3, 10)
        assert other.wait_for_frames(3, 10)
        one.set_delay(7.0)
        one.stop()
        more = other.snapshot(since=NO_ROWS).health.frames_received + 2
        assert other.wait_for_frames(more, 10)
        assert other.get_latest_data(1).shape == (1, 1536)
        assert other.get_current_delay() != 7.0


def test_a_loop_that_was_left_keeps_no_frames(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        left = weakref.ref(receiver.frames())
        with receiver.frames() as ended:
            pass
        gc.collect()
        for n in range(3):
            publisher.send(message(np.ones((1, 64, 4)), seq=n, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(3, 10)
        assert left() is None
        assert list(ended) == []


def test_stopping_ends_a_wait_for_frames(publisher):
    receiver, waited = StreamReceiver(stream_port=publisher.port, plot_interval=0), []
    receiver.start()
    thread = threading.Thread(target=lambda: waited.append(receiver.wait_for_frames(1, 100)))
    thread.start()
    poll_until(lambda: receiver.handler.wake_at_count == 1)
    receiver.stop()
    thread.join(10)
    assert waited == [False]


def calls(receiver):
    """Return calls that are allowed at any time, from any thread."""
    return [
        receiver.start, receiver.stop, receiver.snapshot, receiver.get_latest_data, receiver.get_buffer_status,
        receiver.get_current_delay, receiver.get_memory_info, receiver.get_rows, receiver.position, receiver.last_frame,
        receiver.plot_job, receiver.force_garbage_collection, lambda: receiver.set_delay(1.0),
        lambda: receiver.set_delay_calculation_method("auto"), lambda: receiver.get_latest_data(5, product="V/I"),
        lambda: list(receiver.frames(timeout_s=0.01)), lambda: receiver.wait_for_frames(1, 0.01),
        receiver.optimize_memory, lambda: receiver.set_product("YY"), lambda: receiver.rows_between(0, 9),
        lambda: receiver.number_at(3), lambda: receiver.set_plot_interval(0), receiver.plot_now,
        lambda: receiver.ring_buffer, lambda: receiver.buffer_index, receiver.get_webserver_status,
        lambda: list(receiver.rows(timeout_s=0.01)),
    ]  # fmt: skip


def test_eight_threads_may_call_everything_while_it_starts_stops_and_receives(publisher, tmp_path):
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0, plot_dir=tmp_path, buffer_length=50)
    failures, stopping = [], threading.Event()

    def use(seed):
        random = np.random.default_rng(seed)
        try:
            while not stopping.is_set():
                every = calls(receiver)
                every[int(random.integers(len(every)))]()
                rows = receiver.get_rows()
                # Rows that never arrived would hold something else.
                assert rows is None or not len(rows) or (rows.data == rows.data[:, :1, :1]).all()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a failure
            failures.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    end_s, n = time.monotonic() + 20, 0
    # On a busy machine, the receiver may not be connected while few frames are sent.
    while n < extent(30, 80) or (receiver.get_rows() is None and time.monotonic() < end_s):
        publisher.send(message(np.full((1, 64, 4), n + 1.0), seq=n, last_block_time=block_time(n)))
        stopping.wait(0.002)
        n += 1
    stopping.set()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    receiver.stop()
    assert failures == []
    assert len(receiver.get_rows())
    poll_until(lambda: threading.active_count() < 20)
