"""Notification of the desktop, shown by the terminal.

Most terminals that can do so know OSC 9. rxvt, foot and VTE's terminals know OSC 777. Others ignore the sequences.
"""

from collections.abc import Mapping

from sunspec_tui.tui.terminal.terminal_title import has_title

MAX_CHARACTERS = 200
_END, _ESC = "\x1b\\", "\x1b"
_TERMS_WITH_777 = ("rxvt", "foot")


def notification_sequence(title: str, text: str, environment: Mapping[str, str]) -> str:
    """Return the sequence of a notification.

    It is empty for a terminal that would show parts of it. Characters that could end the sequence are replaced; in tmux
    the sequence is passed on.

    Parameters
    ----------
    title, text
        Title and text of the notification.
    environment
        Environment variables of the program.
    """
    if not has_title(environment):
        return ""
    term = environment.get("TERM", "").lower()
    if "VTE_VERSION" in environment or term.startswith(_TERMS_WITH_777):
        # A semicolon separates the parts.
        parts = (_visible(part).replace(";", ",") for part in (title, text))
        sequence = f"\x1b]777;notify;{';'.join(parts)}{_END}"
    else:
        # A number at the beginning would be another command of some terminals.
        sequence = f"\x1b]9;{_visible(f'{title}: {text}')}{_END}"
    if environment.get("TMUX"):
        return f"{_ESC}Ptmux;{sequence.replace(_ESC, 2 * _ESC)}{_END}"
    return sequence


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text[:MAX_CHARACTERS])
