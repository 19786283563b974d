"""Attacks on the web view by foreign pages, names and requests."""

import re
import socket

import httpx
import pytest
from publishers import producing
from webs import address_of, live_address, raw, served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.web_options import WebOptions

SCRIPT = "<script>alert(1)</script>"
TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def site():
    with served() as (receiver, url):
        yield receiver, url


@pytest.fixture(scope="module")
def url(site):
    return site[1]


@pytest.fixture(scope="module")
def with_rows():
    with producing(source="simulate", speed=20) as port, served(port) as (receiver, url):
        assert receiver.wait_for_frames(3, 30)
        yield url


# Names and origins


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9527",
        "127.0.0.1.evil.example",
        "user@127.0.0.1",
        "127.0.0.1/x",
        "",
        "local host",
        "[::1",
    ],
)
def test_a_rebound_name_is_refused(url, host):
    answer = httpx.get(f"{url}status", headers={"host": host})
    assert answer.status_code == 421
    assert "frames" not in answer.text
    assert host == "" or host not in answer.text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "LOCALHOST.", "[::1]:9527", "10.0.0.7"])
def test_own_names_and_ip_addresses_are_allowed(url, host):
    assert httpx.get(f"{url}healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: localhost\r\n\r\n"]
)
def test_a_request_needs_exactly_one_host(url, request_):
    assert raw(url, request_).startswith((b"HTTP/1.1 400", b"HTTP/1.1 421"))


FOREIGN = [
    "https://evil.example",
    "null",
    "http://127.0.0.1:1",
    "file://",
    "http://localhost@evil.example",
    "javascript:0",
]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("path", ["", "status", "data", "plot", "metrics", "healthz"])
def test_a_request_of_another_site_is_refused(url, origin, path):
    assert httpx.get(url + path, headers={"origin": origin}).status_code == 403


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_websocket_of_another_site_is_refused(url, origin):
    with pytest.raises(InvalidStatus) as refused, connect(live_address(url), proxy=None, origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_own_page_is_allowed(url):
    origin = url.rstrip("/")
    assert httpx.get(f"{url}status", headers={"origin": origin, "sec-fetch-site": "same-origin"}).status_code == 200
    with connect(live_address(url), proxy=None, origin=origin) as viewer:
        assert viewer.recv(timeout=10)


def test_foreign_pages_may_link_to_the_page_but_not_embed_it(url):
    foreign = {"sec-fetch-site": "cross-site"}
    assert httpx.get(f"{url}plot", headers=foreign).status_code == 403
    assert httpx.get(url, headers=foreign).status_code == 200


def test_no_page_of_another_origin_is_told_that_it_may_read(url):
    for headers in ({}, {"origin": url.rstrip("/")}):
        answer = httpx.get(f"{url}status", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert httpx.options(f"{url}status", headers={"access-control-request-method": "GET"}).status_code == 405


@pytest.mark.parametrize("path", ["", "status", "nothing", "page/app.mjs", "refresh?n_frames=x"])
def test_every_answer_carries_the_headers_that_confine_it(url, path):
    headers = httpx.get(url + path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


# Tokens


@pytest.fixture(scope="module")
def closed():
    with served(web={"token": TOKEN}) as (_, url):
        yield url.partition("?")[0]


CARRIED = {
    "none": ({}, ""),
    "wrong": ({"authorization": "Bearer wrong"}, ""),
    "no kind": ({"authorization": TOKEN}, ""),
    "basic": ({"authorization": f"Basic {TOKEN}"}, ""),
    "wrong cookie": ({"cookie": "sunspec_token=no"}, ""),
    "wrong query": ({}, "?token=no"),
    "part": ({}, f"?token={TOKEN[:-1]}"),
}


@pytest.mark.parametrize("what", CARRIED)
@pytest.mark.parametrize(
    "path", ["", "status", "data", "refresh", "plot", "metrics", "openapi.json", "page/app.mjs", "no"]
)
def test_without_the_token_a_request_is_refused(closed, what, path):
    headers, query = CARRIED[what]
    answer = httpx.get(closed + path + query, headers=headers)
    assert answer.status_code == 401
    assert TOKEN not in answer.text


def test_without_the_token_a_websocket_is_refused(closed):
    with pytest.raises(InvalidStatus) as refused, connect(live_address(closed), proxy=None):
        pass
    assert refused.value.response.status_code == 403


def test_the_token_in_the_address_is_moved_to_a_cookie(closed):
    with httpx.Client(follow_redirects=True) as visitor:
        answer = visitor.get(f"{closed}?token={TOKEN}")
        assert answer.status_code == 200
        assert "token" not in str(answer.url)
        assert answer.text.startswith("<!doctype html>")
        given = answer.history[0].headers["set-cookie"].lower()
        assert "httponly" in given
        assert "samesite=strict" in given
        assert visitor.get(f"{closed}status").status_code == 200
        ((name, cookie),) = visitor.cookies.items()
    with connect(live_address(closed), proxy=None, additional_headers={"Cookie": f"{name}={cookie}"}) as viewer:
        assert viewer.recv(timeout=10)


def test_a_program_may_send_the_token_in_a_header(closed):
    headers = {"authorization": f"Bearer {TOKEN}"}
    assert httpx.get(f"{closed}metrics", headers=headers).status_code == 200
    with connect(live_address(closed), proxy=None, additional_headers=headers) as viewer:
        assert viewer.recv(timeout=10)


def test_the_health_check_needs_no_token(closed):
    assert httpx.get(f"{closed}healthz").text == "ok\n"


def test_a_token_is_generated_if_other_machines_can_connect(monkeypatch):
    with served(web={"host": "0.0.0.0"}) as (_, url):
        token = httpx.URL(url).params["token"]
        assert len(token) >= 20
        base = f"http://127.0.0.1:{httpx.URL(url).port}/"
        assert httpx.get(f"{base}status").status_code == 401
        assert httpx.get(f"{base}status?token={token}").status_code == 200
        assert httpx.get(f"{base}status?token={token}", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"root_path": "sun"}, "--web-root-path"),
        ({"root_path": "/../etc"}, "--web-root-path"),
        ({"root_path": "/a b"}, "--web-root-path"),
        ({"token": "short"}, "--web-token"),
        ({"token": "has spaces in it"}, "--web-token"),
        ({"names": ("https://obs.example.org",)}, "--web-name"),
    ],
)
def test_an_invalid_web_option_is_refused(options, words):
    with pytest.raises(UsageError, match=re.escape(words)):
        WebOptions(**options)


# Wild requests

TRICKS = [
    "/../etc/passwd", "/page/../../../etc/passwd", "/page/%2e%2e/%2e%2e/layout.py", "/page/..%2flayout.py", "//etc/x",
    "/page/%00", "/page/app.mjs%00.html", "/page/", "/page/index.html", "/.git/config", "/page/..\\..\\layout.py",
    "/status/", "/STATUS", "/page//app.mjs", "/%70age/%2e%2e/openapi.json", f"/{SCRIPT}", "/live", "http://evil.example",
    "/page/app.mjs/..", "/~root", "/proc/self/environ", "*",
]  # fmt: skip


@pytest.mark.parametrize("target", TRICKS)
def test_no_path_reaches_a_file_or_is_repeated(url, target):
    request = f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = raw(url, request.encode())
    assert re.match(rb"HTTP/1.1 4\d\d", answer), answer[:80]
    assert b"root:" not in answer
    assert SCRIPT.encode() not in answer


@pytest.mark.parametrize("path", ["data", "refresh", "status", "plot", "metrics", "live", "palettes.json", ""])
@pytest.mark.parametrize("name", ["product", "n_frames", "token", SCRIPT])
def test_a_script_in_any_field_is_not_repeated(url, path, name):
    answer = httpx.get(
        url + path, params={name: SCRIPT}, headers={"user-agent": SCRIPT, "referer": SCRIPT, "x-any": SCRIPT}
    )
    assert answer.status_code < 500
    assert SCRIPT not in answer.text
    assert SCRIPT not in str(answer.headers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["", "data", "status", "healthz"])
def test_other_methods_are_refused(url, method, path):
    assert httpx.request(method, url + path, content=b"x" * 100).status_code == 405


@pytest.mark.parametrize(
    "n_frames", ["0", "-1", "1e9", "100001", "9" * 400, "0x10", "１２", "1.5", "", " 1", "+1", "nan", "[]"]
)
def test_a_number_outside_its_bounds_is_one_sentence(with_rows, n_frames):
    answer = httpx.get(f"{with_rows}refresh", params={"n_frames": n_frames})
    assert answer.status_code == 400
    assert answer.json() == {"error": "n_frames must be a whole number from 1 to 10000"}


def test_a_long_address_is_refused(url):
    assert httpx.get(f"{url}status?{'x' * 4000}").status_code == 414


def test_endless_headers_are_refused(url):
    answer = raw(url, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_a_request_with_a_body_is_refused(url):
    with socket.create_connection(address_of(url), timeout=10) as connection:
        connection.sendall(
            b"POST /data HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000000\r\n\r\n" + b"x" * 1000
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 405")


def test_a_smuggled_request_needs_the_token_too(closed):
    # With either of the two lengths, the rest is a separate request, which has no token.
    smuggled = (
        b"POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    answer = raw(closed, smuggled)
    assert b"frames_received" not in answer
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) in ([b"405", b"401"], [b"405"], [b"400"])


@pytest.mark.parametrize(
    "noise", [b"\0" * 100, b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"\r\n" * 1000, bytes(range(256))]
)
def test_noise_is_no_request(url, noise):
    answer = raw(url, noise + b"\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert httpx.get(f"{url}healthz").status_code == 200


def test_an_address_of_many_parts_is_refused_with_all_headers(closed):
    answer = httpx.get(f"{closed}status?{'&'.join(['a=b'] * 50)}")
    assert answer.status_code == 400
    assert "content-security-policy" in answer.headers
