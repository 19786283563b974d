"""Options that decide how the data look."""

import pytest

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.view_options import PALETTE_NAMES, parse_levels


def test_the_names_of_the_options_are_those_of_the_palettes():
    assert PALETTE_NAMES == PALETTES


@pytest.mark.parametrize(
    ("text", "levels"),
    [("10,35", (10.0, 35.0)), ("-5, 30", (-5.0, 30.0)), ("-0.2,0.2", (-0.2, 0.2)), ("1e3,1e4", (1e3, 1e4)),
     ("auto", None)],
)  # fmt: skip
def test_levels_are_two_numbers_or_auto(text, levels):
    assert parse_levels(text, "--levels") == levels


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "two numbers"), ("10", "two numbers"), ("1,2,3", "two numbers"), ("a,b", "two numbers"),
     ("nan,1", "two numbers"),
     ("0,inf", "two numbers"), ("0,1e31", "two numbers"), ("35,10", "below the ceiling"), ("3,3", "below the ceiling"),
     ("x" * 10_000, "two numbers")],
)  # fmt: skip
def test_other_levels_are_refused_with_a_remedy(text, complaint):
    with pytest.raises(UsageError, match=complaint) as caught:
        parse_levels(text, "--levels")
    assert str(caught.value).startswith("--levels is ")
    assert len(str(caught.value)) < 300
