"""The producer counts subscriptions and detects peers over their budget."""

import pytest

from sunspec_tui.producer.subscriptions import MAX_PEER_BYTES, Subscriptions


@pytest.mark.parametrize("topic", [b"", b"d", b"data"])
def test_a_topic_that_frames_match_counts_and_costs_nothing(topic):
    subscriptions = Subscriptions()
    for _ in range(10_000):
        assert not subscriptions.update(b"\x01" + topic, 7)
    assert subscriptions.count == 10_000
    assert not subscriptions.update(b"\x00" + topic, None)
    assert subscriptions.count == 9_999


@pytest.mark.parametrize("message", [b"\x01date", b"\x01data2", b"\x00other", b"\x02data", b"hello", b"\x01\x00"])
def test_what_matches_no_frame_does_not_count(message):
    subscriptions = Subscriptions()
    subscriptions.update(message, 7)
    assert subscriptions.count == 0


def test_the_count_never_goes_below_none():
    subscriptions = Subscriptions()
    subscriptions.update(b"\x00data", 7)
    subscriptions.update(b"\x01data", 8)
    assert subscriptions.count == 1


def test_a_peer_cannot_cancel_the_subscriptions_of_others():
    subscriptions = Subscriptions()
    subscriptions.update(b"\x01data", 7)
    for _ in range(5):
        subscriptions.update(b"\x00data", 8)
    assert subscriptions.count == 1
    subscriptions.update(b"\x00data", 7)
    assert subscriptions.count == 0
    # At the end of a connection libzmq cancels its subscriptions, without its descriptor.
    subscriptions.update(b"\x01", 9)
    subscriptions.update(b"\x00", None)
    assert subscriptions.count == 0


def messages_until_over(make, subscriptions=None, peer=7):
    subscriptions = subscriptions or Subscriptions()
    return next((n for n in range(100_000) if subscriptions.update(make(n), peer)), None)


def test_a_peer_is_over_its_budget_after_so_many_bytes_of_topics_however_long_each_is():
    short = messages_until_over(lambda n: b"\x01%04d" % n)
    long = messages_until_over(lambda n: b"\x01%0500d" % n)
    assert short * 20 == pytest.approx(MAX_PEER_BYTES, rel=0.01)
    assert long * 516 == pytest.approx(MAX_PEER_BYTES, rel=0.05)


def test_the_same_topic_again_and_what_is_no_subscription_use_the_budget_too():
    assert messages_until_over(lambda n: b"\x01same") < MAX_PEER_BYTES / 10
    assert messages_until_over(lambda n: b"no subscription") < MAX_PEER_BYTES / 10


def test_a_topic_that_is_cancelled_is_given_back():
    assert messages_until_over(lambda n: b"%c%d" % (1 - n % 2, n // 2)) is None


def test_a_crowd_shares_one_budget_and_a_peer_that_was_cut_off_begins_anew():
    subscriptions = Subscriptions()
    for peer in range(100):
        subscriptions.update(b"\x01x", peer)
    few = messages_until_over(lambda n: b"\x01%04d" % n, subscriptions)
    assert few < MAX_PEER_BYTES / 20 / 3
    used = subscriptions.wire_bytes(7)
    assert used > few * 7
    subscriptions.forget(7)
    assert subscriptions.wire_bytes(7) < 100
