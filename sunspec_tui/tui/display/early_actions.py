"""Actions of the observer before the first row.

Some actions depend on the stream: they wait for the first row, and are then applied in order. Others have nothing to
act on, and a sentence says so.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

from sunspec_tui.tui.display.view_state import View

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position

MAX_WAITING = 200

# These depend on the products, the cadence, the length of the ring and the times of the rows.
_NEED_STREAM = frozenset({"next_product", "choose_product", "span", "go_to"})
# These change the same parts of the view. If an action waits already, they wait behind it.
_SAME_PARTS = frozenset({"set_levels", "bias", "toggle_linear"})
_NOTHING_TO = {
    "toggle_pause": "pause",
    "scroll_back": "scroll through",
    "mark": "mark",
    "move_cursor": "point at",
    "shift_levels": "shift the levels of",
    "toggle_automatic_levels": "fix the levels of",
    "bias": "make darker or brighter",
    "fix_spectrum": "fix the limits of",
}
# Limits of the wait: number of rows if the cadence is unknown, number of updates if the picture's size is unknown. A
# hidden waterfall has no size.
_ENOUGH_ROWS, _ENOUGH_UPDATES = 3, 20


class EarlyAction(NamedTuple):
    """Action that waits for the first row."""

    name: str
    arguments: tuple[Any, ...]


class EarlyActions:
    """Actions that wait for the first row, in their order."""

    def __init__(self) -> None:
        self._waiting: list[EarlyAction] = []
        self._updates = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def keep(self, name: str, arguments: tuple[Any, ...]) -> bool:
        """Keep an action that must wait; return False for others."""
        if name == "reset_view":
            self._waiting.clear()
        if name not in _NEED_STREAM and not (self._waiting and name in _SAME_PARTS):
            return False
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(EarlyAction(name, arguments))
        return True

    def drain(self, position: "Position", *, has_size: bool) -> list[EarlyAction]:
        """Return the actions that can be applied now, and remove them.

        At the first row, the cadence and the size of the picture may still be unknown.
        """
        self._updates += 1
        if not position.cadence_s > 0 and position.count < _ENOUGH_ROWS:
            return []
        if not has_size and self._updates < _ENOUGH_UPDATES:
            return []
        taken, self._waiting = self._waiting, []
        return taken


def nothing_to_act_on(name: str, view: View) -> str:
    """Return why an action has no effect before the first row.

    Return an empty text if it has an effect.
    """
    acts_on_own = {
        "toggle_automatic_levels": view.levels is not None,
        "shift_levels": view.levels is not None,
        "bias": view.levels is not None or not view.signed,
        "fix_spectrum": view.spectrum_levels is not None,
    }
    if name not in _NOTHING_TO or acts_on_own.get(name, False):
        return ""
    return f"no row has come yet, so there is nothing to {_NOTHING_TO[name]}"


def waiting_words(count: int) -> str:
    """Return how many keys wait for the first row, in words."""
    if not count:
        return ""
    return "1 key waits for the first row" if count == 1 else f"{count} keys wait for the first row"
