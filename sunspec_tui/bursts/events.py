"""Bursts of structures and drift hits.

Pieces of type II that follow each other are one burst with lanes, pieces of a continuum are one burst, and many grains
are one noise storm. A drift hit is a burst of its own unless a burst explains it.
"""

import math
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sunspec_tui.bursts.begins import begin_without, early_runs
from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.classify import (
    IONOSPHERE_MHZ,
    LONGEST_GROUP_S,
    MAX_UNKNOWN_SHARE,
    Verdict,
    may_be_gain_drift,
    sounder_words,
    verdict,
)
from sunspec_tui.bursts.drift_sums import DriftHit
from sunspec_tui.bursts.faint_bursts import explains, faint_burst
from sunspec_tui.bursts.joining import (
    CONTINUA,
    FAST_BURSTS,
    MAX_PAUSE_S,
    Piece,
    is_continuum,
    is_fast,
    joined,
    may_be_continuum,
)
from sunspec_tui.bursts.kept import Kept
from sunspec_tui.bursts.lanes import lane_ratio, lanes_of
from sunspec_tui.bursts.measure import Measures, height_light_s, measures
from sunspec_tui.bursts.noise_storms import storms
from sunspec_tui.bursts.runs import Run
from sunspec_tui.bursts.slow_bursts import SlowGroup, begin_of, lane_verdict, slow_groups
from sunspec_tui.bursts.sounders import SounderCutter
from sunspec_tui.bursts.stepping import Work
from sunspec_tui.bursts.strokes import cut_at_pause
from sunspec_tui.bursts.sweeps import Sweep
from sunspec_tui.core.bursts import Burst, BurstType

MIN_BINS = 3
"""Least number of bins of a structure that is measured."""

MAX_CONTINUUM_PAUSE_S = 30.0
"""Longest pause between pieces of one continuum."""

MIN_UNKNOWN_DB, MIN_UNKNOWN_RATIO = 3.0, 1.3
"""Least strength and ratio of the band's limits of a burst of unknown type; weaker ones are not reported."""

FAST = (BurstType.III, BurstType.GROUP)

# Times to measure a structure and each of its runs, to look for a pause, and to compare a lane with others.
_MEASURE_US, _MEASURE_RUN_US, _CUT_US, _LANE_US = 500.0, 2.0, 50.0, 100.0
# Time to compare a piece or a lane with one type of burst.
_GROUP_US = 100.0


@dataclass(frozen=True, slots=True)
class Event:
    """What was found at one place of the picture.

    Attributes
    ----------
    runs
        Its runs; empty for a drift hit.
    burst
        Its numbers; the name is empty.
    sweeps
        The lanes of a type II, or the sweep of an ionosonde.
    hit
        The drift hit of a faint burst; None for other bursts.
    """

    runs: tuple[Run, ...]
    burst: Burst
    sweeps: tuple[Sweep, ...] = ()
    hit: DriftHit | None = None


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

    Attributes
    ----------
    work
        Work since the last pause.
    """

    def __init__(self, frequencies_mhz: NDArray[np.float64], cell_s: float, source: str) -> None:
        self._frequencies_mhz, self._cell_s, self._source = frequencies_mhz, cell_s, source
        self._block_s = CELLS_PER_BLOCK * cell_s
        self._pieces: Kept[tuple[Run, ...], Piece] = Kept()
        self._begins: Kept[tuple[Run, ...], float] = Kept()
        self._slow: Kept[tuple[object, ...], Event] = Kept()
        self.work = Work()
        self._mhz, self._heights = frequencies_mhz.tolist(), height_light_s(frequencies_mhz)
        self._cutter = SounderCutter(len(self._mhz), self._block_s)

    def events(
        self, structures: Iterable[tuple[Run, ...]], hits: Iterable[DriftHit], sweeps: Sequence[Sweep] = ()
    ) -> Generator[None, None, list[Event]]:
        """Find the bursts of structures, hits and sweeps, the earliest first.

        It is done in steps: a large burst takes many milliseconds.
        """
        self._pieces.begin_update()
        self._slow.begin_update()
        self._begins.begin_update()
        structures, sounders = yield from self._cutter.cut(list(structures), sweeps, self.work)
        parts = list[Piece]()
        for runs in filter(is_large, structures):
            yield from self.work.pauses()
            parts += self._strokes(self._piece(runs))
            self.work.add(_CUT_US)
        pieces = yield from joined(parts, self._piece, self.work, FAST_BURSTS)
        self.work.add(_GROUP_US * (len(pieces) + len(sweeps)))
        yield from self.work.pauses()
        events = list[Event]()
        for group in slow_groups(sweeps, pieces, len(self._mhz), self._cell_s):
            yield from self.work.pauses()
            events.append((yield from self._shock(group)))
        taken = {run for event in events for run in event.runs}
        long = [piece for piece in pieces if may_be_continuum(piece) and piece.runs[0] not in taken]
        whole = yield from joined(long, self._piece, self.work, CONTINUA)
        for pieces_of_one in followers([piece for piece in whole if is_continuum(piece)], MAX_CONTINUUM_PAUSE_S):
            yield from self.work.pauses()
            events.append((yield from self._slow_burst(pieces_of_one)))
        self.work.add(_GROUP_US * len(pieces))
        yield from self.work.pauses()
        return self._with_others(events, pieces, structures, sounders, hits)

    def _with_others(
        self,
        events: list[Event],
        pieces: Sequence[Piece],
        structures: Iterable[tuple[Run, ...]],
        sounders: Iterable[tuple[tuple[Run, ...], Sweep]],
        hits: Iterable[DriftHit],
    ) -> list[Event]:
        """Return slow bursts with all others, the earliest first."""
        events += [self._sounder(runs, sweep) for runs, sweep in sounders if is_large(runs)]
        taken = {run for event in events for run in event.runs}
        events += [self._event(piece) for piece in pieces if is_reported(piece) and piece.runs[0] not in taken]
        taken |= {run for event in events for run in event.runs}
        grains = (runs for runs in structures if runs[0] not in taken)
        events += [self._storm(group) for group in storms(grains, self._mhz, self._cell_s)]
        events += self._faint_bursts(hits, events)
        return sorted(events, key=lambda event: (event.burst.begin_s, event.burst.low_mhz))

    def _piece(self, runs: tuple[Run, ...]) -> Piece:
        """Return runs with their numbers and type."""
        return self._pieces.get_or_make(runs, lambda: self._new_piece(runs))

    def _new_piece(self, runs: tuple[Run, ...]) -> Piece:
        found = measures(runs, self._frequencies_mhz, self._cell_s)
        self.work.add(_MEASURE_US + _MEASURE_RUN_US * len(runs))
        return Piece(runs, found, self._verdict(found))

    def _verdict(self, found: Measures) -> Verdict:
        """Return the type of a structure."""
        return verdict(found, self._cell_s, self._mhz[-1] / self._mhz[0])

    def _strokes(self, piece: Piece) -> list[Piece]:
        """Return the parts of a piece, if one is a fast burst."""
        if piece.verdict.type is not BurstType.UNKNOWN or piece.measures.run_s > LONGEST_GROUP_S:
            return [piece]
        parts = cut_at_pause(piece.runs, piece.measures.peak_db, self._cell_s)
        if len(parts) == 1:
            return [piece]
        found = [stroke for part in parts for stroke in self._strokes(self._piece(part))]
        return found if any(is_fast(stroke) for stroke in found) else [piece]

    def _begin_s(self, piece: Piece) -> float:
        """Return the begin of a fast burst.

        Runs that precede its track count if they are a fast burst themselves.
        """
        return self._begins.get_or_make(piece.runs, lambda: self._new_begin_s(piece))

    def _new_begin_s(self, piece: Piece) -> float:
        runs, found = piece.runs, piece.measures
        is_group = piece.verdict.type is BurstType.GROUP
        early = early_runs(runs, found, self._heights, self._cell_s, is_group=is_group)
        if not early:
            return found.begin_s
        alone = self._verdict(measures(early, self._frequencies_mhz, self._cell_s))
        return found.begin_s if alone.type in FAST else begin_without(runs, early, found, self._cell_s)

    def _event(self, piece: Piece) -> Event:
        """Return a piece as a burst of its own."""
        burst = self._burst(piece.runs, piece.measures, piece.verdict)
        return Event(piece.runs, replace(burst, begin_s=self._begin_s(piece)) if piece.verdict.type in FAST else burst)

    def _burst(self, runs: Sequence[Run], found: Measures, decided: Verdict) -> Burst:
        # Most interference begins everywhere at once, so its drift has no meaning. `_new_sounder` adds its own.
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

    def _shock(self, group: SlowGroup) -> Generator[None, None, Event]:
        """Return a burst of type II."""
        key = (group.lanes, tuple(piece.runs for piece in group.pieces))
        known = self._slow.get(key)
        return self._slow.put(key, (yield from self._new_shock(group))) if known is None else known

    def _new_shock(self, group: SlowGroup) -> Generator[None, None, Event]:
        """Return a burst of type II of lanes and pieces."""
        event = (yield from self._slow_burst(group.pieces)) if group.pieces else self._lanes_alone(group.lanes)
        burst = replace(event.burst, begin_s=begin_of(group, self._cell_s))
        if group.lanes:
            burst = replace(burst, **self._numbers_of_lanes(group.lanes, burst))
        return Event(event.runs, burst, group.lanes)

    def _numbers_of_lanes(self, lanes: Sequence[Sweep], burst: Burst) -> dict[str, Any]:
        """Return the numbers of a burst that its lanes decide."""
        best = max(lanes, key=lambda lane: sum(place.over_db for place in lane.places))
        drift, error = best.drift_mhz_s(self._block_s, (burst.low_mhz + burst.high_mhz) / 2)
        decided = lane_verdict(best, self._block_s)
        lane_count, ratio = lane_ratio(lanes)
        return {
            "end_s": max(burst.end_s, *(lane.end * self._cell_s for lane in lanes)),
            "type": decided.type,
            "confidence": round(max(decided.confidence, burst.confidence if burst.type is BurstType.II else 0.0), 2),
            "reason": decided.reason,
            "drift_mhz_s": drift,
            "drift_error_mhz_s": error,
            "lanes": max(lane_count, burst.lanes),
            "lane_ratio": ratio if lane_count > 1 else burst.lane_ratio,
            "is_open": burst.is_open or any(lane.is_open for lane in lanes),
        }

    def _lanes_alone(self, lanes: Sequence[Sweep]) -> Event:
        """Return lanes without pieces, such as those on a continuum."""
        peak = max((lane.peak for lane in lanes), key=lambda place: place.peak_db)
        return Event(
            (),
            Burst(
                "",
                min(lane.begin for lane in lanes) * self._cell_s,
                (peak.block + 0.5) * self._block_s,
                max(lane.end for lane in lanes) * self._cell_s,
                self._mhz[min(place.low_bin for lane in lanes for place in lane.places)],
                self._mhz[max(place.high_bin for lane in lanes for place in lane.places)],
                BurstType.II,
                peak_db=peak.peak_db,
                source=self._source,
            ),
        )

    def _slow_burst(self, group: Sequence[Piece]) -> Generator[None, None, Event]:
        """Return one burst of several pieces."""
        key = tuple(piece.runs for piece in group)
        known = self._slow.get(key)
        return self._slow.put(key, (yield from self._new_slow_burst(group))) if known is None else known

    def _new_slow_burst(self, group: Sequence[Piece]) -> Generator[None, None, Event]:
        """Return one burst of several pieces.

        The most certain piece gives its type and drift.
        """
        runs = tuple(run for piece in group for run in piece.runs)
        best = max(group, key=lambda piece: (piece.verdict.type is not BurstType.UNKNOWN, piece.verdict.confidence))
        burst = self._burst(runs, self._piece(runs).measures, best.verdict)
        yield from self.work.pauses()
        self.work.add(_LANE_US * len(group))
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

    # Ionosondes

    def _sounder(self, runs: tuple[Run, ...], sweep: Sweep) -> Event:
        """Return the sweep of an ionosonde."""
        return self._slow.get_or_make((runs, sweep), lambda: self._new_sounder(runs, sweep))

    def _new_sounder(self, runs: tuple[Run, ...], sweep: Sweep) -> Event:
        drift, error = sweep.drift_mhz_s(self._block_s, (sweep.low_mhz + sweep.high_mhz) / 2)
        decided = Verdict(BurstType.INTERFERENCE, 0.9, sounder_words(drift))
        burst = self._burst(runs, self._piece(runs).measures, decided)
        return Event(runs, replace(burst, drift_mhz_s=drift, drift_error_mhz_s=error), (sweep,))

    # Noise storms and faint bursts

    def _storm(self, grains: Sequence[tuple[Run, ...]]) -> Event:
        """Return the storm of some grains."""
        runs = tuple(run for grain in grains for run in grain)
        found = measures(runs, self._frequencies_mhz, self._cell_s)
        minutes = max(found.end_s - found.begin_s, 1.0) / 60
        reason = f"{len(grains)} grains, {len(grains) / minutes:.0f} a minute"
        burst = self._burst(runs, found, Verdict(BurstType.STORM, 0.4, reason))
        return Event(runs, replace(burst, drift_mhz_s=math.nan, drift_error_mhz_s=math.nan))

    def explained(self, hits: Iterable[DriftHit], burst: Burst) -> list[DriftHit]:
        """Return the hits that a burst explains."""
        return [hit for hit in hits if explains(burst, self._faint_burst(hit))] if burst.is_solar else []

    def _faint_burst(self, hit: DriftHit) -> Burst:
        return faint_burst(hit, self._mhz, self._cell_s, self._source)

    def _faint_bursts(self, hits: Iterable[DriftHit], events: Sequence[Event]) -> list[Event]:
        """Return the bursts of drift hits that no other burst explains."""
        faint = [(hit, self._faint_burst(hit)) for hit in hits]
        # Interference does not line up on the track of an exciter.
        bursts = [event.burst for event in events if event.burst.is_solar]
        return [
            Event((), burst, hit=hit) for hit, burst in faint if not any(explains(other, burst) for other in bursts)
        ]


def is_large(runs: Sequence[Run]) -> bool:
    """Return True if a structure has enough bins to be measured."""
    return len(runs) >= MIN_BINS and len({run.bin for run in runs}) >= MIN_BINS


def is_reported(piece: Piece) -> bool:
    """Return True if a piece is a burst of its own."""
    kind, found = piece.verdict.type, piece.measures
    if kind is BurstType.UNKNOWN:
        is_large_enough = found.peak_db >= MIN_UNKNOWN_DB and found.ratio >= MIN_UNKNOWN_RATIO
        has_sure_times = found.unknown_begin_share <= MAX_UNKNOWN_SHARE and not may_be_gain_drift(found)
        return is_large_enough and found.high_mhz > IONOSPHERE_MHZ and has_sure_times
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
