"""Tests of the ring buffer: kept rows, numbers and slots."""

import threading

import numpy as np
import pytest

from sunspec_tui.core.ring_buffer import Mark, RingBuffer


def filled(length, slots, *, first=0):
    """Return a ring whose row n has recognisable values.

    Row n has the value n, the time 10 n and the slot n of `slots`.
    """
    ring = RingBuffer(length, 2, 1, first=first)
    for n, slot in enumerate(slots):
        ring.append(np.full((2, 1), n, np.float32), n * 10.0, slot, n % 32)
    return ring


def numbers(rows):
    """Return the numbers of rows of `filled`.

    All values of a row must belong together.
    """
    values = [int(value) for value in rows.data[:, 0, 0]]
    assert rows.data[:, 1, 0].tolist() == values
    assert rows.times_s.tolist() == [10.0 * value for value in values]
    assert rows.marks.tolist() == [value % 32 for value in values]
    assert len(rows) == len(values)
    return values


def test_a_new_ring_is_empty_and_has_its_shape():
    ring = RingBuffer(5, 3, 2)
    assert (ring.length, ring.nbins, ring.npol) == (5, 3, 2)
    assert (ring.count, ring.index, ring.filled, ring.ends()) == (0, 0, 0, None)
    rows = ring.latest()
    assert (rows.data.shape, rows.count, len(rows)) == ((0, 3, 2), 0, 0)
    assert (rows.data.dtype, rows.times_s.dtype, rows.slots.dtype, rows.marks.dtype) == (
        np.float32, np.float64, np.int64, np.uint8,
    )  # fmt: skip
    assert ring.nbytes == 5 * (3 * 2 * 4 + 8 + 8 + 1)


@pytest.mark.parametrize(
    ("appended", "count", "index", "kept", "ends"),
    [
        (1, 1, 1, 1, (0, 0)),
        (3, 3, 3, 3, (0, 4)),
        (4, 4, 0, 4, (0, 6)),
        (5, 5, 1, 4, (2, 8)),
        (9, 9, 1, 4, (10, 16)),
    ],
)
@pytest.mark.parametrize("first", [0, 7])
def test_counts_and_ends_before_and_after_the_wrap(appended, count, index, kept, ends, first):
    ring = filled(4, range(0, 2 * appended, 2), first=first)
    assert (ring.count, ring.index, ring.filled, ring.ends()) == (count + first, index, kept, ends)


@pytest.mark.parametrize(
    ("asked", "expected"), [(None, [3, 4, 5, 6]), (2, [5, 6]), (4, [3, 4, 5, 6]), (9, [3, 4, 5, 6]), (0, []), (-3, [])]
)
@pytest.mark.parametrize("first", [0, 5])
def test_the_latest_rows_come_oldest_first(asked, expected, first):
    rows = filled(4, range(7), first=first).latest(asked)
    assert numbers(rows) == expected
    assert rows.slots.tolist() == expected
    assert rows.count == 7 + first


@pytest.mark.parametrize(
    ("since", "most", "expected"),
    [
        (0, None, [3, 4, 5, 6]),
        (5, None, [5, 6]),
        (6, None, [6]),
        (7, None, []),
        (70, None, []),
        (0, 3, [4, 5, 6]),
        (6, 3, [6]),
        (0, 1, [6]),
        (0, 0, []),
    ],
)
@pytest.mark.parametrize("first", [0, 5])
def test_rows_since_a_number_are_those_still_kept(since, most, expected, first):
    rows = filled(4, range(7), first=first).since(since + first if since else 0, most=most)
    assert numbers(rows) == expected
    assert rows.count == 7 + first


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [(0, 5, [3, 4]), (4, 6, [4, 5]),
     (4, 99, [4, 5, 6]), (5, 5, []), (6, 4, []), (0, 2, []), (8, 9, []), (0, 99, [3, 4, 5, 6])],
)  # fmt: skip
@pytest.mark.parametrize("first", [0, 5])
def test_rows_between_two_numbers_are_those_still_kept(start, stop, expected, first):
    assert numbers(filled(4, range(7), first=first).between(start + first, stop + first)) == expected


@pytest.mark.parametrize(
    ("slot", "number"), [(-5, 2), (9, 2), (10, 2), (11, 3), (15, 3), (16, 4), (20, 4), (21, 5), (30, 5), (31, 6)]
)
@pytest.mark.parametrize("first", [0, 3])
def test_a_slot_finds_the_first_row_at_or_after_it(slot, number, first):
    ring = filled(4, [1, 5, 10, 15, 20, 30], first=first)
    assert ring.number_at(slot) == number + first


def test_a_slot_in_an_empty_ring_finds_the_next_row():
    assert RingBuffer(4, 1, 1, first=9).number_at(3) == 9


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize(("before", "added"), [(0, 3), (2, 4), (5, 1), (3, 8), (8, 8), (11, 0)])
def test_several_rows_are_appended_as_one_by_one(before, added, first):
    slots = [2 * n for n in range(before + added)]
    whole, ring = filled(8, slots, first=first), filled(8, slots[:before], first=first)
    ring.extend(filled(8, slots, first=first).latest(added))
    assert (ring.count, ring.index, ring.filled, ring.ends()) == (whole.count, whole.index, whole.filled, whole.ends())
    assert numbers(ring.latest()) == numbers(whole.latest())
    assert ring.latest().slots.tolist() == whole.latest().slots.tolist()


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize(("appended", "length"), [(0, 1), (1, 1), (3, 3), (4, 4), (5, 8), (8, 8), (20, 8)])
def test_a_ring_is_trimmed_to_its_rows_where_that_saves_half(appended, length, first):
    ring = filled(8, range(appended), first=first)
    trimmed = ring.trimmed()
    assert (trimmed is ring) == (length == 8)
    assert (trimmed.length, trimmed.nbins, trimmed.npol) == (length, 2, 1)
    assert (trimmed.count, trimmed.ends()) == (ring.count, ring.ends())
    assert numbers(trimmed.latest()) == numbers(ring.latest())
    assert numbers(trimmed.between(first, first + 99)) == numbers(ring.between(first, first + 99))


def test_rows_are_copies_that_later_rows_do_not_change():
    ring = filled(3, range(3))
    rows = ring.latest()
    row = np.zeros((2, 1), np.float32)
    ring.append(row, 1e6, 99)
    row[:] = 5
    assert numbers(rows) == [0, 1, 2]
    last = ring.latest(1)
    assert (last.data.tolist(), last.marks.tolist()) == ([[[0.0], [0.0]]], [Mark.NONE])


READERS = [
    lambda ring: ring.latest(),
    lambda ring: ring.since(0),
    lambda ring: ring.ends(),
    lambda ring: ring.between(0, 9),
    lambda ring: ring.number_at(2),
    lambda ring: ring.append(np.zeros((2, 1), np.float32), 0.0, 9),
]


@pytest.mark.parametrize("read", READERS)
def test_everything_waits_for_the_ones_who_hold_the_lock(read):
    ring = filled(3, range(5))
    done = threading.Event()
    thread = threading.Thread(target=lambda: (read(ring), done.set()))
    with ring._lock:
        thread.start()
        assert not done.wait(0.02)
    assert done.wait(10)
    thread.join()
