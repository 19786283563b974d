"""Rules of the receiver between its threads and its front ends."""

import threading

import numpy as np
import pytest
from monitors import StillReceiver
from waiting import poll_until

from sunspec_tui.core.errors import UsageError

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
    with receiver.parts.lock:
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        assert receiver.get_current_delay() == before
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


def fed(frames=5, **options):
    """A receiver of frames whose power is their number plus one."""
    receiver = StillReceiver(**options)
    for n in range(frames):
        receiver.feed(DATA * np.float32(n + 1))
    return receiver


@pytest.mark.parametrize("length", [5.0, np.int64(5), np.float32(5)])
def test_a_whole_number_of_any_kind_is_taken(length):
    receiver = fed(7, buffer_length=length, channel_average=np.int32(4))
    assert receiver.ring_buffer.shape == (5, 16)
    assert type(receiver.buffer_length) is int


@pytest.mark.parametrize("options", [{"buffer_length": 5.5}, {"channel_average": 2.5}, {"gc_interval": float("inf")}])
def test_a_number_that_should_be_whole_is_named(options):
    with pytest.raises(UsageError, match="whole number"):
        StillReceiver(**options)


def test_the_last_rows_come_oldest_first_in_the_product_that_is_shown():
    receiver = fed(15)
    assert receiver.get_latest_data()[:, 0].tolist() == [15.0]
    assert receiver.get_latest_data(10)[:, 0].tolist() == [float(n) for n in range(6, 16)]
    assert receiver.get_latest_data(3)[:, 0].tolist() == [13.0, 14.0, 15.0]
    assert receiver.get_latest_data(3, product="Q")[:, 0].tolist() == [0.0, 0.0, 0.0]
    receiver.set_product("V/I")
    assert receiver.get_latest_data(2)[:, 0].tolist() == [1.0, 1.0]
    assert receiver.get_latest_data(2, product="XX")[:, 0].tolist() == [14.0, 15.0]


def test_rows_wrap_and_keep_their_numbers_times_and_slots():
    receiver = fed(12, buffer_length=5)
    rows = receiver.get_rows()
    assert (rows.count, len(rows)) == (12, 5)
    assert rows.data[:, 0, 0].tolist() == [8.0, 9.0, 10.0, 11.0, 12.0]
    np.testing.assert_allclose(np.diff(rows.times_s), 0.25)
    assert rows.slots.tolist() == [7, 8, 9, 10, 11]
    position = receiver.position()
    assert (position.count, position.length, position.oldest, position.newest) == (12, 5, 7, 11)
    assert receiver.rows_between(9, 11).slots.tolist() == [9, 10]
    assert receiver.number_at(10) == 10
    assert receiver.get_buffer_status()["buffer_index"] == 2
    assert [len(receiver.snapshot(since=0, most=most).rows) for most in (2, 99)] == [2, 5]


def test_the_delay_by_the_buffer_follows_the_measured_cadence_and_the_free_rows():
    receiver = fed(3, buffer_length=8)
    receiver.set_delay_calculation_method("buffer")
    assert receiver.get_current_delay() == pytest.approx((8 - 3) * 0.25)
    for _ in range(5):
        receiver.feed(DATA)
    assert receiver.get_current_delay() == pytest.approx((8 - 0) * 0.25)


def test_delays_of_another_method_are_forgotten():
    receiver = fed(4)
    assert len(receiver.snapshot().delay_history) == 4
    receiver.set_delay(2.5)
    assert [delay_s for _, delay_s in receiver.snapshot().delay_history] == [2.5]
    receiver.set_delay_calculation_method("auto")
    assert [delay_s for _, delay_s in receiver.snapshot().delay_history] == pytest.approx([0.06])


@pytest.mark.parametrize(("method", "delay_s"), [("manual", 3.0), ("auto", None), ("buffer", None)])
def test_before_the_first_frame_only_a_delay_that_was_set_is_known(method, delay_s):
    receiver = StillReceiver(delay_method=method, manual_delay=3.0)
    receiver.set_delay_calculation_method(method)
    found = receiver.get_current_delay()
    assert np.isnan(found) if delay_s is None else found == delay_s


@pytest.mark.parametrize(("stated", "chan0", "first_mhz"), [(None, 700, 16.784), (300, 300, 7.2136)])
def test_the_first_channel_is_the_headers_where_it_says_one(stated, chan0, first_mhz):
    receiver = StillReceiver(chan0=700)
    receiver.feed(DATA, chan0=stated)
    axis = receiver.snapshot().axis
    assert (axis.chan0, axis.chan0_stated) == (chan0, stated is not None)
    assert axis.frequencies_mhz[0] == pytest.approx(first_mhz, abs=1e-3)
    assert len(axis.frequencies_mhz) == 16


def test_the_age_of_data_counts_from_the_end_of_the_newest_row():
    receiver = fed(3)
    assert receiver.snapshot().data_age_s == pytest.approx(0.1)
    receiver.now_s += 5
    assert receiver.snapshot().data_age_s == pytest.approx(5.1)
    assert receiver.snapshot().health.silence_s == pytest.approx(5.0)


def test_one_beam_of_several_is_kept_and_a_frame_without_it_is_rejected():
    receiver = StillReceiver(beam_index=1)
    receiver.feed(np.concatenate([DATA, DATA * 7]))
    assert receiver.get_latest_data()[0, 0] == 7
    receiver.feed(DATA)
    health = receiver.snapshot().health
    assert (health.frames_received, health.rejected) == (1, {"shape": 1})
