"""Search the monitor's actions by words, for help and command palette.

Pure functions and values.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sunspec_tui.core.colormaps import PALETTES
from sunspec_tui.core.products import Product
from sunspec_tui.tui.display.view_state import THEMES
from sunspec_tui.tui.key_bindings import GROUPS
from sunspec_tui.tui.key_words import WORDS

MAX_QUERY_CHARACTERS = 60
_MIN_INNER_CHARACTERS = 3
_PUNCTUATION = ",.;:()'\""
# A word of the description counts more than a synonym, and a whole word more than a part.
_SAME_LABEL, _SAME_LETTER, _WORD, _BEGINNING, _SYNONYM, _SYNONYM_BEGINNING, _INSIDE = 64, 32, 16, 8, 6, 4, 1


class Action(NamedTuple):
    """Action that a search can find.

    Attributes
    ----------
    group
        Subject, as in the help.
    text
        Description.
    shown
        Label of its key; empty if it has none.
    call
        Call of the action.
    words
        Further words that find the action.
    """

    group: str
    text: str
    shown: str
    call: str
    words: str = ""


def key_actions() -> Iterator[Action]:
    """Yield the action of each key, in the order of the help."""
    for group, keys in GROUPS.items():
        for key in keys:
            yield Action(group, key.help, key.shown, key.action, WORDS.get(key.action, ""))


def choice_actions(products: Sequence[Product]) -> Iterator[Action]:
    """Yield an action for each product of a stream, palette and theme."""
    for product in products:
        yield Action("Product", f"show {product}", "x", f"change_view('choose_product', '{product}')", "polarisation")
    for palette in PALETTES:
        yield Action("Palette", palette, "c", f"change_view('set_option', 'palette', '{palette}')", "colours colormap")
    for theme in THEMES:
        yield Action("Theme", theme, "t", f"change_view('set_option', 'theme', '{theme}')", "colours scheme")


def best_first(actions: Iterable[Action], query: str) -> list[Action]:
    """Return the actions that fit a query, the best first."""
    scored = [(score(action, query), action) for action in actions]
    return [action for points, action in sorted(scored, key=lambda each: -each[0]) if points]


def score(action: Action, query: str) -> int:
    """Return how well an action fits a query.

    It is 0 if a word of the query is missing. Without a query every action fits.
    """
    points = [_word_score(action, word) for word in query.split()]
    return 0 if 0 in points else 1 + sum(points)


def _word_score(action: Action, word: str) -> int:
    if word == action.shown:
        return _SAME_LABEL
    if word.casefold() == action.shown.casefold():
        return _SAME_LETTER
    small = word.casefold().strip(_PUNCTUATION)
    own, more = _words(f"{action.group} {action.text}"), _words(action.words)
    return _first_score(
        (_WORD, lambda: small in own),
        (_BEGINNING, lambda: any(each.startswith(small) for each in own)),
        (_SYNONYM, lambda: small in more),
        (_SYNONYM_BEGINNING, lambda: any(each.startswith(small) for each in more)),
        (_INSIDE, lambda: len(small) >= _MIN_INNER_CHARACTERS and any(small in each for each in own + more)),
    )


def _first_score(*tests: tuple[int, Callable[[], bool]]) -> int:
    return next((points for points, applies in tests if applies()), 0)


def _words(text: str) -> list[str]:
    return [each.strip(_PUNCTUATION).casefold() for each in text.split()]
