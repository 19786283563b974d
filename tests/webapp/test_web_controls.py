"""The controls of the page, in a real Chromium.

Controls are checked by the pixels and by the state of the page.
"""

import numpy as np
import pytest
from browsers import needs_chromium
from publishers import producing
from web_pages import NCHAN, fill, send
from webs import served

from sunspec_tui.core.colormaps import PALETTES, colours

pytestmark = needs_chromium


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
def test_without_background_a_steep_spectrum_is_flat_and_a_burst_is_visible(visit, fed_web, renderer):
    publisher, receiver, url = fed_web
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
def test_invalid_settings_in_the_address_keep_the_defaults(visit, fed_web, address):
    url = fill(fed_web, 3)
    settings = visit(url, address).wait_for(lambda report: report["state"])["settings"]
    assert (settings["height"], settings["rate"], settings["palette"]) == (600, 30, "viridis")
    assert (settings["theme"], settings["product"]) == ("system", "XX")
    visit(url, address).wait_for(lambda report: report["filled"] == 3 and report["drawn"])


def test_the_footer_shows_the_counts_of_the_page(sun):
    sun.wait_for(lambda report: report["fps"] > 3)
    text = sun.text("#statistics")
    assert "frames/s drawn" in text
    assert "0 skipped, 0 twice" in text
