"""The page has the same levels as the terminal and the figures."""

from functools import partial

import numpy as np
import pytest
from browsers import needs_chromium
from publishers import block_time, message
from tables import BACKGROUNDS, PICTURE_LEVELS, for_page, numbers
from webs import served

from sunspec_tui.core.products import derive
from sunspec_tui.plots.figure import column_image, image_levels
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.waterfall_image import Drawing, WaterfallImage

pytestmark = needs_chromium
CODING_ERROR_DB = 0.15
"""Half a step of eight bits, as the page gets its history, and what it moves in a percentile."""


LEVELS = """async (cases) => {
  const { pictureLevels } = await import(new URL("page/levels.mjs", document.baseURI));
  return cases.map(({ product, power, bins, before }) => {
    const rows = power.map((row) => Float32Array.from(row, (each) => each ?? NaN));
    // Rows lie between gaps, which do not count.
    const places = Int32Array.from(rows.flatMap((_, place) => [-1, place, -2]));
    return pictureLevels({ product, bins, row: (place) => rows[place] }, places, before);
  });
}"""


def test_the_page_has_the_levels_of_the_table(visit):
    with served() as (_, url):
        found = visit(url).page.evaluate(LEVELS, [for_page(case) for case in PICTURE_LEVELS])
    for case, levels in zip(PICTURE_LEVELS, found, strict=True):
        assert levels == pytest.approx(case["levels"], abs=1e-4), case["name"]


BACKGROUND = """async (cases) => {
  const { isSigned } = await import(new URL("page/levels.mjs", document.baseURI));
  const { quietMedian, withoutBackground } = await import(new URL("page/background.mjs", document.baseURI));
  const told = (values) => [...values].map((value) => Number.isFinite(value) ? value : null);
  return cases.map(({ product, power, bins }) => {
    const rows = power.map((row) => Float32Array.from(row, (each) => each ?? NaN));
    const places = Int32Array.from(rows.flatMap((_, place) => [place, -1]));
    const background = quietMedian({ product, bins, row: (place) => rows[place] }, places);
    const last = Array.from(rows.at(-1), (each, bin) => withoutBackground(each, background[bin], isSigned(product)));
    return [told(background), told(last)];
  });
}"""


def test_the_page_has_the_backgrounds_of_the_table(visit):
    with served() as (_, url):
        found = visit(url).page.evaluate(BACKGROUND, [for_page(case) for case in BACKGROUNDS])
    for case, (background, last) in zip(BACKGROUNDS, found, strict=True):
        np.testing.assert_allclose(numbers(background), numbers(case["background"]), rtol=1e-6, err_msg=case["name"])
        np.testing.assert_allclose(numbers(last), numbers(case["last"]), rtol=1e-6, err_msg=case["name"])


def sky(nrows, nbins, seed=1):
    """Return a steep spectrum with noise, a burst and narrow lines.

    The shape is (nrows, nbins, 4).
    """
    rng = np.random.default_rng(seed)
    power = 1e7 * np.linspace(1, 4, nbins) ** -2.6 * rng.normal(1, 0.02, (nrows, nbins))
    power[nrows // 2 : nrows // 2 + 20] *= 8
    power[:, rng.choice(nbins, nbins // 20, replace=False)] *= 30
    return np.repeat(power[..., None], 4, axis=2).astype(np.float32)


def terminal_levels(rows, product, rows_per_column, *, subtract=False):
    picture = WaterfallImage(len(rows), rows.data.shape[1], rows_per_column)
    picture.add(derive(rows.data, product), rows.times_s, rows.slots, rows.marks)
    picture.draw(Drawing(FrequencyWindow(0, rows.data.shape[1], 0.0, 1.0), 40, subtract=subtract))
    return [picture.levels.low, picture.levels.high]


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize(("nrows", "nbins"), [(240, 192), (400, 768)])
def test_terminal_page_and_figure_have_equal_levels_for_equal_rows(visit, publisher, nrows, nbins, removed):
    options = {"channel_average": 1, "plot_remove_background": removed}
    with served(publisher.port, **options) as (receiver, url):
        publisher.wait_for_subscriber()
        for n, power in enumerate(sky(nrows, nbins)):
            publisher.send(message(power[None], last_block_time=block_time(n), seq=n, interval=0.25))
        assert receiver.wait_for_frames(nrows, 30)
        page = visit(url, f"#height=1200&remove_background={removed:d}")
        page.wait_for(lambda report: report["filled"] == nrows)
        shown = page.wait_for(lambda report: report["levels"] and report["drawn"])["levels"]
        rows = receiver.rows_between(0, nrows)
        image, columns, _ = column_image(receiver.plot_job())
    drawn = image_levels(image, columns)
    levels = partial(terminal_levels, rows, "XX", subtract=removed)
    terminal = levels(1)
    assert terminal == pytest.approx([drawn.low, drawn.high], abs=1e-4)
    assert shown == pytest.approx(terminal, abs=CODING_ERROR_DB)
    # A column of several rows is their mean, where noise and short lines are weaker.
    assert levels(4) == pytest.approx(terminal, abs=0.5)
