"""Compare the monitor's counts with the messages that were sent.

Pure functions on the account of a relay and on the monitor's counts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from chaos_relay import Account


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of the monitor during one run of the producer."""

    received: int
    rejected: int
    missing: int


@dataclass(frozen=True, slots=True)
class Balance:
    """Comparison of sent and counted frames for one run of a producer.

    Attributes
    ----------
    sent
        Frames that the producer numbered, up to the last that arrived.
    received, rejected, missing
        How many of these the monitor kept as rows, rejected, and counted as missing.
    strays
        Messages of other programs that the monitor rejected.
    lost_after
        Frames passed on after the last that arrived: lost because the producer was killed.
    times_us
        Ends of the received frames in order, microseconds since 1970.
    problems
        Each disagreement, as a sentence.
    """

    sent: int
    received: int
    rejected: int
    missing: int
    strays: int
    lost_after: int
    times_us: "np.ndarray[Any, np.dtype[np.int64]]"
    problems: tuple[str, ...]


def settle(account: Account, counts: Counts) -> Balance:
    """Compare all counts up to the last message that arrived.

    Messages arrive in the order in which they were taken, so what arrived is the beginning of what was taken. It is
    found by its number of frames; rejected messages behind the last of these belong to it as far as they were counted.
    """
    handed = np.flatnonzero(account.taken)
    good, stray = account.good[handed], account.seq[handed] < 0
    frames = np.flatnonzero(good)
    problems = []
    if counts.received > len(frames):
        problems.append(f"{counts.received} frames received, but only {len(frames)} were handed over")
    arrived = int(frames[: counts.received].max(initial=-1)) + 1
    while arrived < len(handed) and not good[arrived] and (~good[:arrived]).sum() < counts.rejected:
        arrived += 1
    bad = int((~good[:arrived]).sum())
    if counts.rejected != bad:
        problems.append(f"{counts.rejected} messages rejected, but {bad} bad ones arrived")
    strays = int(stray[:arrived].sum())
    numbers = account.seq[handed[:arrived]]
    sent = int(numbers.max(initial=-1)) + 1
    rejected = counts.rejected - strays
    if sent != counts.received + rejected + counts.missing:
        problems.append(f"sent {sent} is not {counts.received} + {rejected} + {counts.missing}")
    lost_after = int(account.seq.max(initial=-1)) + 1 - sent
    times_us = account.time_us[handed[frames[: counts.received]]]
    return Balance(sent, counts.received, rejected, counts.missing, strays, lost_after, times_us, tuple(problems))


def check_archive(stores: Mapping[str, "np.ndarray[Any, Any]"], balances: Sequence[Balance]) -> list[str]:
    """Check that each archived row was received.

    Each row must be archived once and in order.

    Parameters
    ----------
    stores
        Times of the rows of each store in their order, microseconds since 1970.
    balances
        What was received. Times may come again in another life of the producer.
    """
    problems = [
        f"rows of {name} are out of order" for name, times_us in stores.items() if (np.diff(times_us) <= 0).any()
    ]
    received = Counter(int(each) for balance in balances for each in balance.times_us)
    archived = Counter(int(each) for times_us in stores.values() for each in times_us)
    strange = archived - received
    if strange:
        problems.append(f"{strange.total()} archived rows were not received, or stand there twice")
    return problems
