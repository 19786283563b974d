"""Textual app that asks its terminal for its abilities.

The first screen does not wait for the replies: it has the colours that the environment names. After the replies, the
app uses the abilities that the terminal really has.
"""

import time
from collections.abc import Callable

from textual import events
from textual.geometry import Size

from sunspec_tui.tui.terminal.abilities import Abilities
from sunspec_tui.tui.terminal.ability_finder import SETTLE_S, AbilityFinder
from sunspec_tui.tui.terminal.ability_rules import Screen
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.driver import Driver
from sunspec_tui.tui.terminal.guarded import GuardedApp
from sunspec_tui.tui.terminal.terminal_events import TerminalReplied


class AbilityApp(GuardedApp):
    """App that knows the abilities of its terminal.

    Parameters
    ----------
    finder
        Finder of the terminal's abilities.

    Attributes
    ----------
    abilities
        Abilities of the terminal as far as they are known. They are replaced, never changed.
    """

    def __init__(self, finder: AbilityFinder) -> None:
        super().__init__(driver_class=Driver)
        self.finder = finder
        self.abilities: Abilities = finder.abilities(time.monotonic())
        self._send: Callable[[str], None] | None = None

    @property
    def depth(self) -> Depth:
        """Colour depth of the terminal."""
        return self.abilities.depth

    @property
    def is_abandoned(self) -> bool:
        """True if the terminal has gone away, with or without a signal."""
        return isinstance(self._driver, Driver) and self._driver.is_gone

    @property
    def is_writer_busy(self) -> bool:
        """True while an update is queued.

        This is the only measurement of a terminal that does not reply.
        """
        return isinstance(self._driver, Driver) and self._driver.is_busy

    def known_abilities(self, now_s: float) -> Abilities:
        """Return the abilities as far as they are known.

        A subclass extends this method.
        """
        return self.finder.abilities(now_s)

    def abilities_changed(self) -> None:
        """Draw with the new abilities.

        A subclass extends this method.
        """

    def send_text(self, text: str) -> None:
        """Send text to the terminal, or to a test's function."""
        if self._send is not None:
            self._send(text)
        elif self._driver is not None:
            self._driver.write(text)

    @property
    def message_queue_size(self) -> int:
        """Number of messages in the queue; any thread may read it."""
        return self._message_queue.qsize()

    async def on_event(self, event: events.Event) -> None:
        """Handle an event; update the size in a resize event."""
        await super().on_event(self._with_size_now(event) if isinstance(event, events.Resize) else event)

    def _with_size_now(self, event: events.Resize) -> events.Resize:
        # A signal can interrupt the handler of an earlier signal. Then Textual reports the newer size first.
        if not isinstance(self._driver, Driver):
            return event
        size = Size(*self._driver.size_now)
        return event if size == event.size else events.Resize(size, size)

    # Queries and replies

    def first_queries(self, now_s: float) -> str:
        """Return the text that asks for the abilities.

        It must be sent before the first screen.
        """
        return self._queries(self.finder.first_text, now_s)

    def repeated_queries(self, now_s: float) -> str:
        """Return the text that asks again; empty shortly after the last queries.

        It must be sent before a whole screen.
        """
        return self._queries(self.finder.text_again, now_s)

    def _queries(self, text_at: Callable[[float], str], now_s: float) -> str:
        """Return a text of queries about the present screen."""
        self._note_screen(self.size)
        text = text_at(now_s)
        self._pass_on_due()
        return text

    def on_terminal_replied(self, message: TerminalReplied) -> None:
        """Note a reply; use the replies after the last one."""
        now_s = time.monotonic()
        if self.finder.note_reply(message.reply, now_s):
            self._pass_on_due()
            self.follow_terminal()
            if not self.finder.is_complete(now_s):
                self.set_timer(1.1 * SETTLE_S, self.follow_terminal)

    def follow_terminal(self) -> None:
        """Use the known abilities; send further queries if replies require them."""
        text = self.finder.next_text()
        if text:
            self._pass_on_due()
            self.send_text(text)
        abilities = self.known_abilities(time.monotonic())
        if abilities != self.abilities:
            self.abilities = abilities
            self.abilities_changed()

    def follow_screen(self, size: Size) -> None:
        """Find the size of a cell again after a resize."""
        if self._note_screen(size):
            self.follow_terminal()

    def _note_screen(self, size: Size) -> bool:
        width_px, height_px = self._driver.pixel_size_now if isinstance(self._driver, Driver) else (0, 0)
        return self.finder.note_screen(Screen(*size, width_px, height_px))

    def _pass_on_due(self) -> None:
        """Let the driver pass on only the replies that are due."""
        if isinstance(self._driver, Driver):
            self._driver.expected_replies = self.finder.due
