"""Rules of the receiver between its threads and its front ends."""

import threading

import numpy as np
import pytest
from conftest import poll_until
from monitors import StillReceiver

DATA = np.ones((1, 64, 4), np.float32)
WIDER = np.ones((1, 128, 4), np.float32)


@pytest.mark.parametrize(
    "change",
    [lambda receiver: receiver.set_delay(2.5), lambda receiver: receiver.set_delay_calculation_method("buffer")],
    ids=["set_delay", "set_delay_calculation_method"],
)
def test_the_delay_is_not_changed_while_a_frame_is_taken(change):
    receiver = StillReceiver()
    receiver.feed(DATA)
    before = receiver.get_current_delay()
    thread = threading.Thread(target=change, args=(receiver,))
    with receiver._lock:
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        assert receiver._intake.delay.value_s == before
    thread.join(10)
    assert not thread.is_alive()
    poll_until(lambda: receiver.get_current_delay() != before)


def test_rows_of_another_epoch_are_not_taken_for_known():
    receiver = StillReceiver()
    for _ in range(5):
        receiver.feed(DATA)
    first = receiver.snapshot()
    assert [len(receiver.snapshot(since=n, epoch=first.epoch).rows) for n in (0, 3, 5, 9)] == [5, 2, 0, 0]
    while (last := receiver.snapshot(since=first.rows.count, epoch=first.epoch)).epoch == first.epoch:
        receiver.feed(WIDER, time_tag=7)
    again = receiver.snapshot(since=2**40, epoch=first.epoch)
    assert last.axis.nchan == 128
    assert len(again.rows) > 0
    assert again.rows.data.shape[1:] == (32, 4)
