"""Abilities follow from environment, choices, and replies in any order."""

import itertools
import math
from dataclasses import replace

import pytest
from ability_replies import KITTY, KITTY_QUERY, SIXEL_COLOURS, TMUX, WEZTERM, XTERM_256, XTERM_JS, XTERM_SIXEL, parsed
from hypothesis import given
from hypothesis import strategies as st

from sunspec_tui.tui.terminal.abilities import Graphics, KittyDialect, Origin
from sunspec_tui.tui.terminal.ability_finder import SETTLE_S, AbilityFinder
from sunspec_tui.tui.terminal.ability_rules import Choices, Screen, named_choices, resolve
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.terminal_queries import Form, first_queries, last_form, next_queries, query_text
from sunspec_tui.tui.terminal.terminal_replies import (
    CellPixels,
    DeviceAttributes,
    KittyReply,
    NamedColours,
    Replies,
    StyleReply,
    TextArea,
    Version,
)
from sunspec_tui.tui.widgets.ability_text import ability_rows, graphics_message

XTERM = {"TERM": "xterm-256color"}
TRUE = {**XTERM, "COLORTERM": "truecolor"}
NO_PIXELS = Screen(120, 40)
PIXELS = Screen(120, 40, 1200, 800)


def found(environment, terminal=None, choices=(None, None), screen=PIXELS):
    return resolve(environment, Replies(*parsed(terminal or {})), Choices(*choices), screen)


DEPTHS = [
    (TRUE, {}, None, Depth.TRUE, Origin.ENVIRONMENT),
    (XTERM, {}, None, Depth.C256, Origin.ENVIRONMENT),
    (XTERM, KITTY, None, Depth.TRUE, Origin.ASKED),
    (XTERM, XTERM_SIXEL, None, Depth.TRUE, Origin.ASKED),
    ({"TERM": "xterm"}, WEZTERM, None, Depth.TRUE, Origin.ASKED),
    (TRUE, XTERM_256, None, Depth.C256, Origin.ASKED),
    ({"TERM": "xterm"}, XTERM_256, None, Depth.C256, Origin.ASKED),
    (TRUE, XTERM_JS, None, Depth.TRUE, Origin.ENVIRONMENT),
    (TRUE, TMUX, None, Depth.TRUE, Origin.ENVIRONMENT),
    (XTERM, TMUX, None, Depth.C256, Origin.ENVIRONMENT),
    ({**TRUE, "NO_COLOR": "1"}, KITTY, None, Depth.NONE, Origin.ENVIRONMENT),
    (XTERM, KITTY, Depth.C16, Depth.C16, Origin.CHOSEN),
    (TRUE, XTERM_256, Depth.TRUE, Depth.TRUE, Origin.CHOSEN),
    ({"TERM": "vt100"}, {}, None, Depth.NONE, Origin.ENVIRONMENT),
]


@pytest.mark.parametrize(("environment", "terminal", "chosen", "depth", "origin"), DEPTHS)
def test_the_depth_follows_the_terminal_but_not_against_the_user(environment, terminal, chosen, depth, origin):
    abilities = found(environment, terminal, (chosen, None))
    assert (abilities.depth, abilities.depth_origin) == (depth, origin)


@pytest.mark.parametrize(
    ("environment", "depth"),
    [(TRUE, Depth.C256), ({"TERM": "xterm", "COLORTERM": "24bit"}, Depth.C16), ({"TERM": "xterm-kitty"}, Depth.C256)],
)
def test_a_terminal_that_ignores_24_bit_colours_has_those_of_its_type(environment, depth):
    abilities = resolve(environment, Replies(StyleReply(Depth.C16)), Choices(), PIXELS)
    assert (abilities.depth, abilities.depth_origin) == (depth, Origin.ASKED)


def test_a_named_capability_gives_24_bit_but_its_lack_proves_nothing():
    for has_rgb, style, depth in [
        (True, None, Depth.TRUE),
        (False, None, Depth.C256),
        (True, Depth.C256, Depth.C256),
        (False, Depth.TRUE, Depth.TRUE),
    ]:
        replies = Replies(NamedColours(has_rgb), StyleReply(style))
        assert resolve(XTERM, replies, Choices(), PIXELS).depth is depth


# A vt340, and xterm as a vt340, have 16 registers. Many terminals do not report their number.
SIXTEEN_REGISTERS = {SIXEL_COLOURS: b"\x1b[?1;0;16S"}
NO_REGISTERS_TOLD = {SIXEL_COLOURS: b"\x1b[?1;3;0S"}
GRAPHICS = [
    (XTERM, {}, None, PIXELS, Graphics.BLOCKS, Origin.ENVIRONMENT),
    (XTERM, KITTY, None, NO_PIXELS, Graphics.KITTY, Origin.ASKED),
    (XTERM, XTERM_SIXEL, None, PIXELS, Graphics.SIXEL, Origin.ASKED),
    (XTERM, XTERM_SIXEL, None, NO_PIXELS, Graphics.BLOCKS, Origin.ASKED),
    (XTERM, WEZTERM, None, NO_PIXELS, Graphics.KITTY, Origin.ASKED),
    (XTERM, WEZTERM, Graphics.SIXEL, NO_PIXELS, Graphics.SIXEL, Origin.CHOSEN),
    (XTERM, WEZTERM, Graphics.BLOCKS, NO_PIXELS, Graphics.BLOCKS, Origin.CHOSEN),
    (XTERM, XTERM_256, None, PIXELS, Graphics.BLOCKS, Origin.ASKED),
    (XTERM, XTERM_SIXEL | SIXTEEN_REGISTERS, None, PIXELS, Graphics.BLOCKS, Origin.ASKED),
    (XTERM, XTERM_SIXEL | SIXTEEN_REGISTERS, Graphics.SIXEL, PIXELS, Graphics.SIXEL, Origin.CHOSEN),
    (XTERM, XTERM_SIXEL | NO_REGISTERS_TOLD, None, PIXELS, Graphics.SIXEL, Origin.ASKED),
    (XTERM, {}, Graphics.KITTY, PIXELS, Graphics.KITTY, Origin.CHOSEN),
    (XTERM, {}, Graphics.KITTY, NO_PIXELS, Graphics.BLOCKS, Origin.CHOSEN),
    ({**XTERM, "NO_COLOR": "1"}, KITTY, None, PIXELS, Graphics.BLOCKS, Origin.ASKED),
]


@pytest.mark.parametrize(("environment", "terminal", "chosen", "screen", "graphics", "origin"), GRAPHICS)
def test_pixels_need_a_protocol_a_cell_size_and_colours(environment, terminal, chosen, screen, graphics, origin):
    abilities = found(environment, terminal, (None, chosen), screen)
    assert (abilities.graphics, abilities.graphics_origin) == (graphics, origin)
    assert abilities.wanted_graphics is (chosen or abilities.available_graphics[0])


@pytest.mark.parametrize("depth", [Depth.C16, Depth.NONE])
def test_few_colours_have_blocks_even_if_pixels_are_chosen(depth):
    assert found(XTERM, KITTY, (depth, Graphics.KITTY)).graphics is Graphics.BLOCKS


DIALECTS = [
    (XTERM, KITTY, KittyDialect.FRAMES, False),
    (XTERM, WEZTERM, KittyDialect.STRIPS, False),
    ({"TERM": "xterm-kitty"}, {}, KittyDialect.FRAMES, False),
    ({"TERM": "tmux-256color", "TMUX": "socket,1,0"}, TMUX, KittyDialect.PLACEHOLDERS, True),
    ({"TERM": "screen-256color", "TMUX": "socket,1,0"}, {}, KittyDialect.PLACEHOLDERS, True),
    ({"TERM": "tmux-256color"}, {}, KittyDialect.PLACEHOLDERS, True),
    (XTERM, TMUX, KittyDialect.PLACEHOLDERS, True),
    ({**XTERM, "TMUX": "socket,1,0"}, KITTY, KittyDialect.FRAMES, False),
    ({**XTERM, "TMUX": "socket,1,0"}, WEZTERM, KittyDialect.STRIPS, False),
]


@pytest.mark.parametrize(("environment", "terminal", "dialect", "in_tmux"), DIALECTS)
def test_the_version_tells_the_dialect_and_tmux(environment, terminal, dialect, in_tmux):
    abilities = found(environment, terminal)
    assert (abilities.dialect, abilities.in_tmux) == (dialect, in_tmux)


def test_sixel_inside_tmux_needs_tmux_itself_to_have_it():
    environment = {"TERM": "tmux-256color", "TMUX": "socket,1,0"}
    assert found(environment, TMUX).graphics is Graphics.BLOCKS
    replies = Replies(Version("tmux 3.4"), DeviceAttributes(frozenset({1, 2, 4})))
    assert resolve(environment, replies, Choices(), PIXELS).graphics is Graphics.SIXEL


CELLS = [
    ([CellPixels(9, 20)], PIXELS, (9, 20)),
    ([CellPixels(9, 20), TextArea(2400, 1600, 120, 40)], PIXELS, (9, 20)),
    ([TextArea(2400, 1600, 120, 40)], PIXELS, (20, 40)),
    ([TextArea(2400, 1600, 120, 40)], Screen(240, 80, 1200, 800), (20, 40)),
    ([], PIXELS, (10, 20)),
    ([], Screen(80, 24, 484, 316), (6, 13)),
    ([], NO_PIXELS, (0, 0)),
    ([], Screen(0, 0, 1200, 800), (0, 0)),
    ([], Screen(1, 1, 1200, 800), (0, 0)),
    ([], Screen(1000, 400, 120, 80), (0, 0)),
    ([TextArea(99999, 99999, 1, 1)], PIXELS, (0, 0)),
]


@pytest.mark.parametrize(("replies", "screen", "cell"), CELLS)
def test_the_size_of_a_cell_has_three_sources_and_limits(replies, screen, cell):
    abilities = resolve(XTERM, Replies(*replies), Choices(), screen)
    assert (abilities.cell_width_px, abilities.cell_height_px) == cell


def test_auto_is_no_choice():
    assert named_choices("auto", "auto") == Choices(None, None)
    assert named_choices("256", "sixel") == Choices(Depth.C256, Graphics.SIXEL)


# Queries

FORMS = [
    ({}, Form.NOTHING),
    ({"TERM": "dumb"}, Form.NOTHING),
    ({"TERM": "linux", "COLORTERM": "truecolor"}, Form.NOTHING),
    ({"TERM": "linux-16color"}, Form.NOTHING),
    ({"TERM": "vt100"}, Form.NOTHING),
    ({"TERM": "eterm-color"}, Form.NOTHING),
    ({"TERM": "screen"}, Form.CSI),
    ({"TERM": "screen.xterm-256color"}, Form.CSI),
    ({"TERM": "xterm-256color", "STY": "123.pts-0"}, Form.CSI),
    ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, Form.CSI),
    ({"TERM": "screen-256color", "TMUX": "socket,1,0"}, Form.DCS),
    ({"TERM": "tmux-256color"}, Form.DCS),
    ({"TERM": "xterm-256color"}, Form.APC),
    ({"TERM": "xterm-kitty"}, Form.APC),
    ({"TERM": "foot"}, Form.APC),
]


@pytest.mark.parametrize(("environment", "form"), FORMS)
def test_a_terminal_is_asked_only_in_forms_that_it_skips(environment, form):
    assert last_form(environment) is form
    text = query_text(first_queries(environment))
    assert ("\x1b[c" in text, "\x1bP" in text, "\x1b_" in text) == tuple(form >= each for each in list(Form)[1:])
    assert not text or text.endswith("\x1b[c")


def test_a_terminal_that_inherits_tmux_is_asked_again_about_pixels():
    inherits = {**XTERM, "TMUX": "socket,1,0"}
    assert "\x1b_" in query_text(next_queries(inherits, Replies(Version("kitty(0.26.5)"))))
    assert next_queries(inherits, Replies(Version("tmux 3.3a"))) == ()
    assert next_queries(inherits, Replies()) == ()
    assert next_queries(XTERM, Replies(Version("kitty(0.26.5)"))) == ()


# The finder


def asking(environment=XTERM, choices=(None, None), screen=NO_PIXELS):
    finder = AbilityFinder(environment, Choices(*choices))
    finder.note_screen(screen)
    finder.first_text(0.0)
    return finder


def test_the_abilities_wait_for_the_last_reply():
    finder = asking()
    before = finder.abilities(0.0)
    *replies, fence = parsed(KITTY)
    for reply in replies:
        finder.note_reply(reply, 0.1)
        assert finder.abilities(0.1) == before
    finder.note_reply(fence, 0.1)
    assert finder.abilities(0.1) == found(XTERM, KITTY, screen=NO_PIXELS)
    assert (before.depth, before.graphics) == (Depth.C256, Graphics.BLOCKS)


def test_without_the_last_reply_the_others_count_after_a_while():
    finder = asking()
    for reply in parsed(KITTY)[:-1]:
        finder.note_reply(reply, 0.1)
    assert finder.abilities(0.1 + SETTLE_S / 2).graphics is Graphics.BLOCKS
    assert finder.abilities(0.1 + SETTLE_S).graphics is Graphics.KITTY


@given(st.permutations(parsed(WEZTERM)), st.lists(st.sampled_from(parsed(WEZTERM) + parsed(XTERM_256)), max_size=9))
def test_replies_count_in_any_order_and_only_once(replies, repeated):
    finder = asking()
    for reply in replies:
        assert finder.note_reply(reply, 0.1)
    for reply in repeated:
        assert not finder.note_reply(reply, 0.2) or type(reply) not in map(type, replies)
    assert finder.abilities(0.2).graphics is Graphics.KITTY
    assert finder.abilities(0.2).depth is Depth.TRUE


def test_a_late_reply_counts_at_once():
    finder = asking()
    replies = parsed(KITTY)
    kitty = next(reply for reply in replies if isinstance(reply, KittyReply))
    for reply in replies:
        if reply != kitty:
            finder.note_reply(reply, 0.1)
    assert finder.abilities(0.1).graphics is Graphics.BLOCKS
    finder.note_reply(kitty, 7.0)
    assert finder.abilities(7.0).graphics is Graphics.KITTY


def test_a_reply_to_no_query_is_not_noted():
    finder = AbilityFinder(XTERM, Choices())
    assert not any(finder.note_reply(reply, 0.0) for reply in parsed(KITTY))


def test_no_query_is_sent_if_the_user_has_chosen_everything():
    finder = AbilityFinder(XTERM, Choices(Depth.C256, Graphics.BLOCKS))
    assert finder.first_text(0.0) == ""
    assert finder.due == frozenset()


def test_a_user_who_chose_pixels_has_a_terminal_that_is_asked_for_the_size_of_a_cell():
    finder = asking(choices=(Depth.TRUE, Graphics.KITTY))
    for reply in parsed(KITTY):
        finder.note_reply(reply, 0.0)
    assert finder.abilities(0.0).graphics is Graphics.KITTY


def test_a_program_that_ends_waits_for_likely_replies_only():
    finder = asking()
    assert finder.must_wait(SETTLE_S)
    assert not finder.must_wait(3 * SETTLE_S)
    replies = parsed(KITTY)
    finder.note_reply(replies[0], 0.1)
    assert finder.must_wait(3 * SETTLE_S)
    for reply in replies:
        finder.note_reply(reply, 0.2)
    assert not finder.must_wait(0.2)
    assert not AbilityFinder({"TERM": "linux"}).must_wait(-math.inf)


def test_another_size_of_the_screen_asks_for_the_cell_again_once():
    finder = asking()
    for reply in parsed(KITTY):
        finder.note_reply(reply, 0.1)
    assert finder.next_text() == ""
    assert not finder.note_screen(NO_PIXELS)
    assert finder.note_screen(Screen(100, 30))
    assert finder.next_text() == "\x1b[16t"
    finder.note_screen(Screen(90, 30))
    assert finder.next_text() == ""
    assert finder.note_reply(CellPixels(12, 26), 1.0)
    assert finder.next_text() == "\x1b[16t"
    assert finder.abilities(1.0).cell_width_px == 12


def test_the_size_of_all_cells_belongs_to_the_screen_of_its_reply():
    finder = asking()
    finder.note_reply(TextArea(1200, 800), 0.1)
    finder.note_reply(DeviceAttributes(frozenset({4})), 0.1)
    finder.note_screen(Screen(60, 20))
    assert finder.abilities(0.2).cell_width_px == 10


@pytest.mark.parametrize(
    ("terminal", "kinds"),
    [
        (WEZTERM, ["kitty", "sixel", "blocks", None]),
        (KITTY, ["kitty", "blocks", None]),
        (XTERM_SIXEL, ["sixel", "blocks", None]),
        ({}, ["blocks", None]),
    ],
)
def test_the_key_goes_through_the_kinds_that_the_terminal_has(terminal, kinds):
    finder = asking(screen=PIXELS)
    for reply in parsed(terminal):
        finder.note_reply(reply, 0.0)
    assert [finder.choose_next_graphics() for _ in range(2 * len(kinds))] == 2 * kinds


def test_the_key_leaves_a_chosen_kind_that_the_terminal_lacks():
    finder = asking(choices=(None, Graphics.KITTY))
    assert list(itertools.islice(iter(finder.choose_next_graphics, "no end"), 3)) == ["blocks", None, "blocks"]


# Words


@pytest.mark.parametrize(
    ("abilities", "colours", "graphics"),
    [
        (found(XTERM, WEZTERM), "24-bit, asked", "kitty, asked, cell 10x20"),
        (found(XTERM), "256 colours, environment", "blocks"),
        (found(XTERM, choices=(Depth.C16, None)), "16 colours, chosen", "blocks"),
        (found(XTERM, XTERM_SIXEL, (None, Graphics.SIXEL)), "24-bit, asked", "sixel, chosen, cell 10x20"),
    ],
)
def test_the_abilities_in_words(abilities, colours, graphics):
    assert ability_rows(abilities) == (("colours", colours), ("graphics", graphics))


@pytest.mark.parametrize(
    ("abilities", "message"),
    [
        (found(XTERM, KITTY), "graphics auto: kitty, asked"),
        (found(XTERM, XTERM_256), "graphics auto: blocks, asked; this terminal shows no pixels"),
        (found(XTERM, KITTY, (None, Graphics.BLOCKS)), "graphics blocks: blocks, chosen"),
        (
            found(XTERM, {}, (None, Graphics.SIXEL), NO_PIXELS),
            "graphics sixel: blocks, chosen; sixel needs the size of a cell in pixels, which is unknown",
        ),
        (found(XTERM, KITTY, (Depth.C16, None)), "graphics auto: blocks, asked; kitty needs 256 colours or more"),
        (
            replace(found(XTERM, KITTY), graphics=Graphics.BLOCKS, is_ascii_only=True),
            "graphics auto: blocks, asked; kitty needs more than ASCII characters",
        ),
        (
            replace(found(XTERM, KITTY), graphics=Graphics.BLOCKS, has_unfit_size=True),
            "graphics auto: blocks, asked; this screen has too few lines or too many pixels for kitty",
        ),
    ],
)
def test_the_key_says_what_is_drawn_and_why(abilities, message):
    assert graphics_message(abilities) == message


def test_every_query_has_a_reply_in_the_tables():
    text = query_text(first_queries(XTERM)).encode()
    for query in {**KITTY, **XTERM_SIXEL}:
        assert query in text
    assert KITTY_QUERY in text
