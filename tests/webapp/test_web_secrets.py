"""The token stays secret, and a given name allows only its ports."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import threading

import httpx
import pytest
from waiting import poll_until
from webs import served

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.settings_file import read_settings_file
from sunspec_tui.core.web_options import WebOptions

TOKEN = "correct-horse-battery"


def headless(tmp_path, *words, **options):
    command = [sys.executable, "-m", "sunspec_tui", "--demo", "--no-ui", "--start-webshow", "--web-port", "0"]
    command += ["--log-level", "DEBUG", "--log-file", str(tmp_path / "log"), "--event-log", str(tmp_path / "events")]
    return subprocess.Popen([*command, *words], cwd=tmp_path, **options)


def test_the_token_is_in_no_log_no_event_and_no_status(tmp_path):
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        words = ["--web-host", "0.0.0.0", "--web-token", TOKEN, "--status-interval", "0.2"]
        with headless(tmp_path, *words, stdout=out, stderr=err) as program:
            log = tmp_path / "log"
            poll_until(lambda: log.exists() and "web view at " in log.read_text(), 40)
            url = log.read_text().split("web view at ")[1].split(";")[0].strip().partition("?")[0]
            address = f"http://127.0.0.1:{httpx.URL(url).port}/"
            with httpx.Client(follow_redirects=True) as visitor:
                assert poll_until(lambda: visitor.get(f"{address}?token={TOKEN}").status_code == 200)
                assert httpx.get(f"{address}live?token={TOKEN}").status_code == 404
                assert httpx.get(f"{address}status?token={TOKEN}").json()["web_refused"] >= 0
            poll_until(lambda: (tmp_path / "out").read_text().count("\n") > 2)
            program.send_signal(signal.SIGTERM)
            assert program.wait(20) == 0
    found = {path.name: TOKEN in path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert found == dict.fromkeys(("out", "err", "log", "events"), False)


def test_whoever_starts_it_at_a_terminal_is_shown_the_token_there(tmp_path):
    terminal, end = pty.openpty()
    shown = bytearray()

    def read():
        with contextlib.suppress(OSError):
            while chunk := os.read(terminal, 65536):
                shown.extend(chunk)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        with headless(tmp_path, "--web-host", "0.0.0.0", stdout=subprocess.DEVNULL, stderr=end) as program:
            os.close(end)
            poll_until(lambda: b"?token=" in shown, 40)
            token = bytes(shown).split(b"?token=")[1].split()[0].decode()
            program.send_signal(signal.SIGTERM)
            assert program.wait(20) == 0
        reading.join(5)
    finally:
        os.close(terminal)
    assert len(token) >= 20
    assert token not in (tmp_path / "log").read_text() + (tmp_path / "events").read_text()


def test_no_error_and_no_printed_value_shows_the_token(tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("web_token = 123456789\n")
    with pytest.raises(UsageError) as refused:
        read_settings_file(config)
    assert "123456789" not in str(refused.value)
    assert TOKEN not in repr(Settings(web_token=TOKEN)) + repr(WebOptions(token=TOKEN))
    with served(web={"token": TOKEN}) as (receiver, url):
        assert TOKEN in url
        assert TOKEN not in repr(receiver.web_status()) + repr(receiver.snapshot())


# Names


@pytest.fixture(scope="module")
def named():
    with served(web={"names": ("obs.example.org",)}) as (_, url):
        yield url


@pytest.fixture(scope="module")
def with_port():
    with served(web={"names": ("obs.example.org:8443",)}) as (_, url):
        yield url


def status_for(url, host, origin=None):
    headers = {"host": host} | ({"origin": origin} if origin else {})
    return httpx.get(f"{url}status", headers=headers).status_code


@pytest.mark.parametrize("origin", ["http://obs.example.org:8080", "https://obs.example.org:9999"])
@pytest.mark.parametrize("host", ["obs.example.org", "127.0.0.1"])
def test_a_page_at_another_port_of_a_given_name_may_not_ask(named, host, origin):
    assert status_for(named, host, origin) == 403


def test_a_given_name_is_no_name_at_another_port(named):
    assert status_for(named, "obs.example.org:8080") == 421


@pytest.mark.parametrize("origin", ["http://obs.example.org", "https://obs.example.org", "https://OBS.example.org:443"])
@pytest.mark.parametrize("host", ["obs.example.org", "obs.example.org:443", "127.0.0.1"])
def test_a_given_name_is_allowed_at_the_usual_ports(named, host, origin):
    assert status_for(named, host, origin) == 200


def test_a_given_name_is_allowed_at_the_servers_port(named):
    own = f"obs.example.org:{httpx.URL(named).port}"
    assert status_for(named, own, f"http://{own}") == 200


@pytest.mark.parametrize("host", ["obs.example.org", "obs.example.org:8443", "127.0.0.1"])
def test_a_name_given_with_a_port_is_allowed_at_that_port(with_port, host):
    assert status_for(with_port, host, "https://obs.example.org:8443") == 200


@pytest.mark.parametrize("origin", ["https://obs.example.org:8444", "https://obs.example.org.evil.example:8443"])
def test_a_name_given_with_a_port_is_refused_at_other_ports(with_port, origin):
    assert status_for(with_port, "obs.example.org:8443", origin) == 403
    assert status_for(with_port, "obs.example.org:8444") == 421


@pytest.mark.parametrize("name", ["obs.example.org:0", "obs.example.org:65536", "obs:x", "obs:", "http://obs:80"])
def test_a_name_with_an_invalid_port_is_refused_in_one_sentence(name):
    with pytest.raises(UsageError, match="--web-name"):
        WebOptions(names=(name,))
