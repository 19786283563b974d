"""Observers' notes in the web view."""

import httpx
import pytest
from browsers import needs_chromium
from publishers import block_time
from waiting import poll_until
from web_pages import fill
from webs import served

from sunspec_tui.core.notes import Note
from sunspec_tui.core.times import parse_block_time
from sunspec_tui.webapp.notes_api import MAX_NOTES

T0 = 1_764_096_130.0
FIRST_S = parse_block_time(block_time(0))
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\u202e"


@pytest.fixture(scope="module")
def noted(tmp_path_factory):
    """Web view with three notes; the answer to a request."""
    path = tmp_path_factory.mktemp("notes") / "notes.jsonl"
    with served(notes_path=path) as (receiver, url):
        for note in (
            Note(T0, "one", author="WS", frequency_mhz=45.25),
            Note(T0 + 60, HOSTILE, T0 + 120),
            Note(T0 + 900, "three"),
        ):
            receiver.notes.add(note)
        yield lambda query="": httpx.get(f"{url}notes{query}")


def test_notes_are_json_without_control_characters(noted):
    answer = noted()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["left_out"] == 0
    assert answer.json()["notes"][:2] == [
        {
            "time_utc": "2025-11-25T18:42:10.000000Z", "time_s": T0, "end_utc": None, "end_s": None,
            "text": "one", "author": "WS", "frequency_mhz": 45.25,
        },
        {
            "time_utc": "2025-11-25T18:43:10.000000Z", "time_s": T0 + 60,
            "end_utc": "2025-11-25T18:44:10.000000Z", "end_s": T0 + 120,
            "text": r"<img src=x onerror=alert(1)>\x1b[2J\u202e", "author": "", "frequency_mhz": None,
        },
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        (f"?start={T0 + 1}", 2),
        (f"?start={T0 + 110}&end={T0 + 200}", 1),
        (f"?start={T0 + 200}&end={T0 + 100}", 0),
        (f"?end={T0 - 1}", 0),
        ("?start=1e30", 0),
        ("?end=-1e30", 0),
    ],
)
def test_a_request_gets_the_notes_that_touch_its_interval(noted, query, count):
    assert len(noted(query).json()["notes"]) == count


@pytest.mark.parametrize(
    "query",
    ["?start=nan", "?start=inf", "?end=yesterday", "?start=", "?end=2025-11-25", "?start=%00", f"?end={'1' * 500}"],
)
def test_a_wrong_time_is_refused_in_one_sentence(noted, query):
    answer = noted(query)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(("start must", "end must"))


def test_an_answer_has_at_most_a_thousand_notes(tmp_path):
    path = tmp_path / "notes.jsonl"
    line = '{{"time_utc": "2025-11-25T18:42:10.{:06}Z", "text": "a"}}\n'
    path.write_text("".join(line.format(i) for i in range(MAX_NOTES + 7)))
    with served(notes_path=path) as (receiver, url):
        poll_until(lambda: receiver.notes.counts.notes)
        answer = httpx.get(f"{url}notes").json()
    assert (len(answer["notes"]), answer["left_out"]) == (MAX_NOTES, 7)
    assert answer["notes"][0]["time_utc"] == "2025-11-25T18:42:10.000007Z"


def test_notes_need_the_token(tmp_path):
    with served(web={"token": "a-secret-token"}, notes_path=tmp_path / "notes.jsonl") as (receiver, url):
        receiver.notes.add(Note(T0, "one"))
        address = url.partition("?")[0]
        assert httpx.get(f"{address}notes").status_code == 401
        assert len(httpx.get(f"{address}notes?token=a-secret-token", follow_redirects=True).json()["notes"]) == 1


def test_the_status_counts_notes_and_damaged_lines(tmp_path):
    path = tmp_path / "notes.jsonl"
    path.write_text('damaged\n{"time_utc": "2025-11-25T18:42:10Z", "text": "a"}\n')
    with served(notes_path=path) as (receiver, url):
        poll_until(lambda: receiver.notes.counts.notes)
        status = httpx.get(f"{url}status").json()
    assert (status["observer_notes"], status["observer_notes_damaged"]) == (1, 1)


# The page


@pytest.fixture
def page_with_notes(publisher, visit, tmp_path):
    """Page of 128 rows with a note in the middle; the receiver."""
    with served(publisher.port, notes_path=tmp_path / "notes.jsonl") as (receiver, url):
        publisher.wait_for_subscriber()
        receiver.notes.add(Note(FIRST_S + 16, f"half {HOSTILE}", author="WS"))
        receiver.notes.add(Note(FIRST_S - 3600, "an hour before"))
        fill((publisher, receiver, url))
        page = visit(url, "#height=128")
        page.wait_for(lambda report: report["filled"] == 128 and report["notes"] == [[65, 65]])
        yield page, receiver


@needs_chromium
def test_a_note_is_marked_at_its_time_and_a_new_one_follows(page_with_notes):
    page, receiver = page_with_notes
    receiver.notes.add(Note(FIRST_S + 4, "from here", FIRST_S + 8))
    page.wait_for(lambda report: report["notes"] == [[17, 33], [65, 65]])


@needs_chromium
@pytest.mark.parametrize("target", ["#times", "#waterfall"])
def test_a_note_has_its_text_where_the_pointer_is(page_with_notes, target):
    page, _ = page_with_notes
    box = page.page.locator("#waterfall").bounding_box()
    y = page.page.locator(target).bounding_box()["y"] + 5
    page.page.mouse.move(box["x"] + box["width"] / 4, y)
    page.drawn()
    assert page.page.locator("#note").is_hidden()
    page.page.mouse.move(box["x"] + box["width"] * 65 / 128, y)
    page.until("() => !document.getElementById('note').hidden")
    assert page.text("#note") == "21:35:10 half <img src=x onerror=alert(1)>\\x1b[2J\\u202e (WS)"
    note = page.page.locator("#note").bounding_box()
    assert box["x"] - 1 <= note["x"]
    assert note["x"] + note["width"] <= box["x"] + box["width"] + 1
    page.page.mouse.move(0, 0)
    page.until("() => document.getElementById('note').hidden")


PLACES = """async ([notes, times, indices, cadence]) => {
  const { marksOf, timeScale } = await import(new URL("page/notes.mjs", document.baseURI));
  return marksOf(notes, timeScale({ times }, indices, cadence)).map(({ from, to }) => [from, to]);
}"""


PLACES_OF_NOTES = {
    (10.0, None): [0, 0],
    (10.5, None): [0.5, 0.5],
    (12.0, None): [2, 2],
    (9.9, None): None,
    (9.0, 10.5): [0, 0.5],
    (13.0, None): [3.5, 3.5],
    (14.0, 99.0): [5, 6],
    (15.1, None): None,
}


@needs_chromium
def test_places_of_notes_with_a_gap(browser, noted):
    # Rows end at 11, 12, 14 and 15 s; two slots are empty.
    rows = [[11.0, 12.0, 14.0, 15.0], [0, 1, -1, -1, 2, 3], 1.0]
    records = [{"time_s": begin_s, "end_s": end_s, "text": "a", "author": ""} for begin_s, end_s in PLACES_OF_NOTES]
    page = browser.new_page()
    try:
        page.goto(str(noted().url).removesuffix("notes"))
        found = [page.evaluate(PLACES, [[record], *rows]) for record in records]
    finally:
        page.close()
    assert found == [[] if places is None else [places] for places in PLACES_OF_NOTES.values()]
