"""The timeline: rows and blocks of time of ring, memory and archive as one."""
