"""Produce the stream: AvgStreamingOp, simulated Sun, replayed files and injected faults."""
