"""Delay and data age with known skew and latency, over real sockets."""

import contextlib
import itertools
import json
import statistics
import threading
import time

import numpy as np
import pytest
import zmq
from astropy.time import Time
from publishers import message, producing
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.monitoring.snapshot import NO_ROWS
from sunspec_tui.stream.message_delay import DelayMethod, delay_statistics

FRAMES = 12
NEAR_S = 0.005


class Relay:
    """Relay that delays each message of a stream.

    It notes the delay and the data age of each message when it leaves.

    Parameters
    ----------
    upstream
        Port of the producer.
    latency_s
        Time that a message is delayed.
    skew_s
        Seconds by which the sender's clock is fast.
    """

    def __init__(self, upstream, latency_s, skew_s):
        self._latency_s, self._skew_s = latency_s, skew_s
        self._context = zmq.Context()
        self._in, self._out = self._context.socket(zmq.SUB), self._context.socket(zmq.XPUB)
        self._in.subscribe(b"")
        self._in.connect(f"tcp://127.0.0.1:{upstream}")
        self.port = self._out.bind_to_random_port("tcp://127.0.0.1")
        self.delays_s, self.ends_s, self.ages_s = [], [], []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        self._out.recv()
        while not self._over.is_set():
            if not self._in.poll(50):
                continue
            parts = self._in.recv_multipart()
            self._over.wait(self._latency_s)
            header = json.loads(parts[1])
            # Parsed by another library than the program's own code.
            end_s = float(Time(header["last_block_time"].replace(" ", "T"), scale="utc").unix)
            now_s = time.time()
            self._out.send_multipart(parts)
            self.delays_s.append(now_s - float(header["timestamp"]))
            self.ends_s.append(end_s)
            self.ages_s.append(now_s - end_s)

    def close(self):
        self._over.set()
        self._thread.join()
        self._context.destroy(linger=0)


@contextlib.contextmanager
def relayed(latency_s, skew_s):
    with producing(fault=f"skew={skew_s}", wait=True, frames=FRAMES) as port:
        relay = Relay(port, latency_s, skew_s)
        try:
            yield relay
        finally:
            relay.close()


@pytest.mark.parametrize(("latency_s", "skew_s"), [(0.0, 0.0), (0.12, 0.0), (0.0, 0.4), (0.1, -2.5)])
def test_message_delay_and_data_age_are_true_including_the_sign(latency_s, skew_s):
    with relayed(latency_s, skew_s) as relay:
        receiver = StreamReceiver("127.0.0.1", relay.port, plot_interval=0)
        delays_s, ages_s, taken_s = [], [], []
        with receiver:
            for n in range(1, FRAMES + 1):
                assert receiver.wait_for_frames(n, 20)
                seen = receiver.snapshot(since=NO_ROWS)
                delays_s.append(seen.delay.value_s)
                ages_s.append(seen.data_age_s)
                taken_s.append(seen.taken_s)
        assert (seen.delay.used, seen.health.frames_missing) == (DelayMethod.AUTO, 0)
        poll_until(lambda: len(relay.ages_s) == FRAMES)
        # The median, because the machine may be busy for a moment.
        apart_s = [measured - true for measured, true in zip(delays_s, relay.delays_s, strict=True)]
        assert statistics.median(apart_s) == pytest.approx(0, abs=NEAR_S)
        # The data age at the time of the snapshot.
        apart_s = [age - (now - end) for age, now, end in zip(ages_s, taken_s, relay.ends_s, strict=True)]
        assert statistics.median(apart_s) == pytest.approx(0, abs=NEAR_S)
        # The relay itself is exact, except for the time that a thread takes to wake up.
        assert statistics.median(relay.delays_s) == pytest.approx(latency_s - skew_s, abs=0.03)
        assert statistics.median(relay.ages_s) == pytest.approx(latency_s, abs=0.1)
        minute = seen.delay_statistics
        history_s = [delay_s for _, delay_s in seen.delay_history]
        assert minute.median_s == pytest.approx(statistics.median(history_s), abs=1e-9)
        assert (len(history_s), minute.max_s) == (FRAMES, max(history_s))


@pytest.mark.parametrize("age_s", [-3.0, 0.0, 2.0, 86400.0 * 400])
def test_the_age_of_data_is_now_minus_their_end_and_grows_while_nothing_arrives(publisher, age_s):
    with StreamReceiver("127.0.0.1", publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        end = Time(time.time() - age_s, format="unix", scale="utc")
        publisher.send(message(np.ones((1, 8, 4)), last_block_time=end.to_value("iso", subfmt="date_hms")))
        assert receiver.wait_for_frames(1, 10)
        first, before_s = receiver.snapshot(), time.time()
        truth_s = float((Time(first.taken_s, format="unix", scale="utc") - end).sec)
        assert first.data_age_s == pytest.approx(truth_s, abs=1e-3)
        poll_until(lambda: time.time() > before_s + 0.1)
        later = receiver.snapshot()
        assert later.data_age_s - first.data_age_s == pytest.approx(later.taken_s - first.taken_s, abs=1e-6)


def test_percentiles_are_delays_that_were_seen_whatever_their_sign():
    delays_s = [n / 100 for n in range(-50, 50)]
    minute = delay_statistics(itertools.chain(delays_s, [float("nan")]))
    assert (minute.median_s, minute.p95_s, minute.max_s) == (-0.005, 0.44, 0.49)
