"""The example file of docs/configuration.md has every setting, with its default."""

import re
from dataclasses import fields
from pathlib import Path

from sunspec_tui.cli.arguments import monitor_settings
from sunspec_tui.core.settings import Settings

EXAMPLES = re.findall(
    r"```toml\n(.*?)```", (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(), re.DOTALL
)


def settings_of(text, tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return monitor_settings(["--config", str(path)], ())


def test_the_short_example_is_read(tmp_path):
    assert settings_of(EXAMPLES[0], tmp_path).stream_port == 30004


def test_the_whole_example_has_every_setting_with_its_default(tmp_path):
    names = re.findall(r"^(?:# )?(\w+) = ", EXAMPLES[1], re.MULTILINE)
    assert sorted(names) == sorted(setting.name for setting in fields(Settings))
    assert settings_of(EXAMPLES[1], tmp_path) == Settings()


def test_examples_of_settings_without_a_default_are_read(tmp_path):
    examples = "\n".join(line.removeprefix("# ") for line in re.findall(r"^# \w+ = .*$", EXAMPLES[1], re.MULTILINE))
    found = settings_of(examples, tmp_path)
    assert all(getattr(found, setting.name) is not None for setting in fields(Settings))


def test_each_comment_of_the_whole_example_is_the_help_of_its_setting():
    comments = dict(re.findall(r"^(?:# )?(\w+) = .*?\s+# (.*)$", EXAMPLES[1], re.MULTILINE))
    assert comments == {setting.name: setting.metadata["help"] for setting in fields(Settings)}
