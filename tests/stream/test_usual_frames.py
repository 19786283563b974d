"""The short cuts for usual frames give the same results."""

import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from publishers import message

from sunspec_tui import StreamReceiver
from sunspec_tui.core.errors import RejectedMessage
from sunspec_tui.core.frame import Frame, decode
from sunspec_tui.core.ring_buffer import RingBuffer
from sunspec_tui.stream.cadence import STEP_COUNT, Cadence
from sunspec_tui.stream.frame_placer import FramePlacer

EMPTY = np.empty((1, 8, 4), np.float32)
START_S = 1_755_552_894.0
TAG = 344_088_367_378_318_836


STEPS_S = st.sampled_from(
    [0.25] * 12 + [0.250001, 0.2499, 0.3, 0.37, 0.374, 0.376, 0.5, 0.1, 1.0, 0.0, -1.0, 61.0, math.nan]
)


@given(
    st.lists(
        st.tuples(
            STEPS_S,
            st.sampled_from([1] * 12 + [2, 0, -3, 2000, None]),
            st.sampled_from([0] * 20 + [1, None]),
            st.sampled_from([0.25] * 8 + [0.0, 0.37, 0.38, 2.0, 100.0]),
            st.sampled_from([0] * 15 + [1, 2]),
        ),
        min_size=2,
        max_size=120,
    )
)  # fmt: skip
@settings(deadline=None)
def test_a_usual_frame_is_placed_as_with_all_checks(frames):
    quick, thorough = FramePlacer(), FramePlacer()
    time_s, seq, tag, arrived_s = START_S, 0, 0, 0.0
    for step_s, step, new_tag, waited_s, rejected in frames:
        seq += step or 1
        tag += new_tag or 0
        arrived_s += waited_s
        time_s += 0.25 if math.isnan(step_s) else step_s
        frame = Frame(
            EMPTY, math.nan if math.isnan(step_s) else time_s, time_s + 0.01,
            time_tag=None if new_tag is None else TAG + tag * 196_000_000, seq=None if step is None else max(0, seq),
        )  # fmt: skip
        for placer in (quick, thorough):
            for _ in range(rejected):
                placer.note_rejected(None)
        checked = thorough.assign_slot_with_checks(frame, time_s, arrived_s)
        assert repr(quick.assign_slot(frame, time_s, arrived_s)) == repr(checked)
        assert readings(quick, arrived_s) == readings(thorough, arrived_s)


def readings(placer, now_s):
    """Return all readings of a placer as text, where NaN equals NaN."""
    arrivals, cadence_s = placer.arrivals, placer.cadence_s
    known = placer.losses_known, placer.restarts_known, placer.tag_problem
    return repr(
        (cadence_s, *known, arrivals.rate_hz, arrivals.state(now_s, cadence_s), arrivals.stall_after_s(cadence_s))
    )


@given(
    st.lists(st.sampled_from([0.1, 0.25, 0.25, 0.25000001, 0.5, 3.0]) | st.floats(1e-3, 100), min_size=1, max_size=200)
)
def test_the_cadence_is_the_lower_middle_of_the_last_steps(steps):
    cadence = Cadence()
    for n, step_s in enumerate(steps, 1):
        kept = sorted(steps[max(0, n - STEP_COUNT) : n])
        assert cadence.add(step_s) == kept[(len(kept) - 1) // 2]


def test_a_cadence_that_was_cleared_begins_with_the_next_step():
    cadence = Cadence()
    for _ in range(40):
        cadence.add(0.25)
    cadence.clear()
    assert cadence.add(0.5) == 0.5


@pytest.mark.parametrize("bad", [{"nbeam": True}, {"nbeam": 1.0}, {"nchan": 8.0}, {"npol": "4"}, {"npol": -1}])
def test_a_layout_that_only_equals_the_last_one_is_still_rejected(bad):
    data = np.ones((1, 8, 4), np.float32)
    assert decode(message(data)).shape == (1, 8, 4)
    with pytest.raises(RejectedMessage):
        decode(message(data, **bad))


@pytest.mark.parametrize("key", ["time_tag", "seq", "chan0"])
@pytest.mark.parametrize("value", [True, 1.0, "1", -1, 2**63])
def test_numbers_of_the_header_are_whole_numbers_in_their_range(key, value):
    with pytest.raises(RejectedMessage, match=key):
        decode(message(np.ones((1, 8, 4), np.float32), **{"time_tag": 1, "seq": 1, "chan0": 560} | {key: value}))


class Cycle:
    """An object that only the collector can free."""

    def __init__(self):
        self.itself = self


def test_new_garbage_is_collected_between_frames_and_old_objects_are_left_alone():
    receiver = StreamReceiver(plot_interval=0, gc_interval=5)
    parts = [message(np.ones((1, 8, 4), np.float32), seq=n) for n in range(50)]
    gc.collect()
    full = gc.get_stats()[2]["collections"]
    garbage = weakref.ref(Cycle())
    with receiver.handler.receiving():
        for each in parts:
            receiver.handler.on_message(each)
    assert garbage() is None
    assert receiver.get_memory_info()["gc_runs"] == 10
    assert gc.get_stats()[2]["collections"] == full


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("nchan", [32, 30, 48])
def test_a_row_is_written_whole_before_anybody_reads_it(place, nchan):
    """Readers never read the next row, even in a full ring."""
    ring = RingBuffer(3, nchan // 2, 4)
    for number in range(3 + place):
        ring.append(np.full((nchan // 2, 4), number, np.float32), float(number), number)
    before = ring.latest()
    ring.next_row[...] = np.nan
    np.testing.assert_array_equal(ring.latest().data, before.data)
    ring.commit(9.0, 9)
    assert ring.latest().times_s.tolist() == [*before.times_s[1:].tolist(), 9.0]
    assert np.isnan(ring.latest(1).data).all()
