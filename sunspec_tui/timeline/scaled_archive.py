"""Apply a flux scale to the blocks and rows of an archive."""

from sunspec_tui.core.flux_scale import FluxScale, scale_power, scale_recording
from sunspec_tui.core.products import Product
from sunspec_tui.core.recording import Recording
from sunspec_tui.core.timeline_source import AxisBlocks, TimelineAxis, TimelineExtent
from sunspec_tui.timeline.timeline import StoredTimeline


class ScaledArchive:
    """Archive in sfu, as a part of a timeline; a `StoredTimeline`.

    Parameters
    ----------
    archive
        Archive with powers as received.
    scale
        The flux scale.
    """

    def __init__(self, archive: StoredTimeline, scale: FluxScale) -> None:
        self._archive, self._scale = archive, scale

    def extent(self) -> TimelineExtent | None:
        """Return the times of its rows; None without rows."""
        return self._archive.extent()

    def axis(self) -> TimelineAxis | None:
        """Return bins and products of its newest rows; None without rows."""
        return self._archive.axis()

    def parts(self, step_s: int, begin_s: float, end_s: float, product: Product) -> list[AxisBlocks]:
        """Return blocks in sfu, each with its own axis."""
        return [self._scaled(each, product) for each in self._archive.parts(step_s, begin_s, end_s, product)]

    def _scaled(self, part: AxisBlocks, product: Product) -> AxisBlocks:
        factors = self._scale.at(part.frequencies_hz / 1e6)
        mean, peak = (scale_power(each, factors, product) for each in (part.blocks.mean, part.blocks.peak))
        return part._replace(blocks=part.blocks._replace(mean=mean, peak=peak))

    def recording(self, begin_s: float, end_s: float) -> Recording | None:
        """Return the rows between two times in sfu, if any."""
        rows = self._archive.recording(begin_s, end_s)
        return None if rows is None else scale_recording(rows, self._scale)
