"""From the socket to the ring: connections, frames, the health of the stream, and its history."""
