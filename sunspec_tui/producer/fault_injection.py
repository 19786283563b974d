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

from sunspec_tui.core.errors import RejectCause, UsageError
from sunspec_tui.core.frame import Encode, Message
from sunspec_tui.core.instrument import CHANNEL_WIDTH_HZ, CHANNELS_PER_PIPELINE, CLOCK_HZ
from sunspec_tui.core.products import WIRE_PRODUCTS
from sunspec_tui.core.times import format_block_time, parse_block_time

STALL_AFTER_FRAMES = 20
GAIN_LOSS_AFTER_FRAMES = 100
LOSS_AFTER_FRAMES = 40
"""Frames after which products and channels die: a receiver knows by then that they have lived."""

_LAST_PIPELINE = 31


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
    part_pipeline
        A pipeline, and the share of its power that is missing; None is none.
    dead_products
        Products that are 0, by number.
    zeros
        Share of channels that are 0, in other places in each frame.
    data_skew_s
        Added to the data's time.
    restart
        Frames after which the sequence begins anew, again and again; 0 is never.
    gain_loss_db, gain_loss_after
        By how much power falls, once and for good, and after how many frames.
    """

    gap: float = 0.0
    corrupt: float = 0.0
    stall_s: float = 0.0
    skew_s: float = 0.0
    nan_mhz: tuple[float, float] | None = None
    dead_pipeline: int | None = None
    part_pipeline: tuple[int, float] | None = None
    dead_products: tuple[int, ...] = ()
    zeros: float = 0.0
    data_skew_s: float = 0.0
    restart: int = 0
    gain_loss_db: float = 0.0
    gain_loss_after: int = GAIN_LOSS_AFTER_FRAMES

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


def _part(text: str) -> dict[str, tuple[int, float]]:
    """A pipeline and a share."""
    what = "a pipeline and a share, such as 7:0.2"
    number, _, share = text.partition(":")
    return {"part_pipeline": (_whole(number, _LAST_PIPELINE, what), _number(share, 0, 1, what))}


def _dead_products(text: str) -> dict[str, tuple[int, ...]]:
    """Numbers of a product, or of all."""
    names = [str(product) for product in WIRE_PRODUCTS]
    if text != "all" and text not in names:
        raise ValueError(f"all, or one of {', '.join(names)}")
    return {"dead_products": tuple(range(len(names))) if text == "all" else (names.index(text),)}


def _gain_loss(text: str) -> dict[str, float]:
    """Decibels, and after ``@`` the number of frames before the loss."""
    what = "decibels, and the frames before it if you like, such as 4@100"
    loss_db, at, frames = text.partition("@")
    after = _whole(frames, 10**9, what) if at else GAIN_LOSS_AFTER_FRAMES
    return {"gain_loss_db": _number(loss_db, -100, 100, what), "gain_loss_after": after}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "gap": _share("gap"),
    "corrupt": _share("corrupt"),
    "stall": lambda text: {"stall_s": _number(text, 0, 1e6, "seconds")},
    "skew": lambda text: {"skew_s": _number(text, -1e9, 1e9, "seconds")},
    "nan-band": lambda text: {"nan_mhz": _band(text)},
    "dead-pipeline": lambda text: {"dead_pipeline": _whole(text, _LAST_PIPELINE, "the number of a pipeline, 0 to 31")},
    "part-pipeline": _part,
    "dead-product": _dead_products,
    "zeros": _share("zeros"),
    "data-skew": lambda text: {"data_skew_s": _number(text, -1e9, 1e9, "seconds")},
    "restart": lambda text: {"restart": _whole(text, 10**9, "a number of frames")},
    "gain-loss": _gain_loss,
}


def _loses(plan: FaultPlan) -> bool:
    return plan.part_pipeline is not None or bool(plan.dead_products) or plan.zeros > 0


def _channels(pipeline: int) -> slice:
    return slice(pipeline * CHANNELS_PER_PIPELINE, (pipeline + 1) * CHANNELS_PER_PIPELINE)


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
        # Chance of its own, so that counts of other faults stay as they are.
        self._places = np.random.default_rng([seed, 6])
        self._mars = plan.nan_mhz is not None or plan.dead_pipeline is not None or _loses(plan)
        self._monotonic = monotonic
        self._made = self._unseen = 0
        self._sequence = self._seen_sequence = 0
        self._stalled_until_s: float | None = None
        self.counts = dict.fromkeys(("frames_received", "frames_missing", "frames_rejected", "restarts"), 0)
        self.rejected: Counter[RejectCause] = Counter()

    def __call__(self, header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
        """What is sent for a frame; nothing where it is left out."""
        header = self._skewed(self._restarted(header))
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

    def _skewed(self, header: dict[str, Any]) -> dict[str, Any]:
        """The header with clocks that go wrong."""
        skewed = header | {"timestamp": f"{float(header['timestamp']) + self._plan.skew_s:.6f}"}
        if self._plan.data_skew_s:
            end_s = parse_block_time(header["last_block_time"]) + self._plan.data_skew_s
            skewed["last_block_time"] = format_block_time(end_s)
        return skewed

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
        gain_lost = plan.gain_loss_db and self._made > plan.gain_loss_after
        if not gain_lost and not self._mars:
            return mean
        marred = mean * np.float32(10 ** (-plan.gain_loss_db / 10)) if gain_lost else mean.copy()
        if plan.nan_mhz is not None:
            mhz = (header.get("chan0", 0) + np.arange(mean.shape[1])) * CHANNEL_WIDTH_HZ / 1e6
            marred[:, (mhz >= plan.nan_mhz[0]) & (mhz <= plan.nan_mhz[1])] = np.nan
        if plan.dead_pipeline is not None:
            marred[:, _channels(plan.dead_pipeline)] = 0
        if self._made > LOSS_AFTER_FRAMES:
            self._lose(marred)
        return marred

    def _lose(self, marred: NDArray[np.float32]) -> None:
        """Take from a frame what was there before."""
        plan = self._plan
        if plan.part_pipeline is not None:
            marred[:, _channels(plan.part_pipeline[0])] *= np.float32(1 - plan.part_pipeline[1])
        if plan.zeros:
            marred[:, self._places.random(marred.shape[1]) < plan.zeros] = 0
        marred[..., [product for product in plan.dead_products if product < marred.shape[2]]] = 0

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
