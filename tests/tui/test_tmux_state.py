"""State of a pane of tmux, its abilities, and its rate."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.tui.terminal.abilities import Graphics, KittyDialect
from sunspec_tui.tui.terminal.ability_finder import AbilityFinder
from sunspec_tui.tui.terminal.ability_rules import Choices, Screen, resolve
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.passthrough_rate import MAX_RATE_BYTES_S, MIN_RATE_BYTES_S, PassthroughRate
from sunspec_tui.tui.terminal.terminal_replies import CellPixels, DeviceAttributes, KittyReply, Replies, Version
from sunspec_tui.tui.terminal.tmux_state import parse_tmux, read_tmux
from sunspec_tui.tui.widgets.ability_text import graphics_message

TMUX = {"TERM": "tmux-256color", "TMUX": "socket,1,0", "TMUX_PANE": "%0"}
CLIENT = "/dev/pts/4|1795803875|0|1|0|793|10|20|xterm-256color|kitty(0.35.1)"
NO_SCREEN = Screen(120, 40)


def told(option="on", pane="111", clients=(CLIENT,)):
    return parse_tmux("\n".join([option, pane, *clients]) + "\n")


def client(**changes):
    names = ["name", "created", "control", "utf8", "discarded", "written", "width", "height", "termname", "termtype"]
    return "|".join((dict(zip(names, CLIENT.split("|"), strict=True)) | changes).values())


def test_a_whole_answer_is_read():
    state = told()
    assert (state.has_passthrough, state.is_visible, state.is_active) == (True, True, True)
    assert state.has_placeholders
    assert state.cell == CellPixels(10, 20)
    assert state.written_nbytes == 793


@pytest.mark.parametrize(("option", "is_on"), [("on", True), ("all", True), ("off", False), ("", False), ("x", False)])
def test_only_on_and_all_pass_sequences_on(option, is_on):
    assert told(option).has_passthrough is is_on


@pytest.mark.parametrize(
    ("pane", "visible", "active"),
    [("111", True, True), ("110", True, False), ("101", False, False), ("011", False, False)],
)
def test_a_pane_is_seen_if_its_window_is_shown_and_no_other_pane_fills_it(pane, visible, active):
    state = told(pane=pane)
    assert (state.is_visible, state.is_active) == (visible, active)


@pytest.mark.parametrize("text", ["", "on", "on\n", "on\n11\n", "invalid option: allow-passthrough\n", "\x1b[c\n\n"])
def test_an_answer_without_the_pane_is_none(text):
    assert parse_tmux(text) is None


@pytest.mark.parametrize(
    ("changes", "has", "may_have"),
    [
        ({}, True, True),
        ({"termtype": "kitty(0.28.0)"}, True, True),
        ({"termtype": "kitty(1.0.0)"}, True, True),
        ({"termtype": "kitty(0.26.5)"}, False, False),
        ({"utf8": "0"}, False, False),
        ({"termtype": ""}, False, True),
        ({"termtype": "", "termname": "xterm-kitty"}, False, True),
        ({"termtype": "", "termname": "alacritty"}, False, False),
        ({"termtype": "XTerm(379)"}, False, False),
        ({"termtype": "WezTerm 20240203"}, False, False),
        ({"termtype": "evil kitty(0.35.1)"}, False, False),
    ],
)
def test_the_version_tells_whether_a_terminal_has_placeholders(changes, has, may_have):
    state = told(clients=[client(**changes)])
    assert (state.has_placeholders, state.may_have_placeholders) == (has, may_have)


def test_all_terminals_must_have_placeholders_but_control_clients_show_nothing():
    assert not told(clients=[CLIENT, client(termtype="XTerm(379)")]).has_placeholders
    assert told(clients=[CLIENT, client(control="1", termtype="")]).has_placeholders
    assert not told(clients=[]).has_placeholders


@given(st.lists(st.text(max_size=40), max_size=5))
def test_any_text_is_survived(lines):
    state = parse_tmux("\n".join(["on", "111", *lines]))
    assert state is None or not state.has_placeholders


@pytest.mark.parametrize(
    ("changes", "keeps"),
    [
        ({"written": "9999"}, True),
        ({"discarded": "1"}, False),
        ({"created": "1795803999"}, False),
        ({"name": "/dev/pts/5"}, False),
    ],
)
def test_pictures_are_lost_with_another_terminal_or_dropped_bytes(changes, keeps):
    assert told(clients=[client(**changes)]).keeps_pictures_of(told()) is keeps


def test_pictures_are_lost_while_another_window_is_shown():
    assert not told(pane="101").keeps_pictures_of(told())


@pytest.mark.parametrize("environment", [{}, {"TMUX": "socket,1,0"}, TMUX | {"TMUX_PANE": "%0;kill-server"}])
def test_without_a_pane_tmux_is_not_run(environment):
    assert read_tmux(environment) is None


@pytest.mark.parametrize("script", [None, "exit 1", "echo nothing", "while :; do :; done"])
def test_a_tmux_that_fails_has_no_state(tmp_path, monkeypatch, script):
    if script is not None:
        (tmp_path / "tmux").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "tmux").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_tmux(TMUX) is None


# Abilities


def found(tmux, *replies, chosen=None, depth=None):
    return resolve(TMUX, Replies(*replies), Choices(depth, chosen), NO_SCREEN, tmux)


OK = (DeviceAttributes(frozenset({1})), KittyReply(is_ok=True))


def test_kitty_is_drawn_through_tmux_if_tmux_and_all_terminals_allow_it():
    abilities = found(told(), *OK)
    assert (abilities.graphics, abilities.dialect) == (Graphics.KITTY, KittyDialect.PLACEHOLDERS)
    assert (abilities.cell_width_px, abilities.cell_height_px) == (10, 20)
    for tmux, replies in [
        (None, OK),
        (told("off"), OK),
        (told(), OK[:1]),
        (told(clients=[client(termtype="XTerm(379)")]), OK),
        (told(clients=[]), OK),
    ]:
        assert found(tmux, *replies).graphics is Graphics.BLOCKS


def test_the_user_may_choose_kitty_for_an_unknown_terminal_but_not_without_passthrough():
    unknown = [client(termtype="")]
    assert found(told(clients=unknown), chosen=Graphics.KITTY).graphics is Graphics.KITTY
    for tmux in (told("off", clients=unknown), None):
        abilities = found(tmux, chosen=Graphics.KITTY)
        assert abilities.graphics is Graphics.BLOCKS
        assert "allow-passthrough" in graphics_message(abilities)


@pytest.mark.parametrize(
    ("tmux", "options", "lacks"),
    [
        (told("off"), {}, True),
        (told("off", clients=[client(termtype="")]), {}, True),
        (told("off"), {"chosen": Graphics.KITTY}, True),
        (told("off"), {"chosen": Graphics.BLOCKS}, False),
        (told("off"), {"depth": Depth.C16}, False),
        (told("off", clients=[client(termtype="XTerm(379)")]), {}, False),
        (told("off", clients=[]), {}, False),
        (told("on"), {}, False),
        (None, {}, False),
    ],
)
def test_the_option_is_named_only_where_it_would_help(tmux, options, lacks):
    assert found(tmux, OK[0], **options).lacks_passthrough is lacks


def test_a_terminal_that_was_only_started_from_tmux_ignores_it():
    abilities = resolve(
        TMUX, Replies(Version("kitty(0.35.1)"), *OK), Choices(), Screen(120, 40, 1200, 800), told("off")
    )
    assert (abilities.in_tmux, abilities.lacks_passthrough) == (False, False)
    assert abilities.graphics is Graphics.KITTY


def test_the_query_goes_through_tmux_once_and_only_if_its_reply_reaches_this_pane():
    finder = AbilityFinder(TMUX)
    finder.first_text(0.0)
    assert not finder.must_ask_tmux(0.1)
    finder.note_reply(Version("tmux 3.3a"), 0.1)
    finder.note_reply(DeviceAttributes(frozenset({1})), 0.1)
    assert finder.must_ask_tmux(0.1)
    for tmux in (None, told("off"), told(pane="110"), told(clients=[client(termtype="")]), told(clients=2 * [CLIENT])):
        finder.note_tmux(tmux)
        assert finder.next_text() == ""
    finder.note_tmux(told())
    assert finder.next_text().startswith("\x1bPtmux;\x1b\x1b_Gi=")
    assert finder.next_text() == ""
    assert finder.note_reply(KittyReply(is_ok=True), 0.2)
    assert finder.abilities(0.3).graphics is Graphics.KITTY


# Rate


def test_pixels_keep_to_the_rate():
    rate = PassthroughRate()
    sent = 0
    for tick in range(200):
        sent += rate.budget(sent, tick * 0.05)
    assert 0.9 * MAX_RATE_BYTES_S < sent / 10 <= MAX_RATE_BYTES_S


def test_a_tmux_that_falls_behind_halves_the_rate_and_holds_the_pixels():
    rate = PassthroughRate()
    assert rate.is_useful
    sent = written = 0
    for report in range(30):
        sent += 300_000
        written += 10_000
        rate.note_report(sent, written, 2.0 * report)
    assert rate.rate_bytes_s == MIN_RATE_BYTES_S
    assert not rate.is_useful
    rate.budget(sent, 60.0)
    assert rate.budget(sent, 61.0) == 0
    rate.forget_reports()
    assert rate.budget(sent, 62.0) > 0


def test_the_rate_returns_when_tmux_keeps_up():
    rate = PassthroughRate()
    rate.note_report(0, 0, 0.0)
    rate.note_report(400_000, 0, 2.0)
    assert rate.rate_bytes_s == MAX_RATE_BYTES_S // 2
    for report in itertools.takewhile(lambda report: rate.rate_bytes_s < MAX_RATE_BYTES_S, range(1, 60)):
        rate.note_report(400_000 + report, 400_000 + 5000 * report, 2.0 + 2.0 * report)
    assert rate.rate_bytes_s == MAX_RATE_BYTES_S
