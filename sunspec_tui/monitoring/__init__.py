"""Monitor the stream and the instrument: snapshots, status records, checks and events."""
