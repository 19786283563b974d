"""A loss of gain is found within seconds.

Bursts of the Sun and gaps are not reported as losses.
"""

import json
import logging
import math
from functools import lru_cache

import numpy as np
import pytest
from extent import extent
from monitors import StillReceiver
from simulated_rows import CADENCE_S, rows_of

from sunspec_tui.cli.headless import json_line
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.monitoring.gain_check import (
    GainCheck,
    common_change_db,
    describe_gain_loss,
    quiet_levels_db,
    stay_rows,
)
from sunspec_tui.monitoring.gain_history import CONTEXT_ROWS, GainHistory, ProductGain, QuietFloor
from sunspec_tui.producer.simulated_sun import SimulatedSun
from sunspec_tui.tui.widgets.panel_text import health_text

NOON_S = 1.8e9


def sky(n, level=100.0, seed=0, nbins=768):
    return level * np.random.default_rng(seed).gamma(1000, 1e-3, (n, nbins, 4)).astype(np.float32)


def watched(rows, cadence_s=CADENCE_S, history=None, times_s=None):
    """Return the history, and the check after each row.

    The history gets the rows four at a time.
    """
    history = history or GainHistory()
    times_s = NOON_S + cadence_s * np.arange(len(rows)) if times_s is None else np.asarray(times_s)
    checks = []
    for stop in range(4, len(rows) + 1, 4):
        start = max(0, stop - 4 - CONTEXT_ROWS)
        checks += [history.add(rows[start:stop], times_s[start:stop], stop, cadence_s)] * 4
    return history, checks


@pytest.mark.parametrize(("products", "loss_db"), [((0,), 10), ((1,), 3.5), ((1,), 60), ((0, 1), 4)])
def test_a_step_down_of_all_bins_is_a_loss_of_its_size(products, loss_db):
    rows = sky(200)
    for product in products:
        rows[100:, :, product] *= 10 ** (-loss_db / 10)
    _, checks = watched(rows)
    assert all(check.lost == () for check in checks[:100])
    first = next(i for i, check in enumerate(checks) if check.lost)
    assert (first - 100) * CADENCE_S <= 3
    assert checks[-1].lost == products
    for product in products:
        assert checks[-1].lost_db[product] == pytest.approx(loss_db, abs=0.1)
        assert checks[-1].since_s[product] == pytest.approx(NOON_S + 25, abs=0.3)
        assert checks[-1].change_db[product] == pytest.approx(-loss_db, abs=0.2)


def test_a_row_in_the_middle_of_a_step_does_not_hide_it():
    rows = sky(200)
    rows[100] *= 0.7
    rows[101:] *= 0.4
    assert watched(rows)[1][-1].lost == (0, 1)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(lambda n: 10 ** (-np.linspace(0, 10, n) / 10)[:, None, None], id="a slow fall"),
        pytest.param(lambda n: np.where(np.arange(768) < 300, 0.3, 1.0)[None, :, None], id="a part of the band"),
        pytest.param(lambda n: np.where(np.arange(n) < 4, 0.3, 1.0)[:, None, None], id="a second"),
        pytest.param(lambda n: np.full((1, 1, 1), 0.7), id="1.5 dB"),
    ],
)
def test_other_falls_are_no_steps(after):
    rows = sky(300)
    rows[200:] *= after(100)
    assert watched(rows)[1][-1].lost == ()


def test_a_loss_within_a_burst_is_found_above_the_quiet_level():
    rows = (
        sky(200)
        * np.where(np.arange(200) < 80, 1.0, 30 * 0.97 ** (np.arange(200) - 80.0)).astype(np.float32)[:, None, None]
    )
    assert watched(rows)[1][-1].lost == ()
    rows[90:] *= 10**-0.4
    _, checks = watched(rows)
    assert next(i for i, check in enumerate(checks) if check.lost) - 90 <= 12
    assert checks[-1].lost_db[0] == pytest.approx(4, abs=0.4)


@pytest.mark.parametrize("missing", [1, 15, 40])
def test_a_burst_that_fades_while_rows_are_missing_is_no_loss(missing):
    quiet, cadence_s = 400, CADENCE_S
    ago = np.arange(quiet + 100) - quiet
    # A burst of 4 dB fades by 2.7 dB while rows are missing, and slowly after that.
    burst_db = np.where(ago < 0, 0.0, np.where(ago < 20, 4.0, 1.3 * 0.99 ** (ago - 20)))
    rows = sky(len(ago)) * 10 ** (burst_db / 10).astype(np.float32)[:, None, None]
    times_s = NOON_S + cadence_s * (np.arange(len(ago)) + np.where(ago < 20, 0, missing))
    assert all(check.lost == () for check in watched(rows, times_s=times_s)[1])
    # If the gap were ignored, all bins would fall from one row to the next.
    assert any(check.lost == (0, 1) for check in watched(rows)[1])


def test_a_loss_at_the_end_of_a_burst_is_found_below_the_quiet_level():
    levels = np.concatenate([np.full(100, 1.0), np.full(20, 2.5), np.full(6, 1.0), np.full(60, 0.4)])
    _, checks = watched(sky(186) * levels[:, None, None].astype(np.float32))
    assert checks[123].lost == ()
    assert checks[-1].lost == (0, 1)


@pytest.mark.parametrize("end", [1.0, 0.98])
def test_a_sudden_end_of_a_burst_is_no_loss(end):
    rows = sky(300)
    rows[100:200] *= 30
    rows[200:] *= end
    assert watched(rows)[1][-1].lost == ()


@pytest.mark.parametrize("bad", [math.nan, math.inf, 0.0, -1.0])
def test_bad_values_have_no_level_and_do_not_hide_a_loss(bad):
    assert np.isnan(quiet_levels_db(np.full((1, 768, 2), bad))).all()
    for factor, lost in ((1.0, ()), (0.3, (0, 1))):
        rows = sky(200)
        rows[100:] *= factor
        rows[:, 200:450] = bad
        assert watched(rows)[1][-1].lost == lost


def test_a_loss_ends_with_a_step_up_or_a_slow_rise():
    back = np.concatenate([np.full(200, 1.0), np.full(200, 0.3), np.full(100, 1.0)])
    slow = np.concatenate([np.full(200, 1.0), np.full(200, 0.3), np.geomspace(0.3, 1.0, 400), np.full(400, 1.0)])
    for levels in (back, slow):
        _, checks = watched(sky(len(levels)) * levels[:, None, None].astype(np.float32))
        assert checks[399].lost == (0, 1)
        assert checks[-1].lost == ()


def test_a_loss_of_an_hour_becomes_the_usual_level():
    product = ProductGain()
    product.add(NOON_S, 20.0)
    product.apply_step(NOON_S + 1, -6.0, 14.0)
    for n in range(3599):
        product.add(NOON_S + 1 + n, 14.0)
    assert product.loss is not None
    product.add(NOON_S + 3602, 14.0)
    assert product.loss is None
    for n in range(100):
        product.add(NOON_S + 3603 + n, 14.0)
    assert product.change_db == pytest.approx(0)


def test_the_floor_is_the_lowest_minute_once_an_hour_is_known():
    floor = QuietFloor()
    for n in range(3700):
        floor.add(NOON_S + n, 30.0 if 600 <= n < 720 else 40.0)
        known = math.isfinite(floor.floor_db())
        assert not known or n > 3500
    assert floor.floor_db() == 30.0
    assert len(floor.minutes) == 61


@pytest.mark.parametrize("jump_s", [-7200.0, 2 * 3600.0])
def test_the_floor_of_another_day_is_dropped(jump_s):
    floor = QuietFloor([(NOON_S + 60 * n, 40.0) for n in range(70)])
    assert floor.floor_db() == 40.0
    floor.add(NOON_S + 70 * 60 + jump_s, 20.0)
    assert math.isnan(floor.floor_db())


def test_the_floor_keeps_three_hours():
    floor = QuietFloor()
    for n in range(5 * 3600):
        floor.add(NOON_S + n, 10.0 if n < 600 else 40.0)
    assert floor.floor_db() == 40.0
    assert floor.minutes[-1][0] - floor.minutes[0][0] <= 3 * 3600


def test_a_level_far_below_the_floor_of_an_earlier_run_is_a_loss():
    begun = NOON_S - 600
    floors = [QuietFloor([(begun - 60 * n, 20.0) for n in range(90, 0, -1)]) for _ in range(2)]
    _, checks = watched(sky(400, level=100 / 3), history=GainHistory(floors))
    assert checks[200].lost == ()
    assert checks[-1].lost == (0, 1)
    assert math.isnan(checks[-1].since_s[0])
    assert checks[-1].lost_db[0] == pytest.approx(4.8, abs=0.2)
    assert describe_gain_loss(WIRE_PRODUCTS, checks[-1]).endswith("below its quiet floor: gain lost?")


def test_too_few_rows_give_no_result():
    check = GainHistory().add(sky(3), np.arange(3.0), 3, CADENCE_S)
    assert [math.isnan(change_db) for change_db in check.change_db] == [True, True]
    assert check.lost == ()
    assert "XX – YY –" in health_text(gain=check, health=StillReceiver().snapshot().health).plain


@pytest.mark.parametrize("nbins", [1, 2, 3, 5])
def test_a_band_of_a_few_bins_has_a_level(nbins):
    assert quiet_levels_db(np.full((2, nbins, 4), 10.0)).tolist() == [[10.0] * 4] * 2


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ([0.5] * 10, -3.0103),
        ([0.5] * 9 + [5.0], -3.0103),
        ([0.5] * 5 + [1.0] * 5, math.nan),
        ([math.nan] * 10, math.nan),
    ],
)
def test_the_common_change_is_that_of_nearly_all_bins(change, expected):
    found = common_change_db(np.ones((2, 10)), np.array([change] * 3))
    assert found == pytest.approx(expected, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize(("cadence_s", "expected"), [(0.25, 6), (1.0272, 2), (60, 2), (0.01, 8), (math.nan, 8)])
def test_a_step_must_stay_for_a_second_and_a_half(cadence_s, expected):
    assert stay_rows(cadence_s) == expected


@lru_cache
def quiet_and_bursty_moments(seed):
    """Return a simulated Sun, and two start times.

    The 40 s after the first time end at a quiet moment; the 40 s after the second end just after a bright burst.
    """
    sun = SimulatedSun(seed)
    levels = np.array([quiet_levels_db(sun.mean_spectrum(t)[None])[0, 0] for t in np.arange(60, 660, 2.0)])
    falling = np.flatnonzero((levels[:-2] - levels[2:] > 1) & (levels[2:] - levels.min() < 2))
    quiet = np.flatnonzero(levels - levels.min() < 0.2)
    return sun, 20.0 + 2 * float(quiet[quiet > 20][0]), 20.0 + 2 * float(falling[falling > 20][0] + 2)


@pytest.mark.parametrize("where", [0, 1], ids=["quiet sky", "just after a burst"])
def test_a_loss_of_4_db_is_found_within_5_s_in_nine_of_ten_seeds(where):
    found = 0
    seeds = range(extent(3, 10))
    for seed in seeds:
        sun, *moments = quiet_and_bursty_moments(seed)
        rows = np.array([row for _, row in rows_of(sun, moments[where], 184, seed)])
        rows[160:] *= 10**-0.4
        _, checks = watched(rows)
        assert all(check.lost == () for check in checks[:160])
        found += any(check.lost == (0, 1) for check in checks[160:180])
    assert found >= 0.9 * len(seeds)


def test_a_loss_of_gain_is_an_event_a_note_and_a_number_until_the_level_is_back(caplog):
    caplog.set_level(logging.INFO)
    receiver = StillReceiver()
    random = np.random.default_rng(0)
    for n in range(300):
        frame = random.gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
        receiver.feed(frame / 20 if 100 <= n < 200 else frame)
        snapshot = receiver.snapshot()
        if n == 150:
            assert snapshot.warnings == ("gain lost?",)
            [note] = snapshot.notes
            assert note.startswith("level fell by XX 13.0 dB and YY 13.0 dB since ")
            assert note.endswith("UTC: gain lost?")
            record = json.loads(json_line(snapshot))
            assert record["gain_lost_db"] == {name: pytest.approx(13.01, abs=0.05) for name in ("XX", "YY")}
            assert record["level_change_db"] == {name: pytest.approx(-13.01, abs=0.1) for name in ("XX", "YY")}
    assert receiver.snapshot().warnings == ()
    said = [record.getMessage() for record in caplog.records if "level" in record.getMessage()]
    assert [text.split(" since ")[0] for text in said] == [
        "level fell by XX 13.0 dB and YY 13.0 dB",
        "the level is back at its quiet floor, or unchanged for an hour",
    ]


def test_the_panel_shows_levels_and_marks_a_loss():
    gain = GainCheck((-3.0, 0.25), (3.0, 0.0), (NOON_S, math.nan))
    text = health_text(StillReceiver().snapshot().health, gain=gain)
    assert "level dB XX -3.0 YY +0.2" in text.plain
    assert "XX -3.0 YY +0.2" in [text.plain[span.start : span.end] for span in text.spans if span.style == "yellow"]


def test_the_queue_counts_waiting_frames():
    receiver = StillReceiver()
    receiver.handler.on_queue(37)
    receiver.handler.on_queue(1)
    health = receiver.snapshot().health
    assert (health.queue_frames, health.queue_most) == (1, 37)
    assert "queue    1, max 37" in health_text(health).plain


@pytest.mark.parametrize("dead", [0.0, np.nan])
@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_burst_that_ends_beside_a_dead_row_is_no_loss(dead, after):
    rows = sky(300)
    rows[100:200] *= 3.2
    rows[199 + after] = dead
    assert all(check.lost == () for check in watched(rows)[1])
