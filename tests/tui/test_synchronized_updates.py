"""An update that the terminal may have lost is sent again."""

import numpy as np
import pytest
from monitors import StillReceiver
from pixel_monitors import PixelMonitor

from sunspec_tui.tui.terminal.abilities import Graphics
from sunspec_tui.tui.terminal.link_pacing import LinkPacer
from sunspec_tui.tui.terminal.synchronized_updates import SynchronizedUpdates

LIMIT_S = SynchronizedUpdates.limit_s
NCHAN = 384


def is_synchronized(text):
    # The character after the start is no part of a sequence.
    return text.startswith("\x1b[?2026h\r") and text.endswith("\x1b[?2026l")


@pytest.mark.parametrize(
    ("reply_s", "has_replied", "lost"),
    [(0.1, True, False), (0.1, False, False), (LIMIT_S, True, True), (LIMIT_S, False, True), (60.0, False, True)],
)
def test_an_update_with_a_late_reply_may_be_lost(reply_s, has_replied, lost):
    updates = SynchronizedUpdates()
    assert is_synchronized(updates.bracketed("text", 10.0))
    assert updates.may_be_lost(10.0 + reply_s, has_replied=has_replied) is lost
    if lost:
        assert not updates.may_be_lost(100.0, has_replied=True)


def test_updates_are_synchronized_again_when_replies_come_in_time():
    updates = SynchronizedUpdates()
    updates.bracketed("text", 0.0)
    assert updates.may_be_lost(5.0, has_replied=True)
    for sent_s in (5.0, 10.0, 15.0):
        # Without brackets nothing is lost, however late the reply is.
        assert updates.bracketed("text", sent_s) == "text"
        assert not updates.may_be_lost(sent_s + 4.0, has_replied=True)
    assert updates.bracketed("text", 20.0) == "text"
    assert not updates.may_be_lost(20.1, has_replied=True)
    assert is_synchronized(updates.bracketed("text", 21.0))


def test_the_update_that_waits_longest_decides():
    updates = SynchronizedUpdates()
    updates.bracketed("first", 0.0)
    updates.bracketed("second", LIMIT_S - 0.1)
    assert updates.may_be_lost(LIMIT_S, has_replied=False)


def test_the_reply_to_a_query_before_the_update_is_not_that_of_the_update():
    pacer = LinkPacer()
    pacer.query_sent(0.0)
    pacer.update_sent(500, 0.0)
    pacer.reply_received(0.1)
    assert pacer.awaits_update
    pacer.reply_received(0.2)
    assert not pacer.awaits_update


@pytest.mark.parametrize("graphics", [Graphics.KITTY, Graphics.SIXEL])
def test_the_screen_is_whole_again_after_a_stall_in_which_it_lost_an_update(graphics, monkeypatch):
    monitor = PixelMonitor(80, 24, StillReceiver(), graphics)
    random = np.random.default_rng(0)

    def feed(count):
        for _ in range(count):
            monitor.receiver.feed(random.gamma(9, 3, (1, NCHAN, 4)).astype(np.float32))
            monitor.tick()

    try:
        feed(60)
        monitor.check()
        monitor.app._sync_available = True
        monitor.answering = False
        with monkeypatch.context() as patch:
            patch.setattr(monitor.screen, "feed", lambda _: None)
            monitor.act("change_view('next_palette', 1)")
            feed(1)
        monkeypatch.setattr(SynchronizedUpdates, "limit_s", 0.0)
        monitor.answer()
        monitor.check()
    finally:
        monitor.close()
