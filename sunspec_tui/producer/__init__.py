"""AvgStreamingOp, and the sources behind it: a simulated Sun, replayed files and faults on demand."""
