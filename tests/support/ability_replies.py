"""Replies of real terminals to the queries of their abilities.

Those of kitty 0.26.5, xterm 379 and tmux 3.3a are recorded; the others follow from their documents.
"""

from sunspec_tui.tui.terminal.terminal_replies import parse_reply

ESC = b"\x1b"
END = ESC + b"\\"

VERSION = ESC + b"[>q"
STYLE = ESC + b"P$qm" + END
NAMED_COLOURS = ESC + b"P+q524742" + END
KITTY_QUERY = ESC + b"_Gi=4321,s=1,v=1,a=q,t=d,f=24;AAAA" + END
SIXEL_COLOURS = ESC + b"[?1;1;0S"
CELL = ESC + b"[16t"
AREA = ESC + b"[14t"
FENCE = ESC + b"[c"

KITTY = {
    VERSION: ESC + b"P>|kitty(0.26.5)" + END,
    STYLE: ESC + b"P1$r48:2:1:2:3m" + END,
    NAMED_COLOURS: ESC + b"P0+r524742" + END,
    KITTY_QUERY: ESC + b"_Gi=4321;OK" + END,
    CELL: ESC + b"[6;20;9t",
    AREA: ESC + b"[4;840;1197t",
    FENCE: ESC + b"[?62;c",
}
XTERM_SIXEL = {
    VERSION: ESC + b"P>|XTerm(379)" + END,
    STYLE: ESC + b"P1$r0;48:2::1:2:3m" + END,
    SIXEL_COLOURS: ESC + b"[?1;0;256S",
    FENCE: ESC + b"[?63;1;2;4;6;9;15;16;22;28c",
}
XTERM_256 = {
    VERSION: ESC + b"P>|XTerm(379)" + END,
    STYLE: ESC + b"P1$r0;48:5:16m" + END,
    SIXEL_COLOURS: ESC + b"[?1;3S",
    FENCE: ESC + b"[?64;1;2;6;9;15;16;17;18;21;22;28c",
}
TMUX = {VERSION: ESC + b"P>|tmux 3.3a" + END, FENCE: ESC + b"[?1;2c"}
# Always reports a plain style, whatever was set.
XTERM_JS = {STYLE: ESC + b"P1$r0m" + END, FENCE: ESC + b"[?1;2c"}
WEZTERM = {
    VERSION: ESC + b"P>|WezTerm 20240203-110809-5046fc22" + END,
    STYLE: ESC + b"P1$r0;48:2::1:2:3m" + END,
    KITTY_QUERY: ESC + b"_Gi=4321;OK" + END,
    CELL: ESC + b"[6;20;10t",
    AREA: ESC + b"[4;800;1200t",
    FENCE: ESC + b"[?65;4;6;18;22;52c",
}


def parsed(terminal):
    """Return the replies of a terminal as values."""
    found = []
    for data in terminal.values():
        text = data.decode()
        found.append(parse_reply(text if text.startswith("\x1b[") else text[1:-2]))
    return found
