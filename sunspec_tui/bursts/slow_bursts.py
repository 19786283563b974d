"""Gather lanes and slow pieces to bursts of type II.

A burst of type II has lanes, which are sweeps of ridges, and pieces, which are structures of runs. Lanes tell its drift
and its begin, also on a continuum; pieces tell its strength and its band.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sunspec_tui.bursts.begins import half_begin
from sunspec_tui.bursts.cells import CELLS_PER_BLOCK
from sunspec_tui.bursts.classify import MIN_CONTINUUM_S, MIN_DESCENT, MIN_TRACK_S, Verdict, drifts_as_shock
from sunspec_tui.bursts.joining import MAX_PAUSE_S, Piece
from sunspec_tui.bursts.measure import LIGHT_KM_S, STRONG_SHARE
from sunspec_tui.bursts.ridge_cover import Cover
from sunspec_tui.bursts.run_columns import median
from sunspec_tui.bursts.runs import ONSET_SHARE
from sunspec_tui.bursts.sweeps import Sweep
from sunspec_tui.core.bursts import BurstType

MIN_II_S = 90.0
"""Least length of a burst of type II."""

MIN_SURE_DESCENT = 0.05
"""Least share by which the frequency of a lane falls that is surely one: the width in which a ridge is the highest."""

MIN_DEPTH = 1 / 3
"""Least height of a lane over its neighbours, as a share of that over the background: lower ones are the top of
a continuum that wanders."""

MIN_ON_LANES = 1 / 3
"""Least share of a slow piece that lies on lanes, so that it belongs to them."""

_SLOW_S, _BEFORE_S = 5.0, 5.0
_LANE_RATIO = 2.3
_CLAIMED = (BurstType.UNKNOWN, BurstType.CONTINUUM, BurstType.II)


@dataclass(frozen=True, slots=True)
class SlowGroup:
    """Lanes and pieces of one burst; one may be empty."""

    lanes: tuple[Sweep, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """A lane or a piece, with its time and band."""

    begin_s: float
    end_s: float
    low_mhz: float
    high_mhz: float
    is_sure: bool
    source: Sweep | Piece

    def is_near(self, other: "_Part") -> bool:
        """Return True if two parts may be of one burst."""
        pause_s = max(self.begin_s, other.begin_s) - min(self.end_s, other.end_s)
        ratio = max(self.low_mhz, other.low_mhz) / min(self.high_mhz, other.high_mhz)
        return pause_s <= MAX_PAUSE_S and ratio <= _LANE_RATIO


def is_lane(sweep: Sweep) -> bool:
    """Return True if a sweep moves down and stands out."""
    depths = [place.over_db / place.peak_db for place in sweep.places]
    return sweep.change <= -MIN_DESCENT and median(depths) >= MIN_DEPTH


def slow_groups(sweeps: Iterable[Sweep], pieces: Sequence[Piece], nbins: int, cell_s: float) -> list[SlowGroup]:
    """Return lanes and pieces of each burst of type II.

    Parameters
    ----------
    sweeps
        Sweeps of ridges.
    pieces
        Structures with their types.
    nbins
        Number of bins.
    cell_s
        Length of a cell.
    """
    parts = [_part_of_lane(sweep, cell_s) for sweep in sweeps if is_lane(sweep)]
    parts += [_part_of_piece(piece) for piece in pieces if piece.verdict.type is BurstType.II]
    groups, left = list[SlowGroup](), list(pieces)
    for chain in chains(parts):
        length_s = max(part.end_s for part in chain) - min(part.begin_s for part in chain)
        if length_s >= MIN_II_S and any(part.is_sure for part in chain):
            group = _with_claimed(chain, left, nbins)
            groups.append(group)
            left = [piece for piece in left if piece not in group.pieces]
    return groups


def _part_of_lane(sweep: Sweep, cell_s: float) -> _Part:
    length_s = (sweep.end - sweep.begin) * cell_s
    is_sure = length_s >= MIN_CONTINUUM_S and sweep.change <= -MIN_SURE_DESCENT
    return _Part(sweep.begin * cell_s, sweep.end * cell_s, sweep.low_mhz, sweep.high_mhz, is_sure, sweep)


def _part_of_piece(piece: Piece) -> _Part:
    found = piece.measures
    return _Part(found.begin_s, found.end_s, found.low_mhz, found.high_mhz, is_sure=True, source=piece)


def chains(parts: Iterable[_Part]) -> list[list[_Part]]:
    """Return groups of parts that follow each other, in order of time."""
    groups: list[list[_Part]] = []
    for part in sorted(parts, key=lambda part: (part.begin_s, part.low_mhz)):
        near = [group for group in groups if any(part.is_near(other) for other in group)]
        groups = [group for group in groups if group not in near]
        groups.append([*(other for group in near for other in group), part])
    return groups


def _with_claimed(chain: Sequence[_Part], pieces: Sequence[Piece], nbins: int) -> SlowGroup:
    """Return the group of a chain and its pieces."""
    lanes = tuple(part.source for part in chain if isinstance(part.source, Sweep))
    own = [part.source for part in chain if isinstance(part.source, Piece)]
    begin_s = min(part.begin_s for part in chain)
    cover = Cover(lanes, nbins) if lanes else None
    claimed = [
        piece for piece in pieces if piece not in own and (_is_on(piece, cover) or belongs_to(piece, chain, begin_s))
    ]
    return SlowGroup(lanes, (*own, *claimed))


def _is_on(piece: Piece, cover: Cover | None) -> bool:
    """Return True if a slow piece lies on lanes."""
    if cover is None or piece.verdict.type not in _CLAIMED or piece.measures.run_s < _SLOW_S:
        return False
    return cover.share(piece.runs) >= MIN_ON_LANES


def belongs_to(piece: Piece, chain: Sequence[_Part], begin_s: float) -> bool:
    """Return True if a piece may be a lane of a chain.

    It begins after the chain. Its type is unknown, or it is the tail of a burst and drifts as a shock. A long piece may
    be interference, so it must lie between the frequencies of the chain.
    """
    found = piece.measures
    is_possible = piece.verdict.type is BurstType.UNKNOWN or is_moving_continuum(piece)
    if not is_possible or found.run_s < _SLOW_S or found.begin_s < begin_s - _BEFORE_S:
        return False
    ratio = _LANE_RATIO if found.run_s < MIN_TRACK_S else 1.0
    return any(
        found.begin_s <= part.end_s + MAX_PAUSE_S
        and found.end_s >= part.begin_s - MAX_PAUSE_S
        and part.low_mhz / ratio <= found.middle_mhz <= part.high_mhz * ratio
        for part in chain
        if isinstance(part.source, Piece)
    )


def is_moving_continuum(piece: Piece) -> bool:
    """Return True if a continuum moves down as a shock does."""
    found = piece.measures
    return piece.verdict.type is BurstType.CONTINUUM and drifts_as_shock(found) and found.descent <= -MIN_DESCENT


def begin_of(group: SlowGroup, cell_s: float) -> float:
    """Return the begin of a group in seconds.

    A weaker burst may precede its lanes. So strong lanes count, and pieces of known type from the time at which they
    reach half of their decibels.
    """
    if not group.lanes:
        return min(piece.measures.begin_s for piece in group.pieces)
    strong_db = STRONG_SHARE * max(usual_over_db(lane) for lane in group.lanes)
    begins = [lane_begin(lane) for lane in group.lanes if usual_over_db(lane) >= strong_db]
    begins += [
        half_begin(piece.runs, piece.measures.peak_db)
        for piece in group.pieces
        if piece.verdict.type is not BurstType.UNKNOWN
    ]
    return min(begins) * cell_s


def usual_over_db(lane: Sweep) -> float:
    """Return the median height of a lane over its neighbours."""
    return median([place.over_db for place in lane.places])


def lane_begin(lane: Sweep) -> int:
    """Return the cell at which a lane is first seen.

    A weaker ridge may precede it at the same frequency, so it is seen at a quarter of its usual height, as a run is.
    """
    least_db = ONSET_SHARE * usual_over_db(lane)
    first = next(place for place in lane.places if place.over_db >= least_db)
    return lane.begin if first is lane.places[0] else first.block * CELLS_PER_BLOCK - 1


def lane_verdict(lane: Sweep, block_s: float) -> Verdict:
    """Return type II with the numbers of its strongest lane."""
    length_s, significance = len(lane.places) * block_s, abs(lane.slope[0] / lane.slope[1])
    width_mhz = lane.high_mhz - lane.low_mhz
    sure = 0.5 + 0.2 * min(1.0, significance / 20) + 0.2 * min(1.0, width_mhz / 20)
    drift = lane.drift_mhz_s(block_s, (lane.low_mhz + lane.high_mhz) / 2)[0]
    speed_km_s = LIGHT_KM_S * lane.slope[0] / block_s
    return Verdict(
        BurstType.II,
        sure,
        f"a lane drifts by {drift:.2g} MHz/s, as an exciter of {speed_km_s:.0f} km/s, for {length_s:.0f} s",
    )
