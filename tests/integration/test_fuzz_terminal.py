"""A short round of the terminal fuzzer.

`make fuzz-terminal` plays many long rounds.
"""

import pytest
from fuzz_terminal import play


@pytest.mark.timeout(300)
def test_a_monitor_lives_and_obeys_among_noise_sizes_and_keys(tmp_path):
    play(seed=0, number=0, steps=20, home=tmp_path)
