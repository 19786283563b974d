"""Title and bell report changes, and nothing else."""

from itertools import pairwise

import pytest

from sunspec_tui.monitoring.snapshot import Snapshot
from sunspec_tui.stream.health_reading import HealthReading, StreamState
from sunspec_tui.tui.attention import MIN_BETWEEN_BELLS_S, QUIET_S, Attention, Bell, coarse_age, title_words
from sunspec_tui.tui.terminal.terminal_title import (
    MAX_CHARACTERS,
    POP,
    PUSH,
    TerminalTitle,
    has_title,
    title_sequence,
)

CONNECTING, LIVE, STALLED = StreamState.CONNECTING, StreamState.LIVE, StreamState.STALLED


class Alarmed(Snapshot):
    """Snapshot with an alarm."""

    alarms = ("NO SIGNAL",)


def _snapshot(state, silence_s=0.1, station="OVRO-LWA", source="10.0.0.5:9798", kind=Snapshot):
    return kind(0.0, source, HealthReading(state, silence_s=silence_s), station=station)


@pytest.mark.parametrize(
    ("seconds", "age"),
    [(float("nan"), ""), (3, ""), (10, "10 s"), (59, "30 s"), (60, "1 min"), (3599, "30 min"), (1e9, "24 h")],
)
def test_the_age_of_a_stall_has_few_steps(seconds, age):
    assert coarse_age(seconds) == age


@pytest.mark.parametrize(
    ("snapshot", "is_paused", "words"),
    [
        (_snapshot(CONNECTING), False, "CONNECTING XX – OVRO-LWA 10.0.0.5:9798"),
        (_snapshot(LIVE), False, "LIVE XX – OVRO-LWA 10.0.0.5:9798"),
        (_snapshot(LIVE, station=""), True, "LIVE, PAUSED XX – 10.0.0.5:9798"),
        (_snapshot(STALLED, 12.3), False, "STALLED 10 s XX – OVRO-LWA 10.0.0.5:9798"),
        (_snapshot(LIVE, kind=Alarmed), False, "LIVE, NO SIGNAL XX – OVRO-LWA 10.0.0.5:9798"),
        (_snapshot(LIVE, station="a\x1b]0;b\x07"), False, "LIVE XX – a\\x1b]0;b\\x07 10.0.0.5:9798"),
    ],
)
def test_the_title_has_state_product_and_source(snapshot, is_paused, words):
    assert title_words(snapshot, "XX", is_paused=is_paused) == words


def test_an_hour_of_stall_changes_the_title_a_few_times():
    titles = {title_words(_snapshot(STALLED, seconds), "XX", is_paused=False) for seconds in range(3, 3600)}
    assert len(titles) <= 10


@pytest.mark.parametrize(
    ("text", "sequence"),
    [
        ("LIVE XX", "\x1b]2;LIVE XX\x1b\\"),
        ("a\x07b\x1b\\c\nd\x9c", "\x1b]2;a?b?\\c?d?\x1b\\"),
        ("é–☉", "\x1b]2;é–☉\x1b\\"),
        ("x" * 1000, "\x1b]2;" + "x" * MAX_CHARACTERS + "\x1b\\"),
    ],
)
def test_no_text_can_leave_the_title_sequence(text, sequence):
    assert title_sequence(text) == sequence


@pytest.mark.parametrize(
    ("term", "has"),
    [("xterm-256color", True), ("tmux-256color", True), ("screen", True), ("xterm-kitty", True), ("linux", False),
     ("dumb", False), ("", False), ("vt100", False), ("vt220", False)],
)  # fmt: skip
def test_terminals_without_a_title_get_none(term, has):
    assert has_title({"TERM": term}) is has


def test_the_old_title_is_kept_once_and_brought_back():
    sent = []
    title = TerminalTitle(sent.append, is_possible=True)
    title.leave()
    assert (sent, title.restore_text) == ([], "")
    for text in ("a", "a", "b"):
        title.show(text)
    assert sent == [PUSH + title_sequence("a"), title_sequence("b")]
    assert title.restore_text == POP
    title.leave()
    title.leave()
    assert sent[2:] == [POP]
    title.take_again()
    assert sent[3:] == [PUSH + title_sequence("b")]


def test_a_terminal_without_a_title_is_sent_nothing():
    sent = []
    title = TerminalTitle(sent.append, is_possible=False)
    title.show("a")
    title.leave()
    title.take_again()
    assert (sent, title.restore_text) == ([], "")


def _rings(*readings):
    """Return the times at which the bell rings.

    A reading is (time, state, alarms...).
    """
    now_s, rings = 0.0, []
    bell = Bell(lambda: rings.append(now_s), lambda: now_s)
    for reading_s, state, *alarms in readings:
        now_s = reading_s
        bell.note(state, tuple(alarms))
    return rings


_FLAPPING = [(float(n), (LIVE, STALLED)[n // 3 % 2]) for n in range(600)]


@pytest.mark.parametrize(
    ("readings", "rings"),
    [
        ([(0, CONNECTING), (1, LIVE), (2, LIVE)], []),
        ([(0, LIVE), (20, STALLED), (21, STALLED), (90, STALLED)], [20]),
        ([(0, LIVE), (20, STALLED), (40, LIVE)], [20, 40]),
        # Two changes within a few seconds ring once.
        ([(0, LIVE), (20, STALLED), (22, LIVE), (90, STALLED)], [20, 90]),
        ([(0, LIVE), (9, LIVE, "NO SIGNAL"), (10, LIVE, "NO SIGNAL"), (11, LIVE)], [9]),
        # The same alarm with another number, and another alarm.
        ([(0, LIVE, "3 faults"), (9, LIVE, "4 faults"), (20, LIVE, "4 faults", "NO XX")], [0, 20]),
        ([(0, LIVE), (20, CONNECTING), (30, LIVE)], []),
        ([(0, STALLED), (20, STALLED)], []),
        ([(0, CONNECTING), (20, STALLED)], [20]),
        # A flapping stream rings for its first change only: the return comes too soon after it.
        (_FLAPPING, [3]),
        # After a quiet time the same change rings again.
        ([(0, LIVE), (20, STALLED), (21, LIVE), (21 + QUIET_S, STALLED)], [20, 21 + QUIET_S]),
    ],
)
def test_the_bell_rings_at_changes_that_matter(readings, rings):
    assert _rings(*readings) == rings


def test_two_rings_are_never_close_together():
    readings = [(n / 2, LIVE, f"alarm {'abcdefghij'[n % 10]}") for n in range(200)]
    rings = _rings(*readings)
    assert all(after - before >= MIN_BETWEEN_BELLS_S for before, after in pairwise(rings))


def test_without_a_bell_only_the_title_is_shown():
    titles = []
    attention = Attention(titles.append, None)
    for state in (LIVE, STALLED, LIVE):
        attention.note(_snapshot(state), "XX", is_paused=False)
    assert len(titles) == 3
