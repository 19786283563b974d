"""Tests of the environment of child processes."""

from pathlib import Path

import sunspec_tui
from sunspec_tui.core.child_environment import child_environment


def test_a_childs_environment_has_the_packages_place_first_and_the_changes(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    found = child_environment({"COLOUR": "blue"})
    assert found["PYTHONPATH"].split(":") == [str(Path(sunspec_tui.__file__).parents[1]), "/somewhere"]
    assert found["COLOUR"] == "blue"
