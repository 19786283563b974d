"""Serialise a plot job for a pipe, and read it again.

A job is sent as its pickle and its raw arrays, so that no array is copied.
"""

import mmap
import pickle
import struct
from io import RawIOBase

from sunspec_tui.plots.job import PlotJob

_LENGTH = struct.Struct(">Q")
_MAX_HEAP_BYTES = 65_536


def job_parts(job: PlotJob) -> list[memoryview]:
    """Serialise a job as pickle and raw arrays, without copying these."""
    arrays: list[pickle.PickleBuffer] = []
    parts = [memoryview(pickle.dumps(job, protocol=5, buffer_callback=arrays.append)), *(each.raw() for each in arrays)]
    lengths = [memoryview(_LENGTH.pack(len(parts))), *(memoryview(_LENGTH.pack(part.nbytes)) for part in parts)]
    sent = [lengths[0]]
    for length, part in zip(lengths[1:], parts, strict=True):
        sent += [length, part]
    return sent


def read_job(stream: RawIOBase) -> PlotJob | None:
    """Read the next job.

    Return None if the input ends before it is complete.

    The stream must come from the parent process, because a pickle can run code.
    """
    try:
        raw, *arrays = [_read_part(stream, _read_length(stream)) for _ in range(_read_length(stream))]
    except EOFError:
        return None
    job = pickle.loads(raw, buffers=arrays)  # noqa: S301 - from the parent process
    assert isinstance(job, PlotJob)  # noqa: S101 - the parent sends nothing else
    return job


def _read_length(stream: RawIOBase) -> int:
    return int(_LENGTH.unpack(_read_part(stream, _LENGTH.size))[0])


def _read_part(stream: RawIOBase, nbytes: int) -> bytearray | mmap.mmap:
    """Read exactly `nbytes` bytes into writable memory.

    Large parts are mapped separately, so that their memory returns to the system; the heap would keep some of it.

    Raises
    ------
    EOFError
        If the input ends earlier.
    """
    part = bytearray(nbytes) if nbytes <= _MAX_HEAP_BYTES else mmap.mmap(-1, nbytes)
    with memoryview(part) as rest:
        done = 0
        while done < nbytes:
            count = stream.readinto(rest[done:])
            if not count:
                raise EOFError
            done += count
    return part
