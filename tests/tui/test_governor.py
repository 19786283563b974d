"""The pacer adapts size and quality of updates to simulated links."""

import math
from collections import deque

import pytest

from sunspec_tui.tui.terminal.link_pacing import FIRST_BUDGET, MAX_BUDGET, MIN_BUDGET, LinkPacer, Quality


class Link:
    """Simulated link, and a program that always has data to send.

    Parameters
    ----------
    pacer
        Pacer of the program.
    rate
        Bytes per second of the link.
    trip_s
        Round trip in seconds.
    replies
        False if the terminal never replies.
    """

    def __init__(self, pacer, rate, trip_s=0.05, replies=True):
        self.pacer, self.rate, self.trip_s, self.replies = pacer, rate, trip_s, replies
        self.now_s, self.free_s, self.replies_s = 0.0, 0.0, deque()
        self.waited_s = []
        self.unfinished = 0
        pacer.query_sent(0.0)
        if replies:
            self.replies_s.append(trip_s)

    def run(self, seconds, wanted):
        """Run the program; each picture has `wanted(quality)` bytes."""
        end_s, next_s, backlog = self.now_s + seconds, self.now_s, 0
        while self.now_s < end_s:
            self.now_s += 0.01
            while self.replies_s and self.now_s >= self.replies_s[0]:
                self.replies_s.popleft()
                self.pacer.reply_received(self.now_s)
            if self.now_s >= next_s:
                next_s = self.now_s + max(0.25, self.pacer.quality.interval_s)
                self.unfinished += backlog > 0
                backlog = wanted(self.pacer.quality)
            if backlog > 0 and not self.pacer.must_wait(self.now_s):
                nbytes = min(backlog, self.pacer.budget)
                backlog -= nbytes
                self.pacer.update_sent(nbytes, self.now_s, finished=not backlog)
                self._carry(nbytes)
            elif backlog > 0 and self.pacer.reply_overdue(self.now_s):
                self.pacer.query_repeated(self.now_s)
                self._carry(4)

    def _carry(self, nbytes):
        self.free_s = max(self.now_s, self.free_s) + nbytes / self.rate
        self.waited_s.append(self.free_s - self.now_s)
        if self.replies:
            self.replies_s.append(self.free_s + self.trip_s)


def demand(quality):
    return (6000, 6000, 2500, 1500)[quality]


@pytest.mark.parametrize("trip_s", [0.001, 0.05, 0.4])
def test_a_fast_link_has_full_quality(trip_s):
    link = Link(pacer := LinkPacer(), 10e6, trip_s)
    link.run(10, demand)
    assert pacer.quality is Quality.FULL
    assert pacer.budget >= FIRST_BUDGET
    assert pacer.reading(link.now_s).round_trip_s == pytest.approx(trip_s, abs=0.02)


@pytest.mark.parametrize("rate", [4e3, 8e3, 32e3])
def test_updates_stay_short_on_a_slow_link(rate):
    link = Link(pacer := LinkPacer(), rate)
    link.run(15, demand)
    link.waited_s.clear()
    link.run(20, demand)
    assert pacer.quality > Quality.FULL
    assert max(link.waited_s) < 0.5
    assert sum(link.waited_s) / 20 < 0.65


def test_quality_recovers_within_five_seconds_after_the_link():
    link = Link(pacer := LinkPacer(), 4e3)
    link.run(30, demand)
    assert pacer.quality is Quality.LOWEST
    link.rate = 10e6
    link.run(5, demand)
    assert pacer.quality is Quality.FULL


def test_a_failed_step_up_is_tried_less_often():
    link = Link(pacer := LinkPacer(), 24e3)
    changes = []
    for _ in range(1200):
        before = pacer.quality
        link.run(0.1, demand)
        if pacer.quality != before:
            changes.append(link.now_s)
    late = [at_s for at_s in changes if at_s > 60]
    assert len(late) <= 6


def test_without_replies_no_update_waits_for_them():
    link = Link(pacer := LinkPacer(), 10e6, replies=False)
    link.run(5, demand)
    reading = pacer.reading(link.now_s)
    assert not reading.has_replied
    assert math.isnan(reading.round_trip_s)
    assert reading.rate_bytes_s > 10_000
    assert pacer.quality is Quality.FULL


def test_a_lost_reply_delays_the_picture_for_some_seconds_at_most():
    pacer = LinkPacer()
    pacer.update_sent(100, 0.0)
    pacer.reply_received(0.1)
    pacer.update_sent(100, 1.0)
    assert pacer.must_wait(6.0)
    assert not pacer.must_wait(7.1)
    # A late reply to a dropped query is ignored.
    pacer.reply_received(8.0)


def test_a_query_whose_reply_was_lost_is_repeated_soon_and_costs_no_quality():
    pacer = LinkPacer()
    pacer.query_sent(0.0)
    pacer.reply_received(0.05)
    pacer.update_sent(5000, 0.1)
    pacer.reply_received(0.2)
    for second in range(1, 20):
        pacer.update_sent(5000, second)
        assert pacer.must_wait(second + 0.1)
        assert not pacer.reply_overdue(second + 0.1)
        assert pacer.reply_overdue(second + 0.6)
        pacer.query_repeated(second + 0.6)
        assert not pacer.reply_overdue(second + 0.65)
        pacer.reply_received(second + 0.66)
        assert not pacer.must_wait(second + 0.9)
    assert pacer.quality is Quality.FULL


def test_a_late_reply_belongs_to_its_own_update():
    pacer = LinkPacer()
    pacer.query_sent(0.0)
    pacer.reply_received(0.05)
    pacer.update_sent(5000, 1.0)
    pacer.query_repeated(1.5)
    pacer.reply_received(2.0)
    assert pacer.must_wait(2.01)
    pacer.reply_received(2.02)
    assert not pacer.must_wait(2.03)
    assert pacer.reading(2.03).round_trip_s == pytest.approx(1.0)


@pytest.mark.parametrize("picture", [3000, 6000, 12_000, 20_000])
@pytest.mark.parametrize("trip_s", [0.01, 0.05, 0.15, 0.6])
@pytest.mark.parametrize("rate", [2e3, 6.5e3, 8e3, 16e3, 32e3, 64e3])
def test_any_link_has_whole_pictures_short_queues_and_stable_quality(rate, trip_s, picture):
    link = Link(pacer := LinkPacer(), rate, trip_s)
    wanted = (picture, picture, picture / 6, picture / 10).__getitem__
    link.run(30, wanted)
    link.waited_s.clear()
    link.unfinished = changes = 0
    for _ in range(600):
        before = pacer.quality
        link.run(0.1, wanted)
        changes += pacer.quality != before
    assert max(link.waited_s) < 1.0 + MIN_BUDGET / rate
    assert changes <= 12
    if pacer.quality < Quality.LOWEST:
        assert link.unfinished < 0.3 * 60 / 0.25


def test_a_fixed_quality_stays():
    link = Link(pacer := LinkPacer(Quality.LOWEST), 10e6)
    link.run(10, demand)
    assert pacer.quality is Quality.LOWEST


def test_budgets_are_bounded():
    pacer = LinkPacer()
    for n in range(40):
        pacer.update_sent(pacer.budget, n)
        pacer.reply_received(n + 0.001)
    assert pacer.budget == MAX_BUDGET
    for n in range(40, 60):
        pacer.update_sent(pacer.budget, n)
        pacer.reply_received(n + 0.9)
    assert pacer.budget == MIN_BUDGET


# Pixels

PICTURE_NBYTES = 300_000


def pixel_demand(quality):
    return 1500 if quality is Quality.PIXELS else demand(quality)


class PixelLink(Link):
    """Link of a program that draws pixels by the pacer.

    It sends a whole picture first, then new columns.
    """

    def __init__(self, pacer, rate, **options):
        super().__init__(pacer, rate, **options)
        pacer.picture_nbytes = PICTURE_NBYTES
        self.drawn = Quality.FULL
        self.changes = []
        self.probes = 0
        # The first screen.
        self.owed = 24_000

    def run(self, seconds, wanted=pixel_demand):
        super().run(seconds, lambda quality: self._owed(quality) + wanted(quality))

    def _owed(self, quality):
        if quality is not self.drawn:
            self.changes.append((self.now_s, quality))
            self.owed += PICTURE_NBYTES if quality is Quality.PIXELS else 0
            self.drawn = quality
        if self.pacer.take_probe():
            self.probes += 1
            self.owed += 24_000
        owed, self.owed = self.owed, 0
        return owed


@pytest.mark.parametrize("trip_s", [0.001, 0.05, 0.3])
def test_a_fast_link_has_pixels_within_seconds_and_keeps_them(trip_s):
    link = PixelLink(pacer := LinkPacer(), 5e6, trip_s=trip_s)
    link.run(4)
    assert pacer.quality is Quality.PIXELS
    link.run(120)
    assert [quality for _, quality in link.changes] == [Quality.PIXELS]


@pytest.mark.parametrize("rate", [4e3, 8e3, 32e3])
def test_a_slow_link_never_has_pixels_and_few_probes(rate):
    link = PixelLink(pacer := LinkPacer(), rate)
    link.run(240)
    assert Quality.PIXELS not in [quality for _, quality in link.changes]
    assert link.probes <= 8
    assert pacer.quality >= Quality.FULL


def test_pixels_end_when_the_link_becomes_slow_and_come_back_with_it():
    link = PixelLink(pacer := LinkPacer(), 5e6)
    link.run(70)
    link.rate = 8e3
    link.owed = PICTURE_NBYTES
    # A whole picture may be under way.
    link.run(PICTURE_NBYTES / link.rate + 10)
    assert pacer.quality > Quality.PIXELS
    link.rate = 5e6
    link.run(20)
    assert pacer.quality is Quality.PIXELS


def test_a_busy_machine_at_the_start_delays_pixels_by_seconds_only():
    link = PixelLink(pacer := LinkPacer(), 20e3)
    link.run(3)
    assert pacer.quality > Quality.PIXELS
    link.rate = 5e6
    link.run(15)
    assert pacer.quality is Quality.PIXELS


def test_without_pixels_in_the_terminal_the_best_quality_is_blocks():
    link = Link(pacer := LinkPacer(), 5e6)
    link.run(60, demand)
    assert pacer.quality is Quality.FULL
    pacer.picture_nbytes = PICTURE_NBYTES
    pacer.quality = Quality.PIXELS
    pacer.picture_nbytes = 0
    assert pacer.quality is Quality.FULL
