"""Find a terminal's abilities from its environment and its replies.

At first the abilities are those of the environment. The replies count after the reply to the last query, or if no
further reply has come for a while. Later replies count at once. Replies may come late, in any order, twice or never.

State and arithmetic only: this module uses no terminal, no clock and nothing of Textual.
"""

import math
from collections.abc import Collection, Mapping

from sunspec_tui.tui.terminal.abilities import Abilities, Graphics
from sunspec_tui.tui.terminal.ability_rules import Choices, Screen, is_in_tmux, resolve
from sunspec_tui.tui.terminal.colours import Depth
from sunspec_tui.tui.terminal.terminal_queries import (
    Query,
    first_queries,
    next_queries,
    passed_on_queries,
    query_text,
    size_queries,
)
from sunspec_tui.tui.terminal.terminal_replies import DeviceAttributes, Replies, Reply, TextArea
from sunspec_tui.tui.terminal.tmux_state import TmuxState

SETTLE_S = 1.0
"""Replies count if no other reply follows within this time."""
ASK_AGAIN_S = 5.0
"""Shortest time between two rounds of queries, however often the observer wants one."""


class AbilityFinder:
    """Queries to a terminal, its replies, and the abilities from both.

    Parameters
    ----------
    environment
        Variables of the program.
    choices
        Decisions of the user.

    Attributes
    ----------
    environment
        Variables of the program.
    """

    def __init__(self, environment: Mapping[str, str] | None = None, choices: Choices | None = None) -> None:
        self.environment = dict(environment or {})
        self._choices = choices or Choices()
        self._screen = Screen()
        # Replies that came since the last round of queries, and those that count until the round is settled.
        self._replies = self._earlier = Replies()
        self._due: frozenset[type[Reply]] = frozenset()
        self._asked_s = self._last_reply_s = -math.inf
        self._has_fence = self._has_asked_again = self._size_has_changed = self._has_asked_through_tmux = False
        self._tmux: TmuxState | None = None

    @classmethod
    def of_choices(cls, depth: Depth) -> "AbilityFinder":
        """Return a finder that sends no queries, because everything is chosen."""
        return cls(choices=Choices(depth, Graphics.BLOCKS))

    # Queries

    @property
    def due(self) -> frozenset[type[Reply]]:
        """Types of the replies that have not come yet."""
        return self._due

    def first_text(self, now_s: float) -> str:
        """Return the text of the first queries; empty if there are none.

        If the user has chosen colours and blocks, no query is sent. Pixels need the size of a cell.
        """
        if None not in self._choices and self._choices.graphics is Graphics.BLOCKS:
            return ""
        self._asked_s = now_s
        self._size_has_changed = False
        return self._sent(first_queries(self.environment))

    def text_again(self, now_s: float) -> str:
        """Return the text that asks everything again; often empty.

        The terminal may be another one by now. The earlier replies count until the new ones are in. The text is empty
        shortly after the last queries.
        """
        if None not in self._choices or now_s - self._asked_s < ASK_AGAIN_S:
            return ""
        if self.is_settled(now_s):
            self._earlier = self._replies
        self._replies, self._last_reply_s = Replies(), -math.inf
        self._has_fence = self._has_asked_again = self._has_asked_through_tmux = False
        return self.first_text(now_s)

    def next_text(self) -> str:
        """Return the text of further queries that replies require; often empty."""
        text = ""
        if self._has_fence and not self._has_asked_again:
            self._has_asked_again = True
            text = self._sent(next_queries(self.environment, self._replies))
        if self._may_ask_through_tmux:
            self._has_asked_through_tmux = True
            text += self._sent(passed_on_queries())
        sizes = size_queries(self._replies)
        if self._size_has_changed and sizes and not self._due & {query.reply for query in sizes}:
            self._size_has_changed = False
            text += self._sent(sizes)
        return text

    # tmux

    def must_ask_tmux(self, now_s: float) -> bool:
        """Return True if the state of tmux decides about pixels."""
        is_known = self.is_settled(now_s) or not self._due
        wants_kitty = self._choices.graphics in (None, Graphics.KITTY)
        return wants_kitty and is_known and is_in_tmux(self.environment, self._replies)

    def note_tmux(self, tmux: TmuxState | None) -> None:
        """Note the state of tmux; None if tmux has reported none."""
        self._tmux = tmux

    @property
    def _may_ask_through_tmux(self) -> bool:
        """True if the terminal should be asked, and can reply here."""
        tmux = self._tmux
        if tmux is None or self._has_asked_through_tmux or not is_in_tmux(self.environment, self._replies):
            return False
        return tmux.has_passthrough and tmux.is_active and len(tmux.clients) == 1 and tmux.has_placeholders

    def _sent(self, queries: Collection[Query]) -> str:
        self._due |= {query.reply for query in queries}
        return query_text(queries)

    # Replies

    def note_reply(self, reply: Reply, now_s: float) -> bool:
        """Note a reply; return False if it was not due."""
        if type(reply) not in self._due:
            return False
        self._due -= {type(reply)}
        if isinstance(reply, TextArea):
            reply = reply._replace(columns=self._screen.columns, lines=self._screen.lines)
        self._replies = self._replies.including(reply)
        self._last_reply_s = now_s
        self._has_fence |= isinstance(reply, DeviceAttributes)
        return True

    def note_screen(self, screen: Screen) -> bool:
        """Note the size of the screen; return True if it has changed."""
        if screen == self._screen:
            return False
        self._screen = screen
        self._size_has_changed = True
        return True

    def must_wait(self, now_s: float) -> bool:
        """Return True if late replies are likely, which a shell would read.

        A terminal that has answered nothing for a while will not answer.
        """
        return DeviceAttributes in self._due and (bool(self._replies) or now_s - self._asked_s < 2 * SETTLE_S)

    def is_settled(self, now_s: float) -> bool:
        """Return True if the replies decide the abilities."""
        return self._has_fence or (bool(self._replies) and now_s - self._last_reply_s >= SETTLE_S)

    def is_complete(self, now_s: float) -> bool:
        """Return True if the replies count more than the earlier ones.

        Replies may come in any order. Until the last one, the earlier replies describe the terminal better.
        """
        waits = bool(self._earlier) and bool(self._due) and now_s - self._last_reply_s < SETTLE_S
        return self.is_settled(now_s) and not waits

    # Abilities

    def abilities(self, now_s: float) -> Abilities:
        """Return the abilities as far as they are known."""
        return self._resolved(self._replies if self.is_complete(now_s) else self._earlier)

    def _resolved(self, replies: Replies) -> Abilities:
        return resolve(self.environment, replies, self._choices, self._screen, self._tmux)

    def choose_next_graphics(self) -> Graphics | None:
        """Choose the next kind of graphics; None is the best one."""
        available = self._resolved(self._replies or self._earlier).available_graphics
        kinds = tuple(Graphics)
        after = 0 if self._choices.graphics is None else kinds.index(self._choices.graphics) + 1
        chosen = next((kind for kind in kinds[after:] if kind in available), None)
        self._choices = self._choices._replace(graphics=chosen)
        return chosen
