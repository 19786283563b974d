"""Bursts are opened and closed as rows come."""

import sys

import numpy as np
import pytest
from extent import extent
from simulated_bursts import (
    CADENCE_S,
    FREQUENCIES_HZ,
    QUIET,
    START_S,
    continuum,
    disturbances_of_day,
    rows_of_day,
    single_iii,
)

from sunspec_tui.bursts.detector import BurstDetector
from sunspec_tui.core.bursts import BurstType
from sunspec_tui.core.products import WIRE_PRODUCTS, Product

MINUTES = 12


def rows(bursts, minutes=MINUTES, disturbances=QUIET, seed=0):
    """Return the rows of some minutes."""
    parts = list(rows_of_day(bursts, disturbances, seed, minutes / 60))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


@pytest.fixture(scope="module")
def strong():
    """Three bursts of type III with their rows."""
    rng = np.random.default_rng(5)
    bursts = [single_iii(start_s, db, rng) for start_s, db in ((200.0, 10.0), (330.0, 5.0), (500.0, 20.0))]
    return bursts, *rows(bursts)


def changes_of(times_s, data, batch=16, products=(Product.I,)):
    """Return all changes, in order."""
    detector = BurstDetector(FREQUENCIES_HZ, products, "test")
    parts = range(0, len(times_s), batch)
    changes = [burst for i in parts for burst in detector.feed(times_s[i : i + batch], data[i : i + batch])]
    return changes + list(detector.close())


def last_of(changes):
    """Return the last value of each burst that is left, by begin."""
    known = {burst.name: burst for burst in changes}
    return sorted((burst for burst in known.values() if not burst.is_wrong), key=lambda burst: burst.begin_s)


def test_bursts_are_opened_and_closed_with_their_times_and_drifts(strong):
    truths, times_s, data = strong
    changes = changes_of(times_s, data)
    found = last_of(changes)
    assert len(found) == len(truths)
    for true, burst in zip(truths, found, strict=True):
        states = [each.is_open for each in changes if each.name == burst.name]
        assert states[0]
        assert not states[-1]
        assert states == sorted(states, reverse=True)
        assert burst.type is BurstType.III
        assert burst.begin_s - START_S == pytest.approx(true.begin_s, abs=3)
        assert burst.low_mhz == pytest.approx(max(true.low_mhz, 20.0), abs=3)
        assert burst.drift_mhz_s == pytest.approx(true.drift_mhz_s((burst.low_mhz + burst.high_mhz) / 2), rel=0.1)
        assert burst.peak_db == pytest.approx(true.strength_db, rel=0.2)


@pytest.mark.parametrize("missing_s", [2.0, 4.0, 9.0])
def test_missing_rows_divide_no_burst_and_are_no_interference(strong, missing_s):
    truths, times_s, data = strong
    after_s = times_s - START_S - np.array([[true.begin_s + 4] for true in truths])
    is_kept = ~((after_s > 0) & (after_s <= missing_s)).any(axis=0)
    found = last_of(changes_of(times_s[is_kept], data[is_kept]))
    assert {burst.type for burst in found} == {BurstType.III}
    assert len(found) == len(truths)
    whole = last_of(changes_of(times_s, data))
    if missing_s < 5:
        assert [burst.end_s for burst in found] == pytest.approx([burst.end_s for burst in whole], abs=2)


@pytest.mark.parametrize("offset_s", [-0.25, 0.5, 2.0])
def test_missing_rows_divide_no_continuum_wherever_blocks_begin(offset_s):
    # A gap of 4 s takes a whole block, or the parts of two. The reason has the length of the runs.
    times_s, data = rows([continuum(130.0, 10.0, np.random.default_rng(1))], minutes=14)
    gap_s = START_S // 4 * 4 + 400 + offset_s
    is_kept = (times_s <= gap_s) | (times_s > gap_s + 4)
    (whole,) = last_of(changes_of(times_s, data))
    (found,) = last_of(changes_of(times_s[is_kept], data[is_kept]))
    assert found.type is BurstType.CONTINUUM
    assert (found.begin_s, found.end_s, found.reason) == (whole.begin_s, whole.end_s, whole.reason)


def test_a_burst_that_has_begun_before_the_rows_is_no_interference(strong):
    truths, times_s, data = strong
    is_kept = times_s > START_S + truths[0].begin_s + 4
    found = last_of(changes_of(times_s[is_kept], data[is_kept]))
    assert [burst.type for burst in found] == [BurstType.III] * 2


def test_a_burst_is_told_within_seconds(strong):
    truths, times_s, data = strong
    detector = BurstDetector(FREQUENCIES_HZ, (Product.I,))
    told = {}
    for i in range(0, len(times_s), 4):
        for burst in detector.feed(times_s[i : i + 4], data[i : i + 4]):
            told.setdefault(burst.name, times_s[i + 3] - START_S)
    for true in truths:
        assert min(abs(seconds - true.begin_s) for seconds in told.values()) < 12


@pytest.mark.parametrize("batch", [1, 7, 16, 1000])
def test_bursts_do_not_depend_on_the_size_of_batches(strong, batch):
    _, times_s, data = strong
    # NaN differs from itself, but not in words.
    assert repr(last_of(changes_of(times_s, data, batch))) == repr(last_of(changes_of(times_s, data, 64)))


def test_powers_of_the_wire_give_the_same_bursts_with_their_polarisation(strong):
    _, times_s, data = strong
    four = np.concatenate([1.1 * data, 0.9 * data, 0 * data, 0.25 * data], axis=2)
    found, expected = last_of(changes_of(times_s, four, products=WIRE_PRODUCTS)), last_of(changes_of(times_s, data))
    assert [burst.name for burst in found] == [burst.name for burst in expected]
    assert [burst.circular for burst in found] == pytest.approx([0.25] * len(found), abs=0.01)
    assert np.isnan([burst.circular for burst in expected]).all()


@pytest.mark.parametrize("factor", [1e-20, 1e12])
def test_bursts_do_not_depend_on_the_unit_of_power(strong, factor):
    _, times_s, data = strong
    found = last_of(changes_of(times_s, data * np.float32(factor)))
    assert [burst.type for burst in found] == [burst.type for burst in last_of(changes_of(times_s, data))]


def test_quiet_minutes_give_nothing():
    assert changes_of(*rows([], extent(20, 240))) == []


def test_no_rows_and_few_rows_give_nothing():
    detector = BurstDetector(FREQUENCIES_HZ, (Product.I,))
    assert detector.feed(np.empty(0), np.empty((0, len(FREQUENCIES_HZ), 1), np.float32)) == ()
    assert detector.close() == ()
    times_s, data = rows([], 1)
    assert detector.feed(times_s[:9], data[:9]) == ()
    assert detector.close() == ()


def size_of(value, seen):
    """Return the bytes of a value and of all that it holds."""
    if id(value) in seen:
        return 0
    seen.add(id(value))
    size = value.nbytes if isinstance(value, np.ndarray) else sys.getsizeof(value)
    if isinstance(value, dict):
        size += sum(size_of(each, seen) for pair in value.items() for each in pair)
    elif isinstance(value, (list, tuple, set, frozenset)) or type(value).__name__ == "deque":
        size += sum(size_of(each, seen) for each in value)
    else:
        size += sum(size_of(each, seen) for each in getattr(value, "__dict__", {}).values())
        size += sum(size_of(getattr(value, name, None), seen) for name in getattr(value, "__slots__", ()))
    return size


def test_memory_does_not_grow_over_hours():
    """Hours of rows four seconds apart, with bursts and disturbances."""
    rng = np.random.default_rng(2)
    bursts = [single_iii(float(start_s), 10.0, rng) for start_s in range(300, 3500, 240)]
    times_s, data = rows(bursts, 60, disturbances_of_day(1, 1))
    times_s, data = times_s[15::16], data[15::16]
    detector = BurstDetector(FREQUENCIES_HZ, (Product.I,))
    sizes = []
    for hour in range(extent(4, 14)):
        for i in range(0, len(times_s), 60):
            detector.feed(times_s[i : i + 60] + 3600 * hour, data[i : i + 60])
        sizes.append(size_of(detector, set()))
    # Arrays are made at the begin; only runs and names come and go.
    assert max(sizes[2:]) <= 1.2 * max(sizes[:2])
    assert max(sizes) < 32e6
    assert times_s[1] - times_s[0] == 16 * CADENCE_S


@pytest.mark.parametrize("quiet_s", [90, 600])
def test_a_rise_of_half_an_hour_at_all_frequencies_is_one_continuum(quiet_s):
    rng = np.random.default_rng(1)
    times_s = START_S + np.arange(45 * 60 * 2) / 2
    after_s = times_s - START_S - quiet_s
    excess_db = np.where(after_s < 1800, np.clip(after_s / 20, 0, 1), 0) * 15
    noise = 1 + 0.02 * rng.standard_normal((len(times_s), len(FREQUENCIES_HZ), 1))
    data = (noise * 10 ** (excess_db / 10)[:, np.newaxis, np.newaxis]).astype(np.float32)
    bursts = {burst.name: burst for burst in changes_of(times_s, data)}
    (burst,) = (each for each in bursts.values() if not each.is_wrong)
    assert burst.type is BurstType.CONTINUUM
    assert burst.begin_s - START_S == pytest.approx(quiet_s, abs=10)
    assert burst.duration_s == pytest.approx(1800, abs=20)
