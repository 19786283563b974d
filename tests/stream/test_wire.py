"""Invalid and unusual messages over a real socket, between valid frames."""

import json
import logging
import threading

import numpy as np
import pytest
from monitors import StillReceiver
from publishers import Publisher, block_time, header_of, message
from waiting import poll_until

from sunspec_tui import StreamReceiver
from sunspec_tui.stream.health_reading import LinkState
from sunspec_tui.stream.ingest import FrameIngester
from sunspec_tui.stream.message_handler import MessageHandler

GOOD = np.random.default_rng(1).uniform(1, 2, (1, 64, 4)).astype(np.float32)


def raw(header: object, payload: bytes | None = None) -> list[bytes]:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return [b"data", encoded, GOOD.tobytes() if payload is None else payload]


def with_keys(**keys: object) -> list[bytes]:
    return raw(header_of(GOOD, **keys))


BAD = {
    "one part": ([b"data"], "parts"),
    "two parts": ([b"data", b"{}"], "parts"),
    "four parts": ([*message(GOOD), b"more"], "parts"),
    "another topic": ([b"status", *message(GOOD)[1:]], "topic"),
    "one empty part": ([b""], "empty"),
    "three empty parts": ([b"", b"", b""], "empty"),
    "an empty payload": (raw(header_of(GOOD), b""), "empty"),
    "no JSON": (raw(b"{time_tag: 1"), "header_json"),
    "a JSON list": (raw([1, 2]), "header_json"),
    "a JSON number": (raw(b"12"), "header_json"),
    "nested a million deep": (raw(b"[" * 60_000), "header_json"),
    "a shape nested 300 deep": (raw(b'{"nchan":8,"data_shape":' + b"[" * 300 + b"]" * 300 + b"}"), "header_type"),
    "an integer of ten thousand digits": (raw(b'{"nchan": ' + b"9" * 10_000 + b"}"), "header_json"),
    "not UTF-8": (raw(b'{"a": "\xff\xfe"}'), "header_encoding"),
    "a huge header": (raw({"comment": "x" * 100_000}), "header_size"),
    "nchan as text": (with_keys(nchan="64"), "header_type"),
    "nchan true": (with_keys(nchan=True), "header_type"),
    "nchan a fraction": (with_keys(nchan=64.5), "header_type"),
    "time_tag as text": (with_keys(time_tag="now"), "header_type"),
    "time_tag negative": (with_keys(time_tag=-5), "header_value"),
    "timestamp a list": (with_keys(timestamp=[1]), "header_type"),
    "timestamp negative": (with_keys(timestamp=-1.5), "header_value"),
    "last_block_time a number": (with_keys(last_block_time=12), "header_type"),
    "seq beyond 63 bits": (with_keys(seq=2**64 - 1), "header_value"),
    "chan0 beyond any receiver": (with_keys(chan0=2**62), "header_value"),
    "an interval of nothing": (with_keys(interval=1e-300), "header_value"),
    "more channels than any producer has": (
        raw(header_of(np.empty((1, 70_000, 1))), bytes(4 * 70_000)),
        "shape",
    ),
    "interval of zero": (with_keys(interval=0), "header_value"),
    "nbeam zero": (with_keys(nbeam=0, data_shape=None), "header_value"),
    "npol three": (with_keys(npol=3, data_shape=None), "shape"),
    "data_shape as text": (with_keys(data_shape="1,64,4"), "header_type"),
    "data_shape with a negative length": (with_keys(data_shape=[1, -64, 4]), "shape"),
    "data_shape of five axes": (with_keys(data_shape=[1, 1, 1, 64, 4]), "shape"),
    "data_shape at odds with nchan": (with_keys(nchan=32), "shape"),
    "a payload cut short": (raw(header_of(GOOD), GOOD.tobytes()[:-4]), "payload_length"),
    "a payload of no whole number of values": (raw(header_of(GOOD), GOOD.tobytes()[:-1]), "payload_length"),
    "a payload too long": (raw(header_of(GOOD), GOOD.tobytes() + b"1234"), "payload_length"),
    "an object type": (with_keys(data_type="O"), "data_type"),
    "an expression as type": (with_keys(data_type="__import__('os')"), "data_type"),
    "a complex type": (with_keys(data_type="<c8"), "data_type"),
    "a type that is no text": (with_keys(data_type=4), "data_type"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_message_is_counted_under_its_cause_and_good_frames_around_it_are_kept(publisher, name):
    bad, cause = BAD[name]
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, channel_average=4) as receiver:
        publisher.wait_for_subscriber()
        for n, parts in enumerate([None, bad, None, bad, None]):
            publisher.send(parts if parts else message(GOOD, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(3, 10)
        health = receiver.snapshot().health
        assert (health.frames_received, health.rejected) == (3, {cause: 2})
        expected = GOOD[0, :, 0].reshape(16, 4).mean(axis=1)
        np.testing.assert_allclose(receiver.get_latest_data(3), np.tile(expected, (3, 1)), rtol=1e-6)


ODD = {
    "no time_tag": {"time_tag": None},
    "no nbeam": {"nbeam": None},
    "no nchan, npol or data_shape": {"nchan": None, "npol": None, "data_shape": None, "nbeam": None},
    "no data_shape": {"data_shape": None},
    "no data_type": {"data_type": None},
    "no timestamp": {"timestamp": None},
    "no last_block_time": {"last_block_time": None},
    "lwa_time instead": {"last_block_time": None, "lwa_time": "2025-08-18 21:34:54"},
    "timestamp in ms": {"timestamp": 1755552894787.0},
    "timestamp of 1970": {"timestamp": 0},
    "timestamp in the far future": {"timestamp": 1e19},
    "timestamp that is no number": {"timestamp": "soon"},
    "a literal %f": {"last_block_time": "2025-08-18 14:34:54.%f"},
    "a time tag in microseconds": {"time_tag": 1755552894787341},
    "unknown keys": {"comment": {"deep": [1, 2, 3]}},
}


@pytest.mark.parametrize("name", ODD)
def test_an_unusual_header_still_gives_its_frame(publisher, name):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(with_keys(**ODD[name]))
        assert receiver.wait_for_frames(1, 10)
        assert receiver.snapshot().health.frames_rejected == 0
        expected = GOOD[0, :, 0].reshape(16, 4).mean(axis=1)
        np.testing.assert_allclose(receiver.get_latest_data()[-1], expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [">f4", "<f8", "<i4", "<u2", "float32"])
def test_other_data_types_are_read(publisher, dtype):
    values = (GOOD * 100).astype(dtype)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(raw(header_of(GOOD, data_type=dtype), values.tobytes()))
        assert receiver.wait_for_frames(1, 10)
        expected = values[0, :, 0].astype(float).reshape(16, 4).mean(axis=1)
        np.testing.assert_allclose(receiver.get_latest_data()[-1], expected, rtol=1e-6)


def test_one_of_several_beams_is_chosen(publisher):
    beams = np.stack([GOOD[0], GOOD[0] * 3])
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, beam_index=1) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(beams))
        publisher.send(message(GOOD))  # has no second beam
        poll_until(lambda: receiver.snapshot().health.rejected == {"shape": 1})
        expected = 3 * GOOD[0, :, 0].reshape(16, 4).mean(axis=1)
        np.testing.assert_allclose(receiver.get_latest_data()[-1], expected, rtol=1e-6)


def test_a_leading_time_axis_is_averaged(publisher):
    spectra = np.stack([GOOD, GOOD * 3])
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(spectra))
        assert receiver.wait_for_frames(1, 10)
        expected = 2 * GOOD[0, :, 0].reshape(16, 4).mean(axis=1)
        np.testing.assert_allclose(receiver.get_latest_data()[-1], expected, rtol=1e-6)


def test_bad_values_stay_bad_in_their_own_bin_and_product(publisher):
    values = GOOD.copy()
    values[0, 0, 0], values[0, 9, 1], values[0, 20, 0] = np.nan, np.inf, -5
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(values))
        assert receiver.wait_for_frames(1, 10)
        xx, yy = receiver.get_latest_data()[-1], receiver.get_latest_data(product="YY")[-1]
        assert np.isnan(xx[0])
        assert np.isfinite(xx[1:]).all()
        assert np.isinf(yy[2])
        assert np.isfinite(np.delete(yy, 2)).all()
        assert xx[5] == pytest.approx(values[0, 20:24, 0].mean())


def test_a_change_of_shape_is_accepted_after_three_frames_and_loses_no_count(publisher):
    wider = np.ones((1, 128, 2), np.float32)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(GOOD, last_block_time=block_time(0)))
        for n in range(1, 4):
            publisher.send(message(wider, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(2, 10)
        snapshot = receiver.snapshot()
        assert (snapshot.axis.nchan, snapshot.axis.npol, len(snapshot.rows)) == (128, 2, 1)
        health = snapshot.health
        assert (health.frames_received, health.rejected, health.frames_missing) == (2, {"axis": 2}, 0)


def test_gaps_repeats_reversals_and_restarts_are_counted(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        for n in (0, 1, 2, 3, 7, 8, 8, 5, 6):
            publisher.send(message(GOOD, last_block_time=block_time(n)))
        publisher.send(message(GOOD, last_block_time=block_time(20), time_tag=344_176_543_210_000_001))
        assert receiver.wait_for_frames(10, 10)
        health = receiver.snapshot().health
        assert health.frames_missing == 3
        assert (health.repeats, health.reversals, health.restarts) == (1, 1, 1)
        assert health.cadence_s == pytest.approx(0.25)


def test_numbers_and_times_that_jump_to_and_fro_are_not_accepted_and_never_overflow(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        for n in range(20):
            publisher.send(message(GOOD, last_block_time=block_time(n), seq=n + (2**62 if n % 2 else 0), interval=0.25))
        publisher.send(message(GOOD, last_block_time="2090-01-01 00:00:00"))
        assert receiver.wait_for_frames(21, 10)
        health = receiver.snapshot().health
        assert (health.frames_missing, health.restarts) == (0, 0)


def test_a_large_backlog_is_received_completely(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, buffer_length=50) as receiver:
        publisher.wait_for_subscriber()
        for n in range(900):
            publisher.send(message(GOOD, last_block_time=block_time(n), seq=n))
        assert receiver.wait_for_frames(900, 20)
        health = receiver.snapshot().health
        assert (health.frames_received, health.frames_missing) == (900, 0)


def test_a_producer_that_comes_back_is_received_again_and_its_restart_is_marked():
    first = Publisher()
    with StreamReceiver(stream_port=first.port, plot_interval=0) as receiver:
        first.wait_for_subscriber()
        for n in range(5):
            first.send(message(GOOD, last_block_time=block_time(n), seq=n))
        assert receiver.wait_for_frames(5, 10)
        assert receiver.snapshot().health.state == "live"
        first.close()
        poll_until(lambda: receiver.snapshot().health.state == "stalled", what="the stall")
        second = Publisher(first.port)
        second.wait_for_subscriber()
        for n in range(5):
            second.send(message(GOOD, last_block_time=block_time(40 + n), seq=n, time_tag=7))
        assert receiver.wait_for_frames(10, 10)
        snapshot = receiver.snapshot()
        second.close()
    assert snapshot.health.state == "live"
    assert (snapshot.health.restarts, snapshot.health.frames_missing) == (1, 0)
    assert np.diff(snapshot.rows.slots).tolist() == [1, 1, 1, 1, 36, 1, 1, 1, 1]


def test_whatever_goes_wrong_with_a_message_is_counted_and_the_next_one_is_received(publisher, monkeypatch, caplog):
    taken = FrameIngester.ingest

    def fails(self, frame, *times):
        if frame.seq == 1:
            raise MemoryError("no room for a row")
        return taken(self, frame, *times)

    monkeypatch.setattr(FrameIngester, "ingest", fails)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        for n in range(3):
            publisher.send(message(GOOD, seq=n, last_block_time=block_time(n)))
        assert receiver.wait_for_frames(2, 10)
        health = receiver.snapshot().health
    assert health.rejected == {"unexpected": 1}
    assert "no room for a row" in health.last_rejection
    assert "no room for a row" in caplog.text


def test_a_subscriber_whose_thread_has_ended_is_shown_and_stops_at_once(publisher, monkeypatch):
    def fails(self, taken):
        raise RuntimeError("out of order")

    monkeypatch.setattr(MessageHandler, "on_queue", fails)
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0)
    receiver.start()
    publisher.wait_for_subscriber()
    publisher.send(message(GOOD))
    poll_until(lambda: receiver.snapshot().health.link is LinkState.FAILED)
    assert not receiver.wait_for_frames(2, 0.01)
    thread = threading.Thread(target=receiver.stop)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    monkeypatch.undo()
    with receiver:
        poll_until(lambda: publisher.send(message(GOOD)) or receiver.wait_for_frames(2, 0.05))


def test_rejections_are_logged_as_they_increase(caplog):
    caplog.set_level(logging.INFO)
    receiver = StillReceiver()
    for _ in range(100):
        receiver.handler.on_message([b"data"])
    receiver.now_s += 2
    receiver.snapshot()
    counts = [record.sunspec_event["count"] for record in caplog.records if "rejected" in record.getMessage()]
    assert counts == [1, 99]


@pytest.mark.parametrize(
    ("after_s", "timestamp", "said"),
    [(0, "soon", "fallback"), (0.4, None, "clock skew"), (-7200, None, "recorded")],
)
def test_an_unusual_delay_is_an_event_when_it_lasts_and_when_it_ends(after_s, timestamp, said, caplog):
    caplog.set_level(logging.INFO)
    receiver = StillReceiver()
    for n in range(60):
        odd = 10 <= n < 35
        sent_s = receiver.now_s + after_s if odd else receiver.now_s
        receiver.feed(GOOD, timestamp=timestamp if odd and timestamp else sent_s)
        receiver.snapshot()
    events = [record.sunspec_event for record in caplog.records if "message delay" in record.getMessage()]
    assert [event["oddity"] for event in events] == [said, ""]
