"""Widgets: they take plain values and draw lines; never a receiver, a ring or a socket."""
