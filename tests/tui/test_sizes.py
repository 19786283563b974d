"""The monitor draws correctly in windows of any size."""

import numpy as np
import pytest
from extent import extent
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from monitor_actions import ACTIONS
from monitors import Screen, StillReceiver, differences

from sunspec_tui.tui.terminal.capabilities import MAX_COLUMNS, MAX_LINES, terminal_size
from sunspec_tui.tui.terminal.colours import Depth

SMALL = st.tuples(st.integers(1, 12), st.integers(1, 8))
THIN = st.one_of(st.tuples(st.integers(1, 18), st.integers(1, 60)), st.tuples(st.integers(1, 200), st.integers(1, 6)))
USUAL = st.tuples(st.integers(20, 140), st.integers(5, 45))


class Windows(RuleBasedStateMachine):
    """Random sequence of sizes, keys and frames."""

    @initialize(size=st.one_of(SMALL, THIN, USUAL), depth=st.sampled_from(list(Depth)), plain=st.booleans())
    def begin(self, size, depth, plain):
        self.random = np.random.default_rng(0)
        self.screen = Screen(*size, StillReceiver(), depth=depth, ascii_only=plain)

    @rule(size=st.one_of(SMALL, THIN, USUAL), looks=st.booleans())
    def the_window_gets_another_size(self, size, looks):
        self.screen.resize(*size)
        if looks:
            self.screen.tick()

    @rule(count=st.integers(1, 5))
    def frames_come(self, count):
        for _ in range(count):
            self.screen.receiver.feed(self.random.gamma(9, 3, (1, 384, 4)).astype(np.float32))
        self.screen.tick()

    @rule(action=st.sampled_from(ACTIONS))
    def a_key_is_pressed(self, action):
        if len(self.screen.app.screen_stack) == 1:
            self.screen.act(action)
        else:
            self.screen.press("pagedown", "escape")
        self.screen.tick()

    @rule(across=st.floats(0, 0.99), up=st.floats(0, 0.99))
    def the_mouse_points(self, across, up):
        columns, lines = self.screen.app.size
        # The last line has the key that ends the monitor.
        self.screen.do(self.screen.pilot.click, None, (int(across * columns), int(up * max(1, lines - 1))))

    @rule()
    def all_is_as_a_full_repaint_has_it(self):
        self.screen.settle()
        assert not differences(self.screen.cells(), self.screen.full_repaint())

    @invariant()
    def the_monitor_lives(self):
        if hasattr(self, "screen"):
            assert self.screen.app.is_running
            assert self.screen.app._exception is None

    def teardown(self):
        if hasattr(self, "screen"):
            self.screen.close()


TestWindows = pytest.mark.timeout(900)(Windows.TestCase)
TestWindows.settings = settings(
    max_examples=extent(2, 4),
    stateful_step_count=extent(40, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    phases=[Phase.explicit, Phase.generate],
)


@pytest.mark.timeout(300)
def test_the_largest_window_is_drawn():
    screen = Screen(80, 24, StillReceiver())
    try:
        for n in range(30):
            screen.receiver.feed(np.full((1, 384, 4), 1.0 + n, np.float32))
        screen.tick()
        screen.resize(MAX_COLUMNS, MAX_LINES)
        screen.tick()
        screen.app.pacer.budget = 1 << 20
        screen.settle()
        assert any("─ Health ─" in line for line in screen.terminal.display)
        screen.resize(1, 1)
        screen.tick()
        assert screen.app.is_running
    finally:
        screen.close()


@pytest.mark.parametrize(
    ("known", "environment", "size"),
    [
        ((120, 40), {"COLUMNS": "60", "LINES": "12"}, (120, 40)),
        ((0, 0), {"COLUMNS": "60", "LINES": "12"}, (60, 12)),
        ((0, 0), {}, (80, 24)),
        ((0, 40), {}, (80, 40)),
        ((0, 0), {"COLUMNS": "many", "LINES": "-5"}, (80, 24)),
        ((0, 0), {"COLUMNS": "99999999999", "LINES": "9999"}, (80, 400)),
        ((65535, 65535), {}, (MAX_COLUMNS, MAX_LINES)),
        ((1, 1), {}, (1, 1)),
    ],
)
def test_the_size_comes_from_the_kernel_then_the_environment_and_is_bounded(monkeypatch, known, environment, size):
    monkeypatch.setattr("os.get_terminal_size", lambda _: known)
    assert terminal_size(1, environment) == size


def test_a_terminal_of_unknown_size_has_the_default_size(monkeypatch):
    def refuse(_):
        raise OSError("no terminal")

    monkeypatch.setattr("os.get_terminal_size", refuse)
    assert terminal_size(1, {}) == (80, 24)
