"""Title of the terminal's window, tab or pane.

The terminal keeps the old title on its own stack, and shows it again when the program ends.
"""

from collections.abc import Callable, Mapping

PUSH, POP = "\x1b[22;2t", "\x1b[23;2t"
"""Put the title on the terminal's stack, and take it from there (XTWINOPS)."""

MAX_CHARACTERS = 120
_TERMS_WITHOUT = ("", "linux", "dumb", "unknown")


def has_title(environment: Mapping[str, str]) -> bool:
    """Return True if the terminal may have a title, by ``TERM``.

    The Linux console would show parts of the sequence.
    """
    term = environment.get("TERM", "").lower()
    return term not in _TERMS_WITHOUT and not term.startswith(("vt1", "vt2"))


def title_sequence(text: str) -> str:
    """Return the sequence (OSC 2) that shows a title.

    A title has one line of limited length. Characters that could end the sequence are replaced.
    """
    visible = "".join(character if character.isprintable() else "?" for character in text[:MAX_CHARACTERS])
    return f"\x1b]2;{visible}\x1b\\"


class TerminalTitle:
    """Title that is sent only when its text changes.

    Parameters
    ----------
    write
        Writes to the terminal.
    is_possible
        True if the terminal has a title.
    """

    def __init__(self, write: Callable[[str], object], *, is_possible: bool) -> None:
        self._write, self._is_possible = write, is_possible
        self._text = ""
        self._is_pushed = False
        self.restore_text = ""
        """Text that brings the old title back; empty if it was never changed."""

    def show(self, text: str) -> None:
        """Show a title.

        The first one puts the old title on the terminal's stack.
        """
        if not self._is_possible or text == self._text:
            return
        self._text = text
        push = "" if self._is_pushed else PUSH
        self._is_pushed, self.restore_text = True, POP
        self._write(push + title_sequence(text))

    def leave(self) -> None:
        """Bring the old title back."""
        if self._is_pushed:
            self._is_pushed = False
            self._write(POP)

    def take_again(self) -> None:
        """Show the title again, after the terminal was left."""
        text, self._text = self._text, ""
        if text:
            self.show(text)
