"""Dialogs: screens over the monitor's that a key closes.

A terminal may send several keys at once. The app passes them to the dialog before the first one has closed it, and it
waits with them until the dialog has opened. This module uses a private method of Textual, `App._check_bindings`;
tests/tui/test_painting.py fails when it changes.
"""

import asyncio
from contextlib import suppress

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, ScreenResultType

from sunspec_tui.tui.terminal.guarded import Guarded

OPEN_WITHIN_S = 1.0
"""Longest time that keys wait for a dialog."""


async def acts_at_once(app: App[int], event: events.Key) -> bool:
    """Run a key's action before the next key; return True if done.

    Textual passes a key to the screen and runs its action later. A terminal may send several keys at once, and those
    after one that opens a dialog would be lost.
    """
    screen = app.screen_stack[-1]
    if isinstance(screen, Dialog):
        await screen.opened()
        return False
    check = app._check_bindings  # noqa: SLF001 - no public method waits for the action
    return await check(event.key, priority=True) or await check(event.key)


class Dialog(Guarded, ModalScreen[ScreenResultType]):
    """Screen over the monitor's, which closes once."""

    _is_open: asyncio.Event | None = None

    def on_screen_resume(self) -> None:
        """Note that the dialog is open and has the focus."""
        self.call_later(self._opened.set)

    @property
    def _opened(self) -> asyncio.Event:
        if self._is_open is None:
            self._is_open = asyncio.Event()
        return self._is_open

    async def opened(self) -> None:
        """Wait until the dialog is open, so that keys reach it."""
        if not self._opened.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._opened.wait(), OPEN_WITHIN_S)

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        """Close the dialog, with a result; a second call changes nothing."""
        return super().dismiss(result) if self.is_active else AwaitComplete()

    def passes_on(self, event: events.Key) -> bool:
        """Pass a key on if the dialog is closed."""
        if self.is_active:
            return False
        self.app.post_message(events.Key(event.key, event.character))
        return True
