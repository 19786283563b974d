"""Send mutated messages to `decode`.

It must return a frame or reject the message, quickly.

    python tests/long/fuzz_decode.py --cases 10000000 --seed 0

Each case follows from the seed and its own number, so a failure is repeated by `--first NUMBER --cases 1`. Takes no
more than a few megabytes; several may run beside each other with other seeds, or on parts of the cases.
"""

import argparse
import gc
import json
import random
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson

from sunspec_tui.core import payload_layout
from sunspec_tui.core.errors import RejectedMessage
from sunspec_tui.core.frame import Frame, decode

MAX_CPU_S = 0.05
"""CPU time of this thread that one message may take."""

MAX_TEXT = 400
BLOCK = 1000
"""Cases that share a generator: its start costs as much as a case."""

HEADER: dict[str, Any] = {
    "time_tag": 344176543210000000, "nbeam": 1, "nchan": 8, "npol": 4, "timestamp": "1755552894.787341",
    "last_block_time": "2025-08-18 21:34:54.787341", "data_shape": [1, 8, 4], "data_type": "<f4",
    "seq": 12, "chan0": 560, "interval": 0.25,
}  # fmt: skip
MANY_KEYS = b"{" + b",".join(b'"%d":%d' % (n, n) for n in range(5000)) + b"}"
VALID = orjson.dumps(HEADER)
KEYS = [*HEADER, "lwa_time", "navg", "", "\x1b[2J", "é" * 40]
PAYLOAD = bytes(range(128))
NUMBERS = [
    0, 1, -1, 2, 3, 4, 8, 32, 560, 65_536, 65_537, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.25, 1e-3,
    1e-300, 5e-324, 1e300, 1.7e308, -0.0, 86_400.0, 86_400.1, 1755552894.787341, 1755552894787, 1755552894787341,
    1755552894787341000, 946684800, 4102444800, 1e11, 1e14, 1e17, 1e20, 10**19,
]  # fmt: skip
TEXTS = [
    "", "x", "<f4", "<f8", ">f4", "<f2", "<i2", "u1", "<u8", "|i1", "f", "longdouble", "<c8", "O", "a4", "S8", "U2",
    "M8[s]", "V4", "bool", "int0", "<f4\n", "f4,f4", "(2,)f4", "3f4", "\x00", "nan", "inf", "-inf", "1e400", "1_0",
    "  12  ", "٣", "0x10", "9" * 400, "9" * 5000, "z" * 5000, "%f", "2025-08-18 21:34:54.%f", "2025-08-18T21:34:54Z",
    "2025-W34-1", "2025-08-18 23:59:60", "2025-08-18 23:59:60.999999+23:59", "0001-01-01 00:00:00+14:00",
    "9999-12-31 23:59:59-14:00", "2000-01-01",
    "2099-12-31 23:59:59.999999", "20250818T213454,5", "2025-08-18 24:00:00", "\u202e\u0301" * 30,
]  # fmt: skip


def some_value(rng: random.Random, depth: int = 0) -> Any:
    """Return a JSON value, usually plain, sometimes nested."""
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice(NUMBERS)
    if kind < 7:
        return rng.choice(TEXTS)
    if kind == 7:
        return rng.choice([None, True, False, [], {}])
    if kind == 8 and depth < 4:
        return [some_value(rng, depth + 1) for _ in range(rng.randrange(6))]
    return {rng.choice(KEYS): some_value(rng, depth + 1)} if depth < 4 else rng.random()


def some_shape(rng: random.Random) -> tuple[list[int], int]:
    """Return a shape, and a payload length that usually matches it."""
    shape = [rng.choice([1, 1, 2, 3, 4, 8, 0, -1, 65_537, 2**40]) for _ in range(rng.randrange(6))]
    values = 1
    for length in shape:
        values = min(4096, max(1, values * length))
    return shape, values


def other_keys(rng: random.Random) -> list[bytes]:
    """A message whose header has other keys and values."""
    header = dict(HEADER)
    for _ in range(rng.randrange(1, 4)):
        key = rng.choice(KEYS)
        if rng.random() < 0.3:
            header.pop(key, None)
        else:
            header[key] = some_value(rng)
    return [b"data", orjson.dumps(header), PAYLOAD[: rng.choice([128, 128, 128, 64, 127, 4, 1])]]


def other_shape(rng: random.Random) -> list[bytes]:
    """A message of another shape and type."""
    shape, values = some_shape(rng)
    header = HEADER | {"data_shape": shape, "data_type": rng.choice(TEXTS[2:12])}
    if rng.random() < 0.7:
        for key in ("nbeam", "nchan", "npol"):
            header.pop(key)
    if rng.random() < 0.2:
        header.pop("data_shape")
    size = values * rng.choice([1, 2, 4, 4, 4, 8]) + (rng.random() < 0.1)
    return [b"data", orjson.dumps(header), rng.randbytes(size)]


def other_bytes(rng: random.Random) -> list[bytes]:
    """A message with bytes of its header changed, cut out or doubled."""
    raw = bytearray(VALID)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(raw) or 1)
        kind = rng.randrange(4)
        if kind == 0 and raw:
            raw[min(at, len(raw) - 1)] = rng.randrange(256)
        elif kind == 1:
            del raw[at : at + rng.randrange(1, 12)]
        elif kind == 2:
            raw[at:at] = raw[at : at + rng.randrange(40)]
        else:
            raw[at:at] = rng.choice([b"\x00", b"\xff\xfe", b"\\ud800", b"[[", b"}}", b'":', b"1e999", b"\xef\xbb\xbf"])
    return [b"data", bytes(raw), PAYLOAD]


def other_parts(rng: random.Random) -> list[bytes]:
    """Return a message with wrong parts.

    There are too few or too many of them, or they are in another order.
    """
    parts = [b"data", VALID, PAYLOAD]
    rng.shuffle(parts)
    return [rng.choice([*parts, b"", b"{}", b"data"]) for _ in range(rng.randrange(6))]


def huge(rng: random.Random) -> list[bytes]:
    """A deep or long header, just below or above the limits."""
    size = rng.choice([100, 1000, 1024, 1025, 5000, 16_000])
    inner = rng.choice([
        b"[" * size + b"]" * size, b'{"a":' * size + b"1" + b"}" * size, b"[" + b"[]," * size + b"[]]", b"9" * size,
        b"0." + b"9" * size, b"[" + b"1," * size + b"1]", b'"' + b"\\u202e" * size + b'"',
        b'"' + "\U0001f600".encode() * size + b'"',
        MANY_KEYS, b"-" * size, b"1e" + b"9" * size,
    ])  # fmt: skip
    key = json.dumps(rng.choice(KEYS)).encode()
    header = json.dumps({name: value for name, value in HEADER.items() if rng.random() < 0.9}).encode()
    return [b"data", header[:-1] + b"," + key + b":" + inner + b"}", PAYLOAD]


KINDS: list[tuple[Callable[[random.Random], list[bytes]], int]] = [
    (other_keys, 40), (other_shape, 25), (other_bytes, 25), (other_parts, 9), (huge, 1),
]  # fmt: skip
MAKERS = [maker for maker, share in KINDS for _ in range(share)]


def outcome(parts: list[bytes]) -> Frame | RejectedMessage:
    """Return the result of `decode`, or the cause of its rejection."""
    try:
        return decode(parts)
    except RejectedMessage as error:
        return error


def check(parts: list[bytes]) -> str:
    """Decode one message, and return its cause of rejection or "frame".

    Raises
    ------
    AssertionError
        If the outcome is anything else, or if it takes too long.
    """
    begun_s = time.perf_counter()
    found = outcome(parts)
    # CPU time is never more than the time that has passed, and asking for it costs as much as a case.
    if time.perf_counter() - begun_s > MAX_CPU_S:
        payload_layout.payload_layout.cache_clear()
        begun_s = time.thread_time()
        outcome(parts)
        spent_s = time.thread_time() - begun_s
        assert spent_s <= MAX_CPU_S, f"{1e3 * spent_s:.1f} ms of CPU time"
    if isinstance(found, RejectedMessage):
        text = str(found)
        assert len(text) <= MAX_TEXT, f"a sentence of {len(text)} characters"
        return str(found.cause)
    assert isinstance(found, Frame)
    assert found.data.ndim == 3
    assert found.data.size > 0
    return "frame"


def fuzz(seed: int, first: int, cases: int, tell: Callable[[str], None] = print) -> Counter[str]:
    """Try cases `first` to `first + cases` of a seed.

    Return the number of each outcome.

    Raises
    ------
    SystemExit
        With the number of the case that failed.
    """
    outcomes: Counter[str] = Counter()
    # A full garbage collection would count as time of the case in which it happens.
    gc.collect()
    gc.freeze()
    warnings.simplefilter("error")
    rng = random.Random()
    for number in range(first - first % BLOCK, first + cases):
        if number % BLOCK == 0:
            rng.seed(f"{seed} {number // BLOCK}")
        parts = rng.choice(MAKERS)(rng)
        if number < first:
            continue
        try:
            outcomes[check(parts)] += 1
        except Exception:  # noqa: BLE001 - reported with the number of its case
            tell(traceback.format_exc())
            tell(f"case {number} of seed {seed}: {[part[:200] for part in parts]!r}")
            raise SystemExit(f"FAILED: repeat it with --seed {seed} --first {number} --cases 1") from None
        if (number + 1) % 500_000 == 0:
            tell(f"{number + 1} cases of seed {seed}, {time.process_time():.0f} s of CPU time")
    return outcomes


def main() -> None:
    """Read the options and fuzz."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to go on from")
    given = parser.parse_args()
    outcomes = fuzz(given.seed, given.first, given.cases, lambda line: print(line, flush=True))
    print(f"ok: {sum(outcomes.values())} cases, each a frame or rejected within {1e3 * MAX_CPU_S:.0f} ms of CPU time")
    print(", ".join(f"{count} {name}" for name, count in outcomes.most_common()))


if __name__ == "__main__":
    main()
