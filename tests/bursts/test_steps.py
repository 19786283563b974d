"""A step of the gain moves bins up and down."""

import numpy as np
import pytest

from sunspec_tui.bursts.steps import StepFinder, gain_step_db

NBINS = 100


def stepped(step_db, cells=8, at=8, noise_db=0.03):
    """Return two blocks of cells with a step at a cell."""
    values = np.random.default_rng(0).normal(0, noise_db, (2 * cells, NBINS))
    values[at:] += step_db
    return values[:cells].astype(np.float32), values[cells:].astype(np.float32)


def mixed(db=2.0, share=0.5):
    """Return a step up in a share of the bins."""
    return np.where(np.arange(NBINS) < share * NBINS, db, -db)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_step_with_both_signs_is_measured(share):
    step = gain_step_db(*stepped(mixed(share=share)))
    assert step == pytest.approx(mixed(share=share), abs=0.05)


@pytest.mark.parametrize(
    "step_db",
    [
        np.zeros(NBINS),
        np.full(NBINS, 3.0),  # a burst, or a column of lightning
        -np.full(NBINS, 3.0),
        mixed(share=0.95),
        mixed(0.5),
        np.where(np.arange(NBINS) < 10, mixed(share=0.05), 0),  # few bins
    ],
)
def test_what_moves_in_one_direction_or_little_or_in_few_bins_is_no_step(step_db):
    assert gain_step_db(*stepped(step_db)) is None


def test_bins_that_take_no_part_have_no_step():
    step_db = np.where(np.arange(NBINS) < 60, mixed(share=0.3), 0)
    assert np.all(gain_step_db(*stepped(step_db))[60:] == 0)


def test_what_goes_on_to_change_is_no_step():
    before, after = stepped(np.zeros(NBINS))
    slope = np.arange(16)[:, np.newaxis] * mixed(0.5)
    assert gain_step_db(before + slope[:8].astype(np.float32), after + slope[8:].astype(np.float32)) is None


@pytest.mark.parametrize("at", range(12, 20))
def test_a_step_is_found_once_wherever_it_lies_in_a_block(at):
    values = np.random.default_rng(0).normal(0, 0.03, (40, NBINS)).astype(np.float32)
    values[at:] += mixed().astype(np.float32)
    finder = StepFinder()
    found = [finder.feed(values[i : i + 8]) for i in range(0, 40, 8)]
    steps = [step for step in found if step is not None]
    assert len(steps) == 1
    assert steps[0] == pytest.approx(mixed(), abs=0.1)


def test_a_burst_of_type_3_is_no_step():
    cells = np.arange(40)[:, np.newaxis]
    burst = 10 * np.exp(-np.clip(cells - 10 - np.arange(NBINS)[::-1] / 8, 0, None) / 6)
    burst[cells - 10 < np.arange(NBINS)[::-1] / 8] = 0
    finder = StepFinder()
    assert all(finder.feed(burst[i : i + 8].astype(np.float32)) is None for i in range(0, 40, 8))


def test_cells_before_missing_rows_are_not_compared():
    before, after = stepped(mixed())
    finder = StepFinder()
    finder.feed(before)
    finder.forget()
    assert finder.feed(after) is None


def test_missing_values_are_no_step():
    before, after = stepped(mixed())
    assert gain_step_db(before, np.full_like(after, np.nan)) is None
