"""Optional bifrost tools: write its process log, pin a thread.

bifrost is not a dependency. If a recorder has it, its tools (``like_ps.py``, ``like_top.py``) list the producer like
any other operation of the recorder. Without bifrost, no log is written.
"""

import importlib
import logging
import os
import threading
from typing import Any


class ProcessLog:
    """Process log of one operation.

    Parameters
    ----------
    name
        Name of the operation.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._make = getattr(_bifrost("proclog"), "ProcLog", None)
        self._logs: dict[str, Any] = {}

    def update(self, part: str, **values: object) -> None:
        """Set values of a part: ``in``, ``bind``, ``sequence0`` or ``perf``."""
        if self._make is None:
            return
        if part not in self._logs:
            self._logs[part] = self._make(f"{self._name}/{part}")
        self._logs[part].update(values)


def pin(core: int, log: logging.Logger) -> None:
    """Pin the calling thread to a core, by bifrost if installed.

    Warn if it is impossible.
    """
    set_core = getattr(_bifrost("affinity"), "set_core", None)
    try:
        if set_core is not None:
            set_core(core)
        elif hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(threading.get_native_id(), {core})
        else:
            log.warning("this system cannot pin a thread to core %d", core)
    except (OSError, RuntimeError) as error:
        # Averaging on another core is better than not averaging.
        log.warning("cannot pin the producer to core %d: %s", core, error)


def _bifrost(module: str) -> Any:
    """Return a module of bifrost; None if it is not installed."""
    try:
        return importlib.import_module(f"bifrost.{module}")
    except ImportError:
        return None
