"""Time tags: a recorder's begin sequences, a test producer's do not."""

import pytest

from sunspec_tui.core.instrument import CLOCK_HZ
from sunspec_tui.stream.sequence_tags import IMPLAUSIBLE, MOVING, OF_GULPS, SequenceTags

A = 1755552894 * CLOCK_HZ
B, C = A + 7 * CLOCK_HZ, A + 90 * CLOCK_HZ
MICROSECONDS = 1755552894_000000


@pytest.mark.parametrize(
    ("tags", "begins", "problem"),
    [
        ([A, A, A], [], ""),
        ([A, A, B, B, C, C], [2, 4], ""),
        ([A, A, B, A, A], [2], ""),
        ([None, A, None, A, B], [4], ""),
        ([A, B, C, A], [], MOVING),
        ([A + n for n in range(20)], [], MOVING),
        ([A, A, *[A + n for n in range(1, 9)]], [2], MOVING),
        ([*[A + n for n in range(9)], B, B], [], ""),
        ([*[A + n for n in range(9)], B, B, C], [11], ""),
        ([MICROSECONDS + 250_000 * n for n in range(9)], [], IMPLAUSIBLE),
        ([MICROSECONDS] * 5, [], IMPLAUSIBLE),
        ([0, 0, 0], [], IMPLAUSIBLE),
        ([A, A, MICROSECONDS, MICROSECONDS], [], IMPLAUSIBLE),
        ([2**63 - 1], [], IMPLAUSIBLE),
        ([A + n // 2 * 1000 for n in range(40)], [2, 4, 6], OF_GULPS),
        ([A + n // 4 * 1000 for n in range(40)], [4, 8, 12], OF_GULPS),
        ([A + n // 9 * 1000 for n in range(40)], [9, 18, 27, 36], ""),
        ([*[A + n // 2 * 1000 for n in range(20)], *[B] * 9], [2, 4, 6], ""),
        ([*[A + n // 2 * 1000 for n in range(20)], *[B] * 9, C], [2, 4, 6, 29], ""),
    ],
)
def test_a_tag_begins_a_sequence_where_the_one_before_has_stood(tags, begins, problem):
    followed = SequenceTags()
    found = []
    for n, tag in enumerate(tags):
        expected = followed.begins_sequence(tag)
        if followed.update(tag):
            found.append(n)
        assert (n in found) == expected
    assert found == begins
    assert followed.problem == problem
