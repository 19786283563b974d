"""The type of a burst follows from its measured numbers."""

import math
from dataclasses import replace

import pytest
from burst_measures import BEAM, CELL_S, SHOCK, STATIONARY
from burst_runs import run

from sunspec_tui.bursts.classify import verdict
from sunspec_tui.bursts.events import is_reported
from sunspec_tui.bursts.joining import (
    CONTINUA,
    FAST_BURSTS,
    Piece,
    are_one_burst,
    are_one_continuum,
    joined,
    may_be_continuum,
)
from sunspec_tui.bursts.stepping import Work, finished
from sunspec_tui.core.bursts import BurstType

COLUMN = replace(
    BEAM, end_s=101.5, run_s=1.5, half_s=1.0, spread_s=0.0, end_spread_s=0.0, delay=0.0, delay_error=0.1,
    residual_s=0.25, ridge_delay=0.0, sharp_share=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (BEAM, BurstType.III),
        (replace(BEAM, delay=2.0), BurstType.III),
        (replace(BEAM, delay=20.0, spread_s=15.0), BurstType.III),
        (replace(BEAM, strokes=2.5), BurstType.GROUP),
        (replace(BEAM, run_s=60.0, half_s=30.0), BurstType.GROUP),
        (SHOCK, BurstType.II),
        (replace(SHOCK, delay=70.0), BurstType.II),
        (replace(SHOCK, delay=1000.0), BurstType.II),
        (STATIONARY, BurstType.CONTINUUM),
        (COLUMN, BurstType.INTERFERENCE),
        (replace(STATIONARY, spread_s=0.0, end_spread_s=0.5, sharp_share=0.9), BurstType.INTERFERENCE),
        (replace(STATIONARY, spread_s=0.0, end_spread_s=0.5), BurstType.CONTINUUM),  # rises slowly
        (replace(STATIONARY, low_mhz=70.0, high_mhz=75.0), BurstType.UNKNOWN),  # a narrow band
    ],
)
def test_the_type_of_measures(found, kind):
    decided = verdict(found, CELL_S)
    assert decided.type is kind, decided
    assert 0 < decided.confidence < 1
    assert decided.reason


def test_cells_longer_than_the_rise_of_a_burst_tell_no_interference():
    found = replace(COLUMN, end_s=120.0, run_s=10.0, half_s=8.0, end_spread_s=5.0, residual_s=3.0, delay_error=2.0)
    assert verdict(found, 0.5).type is not verdict(replace(found, residual_s=0.5), 0.5).type
    assert verdict(replace(found, residual_s=0.5), 0.5).type is BurstType.INTERFERENCE
    assert verdict(found, 8.0).type is BurstType.III


STROKES = replace(BEAM, delay=0.1, delay_error=0.1, ridge_delay=0.1, residual_s=0.3, spread_s=0.5, strokes=2.5)
"""Strokes of lightning: they rise in more than one cell, and begin at once from 25 to 75 MHz."""


def test_what_begins_at_once_in_a_wide_band_is_interference():
    assert verdict(STROKES, CELL_S).type is BurstType.INTERFERENCE
    # The peaks of a strong burst drift more slowly than its onsets.
    assert verdict(replace(STROKES, strokes=1.0, ridge_delay=1.0), CELL_S).type is not BurstType.INTERFERENCE
    # Light needs less than two cells to cross a narrow band.
    assert verdict(replace(STROKES, low_mhz=55.0, high_mhz=80.0), CELL_S).type is not BurstType.INTERFERENCE
    # Strokes of a group that begin here and there lie on no line, and a continuum has no drift.
    assert verdict(replace(STROKES, residual_s=2.0), CELL_S).type is BurstType.GROUP
    assert verdict(replace(STROKES, run_s=300.0, half_s=200.0), CELL_S).type is BurstType.CONTINUUM


def test_a_group_that_fills_the_band_of_its_receiver_needs_no_octave():
    strokes = replace(BEAM, low_mhz=45.0, high_mhz=81.0, delay=-4.0, delay_error=1.5, residual_s=3.0, strokes=2.0)
    assert verdict(strokes, CELL_S, band_ratio=81 / 45).type is BurstType.GROUP
    assert verdict(strokes, CELL_S, band_ratio=100 / 20).type is BurstType.UNKNOWN


def test_a_narrow_patch_that_lasts_long_is_a_group_only_with_strokes():
    patch = replace(BEAM, low_mhz=73.0, high_mhz=88.0, run_s=20.0, half_s=9.0, strokes=1.0)
    assert verdict(patch, CELL_S).type is BurstType.UNKNOWN
    assert verdict(replace(patch, strokes=2.0), CELL_S).type is BurstType.GROUP
    assert verdict(replace(patch, low_mhz=40.0), CELL_S).type is BurstType.GROUP


def test_what_ends_at_once_in_a_wide_band_is_interference():
    assert verdict(replace(BEAM, end_spread_s=0.5), CELL_S).type is BurstType.INTERFERENCE
    # The end of a burst that goes on is not known; in a narrow band all bursts end so.
    assert verdict(replace(BEAM, end_spread_s=math.inf), CELL_S).type is BurstType.III
    assert verdict(replace(BEAM, low_mhz=55.0, end_spread_s=0.5), CELL_S).type is BurstType.III


SOUNDER = replace(
    BEAM, low_mhz=20.0, high_mhz=30.0, run_s=20.0, half_s=10.0, spread_s=30.0, end_spread_s=20.0, delay=-70.0,
    delay_error=12.0, residual_s=5.0, ridge_delay=-70.0, ridge_error=12.0,
)  # fmt: skip


def test_a_slow_rise_at_low_frequencies_is_an_ionosonde_also_in_wide_bins():
    assert verdict(SOUNDER, CELL_S).type is BurstType.INTERFERENCE
    assert verdict(replace(SOUNDER, delay_error=35.0), CELL_S).type is BurstType.UNKNOWN  # it is not sure that it rises
    assert verdict(replace(SOUNDER, low_mhz=40.0, high_mhz=60.0), CELL_S).type is BurstType.UNKNOWN
    assert verdict(replace(SOUNDER, delay=-34.0, ridge_delay=-34.0), CELL_S).type is BurstType.UNKNOWN  # too fast


def test_signals_in_less_than_half_of_the_bins_are_no_burst_of_type_3():
    assert verdict(replace(BEAM, filled_share=0.55), CELL_S).type is BurstType.III
    assert verdict(replace(BEAM, filled_share=0.45), CELL_S).type is BurstType.UNKNOWN


def test_strength_drift_and_width_make_a_type_3_more_certain():
    sure = verdict(BEAM, CELL_S).confidence
    assert verdict(replace(BEAM, peak_db=2.0), CELL_S).confidence < sure
    assert verdict(replace(BEAM, low_mhz=50.0, high_mhz=75.0), CELL_S).confidence < sure


@pytest.mark.parametrize("found", [BEAM, SHOCK])
def test_the_reason_has_the_drift_that_the_burst_has(found):
    assert f"drift {found.drift_mhz_s:.2g} MHz/s" in verdict(found, CELL_S).reason


UPPER, LOWER = replace(BEAM, low_mhz=55.0), replace(BEAM, begin_s=102.0, peak_s=106.0, end_s=118.0, high_mhz=50.0)


@pytest.mark.parametrize(
    ("first", "second", "joined_"),
    [
        (UPPER, LOWER, True),
        (LOWER, UPPER, True),
        (UPPER, replace(LOWER, high_mhz=38.0), False),  # the gap is wide
        (UPPER, replace(LOWER, begin_s=96.0), False),  # the lower part comes first
        (UPPER, replace(LOWER, begin_s=160.0, end_s=170.0), False),
        (UPPER, replace(LOWER, run_s=40.0), False),  # the one lasts much longer
        (replace(UPPER, run_s=200.0), replace(LOWER, run_s=200.0), False),
        (BEAM, BEAM, False),  # the same band
    ],
)
def test_pieces_that_one_exciter_explains_are_one_burst(first, second, joined_):
    assert are_one_burst(first, second) is joined_


def piece(found, number):
    """Return a piece with a run of its own."""
    return Piece((run(number, 0, 9),), found, verdict(found, CELL_S))


def test_pieces_are_joined_if_the_whole_is_a_fast_burst():
    upper, lower = piece(UPPER, 0), piece(LOWER, 1)
    made = []

    def make(runs):
        made.append(runs)
        return Piece(runs, BEAM, verdict(BEAM, CELL_S))

    (whole,) = finished(joined([lower, upper], make, Work(), FAST_BURSTS))
    assert set(whole.runs) == {*upper.runs, *lower.runs}
    assert len(made) == 1


def test_pieces_are_left_apart_if_the_whole_is_no_fast_burst():
    pieces = [piece(UPPER, 0), piece(LOWER, 1)]
    left = finished(joined(pieces, lambda runs: Piece(runs, SHOCK, verdict(SHOCK, CELL_S)), Work(), FAST_BURSTS))
    assert left == pieces
    assert finished(joined([], lambda _: None, Work(), FAST_BURSTS)) == []


CUT = replace(STATIONARY, low_mhz=40.0, high_mhz=50.0), replace(STATIONARY, low_mhz=54.0, high_mhz=62.0)


@pytest.mark.parametrize(
    ("change", "are_one"),
    [
        ({}, True),
        ({"low_mhz": 59.0}, False),  # narrower than the gap
        ({"begin_s": 600.0, "end_s": 1400.0}, False),
        ({"peak_db": 12.0}, False),
        ({"low_mhz": 45.0}, False),  # the same band
    ],
)
def test_interference_cuts_a_continuum_into_parts_of_the_same_time_and_strength(change, are_one):
    lower, upper = CUT
    assert are_one_continuum(lower, replace(upper, **change)) is are_one
    assert are_one_continuum(replace(upper, **change), lower) is are_one


def test_the_parts_of_a_continuum_are_one_burst():
    pieces = [piece(CUT[0], 0), piece(CUT[1], 8)]
    assert [each.verdict.type for each in pieces] == [BurstType.UNKNOWN] * 2
    assert all(may_be_continuum(each) for each in pieces)
    whole = replace(STATIONARY, low_mhz=40.0, high_mhz=62.0)
    (made,) = finished(joined(pieces, lambda runs: Piece(runs, whole, verdict(whole, CELL_S)), Work(), CONTINUA))
    assert made.verdict.type is BurstType.CONTINUUM
    assert not may_be_continuum(piece(BEAM, 0))


@pytest.mark.parametrize(
    ("low_mhz", "high_mhz", "peak_db", "is_shown"),
    [
        (40.0, 60.0, 4.0, True),
        (40.0, 60.0, 2.0, False),  # weak
        (50.0, 60.0, 4.0, False),  # narrow
        (22.0, 35.0, 9.0, False),  # of shortwave stations
        (22.0, 45.0, 9.0, True),
    ],
)
def test_a_burst_of_unknown_type_is_shown_if_it_is_strong_and_wide_and_not_of_shortwave_stations(
    low_mhz, high_mhz, peak_db, is_shown
):
    unknown = replace(BEAM, low_mhz=low_mhz, high_mhz=high_mhz, peak_db=peak_db, delay=500.0, run_s=10.0, spread_s=30.0)
    assert verdict(unknown, CELL_S).type is BurstType.UNKNOWN
    assert is_reported(piece(unknown, 0)) is is_shown


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"peak_db": 4.0}, BurstType.CONTINUUM),
        ({"peak_db": 4.0, "unknown_end_share": 1.0}, BurstType.UNKNOWN),
        ({"peak_db": 4.0, "unknown_begin_share": 1.0}, BurstType.UNKNOWN),
        ({"peak_db": 6.0, "unknown_end_share": 1.0}, BurstType.CONTINUUM),
        ({"peak_db": 6.0, "unknown_begin_share": 1.0}, BurstType.CONTINUUM),
    ],
)
def test_a_weak_continuum_needs_a_known_begin_and_end(change, kind):
    found = replace(STATIONARY, low_mhz=40.0, high_mhz=70.0, **change)
    assert verdict(found, CELL_S).type is kind
    assert not is_reported(piece(found, 0))
