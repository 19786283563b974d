"""Keep small states in files between runs: the look of the monitor, and the quiet floors of streams.

A file that cannot be read or written is no failure: it is logged once, and the monitor continues. A path that is not a
regular file (a pipe, a link, a device) belongs to somebody else, and is neither read nor replaced.
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
    """Return the platform's path for the look; None without a home directory."""
    directory = state_directory()
    if directory is None:
        _tell_once("the look of the screen is not kept: this user has no home directory; set XDG_STATE_HOME")
    return None if directory is None else directory / "view.json"


def state_directory() -> Path | None:
    """Return the platform's directory for states; None without a home directory."""
    import platformdirs

    place = None
    with suppress(OSError, RuntimeError, KeyError, ValueError):
        place = platformdirs.user_state_path("sunspec-tui", appauthor=False)
    return place if place is not None and place.is_absolute() else None


def load(path: Path, otherwise: str = "the default look is used") -> Mapping[str, Any]:
    """Return what was kept; empty where there is nothing to be used, and `otherwise` says what happens then."""
    try:
        kept = json.loads(_read(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        _tell_once(f"cannot use {path}: {_reason(error)}; {otherwise}")
        return {}
    return kept if isinstance(kept, dict) else {}


def _read(path: Path) -> bytes:
    # A link belongs to somebody else too, whatever its target.
    check_replaceable(path)
    with open_regular(path) as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    return content


def save(path: Path, kept: Mapping[str, Any], what: str = "the look") -> bool:
    """Replace what is kept, in one step; False where it could not be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        check_replaceable(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        _tell_once(f"cannot keep {what} in {path}: {_reason(error)}; choose another place with XDG_STATE_HOME")
        return False
    return True


class Saver:
    """Saver of a state in a thread: a home directory on a network may hang.

    Parameters
    ----------
    path
        File of the state.
    what
        What it is called in sentences.
    """

    def __init__(self, path: Path, what: str = "the look") -> None:
        self._path, self._what = path, what
        self._thread: threading.Thread | None = None

    def save(self, kept: Mapping[str, Any]) -> bool:
        """Begin to save; return False if the file system has not finished the last time."""
        if self._thread is not None and self._thread.is_alive():
            return False
        thread = threading.Thread(
            target=save, args=(self._path, dict(kept), self._what), name="sunspec-state", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            _tell_once(f"cannot keep {self._what} in {self._path}: no thread can be started here")
            return False
        self._thread = thread
        return True

    def finish(self, timeout_s: float = FINISH_S) -> None:
        """Wait for the last save, for a limited time."""
        if self._thread is not None:
            self._thread.join(timeout_s)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _tell_once(text: str) -> None:
    """Log a text once, not with each change of the look."""
    if text not in _logged:
        _logged.add(text)
        log.warning("%s", text)
