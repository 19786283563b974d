"""A stream continues while its receive queue's limit is lowered."""

import time
from collections import deque

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from waiting import poll_until

from sunspec_tui.stream.connection import RECEIVE_QUEUE_BYTES, RECEIVE_QUEUE_FRAMES, Connection
from sunspec_tui.stream.queue_limit import QueueLimit


class Queue:
    """Queue of ZeroMQ 4.3, between its own thread and the reader."""

    def __init__(self, limit):
        self.limit = limit
        self._waiting, self._written, self.read, self._reported = deque(), 0, 0, 0

    def write(self, count):
        for _ in range(count):
            if self._written - self._reported >= self.limit:
                return
            self._written += 1
            self._waiting.append(self._written)

    def receive(self):
        if not self._waiting:
            return False
        self.read = self._waiting.popleft()
        if self.read % ((self.limit + 1) // 2) == 0:
            self._reported = self.read
        return True


@given(
    st.sampled_from([16, 2000, 2001]),
    st.lists(st.tuples(st.integers(0, 2500), st.integers(0, 2500), st.integers(1, 2000)), max_size=8),
)
def test_a_queue_whose_limit_is_lowered_never_stops(first, steps):
    queue, limit = Queue(first), QueueLimit(first)
    lowest = first
    for count, taken, wanted in steps:
        queue.write(count)
        for _ in range(taken):
            if not queue.receive():
                break
            queue.limit = limit.lower_towards(lowest, queue.read)
        lowest = min(lowest, wanted)
        queue.limit = limit.lower_towards(lowest, queue.read)
    # In any state, the reader reads the queued messages, and more arrive.
    for _ in range(3 * first):
        queue.write(2500)
        assert queue.receive()
        queue.limit = limit.lower_towards(lowest, queue.read)
    assert limit.is_reached


@pytest.mark.parametrize("read", [0, 1, 500, 999, 1000, 1001, 1499, 1500, 1999])
@pytest.mark.parametrize("wanted", [1, 16, 640, 1500])
def test_a_lower_limit_is_reached_after_few_messages(read, wanted):
    limit = QueueLimit(2000)
    limit.lower_towards(2000, read)
    for more in range(60):
        if limit.lower_towards(wanted, read + more) == wanted:
            break
    assert limit.now == wanted


@pytest.mark.parametrize("read", [100, 700, 1200, 1990])
def test_a_stream_with_larger_messages_continues(read):
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        publisher.linger, publisher.sndhwm = 0, 10_000
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        connection = Connection(context, f"tcp://127.0.0.1:{port}", time.monotonic())
        try:
            assert publisher.poll(10_000)
            publisher.recv()
            poll_until(lambda: connection.read_events() or connection.is_ready)
            assert connection.socket.rcvhwm == RECEIVE_QUEUE_FRAMES
            sizes = [*[100] * read, 2**21, *[100] * 300]
            for size in sizes:
                publisher.send_multipart([b"data", b"{}", bytes(size)])
                assert connection.socket.poll(10_000), f"the stream stopped after {connection.messages} messages"
                connection.receive()
            assert connection.socket.rcvhwm == RECEIVE_QUEUE_BYTES // (2**21 + 6)
        finally:
            connection.close()
