"""Read randomly corrupted files.

Only errors of this package may occur, in limited time and memory.

``python tests/long/mutated_files.py --cases 20000 --seed 1`` is what ``make fuzz-files`` runs; the suite runs a few.
"""

import argparse
import gzip
import io
import random
import resource
import sys
import tempfile
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from recordings import recording

from sunspec_tui.core.errors import SourceError
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export

MAX_CASE_S = 2.0
"""Time on a processor that a reader may take for a spoilt file of some kilobytes."""

MAX_MEMORY_BYTES = 400_000_000
MAX_SENTENCE = 200
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63, 2**64 - 1)
_WORDS = (
    b"1e308", b"-1", b"999999999999999999999", b"nan", b"inf", b"\x1b[31m", b"\n", b"\0", b",", b'"', b"'", b"=",
    b"\xff\xfe", b"9999-12-31T23:59:59Z", b"0001-01-01", b"END", b"CONTINUE", b"{", b"(" * 200, b"|O", b"<U9999999",
)  # fmt: skip

Seed = tuple[str, bytes]
"""A form of file, and one of that form."""


class Outcome(NamedTuple):
    """Result of reading a case, and its fault, if any."""

    form: str
    read: bool
    fault: str


def seeds(place: Path) -> list[Seed]:
    """Return small valid files of all formats."""
    rows = recording(5, nchan=48)
    found = []
    for name in ("a.npz", "a.csv", "a.fits", "a.fit.gz", "a.h5"):
        export(rows, place / name)
        found.append((name, (place / name).read_bytes()))
    with np.load(place / "a.npz") as members:
        np.savez_compressed(place / "packed.npz", **members)
    mjd = rows.times_s / 86400 + 40587
    np.savez(place / "older.npz", data=rows.data[..., :2], mjd=mjd[:, None], freq=rows.frequencies_hz / 1e6)
    found += [(name, (place / name).read_bytes()) for name in ("packed.npz", "older.npz")]
    return [*found, *_recorders(place)]


def _recorders(place: Path) -> Iterator[Seed]:
    """Write the recorder's layout in compressed chunks.

    Older and newer libraries write it so.
    """
    import h5py

    for version in ("earliest", "latest"):
        with h5py.File(place / "a.h5") as file, h5py.File(place / version, "w", libver=version) as copy:
            copy.attrs.update(file.attrs)
            observation = copy.create_group("Observation1")
            observation.attrs.update(file["Observation1"].attrs)
            observation.create_dataset("time", data=file["Observation1/time"][()], chunks=(4,), maxshape=(None,))
            tuning = observation.create_group("Tuning1")
            for name, values in file["Observation1/Tuning1"].items():
                tuning.create_dataset(name, data=values[()], chunks=True, compression="gzip", shuffle=True)
        yield f"{version}.h5", (place / version).read_bytes()


def mutated(seed: Seed, rng: random.Random) -> bytes:
    """Corrupt a file; in compressed files, sometimes the data inside."""
    name, whole = seed
    if name.endswith(".gz") and rng.random() < 0.7:
        return gzip.compress(_spoilt(gzip.decompress(whole), rng), 1)
    if name.endswith(".npz") and rng.random() < 0.7:
        return _inside(whole, rng)
    return _spoilt(whole, rng)


def _inside(whole: bytes, rng: random.Random) -> bytes:
    """Corrupt one member of a ZIP file and keep its checksum valid."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as file, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as spoilt:
        chosen = rng.choice(file.namelist())
        for name in file.namelist():
            data = file.read(name)
            # Corrupt its header rather than its values.
            spoilt.writestr(name, _spoilt(data[:128], rng) + data[128:] if name == chosen else data)
    return out.getvalue()


def _spoilt(whole: bytes, rng: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(rng.choice((1, 1, 2, 3, 8, 20))):
        rng.choice(_CHANGES)(data, rng)
    return bytes(data[: rng.randrange(1, len(data) + 1)]) if rng.random() < 0.1 else bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    # Declarations are usually at the beginning.
    return rng.randrange(min(len(data), 4096) if rng.random() < 0.5 else len(data))


def _set_byte(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] = rng.choice((0, 1, 0x20, 0x30, 0x39, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _flip_bit(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _set_number(data: bytearray, rng: random.Random) -> None:
    at, width = _place(data, rng), rng.choice((1, 2, 4, 8))
    number = rng.choice(_NUMBERS) % 2 ** (8 * width)
    data[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))


def _set_word(data: bytearray, rng: random.Random) -> None:
    at, word = _place(data, rng), rng.choice(_WORDS)
    data[at : at + (len(word) if rng.random() < 0.7 else 0)] = word


def _copy_part(data: bytearray, rng: random.Random) -> None:
    at, source, length = _place(data, rng), _place(data, rng), rng.randrange(1, 100)
    data[at : at + length] = data[source : source + length]


def _drop_part(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    if len(data) > 200:
        del data[at : at + rng.randrange(1, 100)]


_CHANGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _set_byte, _flip_bit, _set_number, _set_word, _copy_part, _drop_part,
)  # fmt: skip


def outcome(name: str, path: Path) -> Outcome:
    """Read a case and return the result."""
    begun_s, before_s = time.thread_time(), _children_s()
    try:
        read_recording(path)
        read, fault = True, ""
    except SourceError as error:
        read, fault = False, _fault_of(str(error))
    except Exception as error:  # noqa: BLE001 - the search is for unexpected errors
        read, fault = False, f"{type(error).__name__}: {error}"
    # The process that reads HDF5 may be ended because of its CPU time.
    spent_s = time.thread_time() - begun_s
    children_s = _children_s() - before_s
    if spent_s > MAX_CASE_S or children_s > 3 * MAX_CASE_S:
        fault = fault or f"it took {spent_s:.1f} s, and {children_s:.1f} s in another process"
    return Outcome(name, read, fault)


def _fault_of(sentence: str) -> str:
    if "not enough memory" in sentence:
        return f"it asked for more than {MAX_MEMORY_BYTES} bytes"
    return "" if sentence.isprintable() and len(sentence) <= MAX_SENTENCE else f"no sentence: {sentence!a}"


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cases(place: Path, chosen: list[Seed], count: int, rng: random.Random) -> Iterator[tuple[Outcome, bytes]]:
    """Yield the outcome and the content of each case."""
    # An HDF5 file needs a process, so it takes a hundred times as long as another file.
    weights = [0.1 if name.endswith(".h5") else 1.0 for name, _ in chosen]
    for seed in rng.choices(chosen, weights, k=count):
        spoilt = mutated(seed, rng)
        path = place / "spoilt"
        path.write_bytes(spoilt)
        yield outcome(seed[0], path), spoilt


def main() -> int:
    """Run the cases and keep those that show a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--forms", default="", help="such as .h5; all without it")
    parser.add_argument("--keep", type=Path, default=Path("spoilt"), help="where cases with a fault are kept")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    counted, rng = Counter[str](), random.Random(given.seed)
    with tempfile.TemporaryDirectory() as name:
        chosen = [seed for seed in seeds(Path(name)) if seed[0].endswith(given.forms)]
        read_recording(Path(name) / "a.fits")
        limit_memory()
        for i, (found, spoilt) in enumerate(cases(Path(name), chosen, given.cases, rng)):
            counted[f"{found.form}: {'fault' if found.fault else 'read' if found.read else 'refused'}"] += 1
            if found.fault:
                given.keep.mkdir(exist_ok=True)
                (given.keep / f"{given.seed}_{i}_{found.form}").write_bytes(spoilt)
                sys.stdout.write(f"case {i}, {found.form}: {found.fault}\n")
    sys.stdout.write("\n".join(f"{what} {count}" for what, count in sorted(counted.items())) + "\n")
    return int(any("fault" in what for what in counted))


def limit_memory() -> None:
    """Limit the memory to a little more than now.

    Without effect if the system does not report the memory in use.
    """
    statm = Path("/proc/self/statm")
    if statm.exists():
        now = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MAX_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    sys.exit(main())
