"""Find bursts in rows: pure functions and small states, no threads.

Rows are folded to cells, cells are compared with a slow background, and runs above it are linked to structures. Sums
along drifts find what is too faint for one bin. A structure becomes a burst with measured numbers and a type.
"""
