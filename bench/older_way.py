"""Handle a message as the older receiver did, for comparison."""

import json
import statistics
import time

import numpy as np
from hot_path import messages

FRAMES, ROUNDS = 300, 5


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the processor time of a frame, in microseconds."""
    made = messages(FRAMES // (3 if quick else 1))
    handle(made[0])
    rounds = []
    for _ in range(ROUNDS):
        begun_s = time.thread_time()
        for parts in made:
            handle(parts)
        rounds.append((time.thread_time() - begun_s) / len(made) * 1e6)
    return {"older_us": statistics.median(rounds)}


def handle(parts: list[bytes]) -> tuple[np.ndarray, float]:
    """Return the averaged channels and the delay of a message."""
    from astropy.time import Time

    header = json.loads(parts[1].decode())
    data = np.frombuffer(parts[2], np.float32).reshape(header["data_shape"])
    rows = data[0].reshape(-1, 4, header["npol"]).mean(axis=1)
    return rows, float(Time.now().unix) - float(header["timestamp"])
