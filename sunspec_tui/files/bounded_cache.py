"""Cache with a limit of memory.

It drops the values that were used least recently.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BoundedCache(Generic[Key, Value]):
    """Most recently used values by key, within a limit of memory.

    A value that alone is above the limit is not kept. The caller holds a lock.

    Parameters
    ----------
    max_nbytes
        Largest size of all values.
    size_of
        Returns the size of a value in bytes.

    Attributes
    ----------
    nbytes
        Size of all values.
    """

    def __init__(self, max_nbytes: int, size_of: Callable[[Value], int]) -> None:
        self.max_nbytes, self.nbytes = max_nbytes, 0
        self._size_of, self._values = size_of, OrderedDict[Key, Value]()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        """Return a value, or None if it is not kept."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; drop others until all are within the limit."""
        self.drop(key)
        self._values[key] = value
        self.nbytes += self._size_of(value)
        while self.nbytes > self.max_nbytes:
            self.drop(next(iter(self._values)))

    def drop(self, key: Key) -> None:
        """Drop a value, if it is kept."""
        value = self._values.pop(key, None)
        if value is not None:
            self.nbytes -= self._size_of(value)
