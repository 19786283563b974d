"""Tests that untrusted text is displayed and controls nothing."""

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.core.printable import MAX_CHARACTERS, printable, printable_lines, printable_name, printable_values

ESCAPE = "\x1b]0;PWNED\x07\x1b[31m"


@pytest.mark.parametrize(
    "text", ["OVRO-LWA", "Zürich", "Zu\u0308rich", "東京天文台", "Δν – 5 µs", "Ёж", "a b", "", "…"]
)
def test_letters_of_all_scripts_stay(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x00\x7f\x9b", r"\x00\x7f\x9b"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        ("\u202eevil\u2066", r"\u202eevil\u2066"),
        ("a\u200bb\ufeffc\u00ad", r"a\u200bb\ufeffc\xad"),
        ("\U000e0041\U000e0100", r"\U000e0041\U000e0100"),
        ("x\ufe0f\u3164\u034f", r"x\ufe0f\u3164\u034f"),
        ("\u0378\U0010ffff\ue000", r"\u0378\U0010ffff\ue000"),
        ("\ud800", r"\ud800"),
        (os.fsdecode(b"\xff\xfe.npz"), r"\xff\xfe.npz"),
        ("a" + "\u0301" * 6, "a" + "\u0301" * 4 + r"\u0301\u0301"),
        ("\u0301a", r"\u0301a"),
    ],
)
def test_what_would_act_or_hide_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=())), st.integers(1, 60))
def test_whatever_comes_is_one_bounded_line_that_every_encoder_takes(text: str, most: int) -> None:
    shown = printable(text, most)
    assert len(shown) <= most
    assert shown.isprintable()
    assert not any(unicodedata.category(each) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for each in shown)
    shown.encode("utf-8")
    assert printable(shown, most) == shown


def test_long_text_keeps_its_beginning_and_its_end() -> None:
    shown = printable("b" * 500 + "e" * 10**7)
    assert len(shown) == MAX_CHARACTERS
    assert shown.startswith("b" * 500)
    assert shown.endswith("e" * 300)
    assert printable_name(Path("/a") / ("n" * 255) / "last.npz").endswith("/last.npz")


def test_lines_of_ours_stay_lines() -> None:
    assert printable_lines("a\nb\x1b\n") == "a\nb\\x1b\n"


def test_values_for_json_are_printable_at_every_depth() -> None:
    deep: object = "end"
    for _ in range(5000):
        deep = [deep]
    shown = printable_values({"a\x1b": ["\ud800", {"b": ("\u202e", 1.5, None, True)}], "deep": deep})
    assert shown["a\\x1b"] == ["\\ud800", {"b": ["\\u202e", 1.5, None, True]}]
    json.dumps(shown)
