"""Sequences and windows of the producer, as tables of numbers."""

import json

import numpy as np
import pytest

from sunspec_tui.core.errors import SourceError
from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.producer.averaging import RingSequence, WindowAverager

FULL = {
    "time_tag": 1_755_552_894 * CLOCK_HZ, "nbeam": 2, "nchan": 8, "npol": 2, "chan0": 560, "navg": 12,
    "spectrum_ticks": 1000, "end_ticks": [5, 11],
}  # fmt: skip


def test_a_header_gives_all_its_fields():
    assert RingSequence.from_header(FULL) == RingSequence(1_755_552_894 * CLOCK_HZ, 2, 8, 2, 560, 1000, (5, 11))


def test_what_a_header_leaves_out_is_as_recorders_have_it():
    assert RingSequence.from_header({"time_tag": 7, "nchan": 3}) == RingSequence(7, 1, 3, 4, None, 24 * 8192, None)
    assert RingSequence.from_header({"time_tag": 7, "nchan": 3, "navg": 2}).spectrum_ticks == 2 * 8192
    assert RingSequence.from_header({"time_tag": "7", "nchan": 3.0, "chan0": 0, "end_ticks": []}) == RingSequence(
        7, 1, 3, 4, 0, 24 * 8192, ()
    )


class Old:
    """Array of an older ring, which has only `tostring`."""

    def tostring(self):
        return json.dumps(FULL).encode()


@pytest.mark.parametrize(
    "form",
    [json.dumps(FULL), json.dumps(FULL).encode(), np.frombuffer(json.dumps(FULL).encode(), np.uint8), Old()],
)
def test_a_header_may_come_in_any_form(form):
    assert RingSequence.from_header(form) == RingSequence.from_header(FULL)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ({"nchan": 8}, "time_tag"),
        ({"time_tag": 1}, "nchan"),
        ("[1]", "list instead of an object"),
        ("no JSON", "Expecting value"),
        (FULL | {"nbeam": 0}, None),
        (FULL | {"nchan": 0}, None),
        (FULL | {"npol": 0}, None),
        (FULL | {"spectrum_ticks": 0}, None),
        (FULL | {"nchan": "x"}, "invalid literal"),
        (FULL | {"nchan": float("inf")}, "infinity"),
        (FULL | {"end_ticks": 4}, "not iterable"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_sentence_that_names_what_is_wrong(header, said):
    with pytest.raises(SourceError, match=r"header of the ring's sequence") as caught:
        RingSequence.from_header(header)
    assert said is None or said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("time_tag", [-1, 5_000_000_000 * CLOCK_HZ, 4_102_444_800 * CLOCK_HZ])
def test_a_time_tag_of_another_century_is_refused(time_tag):
    with pytest.raises(SourceError, match=r"time tag of the ring's sequence is outside the years 1970 to 2100"):
        RingSequence.from_header(FULL | {"time_tag": time_tag})


@pytest.mark.parametrize("time_tag", [0, 4_102_444_799 * CLOCK_HZ])
def test_a_time_tag_at_the_limits_is_taken(time_tag):
    assert RingSequence.from_header(FULL | {"time_tag": time_tag}).time_tag == time_tag


def test_a_sequence_describes_itself():
    sequence = RingSequence.from_header(FULL)
    assert str(sequence) == f"2 beams, 8 channels from 560, 2 products, time tag {sequence.time_tag}"
    assert str(RingSequence(5, 1, 8, 4, None, 9)) == "1 beam, 8 channels, 4 products, time tag 5"
    assert sequence.fields() == {
        "time_tag": sequence.time_tag, "nbeam": 2, "nchan": 8, "npol": 2, "chan0": 560, "spectrum_ticks": 1000,
    }  # fmt: skip
    assert RingSequence(5, 1, 8, 4, None, 9).fields()["chan0"] == -1
    assert (sequence.shape, sequence.spectrum_nbytes) == ((2, 8, 2), 128)


def windows(ticks, interval_s, cuts):
    """Return the mean and the end in ticks of each window.

    Spectrum n is a constant 2**n.
    """
    averager = WindowAverager(RingSequence(0, 1, 2, 1, None, ticks), interval_s)
    powers = [2.0**n for n in range(sum(cuts))]
    found, start = [], 0
    for cut in cuts:
        part = np.array(powers[start : start + cut], np.float32)[:, None, None, None] * np.ones(
            (1, 1, 2, 1), np.float32
        )
        start += cut
        for mean, end_ticks in averager.add(part):
            assert mean.dtype == np.dtype("<f4")
            assert mean.shape == (1, 2, 1)
            found.append((float(mean[0, 0, 0]), end_ticks))
    return found, averager.pending


def mean_of(*spectra):
    return float(np.float32(sum(2.0**n for n in spectra) / len(spectra)))


@pytest.mark.parametrize(
    ("ticks", "interval_ticks", "cuts", "expected", "held"),
    [
        (10, 20, [5], [((0, 1), 20), ((2, 3), 40)], 1),
        (10, 20, [1, 1, 1, 1, 1], [((0, 1), 20), ((2, 3), 40)], 1),
        (10, 25, [8], [((0, 1, 2), 30), ((3, 4), 50), ((5, 6, 7), 80)], 0),
        (10, 25, [2, 3, 3], [((0, 1, 2), 30), ((3, 4), 50), ((5, 6, 7), 80)], 0),
        (10, 10, [3], [((0,), 10), ((1,), 20), ((2,), 30)], 0),
        (10, 5, [2], [((0,), 10), ((1,), 20)], 0),
        (10, 30, [2], [], 2),
        (10, 30, [3], [((0, 1, 2), 30)], 0),
        (10, 30, [0, 4], [((0, 1, 2), 30)], 1),
    ],
)
def test_windows_hold_the_spectra_that_start_in_them(ticks, interval_ticks, cuts, expected, held):
    found, left = windows(ticks, interval_ticks / CLOCK_HZ, cuts)
    assert found == [(mean_of(*spectra), end) for spectra, end in expected]
    assert left == held


def test_recorded_frames_of_uneven_times_are_each_a_window():
    sequence = RingSequence(0, 1, 2, 1, None, 10, (7, 30, 31))
    averager = WindowAverager(sequence, 1.0)
    spectra = np.arange(6, dtype=np.float64).reshape(3, 1, 2, 1)
    found = [*averager.add(spectra[:1]), *averager.add(spectra[1:])]
    assert [end for _, end in found] == [7, 30, 31]
    assert [mean.ravel().tolist() for mean, _ in found] == [[0, 1], [2, 3], [4, 5]]
    assert {mean.dtype for mean, _ in found} == {np.dtype("<f4")}
    assert averager.pending == 0


def test_means_are_summed_in_double_precision():
    averager = WindowAverager(RingSequence(0, 1, 1, 1, None, 1), 4 / CLOCK_HZ)
    spectra = np.array([2.0**25, 1.0, 1.0, 2.0], np.float32).reshape(4, 1, 1, 1)
    ((mean, _),) = averager.add(spectra)
    assert mean.item() == 2.0**23 + 1
