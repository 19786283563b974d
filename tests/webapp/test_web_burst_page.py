"""Bursts on the page: marks, list, keys, and words for screen readers."""

from dataclasses import replace

import pytest
from browsers import needs_chromium
from burst_boards import burst, served_bursts
from publishers import block_time
from web_pages import fill

from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.times import parse_block_time

FIRST_S = parse_block_time(block_time(0))
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\u202e"
CADENCE_S = 0.25

pytestmark = needs_chromium


def at(name, begin, end, **numbers):
    """A burst from row `begin` to row `end` of the picture."""
    begin_s, end_s = FIRST_S + CADENCE_S * (begin - 1), FIRST_S + CADENCE_S * (end - 1)
    return burst(name, begin_s=begin_s, peak_s=begin_s, end_s=end_s, **{"low_mhz": 14.0, "high_mhz": 18.0, **numbers})


ONE = at("one", 32, 48, reason=HOSTILE, drift_mhz_s=-8.26, drift_error_mhz_s=0.4)
BURSTS = (
    ONE,
    at("rfi", 50, 60, type=BurstType.INTERFERENCE),
    at("two", 64, 96, type=BurstType.II, peak_db=9.0, confidence=0.4, is_open=True),
    at("wrong", 100, 110, is_wrong=True),
    at("elsewhere", 20, 30, low_mhz=40.0, high_mhz=80.0),
)


@pytest.fixture
def shown(publisher, visit):
    """Function that opens a page of 128 rows with bursts; the board."""
    with served_bursts(publisher.port) as (board, receiver, url):
        publisher.wait_for_subscriber()
        fill((publisher, receiver, url))
        board.add(BURSTS)

        def show(settings="", **options):
            page = visit(url, f"#height=128{settings}", **options)
            page.wait_for(lambda report: report["filled"] == 128 and report["bursts"]["marks"])
            return page

        yield show, board


def box_of(page, what="#waterfall"):
    return page.page.locator(what).bounding_box()


def marks(report):
    return {name: sides for name, *sides in report["bursts"]["marks"]}


def rows(page):
    return page.page.locator("#burst-rows tr").all_inner_texts()


# Marks


def test_bursts_are_marked_at_their_times_and_frequencies(shown):
    show, _ = shown
    page = show()
    report, box, outer = page.report, box_of(page), box_of(page, "#waterfall-box")
    found, axis = marks(report), report["axis"]
    assert set(found) == {"one", "two"}
    left, right, top, bottom = found["one"]
    across, left_edge = box["width"] / 128, box["x"] - outer["x"]
    assert left == pytest.approx(left_edge + 32 * across, abs=1)
    assert right == pytest.approx(left_edge + 48 * across, abs=1)
    per_mhz = box["height"] / (axis["bins"] * axis["bin_mhz"])
    lowest_y = box["y"] - outer["y"] + box["height"]
    assert top == pytest.approx(lowest_y - (18 - axis["low_mhz"]) * per_mhz, abs=1)
    assert bottom == pytest.approx(lowest_y - (14 - axis["low_mhz"]) * per_mhz, abs=1)


WHITE = """() => {
  const canvas = document.getElementById("marks"), context = canvas.getContext("2d");
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let n = 0; n < data.length; n += 4) count += data[n] > 250 && data[n + 1] > 250 && data[n + 3] > 200;
  return canvas.hidden ? 0 : count;
}"""


def test_marks_are_drawn_over_the_picture_and_hidden_by_a_key(shown):
    show, _ = shown
    page = show()
    assert page.page.evaluate(WHITE) > 50
    page.page.keyboard.press("B")
    page.wait_for(lambda report: not report["bursts"]["marks"])
    assert page.page.evaluate(WHITE) == 0
    assert page.page.locator("#burst-list").is_hidden()
    page.until("() => location.hash.includes('bursts=0')")


def test_interference_is_shown_by_choice(shown):
    show, _ = shown
    page = show()
    assert page.report["bursts"]["shown"] == ["elsewhere", "one", "two", "wrong"]
    page.page.locator("#interference").check()
    page.wait_for(lambda report: "rfi" in marks(report))
    assert len(rows(page)) == 5
    page.until("() => location.hash.includes('interference=1')")
    page.page.keyboard.press("i")
    page.wait_for(lambda report: "rfi" not in marks(report))


def test_marks_are_on_the_picture_of_an_interval(shown):
    show, _ = shown
    page = show(f"&start={FIRST_S - 100}&end={FIRST_S + 100}")
    left, right, *_ = marks(page.wait_for(lambda report: report["timeline"]["active"] and marks(report)))["one"]
    box, outer = box_of(page), box_of(page, "#waterfall-box")
    begin = box["x"] - outer["x"] + box["width"] * (ONE.begin_s - FIRST_S + 100) / 200
    assert left == pytest.approx(begin, abs=1)
    assert right - left == pytest.approx(box["width"] * ONE.duration_s / 200, abs=1)


def test_the_readout_names_the_burst_under_the_cursor(shown):
    show, _ = shown
    page = show()
    left, right, top, bottom = marks(page.report)["one"]
    outer = box_of(page, "#waterfall-box")
    page.page.mouse.move(outer["x"] + (left + right) / 2, outer["y"] + (top + bottom) / 2)
    page.until("() => document.getElementById('readout').textContent.endsWith('burst III 80 %')")
    page.page.mouse.move(outer["x"] + left - 15, outer["y"] + (top + bottom) / 2)
    page.until("() => !document.getElementById('readout').textContent.includes('burst')")


def test_in_a_crowd_the_strongest_are_marked_and_the_caption_says_so(shown):
    show, board = shown
    board.add(at(str(n), 20 + n / 4, 21 + n / 4, peak_db=10 + n / 10) for n in range(200))
    page = show(f"&start={FIRST_S - 100}&end={FIRST_S + 100}")
    found = marks(page.wait_for(lambda report: report["timeline"]["active"] and len(marks(report)) == 100))
    assert set(found) == {str(n) for n in range(100, 200)}
    page.until("() => document.getElementById('caption').textContent.endsWith('only the strongest 100 bursts marked')")
    assert page.text("#burst-count") == "the newest 50 of 204"


# Changes


def test_a_burst_follows_its_changes_and_a_new_one_is_announced(shown):
    show, board = shown
    page = show()
    assert page.text("#newest-burst") == "II? 21:35:09, 9.0 dB, in progress"
    assert page.text("#burst-news") == ""
    board.add([replace(BURSTS[2], type=BurstType.III, confidence=0.95, is_open=False), at("new", 120, 122)])
    page.wait_for(lambda report: "new" in marks(report))
    assert "21:35:09\tIII\t95 %\t14–18\t9.0\t–" in rows(page)
    assert page.text("#newest-burst") == "III 21:35:23, 3.0 dB"
    assert page.page.locator("#burst-news").text_content().startswith("New burst: type III, 2025-08-18 21:35:23 UTC")
    board.mark_wrong("new")
    page.wait_for(lambda report: "new" not in marks(report))
    assert page.page.locator("tr.wrong").count() == 2


def test_the_page_asks_for_changes_alone(shown):
    show, board = shown
    page = show()
    asked = []
    page.page.on("request", lambda request: asked.append(request.url) if "events" in request.url else None)
    board.add([at("new", 120, 122)])
    page.wait_for(lambda report: "new" in marks(report))
    assert len(asked) == 1
    assert "after=" in asked[0]


# The list


def test_the_list_has_the_newest_first_and_no_markup_of_others(shown):
    show, _ = shown
    page = show()
    assert rows(page) == [
        "21:35:18\tIII\t80 %\t14–18\t3.0\t–",
        "21:35:09 …\tII?\t40 %\t14–18\t9.0\t–",
        "21:35:01\tIII\t80 %\t14–18\t3.0\t−8.3",
        "21:34:58\tIII\t80 %\t40–80\t3.0\t–",
    ]
    page.page.locator("tr[data-name=one] button").click()
    page.until("() => document.getElementById('burst-detail').textContent")
    detail = page.text("#burst-detail")
    assert detail.startswith(
        "type III, 80 %, 2025-08-18 21:35:01–21:35:05 UTC, 14–18 MHz, peak 3.0 dB at 21:35:01, drift −8.3 ± 0.4"
    )
    assert detail.endswith(r"<img src=x onerror=alert(1)>\x1b[2J\u202e")
    assert page.page.locator("#burst-list img").count() == 0


def test_a_click_shows_the_time_around_a_burst(shown):
    show, _ = shown
    page = show()
    page.page.locator("tr[data-name=one] td:nth-child(4)").click()
    report = page.wait_for(lambda report: report["bursts"]["chosen"] == "one")
    shown_s = report["timeline"]
    assert shown_s["begin"] <= ONE.begin_s < ONE.end_s <= shown_s["end"]
    assert page.page.locator("tr[aria-current=true]").get_attribute("data-name") == "one"


def test_keys_choose_bursts_and_move_in_the_list(shown):
    show, _ = shown
    page = show()
    keyboard = page.page.keyboard
    for key, name in (
        (">", "wrong"),
        ("<", "two"),
        ("<", "one"),
        ("<", "elsewhere"),
        ("<", "elsewhere"),
        (">", "one"),
        (">", "two"),
    ):
        keyboard.press(key)
        page.wait_for(lambda report, name=name: report["bursts"]["chosen"] == name)
    page.page.locator("tr[data-name=two] button").focus()
    for key, name in (
        ("ArrowDown", "one"),
        ("Home", "wrong"),
        ("ArrowUp", "wrong"),
        ("End", "elsewhere"),
        ("ArrowUp", "one"),
    ):
        keyboard.press(key)
        assert page.page.evaluate("document.activeElement.closest('tr').dataset.name") == name
    # One row is in the order of the tab key, and the focus stays in its row when the list is made anew.
    assert page.page.locator("#burst-rows button[tabindex='0']").count() == 1
    keyboard.press("Enter")
    page.wait_for(lambda report: report["bursts"]["chosen"] == "one")
    assert page.page.evaluate("document.activeElement.closest('tr').dataset.name") == "one"


def test_a_screen_reader_gets_each_row_in_words(shown):
    show, _ = shown
    page = show()
    button = page.page.locator("tr[data-name=two] button")
    expected = "type II, 2025-08-18 21:35:09 UTC, 40 % sure, 14 to 18 MHz, in progress"
    assert button.get_attribute("aria-label") == expected
    assert page.page.get_by_role("region", name="Bursts").count() == 1
    assert page.page.get_by_role("columnheader").all_inner_texts() == ["UTC", "Type", "Sure", "MHz", "dB", "MHz/s"]


@pytest.mark.parametrize("size", [(1280, 800), (800, 700), (390, 844), (320, 568)])
def test_the_list_fits_the_window(shown, size):
    show, _ = shown
    page = show(size=size)
    page.page.locator("tr[data-name=one] button").click()
    page.until("() => document.getElementById('burst-detail').textContent")
    assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inner = box_of(page, "#burst-list")
    assert inner["x"] >= 0
    assert inner["x"] + inner["width"] <= size[0]
    picture = box_of(page)
    assert picture["width"] > 0.5 * size[0]
    assert picture["height"] > 100
    assert inner["x"] >= picture["x"] + picture["width"] or inner["y"] >= picture["y"] + picture["height"]


def test_no_list_without_bursts(publisher, visit):
    with served_bursts(publisher.port) as (_, receiver, url):
        publisher.wait_for_subscriber()
        page = visit(fill((publisher, receiver, url), 20), "#height=128")
        page.wait_for(lambda report: report["bursts"]["revision"] is not None)
        assert page.page.locator("#burst-list").is_hidden()
        assert page.page.locator("#burst-reading").is_hidden()


# Event streams in a browser


def test_a_browser_reads_the_event_stream_under_the_pages_policy(shown):
    show, board = shown
    page = show()
    page.page.evaluate("""() => {
      globalThis.got = [];
      globalThis.events = new EventSource("events/stream");
      events.addEventListener("burst", ({ data }) => got.push(JSON.parse(data).name));
    }""")
    page.until("() => got.length === 1")
    board.add([at("new", 120, 122)])
    page.until("() => got.length === 2")
    assert page.page.evaluate("got") == ["two", "new"]
    page.page.evaluate("events.close()")


# Places of labels


@pytest.fixture(scope="module")
def page_of_modules(browser):
    """A page whose modules can be imported."""
    with served_bursts() as (_, _, url):
        page = browser.new_page()
        page.goto(url)
        yield page
        page.close()


LABELS = """async ([boxes, taken, chosen]) => {
  const { labelsOf, strongest } = await import(new URL("page/burst-marks.mjs", document.baseURI));
  const box = { left: 0, right: 200, top: 0, bottom: 100 };
  const named = boxes.map(([name, left, right, top, bottom, peak]) => (
    { left, right, top, bottom, burst: { name, type: "III", confidence: 1, peak_db: peak } }));
  const found = labelsOf(strongest(named, chosen), { box, font: 10, width: () => 20, taken });
  return found.map(({ burst, left, top }) => [burst.name, left, top]);
}"""


@pytest.mark.parametrize(
    ("boxes", "taken", "chosen", "expected"),
    [
        ([["a", 10, 30, 50, 80, 1]], [], None, [["a", 10, 36]]),
        ([["a", 10, 30, 5, 80, 1]], [], None, [["a", 10, 7]]),
        ([["a", 190, 200, 50, 80, 1]], [], None, [["a", 174, 36]]),
        ([["a", 10, 30, 50, 80, 1], ["b", 12, 32, 50, 80, 2]], [], None, [["b", 12, 36]]),
        ([["a", 10, 30, 50, 80, 1], ["b", 12, 32, 50, 80, 2]], [], "a", [["a", 10, 36]]),
        ([["a", 10, 30, 20, 28, 1]], [{"left": 0, "right": 99, "top": 0, "bottom": 25}], None, [["a", 10, 30]]),
        ([["a", 10, 30, 50, 80, 1]], [{"left": 0, "right": 99, "top": 0, "bottom": 99}], None, []),
    ],
    ids=["above", "inside", "at the edge", "the stronger first", "the chosen first", "below", "none"],
)
def test_places_of_labels(page_of_modules, boxes, taken, chosen, expected):
    assert page_of_modules.evaluate(LABELS, [boxes, taken, chosen]) == expected
