"""Slots of time, spans, and columns that never split a block."""

import math

import numpy as np
import pytest

from sunspec_tui.tui.display.column_grid import ColumnGrid
from sunspec_tui.tui.display.time_slots import TimeSlots, longest_span_s, next_span_s

HOUR_S, DAY_S = 3600, 86_400


@pytest.mark.parametrize(
    ("cadence_s", "slot_s"),
    [
        (0.25, 0.25),
        (0.2508, 0.25),
        (0.2499, 0.25),
        (10.0, 0.25),
        (0.2, 0.125),
        (0.1, 0.0625),
        (0.001, 1 / 1024),
        (math.nan, 0.25),
        (0.0, 0.25),
        (-1.0, 0.25),
        (5e-324, 1 / 1024),
        (math.inf, 0.25),
    ],
)
def test_slots_are_so_short_that_each_has_one_row(cadence_s, slot_s):
    assert TimeSlots.of_cadence(cadence_s).slot_s == slot_s


def test_slots_of_times_and_their_begins():
    slots = TimeSlots(0.25)
    assert slots.slot_at(1_780_857_690.0) == 7_123_430_760
    assert slots.slot_at(1_780_857_689.999999) == 7_123_430_759
    assert slots.begin_s(7_123_430_760) == 1_780_857_690.0
    assert slots.slots_at_us(np.array([1_780_857_690_000_000, -1])).tolist() == [7_123_430_760, -1]
    assert slots.steps == (8, 64, 512)
    assert [slots.step_s(each) for each in (1, 8, 64, 512)] == [0, 2, 16, 128]
    assert TimeSlots(1 / 16).steps == (32, 256, 2048)


@pytest.mark.parametrize(
    ("now_s", "by", "known_s", "expected"),
    [
        (305.0, 1, DAY_S, 600),
        (600.0, 1, DAY_S, 1200),
        (604.0, 1, DAY_S, 1200),
        (12 * HOUR_S, 1, DAY_S, DAY_S),
        # A day shows all rows of a day; an archive of many days goes on.
        (DAY_S, 1, DAY_S, None),
        (DAY_S, 1, DAY_S + 1, 2 * DAY_S),
        (20 * DAY_S, 1, 300 * DAY_S, 30 * DAY_S),
        (30 * DAY_S, 1, 300 * DAY_S, None),
        (600.0, -1, DAY_S, 300),
        (604.0, -1, DAY_S, 300),
        (30.0, -1, DAY_S, None),
    ],
)
def test_the_next_span(now_s, by, known_s, expected):
    assert next_span_s(now_s, by, known_s) == expected


@pytest.mark.parametrize(
    ("known_s", "expected"), [(0, 30), (301, 600), (DAY_S, DAY_S), (DAY_S + 1, 2 * DAY_S), (400 * DAY_S, 30 * DAY_S)]
)
def test_the_longest_span_holds_all_rows(known_s, expected):
    assert longest_span_s(known_s) == expected


@pytest.mark.parametrize("columns", [70, 120, 1000])
def test_a_cell_is_as_short_as_the_span_allows(columns):
    slots = TimeSlots(0.25).cell_slots(DAY_S, columns)
    assert DAY_S <= slots * columns * 0.25 < DAY_S + columns * 0.25


@pytest.mark.parametrize(
    ("cell_slots", "cell_px", "step"),
    [
        (1, 1, 1),
        (15, 1, 1),
        (16, 1, 8),
        (127, 1, 8),
        (128, 1, 64),
        (1023, 1, 64),
        (1024, 1, 512),
        (4938, 1, 512),
        (8, 8, 1),
        (64, 8, 8),
        (512, 8, 64),
        (4096, 8, 512),
        (5, 8, 1),
    ],
)
def test_a_column_is_made_of_the_longest_blocks_that_it_can_have(cell_slots, cell_px, step):
    assert ColumnGrid(cell_slots, cell_px, (8, 64, 512)).block_slots == step


@pytest.mark.parametrize("cell_px", [1, 7, 8])
@pytest.mark.parametrize("cell_slots", [1, 3, 16, 33, 130, 1111, 4938])
def test_columns_contain_whole_blocks(cell_slots, cell_px):
    grid = ColumnGrid(cell_slots, cell_px, (8, 64, 512))
    slots = 7_123_430_760 + np.arange(20 * cell_slots)
    numbers = grid.number_of(slots)
    assert (np.diff(numbers) >= 0).all()
    inside = (slots >= grid.first_slot(numbers)) & (slots < grid.first_slot(numbers + 1))
    assert inside.all()
    assert (grid.first_slot(numbers) % grid.block_slots == 0).all()


def test_the_grid_of_the_ring_is_as_without_steps():
    assert ColumnGrid(17).block_slots == 17
    assert ColumnGrid(64, 8).block_slots == ColumnGrid(64, 8, ()).block_slots == 1
