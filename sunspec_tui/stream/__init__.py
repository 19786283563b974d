"""Receive the stream: connections, frames, stream health and history."""
