"""State of a pane of tmux, and of its terminals.

`read_tmux` runs tmux; everything else is arithmetic. Names of terminals come from the terminals themselves.
"""

import re
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from sunspec_tui.tui.terminal.terminal_replies import CellPixels, cell_pixels

_TIMEOUT_S = 1.0
_MAX_CHARACTERS, _MAX_CLIENTS = 8192, 32
_FIELDS = (
    "name", "created", "control_mode", "utf8", "discarded", "written", "cell_width", "cell_height", "termname",
    "termtype",
)  # fmt: skip
_CLIENT = re.compile(
    r"([ -{}~]{1,80})\|([0-9]{1,12})\|([01])\|([01])\|([0-9]{1,18})\|([0-9]{1,18})\|([0-9]{0,5})\|([0-9]{0,5})"
    r"\|([ -{}~]{0,80})\|([ -~]{0,80})"
)
_PANE = re.compile(r"([01])([01])([01])")
_KITTY_VERSION = re.compile(r"kitty\(([0-9]{1,4})\.([0-9]{1,4})\.[0-9]{1,6}\)")
_PLACEHOLDERS_SINCE = (0, 28)
# Types that kitty or many terminals have.
_VAGUE_TYPES = ("", "xterm", "xterm-256color", "xterm-kitty")


class TmuxClient(NamedTuple):
    """Terminal that shows the pane's session.

    Attributes
    ----------
    name, created
        Name of the client, and its first second; both together are unique.
    has_utf8
        True if tmux sends it characters other than ASCII.
    discarded_nbytes, written_nbytes
        Bytes that tmux has dropped because the terminal was slow, and those that it has sent.
    cell
        Size of a cell; None if unknown.
    type_name, version
        Its ``TERM``, and the name and version that it reports; empty if unknown.
    """

    name: str
    created: int
    has_utf8: bool
    discarded_nbytes: int
    written_nbytes: int
    cell: CellPixels | None
    type_name: str
    version: str

    @property
    def has_placeholders(self) -> bool:
        """True if it certainly shows kitty's placeholders and edits frames."""
        found = _KITTY_VERSION.match(self.version)
        return found is not None and self.has_utf8 and (int(found[1]), int(found[2])) >= _PLACEHOLDERS_SINCE

    @property
    def may_have_placeholders(self) -> bool:
        """True unless it is known to lack them."""
        return self.has_placeholders or (not self.version and self.type_name in _VAGUE_TYPES)


class TmuxState(NamedTuple):
    """State of a pane of tmux.

    Attributes
    ----------
    has_passthrough
        True if tmux passes sequences on to its terminals.
    is_visible, is_active
        True if a session shows the pane's window, and if keys go to the pane.
    clients
        Terminals of the session.
    """

    has_passthrough: bool
    is_visible: bool
    is_active: bool
    clients: tuple[TmuxClient, ...]

    @property
    def has_placeholders(self) -> bool:
        """True if all terminals certainly show kitty's placeholders."""
        return bool(self.clients) and all(client.has_placeholders for client in self.clients)

    @property
    def may_have_placeholders(self) -> bool:
        """True unless a terminal is known to lack them."""
        return bool(self.clients) and all(client.may_have_placeholders for client in self.clients)

    @property
    def cell(self) -> CellPixels | None:
        """Size of a cell in the first terminal; None if unknown."""
        return self.clients[0].cell if self.clients else None

    @property
    def written_nbytes(self) -> int:
        """Bytes that tmux has sent to its slowest terminal."""
        return min((client.written_nbytes for client in self.clients), default=0)

    def keeps_pictures_of(self, before: "TmuxState") -> bool:
        """Return True if all terminals still have the earlier pictures."""
        return _pictures_key(self) == _pictures_key(before)


def _pictures_key(state: TmuxState) -> tuple[object, ...]:
    """Return a key that changes when pictures may be lost."""
    clients = [(client.name, client.created, client.discarded_nbytes) for client in state.clients]
    return state.has_passthrough, state.is_visible, clients


def tmux_words(pane: str) -> list[str]:
    """Return the command that prints the state of a pane."""
    client = "|".join(f"#{{client_{field}}}" for field in _FIELDS)
    flags = "#{?window_zoomed_flag,#{pane_active},1}#{window_active}#{pane_active}"
    return [
        "tmux",
        *("show-options", "-pAv", "-t", pane, "allow-passthrough", ";"),
        *("display-message", "-p", "-t", pane, flags, ";"),
        *("list-clients", "-t", pane, "-F", client),
    ]


def parse_tmux(text: str) -> TmuxState | None:
    """Return the state in tmux's output; None if it is incomplete."""
    option, pane, *clients = [*text[:_MAX_CHARACTERS].splitlines(), "", ""][: _MAX_CLIENTS + 2]
    flags = _PANE.fullmatch(pane)
    if flags is None:
        return None
    shown = flags[1] == flags[2] == "1"
    found = [match for match in map(_CLIENT.fullmatch, clients) if match and match[3] == "0"]
    return TmuxState(option in ("on", "all"), shown, shown and flags[3] == "1", tuple(map(_client, found)))


def _client(found: re.Match[str]) -> TmuxClient:
    name, created, _, utf8, discarded, written, width, height, type_name, version = found.groups()
    cell = cell_pixels(int(width or 0), int(height or 0))
    return TmuxClient(name, int(created), utf8 == "1", int(discarded), int(written), cell, type_name, version)


def read_tmux(environment: Mapping[str, str]) -> TmuxState | None:
    """Ask tmux for the state of the program's pane, if known.

    It takes up to a second, so call it in a thread.
    """
    pane = environment.get("TMUX_PANE", "")
    if not environment.get("TMUX") or not re.fullmatch(r"%[0-9]{1,9}", pane):
        return None
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the only variable word is the pane's number
            tmux_words(pane), stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_tmux(done.stdout.decode("utf-8", "replace"))
