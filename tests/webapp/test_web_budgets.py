"""Shares, rates and budgets of the web view, without sockets.

The tests use their own clock.
"""

import asyncio
import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.webapp import row_messages
from sunspec_tui.webapp.answer_budget import BudgetUsedUpError, ByteBudget
from sunspec_tui.webapp.connection_limits import Connections, Phase
from sunspec_tui.webapp.history_messages import History
from sunspec_tui.webapp.json_encoding import json_bytes
from sunspec_tui.webapp.limits import MIN_CONNECTIONS, RESERVED_FILES, connections_for
from sunspec_tui.webapp.peers import peer_of
from sunspec_tui.webapp.rate_limiter import RateLimiter
from sunspec_tui.webapp.visitor_errors import VisitorErrorLog

HERE, THERE, ELSEWHERE = "127.0.0.1", "192.0.2.1", "192.0.2.2"


class Clock:
    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


class FakeTransport:
    def __init__(self, unsent=0):
        self.aborted, self._unsent = False, unsent

    def abort(self):
        self.aborted = True

    def get_write_buffer_size(self):
        return self._unsent


class Crowd:
    """Registry whose connections arrive one after the other."""

    def __init__(self, most, **options):
        self.clock, self.refused, self.port = Clock(), 0, 0
        self.registry = Connections(most, self._refuse, monotonic=self.clock, **options)

    def _refuse(self):
        self.refused += 1

    def come(self, host, phase=Phase.SILENT, unsent=0):
        self.port += 1
        self.clock.now_s += 0.001
        place = self.registry.reserve((host, self.port), 10)
        if place is not None:
            place.transport = FakeTransport(unsent)
            self.registry.enter(place, phase)
        return place


# Peers


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("127.0.0.1", "127.9.9.9"),
        ("127.0.0.1", "::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
def test_addresses_of_one_peer(one, other):
    assert peer_of(one) == peer_of(other)


@pytest.mark.parametrize(("one", "other"), [("2001:db8:1:2::1", "2001:db8:1:3::1"), (THERE, ELSEWHERE), (HERE, THERE)])
def test_addresses_of_two_peers(one, other):
    assert peer_of(one) != peer_of(other)


# Connections


def test_a_peer_that_fills_its_share_closes_its_own_oldest_silent_connection():
    crowd = Crowd(8)
    other = crowd.come(ELSEWHERE)
    own = [crowd.come(THERE) for _ in range(6)]
    assert [place.transport.aborted for place in own] == [True, True, False, False, False, False]
    assert not other.transport.aborted
    assert crowd.come(ELSEWHERE) is not None
    assert len(crowd.registry) == 6


def test_a_network_of_addresses_has_one_share():
    crowd = Crowd(8)
    for n in range(50):
        crowd.come(f"2001:db8::{n:x}", Phase.VIEWING)
    assert len(crowd.registry) == 4
    assert crowd.come(THERE) is not None


def test_a_proxy_on_this_machine_may_use_all_connections():
    crowd = Crowd(8)
    assert all(crowd.come(HERE, Phase.VIEWING) for _ in range(8))
    assert crowd.come(HERE) is None


def test_this_machine_leaves_some_connections_to_other_machines():
    crowd = Crowd(16, is_local=False)
    assert sum(crowd.come(HERE, Phase.VIEWING) is not None for _ in range(20)) == 14
    assert crowd.come(THERE) is not None


def test_the_silence_of_a_connection_begins_anew_after_an_answer():
    crowd = Crowd(4)
    first, second, *_ = (crowd.come(HERE) for _ in range(4))
    crowd.registry.enter(first, Phase.ANSWERING)
    crowd.registry.enter(first, Phase.SILENT)
    crowd.come(HERE)
    assert not first.transport.aborted
    assert second.transport.aborted


def test_answers_that_are_not_taken_make_room_after_a_while():
    crowd = Crowd(2)
    stuck, _ = crowd.come(HERE, Phase.ANSWERING, unsent=100), crowd.come(HERE, Phase.VIEWING)
    assert crowd.come(HERE) is None
    crowd.clock.now_s += 6
    assert crowd.come(HERE) is not None
    assert stuck.transport.aborted


def test_no_connection_is_accepted_near_the_limit_of_open_files(monkeypatch):
    crowd = Crowd(100)
    viewer = crowd.come(HERE, Phase.VIEWING)
    monkeypatch.setattr("sunspec_tui.webapp.limits.file_limit", lambda: 64)
    assert crowd.registry.reserve((HERE, 9999), 64 - RESERVED_FILES) is None
    assert not viewer.transport.aborted
    assert crowd.registry.reserve((HERE, 9999), 64 - RESERVED_FILES - 1) is not None


@pytest.mark.parametrize(
    ("limit", "opened", "places"), [(1024, 30, 264), (256, 30, 202), (64, 30, 10), (64, 60, 4), (1 << 20, 9, 264)]
)
def test_the_number_of_connections_follows_the_limit_of_open_files(limit, opened, places):
    assert connections_for(264, limit, opened) == max(places, MIN_CONNECTIONS)


@given(st.lists(st.tuples(st.sampled_from([HERE, THERE, ELSEWHERE, "::1", "2001:db8::1"]), st.sampled_from(Phase))))
def test_the_counts_of_peers_return_to_zero(arrivals):
    crowd = Crowd(6, is_local=False)
    open_ = []
    for host, phase in arrivals:
        place = crowd.come(host, phase)
        open_ = [each for each in [*open_, place] if each is not None and not each.transport.aborted]
        assert len(crowd.registry) == len(open_) <= 6
    for place in open_:
        crowd.registry.release(place)
        crowd.registry.release(place)
    assert len(crowd.registry) == 0
    # Private: a peer with a count of 0 would take memory for ever.
    assert not crowd.registry._of_peer


def test_a_reused_client_port_replaces_the_old_connection():
    crowd = Crowd(4)
    first = crowd.come(THERE)
    crowd.port -= 1
    second = crowd.come(THERE)
    assert first.transport.aborted
    assert len(crowd.registry) == 1
    crowd.registry.release(first)
    assert crowd.registry.find(second.client) is second
    crowd.registry.release(second)
    assert not crowd.registry._of_peer


# Rates


def test_a_pace_lets_a_burst_through_and_then_its_rate():
    clock = Clock()
    pace = RateLimiter(10, 5, clock)
    assert [pace.reserve("a") for _ in range(7)] == pytest.approx([0, 0, 0, 0, 0, 0.1, 0.2])
    assert pace.reserve("b") == 0
    pace.give_back("a")
    assert pace.reserve("a") == pytest.approx(0.2)
    clock.now_s += 10
    assert pace.reserve("a") == 0


def test_a_rate_limiter_forgets_old_keys():
    clock = Clock()
    pace = RateLimiter(10, 5, clock)
    for n in range(5000):
        clock.now_s += 0.01
        pace.reserve(n)
    # Private: the number of stored keys is of interest to no other code.
    assert len(pace._due_s) < 1100


# Bytes


def keeping(budget, nbytes, ended):
    """Start a task that keeps bytes until it is ended."""
    end = asyncio.Event()

    async def keep():
        async with budget.keep(nbytes, end.set):
            await end.wait()
            ended.append(nbytes)

    return asyncio.create_task(keep())


def test_a_slow_answer_is_ended_for_another_one():
    async def main():
        clock, ended = Clock(), []
        budget = ByteBudget(100, clock)
        tasks = [keeping(budget, 60, ended), keeping(budget, 40, ended)]
        await asyncio.sleep(0)
        assert budget.used == 100
        clock.now_s += 6
        async with budget.keep(30, lambda: None):
            assert budget.used == 70
        await tasks[0]
        assert ended == [60]
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert budget.used == 0

    asyncio.run(main())


def test_an_answer_larger_than_the_budget_is_refused_at_once():
    async def main():
        with pytest.raises(BudgetUsedUpError):
            async with ByteBudget(100).keep(101, lambda: None):
                pass

    asyncio.run(main())


# Logs


def test_a_kind_of_error_is_logged_once_a_second_with_its_count(caplog):
    clock = Clock()
    error_log = VisitorErrorLog(logging.getLogger("sunspec_tui.test"), clock)
    for _ in range(50):
        error_log.log("one", "\x1b[2Jodd\nlines")
    error_log.log("other", "x")
    clock.now_s += 1
    error_log.log("one", "last")
    said = [record.getMessage() for record in caplog.records]
    assert said == ["one: \\x1b[2Jodd\\nlines", "other: x", "one: last (49 more since the last line)"]


# Text


@pytest.mark.parametrize("text", ["\ud800", "a\udcffb", "\x00\x1b]0;x\x07", "<script>", "\u202e"])
def test_any_text_can_be_encoded_as_json(text):
    assert json_bytes({"source": text, "notes": [text], "number": 1.5, "more": {text: None}})


@given(st.dictionaries(st.text(st.characters()), st.one_of(st.text(st.characters()), st.integers(), st.floats())))
def test_whatever_a_record_holds_there_is_json_of_it(record):
    assert json_bytes(record).startswith(b"{")


# Histories


def ring_of(count, nbins=8):
    ring = RingBuffer(50, nbins, 1)
    for n in range(count):
        ring.append(np.full((nbins, 1), n + 1, np.float32), float(n), n)
    return ring


class Source:
    def __init__(self, ring):
        self.ring, self.most = ring, 0

    def rows_between(self, start, stop):
        self.most = max(self.most, stop - start)
        return self.ring.between(start, stop)


def whole(history, source, count):
    for _ in range(100):
        if history.extend(source, count):
            return row_messages.decode(history.message())
    raise AssertionError("the history is never whole")


def test_a_history_adds_new_rows_and_keeps_the_newest(monkeypatch):
    monkeypatch.setattr("sunspec_tui.webapp.history_messages.STEP_VALUES", 8 * 4)
    source = Source(ring_of(30))
    history = History(Product.XX, 3, 8)
    history.most = 20
    first = whole(history, source, 30)
    assert (first.first, len(first.times_s), source.most) == (10, 20, 4)
    source.ring.append(np.full((8, 1), 31, np.float32), 30.0, 30)
    again = whole(history, source, 31)
    # Only whole blocks are dropped, so the history may have a few more rows.
    assert (again.first, again.slots.tolist()) == (10, list(range(10, 31)))
    np.testing.assert_allclose(again.values[:, 0], np.arange(11, 32), rtol=0.003)
    for n in range(31, 35):
        source.ring.append(np.full((8, 1), n + 1, np.float32), float(n), n)
        again = whole(history, source, n + 1)
    assert (again.first, again.slots.tolist()) == (12, list(range(12, 35)))


def test_a_history_begins_anew_after_unread_rows_left_the_ring():
    source = Source(ring_of(10))
    history = History(Product.XX, 3, 8)
    whole(history, source, 10)
    source.ring = ring_of(200)
    again = whole(history, source, 200)
    assert (again.first, again.slots.tolist()) == (150, list(range(150, 200)))


def test_a_shortened_message_is_a_valid_message(monkeypatch):
    monkeypatch.setattr("sunspec_tui.webapp.history_messages.STEP_VALUES", 8 * 4)
    history = History(Product.XX, 3, 8)
    message = whole(history, Source(ring_of(30)), 30)
    short = row_messages.decode(row_messages.newest_rows(history.message(), 5))
    # The newest two blocks, with four rows and two rows.
    assert (short.first, short.slots.tolist()) == (24, list(range(24, 30)))
    np.testing.assert_array_equal(short.values, message.values[-6:])
