"""Promises of the older system's document: receiver, command, plots, web view."""

import inspect
import re
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from publishers import Publisher, block_time, message
from webs import served

import sunspec_tui.receiver as stream_receiver
from sunspec_tui import AvgStreamingOp, StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.settings import Settings
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.receiver import lwa_time_tag_to_datetime

NOW_S = 1_755_552_900.0
GOOD = np.ones((1, 3072, 4), np.float32)


def send(publisher, receiver, count):
    publisher.wait_for_subscriber()
    for n in range(count):
        publisher.send(message(GOOD * (n + 1), last_block_time=block_time(n), seq=n, chan0=560))
    assert receiver.wait_for_frames(count, 10)


# Defaults


def test_the_receivers_defaults_are_those_of_the_document():
    defaults = {
        "stream_addr": "127.0.0.1", "stream_port": 9798, "buffer_length": 1200, "gc_interval": 100,
        "plot_interval": 10, "start_webshow": False,
    }  # fmt: skip
    found = inspect.signature(StreamReceiver).parameters
    assert {name: found[name].default for name in defaults} == defaults
    # The older receiver's parameters come first, in their order.
    names = [*list(defaults)[:5], "plot_dir", "start_webshow", "streaming_interval", "verbose"]
    assert list(found)[: len(names)] == names


def test_the_commands_defaults_are_those_of_the_document():
    defaults = {
        "addr": "127.0.0.1", "port": 9798, "buffer_length": 1200, "gc_interval": 100, "plot_interval": 10,
        "start_webshow": False, "log_level": "INFO", "delay_method": "auto", "web_port": 9527,
    }  # fmt: skip
    settings = Settings()
    assert {name: getattr(settings, name) for name in defaults} == defaults
    assert settings.web.port == 9527


def test_the_producers_defaults_are_those_of_the_document():
    defaults = {"stream_addr": "127.0.0.1", "stream_port": 9798, "stream_interval": 0.25, "ntime_gulp": 250}
    found = inspect.signature(AvgStreamingOp).parameters
    assert {name: found[name].default for name in defaults} == defaults
    assert next(SimulatedSun(seed=1).gulps()).shape[1:] == (1, 3072, 4)


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR"])
def test_every_log_level_and_the_web_flag_are_taken(publisher, level):
    words = ["--port", str(publisher.port), "--plot-interval", "0", "--start-webshow", "--web-port", "0"]
    # Without a producer nothing comes, which is status 1; a flag that is not known would be status 2.
    assert main([*words, "--log-level", level, "--no-ui", "--duration", "0.2"]) == 1


# The receiver


def test_the_program_of_the_document_runs(publisher, tmp_path):
    receiver = stream_receiver.StreamReceiver(
        stream_addr="127.0.0.1",
        stream_port=publisher.port,
        buffer_length=1200,
        plot_interval=10,
        plot_dir=str(tmp_path / "figs"),
    )
    receiver.start()
    try:
        send(publisher, receiver, 12)
        latest_data = receiver.get_latest_data(n_frames=10)
        status = receiver.get_buffer_status()
        said = f"Plotting: {status['plot_running']}, Last plot: {status['last_plot_time']}"
        current_delay = receiver.get_current_delay()
        assert re.fullmatch(r"\d+\.\d{3}s", f"{status['current_delay']:.3f}s")
        receiver.set_delay_calculation_method("buffer")
        assert receiver.get_current_delay() == pytest.approx((1200 - 12) * 0.25)
        receiver.set_delay(2.5)
        assert re.fullmatch(r"\d+\.\dMB", f"{receiver.get_memory_info()['rss_mb']:.1f}MB")
        assert receiver.force_garbage_collection() >= 0
        assert receiver.optimize_memory()
    finally:
        receiver.stop()
    assert latest_data[:, 0].tolist() == [float(n) for n in range(3, 13)]
    assert said.startswith("Plotting: True, Last plot: ")
    assert 0 <= current_delay < 60
    assert (receiver.running, receiver.buffer_index) == (False, 12)


def test_manual_is_what_was_set_before(publisher):
    receiver = StreamReceiver(stream_port=publisher.port, plot_interval=0)
    receiver.set_delay(2.5)
    receiver.set_delay_calculation_method("auto")
    receiver.set_delay_calculation_method("manual")
    assert receiver.get_current_delay() == 2.5


@pytest.mark.parametrize(
    ("timestamp", "delay_s"),
    [
        ("1755552894.787341", 5.212659),
        (NOW_S - 1.5, 1.5),
        (NOW_S - 7200, 7200.0),  # recorded data
        (NOW_S + 0.4, -0.4),  # clock skew
        # No time falls back to (buffer_length - buffer_index) * streaming_interval.
        (NOW_S + 342329810474.9, 2.0),
        (NOW_S + 100, 2.0),
        ("yesterday", 2.0),
        (None, 2.0),
    ],
)
def test_the_delay_is_now_minus_timestamp_or_the_estimate_of_the_buffer(timestamp, delay_s):
    receiver = StreamReceiver(plot_interval=0, buffer_length=5, streaming_interval=0.5, clock=lambda: NOW_S)
    with receiver.handler.receiving():
        receiver.handler.on_message(message(GOOD, timestamp=timestamp))
    assert receiver.get_current_delay() == pytest.approx(delay_s, abs=1e-6)
    assert receiver.get_buffer_status()["current_delay"] == receiver.get_current_delay()


@pytest.mark.parametrize(("options", "nbins"), [({}, 768), ({"channel_average": 2}, 1536)])
def test_the_ring_has_the_size_of_the_document(options, nbins):
    ring_buffer = StreamReceiver(plot_interval=0, **options).ring_buffer
    assert (ring_buffer.shape, ring_buffer.dtype) == ((1200, nbins), np.float32)
    assert ring_buffer.nbytes == 1200 * nbins * 4


def test_rows_are_the_first_product_averaged_over_four_channels(publisher):
    power = np.arange(3072 * 4, dtype=np.float32).reshape(1, 3072, 4)
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(power))
        assert receiver.wait_for_frames(1, 10)
        latest = receiver.get_latest_data(n_frames=1)
    np.testing.assert_allclose(latest[0], power[0, :, 0].reshape(768, 4).mean(axis=1), rtol=1e-6)


@pytest.mark.parametrize(("interval", "runs"), [(5, 2), (100, 0), (0, 0)])
def test_garbage_is_collected_after_each_interval_of_frames(interval, runs):
    receiver = StreamReceiver(plot_interval=0, gc_interval=interval)
    for n in range(12):
        with receiver.handler.receiving():
            receiver.handler.on_message(message(GOOD, last_block_time=block_time(n), seq=n))
    assert receiver.get_memory_info()["gc_runs"] == runs


def test_times_of_rows_become_mjd_as_the_page_says(publisher):
    with StreamReceiver(stream_port=publisher.port, plot_interval=0) as receiver:
        send(publisher, receiver, 3)
        mjd = receiver.get_rows(3).times_s / 86400 + 40587
    begin = np.datetime64(block_time(0)) - np.datetime64("1858-11-17")
    wanted = begin / np.timedelta64(1, "D") + 0.25 * np.arange(3) / 86400
    np.testing.assert_allclose(mjd, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "process_frame", "receive_loop", "plot_loop", "setup_logging", "shutdown_event", "plot_shutdown_event",
        "socket", "context", "log", "N_freq", "N_pol", "pol_index", "ring_arr_mjd", "ring_buffer_v",
        "save_latest_data_to_npz", "save_latest_data_to_jpg",
    ],
)  # fmt: skip
def test_what_is_not_there_is_an_error_and_not_silence(name):
    with pytest.raises(AttributeError):
        getattr(StreamReceiver(plot_interval=0), name)


def test_the_time_tag_of_the_documents_example_has_a_date():
    assert str(lwa_time_tag_to_datetime(1755552894 * 196_000_000 + 154_318_836)) == "2025-08-18 21:34:54.787341"


# Plots


def test_a_plot_has_the_name_and_the_size_of_the_document(publisher, tmp_path):
    place = tmp_path / "not" / "there"
    with StreamReceiver(stream_port=publisher.port, plot_interval=1000, plot_dir=str(place)) as receiver:
        send(publisher, receiver, 3)
        path = Path(receiver.create_plot())
    assert path.parent == place
    assert re.fullmatch(r"spectrum_\d{8}_\d{6}(_\d+)?\.png", path.name)
    with Image.open(path) as picture:
        assert picture.size == (12 * 150, 10 * 150)


def test_without_plots_there_is_no_directory_of_plots(tmp_path):
    with StreamReceiver(stream_port=1, plot_interval=0, plot_dir=tmp_path / "figs") as receiver:
        assert receiver.create_plot() is None
        assert not receiver.plot_running
    assert not (tmp_path / "figs").exists()


# The web view


def test_the_web_view_has_the_addresses_and_the_controls_of_the_document():
    publisher = Publisher()
    try:
        with served(publisher.port) as (receiver, url):
            send(publisher, receiver, 3)
            page = httpx.get(url).text
            latest = httpx.get(f"{url}data").json()
            assert httpx.get(f"{url}status").json()["frames_received"] == 3
            assert httpx.get(f"{url}plot", timeout=30).headers["content-type"] == "image/png"
    finally:
        publisher.close()
    assert latest == [3.0] * 768
    for control in ("pause", "floor", "ceiling", "linear", "palette", "refresh", "fullscreen", "statistics"):
        assert f'id="{control}"' in page
    assert re.search(r'id="rate" min="1" max="60"', page)
    assert re.search(r'id="height" min="128" max="1200"', page)


@pytest.mark.parametrize(
    "name",
    [
        "test_receiver.py", "test_plotting.py", "test_headless_plotting.py", "test_web_interface.py",
        "debug_time_tag.py",
    ],
)  # fmt: skip
def test_the_scripts_that_the_document_names_are_there(name):
    assert (Path(__file__).parents[1] / name).is_file()
