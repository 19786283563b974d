"""Random keys, sizes and streams leave no wrong cell in pixels.

`make fuzz-pixels` plays many rounds.
"""

from fuzz_pixels import play


def test_random_steps_leave_no_wrong_pixel():
    play(seed=0, number=0, steps=15)
