"""Move the picture in time, also to earlier epochs.

`view_actions` compute only with slots. The functions here also need the rows of the ring or of an epoch.
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from sunspec_tui.tui.display.history_loader import HistoryLoader
from sunspec_tui.tui.display.view_actions import with_cursor_inside
from sunspec_tui.tui.display.view_state import View, ViewContext

if TYPE_CHECKING:
    from sunspec_tui.core.frequency_axis import Position
    from sunspec_tui.core.ring_epochs import Epoch

log = logging.getLogger(__name__)


class TimeNavigator:
    """Navigator through the rows of a history and its epochs.

    Parameters
    ----------
    history
        Loader of the rows. The navigator sets its `past_epoch`.
    """

    def __init__(self, history: HistoryLoader) -> None:
        self._history = history

    # Epochs

    def change_epoch(self, view: View, columns: int, was_paused_at: int | None, *, back: bool) -> View:
        """Show the epoch before or after a picture at its end.

        Parameters
        ----------
        view
            View after an action that scrolled the picture.
        columns
            Width of the picture.
        was_paused_at
            Slot at which the picture was paused before the action.
        back
            True if the action scrolled back.
        """
        source, position = self._history.source, self._history.position
        if source is None or position is None:
            return view
        epochs = [each for each in source.epochs() if each.position()]
        if back:
            earlier = [each for each in epochs if each.number < position.epoch]
            if earlier and view.paused_at_slot == was_paused_at:
                return self._at_epoch(view, columns, earlier[-1], end=True)
        elif self._history.past_epoch is not None and view.paused_at_slot is None:
            if was_paused_at is not None and was_paused_at < position.newest:
                return replace(view, paused_at_slot=position.newest)
            later = [each for each in epochs if each.number > position.epoch]
            return self._at_epoch(view, columns, later[0] if len(later) > 1 else None, end=False)
        return view

    def _at_epoch(self, view: View, columns: int, epoch: "Epoch | None", *, end: bool) -> View:
        """Pause at the newest or oldest rows of an epoch.

        Return to live if the epoch is None.
        """
        self._history.past_epoch = epoch
        position = None if epoch is None else epoch.position()
        paused_at = None
        if position is not None:
            width = columns * view.rows_per_column
            paused_at = position.newest if end else min(position.oldest + width - 1, position.newest)
        return replace(view, paused_at_slot=paused_at, cursor=None, marks=(None, None))

    def keep_paused_epoch(self, view: View) -> None:
        """Keep a paused picture when the stream continues with another axis."""
        history = self._history
        if view.paused_at_slot is None or history.past_epoch is not None:
            return
        if history.position is None or history.source is None:
            return
        epochs, number = history.source.epochs(), history.position.epoch
        if epochs and epochs[-1].number != number:
            history.past_epoch = next((each for each in epochs if each.number == number), None)

    # Rows

    def at_row(self, view: View, old_view: View, old_end: int, context: ViewContext, *, about_cursor: bool) -> View:
        """Make a paused picture end at a row.

        Parameters
        ----------
        view, old_view
            View after and before an action.
        old_end
            Slot at the end of the picture before the action.
        context
            Context of the view after the action.
        about_cursor
            True if the action was centred on the cursor: then keep the cursor inside the picture.
        """
        paused_at = view.paused_at_slot
        keeps_cursor = about_cursor and _contains_cursor(old_view, old_end, context)
        if paused_at is not None and paused_at != old_end:
            forward = paused_at > old_end
            ends = [self._history.slot_at(paused_at, forward=forward)]
            if keeps_cursor:
                ends.append(self._history.slot_at(paused_at, forward=not forward))
                ends = [end for end in ends if _contains_cursor(view, end, context)]
                ends.append(old_view.paused_at_slot)
            view = replace(view, paused_at_slot=ends[0])
            context = context._replace(end_slot=context.newest if ends[0] is None else ends[0])
        return with_cursor_inside(view, context) if keeps_cursor else view

    def at_oldest_rows(self, view: View, columns: int, position: "Position") -> View:
        """Pause at the oldest rows if the paused ones are lost."""
        if view.paused_at_slot is None or view.paused_at_slot >= position.oldest:
            return view
        log.warning("the paused rows have left the ring: the picture shows the oldest rows")
        slot = min(position.oldest + columns * view.rows_per_column - 1, position.newest)
        return replace(view, paused_at_slot=self._history.slot_at(slot, forward=False))


def _contains_cursor(view: View, end: int | None, context: ViewContext) -> bool:
    """Return True if a picture that ends at `end` contains the cursor."""
    if end is None or view.cursor is None or view.cursor.number is None:
        return False
    beside = context.grid(view.rows_per_column).number_of(end) - view.cursor.number
    return 0 <= beside < context.columns_of(view.rows_per_column)
