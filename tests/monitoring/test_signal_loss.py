"""A stream or a product without a signal is shown first."""

import json
import logging

import numpy as np
import pytest
from monitors import StillReceiver

from sunspec_tui.cli.headless import json_line
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.monitoring.signal_loss import SignalLoss, dead_products, describe_signal_loss, rows_needed, signal_loss
from sunspec_tui.monitoring.status_record import live_record
from sunspec_tui.tui.widgets.line_text import status_text

ALIVE = np.random.default_rng(0).gamma(50, 2.0, (8, 96, 4)).astype(np.float32)


def with_products(**values):
    rows = ALIVE.copy()
    for name, value in values.items():
        rows[:, :, int(name[1:])] = value
    return rows


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (ALIVE, {}),
        (with_products(p1=0), {1: "zero"}),
        (with_products(p1=np.nan), {1: "NaN"}),
        (with_products(p1=np.inf), {1: "NaN"}),
        (with_products(p1=-3), {1: "not positive"}),
        (with_products(p2=-3), {}),
        (with_products(p3=0), {3: "zero"}),
        (with_products(p0=0, p1=np.nan), {0: "zero", 1: "NaN"}),
        (np.where(np.arange(96)[:, None] < 50, 0, np.nan) * ALIVE, dict.fromkeys(range(4), "zero")),
        (np.where(np.arange(96)[:, None] == 50, 1, 0) * ALIVE, {}),
        (np.concatenate([with_products(p1=0)[:7], ALIVE[:1]]), {}),
    ],
)
def test_a_product_without_any_usable_value_is_dead(rows, expected):
    assert dead_products(rows) == expected


@pytest.mark.parametrize(
    ("rows", "lived", "text"),
    [
        (ALIVE, (0, 1, 2, 3), ""),
        (ALIVE * 0, (), "no signal: XX and YY are zero"),
        (ALIVE * 0, (0, 1, 2), "no signal: XX, YY and XY_real are zero"),
        (ALIVE * np.nan, (0, 1), "no signal: XX and YY are NaN"),
        (with_products(p0=0, p1=np.nan), (0, 1), "no signal: XX is zero, YY is NaN"),
        (with_products(p1=0), (0, 1), "product lost: YY is zero"),
        (with_products(p1=0), (0,), ""),
        (with_products(p3=0), (0, 1, 2, 3), "product lost: XY_imag is zero"),
        (with_products(p3=0), (0, 1, 2), ""),
        (ALIVE[:, :, :1] * 0, (), "no signal: XX is zero"),
    ],
)
def test_a_product_is_lost_if_it_had_a_signal_or_no_power_is_left(rows, lived, text):
    assert describe_signal_loss(WIRE_PRODUCTS, signal_loss(rows, lived)) == text


@pytest.mark.parametrize(("cadence_s", "rows"), [(0.25, 4), (0.05, 8), (1.0272, 2), (60, 2), (float("nan"), 4)])
def test_a_product_must_be_dead_for_a_second(cadence_s, rows):
    assert rows_needed(cadence_s) == rows


LOSSES = {
    "all zero": (lambda sky: sky * 0, "no signal: XX, YY, XY_real and XY_imag are zero"),
    "all NaN": (lambda sky: sky * np.nan, "no signal: XX, YY, XY_real and XY_imag are NaN"),
    "YY zero": (lambda sky: sky * np.array([1, 0, 1, 1], np.float32), "product lost: YY is zero"),
    "XY_imag NaN": (lambda sky: sky * np.array([1, 1, 1, np.nan], np.float32), "product lost: XY_imag is NaN"),
}


@pytest.mark.parametrize("kind", LOSSES)
def test_a_total_loss_is_in_the_first_line_within_3_s(kind, caplog):
    caplog.set_level(logging.INFO)
    spoil, text = LOSSES[kind]
    receiver, random = StillReceiver(), np.random.default_rng(1)
    for n in range(72):
        sky = random.gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
        receiver.feed(spoil(sky) if 40 <= n < 60 else sky)
        snapshot = receiver.snapshot()
        assert n < 52 or n >= 60 or snapshot.alarms == (text,)
        if n == 55:
            line = status_text(snapshot.health, "here", "XX", 0.0, 0.0, alarms=snapshot.alarms, columns=80)
            [style] = [span.style for span in line.spans if text in line.plain[span.start : span.end]]
            assert style == "bold white on red"
            assert json.loads(json_line(snapshot))["signal_lost"]
            assert live_record(snapshot)["alarms"] == [text]
    assert receiver.snapshot().alarms == ()
    again = "all products carry a signal again"
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [each for each in said if each[1] in (text, again)] == [("ERROR", text), ("INFO", again)]


def test_a_product_that_the_stream_never_carried_is_not_lost():
    receiver = StillReceiver()
    for _ in range(40):
        receiver.feed(np.random.default_rng(2).gamma(9, 1.0, (1, 3072, 4)) * np.array([1, 1, 0, 0]))
    assert receiver.snapshot().check.signal == SignalLoss({})


@pytest.mark.parametrize(("product", "name"), [(0, "XX"), (1, "YY")])
def test_a_power_dead_from_the_start_is_lost_unless_recorded(product, name):
    live, replayed = StillReceiver(), StillReceiver()
    for value in [np.nan] * 20 + [0.0] * 20:
        sky = np.random.default_rng(2).gamma(1000, 0.1, (1, 3072, 4)).astype(np.float32)
        sky[:, :, product] = value
        live.feed(sky)
        replayed.feed(sky, recorded=True)
    assert live.snapshot().alarms == (f"product lost: {name} is zero",)
    assert replayed.snapshot().alarms == ()
