"""Wait for a condition, with a deadline instead of a sleep."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest


def poll_until(
    condition: Callable[[], Any], timeout_s: float = 10.0, what: str | Callable[[], str] = "the condition"
) -> Any:
    """Poll until `condition` is true, and return its value.

    Fail at the deadline.
    """
    deadline_s = time.monotonic() + timeout_s
    pause = threading.Event()
    while not (value := condition()):
        if time.monotonic() > deadline_s:
            pytest.fail(f"{what() if callable(what) else what} did not come within {timeout_s} s")
        pause.wait(0.01)
    return value
