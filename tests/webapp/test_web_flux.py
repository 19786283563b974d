"""A flux scale in the web view."""

import httpx
import numpy as np
import pytest
from browsers import needs_chromium
from web_pages import fill
from webs import Watcher, served

FACTOR = 0.5


@pytest.fixture
def scaled_web(publisher):
    """Web view in sfu; its receiver and address."""
    with served(publisher.port, flux_scale=FACTOR) as (receiver, url):
        publisher.wait_for_subscriber()
        yield receiver, fill((publisher, receiver, url))


@pytest.mark.parametrize(("product", "unit"), [("XX", "sfu"), ("V/I", "1")])
def test_answers_name_the_unit_of_their_powers(scaled_web, product, unit):
    _, url = scaled_web
    answer = httpx.get(f"{url}refresh", params={"product": product, "n_frames": 4}).json()
    assert answer["unit"] == unit
    value = 10 * FACTOR if product == "XX" else 1.0
    np.testing.assert_allclose(answer["rows"], value)
    assert httpx.get(f"{url}status").json()["unit"] == "sfu"


def test_the_live_stream_names_the_unit(scaled_web):
    _, url = scaled_web
    watcher = Watcher(url)
    try:
        np.testing.assert_allclose(watcher.history().values, 10 * FACTOR, rtol=0.01)
        assert watcher.told("axis")["unit"] == "sfu"
    finally:
        watcher.socket.close()


@needs_chromium
def test_the_page_shows_the_unit(scaled_web, visit):
    _, url = scaled_web
    page = visit(url, "#height=128")
    page.wait_for(lambda report: report["filled"] == 128)
    assert page.report["axis"]["unit"] == "sfu"
    box = page.page.locator("#waterfall").bounding_box()
    page.page.mouse.move(box["x"] + 99, box["y"] + 50)
    # The page's powers are rounded.
    page.until(
        r"() => /XX [67]\.\d\d dB\(sfu\) \([45]\.?\d* sfu\)$/.test(document.getElementById('readout').innerText)"
    )
    assert page.text("label:has(#floor)").split() == ["Floor", "dB(sfu)"]


UNITS = """async (cases) => {
  const { barUnit, levelUnit } = await import(new URL("page/levels.mjs", document.baseURI));
  const { describePower } = await import(new URL("page/status-text.mjs", document.baseURI));
  return cases.map(([unit, product, decibels, over]) =>
    [barUnit(unit, product, decibels), levelUnit(unit), describePower(0, 10, product, over, unit)]);
}"""


@needs_chromium
def test_units_of_the_page(scaled_web, visit):
    page = visit(scaled_web[1])
    cases = [
        (["arbitrary", "XX", True, None], ["dB", "dB", "10.00 dB (10)"]),
        (["arbitrary", "V", False, None], ["linear", "dB", "10"]),
        (["sfu", "XX", True, None], ["dB(sfu)", "dB(sfu)", "10.00 dB(sfu) (10 sfu)"]),
        (["sfu", "XX", False, 100], ["sfu", "dB(sfu)", "+20.00 dB over background (10.00 dB(sfu) (10 sfu))"]),
        (["sfu", "V", False, 2], ["sfu", "dB(sfu)", "+2 sfu over background (10 sfu)"]),
        (["sfu", "V/I", False, None], ["", "dB(sfu)", "10"]),
    ]
    assert page.page.evaluate(UNITS, [given for given, _ in cases]) == [expected for _, expected in cases]
