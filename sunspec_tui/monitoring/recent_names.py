"""Remember the names of the newest bursts, in bounded memory."""


class RecentNames:
    """Set of names that forgets the oldest beyond a number.

    Parameters
    ----------
    most
        Largest number of names.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._names: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def add(self, name: str) -> None:
        """Add a name, which is then the newest."""
        self._names.pop(name, None)
        self._names[name] = None
        while len(self._names) > self._most:
            del self._names[next(iter(self._names))]

    def discard(self, name: str) -> None:
        """Forget a name."""
        self._names.pop(name, None)
