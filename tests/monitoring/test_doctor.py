"""Output of doctor for streams of all kinds, as text and JSON."""

import contextlib
import json
import socket
import threading
from contextlib import contextmanager

import numpy as np
import pytest
from publishers import Publisher, block_time, message, producing

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.settings import FORMAT_NAMES
from sunspec_tui.monitoring.stream_diagnosis import findings as findings_of
from sunspec_tui.monitoring.stream_diagnosis import pattern
from sunspec_tui.stream.health_reading import LinkState


def doctor(capsys, port, *words):
    """Run doctor; return its exit status and its output."""
    status = main(["doctor", "--port", str(port), *words])
    return status, capsys.readouterr().out


def findings(capsys, port, *words):
    status, told = doctor(capsys, port, "--json", *words)
    return status, json.loads(told)


@contextmanager
def sending(publisher, parts):
    """Send the same message repeatedly."""
    over = threading.Event()

    def send():
        while not over.wait(0.05):
            publisher.send(parts)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_port_without_a_listener(capsys):
    free = Publisher()
    free.close()
    status, told = doctor(capsys, free.port, "--timeout", "1")
    assert status == 1
    assert "nobody listens at this address" in told
    assert findings(capsys, free.port, "--timeout", "1")[1]["verdict"] == "nobody"


def test_a_silent_producer(publisher, capsys):
    status, told = doctor(capsys, publisher.port, "--timeout", "1")
    assert status == 1
    assert "connected, but silent" in told


def test_another_programs_topic(publisher, capsys):
    with sending(publisher, [b"weather", b"{}", b"rain"]):
        status, told = doctor(capsys, publisher.port, "--timeout", "1")
        _, found = findings(capsys, publisher.port, "--timeout", "1")
    assert status == 1
    assert "none has the topic 'data'" in told
    assert found["verdict"] == "wrong topic"
    assert found["rejected"]["topic"] > 3


def test_messages_that_are_no_frames(publisher, capsys):
    with sending(publisher, [b"data", b"no json", b"1234"]):
        status, told = doctor(capsys, publisher.port, "--timeout", "1")
    assert status == 1
    assert "header_json" in told
    assert "none is a frame" in told


@pytest.mark.parametrize("form", FORMAT_NAMES)
def test_every_header_version_is_described(form, capsys):
    with producing(format=form) as port:
        status, found = findings(capsys, port)
        told = doctor(capsys, port, "--frames", "2")[1]
    assert status == 0
    assert found["verdict"] == "frames"
    assert found["frames_rejected"] == 0
    # A count that cannot be derived from the header is unknown, not 0.
    assert (found["frames_missing"], found["restarts"]) == (
        (None, None) if form in ("minimal", "test-producer") else (0, 0)
    )
    assert found["cadence_s"] == pytest.approx(0.2508, rel=0.02)
    assert found["pattern"] == "even"
    assert found["axis"]["chan0_from"] == ("header" if "chan0" in found["header"] else "setting")
    assert abs(found["delay_s"]["auto"]) < 1
    assert found["delay_s"]["buffer"] >= 0
    assert "seconds" in found["times"]["timestamp"]
    assert ("ticks of 196 MHz" in found["times"].get("time_tag", {})) == (form not in ("minimal", "test-producer"))
    assert all(f"header     {key}: " in told for key in found["header"])
    assert ("lwa_time" in found["header"]) == (form == "2025-08")


def test_a_recorder_that_sends_in_bursts(capsys):
    with producing(burst=True) as port:
        _, found = findings(capsys, port, "--frames", "9")
    assert found["pattern"] == "bursty"
    assert found["cadence_s"] == pytest.approx(0.5136, rel=0.01)


def test_an_axis_that_is_off_by_forty_channels(capsys):
    with producing(format="2025-08", chan0=600) as port:
        status, told = doctor(capsys, port)
    assert status == 0
    assert "chan0 560 (a setting, the header does not say)" in told
    assert "note       the axis looks 40 channels too low" in told
    assert "fit chan0 600" in told


def test_clock_skew_and_dead_pipelines_are_notes(capsys):
    with producing(fault="skew=5,dead-pipeline=7") as port:
        _, told = doctor(capsys, port)
        _, found = findings(capsys, port)
    assert "note       clock skew" in told
    assert "note       XX 7 zero; YY 7 zero" in told
    assert found["delay_s"]["auto"] == pytest.approx(-5, abs=0.5)


def test_an_invalid_time_is_a_note(publisher, capsys):
    parts = message(np.ones((1, 8, 4)), last_block_time="2025-08-18 21:34:54.%f", time_tag=1755552894_000000)
    with sending(publisher, parts):
        _, told = doctor(capsys, publisher.port)
    assert "last_block_time cannot be read" in told
    assert "2025-08-18T21:34:54.000Z as microseconds" in told


@pytest.mark.parametrize(
    ("arrivals_s", "cadence_s", "said"),
    [
        ([0, 0.25, 0.5, 0.75, 1.0], 0.25, "even"),
        ([0, 0.25, 0.52, 0.7, 1.0], 0.25, "even"),
        ([0, 0.15, 1.03, 1.18, 2.06, 2.21], 0.5136, "bursty"),
        ([0, 0.001, 0.002, 0.003], 0.25, "faster than their data"),
        ([0, 2, 4, 6], 0.25, "slower than their data"),
        ([0, 0.25], 0.25, ""),
        ([0, 0.25, 0.5, 0.75], float("nan"), ""),
    ],
)
def test_patterns_of_arrivals(arrivals_s, cadence_s, said):
    assert pattern(arrivals_s, cadence_s) == said


def test_a_stream_that_ends_while_observed_is_reported(publisher, capsys):
    times = [block_time(n) for n in (0, 4, 4, 2)]

    def send():
        publisher.wait_for_subscriber()
        for at in times:
            publisher.send(message(np.ones((1, 3072, 4)), last_block_time=at))

    thread = threading.Thread(target=send)
    thread.start()
    status, told = doctor(capsys, publisher.port, "--timeout", "5")
    thread.join()
    assert status == 0
    for said in ("1 repeat while", "1 reversal while", "note       stalled: no frame for"):
        assert said in told


@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 64])
def test_a_port_without_zeromq(banner, capsys):
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def answer():
            server.settimeout(0.05)
            while not over.is_set():
                with contextlib.suppress(TimeoutError), server.accept()[0] as taken:
                    taken.sendall(banner)
                    over.wait(0.2)

        thread = threading.Thread(target=answer)
        thread.start()
        status, found = findings(capsys, server.getsockname()[1], "--timeout", "1")
        over.set()
        thread.join()
    assert (status, found["verdict"]) == (1, "no ZeroMQ")


def test_a_header_cannot_control_the_terminal_and_text_times_are_converted(publisher, capsys):
    keys = {"\x1b[31mkey": "\x1b]0;title\x07", "last_block_time": "2025-08-18 14:34:54-07:00"}
    with sending(publisher, message(np.ones((1, 64, 4)), **keys)):
        told = doctor(capsys, publisher.port, "--frames", "2")[1]
    assert "\x1b" not in told
    assert "2025-08-18T21:34:54.000Z as UTC" in told


def test_the_last_rejection_is_reported(publisher, capsys):
    with sending(publisher, [b"data", b"{", b"1234"]):
        assert "the last one, header_json" in doctor(capsys, publisher.port, "--timeout", "1")[1]


@pytest.mark.parametrize("number", ["", " (attempt 2)", " (attempt 137)"])
def test_what_keeps_a_host_from_being_reached_is_said_without_the_number_of_attempts(number):
    receiver = StreamReceiver(plot_interval=0)
    receiver.handler.on_link(
        LinkState.UNREACHABLE, f"203.0.113.1 cannot be reached (Network is unreachable), retrying{number}"
    )
    found = findings_of(receiver.snapshot(), None, [], {})
    assert found["advice"] == (
        "203.0.113.1 cannot be reached (Network is unreachable): is the address right, is it reachable?"
    )
