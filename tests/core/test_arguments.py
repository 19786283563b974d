"""Tests of numbers that a caller passes.

Whole numbers may be computed; invalid ones are refused with their name.
"""

import math
from fractions import Fraction

import numpy as np
import pytest

from sunspec_tui.core.argument_checks import number, whole_number
from sunspec_tui.core.errors import UsageError
from sunspec_tui.receiver import StreamReceiver


@pytest.mark.parametrize("value", [1200, 300 / 0.25, np.int64(1200), np.float32(1200), Fraction(1200)])
def test_a_whole_number_may_be_computed(value):
    found = whole_number("buffer_length", value, 1)
    assert (type(found), found) == (int, 1200)


@pytest.mark.parametrize("value", [1200.5, math.inf, math.nan, "1200", None, True, 0, -1, [3], 3j])
def test_what_is_no_whole_number_is_refused_by_name(value):
    with pytest.raises(UsageError, match="buffer_length is "):
        whole_number("buffer_length", value, 1)


@pytest.mark.parametrize("value", [math.inf, math.nan, 10**400, -0.1, "3"])
def test_what_is_no_finite_number_is_refused_by_name(value):
    with pytest.raises(UsageError, match="plot_interval is "):
        number("plot_interval", value, 0)
    assert number("plot_interval", np.int32(3), 0) == 3.0


def test_a_receiver_takes_the_length_that_an_older_script_computes():
    receiver = StreamReceiver(buffer_length=300 / 0.25, gc_interval=np.int64(50))
    assert receiver.buffer_length == 1200


@pytest.mark.parametrize("value", [-1, math.nan, math.inf])
def test_an_interval_that_no_plot_can_have_is_refused_later_too(value):
    receiver = StreamReceiver()
    with pytest.raises(UsageError, match="plot_interval"):
        receiver.set_plot_interval(value)
    assert receiver.plot_interval_s == 10
