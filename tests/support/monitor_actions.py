"""Actions of the monitor that random steps may take."""

from sunspec_tui.tui.key_bindings import KEYS

_NOT_HERE = ("end(0)", "end(130)", "plot_now", "plot_interval(1)", "plot_interval(-1)")


ACTIONS = [key.action for key in KEYS if key.action not in _NOT_HERE]
