"""Actions of the app that only call the receiver's actions.

Textual calls actions of keys as methods of the app; this class has them, so that the app is shorter.
"""

from sunspec_tui.tui.receiver_actions import ReceiverActions


class ReceiverKeys:
    """Methods of the monitor for keys that act on the receiver."""

    _receiver_actions: ReceiverActions

    def action_delay_method(self) -> None:
        """Select the next delay method."""
        self._receiver_actions.next_delay_method()

    def action_manual_delay(self) -> None:
        """Ask for a manual delay and use it."""
        self._receiver_actions.ask_for_delay()

    def action_plot_interval(self, direction: int) -> None:
        """Select the next longer or shorter plot interval."""
        self._receiver_actions.change_plot_interval(direction)

    def action_plot_now(self) -> None:
        """Write a plot of the shown product now."""
        self._receiver_actions.plot_now()

    def action_web(self) -> None:
        """Start or stop the web view."""
        self._receiver_actions.toggle_web()

    def action_play(self) -> None:
        """Play recorded rows, or stop."""
        self._receiver_actions.play()

    def action_next_section(self, by: int) -> None:
        """Show the next or previous file or day of recorded rows."""
        self._receiver_actions.next_section(by)

    def action_export(self) -> None:
        """Ask for a file and write rows to it."""
        self._receiver_actions.export()

    def action_collect_garbage(self) -> None:
        """Collect garbage and show the number of freed objects."""
        self._receiver_actions.collect_garbage()

    def action_optimise_memory(self) -> None:
        """Free memory and show the freed amount."""
        self._receiver_actions.optimise_memory()
