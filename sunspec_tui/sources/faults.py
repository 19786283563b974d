"""Faults on demand: what goes wrong with streams, done on purpose and counted.

A producer with faults tells at its end what a receiver must have counted. What it left out counts only when
a later frame of the same sequence went out, because nothing before that can show a receiver that it is missing.
State and arithmetic; the clock is an argument.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.encoding import Encode, Message
from sunspec_tui.errors import RejectCause, UsageError
from sunspec_tui.times import CHANNEL_WIDTH_HZ, CHANNELS_PER_PIPELINE, CLOCK_HZ

STALL_AFTER_FRAMES = 20
GAIN_LOSS_AFTER_FRAMES = 100


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What is to go wrong.

    Attributes
    ----------
    gap, corrupt
        Share of frames that are left out, and that are spoilt, each from 0 to 1.
    stall_s
        How long nothing is sent, once, after the first frames; 0 is not at all.
    skew_s
        Added to ``timestamp``: more than 0 is a sender's clock that goes fast.
    nan_mhz
        Band in MHz that is not a number; None is none.
    dead_pipeline
        Pipeline of 96 channels that is 0; None is none.
    restart
        Frames after which the sequence begins anew, again and again; 0 is never.
    gain_loss_db
        By how much power falls, once and for good, after the first frames.
    """

    gap: float = 0.0
    corrupt: float = 0.0
    stall_s: float = 0.0
    skew_s: float = 0.0
    nan_mhz: tuple[float, float] | None = None
    dead_pipeline: int | None = None
    restart: int = 0
    gain_loss_db: float = 0.0

    @classmethod
    def parse(cls, text: str) -> "FaultPlan":
        """A plan from text such as ``gap=0.02,stall=30,nan-band=55:59``.

        Raises
        ------
        UsageError
            If a fault is not known or its value cannot be used.
        """
        plan = cls()
        for item in filter(None, text.split(",")):
            name, _, value = item.partition("=")
            if name not in _READERS:
                raise UsageError(f"--fault has no {name!r}, choose from {', '.join(_READERS)}, each with =VALUE")
            try:
                plan = replace(plan, **_READERS[name](value))
            except ValueError as error:
                raise UsageError(f"--fault {name} is {value!r}, it must be {error}") from error
        return plan


def _share(name: str) -> Callable[[str], dict[str, float]]:
    return lambda text: {name: _number(text, 0, 1, "a share from 0 to 1")}


def _number(text: str, least: float, most: float, what: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(what) from error
    if not least <= value <= most:
        raise ValueError(what)
    return value


def _whole(text: str, most: int, what: str) -> int:
    if not text.isdecimal() or int(text) > most:
        raise ValueError(what)
    return int(text)


def _band(text: str) -> tuple[float, float]:
    what = "two frequencies in MHz, such as 55:59"
    low, _, high = text.partition(":")
    band = _number(low, 0, 1e3, what), _number(high, 0, 1e3, what)
    if band[0] >= band[1]:
        raise ValueError(what)
    return band


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "gap": _share("gap"),
    "corrupt": _share("corrupt"),
    "stall": lambda text: {"stall_s": _number(text, 0, 1e6, "seconds")},
    "skew": lambda text: {"skew_s": _number(text, -1e9, 1e9, "seconds")},
    "nan-band": lambda text: {"nan_mhz": _band(text)},
    "dead-pipeline": lambda text: {"dead_pipeline": _whole(text, 31, "the number of a pipeline, 0 to 31")},
    "restart": lambda text: {"restart": _whole(text, 10**9, "a number of frames")},
    "gain-loss": lambda text: {"gain_loss_db": _number(text, -100, 100, "decibels")},
}


class Faults:
    """Sends frames as another encoder does, with faults.

    Parameters
    ----------
    plan
        What goes wrong.
    encode
        How frames are sent otherwise.
    seed
        Of what is left to chance.
    monotonic
        A clock that never goes back.

    Attributes
    ----------
    counts
        What a receiver that got everything has counted: ``frames_received``, ``frames_missing``,
        ``frames_rejected``, ``restarts``.
    rejected
        Count by `RejectCause`.
    """

    def __init__(
        self, plan: FaultPlan, encode: Encode, seed: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan, self._encode = plan, encode
        self._random = np.random.default_rng([seed, 5])
        self._monotonic = monotonic
        self._made = self._unseen = 0
        self._sequence = self._seen_sequence = 0
        self._stalled_until_s: float | None = None
        self.counts = dict.fromkeys(("frames_received", "frames_missing", "frames_rejected", "restarts"), 0)
        self.rejected: Counter[RejectCause] = Counter()

    def __call__(self, header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
        """What is sent for a frame; nothing where it is left out."""
        header = self._restarted(header) | {"timestamp": f"{float(header['timestamp']) + self._plan.skew_s:.6f}"}
        self._made += 1
        # Each frame takes its share of chance, whatever becomes of it: one fault does not move another.
        left_out, spoilt = self._random.random(2) < (self._plan.gap, self._plan.corrupt)
        if self._stalls() or left_out:
            self._unseen += 1
            return ()
        messages = list(self._encode(header, self._marred(header, mean)))
        return list(self._spoil(messages)) if spoilt else self._sent(messages)

    def report(self) -> dict[str, Any]:
        """All counts, as JSON values."""
        return self.counts | {"rejected": {str(cause): count for cause, count in sorted(self.rejected.items())}}

    def _sent(self, messages: list[Message]) -> list[Message]:
        # Neither before the first frame nor across a restart is there anything to count from.
        if self._sequence != self._seen_sequence:
            self.counts["restarts"] += self.counts["frames_received"] > 0
        elif self.counts["frames_received"]:
            self.counts["frames_missing"] += self._unseen
        self._unseen, self._seen_sequence = 0, self._sequence
        self.counts["frames_received"] += len(messages)
        return messages

    def _restarted(self, header: dict[str, Any]) -> dict[str, Any]:
        """The header with a sequence that began a while ago, and numbers that count from there."""
        every = self._plan.restart
        self._sequence = header["seq"] // every if every else 0
        begun = self._sequence * every
        return header | {"seq": header["seq"] - begun, "time_tag": header["time_tag"] + self._sequence * CLOCK_HZ}

    def _stalls(self) -> bool:
        """Whether this is the time in which nothing is sent."""
        if not self._plan.stall_s or self._made <= STALL_AFTER_FRAMES:
            return False
        now_s = self._monotonic()
        if self._stalled_until_s is None:
            self._stalled_until_s = now_s + self._plan.stall_s
        return now_s < self._stalled_until_s

    def _marred(self, header: dict[str, Any], mean: NDArray[np.float32]) -> NDArray[np.float32]:
        """The data with what their receivers of old have not heard."""
        plan = self._plan
        gain_lost = plan.gain_loss_db and self._made > GAIN_LOSS_AFTER_FRAMES
        if plan.nan_mhz is None and plan.dead_pipeline is None and not gain_lost:
            return mean
        marred = mean * np.float32(10 ** (-plan.gain_loss_db / 10)) if gain_lost else mean.copy()
        if plan.nan_mhz is not None:
            mhz = (header.get("chan0", 0) + np.arange(mean.shape[1])) * CHANNEL_WIDTH_HZ / 1e6
            marred[:, (mhz >= plan.nan_mhz[0]) & (mhz <= plan.nan_mhz[1])] = np.nan
        if plan.dead_pipeline is not None:
            first = plan.dead_pipeline * CHANNELS_PER_PIPELINE
            marred[:, first : first + CHANNELS_PER_PIPELINE] = 0
        return marred

    def _spoil(self, messages: list[Message]) -> Iterator[Message]:
        """Messages that are no frames any more, each in one of several ways."""
        for topic, header, payload in messages:
            cause, spoilt = (
                (RejectCause.HEADER_JSON, [topic, header[:-1], payload]),
                (RejectCause.PAYLOAD_LENGTH, [topic, header, payload[:-1]]),
                (RejectCause.TOPIC, [b"date", header, payload]),
                (RejectCause.PARTS, [topic, header]),
            )[int(self._random.integers(4))]
            self.counts["frames_rejected"] += 1
            self.rejected[cause] += 1
            yield spoilt
