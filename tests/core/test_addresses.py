"""Tests of addresses: valid, invalid, unresolvable, and IPv6.

They are used for stream, producer and web view.
"""

import contextlib
import json
import socket
import threading

import numpy as np
import pytest
from publishers import block_time, message, producing
from waiting import poll_until

from sunspec_tui import AvgStreamingOp, StreamReceiver
from sunspec_tui.cli.main import main
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.monitoring.status_record import status_record

DATA = np.random.default_rng(1).uniform(1, 2, (1, 64, 4)).astype(np.float32)
WRONG = ["127.0.0.1:9798", "localhost:9798", "[::1]:9798", "", "  ", "tcp://127.0.0.1", "two words", "a/b", "*:9798"]
COMMANDS = {
    "the monitor": ["--no-ui", "--duration", "1"],
    "doctor": ["doctor", "--timeout", "1"],
    "snapshot": ["snapshot", "--timeout", "1"],
    "export": ["export", "rows.npz", "--timeout", "1"],
    "stream": ["stream", "--frames", "1", "--port", "0"],
}


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as one:
        one.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@pytest.mark.parametrize("address", WRONG)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_address_that_cannot_be_one_is_wrong_use(command, address, capsys):
    assert main([*COMMANDS[command], "--addr", address]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("sunspec-tui: --addr is ")


def test_the_remedy_is_said(capsys):
    assert main(["doctor", "--addr", "127.0.0.1:9798"]) == 2
    assert "leave the port out and give --port 9798" in capsys.readouterr().err


@pytest.mark.parametrize("address", WRONG)
def test_the_receiver_refuses_an_address_that_cannot_be_one(address):
    with pytest.raises(UsageError, match="stream_addr is"):
        StreamReceiver(address, plot_interval=0)


@pytest.mark.parametrize("port", [65_536, 10**9, 9798.5])
def test_the_receiver_refuses_a_port_that_cannot_be_one(port):
    with pytest.raises(UsageError, match="stream_port is"):
        StreamReceiver(stream_port=port, plot_interval=0)


@pytest.mark.parametrize("address", WRONG)
def test_the_producer_refuses_an_address_that_cannot_be_one(address):
    with pytest.raises(UsageError, match="stream_addr is"):
        AvgStreamingOp(None, None, stream_addr=address)


def link(receiver):
    return status_record(receiver.snapshot())["link"]


def test_a_name_that_does_not_resolve_is_shown_within_two_seconds():
    with StreamReceiver("no-such-host.invalid", plot_interval=0) as receiver:
        poll_until(lambda: "the name 'no-such-host.invalid' " in link(receiver), timeout_s=2)


def test_doctor_says_that_a_name_does_not_resolve(capsys):
    assert main(["doctor", "--addr", "no-such-host.invalid", "--timeout", "2", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "no such name"
    assert "the name 'no-such-host.invalid' " in found["advice"]


def test_a_headless_run_logs_that_a_name_does_not_resolve(capsys):
    assert main(["--no-ui", "--addr", "no-such-host.invalid", "--duration", "2", "--plot-interval", "0"]) == 1
    out, err = capsys.readouterr()
    assert "the name 'no-such-host.invalid' " in err
    assert "the name 'no-such-host.invalid' " in out


def test_a_name_that_resolves_later_is_found(publisher, monkeypatch):
    asked = threading.Event()

    def later(host, port, **options):
        if host == "beam.example" and not asked.is_set():
            asked.set()
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", later)
    with StreamReceiver("beam.example", publisher.port, plot_interval=0) as receiver:
        poll_until(lambda: "does not resolve" in link(receiver))
        publisher.wait_for_subscriber()
        publisher.send(message(DATA))
        assert receiver.wait_for_frames(1, 10)


def test_a_name_server_that_does_not_answer_holds_up_neither_the_screen_nor_the_end(monkeypatch):
    answer, asking = threading.Event(), threading.Event()

    def blocks(*_, **__):
        asking.set()
        answer.wait()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", blocks)
    receiver = StreamReceiver("slow.example", plot_interval=0)
    try:
        receiver.start()
        assert asking.wait(10)
        poll_until(lambda: "has not resolved yet" in link(receiver), timeout_s=2)
        ending = threading.Thread(target=receiver.stop)
        ending.start()
        ending.join(2)
        assert not ending.is_alive()
    finally:
        answer.set()
        receiver.stop()
    poll_until(lambda: not any(thread.name == "sunspec-resolver" for thread in threading.enumerate()))


def test_of_several_addresses_the_one_with_the_publisher_is_taken(publisher, monkeypatch):
    """Test a name with several addresses, as localhost has.

    localhost is ::1 and 127.0.0.1; the producer uses one of them.
    """

    def several(host, port, **options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", port)) for n in (3, 2, 1)]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    with StreamReceiver("beam.example", publisher.port, plot_interval=0) as receiver:
        publisher.wait_for_subscriber()
        publisher.send(message(DATA, last_block_time=block_time(0)))
        assert receiver.wait_for_frames(1, 10)


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_the_stream_is_published_and_received_over_ipv6(address):
    with (
        producing(addr=address) as port,
        StreamReceiver(address, port, plot_interval=0) as receiver,
    ):
        assert receiver.wait_for_frames(2, 20)
        assert receiver.source == f"[::1]:{port}"


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_the_web_view_is_served_over_ipv6(address):
    pytest.importorskip("uvicorn")
    import httpx

    receiver = StreamReceiver(plot_interval=0, start_webshow=True, web=WebOptions(address, 0))
    with receiver:
        url = receiver.web_status().url
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}status").json()["source"] == "127.0.0.1:9798"


@needs_ipv6
def test_something_else_on_an_ipv6_port_is_named():
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        with StreamReceiver("::1", port, plot_interval=0) as receiver:
            poll_until(lambda: "sends nothing" in link(receiver))


def test_the_first_line_of_the_screen_names_what_answers():
    from sunspec_tui.stream.health_reading import HealthReading, LinkState
    from sunspec_tui.tui.widgets.panel_text import waiting_text

    health = HealthReading(link=LinkState.UNRESOLVED, link_detail="the name 'x' does not resolve (why), retrying")
    assert waiting_text(health, "x:1") == "waiting for x:1: the name 'x' does not resolve (why), retrying"
