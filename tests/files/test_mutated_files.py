"""Tests that randomly corrupted files are read or refused quickly."""

import random

import pytest
from extent import extent
from mutated_files import cases, seeds

CASES = extent(
    {".npz": 80, ".csv": 150, ".fits": 50, ".gz": 40, ".h5": 8},
    {".npz": 300, ".csv": 150, ".fits": 150, ".gz": 100, ".h5": 25},
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", CASES)
def test_a_spoilt_file_is_read_or_refused_in_one_sentence(form, tmp_path):
    chosen = [seed for seed in seeds(tmp_path) if seed[0].endswith(form)]
    found = [each for each, _ in cases(tmp_path, chosen, CASES[form], random.Random(12))]  # noqa: S311 - no secrets
    assert [each.fault for each in found if each.fault] == []
    # Some of them are still what they were: it is not the first byte that is always spoilt.
    assert 0 < sum(each.read for each in found) < len(found)
