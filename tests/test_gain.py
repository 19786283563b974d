"""The quiet band's level beside its own median: a loss of gain shows, the Sun and interference do not."""

import json
import logging
import math

import numpy as np
import pytest
from monitors import StillReceiver

from sunspec_tui.gain import LOSS_DB, GainCheck, check_gain, described, quiet_levels
from sunspec_tui.headless import json_line
from sunspec_tui.judging import judge
from sunspec_tui.products import WIRE_PRODUCTS
from sunspec_tui.ring import RingBuffer
from sunspec_tui.snapshot import Axis
from sunspec_tui.widgets.readings import health_text


def rows_of(n, level=100.0, seed=0, nbins=768):
    return level * np.random.default_rng(seed).gamma(1000, 1e-3, (n, nbins, 4)).astype(np.float32)


@pytest.mark.parametrize(("product", "loss_db"), [(0, 10), (1, 3.5), (1, 60)])
def test_a_loss_of_gain_shows_in_its_product_with_its_size(product, loss_db):
    now = rows_of(8, seed=1)
    now[:, :, product] *= 10 ** (-loss_db / 10)
    check = check_gain(now, rows_of(48))
    assert check.lost == (product,)
    assert check.change_db[product] == pytest.approx(-loss_db, abs=0.1)
    assert check.change_db[1 - product] == pytest.approx(0, abs=0.1)
    assert described(WIRE_PRODUCTS, check).startswith(f"quiet band {WIRE_PRODUCTS[product]} {loss_db:.1f} dB below")


def test_a_burst_is_no_change_of_gain_while_a_quarter_of_the_band_is_quiet_and_its_end_is_no_loss():
    minutes = rows_of(48)
    minutes[:, 300:500] *= 100
    assert check_gain(rows_of(8, seed=1), minutes).change_db[0] == pytest.approx(0, abs=0.3)
    assert check_gain(minutes[-8:], minutes).lost == ()


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
def test_what_is_no_power_is_left_out(bad):
    now = rows_of(8, seed=1)
    now[:, 200:450] = bad
    assert check_gain(now, rows_of(48)).change_db[0] == pytest.approx(0, abs=0.1)
    assert np.isnan(quiet_levels(np.full((1, 768, 2), bad))).all()


def test_too_few_rows_and_rows_of_nothing_tell_nothing():
    for check in (check_gain(rows_of(8), rows_of(15)), check_gain(rows_of(8), np.full((48, 768, 4), np.nan))):
        assert len(check.change_db) == 2
        assert all(math.isnan(change_db) for change_db in check.change_db)
        assert check.lost == ()
        assert "XX – YY –" in health_text(gain=check, health=StillReceiver().snapshot().health).plain


@pytest.mark.parametrize("nbins", [1, 2, 3, 5])
def test_a_band_of_a_few_bins_has_a_level(nbins):
    assert quiet_levels(np.full((2, nbins, 4), 7.0)).tolist() == [[7.0] * 4] * 2


@pytest.mark.parametrize(("length", "appended", "most", "last"), [(100, 250, 8, 60), (5, 3, 8, 60), (100, 0, 8, 60)])
def test_sampled_rows_end_with_the_newest_and_lie_at_even_distances(length, appended, most, last):
    ring = RingBuffer(length, 2, 1)
    assert not len(ring.sampled(most, last))
    for n in range(appended):
        ring.append(np.full((2, 1), n, np.float32), n, n)
    got = ring.sampled(most, last).times_s.tolist()
    kept = min(length, appended, last)
    step = max(1, math.ceil(kept / most))
    assert got == list(range(appended - 1, appended - 1 - kept, -step))[::-1]
    assert len(got) <= most


def test_a_loss_of_gain_is_an_event_a_note_and_a_number_until_it_is_the_usual_level(caplog):
    caplog.set_level(logging.INFO)
    receiver = StillReceiver()
    random = np.random.default_rng(0)
    for n in range(400):
        sky = random.gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
        receiver.feed(sky if n < 100 else sky / 20)
        snapshot = receiver.snapshot()
        if n == 150:
            assert snapshot.warnings == ("gain lost?",)
            [note] = snapshot.notes
            assert note == "quiet band XX 13.0 dB and YY 13.0 dB below its median of the last 5 min: gain lost?"
            assert json.loads(json_line(snapshot))["level_change_db"] == {
                product: pytest.approx(-13.01, abs=0.05) for product in ("XX", "YY")
            }
    assert receiver.snapshot().warnings == ()
    said = [record.getMessage() for record in caplog.records if "quiet band" in record.getMessage()]
    assert [text.split(" of ")[0] for text in said] == [
        "quiet band XX 13.0 dB and YY 13.0 dB below its median",
        "the quiet band is as loud as its median",
    ]


def test_the_panel_shows_levels_and_marks_a_loss():
    text = health_text(StillReceiver().snapshot().health, gain=GainCheck((LOSS_DB, 0.25)))
    assert "level dB XX -3.0 YY +0.2" in text.plain
    assert "XX -3.0 YY +0.2" in [text.plain[span.start : span.end] for span in text.spans if span.style == "yellow"]


def test_the_queue_says_how_many_frames_waited():
    receiver = StillReceiver()
    receiver.on_queue(37)
    receiver.on_queue(1)
    health = receiver.snapshot().health
    assert (health.queue_frames, health.queue_most) == (1, 37)
    assert "queue    1, most 37" in health_text(health).plain


def test_rows_before_a_hole_of_hours_are_not_the_last_minutes():
    ring = RingBuffer(200, 8, 2)
    for n in range(72):
        ring.append(np.full((8, 2), 1.0 if n < 60 else 0.25, np.float32), n, n if n < 60 else n + 72_000)
    assert ring.sampled(48, 1200).times_s.tolist() == list(range(60, 72))
    assert judge(ring, Axis(560, 8, 1, 2), 0.25).gain.lost == ()
