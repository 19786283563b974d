"""Units of a flux scale on screens, in figures and the status."""

import numpy as np
import pytest
from archive_runs import Following
from monitors import StillReceiver
from recordings import recording
from scenes import NBINS, feed

from sunspec_tui.core.flux_scale import load_flux_scale
from sunspec_tui.core.products import Product
from sunspec_tui.core.settings import Settings
from sunspec_tui.monitoring.status_record import status_record
from sunspec_tui.plots.figure import SpectrumFigure
from sunspec_tui.plots.text_figure import text_figure
from sunspec_tui.stream.frame_iterator import FrameIterator
from sunspec_tui.tui.widgets.waterfall import bar_unit

POWER, FACTOR = 10.0, 0.5


def receiver_of(scale=FACTOR, **options):
    found = StillReceiver(flux_scale=scale, **options)
    feed(found, 200, POWER)
    return found


@pytest.fixture
def half_scale(tmp_path):
    """File of a scale for the upper half of the band."""
    mhz = receiver_of(None).position().axis.frequencies_mhz
    path = tmp_path / "half.txt"
    path.write_text(f"{mhz[NBINS // 2]} {FACTOR}\n{mhz[-1]} {FACTOR}\n")
    return path


# Everything that a receiver returns


def test_all_readers_of_a_receiver_get_sfu():
    receiver = receiver_of()
    assert receiver.unit == receiver.recording().unit == receiver.rows_recording(10, 12).unit == "sfu"
    job = receiver.plot_job()
    assert job.unit == "sfu"
    values = [
        receiver.get_latest_data(3),
        receiver.get_rows(3).data[..., 0],
        receiver.rows_between(5, 7, Product.XX).data,
        receiver.recording().data[..., 0],
        receiver.snapshot().rows.data[..., 0],
        receiver.epochs()[0].rows_between(5, 7).data[..., 0],
        job.data,
        job.spectra["XX"],
    ]
    for each in values:
        np.testing.assert_array_equal(np.unique(each), [POWER * FACTOR])
    assert receiver.get_latest_data(1, "V/I").max() == 0


def test_without_a_scale_nothing_changes():
    receiver = receiver_of(None)
    assert receiver.unit == receiver.recording().unit == receiver.plot_job().unit == "arbitrary"
    assert np.unique(receiver.get_latest_data(3)).tolist() == [POWER]
    record = status_record(receiver.snapshot())
    assert (record["unit"], record["flux_scale"]) == ("arbitrary", None)


def test_a_loop_over_rows_gets_sfu():
    receiver = receiver_of()
    loop = FrameIterator(10, 0.0)
    receiver.handler.row_iterators.add(loop)
    feed(receiver, 1, POWER)
    assert np.unique(next(loop).data[:, 0]).tolist() == [POWER * FACTOR]


def test_bins_outside_the_file_have_no_values(half_scale):
    receiver = receiver_of(half_scale)
    for product in (*Product,):
        outside = receiver.get_latest_data(1, product)[0, : NBINS // 2]
        assert np.isnan(outside).all(), product
    inside = receiver.get_latest_data(1)[0, NBINS // 2 :]
    np.testing.assert_allclose(inside, POWER * FACTOR, rtol=1e-6)
    assert status_record(receiver.snapshot())["flux_scale"] == "half.txt"
    assert receiver.snapshot().notes[-1] == "12 bins are outside the flux scale half.txt and without values"
    assert not any("flux" in note for note in receiver_of().snapshot().notes)


def test_checks_of_the_instrument_read_powers_as_received(half_scale):
    plain, scaled = receiver_of(None).snapshot().check, receiver_of(half_scale).snapshot().check
    assert plain.pipelines.faults.tolist() == scaled.pipelines.faults.tolist()
    assert plain.gain.change_db == scaled.gain.change_db or np.isnan(plain.gain.change_db).all()


def test_the_archive_gets_powers_as_received(tmp_path):
    receiver = receiver_of(archive_dir=tmp_path)
    source = receiver.parts._archive_source()
    assert source.template.unit == "arbitrary"
    with Following(tmp_path / "archive") as archive:
        archive.followed = source
        archive.wait_for(200)
    from sunspec_tui import read_recording

    kept = read_recording(tmp_path / "archive")
    np.testing.assert_allclose(np.unique(kept.data[..., 0]), POWER, rtol=1e-3)


# The screen


@pytest.fixture
def show(open_screen):
    def run(receiver, columns=120, lines=40, **options):
        screen = open_screen((columns, lines), receiver, **options)
        for _ in range(2):
            screen.tick()
            screen.settle()
        return screen

    return run


def text_of(screen):
    screen.tick()
    screen.settle()
    return "\n".join(screen.terminal.display)


def test_the_screen_shows_the_unit_everywhere(show):
    screen = show(receiver_of(), 220)
    assert " dB(sfu) auto" in text_of(screen)
    assert "dB(sfu)" in text_of(screen).splitlines()[1]
    screen.press("left", "left")
    assert "XX 6.99 dB(sfu) (5 sfu)" in text_of(screen)
    screen.press("e")
    assert "sfu" in text_of(screen).splitlines()[1]
    screen.press("e", "l")
    assert "floor and ceiling in dB(sfu)" in text_of(screen)
    screen.press("escape")
    screen.act("change_view('next_product', -1)")
    screen.settle()
    assert screen.app.scene.shown.product is Product.V_OVER_I
    assert "sfu" not in text_of(screen)


def test_without_a_scale_the_screen_has_no_sfu(show):
    screen = show(receiver_of(None), 220)
    screen.press("left")
    assert "sfu" not in text_of(screen)
    assert "XX 10.00 dB (10)" in text_of(screen)


@pytest.mark.parametrize(
    ("unit", "is_linear", "lines"),
    [
        ("arbitrary", False, ("dB",)),
        ("arbitrary", True, ("lin",)),
        ("sfu", False, ("dB", "(sfu)")),
        ("sfu", True, ("sfu",)),
    ],
)
def test_the_colour_bar_has_its_unit_in_short_lines(unit, is_linear, lines):
    assert bar_unit(unit, is_linear=is_linear) == lines


def test_a_small_screen_has_the_unit_beside_the_bar(show):
    lines = text_of(show(receiver_of(), 80, 24, settings=Settings())).splitlines()
    (line,) = [number for number, text in enumerate(lines) if text.rstrip().endswith("(sfu)") and number > 5]
    assert lines[line - 1].rstrip().endswith("dB")


# Figures


@pytest.mark.parametrize(
    ("scale", "product", "spectrum", "bar"),
    [
        (None, "XX", "power [arbitrary units]", "power [dB, arbitrary zero]"),
        (FACTOR, "XX", "power [sfu]", "power [dB(sfu)]"),
        (FACTOR, "V", "power [sfu]", "V [sfu]"),
        (None, "V", "power [arbitrary units]", "V [arbitrary units]"),
        (FACTOR, "V/I", "power [sfu]", "V/I"),
    ],
)
def test_a_plot_names_the_unit(scale, product, spectrum, bar):
    receiver = receiver_of(scale, product=product)
    figure = SpectrumFigure()
    figure.draw(receiver.plot_job())
    assert figure.spectrum.get_ylabel() == spectrum
    assert figure.colour_bar.ax.get_ylabel() == bar


def test_a_text_figure_names_the_unit():
    rows = recording(1, nchan=64)
    axis, spectra = rows.frequencies_hz / 1e6, {"XX": np.full(16, 5.0, np.float32)}
    assert "dB(sfu)" in text_figure(axis, spectra, title="", unit="sfu")
    assert "power in sfu" in text_figure(axis, spectra, title="", unit="sfu", linear=True)
    assert "sfu" not in text_figure(axis, spectra, title="") + text_figure(axis, spectra, title="", linear=True)


def test_the_older_divisor_is_a_factor():
    receiver = receiver_of(load_flux_scale("4.1667e-06"))
    np.testing.assert_allclose(receiver.get_latest_data(1), POWER / (24 * 10**4), rtol=1e-4)
