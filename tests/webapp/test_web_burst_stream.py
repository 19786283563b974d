"""Server-sent events of bursts, as a program receives them."""

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx
import pytest
from burst_boards import burst, served_bursts
from waiting import poll_until
from webs import address_of

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.webapp import connection_limits, event_stream

OPEN = burst("open", is_open=True, type=BurstType.UNKNOWN)


@dataclass
class Event:
    kind: str = ""
    number: str = ""
    data: str = ""

    @property
    def values(self):
        return json.loads(self.data)


class Reader:
    """Program that reads an event stream."""

    def __init__(self, answer):
        self.answer = answer
        self._lines = answer.iter_lines()
        self.comments = []
        self.last = None

    def next(self):
        """Wait for an event with data; remember its number."""
        event = Event()
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line.startswith(":"):
                self.comments.append(line)
            elif name == "event":
                event.kind = value
            elif name == "id":
                event.number = self.last = value
            elif name == "data":
                event.data = value
            elif not line and event.data:
                return event
        return None

    def wait_for_number(self):
        """Wait for the number that follows the bursts in progress."""
        for line in self._lines:
            if line.startswith("id: "):
                self.last = line[4:]
                return


@contextmanager
def reading(url, last=None):
    headers = {} if last is None else {"last-event-id": last}
    with httpx.stream("GET", f"{url}events/stream", headers=headers, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        yield Reader(answer)


@pytest.fixture
def feed():
    with served_bursts() as (board, receiver, url):
        yield board, receiver, url


def test_a_reader_gets_the_bursts_in_progress_and_then_each_change(feed):
    board, _, url = feed
    board.add([burst("ended", -60), OPEN])
    with reading(url) as reader:
        headers = reader.answer.headers
        first = reader.next()
        board.add([replace(OPEN, type=BurstType.II)])
        second = reader.next()
        board.add([burst("new", 60)])
        third = reader.next()
    assert (headers["content-type"], headers["cache-control"]) == ("text/event-stream; charset=utf-8", "no-store")
    assert "content-encoding" not in headers
    assert [event.kind for event in (first, second, third)] == ["burst"] * 3
    assert [event.values["name"] for event in (first, second, third)] == ["open", "open", "new"]
    assert (first.values["is_open"], second.values["type"]) == (True, "II")
    assert len({first.number, second.number, third.number}) == 3


def test_a_silent_stream_has_comments(feed, monkeypatch):
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
    board, _, url = feed
    with reading(url) as reader:
        timer = threading.Timer(0.3, board.add, [[burst("late")]])
        timer.start()
        assert reader.next().values["name"] == "late"
        timer.join()
    assert reader.comments


def test_a_reader_that_returns_gets_what_it_has_missed(feed):
    board, _, url = feed
    board.add([OPEN, burst("before", -60)])
    with reading(url) as reader:
        assert reader.next().values["name"] == "open"
        reader.wait_for_number()
    board.add([burst("one", 10)])
    # The page's own requests read the board too, so each change has its number.
    httpx.get(f"{url}events")
    board.add([burst("two", 20), replace(OPEN, is_open=False)])
    with reading(url, reader.last) as again:
        found = [again.next().values for _ in range(3)]
    assert [each["name"] for each in found] == ["one", "open", "two"]


def test_a_reader_of_another_run_gets_all_bursts(feed):
    board, _, url = feed
    board.add([burst("a"), burst("b", 10)])
    with reading(url, "01234567-5") as reader:
        assert [reader.next().values["name"] for _ in range(2)] == ["a", "b"]


def test_a_reader_is_told_how_many_changes_it_has_missed(feed):
    board, _, url = feed
    with reading(url) as reader:
        reader.wait_for_number()
    for confidence in (0.1, 0.2, 0.3):
        board.add([replace(OPEN, confidence=confidence)])
        httpx.get(f"{url}events")
    with reading(url, reader.last) as again:
        skipped, newest = again.next(), again.next()
    assert (skipped.kind, skipped.values) == ("skipped", {"changes": 2})
    assert newest.values["confidence"] == 0.3


def test_streams_end_with_an_event_when_the_web_view_stops(feed):
    _, receiver, url = feed
    with reading(url) as reader:
        reader.wait_for_number()
        ended = threading.Thread(target=receiver.parts.web.stop)
        ended.start()
        assert reader.next().kind == "end"
        assert reader.next() is None
        ended.join()


def test_a_head_request_ends(feed):
    _, _, url = feed
    answer = httpx.head(f"{url}events/stream")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


# Limits


def places_of(receiver):
    return receiver.parts.web._running._server.config.app._app._app.state.stream_places


def streams_of(receiver):
    return places_of(receiver)._of_peer.total()


def test_streams_above_the_limit_are_refused_and_a_closed_one_makes_room(monkeypatch):
    monkeypatch.setattr(event_stream, "MAX_STREAMS", 2)
    with served_bursts() as (_, receiver, url):
        with reading(url), reading(url):
            answer = httpx.get(f"{url}events/stream")
            assert answer.status_code == 503
            assert "event streams are taken" in answer.json()["error"]
        poll_until(lambda: streams_of(receiver) == 0)
        with reading(url):
            poll_until(lambda: streams_of(receiver) == 1)
        assert receiver.web_status().refused == 1


def test_another_machine_may_have_half_of_the_places():
    places = event_stream.StreamPlaces(4)
    with places.keep("192.0.2.1"), places.keep("192.0.2.1"):
        with pytest.raises(event_stream.RequestRefused), places.keep("192.0.2.1"):
            pass
        with places.keep("loopback"), places.keep("loopback"), pytest.raises(event_stream.RequestRefused):  # noqa: SIM117
            with places.keep("loopback"):
                pass
    assert not places._of_peer


def asked(url):
    """Socket that has requested the stream and reads nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(address_of(url))
    connection.sendall(b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return connection


def test_a_stream_outlasts_the_deadline_of_answers(monkeypatch):
    monkeypatch.setattr(connection_limits, "ANSWER_TIMEOUT_S", 0.4)
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
    with served_bursts() as (board, _, url), reading(url) as reader:
        # Each comment is one heartbeat; twenty last more than twice the deadline.
        while len(reader.comments) < 20:
            line = next(reader._lines)
            reader.comments += [line] if line.startswith(":") else []
        board.add([OPEN])
        assert reader.next().values["name"] == "open"


def test_a_reader_that_receives_nothing_is_closed_and_delays_no_other(monkeypatch):
    monkeypatch.setattr(connection_limits, "ANSWER_TIMEOUT_S", 1.0)
    monkeypatch.setattr(event_stream, "HEARTBEAT_S", 0.05)
    with served_bursts() as (board, receiver, url), asked(url) as idle, reading(url) as reader:
        poll_until(lambda: streams_of(receiver) == 2)
        reason = "x" * 900

        def change():
            board.add(replace(OPEN, name=str(i), reason=f"{reason}{next(count)}") for i in range(900))
            return streams_of(receiver) == 1

        count = iter(range(10**9))
        received = []
        thread = threading.Thread(target=lambda: received.extend(iter(reader.next, None)))
        thread.start()
        poll_until(change, 60)
        receiver.parts.web.stop()
        thread.join(20)
        assert received[-1].kind == "end"
        assert idle.fileno() >= 0
