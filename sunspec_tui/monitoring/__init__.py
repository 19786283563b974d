"""The state of the stream and of the instrument: snapshot, status record, checks and events."""
