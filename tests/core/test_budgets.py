"""Tests of memory budgets, as tables of numbers."""

import pytest

from sunspec_tui.core import memory_budgets
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.frequency_axis import Axis
from sunspec_tui.core.memory_budgets import (
    check_buffer_length,
    frame_nbytes,
    max_past_nbytes,
    max_ring_nbytes,
    memory_limit_bytes,
    ring_nbytes,
    size_text,
    usual_ring_nbytes,
)
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.core.ring_epochs import Epoch, PastEpochs

GIB = 2**30


def test_the_size_of_a_ring_is_that_of_its_arrays():
    ring = RingBuffer(100, 768, 4)
    assert ring_nbytes(100, 768, 4) == ring.nbytes
    assert usual_ring_nbytes(100, 4) == ring.nbytes


@pytest.mark.parametrize(
    ("nbytes", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (2**20 - 1, "1023.9 KiB"),
     (2**34, "16.0 GiB"), (3 * 2**50, "3.0 PiB"), (2**70, "1048576.0 PiB")],
)  # fmt: skip
def test_a_size_is_text_for_people(nbytes, text):
    assert size_text(nbytes) == text


@pytest.mark.parametrize(
    ("limit", "rows", "ring", "past"),
    [
        (64 * GIB, 1200, GIB, GIB // 4),
        (64 * GIB, 1_000_000, usual_ring_nbytes(1_000_000, 4), usual_ring_nbytes(1_000_000, 4)),
        (GIB, 1200, GIB // 2, GIB // 4),
        (GIB // 2, 1200, GIB // 4, GIB // 8),
        (None, 1200, GIB, GIB // 4),
    ],
)
def test_a_stream_may_ask_for_as_much_as_the_setting_and_the_machine_allow(monkeypatch, limit, rows, ring, past):
    monkeypatch.setattr(memory_budgets, "memory_limit_bytes", lambda: limit)
    assert (max_ring_nbytes(rows, 4), max_past_nbytes(rows, 4)) == (ring, past)


def test_a_length_that_fits_is_taken_and_the_next_one_is_not(monkeypatch):
    monkeypatch.setattr(memory_budgets, "memory_limit_bytes", lambda: GIB)
    fits = GIB // 2 // usual_ring_nbytes(1, 4)
    check_buffer_length("--buffer-length", fits, 4)
    with pytest.raises(UsageError, match=f"choose at most {fits}$"):
        check_buffer_length("--buffer-length", fits + 1, 4)


def test_this_machine_says_how_much_memory_it_has():
    assert 2**26 < memory_limit_bytes() < 2**50


def test_a_message_holds_its_bytes_and_what_its_header_becomes():
    assert frame_nbytes([b"data", b"x" * 10, b"y" * 100]) == 4 + 320 + 100


def epoch(number, rows, length):
    ring = RingBuffer(length, 10, 4)
    for n in range(rows):
        ring.append(ring._data[0], float(n), n)
    return Epoch(number, Axis(560, 40, 4, 4), ring, 0.25)


def test_the_oldest_epochs_go_where_the_budget_asks_for_it():
    past = PastEpochs(3 * RingBuffer(100, 10, 4).nbytes)
    for number in range(6):
        past.add(epoch(number, 100, 100))
    assert [each.number for each in past.kept()] == [3, 4, 5]
    past.add(epoch(6, 100, 1000))
    assert [each.number for each in past.kept()] == [4, 5, 6]
    assert past.kept()[-1].ring.length == 100
    past.clear()
    assert past.kept() == ()


def test_an_epoch_is_cut_to_its_rows_and_these_stay_as_they_were():
    past = PastEpochs(GIB)
    whole = epoch(0, 30, 100)
    past.add(whole)
    kept = past.kept()[0]
    assert kept.ring.length == 30
    assert kept.position() is not None
    assert kept.times_s == (0.0, 29.0)
    assert kept.ring.latest().slots.tolist() == whole.ring.latest().slots.tolist()
    assert (kept.number_at(7), kept.rows_between(5, 9).count) == (7, 9)


def test_an_epoch_that_is_larger_than_the_budget_is_not_kept():
    past = PastEpochs(100)
    past.add(epoch(0, 30, 30))
    assert past.kept() == ()
