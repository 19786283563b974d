"""Slow, silent and very many connections to the web view."""

import resource
import socket
import time
from contextlib import ExitStack

import httpx
import pytest
from waiting import poll_until
from webs import address_of, raw, served

from sunspec_tui.webapp import connection_limits


def _answers(url):
    try:
        return httpx.get(f"{url}healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_slow_header_ends_the_connection(monkeypatch):
    monkeypatch.setattr(connection_limits, "REQUEST_TIMEOUT_S", 0.5)
    with served() as (receiver, url), socket.create_connection(address_of(url), timeout=10) as connection:
        connection.settimeout(0.05)

        def cut_off():
            try:
                connection.sendall(b"X")
                return connection.recv(1) == b""
            except TimeoutError:
                return False
            except OSError:
                return True

        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        poll_until(cut_off, 10)
        assert receiver.web_status().refused == 1


def test_a_silent_connection_is_closed(monkeypatch):
    monkeypatch.setattr(connection_limits, "REQUEST_TIMEOUT_S", 0.5)
    with served() as (_, url):
        assert raw(url, b"") == b""


def test_an_answer_that_is_not_received_is_ended(monkeypatch):
    monkeypatch.setattr(connection_limits, "ANSWER_TIMEOUT_S", 0.5)
    with served() as (receiver, url), socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(address_of(url))
        request = b"GET /page/app.mjs HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.settimeout(0.2)

        def refused():
            try:
                connection.sendall(request * 50)
            except TimeoutError:
                return receiver.web_status().refused
            except OSError:
                return True
            return receiver.web_status().refused

        poll_until(refused, 20)
        assert receiver.web_status().refused == 1


def test_the_server_answers_after_ten_thousand_connections():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    open_at_once = min(300, limit // 4)
    with served(web={"max_clients": 20}) as (receiver, url):
        with ExitStack() as opened:
            kept = []
            for _ in range(10_000):
                connection = socket.socket()
                connection.setblocking(False)
                connection.connect_ex(address_of(url))
                kept.append(connection)
                if len(kept) > open_at_once:
                    kept.pop(0).close()
            for connection in kept:
                opened.callback(connection.close)
            poll_until(lambda: receiver.web_status().refused > 0, 20)
        poll_until(lambda: _answers(url), 20)
        begun_s = time.monotonic()
        assert receiver.set_web(False).problem == ""
        # A promise in seconds, not a measure of speed.
        assert time.monotonic() - begun_s < 1


UPGRADE = (
    b"GET /live%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n%s"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (b"?" + b"x" * 9000, b""),
        (b"", b"X: " + b"x" * 9000 + b"\r\n"),
        (b"", b"".join(b"X%d: y\r\n" % n for n in range(200))),
    ],
)
def test_an_invalid_upgrade_is_closed_and_counted(query, headers):
    with served() as (receiver, url):
        assert raw(url, UPGRADE % (query, headers)) == b""
        poll_until(lambda: receiver.web_status().refused == 1)
        poll_until(lambda: not len(receiver.parts.web._running._connections))
        assert receiver.set_web(False).problem == ""


def test_a_viewer_that_closes_but_receives_nothing_is_aborted(monkeypatch, publisher):
    monkeypatch.setattr(connection_limits, "CLOSING_S", 0.3)
    with served(publisher.port) as (receiver, url), socket.socket() as mute:
        mute.connect(address_of(url))
        mute.sendall(UPGRADE % (b"?version=2", b""))
        poll_until(lambda: receiver.web_status().viewers == 1)
        mute.sendall(b"\x88\x80\x00\x00\x00\x00")
        poll_until(lambda: not len(receiver.parts.web._running._connections))
