"""The page in a real Chromium: pictures, texts and controls.

Controls are checked by the pixels and by the state of the page.
"""

import itertools
import time
from contextlib import ExitStack

import numpy as np
import pytest
from browsers import needs_chromium
from publishers import Publisher, block_time, message, producing
from webs import served

from sunspec_tui.core.colormaps import PALETTES, colours
from sunspec_tui.core.web_options import WebOptions

pytestmark = [needs_chromium, pytest.mark.xdist_group("chromium")]
NCHAN = 256
WIDE = (1600, 800)
GRAY = "#palette=gray&auto=0&floor=0&ceiling=30&height=128"
MASKED, GAP = [150, 154, 160], [226, 228, 226]


def send(publisher, n, power=10.0, *, seq=None, **keys):
    data = np.broadcast_to(np.asarray(power, np.float32), (1, NCHAN, 4)).copy()
    publisher.send(message(data, last_block_time=block_time(n), seq=n if seq is None else seq, interval=0.25, **keys))


@pytest.fixture
def still(publisher):
    """Web view whose rows are sent by the test."""
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        yield publisher, receiver, url


def fill(still, count=128, power=10.0):
    publisher, receiver, url = still
    for n in range(count):
        send(publisher, n, power)
    assert receiver.wait_for_frames(count, 20)
    return url


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
def test_colours_are_those_of_the_palette_at_the_power_of_each_place(visit, still, renderer):
    # The lower half of the band has 15 dB and the upper half 0 dB; the last row has 30 dB.
    power = np.ones((NCHAN, 1))
    power[: NCHAN // 2] = 10**1.5
    url = fill(still, 127, power)
    send(still[0], 127, 1000.0)
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
            # With equal texts, both pages have equal sizes of the picture.
            page.wait_for(lambda report: report["state"] == "STALLED", 30)
        left, right = (page.picture()[:, 40:-40] for page in pages)
    assert np.median(np.abs(left - right)) <= 2


def test_gaps_and_invalid_values_have_their_own_colours(visit, still):
    power = np.full((NCHAN, 1), 10.0)
    power[: NCHAN // 4] = np.nan
    publisher, receiver, url = still
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


def test_the_axes_are_those_of_the_stream(visit, still):
    publisher, receiver, url = still
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


def test_times_below_the_waterfall_are_those_of_the_rows(visit, still):
    ticks = visit(fill(still, 3)).page.evaluate(TICKS)
    assert ticks == [[10, 10], [20, 20], [40, 3640], [50, 3650], [60, 3660]]


def test_rows_that_were_not_sent_are_not_called_a_gap(visit, still):
    page = visit(fill(still, 3))
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


def test_a_paused_picture_keeps_its_axis(visit, still):
    page = visit(fill(still, 20), "#height=128")
    page.wait_for(lambda report: report["filled"] == 20)
    before = page.report["axis"]
    by_key(page, " ")
    # The state does not show the pause: a silent stream is stalled, also with a paused picture.
    page.until("document.querySelector('#pause').ariaPressed === 'true'")
    # The new axis is accepted with the third frame.
    for n in range(20, 25):
        send(still[0], n, chan0=1000)
    assert still[1].wait_for_frames(23, 10)
    bytes_before = page.report["bytes"]
    page.wait_for(lambda report: report["bytes"] > bytes_before)
    assert page.report["axis"] == before
    by_key(page, " ")
    page.wait_for(lambda report: report["axis"]["chan0"] == 1000 and report["filled"] == 3)


def test_a_cursor_reads_time_frequency_and_power(visit, still):
    page = visit(fill(still), GRAY)
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


def test_the_page_shows_a_lost_server_and_reconnects(visit, still):
    page = visit(fill(still, 5))
    page.wait_for(lambda report: report["filled"] == 5)
    _, receiver, url = still
    port = int(url.rsplit(":", 1)[1].strip("/"))
    receiver.set_web(False)
    page.wait_for(lambda report: report["state"] == "DISCONNECTED")
    assert "DISCONNECTED" in page.text("#banner")
    receiver.parts.web._options = WebOptions(port=port)
    assert receiver.set_web(True).url == url
    page.wait_for(lambda report: report["state"] != "DISCONNECTED" and report["counts"]["histories"] == 2)
    send(still[0], 5)
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


def test_the_page_shows_missing_and_rejected_frames(visit, still):
    publisher, receiver, url = still
    send(publisher, 0)
    send(publisher, 10)
    publisher.send([b"data", b"{", b""])
    assert receiver.wait_for_frames(2, 10)
    page = visit(url)
    page.until("document.querySelector('#missing').textContent === '9'")
    page.until("document.querySelector('#rejected').textContent === '1'")
    assert "bad" in page.page.locator("#missing").get_attribute("class")


def test_a_script_in_a_header_is_text(visit, still):
    publisher, receiver, url = still
    script = "<img src=x onerror=alert(1)>"
    send(publisher, 0, timestamp=script)
    publisher.send([script.encode(), script.encode(), script.encode()])
    assert receiver.wait_for_frames(1, 10)
    page = visit(url)
    page.wait_for(lambda report: report["filled"] == 1)
    assert page.page.locator("img").count() == 0


# Controls


@pytest.fixture
def sun(visit):
    with producing(source="simulate", speed=10) as port, served(port) as (receiver, url):
        assert receiver.wait_for_frames(60, 30)
        page = visit(url)
        page.wait_for(lambda report: report["state"] == "LIVE" and report["levels"])
        yield page


def by_key(page, key):
    page.page.keyboard.press(key)


@pytest.mark.parametrize("way", ["key", "button"])
def test_pause_keeps_the_picture_and_resume_shows_the_new_rows(sun, way):
    def press():
        by_key(sun, " ") if way == "key" else sun.page.locator("#pause").click()

    press()
    sun.wait_for(lambda report: report["state"] == "PAUSED")
    before, newest = sun.picture(), sun.report["newest"]
    seen = sun.report["bytes"]
    sun.wait_for(lambda report: report["bytes"] > seen + 20_000)
    np.testing.assert_array_equal(sun.picture(), before)
    assert sun.report["newest"] == newest
    press()
    report = sun.wait_for(lambda report: report["state"] == "LIVE" and report["newest"] > newest)
    assert report["counts"]["skipped"] == report["counts"]["twice"] == 0


def test_the_page_draws_at_the_chosen_rate(sun):
    sun.page.locator("#rate").fill("1")
    sun.wait_for(lambda report: report["settings"]["rate"] == 1 and report["fps"] <= 2)
    sun.page.locator("#rate").fill("60")
    sun.wait_for(lambda report: report["fps"] >= 10)
    by_key(sun, "-")
    assert sun.report["settings"]["rate"] == 59


def test_the_waterfall_shows_the_chosen_number_of_rows(sun):
    for rows, key in ((128, None), (192, "]"), (128, "[")):
        if key is None:
            sun.page.locator("#height").fill(str(rows))
        else:
            by_key(sun, key)
        assert sun.wait_for(lambda report, rows=rows: report["settings"]["height"] == rows)
    sun.drawn()
    narrow = (np.ptp(sun.picture(), axis=2) > 0).any(axis=0).mean()
    sun.page.locator("#height").fill("1200")
    sun.drawn()
    sun.drawn()
    wide = (np.ptp(sun.picture(), axis=2) > 40).any(axis=0).mean()
    assert wide < narrow


def test_floor_and_ceiling_are_those_of_the_colours(sun):
    sun.page.locator("#auto").uncheck()
    sun.page.locator("#floor").fill("60")
    sun.page.locator("#ceiling").fill("70")
    sun.page.locator("#ceiling").press("Enter")
    # A floor above the ceiling is refused, until the ceiling is above it.
    sun.page.locator("#floor").fill("60")
    sun.page.locator("#floor").press("Enter")
    report = sun.wait_for(lambda report: report["levels"] == [60, 70])
    assert not report["settings"]["auto"]
    sun.drawn()
    lowest = colours("viridis")[0].tolist()
    picture = sun.picture()
    assert (np.abs(picture[:, -1] - lowest).max(axis=1) <= 2).mean() > 0.9
    by_key(sun, "a")
    assert sun.wait_for(lambda report: report["settings"]["auto"] and report["levels"][1] < 60)


@pytest.mark.parametrize(("key", "which", "by"), [("(", 0, -1), (")", 0, 1), ("{", 1, -1), ("}", 1, 1)])
def test_keys_move_floor_and_ceiling(sun, key, which, by):
    name = ("floor", "ceiling")[which]
    # A paused picture keeps its automatic levels.
    by_key(sun, " ")
    before = sun.wait_for(lambda report: report["state"] == "PAUSED")["settings"][name]
    by_key(sun, key)
    report = sun.wait_for(lambda report: not report["settings"]["auto"])
    assert report["settings"][name] == pytest.approx(before + by)


def test_linear_changes_the_mapping_and_not_the_levels(sun):
    sun.page.locator("#auto").uncheck()
    sun.wait_for(lambda report: report["levels"] == [report["settings"][name] for name in ("floor", "ceiling")])
    before, levels = sun.picture(), sun.report["levels"]
    sun.page.locator("#linear").check()
    sun.drawn()
    assert sun.report["levels"] == levels
    assert np.abs(sun.picture() - before).mean() > 5
    by_key(sun, "l")
    assert sun.wait_for(lambda report: not report["settings"]["linear"])


@pytest.mark.parametrize("renderer", ["webgl", "2d"])
def test_without_background_a_steep_spectrum_is_flat_and_a_burst_is_visible(visit, still, renderer):
    publisher, receiver, url = still
    slope = 10 ** np.linspace(6, 3, NCHAN)[:, None]
    for n in range(128):
        send(publisher, n, slope * (10 if n >= 120 else 1))
    assert receiver.wait_for_frames(128, 20)
    page = visit(url, f"#palette=gray&height=128&renderer={renderer}")
    page.wait_for(lambda report: report["filled"] == 128)
    page.drawn()
    before = page.picture()[::8, 20]
    by_key(page, "b")
    report = page.wait_for(lambda report: report["settings"]["remove_background"] and report["removed"])
    page.drawn()
    picture = page.picture()
    even, burst = picture[::8, 20], picture[::8, -10]
    assert np.ptp(before) > 150
    assert np.ptp(even) <= 8
    assert burst.min() > even.max() + 100
    assert report["levels"] == pytest.approx([-0.5, 10.5], abs=0.4)
    assert page.text("#caption") == "XX, background removed"
    page.page.locator("#waterfall").hover(position={"x": 20, "y": 100})
    page.until("document.querySelector('#readout').textContent.includes('over background (')")
    by_key(page, "b")
    page.wait_for(lambda report: not report["removed"])
    page.drawn()
    np.testing.assert_allclose(page.picture()[::8, 20], before, atol=2)
    assert not page.page.locator("#caption").is_visible()


def test_a_picture_without_background_continues_and_can_be_shared(sun, visit):
    sun.page.locator("#remove_background").check()
    sun.page.locator("#height").fill("300")
    other = visit(sun.page.url)
    rows = other.wait_for(lambda report: report["removed"] and report["filled"] > 60)["next"]
    other.wait_for(lambda report: report["removed"] and report["next"] > rows + 100)
    assert other.page.locator("#remove_background").is_checked()
    assert other.page.locator("#figure").get_attribute("href") == "plot?remove_background=1"
    levels = other.report["levels"]
    assert -6 < levels[0] < 0 < levels[1] < 40
    for product in ("V", "I"):
        other.page.locator("#product").select_option(product)
        other.wait_for(lambda report, product=product: report["product"] == product and report["removed"])
        other.until(f"document.querySelector('#caption').textContent === '{product}, background removed'")


def test_removing_the_background_resets_manual_levels(sun):
    by_key(sun, " ")
    sun.wait_for(lambda report: report["state"] == "PAUSED")
    by_key(sun, ")")
    before = sun.wait_for(lambda report: not report["settings"]["auto"])["levels"]
    by_key(sun, "b")
    report = sun.wait_for(lambda report: report["removed"] and report["settings"]["auto"] and report["levels"])
    assert report["levels"][0] < before[0] - 2


def test_each_palette_has_its_own_colours(sun):
    seen = {}
    for name in PALETTES:
        sun.page.locator("#palette").select_option(name)
        sun.drawn()
        palette = {tuple(colour) for colour in colours(name).tolist()}
        picture = sun.picture()[::7, -40:].reshape(-1, 3)
        seen[name] = np.mean([tuple(pixel) in palette for pixel in picture.tolist()])
    assert min(seen.values()) > 0.95
    by_key(sun, "c")
    assert sun.wait_for(lambda report: report["settings"]["palette"] == PALETTES[0])


def test_each_product_is_shown(sun):
    for name in ("YY", "XY_real", "I", "V", "V/I"):
        sun.page.locator("#product").select_option(name)
        report = sun.wait_for(lambda report, name=name: report["product"] == name and report["filled"] > 50)
        assert report["settings"]["product"] == name
    low, high = sun.report["levels"]
    assert low == -high
    assert 0 < high <= 1.5
    by_key(sun, "x")
    sun.wait_for(lambda report: report["product"] == "XX")


def test_refresh_fetches_all_rows_anew(sun):
    before = sun.report["counts"]["histories"]
    sun.page.locator("#refresh").click()
    sun.wait_for(lambda report: report["counts"]["histories"] == before + 1)
    by_key(sun, "r")
    sun.wait_for(lambda report: report["counts"]["histories"] == before + 2 and report["counts"]["skipped"] == 0)


def test_fullscreen_is_entered_and_left(sun):
    sun.page.locator("#fullscreen").click()
    sun.until("document.fullscreenElement?.id === 'view'")
    by_key(sun, "f")
    sun.until("document.fullscreenElement === null")


def test_dark_and_light_are_chosen(sun):
    grounds = []
    for theme in ("dark", "light"):
        sun.page.locator("#theme").select_option(theme)
        grounds.append(sun.page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(15, 20, 25)", "rgb(251, 251, 249)"]


def test_keys_are_listed_and_the_list_closes(sun):
    by_key(sun, "?")
    assert sun.page.locator("#keys").is_visible()
    assert "fullscreen" in sun.text("#keys")
    sun.page.keyboard.press("Escape")
    assert not sun.page.locator("#keys").is_visible()


def test_a_view_is_shared_by_its_address(sun, visit):
    sun.page.locator("#palette").select_option("turbo")
    sun.page.locator("#linear").check()
    sun.page.locator("#product").select_option("V/I")
    sun.page.locator("#height").fill("300")
    address = sun.page.url
    other = visit(address)
    report = other.wait_for(lambda report: report["product"] == "V/I")
    chosen = {key: report["settings"][key] for key in ("palette", "product", "height", "linear")}
    assert chosen == {"palette": "turbo", "product": "V/I", "height": 300, "linear": True}


@pytest.mark.parametrize(
    "address",
    [
        "#toString=1&height=600.5&auto=0&floor=50&ceiling=10",
        "#product=ZZ",
        "#height=5&rate=1000&palette=nonsense",
        "#floor=abc&ceiling=1e99&auto=2",
        "#renderer=x&theme=<b>",
        "#product=<img>",
    ],
)
def test_invalid_settings_in_the_address_keep_the_defaults(visit, still, address):
    url = fill(still, 3)
    settings = visit(url, address).wait_for(lambda report: report["state"])["settings"]
    assert (settings["height"], settings["rate"], settings["palette"]) == (600, 30, "viridis")
    assert (settings["theme"], settings["product"]) == ("system", "XX")
    visit(url, address).wait_for(lambda report: report["filled"] == 3 and report["drawn"])


def test_the_footer_shows_the_counts_of_the_page(sun):
    sun.wait_for(lambda report: report["fps"] > 3)
    text = sun.text("#statistics")
    assert "frames/s drawn" in text
    assert "0 skipped, 0 twice" in text


# Sizes and names


@pytest.mark.parametrize("size", [(360, 640), (390, 844), (1440, 900), (3840, 2160)])
def test_nothing_is_cut_off_on_any_screen(visit, still, size):
    page = visit(fill(still, 20), size=size)
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


def test_every_control_has_a_name(visit, still):
    page = visit(fill(still, 3)).page
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
