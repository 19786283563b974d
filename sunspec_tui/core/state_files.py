"""Load and save small JSON states that persist between runs.

These are the view of the monitor, and quiet floors.

If a file cannot be read or written, this is logged once, and the monitor continues. A path that is not a regular file
(a pipe, a link, a device) is neither read nor replaced, because it was not made by this program.
"""

import json
import logging
import os
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from sunspec_tui.core.regular_file import check_replaceable, open_regular

log = logging.getLogger(__name__)

MAX_BYTES = 65536
FINISH_S = 1.0
_logged: set[str] = set()


def default_path() -> Path | None:
    """Return the platform's path for the saved view.

    The result is None without a home directory.
    """
    directory = state_directory()
    if directory is None:
        _log_once("the view is not saved: this user has no home directory; set XDG_STATE_HOME")
    return None if directory is None else directory / "view.json"


def state_directory() -> Path | None:
    """Return the platform's directory for saved states; None without a home directory."""
    import platformdirs

    place = None
    with suppress(OSError, RuntimeError, KeyError, ValueError):
        place = platformdirs.user_state_path("sunspec-tui", appauthor=False)
    return place if place is not None and place.is_absolute() else None


def load(path: Path, fallback: str = "the default view is used") -> Mapping[str, Any]:
    """Return the saved state.

    The result is empty if there is no usable file. The log message about an unusable file ends with `fallback`.
    """
    try:
        state = json.loads(_read(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _log_once(f"cannot use {path}: {_reason(error)}; {fallback}")
        return {}
    return state if isinstance(state, dict) else {}


def _read(path: Path) -> bytes:
    # This program makes no links, so do not follow one, whatever its target.
    check_replaceable(path)
    with open_regular(path) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return content


def save(path: Path, state: Mapping[str, Any], description: str = "the view") -> bool:
    """Replace the saved state in one step.

    Return False if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_replaceable(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(state, file, indent=1)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        _log_once(f"cannot save {description} in {path}: {_reason(error)}; choose another place with XDG_STATE_HOME")
        return False
    return True


def load_within(path: Path, fallback: str, timeout_s: float = FINISH_S) -> Mapping[str, Any] | None:
    """Return a saved state as `load` does; None if the disk hangs.

    A thread reads the file, because a home directory on a network may hang.
    """
    result: list[Mapping[str, Any]] = []
    reading = threading.Thread(target=lambda: result.append(load(path, fallback)), name="sunspec-state", daemon=True)
    try:
        reading.start()
    except RuntimeError:
        log.warning("%s: no thread can be started here", fallback)
        return None
    reading.join(timeout_s)
    return result[0] if result else None


class Saver:
    """Saver of a state, in a thread.

    A home directory on a network may hang.

    Parameters
    ----------
    path
        File of the state.
    description
        Name of the state in messages.
    """

    def __init__(self, path: Path, description: str = "the view") -> None:
        self._path, self._description = path, description
        self._thread: threading.Thread | None = None

    def save(self, state: Mapping[str, Any]) -> bool:
        """Start to save.

        Return False if the last save has not finished yet.
        """
        if self._thread is not None and self._thread.is_alive():
            return False
        thread = threading.Thread(
            target=save, args=(self._path, dict(state), self._description), name="sunspec-state", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            _log_once(f"cannot save {self._description} in {self._path}: no thread can be started; raise ulimit -u")
            return False
        self._thread = thread
        return True

    def finish(self, timeout_s: float = FINISH_S) -> None:
        """Wait for the last save, for a limited time."""
        if self._thread is not None:
            self._thread.join(timeout_s)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _log_once(text: str) -> None:
    """Log a message once, not at each change of the view."""
    if text not in _logged:
        _logged.add(text)
        log.warning("%s", text)
