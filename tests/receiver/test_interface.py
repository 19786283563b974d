"""The package as scripts and notebooks see it."""

import pydoc
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from publishers import block_time, message
from recordings import recording

import sunspec_tui
from sunspec_tui import StreamReceiver, read_recording
from sunspec_tui.core.frame import decode
from sunspec_tui.core.ring_buffer import RingBuffer


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


def test_a_frame_and_rows_are_shown_in_one_line():
    frame = decode(message(np.ones((1, 64, 4)), last_block_time=block_time(0), seq=7))
    assert repr(frame) == "<Frame 1 x 64 x 4, data until 2025-08-18 21:34:54 UTC, seq 7>"
    assert "data until unknown" in repr(frame._replace(block_time_s=float("nan")))
    ring = RingBuffer(5, 3, 2)
    for n in range(7):
        ring.append(np.ones((3, 2), np.float32), float(n), n)
    assert repr(ring.latest(2)) == "<Rows 2 x 3 x 2, numbers 5 to 6>"


def test_a_recording_is_shown_in_one_line_as_a_table_and_as_a_figure():
    rows = recording(40, nchan=64)
    assert callable(read_recording)
    assert repr(rows) == (
        "<Recording 40 rows x 16 bins, 2025-08-18 21:34:55 to 2025-08-18 21:35:04 UTC, 13.4 to 14.9 MHz, "
        "XX YY XY_real XY_imag, OVRO-LWA>"
    )
    assert "<td>40 rows x 16 bins</td>" in rows._repr_html_()
    assert rows._repr_png_().startswith(b"\x89PNG")
    assert rows.only(slice(0, 0))._repr_png_() is None


def test_a_name_from_a_file_is_escaped():
    import dataclasses

    shown = dataclasses.replace(recording(1, nchan=64), station="<b>\x1b[31m")
    assert "<b>" not in shown._repr_html_()
    assert "\x1b" not in repr(shown)


def test_a_recording_is_a_figure_however_the_receiver_was_imported():
    script = (
        "from sunspec_tui.receiver import StreamReceiver\n"
        "from sunspec_tui.core.recording import Recording\n"
        "assert Recording.draw_png is not None"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_unknown_parameter_is_an_error_of_the_receiver():
    with pytest.raises(TypeError, match=r"^StreamReceiver\(\): got an unexpected keyword argument 'colour'$"):
        StreamReceiver(colour="red")
