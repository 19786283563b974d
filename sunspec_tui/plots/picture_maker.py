"""Draw jobs as PNGs in this process."""

from typing import TYPE_CHECKING

from sunspec_tui.plots.job import PlotJob
from sunspec_tui.plots.matplotlib_loader import load_matplotlib

if TYPE_CHECKING:
    from sunspec_tui.plots.figure import SpectrumFigure


class PictureMaker:
    """Draws jobs with one figure, which is made with the first of them."""

    def __init__(self) -> None:
        self._figure: SpectrumFigure | None = None

    def picture(self, job: PlotJob) -> bytes:
        """Draw a job; return its PNG."""
        figure = self._made()
        try:
            figure.draw(job)
            return figure.png()
        except BaseException:
            # Part of the job may remain in the figure.
            self._figure = None
            raise

    def prepare(self) -> bool:
        """Import matplotlib and make the figure, so that each later picture takes less time.

        Nothing is drawn: the ticks and texts of a drawing take more memory than their time is worth.

        Returns
        -------
        bool
            False if everything is loaded already.
        """
        if self._figure is not None:
            return False
        self._made().load_formats()
        return True

    def _made(self) -> "SpectrumFigure":
        if self._figure is None:
            load_matplotlib()
            from sunspec_tui.plots.figure import SpectrumFigure

            self._figure = SpectrumFigure()
        return self._figure
