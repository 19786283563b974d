"""Dialogs: screens over the monitor's that a key closes.

A terminal may send several keys at once. The app passes them to the dialog before the first one has closed it.
"""

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType

from sunspec_tui.tui.terminal.guarded import Guarded


class Dialog(Guarded, ModalScreen[ScreenResultType]):
    """Screen over the monitor's, which closes once."""

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the dialog, with a result; a second call changes nothing."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def passes_on(self, event: events.Key) -> bool:
        """Pass a key on if the dialog is closed."""
        if self.is_active:
            return False
        self.app.post_message(events.Key(event.key, event.character))
        return True
