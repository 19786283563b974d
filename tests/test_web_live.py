"""The live stream of the web view: every row once and in order, whoever else watches, and however slowly."""

import contextlib
import json
import socket
import threading
import time

import numpy as np
import pytest
from conftest import block_time, message, poll_until, producing
from webs import Watcher, served

from sunspec_tui.products import Product
from sunspec_tui.serving import hub as hubs
from sunspec_tui.serving import server
from sunspec_tui.serving import viewer as viewers
from sunspec_tui.webview import WebState

NCHAN = 64
HANDSHAKE = (
    b"GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def port_of(url):
    return int(url.rpartition(":")[2].strip("/"))


def send(publisher, n, *, nchan=NCHAN, value=None, **keys):
    data = np.full((1, nchan, 4), n + 1.0 if value is None else value, np.float32)
    publisher.send(message(data, last_block_time=block_time(n), seq=n, **keys))


def numbers(messages):
    return [row.first for row in messages]


def test_each_row_comes_once_and_in_order_after_the_history(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        for n in range(5):
            send(publisher, n)
        assert receiver.wait_for_frames(5, 10)
        with Watcher(url) as watcher:
            history = watcher.history()
            for n in range(5, 40):
                send(publisher, n)
            rows = watcher.rows(35)
    assert (history.first, len(history.times_s)) == (0, 5)
    assert numbers(rows) == list(range(5, 40))
    np.testing.assert_allclose([row.values[0, 0] for row in rows], np.arange(6, 41), rtol=1e-3)
    assert np.diff([row.times_s[0] for row in rows]) == pytest.approx(0.25)


def test_a_bursty_producer_loses_nothing_on_its_way_to_a_viewer():
    with producing(source="simulate", speed=20, burst="8") as port, served(port) as (_, url), Watcher(url) as watcher:
        rows = watcher.rows(200)
    assert numbers(rows) == list(range(rows[0].first, rows[0].first + 200))


def test_a_viewer_who_comes_before_the_stream_gets_its_first_row(publisher):
    with served(publisher.port) as (_, url), Watcher(url) as watcher:
        assert watcher.told("status")["state"] == "connecting"
        publisher.wait_for_subscriber()
        for n in range(3):
            send(publisher, n)
        history = watcher.history()
        rows = watcher.rows(3 - len(history.times_s))
    assert numbers(rows) == list(range(len(history.times_s), 3))


def test_a_viewer_learns_what_the_rows_are_of(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0, nchan=3072, chan0=560)
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url, "V/I") as watcher:
            axis = watcher.told("axis")
    assert (axis["product"], axis["bins"], axis["chan0"], axis["chan0_stated"]) == ("V/I", 768, 560, True)
    assert axis["first_mhz"] == pytest.approx(13.4343, abs=1e-3)
    assert "YY" in axis["products"]


def test_another_product_comes_with_its_own_history_and_then_row_by_row(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0)
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            watcher.history()
            watcher.socket.send(json.dumps({"product": "V/I"}))
            while watcher.history().product is not Product.V_OVER_I:
                watcher.take()
            for n in range(1, 4):
                send(publisher, n)
            rows = watcher.rows(3)
    assert {row.product for row in rows} == {Product.V_OVER_I}
    assert numbers(rows) == [1, 2, 3]


def test_a_product_that_the_stream_does_not_carry_is_told_and_sends_nothing(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, NCHAN, 1), np.float32), last_block_time=block_time(0)))
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url, "V") as watcher:
            axis = watcher.told("axis")
            while len(watcher.said) < 3:
                watcher.take()
    assert axis["products"] == ["XX"]
    assert watcher.messages == []


def test_another_axis_begins_history_anew_for_all_viewers(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0)
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            first = watcher.history()
            for n in range(1, 3):
                send(publisher, n, nchan=2 * NCHAN)
            while watcher.history().epoch == first.epoch:
                watcher.take()
            again = watcher.history()
            rows = watcher.rows(2 - len(again.times_s))
    assert again.values.shape[1] == 2 * first.values.shape[1]
    assert watcher.said[-1]["type"] in ("axis", "status")
    assert numbers([again, *rows])[-1] <= 2


def test_a_viewer_who_says_how_far_it_has_come_gets_no_more_than_it_can_take(publisher, monkeypatch):
    monkeypatch.setattr(viewers, "UNSEEN_ROWS", 10)
    monkeypatch.setattr(viewers, "BACKLOG_ROWS", 20)
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0)
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            watcher.history()
            watcher.socket.send(json.dumps({"seen": 1}))
            poll_until(lambda: next(iter(receiver._web._running.hub._viewers)).seen == 1)
            for n in range(1, 101):
                send(publisher, n)
                assert receiver.wait_for_frames(n + 1, 10)
            poll_until(lambda: receiver.web_status().rows_skipped)
            got = watcher.rows(10)
            watcher.socket.send(json.dumps({"seen": 11}))
            while watcher.after_history()[-1].first != 100:
                watcher.take()
                watcher.socket.send(json.dumps({"seen": watcher.after_history()[-1].first + 1}))
            status = receiver.web_status()
    assert numbers(got) == list(range(1, 11))
    late = numbers(watcher.after_history())[10:]
    assert late == list(range(late[0], 101))
    assert late[0] > 11
    assert status.rows_skipped == late[0] - 11


def test_one_who_takes_nothing_is_let_go_and_holds_up_nobody(monkeypatch):
    monkeypatch.setattr(hubs, "SEND_TIMEOUT_S", 0.5)
    with producing(source="simulate", speed=60) as port, served(port) as (receiver, url):
        with socket.socket() as idle, Watcher(url) as watcher:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.connect(("127.0.0.1", port_of(url)))
            idle.send(HANDSHAKE)
            ended = threading.Event()

            def watch():
                with contextlib.suppress(Exception):
                    while not ended.is_set():
                        watcher.take()

            watching = threading.Thread(target=watch)
            watching.start()
            poll_until(lambda: receiver.web_status().dropped == 1, 90)
            poll_until(lambda: receiver.web_status().viewers == 1)
            ended.set()
            watching.join()
        rows = numbers(watcher.after_history())
    assert rows == list(range(rows[0], rows[0] + len(rows)))


def test_one_who_does_not_answer_is_let_go(publisher, monkeypatch):
    monkeypatch.setattr(server, "PING_S", 0.2)
    with served(publisher.port) as (receiver, url), socket.create_connection(("127.0.0.1", port_of(url))) as mute:
        mute.send(HANDSHAKE)
        poll_until(lambda: receiver.web_status().viewers == 1)
        poll_until(lambda: receiver.web_status().dropped == 1)
        poll_until(lambda: receiver.web_status().viewers == 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ('{"product": "nonsense"}', 1008),
        ('{"seen": -1}', 1008),
        ('{"seen": 1, "product": "XX"}', 1008),
        ("[]", 1008),
        ("hello", 1008),
        (b"bytes", 1003),
        ("x" * 2000, 1009),
    ],
)
def test_a_viewer_who_says_anything_else_is_let_go(publisher, said, code):
    with served(publisher.port) as (receiver, url), Watcher(url) as watcher:
        watcher.socket.send(said)
        assert watcher.end() == code
        poll_until(lambda: receiver.web_status().viewers == 0)


def test_more_viewers_than_there_is_room_for_are_told(publisher):
    with served(publisher.port, web={"max_clients": 2}) as (receiver, url), Watcher(url), Watcher(url) as second:
        second.told("status")
        with Watcher(url) as third:
            assert third.end() == 1013
        assert receiver.web_status().viewers == 2


def test_it_stops_within_a_second_with_viewers_who_take_nothing_and_those_who_do(publisher):
    with served(publisher.port) as (receiver, url):
        watchers = [Watcher(url) for _ in range(5)]
        poll_until(lambda: receiver.web_status().viewers == 5)
        begun_s = time.monotonic()
        assert receiver.set_web(False).state is WebState.OFF
        took_s = time.monotonic() - begun_s
        codes = [watcher.end() for watcher in watchers]
    assert set(codes) <= {1001, 1012, None}
    # A promise in seconds, not a measure of speed.
    assert took_s < 1


def test_it_can_be_served_again_after_it_was_stopped(publisher):
    with served(publisher.port) as (receiver, _):
        receiver.set_web(False)
        url = receiver.set_web(True).url
        with Watcher(url) as watcher:
            assert watcher.told("status")["state"] == "connecting"
