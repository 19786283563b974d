"""Each viewer gets every row of the stream once, in order.

Other viewers, even slow ones, do not change this.
"""

import asyncio
import contextlib
import json
import socket
import sys
import threading
import time

import httpx
import numpy as np
import pytest
from publishers import block_time, message, producing
from waiting import poll_until
from webs import Watcher, live_address, served
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect as connect_now

from sunspec_tui import web
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Rows
from sunspec_tui.monitoring.web_status import WebState
from sunspec_tui.webapp import row_messages, uvicorn_server, viewer_sender
from sunspec_tui.webapp import viewer_queue as viewers
from sunspec_tui.webapp.row_chain import RowChain

NCHAN = 64
HANDSHAKE = (
    b"GET /live?version=2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def port_of(url):
    return int(url.rpartition(":")[2].strip("/"))


def send(publisher, n, *, nchan=NCHAN, value=None, **keys):
    data = np.full((1, nchan, 4), n + 1.0 if value is None else value, np.float32)
    publisher.send(message(data, last_block_time=block_time(n), seq=n, **keys))


@contextlib.contextmanager
def one_row(publisher):
    """Run a web view that has one row."""
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0)
        assert receiver.wait_for_frames(1, 10)
        yield receiver, url


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
    np.testing.assert_allclose([row.values[0, 0] for row in rows], np.arange(6, 41), rtol=0.0024)
    assert np.diff([row.times_s[0] for row in rows]) == pytest.approx(0.25)


def test_a_viewer_gets_every_row_of_a_bursty_producer():
    with producing(source="simulate", speed=20, burst="8") as port, served(port) as (_, url), Watcher(url) as watcher:
        rows = watcher.rows(200)
    assert numbers(rows) == list(range(rows[0].first, rows[0].first + 200))


def test_a_viewer_that_joins_before_the_stream_gets_its_first_row(publisher):
    with served(publisher.port) as (_, url), Watcher(url) as watcher:
        assert watcher.told("status")["state"] == "connecting"
        publisher.wait_for_subscriber()
        for n in range(3):
            send(publisher, n)
        history = watcher.history()
        rows = watcher.rows(3 - len(history.times_s))
    assert numbers(rows) == list(range(len(history.times_s), 3))


def test_a_viewer_gets_the_axis_and_the_product(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        send(publisher, 0, nchan=3072, chan0=560)
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url, "V/I") as watcher:
            axis = watcher.told("axis")
    assert (axis["product"], axis["bins"], axis["chan0"], axis["chan0_stated"]) == ("V/I", 768, 560, True)
    assert axis["first_mhz"] == pytest.approx(13.4343, abs=1e-3)
    assert "YY" in axis["products"]


def test_another_product_is_sent_with_its_history_and_new_rows(publisher):
    with one_row(publisher) as (_, url), Watcher(url) as watcher:
        watcher.history()
        watcher.socket.send(json.dumps({"product": "V/I"}))
        while watcher.history().product is not Product.V_OVER_I:
            watcher.take()
        for n in range(1, 4):
            send(publisher, n)
        rows = watcher.rows(3)
    assert {row.product for row in rows} == {Product.V_OVER_I}
    assert numbers(rows) == [1, 2, 3]


def test_a_product_that_the_stream_lacks_gets_an_axis_record_and_no_rows(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, NCHAN, 1), np.float32), last_block_time=block_time(0)))
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url, "V") as watcher:
            axis = watcher.told("axis")
            for n in range(1, 5):
                publisher.send(message(np.ones((1, NCHAN, 1), np.float32), last_block_time=block_time(n), seq=n))
            while len(watcher.said) < 4:
                watcher.take()
            assert watcher.messages == []
            watcher.socket.send(json.dumps({"product": "XX"}))
            history = watcher.history()
            rows = watcher.rows(5 - len(history.times_s))
    assert axis["products"] == ["XX"]
    assert len(history.times_s) + len(rows) == 5


def test_another_axis_sends_all_viewers_a_new_history(publisher):
    with one_row(publisher) as (_, url), Watcher(url) as watcher:
        first = watcher.history()
        # The new axis is accepted with the third frame.
        for n in range(1, 5):
            send(publisher, n, nchan=2 * NCHAN)
        while watcher.history().epoch == first.epoch:
            watcher.take()
        again = watcher.history()
        rows = watcher.rows(2 - len(again.times_s))
    assert again.values.shape[1] == 2 * first.values.shape[1]
    assert watcher.told("axis")["epoch"] == again.epoch
    assert [again.first + n for n in range(len(again.times_s))] + numbers(rows) == [1, 2]


def test_a_slow_viewer_that_acknowledges_rows_skips_rows(publisher, monkeypatch):
    monkeypatch.setattr(viewers, "UNSEEN_ROWS", 10)
    monkeypatch.setattr(viewers, "BACKLOG_ROWS", 20)
    with one_row(publisher) as (receiver, url), Watcher(url) as watcher:
        watcher.history()
        watcher.socket.send(json.dumps({"seen": 1}))
        poll_until(lambda: next(iter(receiver.parts.web._running.broadcaster._viewers)).acknowledged == 1)
        for n in range(1, 11):
            send(publisher, n)
        got = watcher.rows(10)
        for n in range(11, 101):
            send(publisher, n)
            assert receiver.wait_for_frames(n + 1, 10)
        poll_until(lambda: receiver.web_status().rows_skipped)
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


def test_a_viewer_that_receives_nothing_is_dropped_and_delays_no_other(monkeypatch):
    monkeypatch.setattr(viewer_sender, "SEND_TIMEOUT_S", 0.5)
    bind = web._bound

    def bound(*given):
        listening = bind(*given)
        # Accepted sockets inherit the small buffer; otherwise the system would buffer a minute of rows.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        return listening

    monkeypatch.setattr(web, "_bound", bound)
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


def test_a_viewer_that_does_not_answer_pings_is_dropped(publisher, monkeypatch):
    monkeypatch.setattr(uvicorn_server, "PING_S", 0.2)
    monkeypatch.setattr(uvicorn_server, "PONG_S", 0.2)
    with served(publisher.port) as (receiver, url), socket.create_connection(("127.0.0.1", port_of(url))) as mute:
        mute.send(HANDSHAKE)
        poll_until(lambda: receiver.web_status().viewers == 1)
        poll_until(lambda: receiver.web_status().dropped == 1)
        poll_until(lambda: receiver.web_status().viewers == 0)


def test_the_queue_of_a_viewer_keeps_only_the_newest_status():
    viewer = viewers.ViewerQueue(Product.XX)
    for n in range(1000):
        viewer.set_status(f"status {n}")
        viewer.put(f"axis {n}")
        viewer.clear()
    assert asyncio.run(viewer.next_message()) == "status 999"
    assert viewer.waiting == ()


def test_skipping_rows_keeps_the_history_and_its_axis():
    viewer = viewers.ViewerQueue(Product.XX)
    values = np.ones((3, 4), np.float32)
    rows = Rows(values[..., None], np.arange(3.0), np.arange(3), np.zeros(3, np.uint8), 3)
    history, row = (
        row_messages.encode(row_messages.coded(rows, values, 1.0), product=Product.XX, kind=kind, epoch=0, first=0)
        for kind in (row_messages.HISTORY, row_messages.ROW)
    )
    for each in ("axis", history, row, row):
        viewer.put(each)
    assert viewer.skip() == 2
    assert viewer.waiting == ("axis", history)


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
def test_an_invalid_message_of_a_viewer_closes_its_connection(publisher, said, code):
    with served(publisher.port) as (receiver, url), Watcher(url) as watcher:
        watcher.socket.send(said)
        assert watcher.end() == code
        poll_until(lambda: receiver.web_status().viewers == 0)


@pytest.mark.parametrize("version", ["", "&version=1", "&version=3", "&version=x"])
def test_a_page_of_another_version_is_asked_to_reload(publisher, version):
    with served(publisher.port) as (receiver, url):
        address = live_address(url).partition("&")[0] + version
        with connect_now(address, proxy=None) as viewer, pytest.raises(ConnectionClosed) as ended:
            viewer.recv(timeout=10)
        assert receiver.web_status().viewers == 0
    assert ended.value.rcvd.code == 1008
    assert "reload it" in ended.value.rcvd.reason


def test_the_first_row_after_a_history_or_skipped_rows_is_a_key_row():
    chain, viewer = RowChain(Product.XX, 0), viewers.ViewerQueue(Product.XX)

    def row(number):
        values = np.ones((1, 4), np.float32)
        return Rows(values[..., None], np.ones(1), np.array([number]), np.zeros(1, np.uint8), number + 1), values

    def add(number):
        viewer.put_row(chain.add(*row(number)))

    def waiting():
        return [(message[1], row_messages.next_number(message) - 1) for message in viewer.waiting]

    for number in (1, 2, 3):
        add(number)
    assert waiting() == [(row_messages.KEY, 1), (row_messages.ROW, 2), (row_messages.ROW, 3)]
    viewer.skip()
    for number in (4, 5):
        add(number)
    assert waiting() == [(row_messages.KEY, 4), (row_messages.ROW, 5)]
    viewer.clear()
    for number in (6, 7):
        add(number)
    assert waiting() == [(row_messages.KEY, 6), (row_messages.ROW, 7)]
    chain.add(*row(8))  # this row is not sent to the viewer
    add(9)
    assert waiting()[-1] == (row_messages.KEY, 9)


def test_a_viewer_over_the_limit_gets_a_close_code(publisher):
    with served(publisher.port, web={"max_clients": 2}) as (receiver, url), Watcher(url), Watcher(url) as second:
        second.told("status")
        with Watcher(url) as third:
            assert third.end() == 1013
        assert receiver.web_status().viewers == 2


def test_it_stops_within_a_second_with_stuck_and_active_viewers(publisher):
    with served(publisher.port) as (receiver, url), socket.create_connection(("127.0.0.1", port_of(url))) as mute:
        mute.send(HANDSHAKE)
        watchers = [Watcher(url) for _ in range(5)]
        poll_until(lambda: receiver.web_status().viewers == 6)
        begun_s = time.monotonic()
        assert receiver.set_web(False).state is WebState.OFF
        took_s = time.monotonic() - begun_s
        codes = [watcher.end() for watcher in watchers]
    assert set(codes) <= {1001, 1012, None}
    # A promise in seconds, not a measure of speed.
    assert took_s < 1


def test_it_stops_within_a_second_while_a_figure_is_drawn(publisher):
    with one_row(publisher) as (receiver, url):
        asking = threading.Thread(target=_ask, args=(f"{url}plot",))
        asking.start()
        poll_until(lambda: receiver.parts.web._running._figures._writer)
        begun_s = time.monotonic()
        assert receiver.set_web(False).problem == ""
        # A promise in seconds, not a measure of speed.
        assert time.monotonic() - begun_s < 1
        asking.join()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells proportional set sizes")
def test_the_memory_of_the_plot_process_is_counted(publisher):
    with one_row(publisher) as (receiver, url):
        before_mb = receiver.get_memory_info()["pss_mb"]
        assert httpx.get(f"{url}plot", timeout=60).status_code == 200
        assert receiver.get_memory_info()["pss_mb"] > before_mb + 20


def _ask(url):
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(url, timeout=30)


def test_the_limit_of_viewers_holds_for_simultaneous_connections(publisher):
    async def crowd(url):
        async def one():
            with contextlib.suppress(ConnectionClosed):
                async with connect(live_address(url), proxy=None) as viewer:
                    while True:
                        await viewer.recv()

        tasks = [asyncio.create_task(one()) for _ in range(30)]
        await asyncio.sleep(0)
        done, waiting = await asyncio.wait(tasks, timeout=3)
        for task in waiting:
            task.cancel()
        # Open connections would cause warnings in a later test.
        await asyncio.gather(*waiting, return_exceptions=True)
        return len(done), len(waiting)

    with served(publisher.port, web={"max_clients": 3}) as (receiver, url):
        assert asyncio.run(crowd(url)) == (27, 3)
        assert receiver.web_status().refused == 27


def test_the_web_view_can_start_again_after_a_stop(publisher):
    with served(publisher.port) as (receiver, _):
        receiver.set_web(False)
        url = receiver.set_web(True).url
        with Watcher(url) as watcher:
            assert watcher.told("status")["state"] == "connecting"
