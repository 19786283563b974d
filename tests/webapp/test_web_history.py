"""`/history`: columns of the timeline over HTTP, their caching and their limits."""

import asyncio
import gzip
import threading

import httpx
import numpy as np
import pytest
from days import BEGIN_S, DAY_S, day
from waiting import poll_until
from webs import served

from sunspec_tui.core.errors import ArchiveError
from sunspec_tui.core.products import Product
from sunspec_tui.webapp import timeline_reader
from sunspec_tui.webapp.timeline_columns import ColumnRequest, read_columns
from sunspec_tui.webapp.timeline_messages import decode
from sunspec_tui.webapp.timeline_reader import Answer, ReaderBusyError, TimelineReader

TOKEN = "correct-horse-battery"
NBINS = 64
TILE_S = 64 * 128
NEWEST = {"start": BEGIN_S + DAY_S // TILE_S * TILE_S, "end": BEGIN_S + (DAY_S // TILE_S + 1) * TILE_S, "columns": 64}
FINISHED = {"start": BEGIN_S + TILE_S, "end": BEGIN_S + 2 * TILE_S, "columns": 64}


@pytest.fixture(scope="module")
def timeline():
    return day(nbins=NBINS)


@pytest.fixture(scope="module")
def web(timeline):
    with served() as (receiver, url):
        receiver.timeline = lambda: timeline
        yield receiver, url


@pytest.fixture(scope="module")
def closed(timeline):
    with served(web={"host": "0.0.0.0", "token": TOKEN}) as (receiver, url):
        receiver.timeline = lambda: timeline
        yield f"http://127.0.0.1:{httpx.URL(url).port}/"


def ask(url, headers=None, **parameters):
    return httpx.get(f"{url}history", params=parameters, headers=headers)


def tag_of(url, headers=None):
    return ask(url, headers).json()["tag"]


def test_it_describes_the_timeline(web, timeline):
    found = ask(web[1]).json()
    assert (found["begin_s"], found["end_s"]) == (BEGIN_S, BEGIN_S + DAY_S)
    assert found["bins"] == NBINS
    assert found["low_mhz"] == pytest.approx((timeline.frequencies_hz[0] - timeline.axis().bin_hz / 2) / 1e6)
    assert "V/I" in found["products"]


def test_columns_are_those_of_the_timeline(web, timeline):
    found = decode(ask(web[1], **FINISHED, product="I").content)
    columns = read_columns(
        timeline, ColumnRequest(FINISHED["start"], FINISHED["end"], 64, 256, Product.I), NBINS
    )  # fmt: skip
    assert (found.begin_s * 1e6).tolist() == columns.begin_us.tolist()
    np.testing.assert_allclose(found.mean, columns.mean, rtol=0.006)
    np.testing.assert_allclose(found.peak, columns.peak, rtol=0.006)


def test_a_burst_of_one_row_is_visible_in_a_day_of_120_columns(web):
    # At 1024 s a column, a day has 85 columns.
    found = decode(
        ask(web[1], start=BEGIN_S // 1024 * 1024, end=BEGIN_S // 1024 * 1024 + 120 * 1024, columns=120).content
    )
    noon = np.flatnonzero((found.begin_s <= BEGIN_S + DAY_S / 2) & (found.end_s > BEGIN_S + DAY_S / 2))
    assert found.peak[noon].min() > 990
    assert np.delete(found.peak, noon, axis=0).max() < 20


@pytest.mark.parametrize(("private", "scope"), [(False, "public"), (True, "private")])
def test_only_finished_columns_with_a_tag_are_cached_for_ever(request, private, scope):
    url = request.getfixturevalue("closed") if private else request.getfixturevalue("web")[1]
    headers = {"authorization": f"Bearer {TOKEN}"} if private else {}
    tag = tag_of(url, headers)
    finished = ask(url, headers, **FINISHED, tag=tag)
    assert finished.headers["cache-control"] == f"{scope}, max-age=31536000, immutable"
    for parameters in (
        {**NEWEST, "tag": tag},
        NEWEST,
        FINISHED,
        {**FINISHED, "start": 0, "columns": 1, "end": 2, "tag": tag},
    ):
        answer = ask(url, headers, **parameters)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-cache", parameters
    assert ask(url, headers).headers["cache-control"] == "no-store"


def test_an_address_with_a_token_is_never_cached(closed):
    tag = tag_of(closed, {"authorization": f"Bearer {TOKEN}"})
    answer = ask(closed, **FINISHED, tag=tag, token=TOKEN)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert ask(closed, **FINISHED, tag=tag).status_code == 401


def test_unchanged_columns_are_not_sent_again(web):
    first = ask(web[1], **NEWEST)
    assert first.status_code == 200
    again = ask(web[1], {"if-none-match": first.headers["etag"]}, **NEWEST)
    assert (again.status_code, again.content) == (304, b"")
    assert ask(web[1], {"if-none-match": 'W/"other"'}, **NEWEST).status_code == 200


def test_other_frequencies_or_another_run_refuse_the_tag(web):
    answer = ask(web[1], **FINISHED, tag="0123456789ab")
    assert answer.status_code == 409
    assert answer.headers["cache-control"] == "no-store"


def test_a_clock_that_goes_back_before_finished_rows_gives_other_addresses():
    rows = day(nbins=8)
    extents = [rows.extent()]
    rows.extent = lambda: extents[-1]
    with served() as (receiver, url):
        receiver.timeline = lambda: rows
        tag = tag_of(url)
        assert ask(url, **FINISHED, tag=tag).status_code == 200
        # Within the time in which rows are not finished yet, all stays as it is.
        for back_s, is_same in ((0, True), (3600, False)):
            before = extents[0]
            end_s = before.finished_s - back_s
            extents.append(before._replace(end_s=end_s, finished_s=end_s - 256))
            poll_until(lambda: ask(url).json()["end_s"] == extents[-1].end_s, 10)
            assert (tag_of(url) == tag) is is_same
        assert ask(url, **FINISHED, tag=tag).status_code == 409


def test_answers_are_compressed_only_for_those_who_accept_it(web):
    with httpx.stream("GET", f"{web[1]}history", params=FINISHED) as answer:
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
    plain = ask(web[1], {"accept-encoding": "identity"}, **FINISHED)
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(packed) == plain.content
    assert "accept-encoding" in plain.headers["vary"].lower()


HOSTILE = {
    "no end": {"start": 0}, "no start": {"end": 64}, "text": {"start": "now", "end": 64},
    "nothing": {"start": "", "end": 64},
    "a fraction": {"start": "0.5", "end": 64}, "below zero": {"start": -64, "end": 64},
    "backwards": {"start": 64, "end": 0},
    "empty": {"start": 64, "end": 64}, "large": {"start": 0, "end": 10**15},
    "very large": {"start": 0, "end": "9" * 1000},
    "other digits": {"start": "٠", "end": "٦٤"}, "no columns": {"start": 0, "end": 64, "columns": 0},
    "many columns": {"start": 0, "end": 64, "columns": 513}, "many bins": {"start": 0, "end": 64, "bins": 1025},
    "no bins": {"start": 0, "end": 64, "bins": 0}, "an odd length": {"start": 0, "end": 192, "columns": 64},
    "not aligned": {"start": 1, "end": 129, "columns": 64}, "long columns": {"start": 0, "end": 8192, "columns": 1},
    "a product": {"start": 0, "end": 64, "product": "<script>"}, "a null": {"start": "0\0", "end": 64},
}  # fmt: skip


@pytest.mark.parametrize("parameters", HOSTILE.values(), ids=HOSTILE)
def test_hostile_parameters_get_a_sentence_that_repeats_nothing(web, parameters):
    answer = ask(web[1], **parameters)
    assert answer.status_code == 400
    text = answer.json()["error"]
    assert "<" not in text.replace("(end - start)", "")
    assert len(text) < 200
    assert answer.headers["cache-control"] == "no-store"


class WithoutTimeline:
    def __call__(self):
        return None


def test_without_a_timeline_or_rows_it_says_so(web, timeline):
    receiver, url = web
    try:
        receiver.timeline = WithoutTimeline()
        answer = ask(url)
        assert (answer.status_code, answer.json()) == (404, {"error": "this monitor keeps no rows beyond its ring"})
    finally:
        receiver.timeline = lambda: timeline
    with served() as (_, empty):
        assert ask(empty).json() == {"error": "nothing has been received yet"}


class Unreadable:
    """Timeline whose archive cannot be read."""

    def __init__(self, timeline):
        self.extent, self.axis = timeline.extent, timeline.axis

    def blocks(self, *_):
        raise ArchiveError("/home/observer/archive cannot be read; mount it")


def test_an_unreadable_archive_is_an_error_without_the_directory(timeline):
    with served() as (receiver, url):
        receiver.timeline = lambda: Unreadable(timeline)
        answer = ask(url, **FINISHED)
        assert answer.status_code == 503
        assert "observer" not in answer.text
        assert "monitor's log" in answer.json()["error"]
        assert httpx.get(f"{url}healthz").status_code == 200


def test_visitors_of_the_same_tile_share_one_reading(timeline):
    with served() as (receiver, url):
        receiver.timeline = lambda: timeline
        tag = tag_of(url)
        timeline.calls.clear()
        first = ask(url, **FINISHED, tag=tag)
        calls = len(timeline.calls)
        assert calls >= 1
        assert ask(url, **FINISHED, tag=tag).content == first.content
        assert len(timeline.calls) == calls


# The reader


class Clock:
    """Clock that a test sets."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def answer(body=b"x", *, is_finished=True):
    return Answer(body, "tag", is_finished)


def test_unfinished_answers_are_read_again_after_two_seconds():
    async def reads():
        clock = Clock()
        reader = TimelineReader(clock)
        for now_s in (0, 1, 3):
            clock.now_s = now_s
            await reader.answer("tile", "peer", lambda: answer(is_finished=False))
        return reader.reads

    assert asyncio.run(reads()) == 2


def test_the_cache_is_bounded(monkeypatch):
    monkeypatch.setattr(timeline_reader, "MAX_CACHE_BYTES", 10)

    async def reads():
        reader = TimelineReader(Clock())
        for key in (1, 2, 3, 1):
            await reader.answer(key, "peer", lambda: answer(b"12345"))
        return reader.reads

    assert asyncio.run(reads()) == 4


def test_a_peer_that_used_its_time_waits_or_is_refused():
    async def refused():
        clock = Clock()
        reader = TimelineReader(Clock(), clock)

        def slow():
            clock.now_s += 20
            return answer()

        await reader.answer(1, "greedy", slow)
        with pytest.raises(ReaderBusyError):
            await reader.answer(2, "greedy", answer)

    asyncio.run(refused())


def test_a_disk_that_hangs_blocks_neither_the_loop_nor_later_answers_for_ever(monkeypatch):
    monkeypatch.setattr(timeline_reader, "WAIT_S", 0.05)
    hanging = threading.Event()

    async def refused():
        reader = TimelineReader(Clock())
        stuck = [
            asyncio.create_task(reader.answer(key, "peer", lambda: hanging.wait(20) and answer())) for key in (1, 2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(ReaderBusyError):
            await reader.answer(3, "peer", answer)
        hanging.set()
        await asyncio.gather(*stuck)
        assert (await reader.answer(3, "peer", answer)).body == b"x"

    asyncio.run(refused())


def test_an_error_reaches_all_who_wait_and_is_not_cached():
    def broken():
        raise ArchiveError("broken; repair it")

    async def errors():
        reader = TimelineReader(Clock())
        both = [reader.answer(1, "peer", broken) for _ in range(2)]
        found = await asyncio.gather(*both, return_exceptions=True)
        assert [str(each) for each in found] == ["broken; repair it"] * 2
        assert (await reader.answer(1, "peer", answer)).body == b"x"

    asyncio.run(errors())


# The first look at a day


def test_the_first_look_at_a_day_has_at_most_300_kilobytes():
    # 128 s a column, as a page 1024 pixels wide asks for, with the noise of eight rows in 16 s blocks.
    timeline = day(8.0, 256)
    with served() as (receiver, url):
        receiver.timeline = lambda: timeline
        nbytes = len(ask(url).content)
        for start_s in range(BEGIN_S, BEGIN_S + DAY_S, TILE_S):
            parameters = {"start": start_s, "end": start_s + TILE_S, "columns": 64, "tag": tag_of(url)}
            with httpx.stream("GET", f"{url}history", params=parameters) as tile:
                nbytes += sum(len(part) for part in tile.iter_raw())
    assert nbytes < 300_000
