"""Show messages of the monitor as one toast."""

from typing import Any

from textual import events

from sunspec_tui.core.printable import printable
from sunspec_tui.tui.monitor_screen import MonitorScreen
from sunspec_tui.tui.terminal.canvas_app import CanvasApp
from sunspec_tui.tui.toasts import Toasts


class Notifications(CanvasApp):
    """Part of the monitor that shows messages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._toasts = Toasts(self.set_timer, self._show_toast_soon)
        self._toast_is_due = False

    def notify(self, message: str, **options: Any) -> None:
        """Show a message for a moment, with control characters escaped."""
        timeout_s = options.get("timeout") or self.NOTIFICATION_TIMEOUT
        self._toasts.add(printable(message), options.get("severity", "information"), timeout_s)

    def _show_toast_soon(self) -> None:
        """Show the toast after the current callbacks: several messages make one toast."""
        if not self._toast_is_due:
            self._toast_is_due = True
            self.call_later(self._show_toast)

    def _show_toast(self) -> None:
        self._toast_is_due = False
        self.clear_notifications()
        toast, screen = self._toasts.toast, self.screen_stack[0]
        if toast is not None and isinstance(screen, MonitorScreen):
            screen.fit_toasts()
            super().notify(toast.text, severity=toast.severity, timeout=toast.seconds, markup=False)

    def on_click(self, event: events.Click) -> None:
        """Forget the messages of a toast that a click has removed."""
        if type(event.widget).__name__ == "Toast":
            self._toasts.clear()
