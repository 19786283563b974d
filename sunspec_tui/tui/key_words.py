"""Other words for the actions of keys, by which the search finds them.

A word that stands in the description of the key is not repeated here. Words of an action without a key do no harm.
"""

from sunspec_tui.tui.display.view_state import PANELS

_TIME_SPAN = "span minutes duration range window scale longer shorter zoom"
_FREQUENCY_ZOOM = "magnify enlarge band window range frequency"
_LEVELS = "level gain contrast brightness intensity range scale limits minimum maximum clip colours"
_TRACE = "trace hold line curve"
_CURSOR = "crosshair readout value move pointer"

WORDS: dict[str, str] = {
    "help": "shortcuts commands keyboard manual list ?",
    "end(0)": "quit exit leave close stop bye terminate",
    "end(130)": "quit exit abort cancel interrupt",
    "command_palette": "commands search action menu",
    "redraw": "refresh repaint repair clear clean",
    "change_view('next_theme')": "theme colours scheme background night day",
    "change_view('toggle_pause')": "freeze hold stop halt still continue resume",
    "change_view('scroll_back', 0.5)": "history earlier past scroll page previous",
    "change_view('scroll_back', -0.5)": "history later scroll page next time",
    "change_view('scroll_back', 1e9)": "history beginning start first earliest time",
    "change_view('live')": "now newest latest resume continue present time",
    "change_view('span', -1)": f"{_TIME_SPAN} in",
    "change_view('span', 1)": f"{_TIME_SPAN} out",
    "change_view('toggle_option', 'sweeping')": "mode time direction",
    "change_view('move_cursor', -1, 0)": _CURSOR,
    "change_view('move_cursor', 1, 0)": _CURSOR,
    "change_view('move_cursor', 0, 1)": _CURSOR,
    "change_view('move_cursor', 0, -1)": _CURSOR,
    "change_view('move_cursor', -10, 0)": f"{_CURSOR} fast",
    "change_view('move_cursor', 10, 0)": f"{_CURSOR} fast",
    "change_view('escape')": "cancel undo back close clear",
    "change_view('mark', 0)": "select selection start from export",
    "change_view('mark', 1)": "select selection interval stop until export",
    "change_view('next_product', 1)": "polarisation stokes parameter xx yy xy i q u v",
    "change_view('next_product', -1)": "polarisation stokes parameter xx yy xy i q u v",
    "change_view('next_palette', 1)": "colours colors colormap color map",
    "change_view('next_palette', -1)": "colours colors colormap color map",
    "change_view('toggle_automatic_levels')": f"{_LEVELS} auto autoscale",
    "change_view('shift_levels', -1, 0)": _LEVELS,
    "change_view('shift_levels', 1, 0)": _LEVELS,
    "change_view('shift_levels', 0, -1)": _LEVELS,
    "change_view('shift_levels', 0, 1)": _LEVELS,
    "change_view('bias', -1)": _LEVELS,
    "change_view('bias', 1)": f"{_LEVELS} lighter",
    "levels": f"{_LEVELS} set manual",
    "change_view('toggle_option', 'subtract')": "bandpass baseline subtract flatten normalise gain median",
    "change_view('zoom', 1)": _FREQUENCY_ZOOM,
    "change_view('zoom', -1)": f"{_FREQUENCY_ZOOM} whole",
    "change_view('pan', -1)": "band pan move down",
    "change_view('pan', 1)": "band pan move up",
    "change_view('toggle_trace', 'max')": _TRACE,
    "change_view('toggle_trace', 'min')": _TRACE,
    "change_view('toggle_trace', 'average')": f"{_TRACE} mean",
    "reset_traces": f"{_TRACE} clear maximum minimum average",
    "change_view('toggle_option', 'pair')": "both compare polarisations",
    "change_view('toggle_linear')": "db log logarithmic scale unit",
    "change_view('fix_spectrum')": "lock freeze scale axis range levels",
    "change_view('toggle_option', 'pipelines')": "subbands blocks lines",
    "change_view('maximise', ('waterfall', 'spectrum'))": "layout full screen maximise fullscreen big",
    f"change_view('maximise', {PANELS})": "layout full screen maximise fullscreen big",
    "change_view('toggle_panels')": "layout full screen fullscreen clean",
    "reset_view": "default defaults original restore",
    "change_view('toggle_panel', 'delay')": "latency lag layout",
    "change_view('toggle_panel', 'health')": "missing rejected losses pipelines state layout",
    "change_view('toggle_panel', 'memory')": "ram rss gc layout",
    "change_view('toggle_panel', 'plots')": "archive web png layout",
    "change_view('toggle_panel', 'log')": "messages events history layout",
    "change_view('next_layout')": "preset panels watch operate engineer screen arrange",
    "log": "messages events history errors journal",
    "delay_method": "latency lag",
    "manual_delay": "latency lag set",
    "plot_interval(1)": "png interval slower",
    "plot_interval(-1)": "png interval faster",
    "plot_now": "save screenshot png picture image figure print snapshot",
    "export": "save archive screenshot data fits hdf5 csv npz record rows download",
    "web": "browser page server http url link",
    "collect_garbage": "gc memory ram",
    "optimise_memory": "ram trim reduce",
}
"""Words by the call of the action."""
