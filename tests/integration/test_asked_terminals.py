"""The monitor asks its terminal, follows replies, and survives any.

The terminal is a real pseudo-terminal with the replies of real terminals, late, absent, twice, cut off or hostile.
"""

import fcntl
import os
import struct
import termios
import time

import pytest
from ability_replies import AREA, CELL, FENCE, KITTY, KITTY_QUERY, STYLE, TMUX, VERSION, WEZTERM, XTERM_256, XTERM_SIXEL
from extent import extent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from terminal_cases import DEMO, HELP, ends, obeys
from terminals import PROGRAM, Terminal
from waiting import poll_until

from sunspec_tui.tui.terminal.ability_finder import ASK_AGAIN_S

OVER_SSH = {"COLORTERM": ""}
TRUE_COLOURS = b"8;2;"


@pytest.fixture
def terminal(tmp_path):
    opened = []
    # The layout that shows the abilities.
    view_path = tmp_path / "state" / "sunspec-tui" / "view.json"
    view_path.parent.mkdir(parents=True)
    view_path.write_text('{"layout": "engineer"}')

    def start(*words, program=PROGRAM, **options):
        environment = OVER_SSH | options.pop("environment", {})
        opened.append(Terminal([*program, *words], tmp_path, environment=environment, **options))
        return opened[-1]

    yield start
    for each in opened:
        each.end()


def unread_bytes(monitor):
    """Return the number of bytes that a shell would read as input."""
    return struct.unpack("i", fcntl.ioctl(monitor.slave, termios.FIONREAD, bytes(4)))[0]


@pytest.mark.parametrize(
    ("replies", "colours", "graphics"),
    [
        (KITTY, "24-bit, asked", "kitty, asked, cell 9x20"),
        (WEZTERM, "24-bit, asked", "kitty, asked, cell 10x20"),
        (XTERM_SIXEL, "24-bit, asked", "graphics blocks, asked"),
        (XTERM_256, "256 colours, asked", "graphics blocks, asked"),
        (TMUX, "256 colours, environment", "graphics blocks, asked"),
        ({}, "256 colours, environment", "graphics blocks"),
    ],
)
def test_the_monitor_shows_what_it_found_and_how(terminal, replies, colours, graphics):
    monitor = terminal(*DEMO, replies=replies)
    monitor.shows("LIVE", colours, graphics)
    obeys(monitor)
    assert (TRUE_COLOURS in monitor.raw.split(FENCE, 1)[1]) == colours.startswith("24-bit")


def test_a_terminal_that_denies_24_bit_colours_gets_none_after_its_reply(terminal):
    monitor = terminal(*DEMO, replies=XTERM_256, environment={"COLORTERM": "truecolor"}, delay_s=5.0)
    monitor.shows("LIVE", "24-bit, environment")
    monitor.shows("256 colours, asked")
    monitor.press("\x0c")
    begun = len(monitor.raw)
    obeys(monitor)
    poll_until(lambda: b"48;5;" in monitor.raw[begun:], 20)
    # The queries that a redraw repeats contain a 24-bit colour.
    assert TRUE_COLOURS not in monitor.raw[begun:].split(FENCE)[-1]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {}], ids=["NO_COLOR", "--colors"])
def test_the_decision_of_the_user_is_not_overruled(terminal, environment):
    words = () if environment else ("--colors", "16")
    monitor = terminal(*DEMO, *words, replies=KITTY, environment=environment)
    monitor.shows("LIVE", "no colours, environment" if environment else "16 colours, chosen", "blocks, asked")
    assert TRUE_COLOURS not in monitor.raw.split(FENCE, 1)[1]


def test_the_first_text_does_not_wait_for_replies(terminal):
    monitor = terminal(*DEMO, replies=KITTY, delay_s=3.0)
    monitor.shows("LIVE", "256 colours, environment")
    monitor.shows("24-bit, asked", "kitty, asked, cell 9x20")
    obeys(monitor)


def test_replies_in_reverse_order_count(terminal):
    backwards = {VERSION: b"".join(reversed(KITTY.values()))}
    monitor = terminal(*DEMO, replies=backwards)
    monitor.shows("LIVE", "24-bit, asked", "kitty, asked, cell 9x20")


def test_without_device_attributes_the_other_replies_count_after_a_while(terminal):
    monitor = terminal(*DEMO, replies={query: reply for query, reply in KITTY.items() if query != FENCE})
    monitor.shows("LIVE", "24-bit, asked", "kitty, asked, cell 9x20")


def test_the_kernel_also_gives_the_size_of_a_cell(terminal):
    monitor = terminal(*DEMO, replies=XTERM_SIXEL)
    monitor.shows("LIVE", "graphics blocks, asked")
    fcntl.ioctl(monitor.master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 724, 524))
    monitor.shows("sixel, asked, cell 6x13")


def test_another_font_is_noted(terminal):
    monitor = terminal(*DEMO, replies=dict(KITTY))
    monitor.shows("LIVE", "cell 9x20")
    monitor.replies[CELL] = b"\x1b[6;30;14t"
    monitor.resize(119, 40)
    monitor.shows("cell 14x30")


def test_a_redraw_notes_the_abilities_of_another_terminal(terminal):
    monitor = terminal(*DEMO, replies=KITTY)
    monitor.shows("LIVE", "kitty, asked, cell 9x20")
    monitor.replies = XTERM_256

    def is_followed():
        # A held key: the terminal is asked every five seconds at most.
        monitor.press("\x0c")
        return "256 colours, asked" in monitor.text and "graphics blocks, asked" in monitor.text

    sent, begun_s = monitor.raw.count(FENCE), time.monotonic()
    poll_until(is_followed, 60, lambda: monitor.text)
    assert 1 <= monitor.raw.count(FENCE) - sent <= 1 + (time.monotonic() - begun_s) / ASK_AGAIN_S


@pytest.mark.parametrize("term", ["linux", "dumb", "vt100"])
def test_a_terminal_that_prints_unknown_sequences_gets_no_queries(terminal, term):
    monitor = terminal(*DEMO, replies=KITTY, environment={"TERM": term})
    monitor.shows("LIVE")
    obeys(monitor)
    assert not any(query in monitor.raw for query in KITTY)


def test_in_screen_and_tmux_only_harmless_queries_are_sent(terminal):
    for environment, absent in [
        ({"TERM": "screen-256color"}, (STYLE, KITTY_QUERY)),
        ({"TERM": "screen-256color", "TMUX": "socket,1,0"}, (KITTY_QUERY,)),
    ]:
        monitor = terminal(*DEMO, replies=TMUX, environment=environment)
        monitor.shows("LIVE", "blocks, asked")
        assert FENCE in monitor.raw
        assert not any(query in monitor.raw for query in absent)


def test_a_kitty_that_was_started_from_tmux_is_asked_about_pixels_too(terminal):
    monitor = terminal(*DEMO, replies=KITTY, environment={"TMUX": "socket,1,0"})
    monitor.shows("LIVE", "24-bit, asked", "kitty, asked, cell 9x20")


def test_the_key_and_the_option_decide_by_hand(terminal):
    monitor = terminal(*DEMO, "--graphics", "blocks", replies=WEZTERM, columns=140)
    monitor.shows("LIVE", "blocks, chosen")
    for message in ("graphics auto: kitty, asked", "graphics kitty: kitty, chosen", "graphics sixel: sixel, chosen"):
        monitor.press("G")
        monitor.shows(message)
    monitor.press("G")
    monitor.shows("graphics blocks: blocks, chosen")


@pytest.mark.parametrize(
    ("words", "replies", "reason"),
    [
        (["--graphics", "kitty"], XTERM_256, "the size"),
        (["--graphics", "kitty", "--ascii"], KITTY, "ASCII"),
        (["--graphics", "kitty"], KITTY | {CELL: b"\x1b[6;200;100t"}, "too many"),
    ],
)
def test_pixels_that_the_user_chose_in_vain_have_a_reason(terminal, words, replies, reason):
    monitor = terminal(*DEMO, *words, replies=replies, columns=160)
    monitor.shows("LIVE", "graphics kitty", reason)


# Invalid replies

HOSTILE = {
    "twice": {query: 3 * reply for query, reply in KITTY.items()},
    "no end": {VERSION: b"\x1bP>|kitty(", STYLE: b"\x1bP1$r48:2:1", FENCE: b"\x1b[?62;"},
    "a megabyte": {VERSION: b"\x1bP>|" + b"q" * (1 << 20) + b"\x1b\\", FENCE: b"\x1b[?62;c"},
    "a megabyte without an end": {FENCE: b"\x1b[?62;c", KITTY_QUERY: b"\x1b_Gi=4321;" + b"q" * (1 << 20)},
    "keys inside": {
        VERSION: b"\x1bP>|q\x1b\\",
        STYLE: b"\x1bP1$rq\x1b\\",
        KITTY_QUERY: b"\x1b_Gi=4321;q\x07",
        CELL: b"\x1b[6;q",
        AREA: b"\x1b[4;1;1;q",
        FENCE: b"\x1b[?q",
    },
    "sizes of nothing": {CELL: b"\x1b[6;0;0t", AREA: b"\x1b[4;0;0t", FENCE: b"\x1b[?4c"},
    "giant sizes": {CELL: b"\x1b[6;65535;65535t", AREA: b"\x1b[4;99999;99999t", FENCE: b"\x1b[?4c"},
    "a thousand attributes": {FENCE: b"\x1b[?" + b"4;" * 1000 + b"c"},
}  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("replies", HOSTILE.values(), ids=HOSTILE)
def test_no_reply_ends_the_monitor_or_acts_as_keys(terminal, replies):
    monitor = terminal(*DEMO, replies=replies, delay_s=0.2)
    monitor.shows("LIVE", timeout_s=40)
    obeys(monitor)
    assert "─ Log ─" in monitor.text
    ends(monitor)


NOISE = st.one_of(
    st.sampled_from([reply for kind in (KITTY, XTERM_SIXEL, XTERM_256, WEZTERM) for reply in kind.values()]),
    st.builds(
        lambda start, body, end: start + body + end,
        st.sampled_from([b"\x1bP>|", b"\x1bP1$r", b"\x1bP1+r", b"\x1b_Gi=4321;", b"\x1b[?", b"\x1b[6;", b"\x1b[4;"]),
        st.binary(max_size=40).map(lambda data: data.translate(None, bytes([*range(32), *range(128, 256)]))),
        st.sampled_from([b"\x1b\\", b"\x07", b"c", b"t", b"S"]),
    ),
)


@pytest.mark.timeout(300)
def test_random_replies_neither_end_the_monitor_nor_block_its_keys(terminal):
    monitor = terminal(*DEMO, replies={FENCE: b""})
    monitor.shows("LIVE")

    @settings(max_examples=extent(15, 60), deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(NOISE, max_size=6))
    def send(replies):
        os.write(monitor.master, b"".join(replies))
        assert monitor.process.poll() is None

    send()
    obeys(monitor)


# The end


@pytest.mark.parametrize("delay_s", [0.3, 0.6])
def test_replies_that_are_due_at_the_end_are_not_left_to_the_shell(terminal, delay_s):
    monitor = terminal("--port", "1", "--plot-interval", "0", replies=KITTY, delay_s=delay_s)
    poll_until(lambda: FENCE in monitor.raw, 20)
    monitor.press("q")
    assert monitor.process.wait(10) == 0
    poll_until(lambda: not monitor._late_replies and not monitor._unsent, 10)
    assert unread_bytes(monitor) == 0
    assert HELP not in monitor.text


def test_a_terminal_that_never_answers_does_not_delay_the_end_for_long(terminal):
    monitor = terminal(*DEMO, answers=False)
    monitor.shows("LIVE")
    monitor.press("q")
    assert monitor.process.wait(5) == 0
