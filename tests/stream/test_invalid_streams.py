"""Invalid streams: each problem is reported once, and rows are kept."""

import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from monitors import StillReceiver
from publishers import block_time, message, producing

from sunspec_tui import StreamReceiver
from sunspec_tui.core.errors import UsageError
from sunspec_tui.monitoring.stream_diagnosis import findings, report
from sunspec_tui.tui.display.scene import Scene
from sunspec_tui.tui.display.view_state import View

PROGRAM = Path(sys.executable).with_name("sunspec-tui")
TAG = 351_963_334_208_787_952
GOOD = np.random.default_rng(1).uniform(1, 2, (1, 64, 4)).astype(np.float32)


def feed_frame(receiver, n, data=GOOD, **keys):
    """Pass the n-th message to the receiver, as the subscriber's thread does."""
    with receiver.handler.receiving():
        receiver.handler.on_message(message(data, **{"seq": n, "last_block_time": block_time(n)} | keys))


def still():
    return StreamReceiver(plot_interval=0)


# A cadence longer than the period of the checks


@pytest.mark.parametrize("interval", [301, 400, 86_400])
def test_a_long_interval_in_the_header_gives_a_snapshot(interval):
    receiver = still()
    feed_frame(receiver, 0, interval=interval)
    snapshot = receiver.snapshot()
    assert snapshot.health.cadence_s == interval
    assert len(snapshot.rows) == 1


@pytest.mark.parametrize("step_s", [300.0, 400.0, 1e6])
def test_a_long_step_of_the_data_gives_a_snapshot(step_s):
    receiver = still()
    for n in range(30):
        feed_frame(receiver, n, seq=None, last_block_time=block_time(n, step_s))
        receiver.snapshot()
    assert receiver.snapshot().health.cadence_s == step_s


def test_our_producer_with_an_interval_of_400_s_is_received_to_the_end(tmp_path):
    with producing(interval=400.0, speed=0.0, frames=1, wait=True) as port:
        words = ["--no-ui", "--port", str(port), "--plot-interval", "1", "--plot-dir", tmp_path, "--duration", "90"]
        words += ["--status-interval", "1", "--status-format", "json"]
        # The producer computes 400 s of spectra for the frame.
        with subprocess.Popen([PROGRAM, *words], stdout=subprocess.PIPE, text=True) as monitor:
            records = (json.loads(line) for line in monitor.stdout)
            last = next((each for each in records if each["frames_received"] and each["cadence_s"]), None)
            monitor.terminate()
    assert monitor.returncode == 0
    assert last is not None
    assert last["frames_received"] == 1
    assert last["cadence_s"] == pytest.approx(400, rel=0.01)


def test_a_check_that_fails_is_unknown_and_logged_once(monkeypatch, caplog):
    def fails(*_):
        raise ArithmeticError("of the check itself")

    monkeypatch.setattr("sunspec_tui.monitoring.instrument_check.check_axis", fails)
    receiver = still()
    for n in range(20):
        feed_frame(receiver, n)
        snapshot = receiver.snapshot()
    assert (snapshot.check.axis_check, snapshot.check.pipelines is None) == (None, False)
    assert any("unknown" in note for note in snapshot.notes)
    said = [record.getMessage() for record in caplog.records if "of the check itself" in record.getMessage()]
    assert len(said) == 1


# Shapes and axes


@pytest.mark.parametrize("stray", [{"data": GOOD[:, :32]}, {"chan0": 600}, {"data": GOOD[..., :2]}])
def test_one_stray_frame_leaves_history_as_it_is_and_is_counted(stray):
    receiver = still()
    for n in range(40):
        feed_frame(receiver, n, **(stray if n == 20 else {}))
    snapshot = receiver.snapshot()
    assert (len(snapshot.rows), snapshot.axis.nchan) == (39, 64)
    health = snapshot.health
    assert (health.frames_received, health.frames_rejected, health.frames_missing) == (39, 1, 0)
    assert "accepted after 3 frames" in health.last_rejection


def test_alternating_shapes_delete_no_rows():
    receiver = still()
    for n in range(200):
        feed_frame(receiver, n, GOOD if n % 2 == 0 else GOOD[:, :32])
    assert len(receiver.snapshot().rows) == 100


def test_a_new_sequence_may_have_another_shape_at_once():
    receiver = still()
    for n in range(10):
        feed_frame(receiver, n)
    feed_frame(receiver, 0, GOOD[:, :32], time_tag=344176543210000001)
    snapshot = receiver.snapshot()
    assert (snapshot.axis.nchan, snapshot.health.frames_rejected, snapshot.health.restarts) == (32, 0, 1)


def test_rows_before_a_change_can_be_read_and_exported(tmp_path):
    receiver = still()
    for n in range(30):
        feed_frame(receiver, n, chan0=560 if n < 20 else 600)
    before, now = receiver.epochs()
    assert (before.axis.chan0, now.axis.chan0) == (560, 600)
    assert len(receiver.get_rows(epoch=before.number)) == 20
    assert len(receiver.recording(epoch=now.number)) == 8
    receiver.export(tmp_path / "before.npz", epoch=before.number)
    with np.load(tmp_path / "before.npz") as found:
        np.testing.assert_array_equal(found["data"], receiver.get_rows(epoch=before.number).data)
    with pytest.raises(UsageError, match="epoch 7 is not kept"):
        receiver.get_rows(epoch=7)


def test_rows_before_many_changes_stay_within_their_budget():
    receiver = still()
    for n in range(300):
        feed_frame(receiver, n, chan0=560 + n // 10)
    assert len(receiver.epochs()) <= 5
    assert sum(each.ring.nbytes for each in receiver.epochs()[:-1]) < 2**20


# Memory


def wide(nchan, dtype="<i1"):
    """Return a short message with many channels."""
    header = {"data_shape": [1, nchan, 4], "data_type": dtype, "seq": 1, "last_block_time": block_time(1)}
    return [b"data", json.dumps(header).encode(), bytes(4 * nchan)]


def test_a_header_that_asks_for_too_much_memory_is_one_sentence_with_the_remedy():
    receiver = StreamReceiver(plot_interval=0, buffer_length=100_000)
    for _ in range(5):
        receiver.handler.on_message(wide(65_536))
    health = receiver.snapshot().health
    assert health.rejected == {"too_large": 5}
    assert "GiB" in health.last_rejection
    assert "--buffer-length" in health.last_rejection


def test_a_ring_that_cannot_be_allocated_leaves_the_state_unchanged(monkeypatch):
    receiver = still()
    for n in range(10):
        feed_frame(receiver, n)

    class NoRoom:
        def __init__(self, *_, **__):
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("sunspec_tui.stream.ingest.RingBuffer", NoRoom)
        for n in range(10, 14):
            feed_frame(receiver, n, GOOD[:, :32])
    receiver.snapshot()
    for n in range(14, 20):
        feed_frame(receiver, n)
    snapshot = receiver.snapshot()
    assert (snapshot.axis.nchan, len(snapshot.rows), snapshot.rows.data.shape[1]) == (64, 16, 16)


@pytest.mark.parametrize("rows", ["100000000", "1" + "0" * 15])
def test_a_buffer_that_the_machine_cannot_hold_is_refused_at_the_start_with_its_size(rows):
    found = subprocess.run(
        ["/bin/sh", "-c", 'ulimit -v 8000000; exec "$@"', "sh", PROGRAM, "--no-ui", "--duration", "1",
         "--buffer-length", rows],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert found.returncode == 2, found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
    assert "iB of memory" in found.stderr
    assert "choose at most" in found.stderr
    with pytest.raises(UsageError, match="of memory, more than half"):
        StreamReceiver(buffer_length=int(rows))


# Rates


def test_a_flood_of_unusual_frames_is_one_line_a_second_of_each_kind(caplog):
    caplog.set_level(logging.INFO, "sunspec_tui")
    now_s = [0.0]
    receiver = StreamReceiver(plot_interval=0, clock=lambda: 1.76e9 + now_s[0], monotonic=lambda: now_s[0])
    seq = 0
    for n in range(3000):
        now_s[0] = n / 1000
        seq += 1 + (n % 7 == 0)
        before, same = {"last_block_time": block_time(-n, 0.01)}, {"last_block_time": block_time(n - 1, 0.01)}
        keys = [{"time_tag": TAG + n // 400}, before, {}, same][n % 4]
        feed_frame(
            receiver, n, **{"seq": seq, "time_tag": TAG + n // 400, "last_block_time": block_time(n, 0.01)} | keys
        )
    receiver.snapshot()
    kinds = [record.sunspec_event["event"] for record in caplog.records if hasattr(record, "sunspec_event")]
    for kind in ("restart", "reversal", "repeat", "gap"):
        assert 1 <= kinds.count(kind) <= 4, f"{kinds.count(kind)} lines of {kind}"


def test_a_long_rejection_is_cut_short():
    receiver = still()
    with receiver.handler.receiving():
        receiver.handler.on_message([b"data", json.dumps({"data_shape": ["x" * 50_000]}).encode(), bytes(4)])
    assert len(receiver.snapshot().health.last_rejection) < 500


def test_frames_queued_for_a_slow_loop_are_bounded_in_bytes(publisher):
    large = np.ones((16, 16_384, 4), np.float32)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        with receiver.frames(timeout_s=0.1) as frames:
            deadline_s = time.monotonic() + 60
            for n in range(60):
                publisher.send(message(large, seq=n, last_block_time=block_time(n)))
                while not receiver.wait_for_frames(n + 1, 1) and time.monotonic() < deadline_s:
                    pass
            waiting = [frame.data.nbytes for frame in frames]
    assert sum(waiting) <= 2**27
    assert frames.frames_missed == 60 - len(waiting)


# The doctor's report of a header


@pytest.mark.parametrize("key", ["x", "lwa_time", "\x1b[2J"])
@pytest.mark.parametrize(
    "extra", [b"[" * 900 + b"]" * 900, b'"' + b"\\u202e" * 9000 + b'"', b"[" + b"1," * 20_000 + b"1]"]
)
def test_the_doctor_reports_a_header_however_deep_or_long(key, extra):
    receiver = still()
    topic, header, payload = message(GOOD)
    receiver.handler.on_message([topic, header[:-1] + b"," + json.dumps(key).encode() + b":" + extra + b"}", payload])
    found = findings(receiver.snapshot(), receiver.last_frame(), [0.0], {})
    lines = report(found)
    assert any(line.startswith("header") for line in lines)
    assert max(map(len, lines)) < 600
    assert all(line.isprintable() for line in lines)


# Queues between threads


def test_a_screen_that_was_away_loads_missed_rows_in_parts():
    class Counting(StillReceiver):
        asked = 0

        def rows_between(self, start, stop, product=None):
            rows = super().rows_between(start, stop, product)
            self.asked = max(self.asked, 0 if rows is None else len(rows))
            return rows

    receiver = Counting(buffer_length=4000)
    receiver.feed(GOOD)
    scene = Scene(View(rows_per_column=40), receiver)
    scene.fit(100, 10, 2)
    scene.update()
    for _ in range(3000):
        receiver.feed(GOOD)
    while scene.update():
        pass
    assert receiver.asked <= 512
    assert scene.shown.latest.count == 3001
    assert scene.shown.picture.store.newest == 3000 // 40
