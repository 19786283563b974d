"""Effect of each key on the view, as a table of values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.instrument import bin_frequencies_hz
from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product, available
from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.layouts import LAYOUTS
from sunspec_tui.tui.display.view_actions import VIEW_ACTIONS, marked_slots
from sunspec_tui.tui.display.view_state import PANELS, PICTURES, Cursor, View, ViewContext
from sunspec_tui.tui.key_bindings import FOOTER, KEYS
from sunspec_tui.tui.view_json import view_from_json, view_to_json

BAND = FrequencyWindow.of(bin_frequencies_hz(560, 3072, 4) / 1e6)
CONTEXT = ViewContext(
    products=available(4), ring_rows=1200, columns=70, lines=20, nbins=768, newest=5000, oldest=3801, end_slot=5000,
    band=BAND, levels=Levels(10, 30), spectrum_levels=Levels(0, 40),
)  # fmt: skip


def walk(view, *steps, context=CONTEXT):
    for name, *arguments in steps:
        end_slot = context.newest if view.paused_at_slot is None else view.paused_at_slot
        view = VIEW_ACTIONS[name](view, context._replace(end_slot=end_slot), *arguments)
    return view


@pytest.mark.parametrize(
    ("steps", "field", "value"),
    [
        ([("next_product", 1)], "product", Product.YY),
        ([("next_product", -1)], "product", Product.V_OVER_I),
        ([("next_palette", 1)], "palette", PALETTES[1]),
        ([("span", -1)], "rows_per_column", 2),
        ([("span", -1)] * 9, "rows_per_column", 1),
        ([("span", 1)], "rows_per_column", 8),
        ([("span", 1)] * 9, "rows_per_column", 18),
        ([("span", 1)] * 9 + [("span", -1)], "rows_per_column", 16),
        ([("shift_levels", -1, 0)], "levels", Levels(9, 30)),
        ([("shift_levels", 0, 1)], "levels", Levels(10, 31)),
        ([("shift_levels", 1, -1)] * 30, "levels", Levels(19, 21)),
        ([("toggle_automatic_levels",)], "levels", Levels(10, 30)),
        ([("toggle_automatic_levels",)] * 2, "levels", None),
        ([("bias", 1)] * 3, "bias", -3.0),
        ([("toggle_automatic_levels",), ("bias", 1)], "levels", Levels(9, 29)),
        ([("zoom", 1)], "share", (0.25, 0.75)),
        ([("zoom", 1), ("zoom", -1)], "share", (0.0, 1.0)),
        ([("zoom", 1), ("pan", 1)], "share", (0.375, 0.875)),
        ([("zoom", 1)] + [("pan", -1)] * 9, "share", (0.0, 0.5)),
        ([("toggle_pause",)], "paused_at_slot", 5000),
        ([("toggle_pause",)] * 2, "paused_at_slot", None),
        ([("scroll_back", 0.5)], "paused_at_slot", 4860),
        ([("scroll_back", 0.5), ("scroll_back", -0.5)], "paused_at_slot", None),
        ([("scroll_back", 1e9)], "paused_at_slot", 4079),
        ([("scroll_back", 0.5), ("live",)], "paused_at_slot", None),
        ([("move_cursor", 1, 0)], "cursor", Cursor(1250 - 35, 384)),
        ([("move_cursor", -1, 0)], "cursor", Cursor(1250, 384)),
        ([("move_cursor", -1, 0)] * 3, "cursor", Cursor(1248, 384)),
        ([("move_cursor", -1, 0), ("escape",)], "cursor", None),
        ([("mark", 0)], "marks", (4724, None)),
        ([("mark", 1)], "marks", (None, 5000)),
        ([("move_cursor", 1, 0), ("mark", 0), ("move_cursor", 5, 0), ("mark", 1)], "marks", (4860, 4883)),
        ([("toggle_pause",), ("scroll_back", 0.5), ("mark", 1)], "marks", (None, 4860)),
        ([("mark", 0), ("escape",)], "marks", (None, None)),
        ([("mark", 0), ("move_cursor", 1, 0), ("escape",)], "marks", (4724, None)),
        ([("toggle_pause",), ("escape",)], "paused_at_slot", None),
        ([("maximise", PICTURES), ("escape",)], "maximised", None),
        ([("maximise", PICTURES)], "maximised", "waterfall"),
        ([("maximise", PICTURES)] * 3, "maximised", None),
        ([("maximise", PANELS)] * len(PANELS) + [("maximise", PICTURES)], "maximised", "waterfall"),
        ([("toggle_trace", "max")], "traces", frozenset({"max"})),
        ([("fix_spectrum",)], "spectrum_levels", Levels(0, 40)),
        ([("fix_spectrum",), ("toggle_linear",)], "spectrum_levels", None),
        ([("toggle_panel", "log")], "hidden", frozenset({"log"})),
        ([("toggle_panel", "log"), ("toggle_panels",)], "hidden", frozenset()),
        ([("toggle_panels",)], "hidden", frozenset(PANELS)),
        ([("next_theme",)], "theme", "light"),
        ([("toggle_option", "sweeping")], "sweeping", True),
        ([("toggle_option", "subtract")], "subtract", True),
        ([("toggle_option", "subtract"), ("next_palette", 1), ("reset_view", View())], "subtract", False),
        ([("span", 1), ("toggle_panels",), ("reset_view", View())], "rows_per_column", 4),
        ([("toggle_pause",), ("reset_view", View())], "paused_at_slot", 5000),
    ],
)  # fmt: skip
def test_an_action_changes_its_field(steps, field, value):
    assert getattr(walk(View(), *steps), field) == value


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ((None, None), (4724, 5000)),
        ((4800, None), (4800, 5000)),
        ((None, 4900), (4724, 4900)),
        ((4800, 4900), (4800, 4900)),
        ((4900, 4800), (4800, 4900)),
        ((None, 4000), (4000, 4724)),
    ],
)
def test_an_unmarked_end_is_that_of_the_picture(marks, found):
    assert marked_slots(View(marks=marks), CONTEXT) == found


def test_zoom_keeps_the_cursor_in_the_band():
    view = replace(View(), cursor=Cursor(1200, 700))
    for _ in range(8):
        view = walk(view, ("zoom", 1))
        band = FrequencyWindow.of(bin_frequencies_hz(560, 3072, 4) / 1e6, view.share)
        assert band.start <= 700 < band.stop


def test_a_product_missing_in_the_stream_is_skipped():
    two = CONTEXT._replace(products=available(2))
    products = set()
    view = View()
    for _ in range(6):
        view = walk(view, ("next_product", 1), context=two)
        products.add(view.product)
    assert products == {Product.XX, Product.YY, Product.I, Product.Q}


def test_every_key_names_an_existing_action():
    from textual.actions import parse

    for key in KEYS:
        _, name, arguments = parse(key.action)
        if name == "change_view":
            VIEW_ACTIONS[arguments[0]](View(), CONTEXT, *arguments[1:])


def test_no_key_is_bound_twice_and_the_footer_knows_its_keys():
    names = [name for key in KEYS for name in key.keys.split(",")]
    assert len(names) == len(set(names))
    assert {key.shown for key in KEYS} >= {shown for hint in FOOTER for shown in hint.shown}


def test_a_saved_view_is_restored():
    view = walk(
        View(),
        ("next_product", 2),
        ("next_palette", 1),
        ("span", 1),
        ("toggle_automatic_levels",),
        ("toggle_trace", "min"),
    )
    view = walk(
        view,
        ("next_layout",),
        ("toggle_panel", "plots"),
        ("toggle_panel", "log"),
        ("maximise", PICTURES),
        ("toggle_option", "pipelines"),
        ("next_theme",),
    )
    assert (view.layout, view.opened, view.hidden) == ("engineer", {"plots"}, {"log"})
    assert view_from_json(View(), view_to_json(view)) == view


def test_pauses_and_cursors_are_not_saved():
    view = walk(View(), ("toggle_pause",), ("move_cursor", 1, 0), ("zoom", 1))
    assert view_from_json(View(), view_to_json(view)) == View()


@given(
    st.dictionaries(
        st.sampled_from([*view_to_json(View()), "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
            max_leaves=5,
        ),
    )
)
def test_invalid_saved_values_do_not_change_the_view(kept):
    view = view_from_json(View(), kept)
    assert view.rows_per_column >= 1
    assert view.palette in PALETTES
    assert view.hidden | view.opened <= set(PANELS)
    assert view.layout in (None, *LAYOUTS)
    assert view.levels is None or view.levels.span > 0
    view_to_json(view)


def test_the_bin_frequencies_are_those_of_the_band():
    np.testing.assert_allclose(BAND.centre_mhz(0, 1), bin_frequencies_hz(560, 3072, 4)[0] / 1e6)
