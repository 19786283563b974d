"""The command line: settings, messages and exit statuses."""

import json
import re
import subprocess

import pytest
from commands import published, running
from publishers import Publisher
from solar_event import FLARE_FILE
from terminals import PROGRAM
from waiting import poll_until

from sunspec_tui.cli.arguments import monitor_settings
from sunspec_tui.cli.main import COMMANDS, main
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.settings import Settings, StreamSettings
from sunspec_tui.monitoring.burst_follower import BurstFollower


def run(*words, timeout=60, **options):
    return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=timeout, check=False, **options)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--port", "0"], "--port is 0, it must be at least 1"),
        (["--port", "abc"], "--port"),
        (["--buffer-length", "1"], "--buffer-length"),
        (["--plot-interval", "-1"], "--plot-interval is -1.0"),
        (["--plot-interval", "nan"], "finite"),
        (["--product", "ZZ"], "--product"),
        (["--delay-method", "guess"], "--delay-method"),
        (["--nonsense"], "--nonsense"),
        (["--demo", "moon"], "--demo"),
        (["--config", "/no/such/file.toml"], "check --config"),
        (["stream", "--source", "/no/such/file.fit"], "cannot be read"),
        (["stream", "--interval", "0"], "--interval"),
        (["doctor", "--frames", "0"], "--frames"),
        (["doctor", "--frames", "99999999999999"], "--frames is 99999999999999, which needs"),
        (["snapshot", "--frames", "99999999999999"], "--frames is 99999999999999, which needs"),
        (["export", "a.csv", "--frames", "99999999999999"], "--frames is 99999999999999, which needs"),
    ],
)
def test_wrong_use_is_one_line_that_says_what_was_wrong(words, complaint, capsys):
    status = main(words)
    captured = capsys.readouterr()
    assert status == (1 if "cannot be read" in complaint else 2)
    assert complaint in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("words", [["doctor"], ["snapshot"], ["export", "rows.npz"]])
def test_commands_that_read_a_few_rows_search_for_no_bursts(words, tmp_path, monkeypatch, capsys):
    searches = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BurstFollower, "start", searches.append)
    with published() as port:
        assert main([*words, "--frames", "2", "--port", port]) == 0
    assert (searches, capsys.readouterr().err) == ([], "")


def test_version_and_help_are_there():
    assert re.fullmatch(r"sunspec-tui \d+\.\d+\.\d+\n", run("--version").stdout)
    text = run("--help").stdout
    for flag in ("--addr", "--port", "--buffer-length", "--gc-interval", "--plot-interval", "--plot-dir", "--log-level",
                 "--start-webshow", "--beam", "--no-ui", "--demo", "--config"):  # fmt: skip
        assert flag in text


def test_the_command_line_overrides_the_settings_file(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('port = 1234\nplot-dir = "x"\nplot_interval = 3\n')
    settings = monitor_settings(["--config", str(path), "--port", "99"], COMMANDS)
    assert (settings.port, str(settings.plot_dir), settings.plot_interval) == (99, "x", 3.0)


@pytest.mark.parametrize(
    ("words", "demo"), [([], None), (["--demo"], "sun"), (["--demo", "sun"], "sun"), (["--demo", "flare"], "flare")]
)
def test_a_demo_without_a_name_is_the_sun(words, demo):
    assert monitor_settings(words, COMMANDS).demo == demo
    assert monitor_settings([*words, "--no-ui"], COMMANDS).demo == demo


@pytest.mark.parametrize(
    ("text", "demo"),
    [("demo = false", None), ("demo = true", "sun"), ('demo = "sun"', "sun"), ('demo = "flare"', "flare")],
)
def test_a_settings_file_switches_the_demo_or_names_it(text, demo, tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(text)
    assert monitor_settings(["--config", str(path)], COMMANDS).demo == demo
    assert monitor_settings(["--config", str(path), "--demo", "sun"], COMMANDS).demo == "sun"


@pytest.mark.parametrize("text", ["port = 'x'", "nonsense = 1", "port = ", "port = true", "demo = 1"])
def test_a_settings_file_that_is_wrong_is_named(tmp_path, text):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"a\.toml"):
        monitor_settings(["--config", str(path)], COMMANDS)


def test_an_event_log_that_cannot_be_written_is_one_line(tmp_path, capsys):
    assert main(["--no-ui", "--duration", "0.1", "--event-log", str(tmp_path / "nowhere" / "events")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "choose another --event-log" in told[0]


def test_the_event_log_does_not_depend_on_the_log_level(tmp_path, capsys):
    main(["--demo", "--no-ui", "--duration", "2", "--plot-interval", "0", "--log-level", "ERROR",
          "--plot-dir", str(tmp_path), "--event-log", str(tmp_path / "events")])  # fmt: skip
    kinds = [json.loads(line)["event"] for line in (tmp_path / "events").read_text().splitlines()]
    assert "link" in kinds
    assert "state" in kinds
    assert capsys.readouterr().err == ""


def test_a_beam_names_its_port_and_a_delay_implies_manual():
    assert Settings(beam=4).stream_port == 30004
    assert monitor_settings(["--delay", "2.5"], COMMANDS).delay_method == "manual"
    assert StreamSettings().port == 9798


def test_headless_without_a_producer_ends_with_status_1_and_the_reason():
    port = Publisher()
    free = port.port
    port.close()
    done = run("--no-ui", "--port", str(free), "--duration", "1", "--status-format", "json", "--plot-interval", "0")
    record = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert (record["state"], record["frames_received"], record["data_age_s"]) == ("connecting", 0, None)
    assert "nobody answers" in record["link"]


def test_without_a_terminal_the_monitor_runs_headless_and_prints_status_and_a_figure(tmp_path):
    words = ["--demo", "--status-interval", "0.5", "--plot-interval", "1"]
    with running(
        [*PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as monitor:
        # matplotlib loads slowly on a busy machine.
        poll_until(lambda: list((tmp_path / "figs").glob("spectrum_*.png")), 60)
        monitor.terminate()
        told, complained = monitor.communicate(timeout=30)
    assert monitor.returncode == 0, complained
    assert told.count("live (connected)") >= 2
    assert "MHz" in told
    assert not [path for path in (tmp_path / "figs").iterdir() if path.suffix != ".png"]


def test_json_status_has_every_promised_field():
    done = run("--demo", "--no-ui", "--duration", "2", "--status-interval", "1", "--status-format", "json",
               "--plot-interval", "0")  # fmt: skip
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 2
    promised = {
        "time", "state", "frames_received", "frames_rejected", "rejected", "frames_missing", "cadence_s", "delay_s",
        "delay_method", "data_age_s", "rss_mb", "plots_written", "last_plot",
    }  # fmt: skip
    assert promised <= set(records[-1])
    assert records[-1]["state"] == "live"
    assert records[-1]["cadence_s"] == pytest.approx(0.25, rel=0.02)
    assert records[-1]["frames_missing"] == records[-1]["frames_rejected"] == 0


def test_every_frame_of_the_solar_event_is_received():
    port = Publisher()
    free = str(port.port)
    port.close()
    with subprocess.Popen(
        [*PROGRAM, "stream", "--source", str(FLARE_FILE), "--port", free, "--speed", "0", "--wait"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as producer:  # fmt: skip
        done = run("--no-ui", "--port", free, "--duration", "20", "--status-format", "json", "--plot-interval", "0")
        told, _ = producer.communicate(timeout=30)
    record = json.loads(done.stdout.splitlines()[-1])
    assert told == "3600 frames sent\n"
    assert (record["frames_received"], record["frames_rejected"], record["frames_missing"]) == (3600, 0, 0)
    assert record["cadence_s"] == 0.25


@pytest.fixture
def live_port():
    """Port of a producer in a separate process."""
    free = Publisher()
    port = str(free.port)
    free.close()
    with subprocess.Popen(
        [*PROGRAM, "stream", "--source", "simulate", "--port", port], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as producer:
        yield port
        producer.terminate()
        producer.communicate(timeout=10)
        assert producer.returncode == 0


def test_doctor_describes_the_stream(live_port):
    done = run("doctor", "--port", live_port, "--frames", "3")
    assert done.returncode == 0, done.stderr
    for words in ("13.4", "chan0 560 (from the header)", "cadence    0.25", "as ticks"):
        assert words in done.stdout
    # On a busy machine more frames may have come meanwhile.
    assert int(re.search(r"(\d+) received", done.stdout)[1]) >= 3


def test_doctor_reports_a_dead_address_with_status_1():
    free = Publisher()
    free.close()
    done = run("doctor", "--port", str(free.port), "--timeout", "1")
    assert done.returncode == 1
    assert "nobody listens" in done.stdout


def test_snapshot_prints_a_figure_and_writes_a_png(live_port, tmp_path):
    done = run("snapshot", "--port", live_port, "--frames", "2", "--png", str(tmp_path / "a.png"))
    assert done.returncode == 0, done.stderr
    assert "MHz" in done.stdout
    assert (tmp_path / "a.png").stat().st_size > 10_000
    rows = int(re.search(r"a\.png: figure of (\d+) rows of XX\n$", done.stdout)[1])
    # On a busy machine more frames may have come meanwhile.
    assert rows >= 2


def test_snapshot_names_no_file_that_it_has_not_written(live_port, tmp_path):
    done = run("snapshot", "--port", live_port, "--frames", "1", "--png", str(tmp_path / "missing" / "a.png"))
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "figure of" not in done.stdout


def test_the_demo_ends_within_its_duration_and_leaves_no_thread_behind():
    import threading

    before = threading.active_count()
    assert main(["--demo", "--no-ui", "--duration", "1", "--plot-interval", "0", "--status-format", "json"]) == 0
    poll_until(lambda: threading.active_count() <= before)
