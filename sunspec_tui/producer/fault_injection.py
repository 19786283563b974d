"""Inject faults into a stream on demand, and count them.

At its end, a producer with faults reports what a receiver must have counted. A frame that was left out counts only
after a later frame of the same sequence was sent, because a receiver cannot notice the loss before. State and
arithmetic; the clock is an argument.
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
"""Frames after which products and channels die; until then a receiver has noticed that they carry a signal."""

_LAST_PIPELINE = 31


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Faults to be injected.

    Attributes
    ----------
    gap, corrupt
        Share of frames that are left out, and that are corrupt, each from 0 to 1.
    stall_s
        Length of one stall after the first frames, in seconds; 0 for no stall.
    skew_s
        Seconds added to ``timestamp``; a positive value simulates a sender's clock that is ahead.
    nan_mhz
        Frequency band in MHz that is NaN; None for no band.
    dead_pipeline
        Pipeline of 96 channels that is 0; None for no pipeline.
    part_pipeline
        Pipeline, and the share of its power that is missing; None for no pipeline.
    dead_products
        Numbers of the products that are 0.
    zeros
        Share of channels that are 0, at other positions in each frame.
    data_skew_s
        Seconds added to the data's time.
    restart
        Number of frames after which the sequence is restarted, repeatedly; 0 for never.
    gain_loss_db, gain_loss_after
        Permanent loss of power in dB, and the number of frames before it.
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
        """Parse a plan from text such as ``gap=0.02,stall=30,nan-band=55:59``.

        Raises
        ------
        UsageError
            If a fault is unknown or its value is invalid.
        """
        plan = cls()
        for item in filter(None, text.split(",")):
            name, _, value = item.partition("=")
            if name not in _PARSERS:
                raise UsageError(f"--fault has no {name!r}, choose from {', '.join(_PARSERS)}, each with =VALUE")
            try:
                plan = replace(plan, **_PARSERS[name](value))
            except ValueError as error:
                raise UsageError(f"--fault {name} is {value!r}, it must be {error}") from error
        return plan


def _share(name: str) -> Callable[[str], dict[str, float]]:
    return lambda text: {name: _number(text, 0, 1, "a share from 0 to 1")}


def _number(text: str, minimum: float, maximum: float, expected: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise ValueError(expected) from error
    if not minimum <= value <= maximum:
        raise ValueError(expected)
    return value


def _whole(text: str, maximum: int, expected: str) -> int:
    if not text.isdecimal() or int(text) > maximum:
        raise ValueError(expected)
    return int(text)


def _band(text: str) -> tuple[float, float]:
    expected = "two frequencies in MHz, such as 55:59"
    low, _, high = text.partition(":")
    band = _number(low, 0, 1e3, expected), _number(high, 0, 1e3, expected)
    if band[0] >= band[1]:
        raise ValueError(expected)
    return band


def _part(text: str) -> dict[str, tuple[int, float]]:
    """Parse a pipeline and a share."""
    expected = "a pipeline and a share, such as 7:0.2"
    number, _, share = text.partition(":")
    return {"part_pipeline": (_whole(number, _LAST_PIPELINE, expected), _number(share, 0, 1, expected))}


def _dead_products(text: str) -> dict[str, tuple[int, ...]]:
    """Parse a product's name, or ``all``, to numbers of products."""
    names = [str(product) for product in WIRE_PRODUCTS]
    if text != "all" and text not in names:
        raise ValueError(f"all, or one of {', '.join(names)}")
    return {"dead_products": tuple(range(len(names))) if text == "all" else (names.index(text),)}


def _gain_loss(text: str) -> dict[str, float]:
    """Parse decibels, and after ``@`` the number of frames before the loss."""
    expected = "decibels, and the frames before it if you like, such as 4@100"
    loss_db, at, frames = text.partition("@")
    after = _whole(frames, 10**9, expected) if at else GAIN_LOSS_AFTER_FRAMES
    return {"gain_loss_db": _number(loss_db, -100, 100, expected), "gain_loss_after": after}


_PARSERS: dict[str, Callable[[str], dict[str, Any]]] = {
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


def _has_losses(plan: FaultPlan) -> bool:
    return plan.part_pipeline is not None or bool(plan.dead_products) or plan.zeros > 0


def _channels(pipeline: int) -> slice:
    return slice(pipeline * CHANNELS_PER_PIPELINE, (pipeline + 1) * CHANNELS_PER_PIPELINE)


class FaultInjector:
    """Encoder of frames that adds faults to those of another encoder.

    Parameters
    ----------
    plan
        Faults to be injected.
    encode
        Encoder of the frames.
    seed
        Seed of the random numbers.
    monotonic
        Monotonic clock.

    Attributes
    ----------
    counts
        Counts that a receiver of all messages must have: ``frames_received``, ``frames_missing``,
        ``frames_rejected``, ``restarts``.
    rejected
        Count by `RejectCause`.
    """

    def __init__(
        self, plan: FaultPlan, encode: Encode, seed: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._plan, self._encode = plan, encode
        self._random = np.random.default_rng([seed, 5])
        # A separate generator, so that this fault does not change the counts of other faults.
        self._channel_random = np.random.default_rng([seed, 6])
        self._changes_data = plan.nan_mhz is not None or plan.dead_pipeline is not None or _has_losses(plan)
        self._monotonic = monotonic
        self._frames = self._left_out = 0
        self._sequence = self._sent_sequence = 0
        self._stalled_until_s: float | None = None
        self.counts = dict.fromkeys(("frames_received", "frames_missing", "frames_rejected", "restarts"), 0)
        self.rejected: Counter[RejectCause] = Counter()

    def __call__(self, header: dict[str, Any], mean: NDArray[np.float32]) -> Iterable[Message]:
        """Return the messages for a frame; none if it is left out."""
        header = self._skew_clocks(self._restart_sequence(header))
        self._frames += 1
        # Each frame takes the same number of random values, so that one fault does not change another.
        left_out, corrupt = self._random.random(2) < (self._plan.gap, self._plan.corrupt)
        if self._is_stalled() or left_out:
            self._left_out += 1
            return ()
        messages = list(self._encode(header, self._change_data(header, mean)))
        return list(self._corrupt(messages)) if corrupt else self._count_sent(messages)

    def report(self) -> dict[str, Any]:
        """Return all counts as JSON values."""
        return self.counts | {"rejected": {str(cause): count for cause, count in sorted(self.rejected.items())}}

    def _count_sent(self, messages: list[Message]) -> list[Message]:
        # A receiver cannot count missing frames before the first frame or across a restart.
        if self._sequence != self._sent_sequence:
            self.counts["restarts"] += self.counts["frames_received"] > 0
        elif self.counts["frames_received"]:
            self.counts["frames_missing"] += self._left_out
        self._left_out, self._sent_sequence = 0, self._sequence
        self.counts["frames_received"] += len(messages)
        return messages

    def _skew_clocks(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return the header with wrong clocks."""
        skewed = header | {"timestamp": f"{float(header['timestamp']) + self._plan.skew_s:.6f}"}
        if self._plan.data_skew_s:
            end_s = parse_block_time(header["last_block_time"]) + self._plan.data_skew_s
            skewed["last_block_time"] = format_block_time(end_s)
        return skewed

    def _restart_sequence(self, header: dict[str, Any]) -> dict[str, Any]:
        """Return the header with the current sequence's tag and frame number."""
        every = self._plan.restart
        self._sequence = header["seq"] // every if every else 0
        first = self._sequence * every
        return header | {"seq": header["seq"] - first, "time_tag": header["time_tag"] + self._sequence * CLOCK_HZ}

    def _is_stalled(self) -> bool:
        """Return True during the stall, while no frame is sent."""
        if not self._plan.stall_s or self._frames <= STALL_AFTER_FRAMES:
            return False
        now_s = self._monotonic()
        if self._stalled_until_s is None:
            self._stalled_until_s = now_s + self._plan.stall_s
        return now_s < self._stalled_until_s

    def _change_data(self, header: dict[str, Any], mean: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the data with the planned faults of the instrument."""
        plan = self._plan
        gain_lost = plan.gain_loss_db and self._frames > plan.gain_loss_after
        if not gain_lost and not self._changes_data:
            return mean
        changed = mean * np.float32(10 ** (-plan.gain_loss_db / 10)) if gain_lost else mean.copy()
        if plan.nan_mhz is not None:
            mhz = (header.get("chan0", 0) + np.arange(mean.shape[1])) * CHANNEL_WIDTH_HZ / 1e6
            changed[:, (mhz >= plan.nan_mhz[0]) & (mhz <= plan.nan_mhz[1])] = np.nan
        if plan.dead_pipeline is not None:
            changed[:, _channels(plan.dead_pipeline)] = 0
        if self._frames > LOSS_AFTER_FRAMES:
            self._apply_losses(changed)
        return changed

    def _apply_losses(self, changed: NDArray[np.float32]) -> None:
        """Remove power, channels and products from a frame, in place."""
        plan = self._plan
        if plan.part_pipeline is not None:
            changed[:, _channels(plan.part_pipeline[0])] *= np.float32(1 - plan.part_pipeline[1])
        if plan.zeros:
            changed[:, self._channel_random.random(changed.shape[1]) < plan.zeros] = 0
        changed[..., [product for product in plan.dead_products if product < changed.shape[2]]] = 0

    def _corrupt(self, messages: list[Message]) -> Iterator[Message]:
        """Make messages invalid, each in one of several ways."""
        for topic, header, payload in messages:
            cause, corrupt = (
                (RejectCause.HEADER_JSON, [topic, header[:-1], payload]),
                (RejectCause.PAYLOAD_LENGTH, [topic, header, payload[:-1]]),
                (RejectCause.TOPIC, [b"date", header, payload]),
                (RejectCause.PARTS, [topic, header]),
            )[int(self._random.integers(4))]
            self.counts["frames_rejected"] += 1
            self.rejected[cause] += 1
            yield corrupt
