"""The terminal has the canvas's cells after any sequence of steps."""

import copy
import re

import numpy as np
import pyte
import pytest
from extent import extent
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sunspec_tui.tui.terminal.ansi_writer import AnsiWriter, CellStyle, StyleTable
from sunspec_tui.tui.terminal.canvas import Canvas, Grid, Region

STYLES = [
    CellStyle(), CellStyle("38;2;1;2;3", "48;2;9;8;7"), CellStyle("38;2;1;2;3", "48;2;4;5;6"),
    CellStyle("31", "49", "1"), CellStyle("39", "48;5;200"), CellStyle("94", "103", "4;7"),
]  # fmt: skip


class Terminal:
    """Terminal in memory, of any size.

    As in Textual, it does not wrap lines.
    """

    def __init__(self, columns, lines):
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed("\x1b[?7l")

    def feed(self, text):
        self._stream.feed(text)

    def cells(self):
        """Return the cells line by line, without pyte's `default` objects."""
        return [[self.screen.buffer[y][x] for x in range(self.screen.columns)] for y in range(self.screen.lines)]


def full_repaint(canvas):
    """Return the cells of a terminal that gets all cells at once."""
    fresh = copy.deepcopy(canvas)
    fresh.invalidate()
    terminal = Terminal(canvas.desired.columns, canvas.desired.lines)
    terminal.feed(fresh.update(1 << 30))
    return terminal.cells()


def canvas_of(columns=20, lines=4):
    canvas = Canvas(columns, lines)
    for style in STYLES:
        canvas.styles.number(style)
    return canvas, Terminal(columns, lines)


def test_nothing_is_sent_without_a_difference():
    canvas, _ = canvas_of()
    assert canvas.update(1 << 20)
    assert canvas.finished
    assert canvas.update(1 << 20) == ""


def test_a_changed_cell_is_sent_as_move_style_and_character():
    canvas, _ = canvas_of()
    canvas.update(1 << 20)
    canvas.desired.write(5, 2, "x", 3)
    assert canvas.update(1 << 20) == "\x1b[3;6H\x1b[0;1;31mx\x1b[0m"


def test_a_column_is_sent_with_relative_moves_and_only_changed_colours():
    canvas, _ = canvas_of()
    canvas.update(1 << 20)
    canvas.desired.write(5, 1, "▀", 1)
    canvas.desired.write(5, 2, "▀", 2)
    sent = canvas.update(1 << 20)
    assert sent == "\x1b[2;6H\x1b[0;38;2;1;2;3;48;2;9;8;7m▀\x1b[B\b\x1b[48;2;4;5;6m▀\x1b[0m"


def test_a_moved_picture_is_sent_as_a_move_and_its_new_column():
    canvas, terminal = canvas_of(30, 3)
    rng = np.random.default_rng(0)
    region = Region(2, 0, 28, 3)
    canvas.desired.codes[:] = rng.integers(65, 90, canvas.desired.codes.shape)
    terminal.feed(canvas.update(1 << 20))
    canvas.desired.codes[:, 2:27] = canvas.desired.codes[:, 3:28]
    canvas.desired.codes[:, 27] = ord("!")
    canvas.moved_left(region, 1)
    sent = canvas.update(1 << 20, [region])
    assert len(sent) < 100
    assert sent.count("P") == sent.count("@") == 3
    terminal.feed(sent)
    assert terminal.cells() == full_repaint(canvas)


def test_a_budget_limits_an_update_and_later_updates_send_all_lines():
    canvas, terminal = canvas_of(20, 6)
    canvas.desired.codes[:] = ord("a")
    seen = []
    everywhere = [Region(0, 0, 20, 6)]
    while not canvas.finished:
        sent = canvas.update(1, everywhere)
        # This line always changes.
        canvas.desired.codes[0, 0] = ord("b") if len(seen) % 2 else ord("c")
        seen.append(sent)
        terminal.feed(sent)
        assert len(seen) < 20
        if len(seen) == 7:
            break
    np.testing.assert_array_equal(canvas.displayed.codes[1:], canvas.desired.codes[1:])
    np.testing.assert_array_equal(canvas.displayed.styles[1:], canvas.desired.styles[1:])


def test_text_goes_before_pictures():
    canvas, _ = canvas_of(20, 4)
    canvas.update(1 << 20)
    canvas.desired.write(0, 0, "picture", 0)
    canvas.desired.write(0, 3, "text", 0)
    picture = [Region(0, 0, 20, 3)]
    assert canvas.update(1 << 20, picture, text_only=True) == "\x1b[4;1H\x1b[0mtext"
    assert canvas.update(1 << 20, picture) == "\x1b[1;1H\x1b[0mpicture"


def test_wide_characters_are_never_cut_in_half():
    canvas, terminal = canvas_of(10, 1)
    canvas.desired.codes[0, :4] = [ord("日"), 0, ord("本"), 0]
    terminal.feed(canvas.update(1 << 20))
    canvas.desired.codes[0, 1] = ord("x")
    canvas.desired.codes[0, 0] = ord("y")
    terminal.feed(canvas.update(1 << 20))
    assert terminal.screen.display[0] == "yx本      "


def test_a_cluster_of_code_points_is_one_cell():
    canvas, _ = canvas_of(10, 1)
    canvas.desired.codes[0, 0] = canvas.cluster("e\u0301")
    assert "e\u0301" in canvas.update(1 << 20)
    assert canvas.cluster("x") == ord("x")


def test_writing_outside_a_grid_is_left_out():
    grid = Grid.filled(4, 1)
    grid.write(-2, 0, "abcdefgh", 0)
    grid.write(0, 5, "zz", 0)
    assert grid.codes.tobytes().decode("utf-32-le") == "cdef"


class CanvasMachine(RuleBasedStateMachine):
    """Random steps end in the same cells as a full repaint.

    The steps are drawing, moving, resizing and updates with short budgets.
    """

    @initialize(columns=st.integers(8, 60), lines=st.integers(2, 16))
    def begin(self, columns, lines):
        self.canvas, self.terminal = canvas_of(columns, lines)
        self.rng = np.random.default_rng(columns * lines)

    @rule(columns=st.integers(8, 60), lines=st.integers(2, 16))
    def resize(self, columns, lines):
        self.canvas.resize(columns, lines)
        self.terminal.screen.resize(lines, columns)

    @rule(seed=st.integers(0, 2**32 - 1), some=st.floats(0.0, 1.0))
    def scribble(self, seed, some):
        rng, desired = np.random.default_rng(seed), self.canvas.desired
        chosen = rng.random(desired.codes.shape) < some
        desired.codes[chosen] = rng.choice([32, 65, 0x2580, 0x28FF], int(chosen.sum()))
        desired.styles[chosen] = rng.integers(0, len(STYLES), int(chosen.sum()))

    @rule(by=st.integers(1, 4), true=st.booleans(), seed=st.integers(0, 1000))
    def move(self, by, true, seed):
        desired = self.canvas.desired
        region = Region(2, 0, desired.columns - 3, desired.lines - 1)
        if by >= region.right - region.left:
            return
        self.canvas.moved_left(region, by)
        # A wrong hint of a move may cost bytes, but no wrong cell.
        if true:
            part = desired.codes[: region.bottom, region.left : region.right]
            part[:, :-by] = part[:, by:].copy()
            part[:, -by:] = np.random.default_rng(seed).integers(65, 90, part[:, -by:].shape)
            styles = desired.styles[: region.bottom, region.left : region.right]
            styles[:, :-by] = styles[:, by:].copy()

    @rule(budget=st.sampled_from([1, 40, 200, 5000]), text_only=st.booleans())
    def update(self, budget, text_only):
        region = Region(2, 0, self.canvas.desired.columns - 3, self.canvas.desired.lines - 1)
        self.terminal.feed(self.canvas.update(budget, [region], text_only=text_only))

    @rule(x=st.integers(0, 59), y=st.integers(0, 15))
    def wide(self, x, y):
        desired = self.canvas.desired
        if y < desired.lines and x + 1 < desired.columns:
            desired.codes[y, max(0, x - 1) : x + 3] = 32
            desired.codes[y, x : x + 2] = [ord("日"), 0]
            desired.styles[y, x : x + 2] = 1

    @rule()
    def invalidate(self):
        self.terminal.feed("\x1b[5;5H\x1b[31mgarbage")
        self.canvas.invalidate()

    @invariant()
    def the_terminal_ends_as_after_a_full_repaint(self):
        if not hasattr(self, "canvas"):
            return
        rounds = 0
        while not self.canvas.finished and rounds % 7 != 6:
            self.terminal.feed(self.canvas.update(300))
            rounds += 1
        if self.canvas.finished:
            assert self.terminal.cells() == full_repaint(self.canvas)

    def teardown(self):
        while not self.canvas.finished:
            self.terminal.feed(self.canvas.update(1 << 20))
        assert self.terminal.cells() == full_repaint(self.canvas)


# Hypothesis would need minutes to shrink a failing example. Its seed is as useful.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
TestCanvas = CanvasMachine.TestCase
TestCanvas.settings = settings(
    max_examples=extent(8, 25),
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=PHASES,
)


@pytest.mark.parametrize("budget", [1, 100, 10_000])
def test_many_steps_leave_no_wrong_cell(budget):
    machine = CanvasMachine()
    machine.begin(44, 12)
    rng = np.random.default_rng(budget)
    for step in range(extent(400, 2000)):
        machine.scribble(int(rng.integers(1 << 30)), float(rng.random() ** 6))
        machine.move(int(rng.integers(1, 3)), bool(rng.random() < 0.9), step)
        machine.update(budget, bool(rng.random() < 0.2))
        if step % 100 == 0:
            machine.the_terminal_ends_as_after_a_full_repaint()
    machine.teardown()


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "\x9b31m", "a\x00\x7f\x08b", "a\u202eb\u2066", "a\u200b\u2028b\ufeff"])
def test_sent_text_is_printable(text):
    canvas = Canvas(20, 1)
    grid = Grid.filled(20, 1)
    grid.write(0, 0, text, 0)
    canvas.put(0, 0, grid)
    sent = re.sub(r"\x1b\[[\d;]*[Hm]", "", canvas.update(1 << 20))
    assert sent.isprintable()
    assert "a" not in text or sent.startswith("a")


def test_many_combining_marks_use_limited_memory():
    canvas = Canvas(20, 1)
    assert canvas.text_of(canvas.cluster("e" + "\u0301" * 1000)) == "e"
    codes = {canvas.cluster("e" + chr(0x300 + n % 100) + chr(0x300 + n // 100)) for n in range(6000)}
    assert len(codes) <= 4096 + 1  # and that of the plain letter


@pytest.mark.parametrize(
    ("before", "after", "sent"),
    [
        (CellStyle("31", "40"), CellStyle("31", "40", "1"), "\x1b[1m"),
        (CellStyle("31", "40", "1"), CellStyle("31", "40"), "\x1b[22m"),
        (CellStyle("31", "40", "1;2"), CellStyle("31", "40", "2"), "\x1b[22;2m"),
        (CellStyle("31", "40", "1;4"), CellStyle("31", "40", "1"), "\x1b[24m"),
        (CellStyle("31", "40", "7"), CellStyle("32", "40", "1"), "\x1b[27;1;32m"),
        (CellStyle("31", "40", "1;4"), CellStyle(), "\x1b[0m"),
    ],
)
def test_only_the_changed_part_of_a_style_is_sent(before, after, sent):
    styles = StyleTable()
    writer = AnsiWriter(styles, 80)
    writer.begin()
    writer.write(0, 0, ["a"], styles.number(before))
    writer.write(1, 0, ["b"], styles.number(after))
    assert writer.end().partition("a")[2].partition("b")[0] == sent
