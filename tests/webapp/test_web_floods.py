"""Limits of the web view for silent, slow and flooding visitors.

After such visitors the web view works as before.
"""

import contextlib
import json
import logging
import os
import socket
import struct
import tempfile
import threading
import time
from contextlib import ExitStack

import httpx
import numpy as np
import psutil
import pytest
from publishers import block_time, message, producing
from waiting import poll_until
from webs import Watcher, served

UPGRADE = (
    b"GET /live?version=2 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
PING = b"\x89\x80\0\0\0\0"


def address_of(url):
    return "127.0.0.1", httpx.URL(url).port


def said(text):
    """Encode a text message of a client, with a mask of zeros."""
    return b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text.encode()


def viewer(url, opened):
    """Open a raw connection that views the stream."""
    connection = opened.enter_context(socket.create_connection(address_of(url), timeout=10))
    connection.sendall(UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    return connection


# Too many


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET / HTTP/1.1\r\nHost: local", UPGRADE[:-2], ASK],
    ids=["nothing", "half a request", "half an upgrade", "one request"],
)
def test_silent_connections_lock_nobody_out(beginning, publisher):
    with served(publisher.port, web={"max_clients": 10}) as (receiver, url), ExitStack() as opened:
        watcher = opened.enter_context(Watcher(url))
        for _ in range(150):
            connection = opened.enter_context(socket.create_connection(address_of(url), timeout=10))
            with contextlib.suppress(OSError):
                connection.sendall(beginning)
        poll_until(lambda: receiver.web_status().refused > 0)
        for _ in range(20):
            assert httpx.get(f"{url}healthz", timeout=10).text == "ok\n"
        # A viewer does not count as silent.
        watcher.said.clear()
        assert watcher.told("status")["type"] == "status"


def test_files_and_threads_are_given_back_after_a_storm_of_connections(publisher):
    with served(publisher.port, web={"max_clients": 20}) as (receiver, url):
        assert httpx.get(f"{url}status").status_code == 200
        process = psutil.Process()
        files, threads = process.num_fds(), threading.active_count()
        for n in range(1000):
            with socket.create_connection(address_of(url), timeout=10) as connection, contextlib.suppress(OSError):
                connection.sendall((b"", b"GET / HT", ASK, UPGRADE)[n % 4])
        poll_until(lambda: receiver.web_status().viewers == 0, 20)
        poll_until(lambda: process.num_fds() <= files, 20, lambda: f"{process.num_fds()} files, {files} before,")
        assert threading.active_count() <= threads
        assert httpx.get(f"{url}status").status_code == 200


# Too much


def test_pings_are_answered_at_a_bounded_rate(publisher):
    with served(publisher.port) as (_, url), ExitStack() as opened:
        flooding = viewer(url, opened)
        flooding.settimeout(0.05)
        begun_s, pongs, left = time.monotonic(), 0, b""
        while time.monotonic() - begun_s < 2:
            left = left or PING * 500
            try:
                left = left[flooding.send(left) :]
                pongs += flooding.recv(1 << 20).count(b"\x8a\x00")
            except TimeoutError:
                continue
            except OSError:
                # The server closed the connection because of the flood.
                break
        took_s = time.monotonic() - begun_s
    # A viewer may send 16 KiB at once and in each second; a ping has 6 bytes; the margin is a half.
    assert pongs <= 1.5 * 16384 * (1 + took_s) / len(PING)


@pytest.mark.parametrize("word", ['{"seen": 1}', "ping"])
def test_one_who_says_far_more_than_a_page_does_is_closed_and_counted(publisher, word):
    flood = (PING if word == "ping" else said(word)) * 100_000
    with served(publisher.port) as (receiver, url), ExitStack() as opened:
        flooding = viewer(url, opened)

        def push():
            # The server stops reading, so this blocks until the server closes the connection.
            with contextlib.suppress(OSError):
                flooding.sendall(flood)

        pushing = threading.Thread(target=push)
        pushing.start()
        poll_until(lambda: receiver.web_status().refused == 1 and receiver.web_status().viewers == 0, 30)
        pushing.join()
        assert httpx.get(f"{url}healthz").status_code == 200


def test_a_message_of_empty_pieces_without_end_is_ended(publisher):
    with served(publisher.port) as (receiver, url), ExitStack() as opened:
        flooding = viewer(url, opened)
        flooding.sendall(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 300)
        poll_until(lambda: receiver.web_status().refused == 1)
        poll_until(lambda: receiver.web_status().viewers == 0)


@pytest.fixture(scope="module")
def large_rows():
    """Web view of 600 rows of 3072 bins.

    One product has 7 MiB.
    """
    data = np.ones((1, 3072, 4), np.float32)
    from publishers import Publisher

    publisher = Publisher()
    with served(publisher.port, buffer_length=600, channel_average=1) as (receiver, url):
        publisher.wait_for_subscriber()
        for n in range(600):
            publisher.send(message(data, last_block_time=block_time(n), seq=n))
            assert receiver.wait_for_frames(n + 1, 20)
        yield receiver, url
    publisher.close()


def test_slow_readers_of_rows_keep_no_more_than_their_budget(large_rows):
    _, url = large_rows
    process = psutil.Process()
    with ExitStack() as opened:
        before = process.memory_info().rss
        for _ in range(50):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(address_of(url))
            connection.sendall(
                b"GET /refresh?n_frames=600 HTTP/1.1\r\nHost: localhost\r\nAccept: application/octet-stream\r\n\r\n"
            )
        # Other requests are answered meanwhile, also a request for rows.
        assert httpx.get(f"{url}healthz", timeout=20).status_code == 200
        raw = {"accept": "application/octet-stream"}
        answer = poll_until(
            lambda: (
                found
                if (found := httpx.get(f"{url}refresh?n_frames=10", headers=raw, timeout=40)).status_code == 200
                else None
            ),
            60,
        )
        assert len(answer.content) == 10 * 3072 * 4
        grown = process.memory_info().rss - before
    assert grown < 160 * 2**20


def test_more_rows_than_the_budget_holds_are_refused_in_one_sentence(publisher):
    with served(publisher.port, buffer_length=6000, channel_average=1) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 3072, 4), np.float32), last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        answer = httpx.get(f"{url}refresh?n_frames=6000", timeout=20)
        assert answer.status_code == 413
        most = answer.json()["error"].rpartition(" ")[2]
        assert httpx.get(f"{url}refresh?n_frames={most}", timeout=20).status_code == 200


def test_a_body_that_comes_with_a_question_is_not_read(publisher):
    with served(publisher.port) as (_, url), socket.create_connection(address_of(url), timeout=10) as connection:
        connection.sendall(
            b"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n" + b"x" * 1000
        )
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(65536):
                answer += chunk
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"connection: close" in answer.lower()


# Gone at once


def reset(connection):
    """Close a connection with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_viewers_that_reset_their_connection_are_no_errors(caplog):
    caplog.set_level(logging.INFO)
    with producing(source="simulate", speed=40) as port, served(port) as (receiver, url):
        assert receiver.wait_for_frames(3, 20)
        for n in range(60):
            with ExitStack() as opened:
                connection = viewer(url, opened)
                connection.sendall(said('{"seen": 1}') * (n % 3))
                reset(connection)
        for request in (ASK, b"GET /refresh?n_frames=60 HTTP/1.1\r\nHost: localhost\r\n\r\n", UPGRADE) * 20:
            connection = socket.create_connection(address_of(url), timeout=10)
            connection.sendall(request)
            reset(connection)
        poll_until(lambda: receiver.web_status().viewers == 0)
        assert httpx.get(f"{url}healthz").status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


NESTED = "[" * 500 + "]" * 500
ODD = {
    "deep": f'{{"seen": {NESTED}}}', "deep object": '{"a":' * 150, "huge": '{"seen": ' + "9" * 900 + "}",
    "over 64 bits": '{"seen": 18446744073709551616}', "float": '{"seen": 1e400}', "nan": '{"seen": NaN}',
    "true": '{"seen": true}', "none": '{"seen": null}', "surrogate": '{"product": "\\ud800"}',
    "list": '{"product": ["XX"]}', "object": '{"product": {"XX": 1}}', "nothing": "",
    "control": '{"product": "\\u0000"}',
    "twice": '{"seen": 1, "seen": -2}', "number": '{"product": 1}',
}  # fmt: skip


@pytest.mark.parametrize("what", ODD)
def test_odd_words_end_their_viewer_and_nothing_else(publisher, caplog, what):
    with served(publisher.port) as (receiver, url), Watcher(url) as watcher:
        watcher.socket.send(ODD[what])
        assert watcher.end() == 1008
        poll_until(lambda: receiver.web_status().viewers == 0)
        assert httpx.get(f"{url}status").status_code == 200
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_the_largest_acknowledged_number_is_accepted(publisher):
    with served(publisher.port) as (receiver, url), Watcher(url) as watcher:
        watcher.socket.send(json.dumps({"seen": 2**63}))
        watcher.said.clear()
        assert watcher.told("status")
        assert receiver.web_status().viewers == 1


QUERIES = [
    "product=%00", "product=%ff%fe", "product=%ED%A0%80", "product=XX&product=nonsense", "n_frames=%D9%A1",
    "n_frames=1&n_frames=x", "&&&&", "=", "%", "%zz", "product", "a[]=1", ";", "n_frames=" + "1" * 500, "?????",
    "&".join(f"a{n}=b" for n in range(300)),
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["status", "data", "refresh", "metrics", "plot", "page/app.mjs"])
def test_no_query_makes_an_answer_fail(quiet, path, query):
    answer = httpx.get(f"{quiet}{path}?{query}", timeout=30)
    assert answer.status_code < 500


@pytest.fixture(scope="module")
def quiet():
    with served() as (_, url):
        yield url


# Shutdown


def web_threads():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith(("sunspec", "asyncio")))


@pytest.mark.parametrize("frames", [0, 1])
def test_stopping_during_the_first_figure_leaves_nothing_behind(publisher, frames):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        for n in range(frames):
            publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(n)))
        assert receiver.wait_for_frames(frames, 10)
        receiver.set_web(False)
        threads, children = web_threads(), len(psutil.Process().children())
        for _ in range(8):
            url = receiver.set_web(True).url
            with socket.create_connection(address_of(url), timeout=10) as connection:
                connection.sendall(b"GET /plot HTTP/1.1\r\nHost: localhost\r\n\r\n")
                # The server answers a later request, so it has read this one.
                assert httpx.get(f"{url}healthz").status_code == 200
                assert receiver.set_web(False).problem == ""
        poll_until(lambda: web_threads() == threads, 10, lambda: f"threads {web_threads()}, {threads} before,")
        poll_until(lambda: len(psutil.Process().children()) <= children)


def test_stopping_before_the_first_figure_has_begun_leaves_nothing_behind(publisher, monkeypatch, caplog):
    begun, stopping, make = threading.Event(), threading.Event(), tempfile.mkdtemp

    def slow(*words, **options):
        # A slow directory, so that the end comes before the figure has begun.
        begun.set()
        stopping.wait(0.5)
        return make(*words, **options)

    monkeypatch.setattr(tempfile, "mkdtemp", slow)
    threads = web_threads()
    with served(publisher.port) as (receiver, url), socket.create_connection(address_of(url), timeout=10) as connection:
        connection.sendall(b"GET /plot HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert begun.wait(10)
        receiver.set_web(False)
    poll_until(lambda: web_threads() == threads, 10, lambda: f"threads {web_threads()}, {threads} before,")
    assert not [record for record in caplog.records if "left behind" in record.getMessage()]


def test_it_stops_with_many_viewers_while_rows_come_fast():
    others = web_threads()
    with (
        producing(source="simulate", speed=100) as port,
        served(port, buffer_length=20_000) as (receiver, url),
        ExitStack() as opened,
    ):
        assert receiver.wait_for_frames(100, 60)
        for product in ("XX", "YY", "I", "V"):
            for _ in range(10):
                connection = opened.enter_context(socket.create_connection(address_of(url), timeout=20))
                connection.sendall(UPGRADE.replace(b"/live?", b"/live?product=" + product.encode() + b"&"))
        poll_until(lambda: receiver.web_status().viewers == 40, 60)
        receiver.set_web(False)
        # A receiver shared by other tests may serve too. On a busy machine this server may end late, but it ends.
        poll_until(lambda: web_threads().count("sunspec-web") <= others.count("sunspec-web"), 30)


def test_what_is_counted_goes_on_when_it_is_served_again(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            watcher.history()
            publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(1), seq=1))
            watcher.rows(1)
            poll_until(lambda: receiver.web_status().rows_sent >= 1)
        httpx.get(f"{url}status", headers={"host": "evil.example"})
        before = receiver.web_status()
        receiver.set_web(False)
        off = receiver.web_status()
        receiver.set_web(True)
        again = receiver.web_status()
    for status in (off, again):
        assert (status.rows_sent, status.refused) >= (before.rows_sent, before.refused) >= (1, 1)


# Files


def test_the_places_follow_the_files_that_the_process_may_open(tmp_path):
    import signal
    import subprocess
    import sys

    words = [sys.executable, "-m", "sunspec_tui", "--demo", "--no-ui", "--start-webshow", "--web-port", "0"]
    words += ["--plot-interval", "1", "--plot-dir", str(tmp_path / "figs"), "--status-interval", "0.5"]
    limited = ["sh", "-c", 'ulimit -n 80; exec "$@"', "sh", *words, "--status-format", "json"]
    log = tmp_path / "log"
    with log.open("w") as err, ExitStack() as opened:
        program = subprocess.Popen(limited, stdout=subprocess.PIPE, stderr=err, text=True, cwd=tmp_path)
        opened.callback(program.wait)
        opened.callback(program.kill)
        poll_until(lambda: "web view at" in log.read_text(), 30)
        url = log.read_text().split("web view at ")[1].split()[0]
        for _ in range(150):
            with contextlib.suppress(OSError):
                opened.enter_context(socket.create_connection(address_of(url), timeout=5))
        begun = httpx.get(f"{url}status", timeout=20).json()
        poll_until(
            lambda: httpx.get(f"{url}status", timeout=20).json()["frames_received"] > begun["frames_received"] + 8, 40
        )
        poll_until(lambda: httpx.get(f"{url}status", timeout=20).json()["plots_written"] > begun["plots_written"], 40)
        assert program.poll() is None
        program.send_signal(signal.SIGTERM)
        out = program.communicate(timeout=20)[0]
        assert program.returncode == 0, log.read_text()[-2000:]
    last = json.loads(out.strip().splitlines()[-1])
    assert last["frames_missing"] == 0
    assert last["plots_failed"] == 0
    assert "Traceback" not in log.read_text()
    assert len(log.read_text().splitlines()) < 60
    assert os.path.isdir(tmp_path / "figs")  # noqa: PTH112
