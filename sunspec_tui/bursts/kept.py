"""Keep results from one update to the next."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Kept(Generic[_Key, _Value]):
    """Results of this update and of the one before.

    Most structures do not change from one update to the next. A result that an update does not ask for is forgotten.
    """

    def __init__(self) -> None:
        self._before: dict[_Key, _Value] = {}
        self._now: dict[_Key, _Value] = {}

    def begin_update(self) -> None:
        """Forget what the last update did not ask for."""
        self._before, self._now = self._now, {}

    def get(self, key: _Key) -> _Value | None:
        """Return a known result; None for an unknown one."""
        if key not in self._now and key in self._before:
            self._now[key] = self._before[key]
        return self._now.get(key)

    def put(self, key: _Key, value: _Value) -> _Value:
        """Keep a new result, and return it."""
        self._now[key] = value
        return value

    def get_or_make(self, key: _Key, make: Callable[[], _Value]) -> _Value:
        """Return a known result, or make and keep it."""
        known = self.get(key)
        return self.put(key, make()) if known is None else known
