"""Rows are returned as they were sent, and the older API works."""

import math
import subprocess
import sys
import threading

import numpy as np
import pytest
from extent import extent
from hypothesis import given, settings
from hypothesis import strategies as st
from publishers import block_time, message
from waiting import poll_until

from sunspec_tui import RingBuffer, StreamReceiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.memory_usage import pss_mb, rss_mb
from sunspec_tui.core.products import Product, available, average_channels, bin_count, derive


@given(length=st.integers(1, 9), appended=st.integers(0, 40), asked=st.integers(0, 12))
def test_a_window_holds_the_last_rows_oldest_first_and_none_that_did_not_arrive(length, appended, asked):
    ring = RingBuffer(length, 3, 1)
    for n in range(appended):
        ring.append(np.full((3, 1), n, np.float32), n * 10.0, n * 2)
    rows = ring.latest(asked)
    expected = list(range(appended))[max(0, appended - min(asked, length)) :] if asked else []
    assert rows.data[:, 0, 0].tolist() == expected
    assert rows.times_s.tolist() == [n * 10.0 for n in expected]
    assert rows.slots.tolist() == [n * 2 for n in expected]
    assert rows.count == appended


@given(length=st.integers(1, 9), appended=st.integers(0, 40), since=st.integers(0, 50), most=st.integers(0, 12))
def test_rows_since_a_count_are_those_that_came_later_and_are_still_kept(length, appended, since, most):
    ring = RingBuffer(length, 1, 1)
    for n in range(appended):
        ring.append(np.full((1, 1), n, np.float32), float(n), n)
    kept = [n for n in range(appended) if n >= since and n >= appended - length]
    assert ring.since(since).slots.tolist() == kept
    assert ring.since(since, most=most).slots.tolist() == (kept[-most:] if most else [])


def test_readers_never_see_half_a_row():
    ring, problems, done = RingBuffer(50, 64, 4), [], threading.Event()

    def read():
        while not done.is_set():
            rows = ring.latest()
            if not np.array_equal(rows.data[:, 0, 0], rows.times_s.astype(np.float32)):
                problems.append(rows)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(3000):
        ring.append(np.full((64, 4), n, np.float32), float(n), n)
    done.set()
    for reader in readers:
        reader.join()
    assert not problems


@settings(max_examples=extent(25, 60), deadline=None)
@given(
    nchan=st.integers(1, 300),
    average=st.integers(1, 9),
    npol=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 2**32 - 1),
    holes=st.integers(0, 5),
)
def test_bins_are_plain_means_of_their_channels(nchan, average, npol, seed, holes):
    rng = np.random.default_rng(seed)
    spectrum = rng.uniform(0.1, 10, (nchan, npol)).astype(np.float32)
    for _ in range(holes):
        spectrum[rng.integers(nchan), rng.integers(npol)] = rng.choice([np.nan, np.inf, -np.inf])
    out = np.empty((bin_count(nchan, average), npol), np.float32)
    with np.errstate(invalid="ignore"):
        average_channels(spectrum, average, out)
        expected = [spectrum[i : i + average].mean(axis=0, dtype=np.float64) for i in range(0, nchan, average)]
    np.testing.assert_allclose(out, expected, rtol=1e-6)


@pytest.mark.parametrize("npol", [1, 2, 4])
@pytest.mark.parametrize("nchan", [3072, 1000])
def test_the_ring_holds_what_was_sent_before_and_after_it_has_wrapped(publisher, nchan, npol):
    rng = np.random.default_rng(nchan + npol)
    sent = rng.uniform(0, 1e6, (25, 1, nchan, npol)).astype(np.float32)
    with StreamReceiver(stream_port=publisher.port, buffer_length=10, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        for n, data in enumerate(sent):
            publisher.send(message(data, last_block_time=block_time(n)))
            if n in (3, 24):
                assert receiver.wait_for_frames(n + 1, 10)
                plain = sent[max(0, n - 9) : n + 1, 0].reshape(-1, nchan // 4, 4, npol).mean(axis=2)
                for product in available(npol)[:npol]:
                    got = receiver.get_latest_data(n_frames=10, product=product)
                    expected = plain[..., ["XX", "YY", "XY_real", "XY_imag"].index(product)]
                    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_stokes_products_follow_this_instruments_definition():
    rows = np.array([[[4.0, 2.0, 0.5, -1.0]]], np.float32)
    expected = {"I": 3.0, "Q": 1.0, "U": 0.5, "V": -1.0, "V/I": -1 / 3}
    assert {name: float(derive(rows, Product(name))[0, 0]) for name in expected} == pytest.approx(expected)
    assert math.isnan(derive(np.zeros((1, 1, 4), np.float32), Product.V_OVER_I)[0, 0])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_bad_values_make_bad_products_without_a_warning(bad):
    rows = np.full((1, 1, 4), bad, np.float32)
    assert not any(math.isfinite(derive(rows, product)[0, 0]) for product in (Product.I, Product.V_OVER_I))


def test_the_largest_powers_have_an_intensity():
    rows = np.full((1, 1, 4), 3e38, np.float32)
    assert derive(rows, Product.I)[0, 0] == pytest.approx(3e38)
    assert derive(rows, Product.V_OVER_I)[0, 0] == pytest.approx(1.0)


def test_the_older_receivers_status_is_all_there_without_a_stream():
    receiver = StreamReceiver(plot_interval=0)
    status = receiver.get_buffer_status()
    assert status["buffer_index"] == 0
    assert status["buffer_shape"] == (1200, 768)
    assert status["is_running"] is False
    assert status["plot_running"] is False
    assert status["last_plot_time"] is None
    assert math.isnan(status["current_delay"])
    assert receiver.get_latest_data().shape == (0, 768)
    memory = receiver.get_memory_info()
    assert memory["rss_mb"] > 1
    assert memory["objects"] > 0
    assert memory["pss_mb"] > 1 or math.isnan(memory["pss_mb"])
    assert receiver.force_garbage_collection() >= 0
    assert receiver.optimize_memory()["rss_after_mb"] > 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells proportional set sizes")
def test_memory_of_all_processes_counts_those_that_were_started_and_run():
    alone_mb = pss_mb()
    assert 1 < alone_mb <= rss_mb() + 1
    hold = "import sys; held = b'x' * (64 << 20); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert pss_mb([child.pid]) > alone_mb + 50
        child.stdin.close()
    assert pss_mb([child.pid]) < alone_mb + 50


def test_optimising_memory_keeps_every_row(publisher):
    data = np.ones((1, 64, 4), np.float32)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        for n in range(5):
            publisher.send(message(data, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(5, 10)
        receiver.optimize_memory()
        assert len(receiver.get_latest_data(100)) == 5


def test_it_starts_and_stops_twice_and_again_and_leaves_no_thread(publisher):
    before = set(threading.enumerate())
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0)
    for _ in range(2):
        receiver.start()
        receiver.start()
        assert receiver.get_buffer_status()["is_running"]
        receiver.stop()
        receiver.stop()
        assert not receiver.get_buffer_status()["is_running"]
    assert set(threading.enumerate()) <= before


def test_delay_methods_give_what_they_promise(publisher):
    now_s = 1755552900.0
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0, buffer_length=100, clock=lambda: now_s)
    with receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 64, 4)), timestamp=f"{now_s - 1.5:.6f}", interval=0.25))
        assert receiver.wait_for_frames(1, 10)
        assert receiver.get_current_delay() == pytest.approx(1.5)
        receiver.set_delay_calculation_method("buffer")
        assert receiver.get_current_delay() == pytest.approx((100 - 1) * 0.25)
        receiver.set_delay(2.5)
        assert receiver.get_current_delay() == 2.5
        receiver.set_delay_calculation_method("auto")
        assert receiver.get_current_delay() == pytest.approx(1.5)
        age = receiver.snapshot().data_age_s
        assert age == pytest.approx(now_s - 1755552894.787341, abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"buffer_length": 0}, {"channel_average": 0}, {"plot_interval": -1}, {"product": "ZZ"}, {"delay_method": "x"}],
)
def test_wrong_parameters_are_named(wrong):
    with pytest.raises(UsageError, match=r"it must be|choose one of"):
        StreamReceiver(**wrong)


@pytest.mark.parametrize("seconds", [math.nan, math.inf])
def test_a_manual_delay_is_a_finite_number(seconds):
    with pytest.raises(UsageError, match="finite"):
        StreamReceiver(plot_interval=0).set_delay(seconds)


def test_an_address_that_is_none_is_one_sentence():
    with pytest.raises(UsageError, match="stream_addr"):
        StreamReceiver("no such host:1:2", plot_interval=0)


def test_refused_and_silent_are_different_states(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        poll_until(lambda: receiver.snapshot().health.link == "connected")
        publisher.close()
        poll_until(lambda: receiver.snapshot().health.link == "nobody answers there, retrying")
        assert receiver.snapshot().health.state == "connecting"
