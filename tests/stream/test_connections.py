"""Parts of a connection: greetings, probes, intervals and queue limits."""

import socket
import time
from contextlib import suppress

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st
from peers import foreign, free_port
from waiting import poll_until

from sunspec_tui.core.addresses import host_and_port, parse_bind_host, parse_host
from sunspec_tui.core.errors import RejectedMessage, UsageError
from sunspec_tui.stream.backoff import Backoff
from sunspec_tui.stream.connection import (
    CANDIDATE_QUEUE_FRAMES,
    MAX_MESSAGE_BYTES,
    MAX_PARTS,
    RECEIVE_QUEUE_BYTES,
    RECEIVE_QUEUE_FRAMES,
    Connection,
    EndReason,
)
from sunspec_tui.stream.port_probe import PeerKind, Probe
from sunspec_tui.stream.publisher_search import Search, SearchTimes
from sunspec_tui.stream.resolver import Resolver
from sunspec_tui.stream.tcp import TcpConnection, connects_to_itself
from sunspec_tui.stream.zmtp import GREETING, MAX_ANSWER_BYTES, READY, Answer, SenderKind, read_answer

MIB = 2**20


def ready(kind: bytes, name: bytes = b"Socket-Type") -> bytes:
    """Return a greeting and a READY command with a socket type."""
    body = b"\x05READY" + bytes((len(name),)) + name + len(kind).to_bytes(4, "big") + kind
    return GREETING + bytes((4, len(body))) + body


# Addresses


@pytest.mark.parametrize(
    "address", ["localhost", "127.0.0.1", "::1", "fe80::1%eth0", "beam-3.example.org", "a_b", "é.example"]
)
def test_an_address_is_kept_as_it_is(address):
    assert parse_host(f" {address} ") == address


def test_brackets_of_ipv6_addresses_are_removed_and_added():
    assert parse_host("[::1]") == "::1"
    assert host_and_port("::1", 5) == "[::1]:5"
    assert host_and_port("beam", 5) == "beam:5"
    assert parse_bind_host("*") == "0.0.0.0"


@pytest.mark.parametrize(
    "address", [None, 5, b"127.0.0.1", "[]", "[::1", "::1]", "x" * 254, "a\nb", "a\x1b[31m", ":", ":9798"]
)
def test_an_invalid_address_is_refused_in_one_short_printable_line(address):
    with pytest.raises(UsageError) as caught:
        parse_host(address)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250


@given(st.text())
def test_any_text_is_an_address_or_refused(text):
    with suppress(UsageError):
        host = parse_host(text)
        assert parse_host(host) == host
        assert not any(character.isspace() for character in host)


# Greetings


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (ready(b"PUB"), Answer(SenderKind.PUBLISHER, "a PUB socket")),
        (ready(b"XPUB"), Answer(SenderKind.PUBLISHER, "a XPUB socket")),
        (ready(b"REP"), Answer(SenderKind.OTHER_SOCKET, "a REP socket")),
        (ready(b"PUB", b"socket-type"), Answer(SenderKind.PUBLISHER, "a PUB socket")),
        (ready(b"\x1b[31m"), Answer(SenderKind.OTHER_SOCKET, r"a '\x1b[31m' socket")),
        (
            ready(b"PUB", b"Identity"),
            Answer(SenderKind.OTHER_PROTOCOL, "something whose ZeroMQ handshake is malformed"),
        ),
        (GREETING[:10] + b"\x01\x01", Answer(SenderKind.PUBLISHER, "a PUB socket")),
        (GREETING[:10] + b"\x01\x04", Answer(SenderKind.OTHER_SOCKET, "a REP socket")),
        (GREETING[:10] + b"\x00", Answer(SenderKind.PUBLISHER, "a ZeroMQ socket")),
        (
            GREETING.replace(b"NULL\0", b"CURVE"),
            Answer(SenderKind.OTHER_SOCKET, "a ZeroMQ socket that asks for authentication ('CURVE')"),
        ),
        (b"SSH-2.0-x", Answer(SenderKind.OTHER_PROTOCOL, "an SSH server")),
        (b"HTTP/1.1 400", Answer(SenderKind.OTHER_PROTOCOL, "an HTTP server")),
        (b"<!DOCTYPE HTML", Answer(SenderKind.OTHER_PROTOCOL, "an HTTP server")),
        (b"\x15\x03\x01", Answer(SenderKind.OTHER_PROTOCOL, "a TLS server")),
        (b"220 mail\r\n", Answer(SenderKind.OTHER_PROTOCOL, r"something that begins with '220 mail\r\n'")),
    ],
)
def test_answers_are_identified(received, answer):
    assert read_answer(received) == answer


def in_long_form(answer):
    """Return an answer whose READY command has a length of eight bytes."""
    body = answer[len(GREETING) + 2 :]
    return GREETING + b"\x06" + len(body).to_bytes(8, "big") + body


@pytest.mark.parametrize(
    "whole", [ready(b"PUB"), ready(b"REP"), in_long_form(ready(b"PUB")), GREETING[:10] + b"\x01\x01"]
)
def test_an_incomplete_answer_is_not_identified(whole):
    assert {read_answer(whole[:n]).kind for n in range(len(whole))} == {SenderKind.UNKNOWN}


@given(st.binary(max_size=MAX_ANSWER_BYTES))
def test_any_bytes_are_an_answer(received):
    assert read_answer(received).name.isprintable()
    assert len(read_answer(GREETING + received).name) < 200


def test_our_ready_command_is_that_of_a_subscriber():
    assert read_answer(GREETING + READY) == Answer(SenderKind.OTHER_SOCKET, "a SUB socket")


# Probes


def probed(port: int, **options: float) -> Probe:
    """Return a probe of a loopback port after its result."""
    begun_s = time.monotonic()
    probe = Probe(("127.0.0.1", port), begun_s, **options)

    def advance() -> bool:
        if not probe.ended:
            events = zmq.POLLIN if probe.connected else zmq.POLLOUT
            poller = zmq.Poller()
            poller.register(probe.fileno(), events)
            probe.advance(time.monotonic(), ready=bool(poller.poll(10)))
        return probe.result is not None

    poll_until(advance, what="a result")
    probe.close()
    return probe


def test_a_probe_of_a_closed_port_is_refused():
    assert probed(free_port()).result.kind is PeerKind.REFUSED


@pytest.mark.parametrize(
    ("kind", "found"), [("PUB", PeerKind.PUBLISHER), ("XPUB", PeerKind.PUBLISHER), ("REQ", PeerKind.OTHER_SOCKET)]
)
def test_a_probe_distinguishes_publishers_from_other_sockets(kind, found):
    port = free_port()
    with foreign(port, kind):
        probe = probed(port)
    assert probe.result.kind is found
    assert probe.result.words.startswith(f"a {kind} socket")


def test_a_probe_of_a_silent_peer_ends_in_time():
    port = free_port()
    with foreign(port, "silent"):
        assert "sends nothing" in probed(port, answer_s=0.2).result.words


def test_a_probe_of_an_address_that_does_not_answer_ends_in_time():
    probe = Probe(("127.0.0.1", free_port()), 0.0, connect_s=5.0)
    assert not probe.connected
    probe.advance(6.0, ready=False)
    assert probe.result.kind is PeerKind.UNREACHABLE
    assert probe.ended


def test_a_connection_to_itself_is_noticed():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.connect(one.getsockname())
        assert connects_to_itself(one)
        copy = TcpConnection(one.fileno())
        assert copy.is_own
        copy.close()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as other:
        assert not connects_to_itself(other)
        assert not connects_to_itself(server)


def test_a_file_descriptor_that_is_no_connection_is_refused(tmp_path):
    with (tmp_path / "file").open("w") as file, pytest.raises(OSError, match="not a socket"):
        TcpConnection(file.fileno())
    with socket.socket() as one, pytest.raises(OSError, match=r".+"):
        TcpConnection(one.fileno())


# Intervals


def test_intervals_double_up_to_the_longest():
    backoff, now_s, intervals = Backoff(1.0, 600.0), 0.0, []
    assert backoff.is_due(now_s)
    for _ in range(13):
        backoff.attempt(now_s)
        intervals.append(backoff.interval_s)
        assert not backoff.is_due(now_s + backoff.interval_s - 0.01)
        now_s += backoff.interval_s
        assert backoff.is_due(now_s)
    assert intervals == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]
    backoff.reset()
    assert (backoff.attempts, backoff.is_due(now_s)) == (0, True)


# Limits of queued messages


@pytest.fixture
def pair():
    """Yield a connection, and the publisher at its other end."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        publisher.linger = 0
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        connection = Connection(context, f"tcp://127.0.0.1:{port}", time.monotonic())
        assert publisher.poll(10_000)
        poll_until(lambda: connection.read_events() or connection.is_ready)
        yield connection, publisher
        connection.close()


def receive(connection):
    assert connection.socket.poll(10_000), "no message came"
    return connection.receive()


def test_fewer_messages_are_queued_if_they_are_large(pair):
    connection, publisher = pair
    publisher.send_multipart([b"data", b"{}", bytes(49_152)])
    receive(connection)
    assert connection.socket.rcvhwm == RECEIVE_QUEUE_FRAMES
    publisher.send_multipart([b"data", b"{}", bytes(4 * MIB)])
    receive(connection)
    assert connection.socket.rcvhwm * 4 * MIB <= RECEIVE_QUEUE_BYTES
    for n in range(100):
        publisher.send_multipart([b"data", b"%d" % n, b"payload"])
    assert [int(receive(connection)[1]) for _ in range(100)] == list(range(100))


def test_an_unread_connection_holds_few_messages_and_notices_a_flood():
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        publisher.linger = 0
        port = publisher.bind_to_random_port("tcp://127.0.0.1")
        connection = Connection(
            context, f"tcp://127.0.0.1:{port}", time.monotonic(), queue_frames=CANDIDATE_QUEUE_FRAMES
        )
        try:
            assert publisher.poll(10_000)
            poll_until(lambda: connection.read_events() or connection.is_ready)
            assert connection.socket.rcvhwm * MAX_MESSAGE_BYTES <= RECEIVE_QUEUE_BYTES
            publisher.send_multipart([b"data", b"{}", bytes(MIB)])
            assert connection.socket.poll(10_000)
            assert not connection.has_flooded()
            # A message without an end, behind one that is queued.
            part = bytes(MIB)
            for _ in range(RECEIVE_QUEUE_BYTES // MIB + 16):
                publisher.send(part, zmq.SNDMORE)
            publisher.send(part)
            poll_until(connection.has_flooded)
        finally:
            connection.close()
            # libzmq aborts if a publisher closes while a peer hangs up in the middle of a message.
            while publisher.poll(10_000) and publisher.recv() != b"\x00":
                pass


@pytest.mark.parametrize("count", [MAX_PARTS + 1, 5000])
def test_parts_beyond_the_first_are_counted_and_not_kept(pair, count):
    connection, publisher = pair
    publisher.send_multipart([b"x"] * count)
    publisher.send_multipart([b"data", b"{}", b"next"])
    with pytest.raises(RejectedMessage, match=f"parts: {count} parts, 3 expected"):
        receive(connection)
    assert receive(connection)[2] == b"next"


def test_a_message_of_more_parts_than_are_counted_ends_the_connection(pair, monkeypatch):
    monkeypatch.setattr("sunspec_tui.stream.connection.MAX_COUNTED_PARTS", 1000)
    connection, publisher = pair
    publisher.send_multipart([b"x"] * 5000)
    with pytest.raises(RejectedMessage, match="1000 and more"):
        receive(connection)
    assert (connection.ended, connection.is_whole) == (EndReason.TOO_LARGE, False)


def test_an_end_by_the_publisher_is_no_oversize_message(pair):
    connection, publisher = pair
    publisher.close(linger=0)
    poll_until(lambda: connection.read_events() or connection.ended)
    assert connection.ended is EndReason.LOST


def test_a_part_over_the_limit_ends_the_connection(pair):
    connection, publisher = pair
    publisher.send_multipart([b"data", b"{}", bytes(9 * MIB)])
    poll_until(lambda: connection.read_events() or connection.ended)
    assert connection.ended is EndReason.TOO_LARGE


def test_the_search_waits_while_a_name_does_not_resolve(monkeypatch):
    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    resolver = Resolver("beam.example", 9798)
    search = Search("beam.example", resolver, SearchTimes(), lambda *_: None)
    search.begin(100.0)
    poll_until(lambda: not resolver.is_asking)
    assert search.advance(100.0, ready=False) is None
    assert search.wait_s(100.0) > 0.05
