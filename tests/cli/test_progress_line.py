"""Progress of long commands on standard error."""

import io

import pytest

from sunspec_tui.cli import progress_line
from sunspec_tui.cli.progress_line import PLAIN_INTERVAL_S, ProgressLine, progress_text


@pytest.mark.parametrize(
    ("done", "total", "elapsed_s", "text"),
    [
        (0, 175, 0, "0 of 175 pictures"),
        (2, 175, 9, "2 of 175 pictures"),
        (5, 10, 40, "5 of 10 pictures, about 40 s left"),
        (10, 100, 60, "10 of 100 pictures, about 9 min left"),
        (10, 10, 60, "10 of 10 pictures"),
    ],
)
def test_the_time_left_is_estimated_from_the_work_done(done, total, elapsed_s, text):
    assert progress_text(done, total, elapsed_s, "pictures") == text


class Clock:
    """Clock that a test moves."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


class FakeTerminal(io.StringIO):
    """Standard error on a terminal."""

    def isatty(self):
        return True


def progress_on(monkeypatch, stream, term="xterm"):
    said, clock = [], Clock()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", term)
    return ProgressLine(said.append, "pictures", clock), said, clock


def test_on_a_terminal_one_line_is_replaced_and_results_are_above_it(monkeypatch):
    stream = FakeTerminal()
    progress, said, clock = progress_on(monkeypatch, stream)
    for number in range(3):
        clock.now_s += 1
        progress.update(number, 9)
    progress.say("a.png")
    progress.clear()
    progress.clear()
    erase = "\r\x1b[K"
    lines = [f"{number} of 9 pictures" for number in (0, 1, 2, 2)]
    assert said == ["a.png"]
    assert stream.getvalue() == f"{erase}{lines[0]}{erase}{lines[1]}{erase}{lines[2]}{erase}{erase}{lines[3]}{erase}"


def test_a_line_is_never_wider_than_the_terminal(monkeypatch):
    stream = FakeTerminal()
    monkeypatch.setattr(progress_line, "_columns", lambda: 8)
    progress, _, clock = progress_on(monkeypatch, stream)
    clock.now_s = 1
    progress.update(1, 175)
    assert stream.getvalue() == "\r\x1b[K1 of 17"


@pytest.mark.parametrize(("stream", "term"), [(io.StringIO(), "xterm"), (FakeTerminal(), "dumb")])
def test_elsewhere_it_is_a_plain_line_from_time_to_time(monkeypatch, stream, term):
    progress, said, clock = progress_on(monkeypatch, stream, term)
    for number in range(25):
        progress.update(number, 25)
        clock.now_s += 1
    progress.say("a.png")
    progress.clear()
    lines = stream.getvalue().splitlines()
    assert [line.partition(" of")[0] for line in lines] == ["sunspec-tui: 10", "sunspec-tui: 20"]
    assert PLAIN_INTERVAL_S == 10
    assert said == ["a.png"]


def test_a_closed_standard_error_does_not_matter(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    clock = Clock()
    progress = ProgressLine(lambda text: None, "pictures", clock)
    clock.now_s = 100
    progress.update(1, 2)
    progress.tell("a message")
