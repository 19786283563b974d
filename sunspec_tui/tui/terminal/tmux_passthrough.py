"""Sequences that tmux passes on to the terminal in which it runs."""

import re

ESC, END = "\x1b", "\x1b\\"
_STRING = re.compile(r"\x1b_[^\x1b]*\x1b\\")


def passed_on(text: str) -> str:
    """Return kitty's commands in the form that tmux passes on.

    Each command is wrapped by itself.

    A command has at most 4096 characters of data, and tmux reads sequences of up to a megabyte.
    """
    return _STRING.sub(lambda found: f"{ESC}Ptmux;{found[0].replace(ESC, 2 * ESC)}{END}", text)
