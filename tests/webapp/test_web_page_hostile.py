"""The page in a real Chromium with a hostile server.

It reports the fault and reconnects.
"""

import json
import struct
import time
import zlib

import numpy as np
import pytest
from browsers import Visit, needs_chromium
from extent import pairs
from publishers import block_time, message
from webs import served

from sunspec_tui.webapp import row_messages

pytestmark = needs_chromium
HEADER = "<BBBxIIId"
STATUS = {
    "type": "status", "time": "2026-11-26T12:00:00.000Z", "source": "here", "state": "live", "link": "connected",
    "frames_received": 1, "frames_rejected": 0, "frames_missing": 0, "cadence_s": 0.25, "rate_hz": 4.0, "delay_s": 0.1,
    "delay_used": "auto", "delay_note": "", "alarms": [], "warnings": [], "silence_s": 0.1, "stall_after_s": 2.0,
}  # fmt: skip


def header(*, version=row_messages.VERSION, kind=1, product=0, epoch=0, rows=1, bins=8, first=0.0):
    return struct.pack(HEADER, version, kind, product, epoch, rows, bins, first)


def block(data, rows=1):
    """Encode a block of a message from its uncompressed parts."""
    packed = zlib.compress(data, wbits=-15)
    return struct.pack("<II", rows, len(packed)) + packed


BROKEN = {
    "no JSON": "{nonsense",
    "null": "null",
    "a number": "7",
    "a list": "[]",
    "no type": "{}",
    "deep": "[" * 100_000,
    "a status of nothing": '{"type": "status"}',
    "warnings that are none": json.dumps(STATUS | {"warnings": None}),
    "alarms that are none": json.dumps(STATUS | {"alarms": None}),
    "a rate of text": json.dumps(STATUS | {"rate_hz": "fast"}),
    "a rate too large for a number": json.dumps(STATUS).replace("4.0", "1e999"),
    "an axis of nothing": '{"type": "axis"}',
    "an axis of a million bins": json.dumps(
        {"type": "axis", "epoch": 0, "product": "XX", "products": ["XX"], "bins": 10**6, "low_mhz": 1, "bin_mhz": 1}
    ),
    "products that are none": json.dumps(
        {"type": "axis", "epoch": 0, "product": "<b>", "products": [1, 2], "bins": 8, "low_mhz": 1, "bin_mhz": 1}
    ),
    "no bytes": b"",
    "some bytes": b"\x01\x02",
    "another version": header(version=9) + bytes(40),
    "another kind": header(kind=7) + bytes(40),
    "a row of the older version": struct.pack("<BBBBIIId", 1, 2, 16, 0, 0, 1, 8, 20.0) + bytes(48),
    "a block that is none": header() + struct.pack("<II", 1, 40) + b"\xff" * 40,
    "a block of less than a row": header() + block(bytes(10)),
    "a block of more than a row": header() + block(bytes(16 + 17 + 8 + 4)),
    "a block of megabytes": header() + block(bytes(50_000_000)),
    "a block after which something comes": header() + block(bytes(16 + 17 + 8)) + b"\0",
    "a block that is longer than its message": header() + struct.pack("<II", 1, 1000) + bytes(40),
    "a block with more bytes than its rows are packed in": header() + struct.pack("<II", 1, 60) + bytes(60),
    "blocks of other rows": header(rows=2) + block(bytes(16 + 17 + 8)),
    "a code that is missing": header() + block(bytes(16 + 17) + b"\xff" * 8),
    "a row that continues nothing": header(kind=2, first=1000.0) + block(bytes(17 + 8)),
    "a row of other bins": header(kind=2, first=20.0) + block(bytes(17 + 8)),
    "another product": header(product=200) + bytes(40),
    "no bins": header(bins=0) + bytes(32),
    "more bins than memory": header(bins=2**32 - 1, rows=2**32 - 1),
    "more rows than it has": header(rows=1000) + bytes(40),
    "a number that is none": header(first=float("nan")) + bytes(40),
    "a number without an end": header(first=float("inf")) + bytes(40),
    "a number below zero": header(first=-5.0) + bytes(40),
}


@pytest.fixture(scope="module")
def still():
    from publishers import Publisher

    publisher = Publisher()
    with served(publisher.port) as (receiver, url):
        publisher.wait_for_subscriber()
        for n in range(20):
            publisher.send(
                message(np.full((1, 64, 4), 10.0, np.float32), last_block_time=block_time(n), seq=n, interval=0.25)
            )
        assert receiver.wait_for_frames(20, 20)
        yield url
    publisher.close()


class Between:
    """Relay that adds messages to the page's first connection."""

    def __init__(self, *messages):
        self.messages, self.connections = messages, 0

    def __call__(self, page):
        page.route_web_socket("**/live*", self._joined)

    def _joined(self, socket):
        server = socket.connect_to_server()
        self.connections += 1
        waiting = list(self.messages) if self.connections == 1 else []

        def on_message(data):
            socket.send(data)
            # After a history, so that the history must be requested again.
            if isinstance(data, bytes):
                while waiting:
                    socket.send(waiting.pop(0))

        server.on_message(on_message)


class Instead(Between):
    """Relay that replaces each status."""

    def _joined(self, socket):
        server = socket.connect_to_server()
        [status] = self.messages
        server.on_message(lambda data: socket.send(status if isinstance(data, str) and '"status"' in data else data))


# A page waits for up to four seconds before it connects again.
SHORT_WAITS = """const later = globalThis.setTimeout;
globalThis.setTimeout = (call, wait, ...rest) => later(call, Math.min(wait, 250), ...rest);"""


class AtAnyTime(Between):
    """Relay that sends a message whenever the test says so.

    The page soon connects again.
    """

    def __call__(self, page):
        page.add_init_script(SHORT_WAITS)
        super().__call__(page)

    def _joined(self, socket):
        self.socket = socket
        super()._joined(socket)

    def send(self, message):
        """Send the page a message among those of the server."""
        self.socket.send(message)


@pytest.fixture(scope="module")
def lasting(browser, still):
    """A page that stays open, and its relay."""
    between = AtAnyTime()
    visit = Visit(browser, still, "#height=128", before=between)
    yield visit, between
    visit.close()


def has_rows(report):
    return report["filled"] == 20 and report["state"] in ("LIVE", "STALLED")


@pytest.mark.parametrize("what", BROKEN)
def test_a_message_that_is_none_is_said_and_the_page_comes_back(lasting, what):
    visit, between = lasting
    histories = visit.wait_for(has_rows, 30)["counts"]["histories"]
    connections = between.connections
    between.send(BROKEN[what])
    report = visit.wait_for(lambda report: report["counts"]["histories"] > histories, 30)
    assert report["counts"]["histories"] == histories + 1
    assert between.connections == connections + 1
    visit.wait_for(has_rows, 30)
    complaints, visit.complaints = visit.complaints, []
    assert complaints == []


def test_the_page_shows_why_it_reconnects(browser, still):
    class Always(Between):
        def _joined(self, socket):
            self.connections = 0
            super()._joined(socket)

    visit = Visit(browser, still, before=Always("{nonsense"))
    try:
        visit.until("document.querySelector('#why').textContent.includes('that this page does not understand')", 30)
        assert visit.complaints == []
    finally:
        visit.close()


def rows_message(values, times, slots, *, first, kind=row_messages.KEY, epoch=0):
    """Encode rows that have one value each."""
    out = header(kind=kind, rows=len(times), bins=16, first=first, epoch=epoch)
    for value, time_s, slot in zip(values, times, slots, strict=True):
        # The first code is written in full as 1; the other codes are equal to it.
        scale = struct.pack("<dd", value, 0.881373587019543)
        steps = b"\xff" + b"\x80" * 15 + struct.pack("<i", 1)
        out += block(scale + struct.pack("<ddB", time_s, slot, 0) + steps)
    return out


ODD_ROWS = {
    "slots out of order": ([1, 1, 1], [1e9, 1e9, 1e9], [50, 7, 60]),
    "slots that are no numbers": ([1, 1], [1e9, 1e9], [float("nan"), float("inf")]),
    "slots without bounds": ([1, 1, 1], [1e9, 1e9, 1e9], [-1e300, 1e300, 2.0**62]),
    "slots between": ([1, 1], [1e9, 1e9], [25.5, 26.5]),
    "times that are no numbers": ([1, 1], [float("nan"), float("inf")], [30, 31]),
    "times of another age": ([1, 1, 1, 1], [-1e300, 1e300, 8.64e12, -8.64e13], [30, 31, 32, 33]),
    "times that jump": ([1, 1], [0.0, 4e10], [30, 31]),
    "numbers at the ends": ([3.4e38, 1e-45, -3.4e38], [1e9, 1e9 + 1, 1e9 + 2], [30, 31, 32]),
    "units that are none": ([float("nan"), float("inf"), 0.0], [1e9, 1e9 + 1, 1e9 + 2], [30, 31, 32]),
}


@pytest.mark.parametrize(("what", "renderer"), pairs([*ODD_ROWS], ["webgl", "2d"]))
def test_odd_rows_are_drawn_without_harm(browser, still, what, renderer):
    values, times, slots = ODD_ROWS[what]
    visit = Visit(
        browser,
        still,
        f"#height=128&renderer={renderer}",
        before=Between(rows_message(values, times, slots, first=20.0)),
    )
    try:
        visit.wait_for(lambda report: report["counts"]["received"] == len(values))
        visit.drawn()
        for key in ("l", "ArrowLeft", "a"):
            visit.page.keyboard.press(key)
            visit.page.locator("#waterfall").focus()
        before = visit.report["drawn"]
        visit.page.keyboard.press("l")
        report = visit.wait_for(lambda report: report["drawn"] > before)
        assert report["counts"]["histories"] == 1
        assert "cannot be drawn" not in visit.text("#banner") if visit.page.locator("#banner").is_visible() else True
        assert visit.complaints == []
    finally:
        visit.close()


def test_a_text_of_the_server_is_shown_as_short_text(browser, still):
    script = "<img src=x onerror=alert(1)>\u202e\x1b[2J" + "x" * 100_000
    said = STATUS | {
        "source": script,
        "alarms": [script],
        "warnings": [script],
        "delay_note": script,
        "link": script,
        "delay_used": script,
    }
    visit = Visit(browser, still, before=Instead(json.dumps(said)))
    try:
        visit.until("document.querySelector('#source').textContent.startsWith('<img')")
        assert visit.page.locator("img").count() == 0
        assert len(visit.text("#source")) < 1000
        assert visit.complaints == []
    finally:
        visit.close()


HELD = """async () => {
  const { PausedMessages } = await import(new URL("page/paused-messages.mjs", document.baseURI));
  const held = new PausedMessages(10), row = (first) => ({ kind: 2, first, rows: 1 }), axis = { type: "axis" };
  for (let n = 0; n < 1000; n++) { held.push({ ...axis, n }); held.push({ kind: 1, first: n, rows: 1200 }); }
  const histories = held.messages.length;
  for (let n = 0; n < 1000; n++) held.push(row(n));
  return [histories, held.messages.length, held.isFull, held.messages[0].n];
}"""


def test_what_waits_while_the_picture_stands_is_bounded(browser, still):
    visit = Visit(browser, still)
    try:
        assert visit.page.evaluate(HELD) == [2, 12, True, 999]
    finally:
        visit.close()


def test_palettes_that_are_none_are_asked_for_again(browser, still):
    begun_s, answers = time.monotonic(), iter(["[]", "{", "null", '{"viridis": "00"}'])

    def answer(route):
        body = next(answers, None)
        if body is None:
            route.continue_()
        else:
            route.fulfill(status=200, content_type="application/json", body=body)

    visit = Visit(browser, still, before=lambda page: page.route("**/palettes.json", answer))
    try:
        visit.wait_for(lambda report: report["filled"] == 20, 30)
        assert time.monotonic() - begun_s > 0.5
        assert visit.complaints == []
    finally:
        visit.close()
