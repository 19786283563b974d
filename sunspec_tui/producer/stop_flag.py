"""Flag that any thread sets to end a producer."""

import threading


class StopSignal:
    """Signal set by `set`, or by an event of the recorder.

    Attributes
    ----------
    recorder_event
        Event that ends the producer too when it is set; None until one is assigned.
    """

    def __init__(self) -> None:
        self.recorder_event: threading.Event | None = None
        self._stopping = threading.Event()

    def set(self) -> None:
        """End the producer."""
        self._stopping.set()

    def is_set(self) -> bool:
        """Return True once the producer is to end."""
        if self.recorder_event is not None and self.recorder_event.is_set():
            self._stopping.set()
        return self._stopping.is_set()

    def wait(self, seconds: float) -> None:
        """Wait for so long, or until `set` is called."""
        self._stopping.wait(seconds)
