"""Heavy libraries load late; import-linter checks the layers."""

import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "astropy", "textual", "starlette", "uvicorn", "websockets", "prometheus_client", "plotext")


def loaded(code: str) -> set[str]:
    """Return the heavy libraries that some code loads."""
    report = f"{code}\nimport sys\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import sunspec_tui", set()),
        ("import sunspec_tui.cli.main", set()),
        ("import sunspec_tui.cli.headless", set()),
        ("from sunspec_tui import AvgStreamingOp, StreamReceiver; StreamReceiver()", set()),
        ("import sunspec_tui.producer.replay, sunspec_tui.producer.simulated_sun", set()),
        ("from sunspec_tui.producer.recorded_flare import open_flare; next(open_flare(560).gulps())", set()),
        ("import sunspec_tui.app", {"textual"}),
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code, expected):
    assert loaded(code) == expected


def test_the_producer_alone_never_loads_the_receiver():
    code = "from sunspec_tui import AvgStreamingOp; import sys; assert 'sunspec_tui.receiver' not in sys.modules"
    assert loaded(code) == set()


@pytest.mark.parametrize("demo", ["sun", "flare"])
def test_a_headless_run_loads_no_terminal_interface(demo):
    code = (
        "from sunspec_tui.cli.main import main\n"
        f"main(['--demo', '{demo}', '--no-ui', '--duration', '1', '--plot-interval', '0', '--status-format', 'json'])"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys; assert not {{'textual', 'matplotlib', 'astropy'}} & set(sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
