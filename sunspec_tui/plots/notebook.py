"""Let notebooks show recordings as figures."""

from sunspec_tui.core.recording import Recording


def enable_notebook_figures() -> None:
    """Let notebooks draw a `Recording`.

    Matplotlib loads with the first figure.
    """
    if Recording.draw_png is None:
        Recording.draw_png = staticmethod(_draw_png)


def _draw_png(recording: Recording) -> bytes:
    from sunspec_tui.plots.plot_window import png_of

    return png_of(recording)
