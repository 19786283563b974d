"""The start of the receiving thread, interrupted by a signal."""

import threading

import pytest

from sunspec_tui import StreamReceiver


def test_a_signal_within_the_start_of_the_thread_is_not_reported_as_a_failure(monkeypatch, warnings_logged):
    threads, start = [], threading.Thread.start

    def interrupted(thread):
        if thread.name != "sunspec-subscriber":
            return start(thread)
        threads.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        StreamReceiver("127.0.0.1", 1, plot_interval=0).start()
    [thread] = threads
    # The operating system may run the thread although its start was interrupted.
    start(thread)
    thread.join(20)
    assert not thread.is_alive()
    assert warnings_logged() == []
