"""The bursts now, for readers in any thread."""

from dataclasses import replace

from sunspec_tui.core.burst_board import MAX_BURSTS, BurstBoard
from sunspec_tui.core.bursts import Burst, BurstType

BURST = Burst("a", 10.0, 11.0, 15.0, 20.0, 80.0, is_open=True)


def test_listeners_are_called_after_a_change_only():
    board, seen = BurstBoard(), []
    board.listeners.add(lambda: seen.append([each.name for each in board.bursts]))
    board.add([])
    board.add([BURST])
    assert seen == [["a"]]


def test_a_verdict_stays_when_the_numbers_change_and_can_be_taken_back():
    board = BurstBoard()
    board.add([BURST])
    assert board.mark_wrong("a")
    board.add([replace(BURST, type=BurstType.III, is_open=False)])
    assert (board.bursts[0].is_wrong, board.bursts[0].type) == (True, BurstType.III)
    assert board.mark_wrong("a", is_wrong=False)
    assert not board.bursts[0].is_wrong


def test_a_verdict_on_an_unknown_burst_is_refused_and_calls_nobody():
    board, calls = BurstBoard(), []
    board.listeners.add(lambda: calls.append(1))
    assert not board.mark_wrong("b")
    assert not calls


def test_the_oldest_bursts_are_dropped_and_open_ones_stay():
    board = BurstBoard()
    board.add([BURST])
    board.add(replace(BURST, name=str(i), begin_s=20.0 + i, is_open=False) for i in range(MAX_BURSTS + 5))
    assert len(board.bursts) == MAX_BURSTS
    assert [burst.name for burst in board.bursts][:2] == ["a", "6"]
