"""Subscribers over budget: other subscribers still get every frame."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import zmq
from peers import free_port
from terminals import PROGRAM

FLOOD = """
import itertools, sys, zmq
kind, port = sys.argv[1], int(sys.argv[2])
context = zmq.Context()
socket = context.socket(zmq.SUB if kind == "subscriptions" else zmq.XSUB)
socket.sndhwm = 0 if kind == "subscriptions" else 10_000
socket.connect(f"tcp://127.0.0.1:{port}")
print("begun", flush=True)
if kind == "subscriptions":
    for n in range(100_000):
        socket.subscribe(b"a topic that nobody publishes %08d" % n)
    print("all asked for", flush=True)
    sys.stdin.read()
for n in itertools.count():
    if kind == "topics":
        socket.send(b"\\x01" + b"%0400d" % n)
    elif kind == "churn":
        socket.send(b"%c" % (n % 2) + b"%032d" % (n // 2))
    elif kind == "again":
        socket.send(b"\\x01same")
    else:
        socket.send(bytes(16 << 20))
"""
KINDS = ("subscriptions", "topics", "churn", "again", "large")


def rss_mib(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Honest:
    """Subscriber that stores the numbers of the frames."""

    def __init__(self, port, topic=b"data"):
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.rcvhwm = 0
        self._socket.subscribe(topic)
        self._socket.connect(f"tcp://127.0.0.1:{port}")
        self.numbers = []

    def take(self, count, timeout_s=30):
        """Receive frames until `count` more have arrived or the time is up."""
        wanted, deadline_s = len(self.numbers) + count, time.monotonic() + timeout_s
        while len(self.numbers) < wanted and time.monotonic() < deadline_s:
            if self._socket.poll(100):
                self.numbers.append(json.loads(self._socket.recv_multipart()[1])["seq"])
        assert len(self.numbers) >= wanted, f"only {len(self.numbers)} of {wanted} frames came in {timeout_s} s"

    def is_unbroken(self):
        return self.numbers == list(range(self.numbers[0], self.numbers[0] + len(self.numbers)))

    def close(self):
        self._context.destroy(linger=0)


@pytest.fixture
def producer():
    port = free_port()
    words = [*PROGRAM, "stream", "--port", str(port), "--interval", "0.05"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        yield process, port
        process.kill()


@pytest.fixture
def flood():
    running = []

    def begin(kind, port):
        words = [sys.executable, "-c", FLOOD, kind, str(port)]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout.readline() == "begun\n"
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("kinds", [*[(kind,) for kind in KINDS], KINDS], ids=[*KINDS, "all-at-once"])
def test_under_a_flood_honest_subscribers_get_every_frame_and_the_producer_stays_small_and_ends(producer, flood, kinds):
    process, port = producer
    early = Honest(port)
    early.take(3)
    before_mib = rss_mib(process.pid)
    for kind in kinds:
        flood(kind, port)
    early.take(60)
    late = Honest(port, b"")
    late.take(20)
    early.take(20)
    assert early.is_unbroken()
    assert late.is_unbroken()
    assert rss_mib(process.pid) < 100, f"{before_mib:.0f} MiB before the flood"
    asked_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    told, logged = process.communicate(timeout=20)
    took_s = time.monotonic() - asked_s
    early.close()
    late.close()
    assert process.returncode == 0
    assert "frames sent" in told
    assert "Traceback" not in logged
    # It needs a second at most, but the machine may be busy.
    assert took_s < 5, f"it ended {took_s:.1f} s after SIGTERM"


def test_a_flood_does_not_hold_up_a_producer_that_waits_for_its_first_subscriber(flood):
    port = free_port()
    words = [*PROGRAM, "stream", "--port", str(port), "--wait", "--frames", "50", "--speed", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        flood("topics", port)
        honest = Honest(port)
        try:
            honest.take(50)
            assert honest.numbers == list(range(50))
            # It does not linger for peers that were cut off.
            process.communicate(timeout=15)
        finally:
            honest.close()
            process.kill()
        assert process.returncode == 0
