"""Lines of the help and of the command palette, at any width."""

import pytest
from rich.text import Text

from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.key_search import key_actions
from sunspec_tui.tui.widgets.key_list import (
    first_visible,
    framed,
    help_lines,
    help_width,
    left_blocks,
    palette_lines,
    search_line,
)

ACTIONS = list(key_actions())


@pytest.mark.parametrize("columns", [40, 56, 76, 96, 116, 196])
def test_the_help_fits_its_width_and_breaks_no_word(columns):
    width = help_width(columns)
    lines = [line.plain for line in help_lines(ACTIONS, width)]
    assert max(map(len, lines)) <= width <= columns
    words = set(" ".join(lines).split())
    assert {word for key in KEYS for word in key.help.split()} <= words
    assert {key.shown for key in KEYS} <= words


@pytest.mark.parametrize(("columns", "is_double"), [(66, False), (76, True), (196, True)])
def test_the_help_has_two_columns_where_the_width_allows(columns, is_double):
    one = help_lines(ACTIONS, 60)
    assert (len(help_lines(ACTIONS, help_width(columns))) < 0.7 * len(one)) is is_double


@pytest.mark.parametrize(
    ("heights", "left"),
    [([], set()), ([5], {0}), ([5, 5], {0}), ([2, 2, 4], {0, 1}), ([9, 3, 3, 3], {0}), ([1] * 20, set(range(10)))],
)
def test_columns_are_as_low_as_possible(heights, left):
    assert left_blocks(heights) == left


@pytest.mark.parametrize(
    ("first", "wanted", "lines", "expected"),
    [(0, range(3, 4), 10, 0), (0, range(10, 11), 10, 1), (5, range(2, 3), 10, 2), (0, range(9, 12), 2, 9)],
)
def test_a_list_scrolls_only_as_far_as_needed(first, wanted, lines, expected):
    assert first_visible(first, wanted, lines) == expected


def test_the_palette_shows_the_key_of_each_action_at_the_right():
    listed = palette_lines(ACTIONS, 3, 50)
    assert len(listed.lines) == len(listed.owners)
    for number, action in enumerate(ACTIONS):
        own = [line.plain for line, owner in zip(listed.lines, listed.owners, strict=True) if owner == number]
        assert own[0].endswith(action.shown)
        assert all(len(line) == 50 for line in own)
        assert "".join(own[0].removesuffix(action.shown).split()).startswith("".join(action.group.split()))
    chosen = {owner for line, owner in zip(listed.lines, listed.owners, strict=True) if "reverse" in map(str, [
        span.style for span in line.spans])}  # fmt: skip
    assert chosen == {3}


@pytest.mark.parametrize(("columns", "height"), [(80, 24), (20, 5), (6, 3), (3, 2)])
def test_a_frame_has_its_size(columns, height):
    lines = framed([Text("a long line of text that does not fit")] * 3, columns, height, "Keys", "esc closes")
    assert len(lines) == max(2, height)
    assert {line.cell_len for line in lines} <= {columns, 4}


def test_a_note_that_does_not_fit_is_left_out():
    assert "more" in search_line("abc", "hint", "12 more lines", 30).plain
    assert "more" not in search_line("abc", "hint", "12 more lines", 16).plain


def test_no_key_has_two_actions():
    names = [name for key in KEYS for name in key.keys.split(",")]
    assert len(names) == len(set(names))
