"""News wake the screen and the service, at a bounded rate."""

import asyncio
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from monitors import Screen, StillReceiver

from sunspec_tui.cli.headless import run
from sunspec_tui.core.errors import RejectCause, RejectedMessage
from sunspec_tui.core.listeners import Listeners, ThreadSafeEvent
from sunspec_tui.core.settings import Settings
from sunspec_tui.stream.backoff import Backoff
from sunspec_tui.stream.health_reading import LONG_SILENCE_S, LinkState
from sunspec_tui.stream.publisher_search import Search, SearchTimes
from sunspec_tui.stream.resolver import Resolver
from sunspec_tui.tui.terminal.link_pacing import FIRST_BUDGET, LinkPacer
from sunspec_tui.tui.ticking import TICK_S, Ticker


class CountingLoop(asyncio.SelectorEventLoop):
    """Event loop that counts the wake-ups from other threads."""

    wakes = 0

    def call_soon_threadsafe(self, callback, *args, context=None):
        self.wakes += 1
        return super().call_soon_threadsafe(callback, *args, context=context)


def in_loop(work):
    """Run a coroutine function; return the number of wake-ups from threads."""
    loop = CountingLoop()
    try:
        loop.run_until_complete(work())
        return loop.wakes
    finally:
        loop.close()


def test_many_news_wake_the_loop_once():
    async def work():
        news = ThreadSafeEvent()
        await news.wait(0.0)
        thread = threading.Thread(target=lambda: [news.set() for _ in range(5000)])
        thread.start()
        thread.join()
        await news.wait(60)

    assert in_loop(work) == 1


def test_news_from_before_the_wait_count():
    async def work():
        news = ThreadSafeEvent()
        news.set()
        await news.wait(60)

    assert in_loop(work) == 0


def test_news_after_the_loop_has_ended_do_no_harm():
    news = ThreadSafeEvent()
    in_loop(lambda: news.wait(0.0))
    news.set()


def test_constant_news_cause_ticks_at_a_bounded_rate():
    async def work():
        ticker, ticks, over = Ticker(), 0, loop.time() + 20 * TICK_S
        while loop.time() < over:
            ticker.news.set()
            await ticker.wait(0.0)
            ticks += 1
        return ticks

    loop = asyncio.new_event_loop()
    try:
        assert loop.run_until_complete(work()) <= 24
    finally:
        loop.close()


def test_an_update_for_a_new_layout_is_not_delayed():
    async def work():
        ticker = Ticker()
        ticker._before_last_s = time.monotonic() + 1e6
        ticker.update_now()
        async with asyncio.timeout(60):
            await ticker.wait(0.0)

    in_loop(work)


def test_listeners_are_called_in_order_until_they_are_removed():
    called = []
    first, second = (lambda: called.append(1)), (lambda: called.append(2))
    listeners = Listeners(first)
    listeners.add(second)
    listeners.notify()
    listeners.remove(first)
    listeners.remove(first)
    listeners.notify()
    assert called == [1, 2, 2]


def test_each_batch_of_frames_calls_the_listeners_once():
    receiver, called = StillReceiver(), []
    receiver.listeners.add(lambda: called.append(1))
    for taken in (1, 64, 0, 3):
        receiver.handler.on_queue(taken)
    assert len(called) == 3


def test_the_instrument_is_checked_only_after_a_new_row():
    receiver, readings = StillReceiver(), []
    for _ in range(3):
        receiver.feed(np.ones((1, 64, 4), np.float32))
        found = [receiver.snapshot().check for _ in range(4)]
        # Each check makes a new value.
        assert all(each is found[0] for each in found)
        readings.append(found[0])
    assert len({id(reading) for reading in readings}) == 3


class EndAfter:
    """End of a service after a number of seconds.

    A wait advances the receiver's clock; nothing else takes time.
    """

    exit_status = signal_number = None
    end_by_s = 0.0

    def __init__(self, receiver, seconds):
        self.receiver, self.left_s = receiver, seconds

    def wait(self, seconds):
        self.receiver.now_s += seconds
        self.left_s -= seconds
        return self.left_s <= 0

    def end_within(self, status, seconds=0.0):
        pass


def snapshot_counts(receiver, seconds):
    """Count the snapshots of a service.

    Returns the numbers of snapshots without checks, with checks, and with checks and memory.
    """
    taken, snapshot = [], receiver.snapshot

    def counting(*given, checks=True, memory=True, **keys):
        taken.append((checks, memory))
        return snapshot(*given, checks=checks, memory=memory, **keys)

    receiver.snapshot = counting
    begun_s = receiver.now_s
    settings = Settings(status_interval=1e6)
    run(
        receiver,
        settings,
        lambda _: None,
        ending=EndAfter(receiver, seconds),
        monotonic=lambda: receiver.now_s - begun_s,
    )
    return taken.count((False, False)), taken.count((True, False)), taken.count((True, True))


def test_a_service_checks_every_two_seconds_and_reads_the_memory_only_for_a_status():
    cheap, checked, whole = snapshot_counts(StillReceiver(), 60)
    assert (cheap, 29 <= checked <= 32) == (0, True)
    # The last report of a service takes a few.
    assert whole <= 6


def test_a_receiver_has_news_only_after_a_change_or_a_deadline():
    receiver = StillReceiver()
    assert not receiver.has_news()
    receiver.feed(np.ones((1, 64, 4), np.float32))
    assert receiver.has_news()
    receiver.snapshot(checks=False, memory=False)
    assert not receiver.has_news()
    receiver.now_s += 4
    assert receiver.has_news()
    receiver.snapshot(checks=False, memory=False)
    for _ in range(2):
        receiver.handler.on_reject(RejectedMessage(RejectCause.PARTS, "x"))
    assert receiver.has_news()
    receiver.now_s += 1
    receiver.snapshot(checks=False, memory=False)
    assert not receiver.has_news()
    receiver.now_s += LONG_SILENCE_S
    assert receiver.has_news()


def test_a_service_reports_a_stall_within_a_second_of_its_deadline(caplog):
    receiver = StillReceiver()
    for _ in range(8):
        receiver.feed(np.ones((1, 64, 4), np.float32))
    with caplog.at_level("INFO", "sunspec_tui"):
        receiver.snapshot()
        snapshot_counts(receiver, 2)
    assert "stream is stalled" in caplog.text


@pytest.mark.parametrize("seconds", [60, 600])
def test_a_closed_port_is_probed_less_and_less_often(seconds):
    search = Search("127.0.0.1", Resolver("127.0.0.1", 1), SearchTimes(), lambda *_: None)
    times = SearchTimes()
    assert isinstance(search.backoff, Backoff)
    expected = seconds / times.longest_refused_s + 6
    probes, now_s = 0, 0.0
    search.begin(now_s)
    while now_s < seconds:
        search.advance(now_s, ready=False)
        probe = search.probe
        while search.probe is probe and probe is not None:
            search.advance(now_s, ready=True)
        probes += probe is not None
        now_s += max(0.01, search.wait_s(now_s)) if search.probe is None else 0.01
    search.end()
    assert probes <= expected


def test_the_rest_of_the_first_screen_does_not_wait_for_a_reply():
    pacer = LinkPacer()
    pacer.update_sent(FIRST_BUDGET, 0.0)
    assert pacer.must_wait(0.05)
    assert not pacer.must_wait(0.15)
    pacer.update_sent(FIRST_BUDGET, 0.15)
    assert pacer.must_wait(1.0)
    assert not pacer.must_wait(2.6)


def test_a_snapshot_without_checks_has_the_state_of_the_link():
    receiver = StillReceiver()
    receiver.handler.on_link(LinkState.REFUSED)
    assert receiver.snapshot(checks=False, memory=False).health.link is LinkState.REFUSED


def test_a_failed_listener_is_removed_and_the_others_stay(caplog):
    told = []

    def broken():
        told.append("broken")
        raise ValueError("broken")

    listeners = Listeners(broken, lambda: told.append("whole"))
    listeners.notify()
    listeners.notify()
    assert told == ["broken", "whole", "whole"]
    assert caplog.text.count("not called any more") == 1


def test_a_burst_is_shown_in_several_ticks_without_a_pause():
    receiver = StillReceiver(buffer_length=2000)
    screen = Screen(80, 24, receiver)
    frame = np.ones((1, 64, 4), np.float32)
    try:
        receiver.feed(frame)
        # A span that grows would load the burst as history.
        screen.app.scene.view = replace(screen.app.scene.view, grows=False)
        for _ in range(3):
            screen.settle()
            screen.tick()
        for _ in range(1500):
            receiver.feed(frame)
        ticks = 0
        while ticks == 0 or screen.app.updater.next_tick_s() == 0.0:
            screen.tick()
            ticks += 1
        assert int(screen.app.scene.shown.latest.count) == 1501
        assert ticks == 3
    finally:
        screen.close()


def test_the_screen_reads_the_memory_only_now_and_then_and_after_a_key():
    receiver = StillReceiver()
    screen = Screen(80, 24, receiver)
    try:
        screen.tick()
        read, snapshot = [], receiver.snapshot
        receiver.snapshot = lambda *given, memory=True, **keys: (
            read.append(memory) or snapshot(*given, memory=memory, **keys)
        )
        for _ in range(3):
            screen.app.updater.readings_due_s = 0.0
            screen.do(screen.app.updater.tick)
        assert read == [False] * 3
        screen.act("collect_garbage")
        screen.do(screen.app.updater.tick)
        assert read[3:] == [True]
    finally:
        screen.close()
