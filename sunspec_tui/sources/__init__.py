"""What can stand behind the producer when there is no recorder: a simulated Sun, or a file.

`memory_ring` has the recorder's reading interface, `feed` fills it at the pace of the data, `simulate` and
`replay` make the spectra. None of them knows a socket.
"""
