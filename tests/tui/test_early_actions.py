"""Keys before the first row have an effect, or a sentence."""

import ast
from dataclasses import replace

import numpy as np
import pytest
from monitors import Screen, StillReceiver
from scenes import feed, refresh, scene_of

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.early_actions import MAX_WAITING, nothing_to_act_on, waiting_words
from sunspec_tui.tui.display.view_actions import VIEW_ACTIONS
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.key_bindings import KEYS

FIRST = View(grows=True)


def _after_first_rows(*actions, view=FIRST, npol=4):
    """Apply actions before the first row; return view and sentences."""
    receiver = StillReceiver()
    scene = scene_of(receiver, 61, view=view)
    sentences = [scene.apply_action(name, *arguments) for name, *arguments in actions]
    before = scene.view
    assert before.rows_per_column == view.rows_per_column
    for _ in range(4):
        receiver.feed(_frame(npol))
    refresh(scene)
    return scene.view, sentences


def _frame(npol):
    return np.full((1, 96, npol), 10, np.float32)


@pytest.mark.parametrize(
    ("actions", "field", "value"),
    [
        ([], "rows_per_column", 2),
        ([("span", 1)] * 3, "rows_per_column", 16),
        ([("span", -1)], "rows_per_column", 1),
        ([("span", 1), ("span", -1)], "rows_per_column", 2),
        ([("span", 1)], "grows", False),
        ([("span", 1), ("reset_view", FIRST)], "grows", True),
        ([("next_product", 1)] * 2, "product", Product.XY_REAL),
        ([("choose_product", "V")], "product", Product.V),
        ([("next_product", 1), ("set_levels", 3.0, 9.0)], "levels", Levels(3.0, 9.0)),
        ([("set_levels", 3.0, 9.0), ("next_product", 1)], "levels", None),
        ([("next_palette", 1)] * 2, "palette", PALETTES[2]),
        ([("zoom", 1)], "share", (0.25, 0.75)),
        ([("bias", 1)], "bias", -1.0),
        ([("toggle_linear",)], "linear", True),
    ],
)
def test_an_early_key_has_the_effect_that_it_has_later(actions, field, value):
    view, sentences = _after_first_rows(*actions)
    assert getattr(view, field) == value
    assert not any(sentences)


def test_products_are_counted_among_those_of_the_stream():
    view, _ = _after_first_rows(("next_product", 1), ("next_product", 1), npol=2)
    assert view.product is Product.I


@pytest.mark.parametrize(
    "action",
    [
        ("toggle_pause",), ("scroll_back", 0.5), ("mark", 0), ("mark", 1), ("move_cursor", -1, 0), ("fix_spectrum",),
        ("shift_levels", -1, 0), ("toggle_automatic_levels",),
    ],
)  # fmt: skip
def test_a_key_without_anything_to_act_on_says_so_and_changes_nothing(action):
    view, sentences = _after_first_rows(action)
    assert view == _after_first_rows()[0]
    assert sentences[0].startswith("no row has come yet, so there is nothing to ")


def test_own_levels_can_be_changed_before_the_first_row():
    chosen = replace(FIRST, levels=Levels(0.0, 10.0))
    assert _after_first_rows(("shift_levels", 0, 1), view=chosen)[0].levels == Levels(0.0, 11.0)
    assert _after_first_rows(("toggle_automatic_levels",), view=chosen)[0].levels is None


def test_every_action_of_a_key_is_known_to_the_rules():
    """A new action that needs rows must be added to `early_actions`."""
    receiver = StillReceiver()
    scene = scene_of(receiver, 61)
    for key in KEYS:
        if key.action.startswith("change_view"):
            call = ast.literal_eval(key.action.removeprefix("change_view"))
            name, *arguments = (call,) if isinstance(call, str) else call
            assert name in VIEW_ACTIONS
            if scene.apply_action(name, *arguments):
                assert nothing_to_act_on(name, scene.view)
    assert scene.view.rows_per_column == 1
    assert (scene.view.paused_at_slot, scene.view.cursor, scene.view.marks) == (None, None, (None, None))
    feed(receiver, 5)
    assert refresh(scene) is not None


def test_a_key_that_is_held_down_for_long_does_not_fill_the_memory():
    scene = scene_of(StillReceiver(), 61)
    for _ in range(3 * MAX_WAITING):
        scene.apply_action("next_product", 1)
    assert len(scene.early_actions) == MAX_WAITING


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, ""), (1, "1 key waits for the first row"), (3, "3 keys wait for the first row")],
)
def test_waiting_keys_are_counted_in_words(count, words):
    assert waiting_words(count) == words


def test_the_screen_counts_the_keys_that_wait_and_applies_them_in_order():
    receiver = StillReceiver()
    screen = Screen(100, 30, receiver)
    try:
        screen.press("right_square_bracket", "right_square_bracket", "x", "space", "c")
        screen.tick()
        screen.settle()
        shown = "\n".join(screen.terminal.display)
        assert "3 keys wait for the first row" in shown
        assert "no row has come yet" in shown
        feed(receiver, 4)
        for _ in range(5):
            screen.tick()
            screen.settle()
        view = screen.app.scene.view
        assert (view.product, view.palette, view.paused_at_slot) == (Product.YY, PALETTES[1], None)
        assert (view.rows_per_column, view.grows) == (12, False)
        assert "wait for the first row" not in "\n".join(screen.terminal.display)
    finally:
        screen.close()
