"""Layouts, heights of panels, and texts that fit, as tables."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from sunspec_tui.tui.display.axes import FrequencyWindow
from sunspec_tui.tui.display.layouts import LAYOUTS, day_strip_lines, layout_of, panel_heights, shown_panels
from sunspec_tui.tui.display.view_actions import VIEW_ACTIONS
from sunspec_tui.tui.display.view_state import PANELS, View, ViewContext, Window
from sunspec_tui.tui.widgets.fitting import LineSegment, cut_line, fit_segments, in_columns, lines_that_fit

SMALL, WIDE = Window(80, 24), Window(120, 40)


def walk(window, *steps, view=None):
    context = ViewContext(4, 1200, 70, 20, 768, 5000, 3801, 5000, FrequencyWindow(0, 768, 13.4, 86.9), window=window)
    view = view or View()
    for name, *arguments in steps:
        view = VIEW_ACTIONS[name](view, context, *arguments)
    return view


@pytest.mark.parametrize(
    ("size", "layout"),
    [((60, 20), "watch"), ((80, 24), "watch"), ((99, 60), "watch"), ((200, 25), "watch"), ((100, 30), "operate"),
     ((120, 40), "operate"), ((250, 70), "operate")],
)  # fmt: skip
def test_a_small_window_is_for_watching_until_the_observer_chooses(size, layout):
    assert layout_of(View(), Window(*size)) == layout
    assert layout_of(View(layout="engineer"), Window(*size)) == "engineer"


@pytest.mark.parametrize(
    ("window", "steps", "panels"),
    [
        (SMALL, [], ()),
        (SMALL, [("next_layout",)], ("plots", "log")),
        (SMALL, [("next_layout",)] * 2, ("health", "memory")),
        (SMALL, [("next_layout",)] * 3, ()),
        (SMALL, [("toggle_panel", "health")], ("health",)),
        (SMALL, [("toggle_panel", "health")] * 2, ()),
        (SMALL, [("toggle_panel", "health"), ("toggle_panel", "plots")], ("plots",)),
        (SMALL, [("toggle_panel", "health"), ("escape",)], ()),
        (SMALL, [("toggle_panels",)], ("plots", "log")),
        (SMALL, [("toggle_panels",)] * 2, ()),
        (WIDE, [], ("delay", "health", "plots", "log")),
        (WIDE, [("next_layout",)], ("delay", "health", "memory", "log")),
        (WIDE, [("next_layout",)] * 2, ()),
        (WIDE, [("toggle_panel", "delay")], ("health", "plots", "log")),
        (WIDE, [("toggle_panel", "memory")], PANELS),
        (WIDE, [("toggle_panel", "memory")] * 2, ("delay", "health", "plots", "log")),
        (WIDE, [("toggle_panel", "delay"), ("next_layout",)], ("delay", "health", "memory", "log")),
        (WIDE, [("toggle_panels",)], ()),
        (WIDE, [("toggle_panels",)] * 2, ("delay", "health", "plots", "log")),
        (WIDE, [("toggle_panel", "log"), ("toggle_panels",)], ("delay", "health", "plots", "log")),
        (WIDE, [("next_layout",)] * 2 + [("toggle_panels",)], ("delay", "health", "plots", "log")),
        (WIDE, [("maximise", PANELS)], ("delay",)),
        (WIDE, [("maximise", PANELS), ("toggle_panel", "log")], ("log",)),
        (WIDE, [("maximise", ("waterfall", "spectrum"))], ()),
        (Window(60, 40), [("next_layout",)], ()),
        (Window(120, 17), [("next_layout",)], ()),
    ],
)
def test_keys_choose_the_panels_of_a_window(window, steps, panels):
    assert shown_panels(walk(window, *steps), window) == panels


@pytest.mark.parametrize(
    ("size", "choices", "lines"),
    [
        ((80, 24), {}, 1),
        ((80, 18), {}, 1),
        ((80, 17), {}, 0),
        ((49, 24), {}, 0),
        ((120, 35), {}, 1),
        ((120, 40), {}, 2),
        ((80, 60), {}, 2),
        ((120, 40), {"day_strip": False}, 0),
        ((120, 40), {"maximised": "waterfall"}, 2),
        ((120, 40), {"maximised": "spectrum"}, 0),
        ((80, 24), {"maximised": "log"}, 0),
        ((80, 24), {"layout": "operate"}, 1),
    ],
)
def test_the_day_strip_has_lines_where_there_is_room(size, choices, lines):
    assert day_strip_lines(View(**choices), Window(*size), is_longer=True) == lines
    assert day_strip_lines(View(**choices), Window(*size), is_longer=False) == 0


def test_a_layout_chosen_in_one_window_is_shown_in_another():
    view = walk(WIDE, ("toggle_panel", "memory"), ("toggle_panel", "delay"))
    assert shown_panels(view, SMALL) == ()
    assert shown_panels(replace(view, layout="operate"), SMALL) == ("plots", "log")
    assert shown_panels(view, Window(200, 60)) == ("health", "memory", "plots", "log")


@pytest.mark.parametrize(
    ("needed", "lines", "heights"),
    [
        # Boxes, and the rest for the log.
        ({"delay": 4, "health": 8, "plots": 3, "log": 0}, 28, {"delay": 6, "health": 10, "plots": 5, "log": 7}),
        # Room for the chart of delays.
        ({"delay": 4, "health": 8, "plots": 3, "log": 0}, 40, {"delay": 14, "health": 10, "plots": 5, "log": 11}),
        # Titles instead of boxes.
        ({"delay": 4, "health": 12, "plots": 4, "log": 0}, 28, {"delay": 5, "health": 13, "plots": 5, "log": 5}),
        # The plots lose lines first, then the delay, then the log.
        ({"delay": 4, "health": 16, "plots": 8, "log": 0}, 28, {"delay": 4, "health": 17, "plots": 4, "log": 3}),
        ({"health": 16, "memory": 4}, 22, {"health": 17, "memory": 5}),
        ({"health": 20, "memory": 4}, 22, {"health": 19, "memory": 3}),
    ],
)
def test_a_column_gives_each_panel_its_lines(needed, lines, heights):
    assert panel_heights(needed, lines) == heights


@given(
    st.dictionaries(st.sampled_from(PANELS), st.integers(0, 60), min_size=1),
    st.integers(16, 400),
)
def test_no_panel_is_pushed_out_of_a_column(needed, lines):
    heights = panel_heights(needed, lines)
    assert heights.keys() == needed.keys()
    assert sum(heights.values()) <= lines
    # At least one line of frame and one line of text.
    assert min(heights.values()) >= 2
    assert sum(heights.values()) == lines or "log" not in heights


def test_the_layouts_follow_one_another():
    views = [walk(WIDE, *[("next_layout",)] * count) for count in range(4)]
    assert [layout_of(view, WIDE) for view in views] == [*LAYOUTS[1:], *LAYOUTS[:2]]


# Texts


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (0, "LIVE · lost 12 rows · warning · time"),
        (29, "LIVE · lost 12 rows · warning"),
        (28, "LIVE · lost 12 · warning"),
        (23, "LIVE · lost 12 · 1 more"),
        (22, "LIVE · lost 12 · +1"),
        (18, "LIVE · lost 12"),
        (3, "LIVE · lost 12"),
    ],
)
def test_a_line_drops_time_then_shortens_words_then_counts_what_is_missing(columns, text):
    segments = [
        LineSegment("LIVE"),
        LineSegment("lost 12 rows", "", 0, "lost 12", is_item=True),
        LineSegment("warning", "", 1, is_item=True),
        LineSegment("time", "", 3, is_item=True),
    ]
    assert fit_segments(segments, columns, more=("{} more", "+{}")).plain == text


@pytest.mark.parametrize(
    ("columns", "text"), [(40, "one three five"), (14, "one three five"), (13, "one three…"), (9, "one…"), (2, "o…")]
)
def test_a_line_is_cut_between_words(columns, text):
    assert cut_line(Text("one three five"), columns).plain == text


def lines_of(*arguments, **options):
    return [line.plain for line in lines_that_fit(*arguments, **options)]


def test_a_panel_without_room_keeps_warnings_and_counts_the_rest():
    text = Text.assemble("first\nsecond\nthird\n", ("lost 12", "bold red"), "\nlast")
    assert lines_of(text, 30, 5) == ["first", "second", "third", "lost 12", "last"]
    assert lines_of(text, 30, 4, more="key 2") == ["first", "second", "lost 12", "2 more lines: key 2"]
    assert lines_of(text, 12, 3, more="key 2") == ["first", "lost 12", "3 more lines"]
    assert lines_of(text, 30, 1, more="key 2") == ["5 more lines: key 2"]
    assert lines_of(text, 30, 0) == []


def test_a_wrapped_line_is_shown_as_a_whole_or_not_at_all():
    text = Text("first\n" + "a long sentence " * 3 + "\nlast")
    assert lines_of(text, 20, 3, more="key 2") == ["first", "2 more lines: key 2"]


def test_a_page_has_two_columns_if_one_is_too_long():
    text = Text("\n".join(f"line {n}" for n in range(30)))
    [column], width = in_columns(text, 76, 30, 36)
    assert (len(column), width) == (30, 76)
    [left, right], width = in_columns(text, 76, 20, 36)
    assert (len(left), len(right), width) == (20, 10, 37)
    [left, right], width = in_columns(text, 76, 10, 36)
    assert (len(left), len(right)) == (15, 15)
    assert in_columns(text, 60, 20, 36)[1] == 60
