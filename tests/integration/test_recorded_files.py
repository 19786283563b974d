"""The command view in a real terminal: files, keys, sizes, and errors."""

import re
from dataclasses import replace

import pytest
from recordings import START_S, recording
from solar_event import DATA, needs_event
from terminals import PROGRAM, Terminal
from waiting import poll_until

from sunspec_tui.core.bursts import Burst, BurstType
from sunspec_tui.core.flux_scale import load_flux_scale, scale_recording
from sunspec_tui.files.burst_table import read_burst_table, write_burst_table
from sunspec_tui.files.read import read_recording
from sunspec_tui.files.write import export

EVENTS = DATA / "events"


@pytest.fixture
def view(tmp_path):
    """Start the command in terminals that end with the test."""
    opened = []

    def start(*words, **options):
        opened.append(Terminal([*PROGRAM, "view", *map(str, words)], tmp_path, **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.end()


def shown_span(terminal):
    """Return the time span in the caption; empty without one."""
    found = re.search(r"auto · (.*?)[,·]", terminal.text)
    return found[1].strip() if found else ""


def three_files(directory):
    rows = recording(1200, nchan=64)
    for number in range(3):
        export(rows.only(slice(400 * number, 400 * number + 400)), directory / f"{number}.npz")
    return directory


def test_powers_in_sfu_are_named_and_never_scaled_twice(view, tmp_path):
    export(recording(200, nchan=64), tmp_path / "a.npz")
    terminal = view(tmp_path / "a.npz", "--flux-scale", "4.1667e-06", columns=120, lines=30)
    terminal.shows("VIEW", "dB(sfu) auto", "(sfu)")
    terminal.press("q")
    assert terminal.process.wait(15) == 0
    export(scale_recording(recording(200, nchan=64), load_flux_scale(2.0)), tmp_path / "sfu.npz")
    terminal = view(tmp_path / "sfu.npz", "--flux-scale", "2", columns=120, lines=30)
    assert terminal.process.wait(15) == 2
    # The line may be broken anywhere.
    poll_until(lambda: "thepowersareinsfualready;leave--flux-scaleout" in "".join(terminal.text.split()), 20)


@needs_event
def test_an_hour_of_four_files_is_one_picture(view):
    terminal = view(EVENTS / "BIR_20120704_16*.fit.gz", columns=110, lines=30)
    terminal.shows("VIEW", "2012-07-04 16:00 to 17:00, 4 files", "BIR", "16:30", "100┤", "MHz")
    terminal.hides("LIVE", "STALLED", "CONNECTING", "PAUSED")
    terminal.press("q")
    assert terminal.process.wait(15) == 0


def test_keys_move_play_resize_and_export(view, tmp_path):
    (tmp_path / "day").mkdir()
    terminal = view(three_files(tmp_path / "day"), "--speed", "20", columns=120, lines=30)
    terminal.shows("VIEW", "2025-08-18 21:34 to 21:39, 3 files", "picture to 21:39:5")
    terminal.press("F")
    terminal.shows("0.npz, 2025-08-18 21:34")
    terminal.press("F")
    terminal.shows("1.npz, 2025-08-18 21:36")
    terminal.press("O")
    terminal.shows("0.npz, 2025-08-18 21:34")
    terminal.press("O")
    terminal.shows("this is the first one")
    terminal.resize(60, 20)
    terminal.shows("VIEW", "UTC", "P play")
    terminal.hides("z Z zoom")
    terminal.resize(130, 36)
    terminal.press("x")
    terminal.shows("YY mean of")
    terminal.press("P")
    terminal.shows("PLAY 20x")
    terminal.press(" ")
    terminal.shows("PAUSED")
    terminal.press("P")
    terminal.shows("VIEW")
    # Keys for a stream have a sentence.
    terminal.press("w")
    terminal.shows("the web view shows a stream")
    terminal.press("d")
    terminal.shows("recorded rows have no message delay")
    terminal.press("E")
    terminal.shows("Export")
    terminal.press("\r")
    poll_until(lambda: list(tmp_path.glob("*.fits")) + list(tmp_path.glob("*.npz")), 20)
    terminal.press("q")
    assert terminal.process.wait(15) == 0
    (exported,) = [*tmp_path.glob("*.fits"), *tmp_path.glob("*.npz")]
    assert len(read_recording(exported)) > 100


def test_a_chosen_begin_and_span(view, tmp_path):
    (tmp_path / "day").mkdir()
    terminal = view(three_files(tmp_path / "day"), "--start", "2025-08-18T21:36:00", "--span", "60", "--product", "I")
    terminal.shows("VIEW", "picture to 21:37:1", "21:36:10", "I ")
    terminal.press("q")
    assert terminal.process.wait(15) == 0


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["nothing.npz"], 1, "nothing.npz cannot be read: No such file"),
        (["*.fit.gz"], 1, "no file matches *.fit.gz; check the pattern"),
        (["damaged.npz"], 1, "damaged.npz cannot be read as an NPZ file"),
        (["damaged.npz", "--start", "yesterday"], 2, "'yesterday' is not a date and time"),
        (["damaged.npz", "--speed", "0"], 2, "--speed is 0.0, it must be above 0"),
    ],
)
def test_errors_are_one_sentence_with_a_status(words, status, sentence, view, tmp_path):
    (tmp_path / "damaged.npz").write_bytes(b"PK\3\4 broken")
    terminal = view(*words)
    assert terminal.process.wait(30) == status
    terminal.shows(sentence)


def test_a_damaged_file_beside_others_is_reported_in_the_log(view, tmp_path):
    (tmp_path / "day").mkdir()
    (three_files(tmp_path / "day") / "1.npz").write_bytes(b"PK\3\4 broken")
    terminal = view(tmp_path / "day", columns=120, lines=30)
    terminal.shows("VIEW", "2 files")
    terminal.press("u")
    terminal.shows("1.npz cannot be read", "the file is left out")


def test_a_last_run_keeps_its_view_apart_from_the_monitor(view, tmp_path):
    rows = recording(400, nchan=64)
    export(replace(rows, times_s=rows.times_s - START_S + 1.7e9), tmp_path / "a.npz")
    terminal = view(tmp_path / "a.npz")
    terminal.shows("VIEW", "viridis")
    terminal.press("cc")
    terminal.shows("inferno")
    whole = shown_span(terminal)
    terminal.press("[")
    poll_until(lambda: shown_span(terminal) not in (whole, ""), 20)
    terminal.press("q")
    assert terminal.process.wait(15) == 0
    names = [path.name for path in (tmp_path / "state" / "sunspec-tui").iterdir()]
    assert names == ["recorded-view.json"]
    again = view(tmp_path / "a.npz")
    again.shows("VIEW", "inferno")
    # The next files are shown whole.
    poll_until(lambda: shown_span(again) == whole, 20, lambda: again.text)


def test_bursts_of_a_table_beside_the_files_are_shown_listed_and_marked(view, tmp_path):
    (tmp_path / "day").mkdir()
    table = three_files(tmp_path / "day") / "bursts.ecsv"
    times = START_S + 100, START_S + 105, START_S + 130
    found = Burst("n-1", *times, 13.7, 14.6, BurstType.II, 0.8, 9.5, source="0.npz")
    (tmp_path / "day" / "hidden.npz.part").write_bytes(b"")
    write_burst_table([found, replace(found, name="n-2", source="hidden.npz.part")], table)
    terminal = view(tmp_path / "day", columns=120, lines=30)
    terminal.shows("VIEW", "┌II")
    terminal.press("B")
    terminal.shows("1 of 1", "80 %", "9.5")
    terminal.press("w")
    terminal.shows("wrong", "n-1")
    poll_until(lambda: [each.is_wrong for each in read_burst_table(table)] == [True, False], 20)
    terminal.press("\x1b")
    terminal.hides("┌II")
    # What another program writes appears.
    write_burst_table([found], table)
    terminal.shows("┌II")
    terminal.press("q")
    assert terminal.process.wait(15) == 0


def test_without_a_table_the_list_says_how_to_make_one(view, tmp_path):
    (tmp_path / "day").mkdir()
    terminal = view(three_files(tmp_path / "day"), columns=120, lines=30)
    terminal.shows("VIEW", "picture to")
    terminal.press("B")
    terminal.shows("There is no table of bursts beside these rows", "bursts.ecsv beside the rows")
