"""The page decodes the server's rows, in a real Chromium.

The values have the documented precision.
"""

import base64

import numpy as np
import pytest
from browsers import needs_chromium
from webs import served

from sunspec_tui.core.products import Product
from sunspec_tui.core.ring_buffer import Mark, Rows
from sunspec_tui.webapp import row_codes, row_messages
from sunspec_tui.webapp.row_chain import RowChain

pytestmark = needs_chromium
NBINS = 40
PRECISION = 10 ** (row_codes.STEP_DB / 20) - 1

DECODE = """async (messages) => {
  const { Decoder } = await import(new URL("page/row-messages.mjs", document.baseURI));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const decoder = new Decoder(), found = [];
  for (const each of messages) {
    const { values, times, slots, marks, first, kind } = await decoder.decode(bytes(each));
    const columns = { times: [...times], slots: [...slots], marks: [...marks] };
    found.push({ values: [...values].map(String), ...columns, first, kind });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def decode(browser):
    """Return a function that decodes messages with the page's code."""
    with served() as (_, url):
        page = browser.new_page()
        page.goto(url)

        def read(messages):
            return page.evaluate(DECODE, [base64.b64encode(message).decode() for message in messages])

        yield read
        page.close()


def one(values, number, marks=0):
    return Rows(
        values[None, :, None],
        np.array([1.7e9 + number / 4]),
        np.array([number + 3]),
        np.array([marks], np.uint8),
        number + 1,
    )


def noise(product):
    """Return rows of noise with missing values, or of any numbers."""
    rng = np.random.default_rng(3)
    sizes = np.exp(rng.normal(0, 0.1, (8, NBINS))) if product is Product.XX else rng.normal(0, 1, (8, NBINS))
    sizes[rng.random(sizes.shape) < 0.1] = np.nan
    return sizes.astype(np.float32)


def extremes(product):
    values = np.resize([1e-30, 1e30, -1e30, 0, 1, -1e-30, 3.4e38, 1e-45, np.nan, 1e10], (8, NBINS))
    return (values[:, ::-1] if product is Product.XX else values).astype(np.float32)


@pytest.mark.parametrize("made", [noise, extremes])
@pytest.mark.parametrize("product", [Product.XX, Product.V])
def test_the_page_reads_rows_that_continue_each_other(decode, made, product):
    values, chain = made(product), RowChain(product, 0)
    rows = [chain.add(one(row, n + 1, Mark.REPEAT), row[None]) for n, row in enumerate(values)]
    messages = [row.continued or row.key for row in rows]
    found, decoder = decode(messages), row_messages.Decoder()
    assert [each["kind"] for each in found] == [row_messages.KEY] + [row_messages.ROW] * 7
    assert [each["first"] for each in found] == list(range(1, 9))
    assert [each["slots"] + each["times"] + each["marks"] for each in found] == [
        [n + 3, 1.7e9 + n / 4, Mark.REPEAT] for n in range(1, 9)
    ]
    seen = np.array([each["values"] for each in found], np.float32)
    np.testing.assert_allclose(seen, [decoder.decode(message).values[0] for message in messages], rtol=2e-7)
    unit = row_codes.unit_of(values[0], product)
    allowed = 1.001 * PRECISION * np.hypot(values.astype(float), unit) + np.finfo(np.float32).smallest_subnormal
    assert (np.isnan(seen) == np.isnan(values)).all()
    assert (np.abs(seen - values.astype(float)) <= allowed)[~np.isnan(values)].all()


@pytest.mark.parametrize("made", [noise, extremes])
@pytest.mark.parametrize("product", [Product.XX, Product.V])
def test_the_page_reads_a_history_of_several_blocks_and_starts_from_a_key_row_after_it(decode, made, product):
    values = made(product)
    rows = Rows(values[..., None], 1.7e9 + np.arange(8.0), np.arange(8), np.arange(8, dtype=np.uint8), 8)
    blocks = [
        row_messages.coded(
            Rows(rows.data[part], rows.times_s[part], rows.slots[part], rows.marks[part], part.stop),
            values[part],
            row_codes.unit_of(values[part.start], product),
        )
        for part in (slice(0, 5), slice(5, 8))
    ]
    head = row_messages.header(product, kind=row_messages.HISTORY, epoch=0, shape=(8, NBINS), first=0)
    message = head + b"".join(row_messages.pack_block(block) for block in blocks)
    chain = RowChain(product, 0)
    chain.add(one(values[0], 19), values[:1])
    key = chain.add(one(values[1], 20), values[1:2]).key
    history, after = decode([message, key])
    expected = row_messages.decode(message)
    np.testing.assert_allclose(np.array(history["values"], np.float32).reshape(8, NBINS), expected.values, rtol=2e-7)
    assert (history["times"], history["slots"], history["marks"]) == (
        expected.times_s.tolist(),
        list(range(8)),
        list(range(8)),
    )
    np.testing.assert_allclose(np.array(after["values"], np.float32), row_messages.decode(key).values[0], rtol=2e-7)


def test_a_browser_that_cannot_unpack_rows_shows_the_reason(browser):
    with served() as (_, url):
        page = browser.new_page()
        complaints = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script("delete globalThis.DecompressionStream;")
        page.goto(url)
        page.wait_for_function("document.querySelector('#why').textContent.includes('this browser is too old')")
        assert complaints == []
        page.close()
