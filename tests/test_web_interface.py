"""Answers of the web view, as the OpenAPI file describes them."""

import builtins
import gzip
import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import resources

import httpx
import jsonschema_rs
import numpy as np
import pytest
import schemathesis
from extent import extent
from hypothesis import HealthCheck, Phase, given, settings
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from publishers import block_time, message, producing
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from waiting import poll_until
from webs import served

from sunspec_tui.core.sun import sun_position
from sunspec_tui.core.web_options import WebOptions
from sunspec_tui.monitoring.web_status import WebState
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.receiver import StreamReceiver

API = json.loads((resources.files("sunspec_tui.webapp") / "openapi.json").read_text())
ENDLESS = "/events/stream"
"""An answer without an end, which has tests of its own."""
RAW = {"accept": "application/octet-stream"}


@pytest.fixture(scope="module")
def empty():
    """Web view without a stream."""
    with served() as (_, url):
        yield url


@pytest.fixture(scope="module")
def live():
    """Web view of the simulated Sun."""
    with producing(source="simulate", speed=20, seed=3) as port, served(port, buffer_length=60) as (receiver, url):
        assert receiver.wait_for_frames(60, 30)
        yield url


# Without a stream


def test_the_page_and_its_files_are_served(empty):
    page = httpx.get(empty).text
    assert page.startswith("<!doctype html>")
    names = set(re.findall(r'(?:href|src)="([^"]+)"', page))
    seen = set()
    while names - seen:
        name = (names - seen).pop()
        seen.add(name)
        answer = httpx.get(empty + name)
        assert answer.status_code in (200, 404) if name == "plot" else answer.status_code == 200, name
        if name.endswith(".mjs"):
            names |= {f"page/{other}" for other in re.findall(r'from "\./([^"]+)"', answer.text)}
    assert len([name for name in seen if name.endswith(".mjs")]) > 8


def test_the_page_loads_nothing_from_elsewhere():
    page = resources.files("sunspec_tui.webapp") / "page"
    for file in page.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|import\(|eval\(|innerHTML|style=\"", text), file.name


@pytest.mark.parametrize("path", ["data", "refresh", "plot"])
def test_before_the_first_frame_the_answer_is_one_sentence(empty, path):
    answer = httpx.get(empty + path)
    assert (answer.status_code, answer.json()) == (404, {"error": "nothing has been received yet"})


def test_the_status_reports_that_no_frame_has_come(empty):
    status = httpx.get(f"{empty}status").json()
    assert (status["state"], status["frames_received"], status["bins"]) == ("connecting", 0, None)
    assert status["web"] == "serving"


def test_health_check_and_metrics_answer(empty):
    assert httpx.get(f"{empty}healthz").text == "ok\n"
    text = httpx.get(f"{empty}metrics").text
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert found["sunspec_frames_received"].samples[0].value == 0
    states = {sample.labels["state"]: sample.value for sample in found["sunspec_stream_state"].samples}
    assert states == {"connecting": 1, "live": 0, "stalled": 0}


def test_a_port_in_use_is_reported_and_can_be_tried_again():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with StreamReceiver(stream_port=1, plot_interval=0, start_webshow=True, web=WebOptions(port=port)) as receiver:
            status = receiver.web_status()
            assert status.state is WebState.FAILED
            assert f"127.0.0.1:{port}: Address already in use; choose another --web-port" in status.problem
            assert receiver.snapshot().web == status
            other.close()
            assert receiver.set_web(True).state is WebState.SERVING


def test_an_address_of_another_machine_is_reported():
    with StreamReceiver(stream_port=1, plot_interval=0, start_webshow=True, web=WebOptions("192.0.2.1")) as receiver:
        assert "choose another --web-" in receiver.web_status().problem


def test_without_the_extra_one_line_names_it(monkeypatch):
    real = builtins.__import__

    def missing(name, *words, **options):
        if name.partition(".")[0] == "starlette":
            raise ImportError(name)
        return real(name, *words, **options)

    for name in [name for name in sys.modules if name.partition(".")[0] == "starlette"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr("sunspec_tui.core.optional_imports.import_module", lambda name: missing(name))
    with StreamReceiver(stream_port=1, plot_interval=0, start_webshow=True) as receiver:
        problem = receiver.web_status().problem
    assert problem == "the web view needs starlette, which is not installed: pip install 'sunspec-tui[web]'"


def test_the_headless_monitor_serves_until_stopped(tmp_path):
    words = [sys.executable, "-m", "sunspec_tui", "--demo", "--no-ui", "--start-webshow", "--web-port", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as program:
        assert program.stderr is not None
        line = next(line for line in program.stderr if "web view at" in line)
        url = line.split("web view at ")[1].strip()
        poll_until(lambda: httpx.get(f"{url}data").status_code == 200, 20)
        program.send_signal(signal.SIGTERM)
        program.stderr.read()
        assert program.wait(5) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}healthz")


# Behind a proxy


@pytest.mark.parametrize("path", ["/", "/status", "/page/app.mjs", "/sun/", "/sun/status", "/sun/page/app.mjs"])
def test_a_proxy_may_keep_or_remove_the_root_path(path):
    with served(web={"root_path": "/sun", "names": ("obs.example.org",)}) as (_, url):
        assert url.endswith("/sun/")
        base = url.removesuffix("/sun/")
        headers = {"host": "obs.example.org", "origin": "https://obs.example.org"}
        assert httpx.get(base + path, headers=headers).status_code == 200


def test_the_root_path_without_a_slash_redirects_to_the_page():
    with served(web={"root_path": "/sun"}) as (_, url):
        answer = httpx.get(url.rstrip("/"))
    assert (answer.status_code, answer.headers["location"]) == (308, "/sun/")


def test_a_cookie_behind_a_proxy_has_its_path_and_is_secure():
    with served(web={"root_path": "/sun", "token": "long-enough-token"}) as (_, url):
        answer = httpx.get(url, headers={"x-forwarded-proto": "https"})
    assert answer.status_code == 303
    assert "Path=/sun/" in answer.headers["set-cookie"]
    assert "Secure" in answer.headers["set-cookie"]


# Answers with a stream


def test_the_latest_row_is_a_list_as_the_older_system_gave_it(live):
    row = httpx.get(f"{live}data").json()
    assert len(row) == 768
    assert all(isinstance(power, float) for power in row)


def test_rows_come_as_json_and_as_raw_numbers_alike(live):
    answer = httpx.get(f"{live}refresh", params={"n_frames": 40, "product": "YY"})
    found = answer.json()
    assert (found["product"], len(found["rows"]), len(found["times_s"])) == ("YY", 40, 40)
    assert np.diff(found["slots"]).tolist() == [1] * 39
    assert np.diff(found["times_s"]) == pytest.approx(0.25, abs=0.03)
    assert len(found["frequencies_mhz"]) == len(found["rows"][0]) == 768
    raw = httpx.get(f"{live}refresh", params={"n_frames": 60, "product": "YY"}, headers=RAW)
    assert raw.headers["sunspec-shape"] == "60,768"
    values = np.frombuffer(raw.content, "<f4").reshape(60, 768)
    first = int(raw.headers["sunspec-first-number"])
    both = range(max(first, found["first_number"]), min(first + 60, found["first_number"] + 40))
    assert len(both) > 5
    for number in both:
        row = np.array(found["rows"][number - found["first_number"]], np.float32)
        np.testing.assert_array_equal(values[number - first], row)


def test_an_answer_has_at_most_the_received_rows(live):
    assert 30 < len(httpx.get(f"{live}refresh", params={"n_frames": 10_000}).json()["rows"]) <= 60


def test_invalid_values_are_null_and_64_bit_tags_are_text(publisher):
    data = np.full((1, 64, 4), 1.0, np.float32)
    data[0, :4] = np.nan
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(data, last_block_time=block_time(0), time_tag=344176543210000123))
        assert receiver.wait_for_frames(1, 10)
        answer = httpx.get(f"{url}data")
        assert answer.json() == [None] + [1.0] * 15
        assert "NaN" not in answer.text
        assert httpx.get(f"{url}status").json()["time_tag"] == "344176543210000123"


def test_an_unchanged_answer_is_not_sent_again(publisher):
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(0)))
        assert receiver.wait_for_frames(1, 10)
        for path in ("data", "refresh", "", "palettes.json", "page/app.mjs"):
            first = httpx.get(url + path)
            again = httpx.get(url + path, headers={"if-none-match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b""), path
        tag = httpx.get(f"{url}data").headers["etag"]
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(1), seq=1))
        assert receiver.wait_for_frames(2, 10)
        assert httpx.get(f"{url}data", headers={"if-none-match": tag}).status_code == 200
        assert httpx.get(f"{url}data", headers={"if-none-match": tag, **RAW}).status_code == 200


def test_long_answers_are_compressed_and_pictures_are_not(live):
    with httpx.Client() as visitor:
        with visitor.stream("GET", f"{live}refresh", headers={"accept-encoding": "gzip"}) as answer:
            assert answer.headers["content-encoding"] == "gzip"
            packed = b"".join(answer.iter_raw())
        # The oldest rows may be overwritten while the answer is made.
        assert 30 < len(json.loads(gzip.decompress(packed))["rows"]) <= 60
        assert (
            "content-encoding"
            not in visitor.get(f"{live}plot", headers={"accept-encoding": "gzip"}, timeout=60).headers
        )


def test_the_figure_is_cached_for_the_next_request(live):
    begun_s = time.monotonic()
    first = httpx.get(f"{live}plot", timeout=60)
    assert first.headers["content-type"] == "image/png"
    assert first.content.startswith(b"\x89PNG")
    if time.monotonic() - begun_s < 4:
        assert httpx.get(f"{live}plot", timeout=60).content == first.content
    assert "/" not in first.headers.get("content-disposition", "")


@pytest.mark.parametrize("usual", [False, True])
def test_a_request_chooses_the_background_of_the_figure(publisher, usual):
    def waterfall(picture):
        return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), float)[760:1400, 140:1630]

    with served(publisher.port, plot_remove_background=usual) as (receiver, url), httpx.Client(timeout=60) as visitor:
        publisher.wait_for_subscriber()
        slope = 10 ** np.linspace(6, 3, 64)[None, :, None] * np.ones((1, 1, 4))
        for n in range(20):
            publisher.send(message((slope * (1 + n % 3)).astype(np.float32), last_block_time=block_time(n), seq=n))
        assert receiver.wait_for_frames(20, 10)
        queries = {"": usual, "?remove_background=0": False, "?remove_background=1": True}
        found = {query: waterfall(visitor.get(f"{url}plot{query}").content) for query in queries}
        answer = visitor.get(f"{url}plot?remove_background=yes")
        assert (answer.status_code, answer.json()) == (400, {"error": "remove_background must be 0 or 1"})
        figure = SpectrumFigure()
        for query, removed in queries.items():
            figure.draw(replace(receiver.plot_job(), remove_background=removed))
            assert np.abs(found[query] - waterfall(figure.png())).mean() < 3, query
    assert np.abs(found["?remove_background=0"] - found["?remove_background=1"]).mean() > 30


def test_simultaneous_requests_get_their_own_figures(live):
    def figure(query):
        return httpx.get(f"{live}plot?remove_background={query}", timeout=60).content

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(figure, "010101"))
    assert all(each.startswith(b"\x89PNG") for each in found)
    assert found[0] == found[2] == found[4] != found[1] == found[3] == found[5]


def test_no_answer_names_a_directory_of_this_machine(tmp_path, publisher):
    with served(publisher.port, plot_dir=tmp_path / "figs", plot_interval=1000, archive_dir=tmp_path / "arch") as (
        receiver,
        url,
    ):
        publisher.wait_for_subscriber()
        publisher.send(message(np.ones((1, 64, 4), np.float32), last_block_time=block_time(0)))
        assert receiver.wait_for_frames(1, 10)
        receiver.plot_now()
        poll_until(lambda: receiver.snapshot().plots.written, 30)
        for path in ("status", "metrics", "data", "refresh", "healthz"):
            assert str(tmp_path) not in httpx.get(url + path).text, path
        assert httpx.get(f"{url}status").json()["last_plot"].startswith("spectrum_")


def test_metrics_agree_with_the_status(live):
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(httpx.get(f"{live}metrics").text)
        for sample in family.samples
    }
    assert found["sunspec_frames_received_total"] >= 60
    assert found["sunspec_cadence_seconds"] == pytest.approx(0.25, abs=0.01)
    assert found["sunspec_web_viewers"] == 0
    position = sun_position(time.time())
    assert found["sunspec_sun_elevation_degrees"] == pytest.approx(position.elevation_deg, abs=0.5)
    assert 0 <= found["sunspec_sun_azimuth_degrees"] <= 360


# The OpenAPI file


def test_the_file_describes_every_answer_and_no_other(live):
    described = set(API["paths"])
    for path in described - {ENDLESS}:
        assert httpx.get(live.rstrip("/") + path, timeout=60).status_code == 200, path
    told = set(
        re.findall(r"Route\(\"(/[a-z]+)\"", (resources.files("sunspec_tui.webapp") / "application.py").read_text())
    )
    assert told - {"/live"} <= described


@pytest.mark.parametrize(
    "path", [path for path in API["paths"] if "json" in str(API["paths"][path]["get"]["responses"]["200"])]
)
def test_json_answers_match_the_openapi_file(live, path):
    schema = API["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(schema).validate(httpx.get(live.rstrip("/") + path).json())


@pytest.mark.parametrize(
    ("path", "mode"),
    [(path, GenerationMode.POSITIVE) for path in API["paths"] if path != ENDLESS]
    # A path without parameters cannot have an invalid one.
    + [
        (path, GenerationMode.NEGATIVE)
        for path in API["paths"]
        if API["paths"][path]["get"]["parameters"] and path != ENDLESS
    ],
)
def test_no_wild_request_makes_it_fail_or_hang(live, path, mode):
    operation = schemathesis.openapi.from_dict(API)[path]["GET"]

    @settings(
        max_examples=extent(6, 40), deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(operation.as_strategy(generation_mode=mode))
    def asked(case):
        answer = case.call(base_url=live.rstrip("/"), timeout=20)
        assert answer.status_code < 500
        if mode is GenerationMode.POSITIVE:
            # A schema cannot say that `end` is after `start`, or that columns are aligned.
            case.validate_response(answer, excluded_checks=[positive_data_acceptance] if path == "/history" else [])

    asked()
