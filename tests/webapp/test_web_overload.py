"""The web view with too many rows, and with odd states."""

import json
import logging
import subprocess
import sys

import httpx
import numpy as np
import pytest
from publishers import block_time, message
from waiting import poll_until
from webs import Watcher, served

from sunspec_tui.core.frequency_axis import Axis, Position
from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.broadcaster import Broadcaster
from sunspec_tui.webapp.viewer_queue import BACKLOG_ROWS, ViewerQueue

NBINS = 16


class Overloaded:
    """Receiver that gets rows faster than they are sent to viewers."""

    unit = "arbitrary"

    def __init__(self):
        self.ring, self.axis, self.longest = RingBuffer(10_000, NBINS, 1), Axis(560, NBINS, 1, 1), 0
        self.come(1)

    def come(self, count):
        for _ in range(count):
            n = self.ring.count
            self.ring.append(np.full((NBINS, 1), 1.0 + n, np.float32), float(n), n)

    def snapshot(self, since=0, *, epoch=0, most=None):
        return Snapshot(0.0, "a test")

    def position(self):
        ends = self.ring.ends()
        return Position(self.ring.count, self.ring.length, *ends, 0.25, self.axis, 1)

    def rows_between(self, start, stop):
        self.longest = max(self.longest, stop - start)
        return self.ring.between(start, stop)


def test_of_many_rows_at_once_the_newest_are_sent_and_the_others_counted():
    source = Overloaded()
    hub, viewer = Broadcaster(source), ViewerQueue(Product.XX)
    hub.join(viewer)
    # The viewer is treated as if it had its history.
    viewer.clear()
    viewer.waits_for_history, viewer.next = False, source.ring.count
    source.longest = 0
    source.come(5000)
    for _ in range(1000):
        if not hub.pump():
            break
    decoder = row_messages.Decoder()
    rows = [decoder.decode(each).first for each in viewer.waiting if row_messages.is_row(each)]
    assert source.longest <= BACKLOG_ROWS
    assert rows == list(range(5001 - BACKLOG_ROWS, 5001))
    assert hub.counts.rows_skipped == 5000 - BACKLOG_ROWS


def test_a_state_that_cannot_be_had_ends_neither_the_rows_nor_the_web_view(publisher, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()

        def failing(*_, **__):
            raise ZeroDivisionError("a check failed")

        monkeypatch.setattr(receiver, "snapshot", failing)
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            watcher.history()
            for n in range(1, 30):
                publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(n), seq=n))
            watcher.rows(29)
            for _ in range(20):
                assert httpx.get(f"{url}status").status_code == 500
        assert httpx.get(f"{url}data").status_code == 200
    said = [record.getMessage() for record in caplog.records if "a check failed" in record.getMessage()]
    # At most one line a second for each of four kinds.
    assert 1 <= len(said) < 20


@pytest.mark.parametrize("name", ["\udcff", "a\ud800b"])
def test_an_address_that_is_no_text_breaks_no_answer(name, caplog):
    # pytest's workers cannot transfer a log with such text.
    caplog.set_level("CRITICAL", "sunspec_tui")
    with served(stream_addr=name) as (_, url):
        with Watcher(url) as watcher:
            assert watcher.told("status")["state"]
        for path in ("status", "metrics", "healthz"):
            assert httpx.get(url + path).status_code == 200, path


def test_a_second_monitor_on_the_same_port_says_so_and_receives_on(tmp_path):
    with served() as (_, url):
        port = httpx.URL(url).port
        words = [sys.executable, "-m", "sunspec_tui", "--demo", "--no-ui", "--start-webshow", "--web-port", str(port)]
        words += ["--duration", "2", "--status-format", "json", "--plot-interval", "0"]
        done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
        assert httpx.get(f"{url}healthz").status_code == 200
    assert done.returncode == 0
    assert f"cannot serve the web view on 127.0.0.1:{port}: Address already in use" in done.stderr
    assert done.stderr.count("choose another --web-port") == 1
    assert json.loads(done.stdout.splitlines()[-1])["frames_received"] > 0


def test_two_monitors_on_one_machine_have_cookies_of_their_own():
    first, second = {"token": "the-first-token"}, {"token": "the-second-token"}
    with (
        served(web=first) as (_, one),
        served(web=second) as (_, other),
        httpx.Client(follow_redirects=True) as visitor,
    ):
        for url in (one, other, one, other):
            assert visitor.get(url).status_code == 200
        for url in (one, other):
            assert visitor.get(url.partition("?")[0] + "status").status_code == 200


def test_counters_only_go_up(publisher):
    def counters(url):
        lines = httpx.get(f"{url}metrics").text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs if "_total" in name}

    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(0), seq=0))
        assert receiver.wait_for_frames(1, 10)
        with Watcher(url) as watcher:
            watcher.history()
            publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(1), seq=1))
            watcher.rows(1)
        publisher.send([b"noise"])
        poll_until(lambda: counters(url)["sunspec_web_rows_sent_total"] >= 1)
        httpx.get(f"{url}status", headers={"host": "evil.example"})
        before = counters(url)
        receiver.set_web(False)
        after = counters(receiver.set_web(True).url)
    assert before["sunspec_web_refused_total"] == 1
    assert {name for name in before if after[name] < before[name]} == set()
