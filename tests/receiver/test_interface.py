"""What a script and a notebook see of the package."""

import pydoc
from pathlib import Path

import sunspec_tui
from sunspec_tui import StreamReceiver


def test_the_package_lists_its_public_names_alone():
    assert dir(sunspec_tui) == sorted(sunspec_tui.__all__)


def test_help_shows_every_public_name():
    text = pydoc.plain(pydoc.render_doc(sunspec_tui))
    assert all(name in text for name in {*sunspec_tui.__all__} - {"__version__"})
    assert f"VERSION\n    {sunspec_tui.__version__}" in text


def test_the_package_has_types():
    assert Path(sunspec_tui.__file__).with_name("py.typed").exists()


def test_a_receiver_is_shown_in_one_line():
    assert repr(StreamReceiver(stream_port=9, plot_interval=0)) == "<StreamReceiver of 127.0.0.1:9: stopped, 0 rows>"
