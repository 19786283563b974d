"""Unknown keys get an answer that names the help."""

import pytest
from textual.events import Key

from sunspec_tui.tui.unknown_keys import BURST_GAP_S, UnknownKeys, unknown_key_text


@pytest.mark.parametrize(
    ("key", "character", "shown"),
    [("Y", "Y", "Y"), ("upper_y", "Y", "Y"), ("7", "7", "7"), ("ä", "ä", "ä"), ("f5", None, "f5"),
     ("ctrl+s", "\x13", "ctrl+s"), ("delete", None, "del"), ("enter", "\r", "enter"), ("at", "@", "@")],
)  # fmt: skip
def test_an_unknown_key_is_named_with_the_help(key, character, shown):
    event = Key(key, character)
    text = unknown_key_text(key, character, is_printable=event.is_printable)
    assert text == f"no such key: {shown} — ? lists all keys"


@pytest.mark.parametrize(
    "key",
    ["left_shift", "right_control", "left_super", "caps_lock", "iso_level3_shift", "num_lock", "mute_volume",
     "media_play", "alt+x", "ctrl+shift+up", "<ignore>", "question_mark", "f1", "tab", "ctrl+c", "left", "shift+left"],
)  # fmt: skip
def test_modifiers_and_known_keys_are_not_answered(key):
    assert unknown_key_text(key, None, is_printable=False) == ""


def test_a_burst_of_keys_has_one_answer():
    now_s = [100.0]
    keys = UnknownKeys(lambda: now_s[0])
    answers = []
    for _ in range(50):
        answers.append(keys.answer(Key("Y", "Y")))
        now_s[0] += BURST_GAP_S / 2
    assert answers[0]
    assert not any(answers[1:])
    now_s[0] += BURST_GAP_S
    assert keys.answer(Key("7", "7")) == "no such key: 7 — ? lists all keys"


def test_a_known_key_does_not_prolong_a_burst():
    now_s = [100.0]
    keys = UnknownKeys(lambda: now_s[0])
    assert keys.answer(Key("Y", "Y"))
    now_s[0] += BURST_GAP_S * 0.8
    assert keys.answer(Key("x", "x")) == ""
    now_s[0] += BURST_GAP_S * 0.8
    assert keys.answer(Key("Y", "Y"))


def test_a_letter_soon_after_escape_is_not_called_unknown():
    assert unknown_key_text("alt+u", "u", is_printable=True) == ""
