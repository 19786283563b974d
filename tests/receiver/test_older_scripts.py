"""Scripts for the older receiver run with this one."""

import logging
import math
import subprocess
import sys
import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np
import pytest
from publishers import Publisher, block_time, message, producing
from webs import served

import sunspec_tui.receiver as stream_receiver
from sunspec_tui import StreamReceiver, lwa_time_tag_to_datetime
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import UsageError

STATUS_KEYS = (
    "buffer_index", "buffer_shape", "is_running", "plot_running", "last_plot_time", "current_delay", "clock_offset",
    "last_sync_time", "synchronized_time", "webserver",
)  # fmt: skip
MEMORY_KEYS = ("rss_mb", "vms_mb", "gc_objects", "gc_garbage")


def send(publisher, receiver, count):
    """Send frames whose XX is their number plus one.

    YY is three times XX, and V is half of XX.
    """
    publisher.wait_for_subscriber()
    for n in range(count):
        data = np.full((1, 3072, 4), n + 1, np.float32) * np.array([1, 3, 0, 0.5], np.float32)
        publisher.send(message(data, last_block_time=block_time(n), seq=n, chan0=560))
    assert receiver.wait_for_frames(count, 10)


@pytest.fixture(scope="module")
def fed():
    """A receiver of eight frames that keeps five."""
    publisher = Publisher()
    receiver = StreamReceiver(
        stream_addr="127.0.0.1", stream_port=publisher.port, buffer_length=5, plot_interval=0, streaming_interval=0.5
    )
    receiver.start()
    try:
        send(publisher, receiver, 8)
        yield receiver
    finally:
        receiver.stop()
        publisher.close()


@pytest.fixture
def receiver(fed):
    """The same receiver with the default delay method."""
    fed.set_delay_calculation_method("auto")
    return fed


def first_bins(rows):
    assert rows.shape[1:] == (768,)
    assert rows.dtype == np.float32
    return rows[:, 0].tolist()


def set_and_get(receiver, change):
    change(receiver)
    return receiver.get_current_delay()


ROWS = {
    "get_latest_data()": (lambda it: first_bins(it.get_latest_data()), [8.0]),
    "get_latest_data()[0]": (lambda it: float(it.get_latest_data()[0].mean()), 8.0),
    "get_latest_data(n_frames=1)": (lambda it: first_bins(it.get_latest_data(n_frames=1)), [8.0]),
    "get_latest_data(n_frames=3)": (lambda it: first_bins(it.get_latest_data(n_frames=3)), [6.0, 7.0, 8.0]),
    "get_latest_data(n_frames=10)": (lambda it: it.get_latest_data(n_frames=10).shape, (5, 768)),
    "get_latest_data(n_frames=0)": (lambda it: it.get_latest_data(n_frames=0).shape, (0, 768)),
    "get_latest_data of numpy's numbers": (lambda it: it.get_latest_data(np.int64(2)).shape, (2, 768)),
    "get_latest_data(n_frames=1, pol='I')": (lambda it: first_bins(it.get_latest_data(n_frames=1, pol="I")), [16.0]),
    "get_latest_data(n_frames=3, pol='V')": (lambda it: first_bins(it.get_latest_data(3, pol="V")), [4.0, 3.5, 3.0]),
    "buffer_length": (lambda it: it.buffer_length, 5),
    "buffer_index": (lambda it: it.buffer_index, 3),
    "ring_buffer": (lambda it: first_bins(it.ring_buffer), [6.0, 7.0, 8.0, 4.0, 5.0]),
    "ring_buffer[buffer_index - 1]": (lambda it: float(it.ring_buffer[it.buffer_index - 1, 0]), 8.0),
    "running": (lambda it: it.running, True),
    "stream_addr, stream_port": (lambda it: (it.stream_addr, it.stream_port > 0), ("127.0.0.1", True)),
    "gc_interval, plot_interval": (lambda it: (it.gc_interval, it.plot_interval), (100, 0.0)),
    "start_webshow, plot_running": (lambda it: (it.start_webshow, it.plot_running), (False, False)),
    "delay": (lambda it: 0 <= it.delay == it.get_current_delay() < 60, True),
    "delay_method": (lambda it: it.delay_method, "auto"),
    "set_delay(2.5)": (lambda it: set_and_get(it, lambda it: it.set_delay(2.5)), 2.5),
    "set_delay(delay_seconds=3)": (lambda it: set_and_get(it, lambda it: it.set_delay(delay_seconds=3)), 3.0),
    "set_delay_calculation_method('buffer')": (
        lambda it: set_and_get(it, lambda it: it.set_delay_calculation_method("buffer")),
        (5 - 3) * 0.5,
    ),
    "get_buffer_status()": (lambda it: [key for key in STATUS_KEYS if key not in it.get_buffer_status()], []),
    "its buffer_shape": (lambda it: it.get_buffer_status()["buffer_shape"], (5, 768)),
    "its synchronized_time": (lambda it: abs(it.get_buffer_status()["synchronized_time"] - time.time()) < 5, True),
    "its latest_data": (
        lambda it: it.get_buffer_status()["latest_data"],
        {"min": 8.0, "max": 8.0, "mean": 8.0, "std": 0.0},
    ),
    "its webserver": (
        lambda it: it.get_buffer_status()["webserver"],
        {"enabled": False, "running": False, "url": None, "status": "disabled"},
    ),
    "is_webserver_running()": (lambda it: it.is_webserver_running(), False),
    "get_memory_info()": (lambda it: [key for key in MEMORY_KEYS if not it.get_memory_info()[key] >= 0], []),
    "vms_mb": (lambda it: it.get_memory_info()["vms_mb"] >= it.get_memory_info()["rss_mb"] > 1, True),
    "force_garbage_collection()": (lambda it: it.force_garbage_collection() >= 0, True),
    "create_plot() without plots": (lambda it: it.create_plot(), None),
}


@pytest.mark.parametrize("call", ROWS)
def test_a_call_of_an_older_script_gives_what_it_gave(receiver, call):
    ask, expected = ROWS[call]
    assert ask(receiver) == expected


@pytest.mark.parametrize("n_frames", [2.0, -1, "3", None, True, math.nan, [1]])
def test_a_number_of_rows_that_is_none_is_one_sentence(receiver, n_frames):
    with pytest.raises(UsageError, match=r"n_frames is .*, it must be a whole number of at least 0"):
        receiver.get_latest_data(n_frames)
    if n_frames is not None:
        with pytest.raises(UsageError, match="n_frames"):
            receiver.get_rows(n_frames)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pol": "W"}, "choose one of"),
        ({"pol": "I", "product": "XX"}, "give one of them"),
    ],
)
def test_a_product_that_is_none_is_one_sentence(receiver, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        receiver.get_latest_data(1, **options)


@pytest.mark.parametrize("seconds", ["2", None, True])
def test_a_delay_that_is_no_number_is_one_sentence(seconds):
    with pytest.raises(UsageError, match="finite number"):
        StreamReceiver(plot_interval=0).set_delay(seconds)


def test_the_default_delay_method_is_auto(receiver):
    receiver.set_delay(2.5)
    assert receiver.delay_method == "manual"
    receiver.set_delay_calculation_method()
    assert receiver.delay_method == "auto"
    assert receiver.get_current_delay() != 2.5


def test_optimised_memory_is_told_before_and_after_and_keeps_all_rows(receiver):
    result = receiver.optimize_memory()
    assert set(MEMORY_KEYS) <= set(result["memory_before"])
    assert set(MEMORY_KEYS) <= set(result["memory_after"])
    assert result["objects_collected"] >= 0
    assert first_bins(receiver.get_latest_data(5)) == [4.0, 5.0, 6.0, 7.0, 8.0]


def test_the_ring_cannot_be_written_into(receiver):
    with pytest.raises(ValueError, match="read-only"):
        receiver.ring_buffer[receiver.buffer_index, :] = 1
    with pytest.raises(AttributeError):
        receiver.buffer_index = 0


def test_before_the_first_frame_everything_answers(tmp_path):
    receiver = StreamReceiver(plot_interval=1000, plot_dir=tmp_path / "figs")
    assert receiver.get_latest_data().shape == (0, 768)
    assert receiver.ring_buffer.shape == (1200, 768)
    assert not receiver.ring_buffer.any()
    assert (receiver.buffer_index, receiver.running, receiver.plot_running) == (0, False, False)
    assert all(math.isnan(value) for value in receiver.get_buffer_status()["latest_data"].values())
    assert receiver.create_plot() is None
    assert not list(tmp_path.rglob("*.png"))


def test_all_options_of_the_older_constructor_are_taken_in_their_order(tmp_path):
    receiver = StreamReceiver("127.0.0.1", 9798, 600, 50, 5, str(tmp_path), False, 0.5, True)
    found = (receiver.stream_addr, receiver.stream_port, receiver.buffer_length, receiver.gc_interval)
    assert found == ("127.0.0.1", 9798, 600, 50)
    assert (receiver.plot_interval, receiver.plot_dir, receiver.start_webshow) == (5, str(tmp_path), False)
    assert (receiver.streaming_interval, receiver.verbose) == (0.5, True)


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan, "0.5", True])
def test_a_streaming_interval_is_a_number_above_0(seconds):
    with pytest.raises(UsageError, match="streaming_interval"):
        StreamReceiver(plot_interval=0, streaming_interval=seconds)


def test_without_a_streaming_interval_the_measured_cadence_counts(publisher):
    with StreamReceiver(stream_port=publisher.port, buffer_length=5, plot_interval=0) as receiver:
        send(publisher, receiver, 8)
        assert receiver.streaming_interval == pytest.approx(0.25)


def test_a_verbose_receiver_logs_the_first_header_once(publisher, caplog):
    caplog.set_level(logging.INFO, "sunspec_tui")
    with StreamReceiver(stream_port=publisher.port, plot_interval=0, verbose=True) as receiver:
        send(publisher, receiver, 3)
    told = [record.getMessage() for record in caplog.records if record.getMessage().startswith("header ")]
    assert len([line for line in told if "time_tag" in line]) == 1
    assert any("as ticks of 196 MHz" in line for line in told)


def test_create_plot_writes_a_plot_and_waits_for_it(publisher, tmp_path):
    with StreamReceiver(stream_port=publisher.port, plot_interval=1000, plot_dir=tmp_path) as receiver:
        send(publisher, receiver, 3)
        path = receiver.create_plot()
        assert receiver.last_plot_time == receiver.get_buffer_status()["last_plot_time"] > 0
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    assert Path(path).name.startswith("spectrum_")
    again = receiver.create_plot()
    assert Path(again).exists()
    assert not receiver.running


def test_a_plot_that_cannot_be_written_does_not_hold_up_the_script(publisher, tmp_path):
    (tmp_path / "file").write_text("")
    with StreamReceiver(stream_port=publisher.port, plot_interval=1000, plot_dir=tmp_path / "file") as receiver:
        send(publisher, receiver, 1)
        begun_s = time.monotonic()
        assert receiver.create_plot() is None
        assert time.monotonic() - begun_s < 30


def test_refresh_has_the_names_of_the_older_system_beside_ours(publisher):
    with served(publisher.port, buffer_length=5) as (receiver, url):
        send(publisher, receiver, 8)
        answer = httpx.get(f"{url}refresh", params={"n_frames": 3}).json()
        assert receiver.get_webserver_status() == {
            "enabled": True, "running": True, "url": url.partition("?")[0], "status": "running"
        }  # fmt: skip
        receiver.stop_webserver()
        assert not receiver.is_webserver_running()
    assert np.array(answer["data"]).shape == (3, 768)
    assert [row[0] for row in answer["data"]] == [6.0, 7.0, 8.0]
    assert answer["data"] == answer["rows"]
    assert (answer["buffer_length"], answer["buffer_index"]) == (5, 3)
    assert abs(answer["timestamp"] - time.time()) < 60


@pytest.mark.parametrize(("tag", "rate"), [(344085352899674112, 196_000_000), (344085352899674113, 196_608_000)])
def test_a_time_tag_becomes_a_date(tag, rate):
    found = lwa_time_tag_to_datetime(tag, rate)
    microseconds = Fraction(tag, rate) * 1_000_000
    since_1970 = found - datetime(1970, 1, 1)
    whole = (since_1970.days * 86_400 + since_1970.seconds) * 1_000_000 + since_1970.microseconds
    assert abs(whole - microseconds) <= Fraction(1, 2)
    assert found.tzinfo is None
    assert stream_receiver.lwa_time_tag_to_datetime is lwa_time_tag_to_datetime


def test_a_time_tag_may_be_one_of_numpys_whole_numbers():
    tag = 344085352899674112
    assert (
        lwa_time_tag_to_datetime(np.uint64(tag))
        == lwa_time_tag_to_datetime(np.int64(tag))
        == lwa_time_tag_to_datetime(tag)
    )


@pytest.mark.parametrize(("tag", "rate"), [(2**70, 1), ("now", 196_000_000), (1, 0), (1, math.nan)])
def test_a_time_tag_that_gives_no_date_is_one_sentence(tag, rate):
    with pytest.raises(UsageError, match="is not a time in ticks"):
        lwa_time_tag_to_datetime(tag, rate)


def test_all_flags_of_the_older_command_are_taken(publisher, tmp_path):
    words = [
        "--addr", "127.0.0.1", "--port", str(publisher.port), "--buffer-length", "1200", "--gc-interval", "100",
        "--plot-interval", "10", "--plot-dir", str(tmp_path), "--log-level", "DEBUG", "--streaming-interval", "0.5",
        "--verbose",
    ]  # fmt: skip
    # Without a producer nothing comes, which is status 1; a flag that is not known would be status 2.
    assert main([*words, "--no-ui", "--duration", "0.2"]) == 1


def test_the_script_that_the_older_document_names_diagnoses_the_times():
    script = Path(__file__).parents[1] / "debug_time_tag.py"
    with producing() as port:
        words = [sys.executable, str(script), "--port", str(port), "--frames", "3"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "as ticks of 196 MHz" in done.stdout
