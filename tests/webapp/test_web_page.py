"""The pictures and texts of the page, in a real Chromium."""

import itertools
import time
from contextlib import ExitStack

import numpy as np
import pytest
from browsers import needs_chromium
from publishers import Publisher, producing
from waiting import poll_until
from web_pages import GRAY, NCHAN, fill, send
from webs import served

from sunspec_tui.core.web_options import WebOptions

pytestmark = needs_chromium
WIDE = (1600, 800)
MASKED, GAP = [150, 154, 160], [226, 228, 226]


# The picture


def test_the_waterfall_moves(visit):
    with producing(source="simulate", speed=10) as port, served(port) as (_, url):
        page = visit(url, "#height=128")
        page.wait_for(lambda report: report["state"] == "LIVE" and report["counts"]["received"] > 10)
        before = page.picture()
        page.wait_for(lambda report: report["counts"]["received"] > 60)
        after = page.picture()
    assert before.shape == after.shape
    assert np.abs(before - after).max() > 50


@pytest.mark.parametrize("renderer", ["webgl", "2d"])
def test_colours_are_those_of_the_palette_at_the_power_of_each_place(visit, fed_web, renderer):
    # The lower half of the band has 15 dB and the upper half 0 dB; the last row has 30 dB.
    power = np.ones((NCHAN, 1))
    power[: NCHAN // 2] = 10**1.5
    url = fill(fed_web, 127, power)
    send(fed_web[0], 127, 1000.0)
    page = visit(url, f"{GRAY}&renderer={renderer}")
    report = page.wait_for(lambda report: report["filled"] == 128)
    page.drawn()
    picture = page.picture()
    height, width, _ = picture.shape
    assert report["renderer"] == {"webgl": "WebGL2", "2d": "2D canvas"}[renderer]
    column = width // 128
    assert np.abs(picture[height * 3 // 4, : width - 2 * column] - 128).max() <= 3
    assert picture[height // 4, : width - 2 * column].max() <= 2
    assert picture[:, width - 1].min() >= 253


def test_both_renderers_draw_the_same_picture(visit):
    with ExitStack() as opened:
        with producing(source="simulate", speed=20, seed=5) as port:
            receiver, url = opened.enter_context(served(port))
            assert receiver.wait_for_frames(300, 60)
            settings = "#auto=0&floor=0&ceiling=20&height=300&renderer="
            pages = [visit(url, settings + each, size=WIDE) for each in ("webgl", "2d")]
        # The producer has ended, so both pages get the same rows. The receiver may still read the last of them.
        for page in pages:
            page.wait_for(lambda report: report["next"] == receiver.position().count, 30)
            page.wait_for(lambda report: report["state"] == "STALLED", 30)

        def pictures():
            # With equal texts, both pages have equal sizes of the picture. One may have the newest burst earlier.
            left, right = (page.picture()[:, 40:-40] for page in pages)
            return (left, right) if left.shape == right.shape else None

        left, right = poll_until(pictures, 30, "two pictures of the same size")
    assert np.median(np.abs(left - right)) <= 2


def test_gaps_and_invalid_values_have_their_own_colours(visit, fed_web):
    power = np.full((NCHAN, 1), 10.0)
    power[: NCHAN // 4] = np.nan
    publisher, receiver, url = fed_web
    for n in range(64):
        send(publisher, n, power)
    for n in range(96, 128):
        send(publisher, n, power)
    assert receiver.wait_for_frames(96, 20)
    page = visit(url, f"{GRAY}&theme=light")
    page.wait_for(lambda report: report["filled"] == 96)
    page.drawn()
    picture = page.picture()
    height, width, _ = picture.shape
    assert picture[height // 2, int(width * 0.62)].tolist() == GAP
    assert picture[height - 2, int(width * 0.3)].tolist() == MASKED
    assert np.abs(picture[height // 2, int(width * 0.3)] - 85).max() <= 3
    page.page.locator("#waterfall").hover(position={"x": 550, "y": 100})
    page.drawn()
    assert "gap: no row was received" in page.text("#readout")


def test_the_axes_are_those_of_the_stream(visit, fed_web):
    publisher, receiver, url = fed_web
    send(publisher, 0, chan0=1000)
    assert receiver.wait_for_frames(1, 10)
    axis = visit(url).wait_for(lambda report: report["axis"] and report["filled"])["axis"]
    width_mhz = 98 / 4096
    assert axis["first_mhz"] == pytest.approx((1000 + 1.5) * width_mhz, abs=0.1)
    assert axis["bins"] == NCHAN // 4


TICKS = """async () => {
  const { ticksOfRows } = await import(new URL("page/axes-canvas.mjs", document.baseURI));
  const places = Int32Array.from({ length: 60 }, (_, n) => n < 20 || n >= 30 ? n : -1);
  // 20 rows before an hour's jump of the clock, a gap, and 30 rows after.
  const times = Float64Array.from({ length: 60 }, (_, n) => (n < 20 ? 0 : 3600) + 1000 * 3600 + n + 1);
  return ticksOfRows({ times, filled: 50 }, places, 1, 6).map(({ at, moment }) => [at, moment - 1000 * 3600]);
}"""


def test_times_below_the_waterfall_are_those_of_the_rows(visit, fed_web):
    ticks = visit(fill(fed_web, 3)).page.evaluate(TICKS)
    assert ticks == [[10, 10], [20, 20], [40, 3640], [50, 3650], [60, 3660]]


def test_rows_that_were_not_sent_are_not_called_a_gap(visit, fed_web):
    page = visit(fill(fed_web, 3))
    assert page.page.evaluate("""async () => {
      const { RowBuffer, GAP, UNSENT } = await import(new URL("page/row-buffer.mjs", document.baseURI));
      const history = new RowBuffer();
      const message = (kind, first, slot) => ({
        kind, first, rows: 1, bins: 1, product: "XX", epoch: 0,
        times: [first], slots: [slot], marks: [0], values: new Float32Array(1),
      });
      history.add(message(1, 1, 1));
      history.add(message(2, 2, 4));
      history.add(message(2, 5, 7));
      return [...history.window(7)].map((each) => each === GAP ? "gap" : each === UNSENT ? "unsent" : "row");
    }""") == ["row", "gap", "gap", "row", "unsent", "unsent", "row"]


def test_a_paused_picture_keeps_its_axis(visit, fed_web):
    page = visit(fill(fed_web, 20), "#height=128")
    page.wait_for(lambda report: report["filled"] == 20)
    before = page.report["axis"]
    page.page.keyboard.press(" ")
    # The state does not show the pause: a silent stream is stalled, also with a paused picture.
    page.until("document.querySelector('#pause').ariaPressed === 'true'")
    # The new axis is accepted with the third frame.
    for n in range(20, 25):
        send(fed_web[0], n, chan0=1000)
    assert fed_web[1].wait_for_frames(23, 10)
    bytes_before = page.report["bytes"]
    page.wait_for(lambda report: report["bytes"] > bytes_before)
    assert page.report["axis"] == before
    page.page.keyboard.press(" ")
    page.wait_for(lambda report: report["axis"]["chan0"] == 1000 and report["filled"] == 3)


def test_a_cursor_reads_time_frequency_and_power(visit, fed_web):
    page = visit(fill(fed_web), GRAY)
    page.wait_for(lambda report: report["filled"] == 128)
    page.page.locator("#waterfall").focus()
    page.page.keyboard.press("ArrowLeft")
    page.drawn()
    text = page.text("#readout")
    # One row before the last: 126 steps of 0.25 s after 21:34:54.
    assert "21:35:25.50 UTC" in text
    assert "10.00 dB (10)" in text
    page.page.keyboard.press("Escape")
    page.drawn()
    assert "Point at" in page.text("#readout")


# Texts about the stream


def test_every_row_reaches_the_page_once_also_from_a_bursty_producer(visit):
    with producing(source="simulate", speed=20, burst="8") as port, served(port) as (receiver, url):
        page = visit(url)
        page.wait_for(lambda report: report["counts"]["received"] >= 400, 40)
        received = receiver.snapshot().health.frames_received
        report = page.wait_for(lambda report: report["next"] >= received)
    assert (report["counts"]["skipped"], report["counts"]["twice"], report["counts"]["histories"]) == (0, 0, 1)


def test_the_end_and_return_of_the_producer_are_shown_within_four_seconds(visit):
    with producing(source="simulate") as port:
        first = served(port)
        _, url = first.__enter__()
        page = visit(url)
        page.wait_for(lambda report: report["state"] == "LIVE")
    begun_s = time.monotonic()
    try:
        page.wait_for(lambda report: report["state"] == "STALLED")
        assert time.monotonic() - begun_s < 4
        assert "STALLED: no frame for" in page.text("#banner")
        assert page.page.evaluate("document.documentElement.classList.contains('stale')")
        again = Publisher(port)
        try:
            again.wait_for_subscriber()
            more = itertools.count()

            def lives(report):
                send(again, next(more))
                return report["state"] == "LIVE"

            page.wait_for(lives)
        finally:
            again.close()
    finally:
        first.__exit__(None, None, None)


def test_the_page_shows_a_lost_server_and_reconnects(visit, fed_web):
    page = visit(fill(fed_web, 5))
    page.wait_for(lambda report: report["filled"] == 5)
    _, receiver, url = fed_web
    port = int(url.rsplit(":", 1)[1].strip("/"))
    receiver.set_web(False)
    page.wait_for(lambda report: report["state"] == "DISCONNECTED")
    assert "DISCONNECTED" in page.text("#banner")
    receiver.parts.web._options = WebOptions(port=port)
    assert receiver.set_web(True).url == url
    page.wait_for(lambda report: report["state"] != "DISCONNECTED" and report["counts"]["histories"] == 2)
    send(fed_web[0], 5)
    page.wait_for(lambda report: report["filled"] == 6 and report["counts"]["received"] == 1)


def test_the_page_reports_that_no_frame_has_come_yet(visit):
    with served() as (_, url):
        page = visit(url)
        page.wait_for(lambda report: report["state"] == "CONNECTING")
        assert "Nothing has been received yet" in page.text("#banner")


def test_the_first_picture_has_no_banner_over_it_whenever_readings_are_due(visit):
    with producing(source="simulate") as port, served(port) as (receiver, url):
        assert receiver.wait_for_frames(5, 20)
        page = visit(url, before=lambda page: page.add_init_script("window.setInterval = (call) => call()"))
        page.wait_for(lambda report: report["filled"] and report["state"] == "LIVE")
        assert not page.page.locator("#banner").is_visible()


def test_the_page_shows_missing_and_rejected_frames(visit, fed_web):
    publisher, receiver, url = fed_web
    send(publisher, 0)
    send(publisher, 10)
    publisher.send([b"data", b"{", b""])
    assert receiver.wait_for_frames(2, 10)
    page = visit(url)
    page.until("document.querySelector('#missing').textContent === '9'")
    page.until("document.querySelector('#rejected').textContent === '1'")
    assert "bad" in page.page.locator("#missing").get_attribute("class")


SUN_TEXTS = """async (records) => {
  const { sunText } = await import(new URL("page/status-text.mjs", document.baseURI));
  return records.map(sunText);
}"""


def test_the_page_shows_the_suns_position_and_its_next_rise_or_set(visit, fed_web):
    record = {
        "sun_elevation_deg": 34.21, "sun_azimuth_deg": 151.4,
        "sun_next": "set", "sun_next_time": "2026-11-28T00:36:44.5Z",
    }  # fmt: skip
    records = [record, record | {"sun_next": None, "sun_next_time": None}, record | {"sun_elevation_deg": None}, {}]
    page = visit(fed_web[2])
    assert page.page.evaluate(SUN_TEXTS, records) == ["34.2°, az 151°, sets 00:36 UTC", "34.2°, az 151°", "", ""]
    page.until("/^-?[0-9.]+°, az [0-9]+°, (rises|sets) [0-9:]+ UTC$/.test(document.querySelector('#sun').textContent)")


def test_a_script_in_a_header_is_text(visit, fed_web):
    publisher, receiver, url = fed_web
    script = "<img src=x onerror=alert(1)>"
    send(publisher, 0, timestamp=script)
    publisher.send([script.encode(), script.encode(), script.encode()])
    assert receiver.wait_for_frames(1, 10)
    page = visit(url)
    page.wait_for(lambda report: report["filled"] == 1)
    assert page.page.locator("img").count() == 0


# Sizes and names


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (1440, 900), (3840, 2160)])
def test_nothing_is_cut_off_on_any_screen(visit, fed_web, size):
    page = visit(fill(fed_web, 20), size=size)
    page.wait_for(lambda report: report["filled"] == 20)
    page.wait_for(lambda report: report["drawn"])
    assert page.page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for what in ("#state", "#spectrum", "#waterfall", "#pause", "#product", "#statistics"):
        box = page.page.locator(what).bounding_box()
        assert box["x"] >= 0, what
        assert box["x"] + box["width"] <= size[0] + 1, what
    assert page.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 13
    waterfall = page.page.locator("#waterfall").bounding_box()
    assert waterfall["height"] > 0.2 * size[1]


def test_every_control_has_a_name(visit, fed_web):
    page = visit(fill(fed_web, 3)).page
    for role, names in {
        "button": ["Pause", "Refresh data", "Fullscreen", "Keys"],
        "combobox": ["Product", "Palette", "Theme"],
        "slider": ["Updates", "Rows"],
        "spinbutton": ["Floor", "Ceiling"],
        "checkbox": ["Automatic", "Linear", "Remove background"],
        "img": ["Spectrum", "Waterfall"],
    }.items():
        for name in names:
            assert page.get_by_role(role, name=name).count() == 1, name
