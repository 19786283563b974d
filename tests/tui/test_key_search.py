"""Words that an observer types find the right action."""

import pytest

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.products import available
from sunspec_tui.tui.key_bindings import KEYS
from sunspec_tui.tui.key_search import Action, best_first, choice_actions, key_actions, score
from sunspec_tui.tui.key_words import WORDS

ACTIONS = [*key_actions(), *choice_actions(available(4))]


@pytest.mark.parametrize(
    ("query", "calls"),
    [
        ("quit", {"end(0)"}),
        ("exit", {"end(0)"}),
        ("pause", {"change_view('toggle_pause')"}),
        ("freeze", {"change_view('toggle_pause')"}),
        ("screenshot", {"plot_now", "export"}),
        ("save", {"plot_now", "export"}),
        ("background", {"change_view('toggle_option', 'subtract')"}),
        ("bandpass", {"change_view('toggle_option', 'subtract')"}),
        ("gain", {"levels", "change_view('bias', 1)", "change_view('toggle_option', 'subtract')"}),
        ("archive", {"export", "change_view('toggle_panel', 'plots')"}),
        ("zoom", {"change_view('zoom', 1)", "change_view('zoom', -1)"}),
        ("time", {"change_view('span', 1)", "change_view('span', -1)"}),
        ("span", {"change_view('span', 1)", "change_view('span', -1)"}),
        ("colours", {"change_view('next_palette', 1)"}),
        ("colors", {"change_view('next_palette', 1)"}),
        ("log", {"change_view('toggle_panel', 'log')"}),
        ("layout", {"reset_view", "change_view('maximise', ('waterfall', 'spectrum'))"}),
        ("palette turbo", {"change_view('set_option', 'palette', 'turbo')"}),
        ("V/I", {"change_view('choose_product', 'V/I')"}),
        ("theme light", {"change_view('set_option', 'theme', 'light')"}),
    ],
)
def test_a_word_finds_its_actions(query, calls):
    found = [action.call for action in best_first(ACTIONS, query)]
    assert calls <= set(found)


@pytest.mark.parametrize("query", ["quit", "exit"])
def test_the_action_that_ends_the_monitor_is_found_first(query):
    assert best_first(ACTIONS, query)[0].call == "end(0)"


def test_every_action_is_found_first_by_its_description():
    for key in KEYS:
        first = best_first(key_actions(), f"{key.shown} {key.help}")[0]
        assert first.call == key.action


def test_a_label_finds_its_own_key_before_the_other_case():
    assert [action.shown for action in best_first(ACTIONS, "Z")][:2] == ["Z", "z"]
    assert [action.shown for action in best_first(ACTIONS, "z")][:2] == ["z", "Z"]


@pytest.mark.parametrize(
    ("query", "fits"),
    [("", True), ("maximum", True), ("maxi", True), ("HOLD max", True), ("peak", True), ("ol", False),
     ("imum", True), ("maximum nothing", False), ("h", True), ("spectrum", True)],
)  # fmt: skip
def test_all_words_of_a_query_must_fit(query, fits):
    action = Action("Spectrum", "maximum hold", "h", "trace", "peak")
    assert bool(score(action, query)) is fits


def test_every_key_has_further_words():
    assert {key.action for key in KEYS} <= set(WORDS)


def test_the_palette_offers_only_what_the_stream_carries():
    two = [action.text for action in choice_actions(available(2)) if action.group == "Product"]
    assert "show V" not in two
    assert "show YY" in two
    assert {action.text for action in choice_actions(available(2)) if action.group == "Palette"} == set(PALETTES)
