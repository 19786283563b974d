"""Draw plot jobs as PNGs in the current process."""

from typing import TYPE_CHECKING

from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.matplotlib_loader import load_matplotlib

if TYPE_CHECKING:
    from sunspec_tui.plots.figure import SpectrumFigure


class PngRenderer:
    """Drawing of jobs with one figure, created for the first."""

    def __init__(self) -> None:
        self._figure: SpectrumFigure | None = None

    def render(self, job: PlotJob) -> bytes:
        """Draw a job and return its PNG."""
        figure = self._get_figure()
        try:
            figure.draw(job)
            return figure.png()
        except BaseException:
            # Part of the job may remain in the figure.
            self._figure = None
            raise

    def prepare(self) -> bool:
        """Import matplotlib and create the figure, to save time later.

        Nothing is drawn here, because ticks and texts would take much memory and save little time.

        Returns
        -------
        bool
            False if the figure existed already.
        """
        if self._figure is not None:
            return False
        self._get_figure().load_formats()
        return True

    def _get_figure(self) -> "SpectrumFigure":
        if self._figure is None:
            load_matplotlib()
            from sunspec_tui.plots.figure import SpectrumFigure

            self._figure = SpectrumFigure()
        return self._figure
