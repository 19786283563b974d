"""A monitor in pixels survives random keys, sizes and streams.

`make fuzz-pixels` plays many rounds.
"""

from fuzz_pixels import play


def test_random_steps_leave_no_wrong_pixel():
    play(seed=0, number=0, steps=15)
