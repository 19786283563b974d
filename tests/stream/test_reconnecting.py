"""The monitor names another service on the port, and receives again."""

import json
import logging
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import zmq
from peers import TALKS, Relay, foreign, free_port, publishes, serving
from publishers import Publisher, block_time, message
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.monitoring.status_record import status_record
from sunspec_tui.stream.publisher_search import SearchTimes
from sunspec_tui.stream.reconnecting import ReconnectTimes

DATA = np.random.default_rng(1).uniform(1, 2, (1, 64, 4)).astype(np.float32)
SPEED = 20
"""Speed of the receiver's clock, in tests of half a minute of silence."""


def link(receiver: StreamReceiver) -> str:
    """Return the state of the connection, as in status lines."""
    return status_record(receiver.snapshot())["link"]


@contextmanager
def publishing(publisher: Publisher, first: int = 0) -> Iterator[None]:
    """Send numbered frames until the end."""
    over = threading.Event()

    def send() -> None:
        n = first
        while not over.wait(0.05):
            publisher.send(message(DATA, last_block_time=block_time(n), seq=n))
            n += 1

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def assert_frames_flow(receiver: StreamReceiver, port: int) -> None:
    """Check that a publisher's frames arrive within 10 s."""
    before = receiver.snapshot().health.frames_received
    publisher = Publisher(port)
    try:
        with publishing(publisher):
            assert receiver.wait_for_frames(before + 3, 10), f"no frames in 10 s; link: {link(receiver)}"
    finally:
        publisher.close()


@pytest.mark.parametrize("kind", [*TALKS, "REP", "PUSH", "ROUTER", "PULL", "PAIR"])
def test_frames_arrive_after_another_program_used_the_port(kind):
    port = free_port()
    with StreamReceiver(stream_port=port, plot_interval=0) as receiver:
        with foreign(port, kind):
            poll_until(lambda: link(receiver) not in ("connecting", "nobody answers there, retrying"))
        assert_frames_flow(receiver, port)


def test_all_peers_in_turn_and_a_publisher_after_each():
    port = free_port()
    with StreamReceiver(stream_port=port, plot_interval=0) as receiver:
        for kind in ("REP", "SSH", "garbage", "PUSH"):
            with foreign(port, kind):
                poll_until(lambda: "not a publisher" in link(receiver) or "no ZeroMQ" in link(receiver))
            assert_frames_flow(receiver, port)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("REP", "a REP socket answers there, not a publisher, retrying"),
        ("PUSH", "a PUSH socket answers there, not a publisher, retrying"),
        ("SSH", "an SSH server answers there, no ZeroMQ publisher, retrying"),
        ("HTTP", "an HTTP server answers there, no ZeroMQ publisher, retrying"),
        ("silent", "something accepts connections there and sends nothing, retrying"),
        ("closes", "something there closes each connection at once, retrying"),
        ("greeting and garbage", "something whose ZeroMQ handshake is malformed answers there"),
        ("garbage", r"something that begins with '\x00\x01rubbish"),
    ],
)
def test_the_program_on_the_port_is_named(kind, words):
    port = free_port()
    with foreign(port, kind), StreamReceiver(stream_port=port, plot_interval=0) as receiver:
        poll_until(lambda: link(receiver).startswith(words), what=lambda: f"{words!r} instead of {link(receiver)!r}")


def test_each_attempt_is_an_event_with_its_number(caplog):
    caplog.set_level(logging.INFO)
    port = free_port()
    with foreign(port, "REP"), StreamReceiver(stream_port=port, plot_interval=0) as receiver:
        poll_until(lambda: "(attempt 3)" in link(receiver), what=lambda: f"a third attempt after {link(receiver)!r}")
    events = [record.sunspec_event for record in caplog.records if "attempt" in record.getMessage()]
    assert [event["attempt"] for event in events] == [2, 3]
    assert {event["link"] for event in events} == {"no_publisher"}


@pytest.mark.parametrize("size", [64 * 2**20, 70_000_000])
def test_an_oversize_message_is_counted_and_frames_flow_on(publisher, size):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(DATA, last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        publisher.send([b"data", b"{}", bytes(size)])
        with publishing(publisher, first=2):
            poll_until(lambda: receiver.snapshot().health.rejected.get("message_size") == 1, what="the rejection")
            assert receiver.wait_for_frames(5, 10), f"no frames in 10 s; link: {link(receiver)}"


def test_a_connection_that_is_open_but_dead_is_replaced(publisher):
    with (
        Relay(publisher.port) as relay,
        StreamReceiver(stream_port=relay.port, plot_interval=0, monotonic=lambda: SPEED * time.monotonic()) as receiver,
        publishing(publisher),
    ):
        assert receiver.wait_for_frames(3, 10)
        with receiver.frames() as frames:
            relay.kill()
            received = receiver.snapshot().health.frames_received
            assert receiver.wait_for_frames(received + 40, 20), f"no frames in 20 s; link: {link(receiver)}"
            numbers = [next(frames).seq for _ in range(40)]
    # Only frames sent while nothing was connected are lost, and no frame arrives twice.
    steps = np.diff(numbers)
    assert (steps >= 1).all()
    assert (steps > 1).sum() <= 1


def test_a_silent_publisher_that_continues_is_received_once(publisher):
    publisher._socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    with StreamReceiver(
        stream_port=publisher.port, plot_interval=0, monotonic=lambda: SPEED * time.monotonic()
    ) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(DATA, last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        # The second connection subscribes while the first one is open.
        publisher.wait_for_subscriber()
        for n in range(1, 200):
            publisher.send(message(DATA, last_block_time=block_time(n), seq=n))
        assert receiver.wait_for_frames(200, 10)
        poll_until(lambda: link(receiver) == "connected")
        health = receiver.snapshot().health
    assert (health.frames_received, health.frames_missing, health.repeats, health.restarts) == (200, 0, 0, 0)


def test_a_silence_is_reported_with_each_attempt(publisher):
    with StreamReceiver(
        stream_port=publisher.port, plot_interval=0, monotonic=lambda: 5 * SPEED * time.monotonic()
    ) as receiver:
        publisher.wait_for_subscriber()
        said = poll_until(lambda: "(attempt 2)" in link(receiver) and link(receiver))
    assert said.startswith("connected, but silent for ")


def test_a_slow_stream_is_not_reconnected_before_ten_cadences(publisher):
    clock = {"s": 0.0}
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, monotonic=lambda: clock["s"]) as receiver:
        publisher.wait_for_subscriber()
        for n in range(3):
            publisher.send(message(DATA, last_block_time=block_time(n, 60.0), seq=n, interval=60.0))
        assert receiver.wait_for_frames(3, 10)
        clock["s"] = 500.0
        assert not poll_briefly(lambda: "attempt" in link(receiver))
        clock["s"] = 1200.0
        poll_until(lambda: "attempt" in link(receiver))


def poll_briefly(condition, seconds=0.5):
    """Return True if a condition becomes true within a moment.

    Used for conditions that must stay false.
    """
    end_s, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < end_s:
        if condition():
            return True
        pause.wait(0.02)
    return False


def test_endless_searches_leave_no_file_descriptors(publisher):
    import psutil

    port = free_port()
    with StreamReceiver(stream_port=port, plot_interval=0) as receiver, foreign(port, "closes"):
        poll_until(lambda: "closes" in link(receiver))
        before = psutil.Process().num_fds()
        poll_until(lambda: "attempt 2" in link(receiver))
        assert psutil.Process().num_fds() <= before + 4


def has_namespaces() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_namespaces(), reason="this machine gives no network namespaces")
def test_a_retry_does_not_keep_the_port_from_the_producer():
    script = Path(__file__).parents[1] / "support" / "own_port.py"
    run = ["unshare", "-rn", sys.executable, str(script), "4"]
    told = subprocess.run(run, capture_output=True, check=True, text=True, timeout=60).stdout
    result = json.loads(told)
    assert result["refused"] == ""
    assert result["bound"] == 40000
    assert result["frames"] >= 3


def ends_after_a_frame(one: socket.socket, over: threading.Event) -> None:
    """Publish one frame and close."""
    publishes(one)
    topic, header, payload = message(DATA)
    frame = b"".join(
        bytes((flags,)) + len(part).to_bytes(8, "big") + part for flags, part in ((3, topic), (3, header), (2, payload))
    )
    one.sendall(frame)
    one.shutdown(socket.SHUT_RDWR)


def ends_after_the_handshake(one: socket.socket, over: threading.Event) -> None:
    """Greet as a publisher and close."""
    publishes(one)
    one.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("talk", [ends_after_a_frame, ends_after_the_handshake])
def test_a_publisher_that_ends_each_connection_is_tried_a_few_times_a_second_at_most(talk):
    port = free_port()
    with serving(port, talk) as taken, StreamReceiver(stream_port=port, plot_interval=0) as receiver:
        poll_until(lambda: len(taken) > 2, 20)
        before = len(taken)
        assert not poll_briefly(lambda: len(taken) > before + 12, 2.0)
        if talk is ends_after_a_frame:
            assert receiver.snapshot().health.frames_received


def test_a_name_is_asked_for_again_when_no_thread_could_be_started(publisher, monkeypatch):
    failures = [RuntimeError("can't start new thread")]
    start = threading.Thread.start

    def starts(thread: threading.Thread) -> None:
        if thread.name == "sunspec-resolver" and failures:
            raise failures.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starts)
    times = ReconnectTimes(search=SearchTimes(resolve_again_s=0.1))
    with StreamReceiver("localhost", publisher.port, plot_interval=0, reconnect=times) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(DATA))
        assert receiver.wait_for_frames(1, 10)
    assert not failures


def test_a_process_without_file_descriptors_for_a_while_connects_when_it_has_some(publisher, monkeypatch):
    from sunspec_tui.stream import port_probe

    failures = [OSError(24, "Too many open files")] * 2

    class Poor(socket.socket):
        def __init__(self, *given, **options):
            if failures and not options.get("fileno") and given[:1] == (socket.AF_INET,):
                raise failures.pop()
            super().__init__(*given, **options)

    monkeypatch.setattr(port_probe.socket, "socket", Poor)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        poll_until(lambda: "Too many open files" in link(receiver))
        publisher.wait_for_subscriber()
        publisher.send(message(DATA))
        assert receiver.wait_for_frames(1, 10)
