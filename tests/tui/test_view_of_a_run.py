"""Settings decide one run's look; the saved view stays."""

from dataclasses import replace

import numpy as np
import pytest
from monitors import Screen, StillReceiver

from sunspec_tui.core.levels import Levels
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.display.span_growth import rows_of_span
from sunspec_tui.tui.product_fallback import ProductFallback
from sunspec_tui.tui.view_json import initial_view, view_to_json, view_to_keep

SAVED = {
    "product": "YY",
    "palette": "gray",
    "levels": [5.0, 25.0],
    "rows_per_column": 8,
    "grows": False,
    "theme": "light",
}


@pytest.mark.parametrize(
    ("settings", "part", "value"),
    [
        (Settings(product="I"), "product", Product.I),
        (Settings(product="I"), "levels", None),
        (Settings(product="YY"), "levels", Levels(5, 25)),
        (Settings(product="I", levels="0,9"), "levels", Levels(0, 9)),
        (Settings(palette="turbo"), "palette", "turbo"),
        (Settings(levels="-3,12.5"), "levels", Levels(-3, 12.5)),
        (Settings(levels="auto"), "levels", None),
        (Settings(span=300.0), "span_s", 300.0),
        (Settings(), "palette", "gray"),
    ],
)
def test_settings_override_the_saved_view(settings, part, value):
    assert getattr(initial_view(settings, SAVED), part) == value


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(product="I"), Settings(palette="turbo"), Settings(levels="0,9"), Settings(levels="auto"),
     Settings(span=300.0), Settings(theme="dark"), Settings(product="I", levels="0,9", palette="turbo", span=9.0)],
)  # fmt: skip
@pytest.mark.parametrize("saved", [SAVED, {}])
def test_settings_are_not_saved(settings, saved):
    view = replace(initial_view(settings, saved), sweeping=True)
    kept = view_to_keep(view, settings, saved)
    assert kept.pop("sweeping") is True
    unchanged = {name: value for name, value in kept.items() if name in saved}
    assert unchanged == saved
    assert initial_view(Settings(), kept) == initial_view(Settings(), saved)


@pytest.mark.parametrize(
    ("settings", "changes", "name", "value"),
    [
        (Settings(palette="turbo"), {"palette": "inferno"}, "palette", "inferno"),
        (Settings(product="I"), {"product": Product.V, "levels": None}, "product", "V"),
        (Settings(product="I"), {"product": Product.V, "levels": None}, "levels", None),
        (Settings(product="I"), {"levels": Levels(1, 2)}, "levels", [1.0, 2.0]),
        (Settings(product="I"), {"levels": Levels(1, 2)}, "product", "YY"),
        (Settings(levels="0,9"), {"levels": Levels(1, 9)}, "levels", [1.0, 9.0]),
        (Settings(levels="0,9"), {"levels": None}, "levels", None),
        (Settings(span=300.0), {"span_s": None, "rows_per_column": 32}, "rows_per_column", 32),
    ],
)
def test_a_change_of_the_observer_is_saved(settings, changes, name, value):
    view = replace(initial_view(settings, SAVED), **changes)
    assert view_to_keep(view, settings, SAVED)[name] == value


def test_without_settings_the_whole_view_is_saved():
    view = replace(initial_view(Settings(), SAVED), palette="turbo")
    assert view_to_keep(view, Settings(), SAVED) == view_to_json(view)


@pytest.mark.parametrize(
    ("span_s", "columns", "cadence_s", "ring_rows", "rows"),
    [(60, 60, 0.25, 20, 4), (61, 60, 0.25, 20, 5), (1, 60, 0.25, 20, 1), (1e7, 60, 0.25, 20, 20),
     (60, 60, float("nan"), 20, 1), (60, 0, 0.25, 300, 240)],
)  # fmt: skip
def test_a_time_span_gives_rows_per_column(span_s, columns, cadence_s, ring_rows, rows):
    assert rows_of_span(span_s, columns, cadence_s, ring_rows) == rows


def test_a_missing_product_has_one_sentence_and_another_when_it_returns():
    fallback = ProductFallback()
    assert fallback.sentence(Product.XX, Product.XX) == ""
    assert fallback.sentence(Product.V, Product.XX) == "the rows have no V: showing XX"
    assert fallback.sentence(Product.V, Product.XX) == ""
    assert fallback.sentence(Product.V, Product.V) == "the rows have V: showing it again"
    assert fallback.sentence(Product.V, Product.V) == ""
    assert fallback.sentence(Product.U, Product.XX) == "the rows have no U: showing XX"
    # The observer has chosen another one.
    assert fallback.sentence(Product.YY, Product.YY) == ""


def test_the_picture_has_the_span_of_the_settings_at_each_width_until_a_key_changes_it():
    receiver = StillReceiver(buffer_length=1200)
    screen = Screen(120, 40, receiver, settings=Settings(span=90.0))
    try:
        for _ in range(400):
            receiver.feed(np.full((1, 384, 4), 20.0, np.float32))
        for columns in (120, 80, 200):
            screen.resize(columns, 40)
            screen.tick()
            screen.settle()
            screen.tick()
            scene = screen.app.scene
            seconds = scene.size.columns * scene.view.rows_per_column * 0.25
            assert 90 <= seconds < 90 + scene.size.columns * 0.25
        screen.press("right_square_bracket")
        assert screen.app.scene.view.span_s is None
    finally:
        screen.close()
