"""The page of the index: valid, safe, relative, readable by everybody."""

from html.parser import HTMLParser

import numpy as np
import pytest
from browsers import chromium, needs_chromium
from day_archives import DAY_S, add_rows

from sunspec_tui.files.archive_notes import PrintableNote
from sunspec_tui.plots.index_page import index_page
from sunspec_tui.plots.index_record import DayRecord, FileRecord, IndexRecord
from sunspec_tui.plots.index_tasks import PictureOptions
from sunspec_tui.plots.index_update import IndexUpdater
from sunspec_tui.plots.process_pool import run_here

HOSTILE = "<script>alert(1)</script>\"'&\x1b[2J\u202e"
NOON_S = DAY_S + 12 * 3600


class Elements(HTMLParser):
    """Elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.words = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def picture(**keys):
    return FileRecord(
        [["2025-08-18.zarr", 0, 60]], 1, NOON_S, NOON_S + 600, 60, low_mhz=15, high_mhz=85, product="I", **keys
    )


def page_of(days, notes=(), present=()):
    return Elements(index_page(IndexRecord({}, days), {"2025-08-18": list(notes)}, set(present or days)))


def test_text_from_outside_is_escaped():
    days = {"2025-08-18": DayRecord([], {"day": picture(error=HOSTILE), "12": picture(error=HOSTILE)}, HOSTILE)}
    notes = [PrintableNote(NOON_S, None, HOSTILE, HOSTILE), PrintableNote(NOON_S, NOON_S + 60, HOSTILE, "")]
    days["2025-08-18"].files["20250818_120000_20250818_120100"] = picture(remark=HOSTILE)
    page = page_of(days, notes)
    assert page.named("script") == []
    assert page.text.count("<script>alert(1)</script>") == 7
    assert "\x1b" not in page.text
    assert "\u202e" not in page.text


def test_links_are_relative_and_nothing_comes_from_elsewhere():
    key = "20250818_120000_20250818_120100"
    days = {"2025-08-18": DayRecord([], {"day": picture(), "12": picture(), key: picture(nbytes=1_500_000)})}
    page = page_of(days, [PrintableNote(NOON_S, NOON_S + 60, "burst", "PC")])
    links = [each["href"] for each in page.named("a")] + [each["src"] for each in page.named("img")]
    assert [link.partition("?")[0] for link in links] == [
        "2025-08-18/quicklook_20250818.png", "2025-08-18/quicklook_20250818_12.png",
        f"2025-08-18/interval_{key}.fits", "2025-08-18/thumbnail_20250818.png",
    ]  # fmt: skip
    assert {tag for tag, _ in page.elements}.isdisjoint({"script", "link", "iframe", "form", "object", "base"})
    assert "url(" not in page.text
    assert "@import" not in page.text
    assert "12:00:00–12:01:00 burst PC" in page.text
    assert "FITS I of 12:00:00–12:01:00 (60 rows, 1.5 MB)" in page.text


def test_a_picture_has_a_text_and_a_page_its_language():
    page = page_of({"2025-08-18": DayRecord([], {"day": picture()})})
    (image,) = page.named("img")
    assert image["alt"] == "Dynamic spectrum of 2025-08-18: I, 12:00:00 to 12:10:00 UTC, 15 to 85 MHz, 60 rows"
    assert page.named("html") == [{"lang": "en"}]
    assert [each for each in page.named("meta") if each.get("name") == "viewport"]
    assert "1 day; newest row 2025-08-18 12:10:00 UTC" in page.text


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (DayRecord([], {"day": FileRecord([])}), "No rows on this day."),
        (DayRecord([], {}), "No rows on this day."),
        (DayRecord([], {}, "zarr.json cannot be read"), "This day cannot be read: zarr.json cannot be read"),
        (
            DayRecord([], {"day": FileRecord([], rows=60, error="no memory")}),
            "The picture of the day could not be made: no memory",
        ),
        (
            DayRecord([], {"day": picture(), **dict.fromkeys(("12", "14"), FileRecord([], rows=3, error="x"))}),
            "The picture of the hours 12, 14 could not be made: x",
        ),
    ],
)  # fmt: skip
def test_missing_pictures_and_days_are_named(day, said):
    page = page_of({"2025-08-18": day})
    assert said in page.text
    assert "\n\n\n" not in page.text


def test_days_without_an_archive_are_named_between_the_others():
    days = {day: DayRecord([], {"day": picture()}) for day in ("2025-08-14", "2025-08-16", "2025-08-20")}
    page = page_of(days, present=("2025-08-16", "2025-08-20"))
    assert page.text.index("No archive: 2025-08-17 to 2025-08-19") < page.text.index("No archive: 2025-08-15")
    assert page.text.count("The archive no longer has this day.") == 1
    assert "3 days, 2025-08-14 to 2025-08-20" in page.text
    assert "There is no day yet." in page_of({}).text


def test_the_address_of_a_picture_changes_with_its_rows():
    def links(content):
        days = {"2025-08-18": DayRecord([], {"day": FileRecord(content, 1, rows=3, product="I")})}
        return page_of(days).named("img")[0]["src"]

    assert links([1]) == links([1])
    assert links([1]) != links([2])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Index of a real archive, as an address."""
    directory = tmp_path_factory.mktemp("index")
    add_rows(directory / "archive", NOON_S, nrows=200, cadence_s=30.0)
    line = '{"time_utc": "2025-08-18T12:01:00Z", "end_utc": "2025-08-18T12:05:00Z", "text": "%s"}\n'
    (directory / "archive" / "notes.jsonl").write_text(line % ("a long text without end " * 10))
    updater = IndexUpdater(directory / "archive", directory / "out", PictureOptions())
    list(updater.update(run_here, lambda done, total: None))
    return (directory / "out" / "index.html").as_uri()


@needs_chromium
def test_a_browser_shows_it_on_any_screen_light_and_dark(written):
    grounds = set()
    with chromium() as browser:
        for size, scheme in (((1200, 900), "light"), ((390, 844), "dark"), ((320, 600), "light")):
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=True
            )
            page, failed = context.new_page(), []
            page.on("requestfailed", lambda request, failed=failed: failed.append(request.url))
            page.on("console", lambda message, failed=failed: failed.append(message.text))
            page.goto(written)
            page.wait_for_function("[...document.images].every(each => each.complete && each.naturalWidth > 0)")
            assert failed == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            # A finger hits a link to an hour on a phone.
            heights = page.evaluate("[...document.querySelectorAll('.hours a')].map(a => a.offsetHeight)")
            assert min(heights) >= (40 if size[0] < 700 else 20)
            assert page.locator(".hours a").count() == 2
            assert contrasts(page) >= 4.5
            context.close()
    assert len(grounds) == 2


def contrasts(page):
    """Smallest contrast of the page's texts with their ground."""
    colours = page.evaluate("""() => [...document.querySelectorAll('p, a, h1, h2, h2 span, .times, .files, .author')]
        .filter(each => each.offsetHeight && each.innerText).map(each => {
            let ground = each;
            while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
            return [getComputedStyle(each).color, getComputedStyle(ground).backgroundColor]
                .map(colour => colour.match(/\\d+/g).slice(0, 3).map(Number));
        })""")
    values = np.array(colours) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = np.sort(linear @ [0.2126, 0.7152, 0.0722], axis=1)
    return float(((light[:, 1] + 0.05) / (light[:, 0] + 0.05)).min())
