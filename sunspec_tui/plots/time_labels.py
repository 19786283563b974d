"""Label the time axis of a figure."""

from datetime import UTC

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter, num2date
from matplotlib.ticker import AutoLocator, FuncFormatter, ScalarFormatter

DAY_S = 86_400.0
"""Length of a day, matplotlib's unit of time."""

_SHORT_S = 12.0


class TimeLabels:
    """Ticks and labels of a time axis in UTC.

    Parameters
    ----------
    axes
        Axes whose horizontal axis is time, in days since 1970.
    """

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._times = AutoDateLocator(tz=UTC, minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
        self._numbers, self._plain = AutoLocator(), ScalarFormatter()
        axes.xaxis.set_major_locator(self._times)
        self._long = DateFormatter("%H:%M:%S", tz=UTC)  # type: ignore[no-untyped-call]
        self._short = FuncFormatter(lambda day, _: f"{num2date(day, tz=UTC):%H:%M:%S.%f}"[:-4])  # type: ignore[no-untyped-call]

    def set_limits(self, left: float, right: float, *, timed: bool) -> None:
        """Set the limits of the axis.

        They are row numbers if the times cannot be drawn (`timed` is False).
        """
        axis = self._axes.xaxis
        axis.set_major_locator(self._times if timed else self._numbers)
        # On a short axis, labels in seconds would repeat the same second.
        clock = self._short if (right - left) * DAY_S < _SHORT_S else self._long
        axis.set_major_formatter(clock if timed else self._plain)
        self._axes.set_xlabel("time [UTC]" if timed else "rows before the newest, whose times cannot be drawn")
        self._axes.set_xlim(left, right)
