"""Bursts of structures and drift hits.

Pieces of type II that follow each other are one burst with lanes, pieces of a continuum are one burst, and many grains
are one noise storm. A drift hit is a burst of its own unless a burst explains it.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.classify import DURATION_S_MHZ, Verdict, verdict
from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.joining import MAX_PAUSE_S, Piece, joined
from sunspec_tui.bursts.lanes import lanes_of
from sunspec_tui.bursts.measure import Measures, drift_of_delay, measures
from sunspec_tui.bursts.runs import Run
from sunspec_tui.core.bursts import Burst, BurstType

MIN_BINS = 3
"""Least number of bins of a structure that is measured."""

MIN_II_S = 90.0
"""Least length of a burst of type II."""

MAX_CONTINUUM_PAUSE_S = 30.0
"""Longest pause between pieces of one continuum."""

MIN_UNKNOWN_DB, MIN_UNKNOWN_RATIO = 3.0, 1.3
"""Least strength and ratio of the band's limits of a burst of unknown type; weaker ones are not reported."""

MIN_GRAINS, GRAIN_PAUSE_S, MAX_GRAIN_S, MAX_GRAIN_MHZ, MIN_GRAIN_MHZ = 15, 15.0, 5.0, 8.0, 50.0
"""Least number of grains of a noise storm, longest pause between them, and their size and lowest frequency."""

_ATTACHED_S = 5.0
_SLOW_S, _BEFORE_S = 5.0, 5.0
_LANE_RATIO = 2.3
_MAX_GRAIN_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Event:
    """What was found at one place of the picture.

    Attributes
    ----------
    runs
        Its runs; empty for a drift hit.
    burst
        Its numbers; the name is empty.
    """

    runs: tuple[Run, ...]
    burst: Burst


class EventMaker:
    """Makes bursts of structures.

    Parameters
    ----------
    frequencies_mhz
        Centres of all bins.
    cell_s
        Length of a cell.
    source
        Address of the stream, or name of the file.
    """

    def __init__(self, frequencies_mhz: NDArray[np.float64], cell_s: float, source: str) -> None:
        self._frequencies_mhz, self._cell_s, self._source = frequencies_mhz, cell_s, source
        # Pieces of the last call and of this one: most of them are the same.
        self._before: dict[tuple[Run, ...], Piece] = {}
        self._known: dict[tuple[Run, ...], Piece] = {}
        self._slow_before: dict[tuple[tuple[Run, ...], ...], Event] = {}
        self._slow: dict[tuple[tuple[Run, ...], ...], Event] = {}
        self._mhz = frequencies_mhz.tolist()

    def measure_new(self, structures: Iterable[tuple[Run, ...]]) -> Iterator[int]:
        """Measure the structures that are not known yet, one by one.

        `events` is quick after it. The numbers of runs that were measured are yielded.
        """
        for runs in structures:
            if is_large(runs) and runs not in self._known:
                self._piece(runs)
                yield len(runs)

    def events(self, structures: Iterable[tuple[Run, ...]], hits: Iterable[DriftHit]) -> list[Event]:
        """Return the bursts of structures and hits, the earliest first."""
        structures = list(structures)
        self._before, self._known = self._known, {}
        self._slow_before, self._slow = self._slow, {}
        pieces = joined([self._piece(runs) for runs in structures if is_large(runs)], self._piece)
        events = self._slow_bursts(pieces, BurstType.II) + self._slow_bursts(pieces, BurstType.CONTINUUM)
        taken = {run for event in events for run in event.runs}
        events += [self._event(piece) for piece in pieces if is_reported(piece) and piece.runs[0] not in taken]
        taken |= {run for event in events for run in event.runs}
        events += self._storms(runs for runs in structures if runs[0] not in taken)
        events += self._faint_bursts(hits, events)
        return sorted(events, key=lambda event: (event.burst.begin_s, event.burst.low_mhz))

    def _piece(self, runs: tuple[Run, ...]) -> Piece:
        """Measure runs; what was measured before is kept."""
        known = self._known.get(runs) or self._before.get(runs)
        if known is None:
            found = measures(runs, self._frequencies_mhz, self._cell_s)
            known = Piece(runs, found, verdict(found, self._cell_s))
        self._known[runs] = known
        return known

    def _event(self, piece: Piece) -> Event:
        """Return a piece as a burst of its own."""
        return Event(piece.runs, self._burst(piece.runs, piece.measures, piece.verdict))

    def _burst(self, runs: Sequence[Run], found: Measures, decided: Verdict) -> Burst:
        # Interference begins everywhere at once: its drift is without meaning.
        has_drift = decided.type is not BurstType.INTERFERENCE
        return Burst(
            "",
            found.begin_s,
            found.peak_s,
            found.end_s,
            found.low_mhz,
            found.high_mhz,
            decided.type,
            round(decided.confidence, 2),
            found.peak_db,
            found.drift_mhz_s if has_drift else math.nan,
            found.drift_error_mhz_s if has_drift else math.nan,
            half_power_s=found.half_power_s,
            circular=found.circular,
            is_saturated=found.is_saturated,
            is_open=any(run.is_open for run in runs),
            reason=decided.reason,
            source=self._source,
        )

    # Slow bursts

    def _slow_bursts(self, pieces: Sequence[Piece], kind: BurstType) -> list[Event]:
        """Return the bursts of type II or IV."""
        events = []
        pause_s = MAX_PAUSE_S if kind is BurstType.II else MAX_CONTINUUM_PAUSE_S
        for group in followers([piece for piece in pieces if piece.verdict.type is kind], pause_s):
            begin_s, end_s = group[0].measures.begin_s, max(piece.measures.end_s for piece in group)
            if kind is BurstType.II:
                group += [piece for piece in pieces if belongs_to(piece, group)]
                if end_s - begin_s < MIN_II_S:
                    continue
            events.append(self._slow_burst(group))
        return events

    def _slow_burst(self, group: Sequence[Piece]) -> Event:
        """Return one burst of several pieces; what was known before is kept."""
        key = tuple(piece.runs for piece in group)
        known = self._slow.get(key) or self._slow_before.get(key)
        self._slow[key] = known or self._new_slow_burst(group)
        return self._slow[key]

    def _new_slow_burst(self, group: Sequence[Piece]) -> Event:
        """Return one burst of several pieces.

        The most certain piece gives its type and drift.
        """
        runs = tuple(run for piece in group for run in piece.runs)
        best = max(group, key=lambda piece: (piece.verdict.type is not BurstType.UNKNOWN, piece.verdict.confidence))
        burst = self._burst(runs, self._piece(runs).measures, best.verdict)
        lanes, ratio = lanes_of([piece.runs for piece in group], self._frequencies_mhz)
        burst = replace(
            burst,
            begin_s=min(piece.measures.begin_s for piece in group),
            drift_mhz_s=best.measures.drift_mhz_s,
            drift_error_mhz_s=best.measures.drift_error_mhz_s,
            lanes=lanes,
            lane_ratio=ratio,
        )
        return Event(runs, burst)

    # Noise storms

    def _storms(self, structures: Iterable[tuple[Run, ...]]) -> list[Event]:
        """Return the noise storms: many grains in many bins."""
        grains = sorted((runs for runs in structures if self._is_grain(runs)), key=lambda runs: runs[0].begin)
        events, group, end = [], list[tuple[Run, ...]](), 0.0
        for runs in [*grains, ()]:
            if group and (not runs or runs[0].begin * self._cell_s > end + GRAIN_PAUSE_S):
                events += self._storm(group)
                group = []
            if runs:
                end = max(runs[0].end * self._cell_s, end if group else 0.0)
                group.append(runs)
        return events

    def _is_grain(self, runs: tuple[Run, ...]) -> bool:
        begin, end = min(run.begin for run in runs), max(run.end for run in runs)
        low_mhz, high_mhz = self._mhz[min(run.bin for run in runs)], self._mhz[max(run.bin for run in runs)]
        is_short = (end - begin) * self._cell_s <= MAX_GRAIN_S
        return bool(is_short and low_mhz >= MIN_GRAIN_MHZ and high_mhz - low_mhz <= MAX_GRAIN_MHZ)

    def _storm(self, grains: Sequence[tuple[Run, ...]]) -> list[Event]:
        """Return the storm of some grains, if it is one."""
        bins = np.array([runs[0].bin for runs in grains])
        if len(grains) < MIN_GRAINS or np.bincount(bins).max() > _MAX_GRAIN_SHARE * len(grains):
            return []
        runs = tuple(run for grain in grains for run in grain)
        found = measures(runs, self._frequencies_mhz, self._cell_s)
        minutes = max(found.end_s - found.begin_s, 1.0) / 60
        reason = f"{len(grains)} grains, {len(grains) / minutes:.0f} a minute"
        burst = self._burst(runs, found, Verdict(BurstType.STORM, 0.4, reason))
        unknown = float("nan")
        return [Event(runs, replace(burst, drift_mhz_s=unknown, drift_error_mhz_s=unknown))]

    # Drift hits

    def _faint_bursts(self, hits: Iterable[DriftHit], events: Sequence[Event]) -> list[Event]:
        """Return the bursts of drift hits that no other burst explains."""
        faint = [self._faint(hit) for hit in hits]
        # Interference does not line up on the track of an exciter.
        bursts = [event.burst for event in events if event.burst.is_solar]
        return [Event((), burst) for burst in faint if not any(explains(other, burst) for other in bursts)]

    def _faint(self, hit: DriftHit) -> Burst:
        """Return a drift hit as a burst of type III."""
        low_mhz, high_mhz = (float(self._frequencies_mhz[number]) for number in (hit.low_bin, hit.high_bin))
        drift = drift_of_delay(1 / hit.speed, (low_mhz + high_mhz) / 2)
        begin_s, end_s = hit.begin * self._cell_s, hit.end * self._cell_s + DURATION_S_MHZ / low_mhz
        excess = hit.sum - hit.undrifted
        reason = f"lines up on the track of {hit.speed:g} c: sum {hit.sum:.0f}, without drift {hit.undrifted:.0f}"
        sure = round(min(0.9, 0.5 + 0.04 * excess), 2)
        middle_s = (hit.begin + hit.end) / 2 * self._cell_s
        return Burst(
            "",
            begin_s,
            middle_s,
            end_s,
            low_mhz,
            high_mhz,
            BurstType.III,
            sure,
            hit.mean_db,
            drift,
            # The speeds of the tracks are a third apart.
            abs(drift) / 6,
            reason=reason,
            source=self._source,
        )


def is_large(runs: Sequence[Run]) -> bool:
    """Return True if a structure has enough bins to be measured."""
    return len(runs) >= MIN_BINS and len({run.bin for run in runs}) >= MIN_BINS


def is_reported(piece: Piece) -> bool:
    """Return True if a piece is a burst of its own."""
    kind, found = piece.verdict.type, piece.measures
    if kind is BurstType.UNKNOWN:
        return found.peak_db >= MIN_UNKNOWN_DB and found.ratio >= MIN_UNKNOWN_RATIO
    return kind in (BurstType.III, BurstType.GROUP, BurstType.INTERFERENCE)


def followers(pieces: Sequence[Piece], pause_s: float = MAX_PAUSE_S) -> list[list[Piece]]:
    """Return groups of pieces that follow each other without a long pause."""
    groups: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.measures.begin_s):
        last_s = max((each.measures.end_s for each in groups[-1]), default=0.0) if groups else float("-inf")
        if piece.measures.begin_s <= last_s + pause_s:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return groups


def belongs_to(piece: Piece, group: Sequence[Piece]) -> bool:
    """Return True if a slow piece may be a type II lane."""
    found = piece.measures
    if piece.verdict.type is not BurstType.UNKNOWN or found.run_s < _SLOW_S:
        return False
    is_later = found.begin_s >= group[0].measures.begin_s - _BEFORE_S
    return is_later and any(_is_near(found, each.measures) for each in group)


def _is_near(found: Measures, lane: Measures) -> bool:
    is_in_time = found.begin_s <= lane.end_s + MAX_PAUSE_S and found.end_s >= lane.begin_s - MAX_PAUSE_S
    return is_in_time and lane.low_mhz / _LANE_RATIO <= found.middle_mhz <= lane.high_mhz * _LANE_RATIO


def explains(burst: Burst, faint: Burst) -> bool:
    """Return True if a burst lies where a drift hit was found."""
    is_in_time = burst.begin_s - _ATTACHED_S <= faint.end_s and faint.begin_s <= burst.end_s + _ATTACHED_S
    return is_in_time and burst.low_mhz <= faint.high_mhz and faint.low_mhz <= burst.high_mhz
