"""Load the last run's view, and save each change.

A change is saved shortly after it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sunspec_tui.core import state_files
from sunspec_tui.core.settings import Settings
from sunspec_tui.tui.display.view_state import View
from sunspec_tui.tui.view_json import initial_view, view_to_keep

SAVE_AFTER_S = 2.0


class ViewSaver:
    """Writer of the view's file, a few seconds after a change.

    Parameters
    ----------
    path
        The file; None saves nothing.
    settings
        Settings of this run. Their values are not saved.
    view
        Returns the present view.
    call_later
        Calls a function after some seconds.
    """

    def __init__(
        self,
        path: Path | None,
        settings: Settings,
        view: Callable[[], View],
        call_later: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._saver = None if path is None else state_files.Saver(path)
        self._saved = load_view(path)
        self._settings = settings
        self._view, self._call_later = view, call_later
        self._is_unsaved = False

    def first_view(self) -> View:
        """Return the view of the last run, changed by the settings."""
        return initial_view(self._settings, self._saved)

    def _kept(self) -> dict[str, Any]:
        return view_to_keep(self._view(), self._settings, self._saved)

    def note_change(self) -> None:
        """Save the view soon."""
        if not self._is_unsaved:
            self._is_unsaved = True
            self._call_later(SAVE_AFTER_S, self._save)

    def finish(self) -> None:
        """Save the latest view, when the monitor ends."""
        if self._saver is None:
            return
        self._saver.finish()
        if self._is_unsaved:
            self._saver.save(self._kept())
            self._saver.finish()

    def _save(self) -> None:
        if self._is_unsaved and self._saver is not None and not self._saver.save(self._kept()):
            self._call_later(SAVE_AFTER_S, self._save)
            return
        self._is_unsaved = False


def load_view(path: Path | None) -> Mapping[str, Any]:
    """Return the saved view as JSON values; empty without a file."""
    return state_files.load(path) if path is not None else {}
