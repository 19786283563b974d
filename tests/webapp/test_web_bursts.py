"""Bursts in the answers of the web view."""

import json
import time
from dataclasses import replace
from importlib import resources

import httpx
import jsonschema_rs
import numpy as np
import pytest
from burst_boards import BEGIN_S, burst, served_bursts
from prometheus_client.parser import text_string_to_metric_families
from waiting import poll_until
from webs import Watcher, served

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.webapp import events_api

HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\u202e"
FOUND = (
    burst("a"),
    burst("b", 60, type=BurstType.II, end_s=BEGIN_S + 660, peak_db=12.5, drift_mhz_s=-0.05, reason=HOSTILE),
    burst("c", 300, type=BurstType.INTERFERENCE, peak_db=20.0),
    burst("d", 900, type=BurstType.UNKNOWN, peak_db=float("nan"), is_open=True),
)


@pytest.fixture(scope="module")
def found():
    """Function that requests bursts of a web view with four."""
    with served_bursts() as (board, _, url):
        board.add(FOUND)
        yield lambda query="": httpx.get(f"{url}events{query}")


def names(answer):
    return [each["name"] for each in answer.json()["bursts"]]


def test_bursts_are_json_without_control_characters(found):
    answer = found()
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "application/json")
    record = answer.json()
    assert (record["complete"], record["truncated"], record["left_out"]) == (True, False, 0)
    second = record["bursts"][1]
    assert second["reason"] == r"<img src=x onerror=alert(1)>\x1b[2J\u202e"
    assert (second["type"], second["drift_mhz_s"], second["circular"]) == ("II", -0.05, None)
    assert (second["begin_s"], second["begin_utc"]) == (BEGIN_S + 60, "2026-06-07T18:42:30.000000Z")
    assert (second["is_open"], record["bursts"][3]["is_open"]) == (False, True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abcd"),
        (f"?start={BEGIN_S + 6}", "bcd"),
        (f"?end={BEGIN_S + 5}", "a"),
        (f"?start={BEGIN_S + 400}&end={BEGIN_S + 500}", "b"),
        (f"?start={BEGIN_S + 800}&end={BEGIN_S + 700}", ""),
        ("?type=III", "a"),
        ("?type=II&type=RFI", "bc"),
        ("?type=%3F", "d"),
        ("?min_db=3", "abc"),
        ("?min_db=12.6", "c"),
        ("?min_db=-1e9&type=II", "b"),
        ("?start=1e30", ""),
        ("?after=another-7", "abcd"),
        ("?after=", "abcd"),
    ],
)
def test_a_request_gets_the_bursts_that_it_names(found, query, expected):
    assert "".join(names(found(query))) == expected


@pytest.mark.parametrize(
    "query",
    [
        "?start=nan",
        "?end=yesterday",
        "?start=",
        "?type=V",
        "?type=",
        "?type=III&type=iii",
        "?min_db=inf",
        "?min_db=loud",
    ],
)
def test_a_wrong_value_is_refused_in_one_sentence(found, query):
    answer = found(query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(("start must", "end must", "type must", "min_db must"))


def test_an_answer_is_bounded_and_says_so(found, monkeypatch):
    monkeypatch.setattr(events_api, "MAX_EVENTS", 3)
    answer = found()
    assert names(answer) == ["b", "c", "d"]
    assert (answer.json()["truncated"], answer.json()["left_out"]) == (True, 1)


def test_many_bursts_are_all_sent(found):
    with served_bursts() as (board, _, url):
        board.add(burst(str(i), i) for i in range(200))
        assert names(httpx.get(f"{url}events")) == [str(i) for i in range(200)]


def test_numbers_of_numpy_are_numbers():
    numbers = {"begin_s": np.float64(BEGIN_S), "peak_db": np.float32(2.5), "circular": np.float32("nan")}
    with served_bursts() as (board, _, url):
        board.add([burst("a", lanes=np.int64(2), is_saturated=np.bool_(True), **numbers)])
        found = httpx.get(f"{url}events").json()["bursts"][0]
        httpx.get(f"{url}metrics").raise_for_status()
    assert (found["begin_s"], found["peak_db"], found["circular"]) == (BEGIN_S, 2.5, None)
    assert (found["lanes"], found["is_saturated"]) == (2, True)


def test_only_what_changed_after_a_revision_is_sent():
    with served_bursts() as (board, _, url):
        board.add(FOUND[:2])
        known = httpx.get(f"{url}events").json()["revision"]
        assert names(httpx.get(f"{url}events?after={known}")) == []
        board.add([replace(FOUND[0], confidence=0.9), FOUND[3]])
        answer = httpx.get(f"{url}events?after={known}")
        assert names(answer) == ["a", "d"]
        assert answer.json()["complete"] is False
        ahead = f"{known.partition('-')[0]}-99"
        assert httpx.get(f"{url}events?after={ahead}").json()["complete"] is True


def test_bursts_need_the_token():
    with served_bursts(web={"token": "a-secret-token"}) as (board, _, url):
        board.add(FOUND)
        address = url.partition("?")[0]
        for path in ("events", "events/stream"):
            assert httpx.get(address + path).status_code == 401
        bearer = {"authorization": "Bearer a-secret-token"}
        assert names(httpx.get(f"{address}events", headers=bearer)) == ["a", "b", "c", "d"]


def test_bursts_match_the_openapi_file(found):
    schema = json.loads((resources.files("sunspec_tui.webapp") / "openapi.json").read_text())
    answer = schema["paths"]["/events"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema_rs.validator_for(answer).validate(found().json())
    kinds = answer["properties"]["bursts"]["items"]["properties"]["type"]["enum"]
    assert kinds == list(BurstType)
    assert answer["properties"]["bursts"]["maxItems"] == events_api.MAX_EVENTS


# Status and metrics


def test_the_status_has_the_newest_solar_burst_and_those_in_progress():
    with served_bursts() as (board, _, url):
        before = httpx.get(f"{url}status").json()
        board.add([replace(FOUND[0], is_open=True), *FOUND[1:]])
        after = poll_until(lambda: (record := httpx.get(f"{url}status").json())["bursts_newest"] and record, 10)
    assert (before["bursts_newest"], before["bursts_open"]) == (None, 0)
    newest = after["bursts_newest"]
    assert (newest["type"], newest["begin_utc"], newest["peak_db"]) == ("II", "2026-06-07T18:42:30.000000Z", 12.5)
    assert after["bursts_open"] == 1


def test_live_pages_get_the_revision_with_their_status():
    with served_bursts() as (board, _, url), Watcher(url) as watcher:
        first = watcher.told("status")["burst_revision"]
        board.add(FOUND)
        while watcher.told("status")["burst_revision"] == first:
            watcher.take()
        assert httpx.get(f"{url}events").json()["revision"] == watcher.told("status")["burst_revision"]


def samples(url):
    families = text_string_to_metric_families(httpx.get(f"{url}metrics").text)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if "burst" in sample.name
    }


def wait_for_samples(url, wanted):
    """Return the samples when they have some values."""
    return poll_until(lambda: wanted.items() <= (found := samples(url)).items() and found, 10)


def total(kind):
    return "sunspec_bursts_total", kind


def test_metrics_count_closed_bursts_and_the_time_since_the_last():
    now_s = time.time()
    recent = burst("now", now_s - BEGIN_S - 100)
    with served_bursts() as (board, receiver, url):
        assert samples(url) == {("sunspec_bursts_open",): 0.0, **{total(str(kind)): 0.0 for kind in BurstType}}
        receiver.bursts._note_changes((*FOUND, replace(recent, is_open=True)))
        board.mark_wrong("b")
        wait_for_samples(
            url, {("sunspec_bursts_open",): 1, total("III"): 1, total("II"): 1, total("RFI"): 1, total("?"): 0}
        )
        receiver.bursts._note_changes((recent,))
        found = wait_for_samples(url, {("sunspec_bursts_open",): 0, total("III"): 2, total("II"): 1})
    assert found[("sunspec_seconds_since_last_burst",)] == pytest.approx(95, abs=20)


def test_counts_never_fall_and_leave_out_what_was_found_before_the_start():
    closed = burst("a")
    with served_bursts() as (board, receiver, url):
        board.add([burst("of yesterday", -86400)])
        receiver.bursts._note_changes((closed,))
        wait_for_samples(url, {total("III"): 1})
        # The detector goes on with a burst after its end, and withdraws another one.
        receiver.bursts._note_changes((replace(closed, is_open=True), burst("b", 20), burst("c", 40, is_wrong=True)))
        receiver.bursts._note_changes((closed, replace(burst("b", 20), is_wrong=True)))
        wait_for_samples(url, {total("III"): 2, ("sunspec_bursts_open",): 0})


def test_a_receiver_that_does_not_search_has_no_bursts_and_says_so():
    with served(bursts=False) as (_, url):
        assert httpx.get(f"{url}events").json()["bursts"] == []
        assert httpx.get(f"{url}status").json()["bursts"] == "off"
        assert samples(url) == {}
