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


def poll_until_steady(look: Callable[[], Any], steady_s: float = 1.0, timeout_s: float = 20.0) -> Any:
    """Poll until `look` has returned the same for a while.

    Return that value.
    """
    last, since_s = look(), time.monotonic()

    def is_steady() -> bool:
        nonlocal last, since_s
        if (now := look()) != last:
            last, since_s = now, time.monotonic()
        return time.monotonic() - since_s >= steady_s

    poll_until(is_steady, timeout_s, "a steady state")
    return last
