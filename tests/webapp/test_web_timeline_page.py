"""The page shows a whole day, in a real Chromium."""

import re

import httpx
import numpy as np
import pytest
from browsers import needs_chromium
from days import BEGIN_S, DAY_S, day, stream_frequencies_hz
from timelines import RowTimeline
from web_pages import NCHAN, fill, send
from webs import served

from sunspec_tui.core.notes import Note

pytestmark = needs_chromium
NBINS = NCHAN // 4
LOADED = "sunspec.report.timeline.columns > 0 && !sunspec.report.timeline.loading"
FIXED = "#palette=gray&auto=0&floor=0&ceiling=30&theme=dark"


@pytest.fixture(scope="module")
def timeline():
    return day(nbins=NBINS)


@pytest.fixture
def day_web(timeline):
    with served() as (receiver, url):
        receiver.timeline = lambda: timeline
        yield url


def show(visit, url, settings=f"#span={DAY_S}", **options):
    page = visit(url, settings, **options)
    page.until(LOADED)
    page.drawn()
    return page


def interval(page):
    found = page.report["timeline"]
    return found["begin"], found["end"]


def test_a_day_shows_bursts_gaps_and_restarts_at_their_times(visit, day_web):
    page = show(visit, day_web, f"{FIXED}&span={DAY_S}")
    picture = page.picture()
    height, width, _ = picture.shape

    def colour(hour):
        return picture[height // 2, int(hour / 24 * width) + 1].tolist()

    # The highest of 10 and a few per cent is 10.3 dB of 30, and the burst is white.
    assert np.abs(np.array(colour(3)) - 88).max() <= 6
    columns = picture[height // 2, :, 0]
    burst = np.flatnonzero(columns > 250)
    assert abs(burst.mean() / width * 24 - 12) < 0.1
    assert len(burst) <= 6
    assert colour(6.25) == [30, 37, 44]
    caption = page.text("#caption")
    assert "XX highest of 128 s" in caption
    assert "2026-11-27 00:00:00 – 2026-11-28 00:00:00 UTC" in caption
    wide = page.page.locator("#waterfall").bounding_box()["width"]
    page.page.locator("#waterfall").hover(position={"x": 0.5 * wide, "y": 90})
    page.drawn()
    assert "2026-11-27 11:58:56–12:01:04 UTC" in page.text("#readout")
    assert "XX highest of 128 s 30.0" in page.text("#readout")
    page.page.locator("#waterfall").hover(position={"x": 0.26 * wide, "y": 90})
    page.drawn()
    assert "gap: no row was received" in page.text("#readout")


def test_means_can_be_shown_and_signed_products_have_only_means(visit, day_web):
    page = show(visit, day_web, f"#span={DAY_S}&product=V")
    assert "V mean of 128 s" in page.text("#caption")
    page = show(visit, day_web, f"{FIXED}&span={DAY_S}&show=mean")
    assert "XX mean of 128 s" in page.text("#caption")
    # A burst of one row in sixteen is diluted.
    assert page.picture()[:, :, 0].max() < 200


def test_the_wheel_zooms_about_the_pointer_and_a_drag_pans(visit, day_web):
    page = show(visit, day_web)
    box = page.page.locator("#waterfall").bounding_box()
    x, y = box["x"] + 0.25 * box["width"], box["y"] + 50
    page.page.mouse.move(x, y)
    page.page.mouse.wheel(0, -500)
    page.until(f"!sunspec.report.timeline.follows && {LOADED}")
    begin, end = interval(page)
    assert end - begin == pytest.approx(DAY_S * np.exp(-0.75), rel=0.01)
    assert begin + 0.25 * (end - begin) == pytest.approx(BEGIN_S + 0.25 * DAY_S, abs=200)
    page.page.mouse.down()
    page.page.mouse.move(x + 0.1 * box["width"], y, steps=4)
    page.page.mouse.up()
    page.until(f"sunspec.report.timeline.begin < {begin - 1}")
    moved_begin, moved_end = interval(page)
    assert moved_end - moved_begin == pytest.approx(end - begin, rel=1e-6)
    assert begin - moved_begin == pytest.approx(0.1 * (end - begin), rel=0.05)


def test_keys_zoom_pan_and_return_to_live(visit, day_web):
    page = show(visit, day_web)
    press = page.page.keyboard.press
    press("PageUp")
    page.until("!sunspec.report.timeline.follows")
    assert interval(page)[1] == pytest.approx(BEGIN_S + DAY_S / 2, abs=1)
    assert page.page.locator("#to_live").get_attribute("aria-pressed") == "false"
    press("z")
    page.until(f"{LOADED} && sunspec.report.timeline.step === 64")
    press("End")
    page.until("sunspec.report.timeline.follows")
    assert interval(page) == pytest.approx((BEGIN_S + DAY_S / 2, BEGIN_S + DAY_S), abs=1)
    press("Home")
    page.until("!sunspec.report.timeline.follows")
    assert interval(page)[0] == pytest.approx(BEGIN_S, abs=1)
    press("d")
    page.until(f"sunspec.report.timeline.follows && {LOADED}")
    assert interval(page) == pytest.approx((BEGIN_S, BEGIN_S + DAY_S), abs=1)


def test_zooming_in_reaches_the_rows_with_their_own_values(visit, timeline):
    rows = RowTimeline.steady(BEGIN_S, 0.25, np.full((2400, NBINS, 4), 10, np.float32))
    rows.data[1201, 30] = 500
    with served() as (receiver, url):
        receiver.timeline = lambda: rows
        page = show(visit, url, f"{FIXED}&start={BEGIN_S + 280}&end={BEGIN_S + 320}")
        assert page.report["timeline"]["columns"] == 160
        assert "XX rows" in page.text("#caption")
        box = page.page.locator("#waterfall").bounding_box()
        page.page.locator("#waterfall").hover(
            position={"x": (20.375 / 40) * box["width"], "y": (1 - 30.5 / NBINS) * box["height"]}
        )
        page.drawn()
        assert "00:05:00.50 UTC" in page.text("#readout")
        assert re.search(r"XX 2(6\.9|7\.0)\d dB", page.text("#readout"))


def test_a_shared_address_opens_the_same_interval(visit, day_web):
    page = show(visit, day_web, f"#span={DAY_S}&product=I&theme=light")
    page.page.keyboard.press("PageUp")
    page.page.keyboard.press("z")
    page.until(f"{LOADED} && location.hash.includes('start=')")
    address = page.page.evaluate("location.href")
    other = show(visit, address, "")
    assert interval(other) == pytest.approx(interval(page), abs=0.02)
    assert other.report["settings"]["product"] == "I"
    assert "token" not in address
    assert other.text("#caption") == page.text("#caption")


def test_live_rows_continue_at_the_right_edge_of_a_long_span(visit, fed_web):
    publisher, receiver, url = fed_web
    fill(fed_web, 8, power=10.0)
    newest_s = receiver.timeline().extent().end_s
    stored = RowTimeline.steady(newest_s - 1800, 0.25, np.full((7200, NBINS, 4), 10, np.float32))
    stored.frequencies_hz = stream_frequencies_hz(NBINS)
    receiver.timeline = lambda: stored
    page = show(visit, url, f"{FIXED}&span=600")
    before = interval(page)
    for n in range(8, 128):
        send(publisher, n, 1000.0)
    page.wait_for(lambda report: report["newest"] and report["filled"] == 128)
    page.until(f"sunspec.report.timeline.end > {before[1] + 29}")
    page.drawn()
    picture = page.picture()
    height, width, _ = picture.shape
    # The 30 s that are not in the tiles yet are a twentieth of the picture.
    assert picture[height // 2, int(width * 0.97)].min() > 250
    assert np.abs(picture[height // 2, int(width * 0.9)] - 85).max() <= 6


def test_finished_tiles_are_taken_from_the_cache_of_the_browser(visit, day_web):
    page = show(visit, day_web)
    seen = []
    page.page.on("request", lambda request: seen.append(request.url))
    page.page.reload()
    page.wait_for(lambda report: report is not None)
    page.until(LOADED)
    sizes = page.page.evaluate(
        "performance.getEntriesByType('resource').filter((each) => each.name.includes('history?'))"
        ".map((each) => each.transferSize)"
    )
    assert len(sizes) >= 11
    # Only the last tile is not finished.
    assert sum(size > 0 for size in sizes) <= 2
    assert not [url for url in seen if "token" in url]


def test_a_monitor_without_a_timeline_shows_its_rows_and_says_why(visit, fed_web):
    fed_web[1].timeline = lambda: None
    page = visit(fill(fed_web), "#height=1200")
    page.wait_for(lambda report: report["filled"] == 128)
    page.page.keyboard.press("]")
    page.until("sunspec.report.timeline.problem !== ''")
    page.until("!sunspec.report.timeline.active")
    assert page.report["settings"]["height"] == 1200
    page.until("document.querySelector('#readout').textContent.includes('keeps no rows beyond its ring')")
    page.complaints.clear()


HOSTILE = [
    "#start=1e99&end=2e99", "#start=-5&end=5", "#start=NaN&end=NaN", "#start=9&end=8", "#span=1e12", "#span=-1",
    "#start=1795737600&end=1795737601", "#show=%3Cimg%20src=x%20onerror=alert(1)%3E&span=x",
    "#start=0&end=253402300799",
]  # fmt: skip


def test_hostile_addresses_show_the_newest_rows(visit, fed_web):
    url = fill(fed_web, 20)
    page = visit(url)
    for settings in HOSTILE:
        page.page.evaluate("(hash) => { location.hash = hash; }", settings)
        page.drawn()
        assert page.report["timeline"]["active"] is False, settings
    assert page.page.locator("img").count() == 0


BROKEN = [b"", b"\x09" * 200, b"\x01\0\0\0" + b"\xff" * 200, b"\x01" * 3000, b"<script>alert(1)</script>"]


def test_columns_that_are_not_understood_are_reported_as_text(visit, day_web):
    bodies = iter(BROKEN * 10)

    def broken(page):
        page.route("**/history?*", lambda route: route.fulfill(status=200, body=next(bodies)))

    page = visit(day_web, f"#span={DAY_S}", before=broken)
    page.until(f"sunspec.report.timeline.requests > {len(BROKEN)} && sunspec.report.timeline.problem !== ''")
    page.drawn()
    assert "does not understand" in page.text("#caption")
    assert page.page.locator("#caption *").count() == 0


def test_an_error_of_the_server_is_text_and_the_tiles_are_requested_again(visit, day_web):
    script = "<img src=x onerror=alert(1)>"
    failing = [True]

    def route(page):
        def answer(route):
            if failing[0]:
                route.fulfill(status=503, json={"error": script})
            else:
                route.continue_()

        page.route("**/history?*", answer)

    page = visit(day_web, f"#span={DAY_S}", before=route)
    page.until("sunspec.report.timeline.problem !== ''")
    page.drawn()
    assert script in page.text("#caption")
    assert page.page.locator("img").count() == 0
    failing[0] = False
    page.until(LOADED)
    page.complaints.clear()


@pytest.mark.parametrize("size", [(360, 640), (1440, 900)])
def test_the_day_fits_the_screen_and_the_memory_is_bounded(visit, day_web, size):
    page = show(visit, day_web, size=size)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for what in ("#period", "#earlier", "#later", "#zoom_in", "#zoom_out", "#to_live", "#show", "#caption"):
        box = page.page.locator(what).bounding_box()
        assert box["x"] >= 0, what
        assert box["x"] + box["width"] <= size[0] + 1, what
    assert page.report["timeline"]["memory"] < 64 * 2**20
    assert page.report["timeline"]["columns"] <= 1024
    for role, names in {
        "button": ["Earlier", "Later", "Zoom in", "Zoom out", "Live"],
        "combobox": ["Span", "Columns"],
    }.items():
        assert [page.page.get_by_role(role, name=name, exact=True).count() for name in names] == [1] * len(names)


def test_two_fingers_zoom_and_one_finger_pans(visit, day_web):
    page = show(visit, day_web)
    box = page.page.locator("#waterfall").bounding_box()
    y = box["y"] + 60

    def touch(kind, *xs):
        points = [{"x": box["x"] + x * box["width"], "y": y, "id": n} for n, x in enumerate(xs)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    session = page.context.new_cdp_session(page.page)
    touch("touchStart", 0.4, 0.6)
    for wide in (0.12, 0.16, 0.2):
        touch("touchMove", 0.5 - wide, 0.5 + wide)
    touch("touchEnd")
    page.until("!sunspec.report.timeline.follows")
    begin, end = interval(page)
    assert end - begin == pytest.approx(DAY_S / 2, rel=0.1)
    touch("touchStart", 0.3)
    for x in (0.35, 0.4, 0.5):
        touch("touchMove", x)
    touch("touchEnd")
    page.until(f"sunspec.report.timeline.begin < {begin - 600}")


def test_the_page_asks_with_the_cookie_and_never_with_the_token_in_the_address(visit, timeline):
    token = "correct-horse-battery"
    with served(web={"host": "0.0.0.0", "token": token}) as (receiver, url):
        receiver.timeline = lambda: timeline
        address = f"http://127.0.0.1:{httpx.URL(url).port}/"
        seen = []
        page = visit(
            f"{address}?token={token}",
            f"#span={DAY_S}",
            before=lambda page: page.on("request", lambda r: seen.append(r.url)),
        )
        page.until(LOADED)
        tiles = [each for each in seen if "history?" in each]
        assert len(tiles) >= 11
        assert not [each for each in tiles if token in each]


def test_notes_and_the_unit_are_on_the_day_as_on_the_rows(visit, timeline, tmp_path):
    with served(notes_path=tmp_path / "notes.jsonl", flux_scale=0.5) as (receiver, url):
        receiver.timeline = lambda: timeline
        receiver.notes.add(Note(BEGIN_S + DAY_S / 4, "<img src=x> a"))
        receiver.notes.add(Note(BEGIN_S + DAY_S / 2, "an hour", BEGIN_S + DAY_S / 2 + 3600))
        page = show(visit, url)
        page.wait_for(lambda report: report["notes"] and len(report["notes"]) == 2)
        np.testing.assert_allclose(page.report["notes"], [[0.25, 0.25], [0.5, 0.5 + 1 / 24]], atol=1e-6)
        wide = page.page.locator("#waterfall").bounding_box()["width"]
        page.page.locator("#waterfall").hover(position={"x": 0.25 * wide, "y": 90})
        page.until("() => !document.getElementById('note').hidden")
        assert page.text("#note") == "06:00:00 <img src=x> a"
        page.page.locator("#waterfall").hover(position={"x": 0.1 * wide, "y": 90})
        page.until("() => document.getElementById('note').hidden")
        assert re.search(r"XX highest of 128 s .* dB\(sfu\) \(.* sfu\)", page.text("#readout"))
        assert page.text("label:has(#floor)").split() == ["Floor", "dB(sfu)"]
