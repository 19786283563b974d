"""All seeded bugs can be planted, and one is found.

`make seeded-bugs` checks all of them.
"""

import shutil

import pytest
from extent import extent
from seeded_bugs.run import apply, bugs, plant, scratch_copy

BUGS = bugs()
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    where = tmp_path_factory.mktemp("seeded_bugs")
    scratch_copy(where)
    return where


def test_there_are_enough_bugs_and_each_names_its_tests(copy):
    assert len(BUGS) >= 15
    for bug in BUGS:
        assert bug.why.endswith(".")
        assert bug.tests
        assert all((copy / test).exists() for test in bug.tests), bug.name


@needs_git
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_can_be_planted(copy, bug):
    assert apply(bug, copy, "--check") == ""


@needs_git
@pytest.mark.timeout(900)  # it starts pytest again, which takes minutes on a machine that is busy with ten other things
@pytest.mark.parametrize("bug", BUGS[:: extent(len(BUGS), 9)], ids=lambda bug: bug.name)
def test_a_planted_bug_is_noticed(copy, bug):
    assert plant(bug, copy) == "caught"
    assert apply(bug, copy, "--check") == ""
