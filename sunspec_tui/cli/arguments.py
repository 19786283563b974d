"""Parse command arguments: one option for each field of the settings."""

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sunspec_tui.cli.argument_order import with_joined_values, with_output_first
from sunspec_tui.cli.outputs import DirectOutput
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.setting_fields import option, plain_type
from sunspec_tui.core.settings import Settings
from sunspec_tui.core.settings_file import read_settings_file
from sunspec_tui.core.version import __version__


class Parser(argparse.ArgumentParser):
    """Parser that reports a wrong use in one line."""

    def error(self, message: str) -> Any:
        """Raise a usage error."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def _print_message(self, message: str, file: Any = None) -> None:
        del file
        output = DirectOutput()
        output.say(message.rstrip("\n"))
        output.check()


def parser_for(kind: type[Any], prog: str, description: str) -> Parser:
    """Create a parser with an option for each setting of a class."""
    parser = Parser(prog=prog, description=description, allow_abbrev=False)
    groups: dict[str, Any] = {}
    for setting in fields(kind):
        name = setting.metadata["group"]
        group = groups.get(name)
        if group is None:
            group = groups[name] = parser.add_argument_group(name)
        text = setting.metadata["help"] + ("" if setting.default in (None, False, "") else " (default: %(default)s)")
        words: dict[str, Any] = {"default": setting.default, "help": text, "dest": setting.name}
        many: dict[str, Any] = {"nargs": "+"} if setting.metadata.get("many") else {}
        if setting.metadata.get("positional"):
            many["metavar"] = setting.metadata.get("metavar")
            if "optional" in setting.metadata:
                many |= {"nargs": "?", "default": setting.default}
            parser.add_argument(setting.name, type=plain_type(setting), help=setting.metadata["help"], **many)
            continue
        if plain_type(setting) is bool:
            words["action"] = "store_true"
        else:
            words |= {"type": plain_type(setting), "choices": setting.metadata.get("choices")}
            words |= many | {"metavar": None if words["choices"] else setting.name.upper()}
        if "alone" in setting.metadata:
            # The value of an option that is given without one.
            words |= {"nargs": "?", "const": setting.metadata["alone"]}
        group.add_argument(option(setting.name), **words)
    return parser


def parse(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Parse the arguments of a command.

    The output may follow the inputs, as in ``--input A B OUT``.
    """
    words = with_joined_values(words)
    try:
        return parser.parse_args(words)
    except UsageError as error:
        moved = with_output_first(words) if "required: output" in str(error) else None
        if moved is None:
            raise
    return parser.parse_args(moved)


def monitor_settings(arguments: Sequence[str], commands: Sequence[str]) -> Settings:
    """Return the settings of the monitor.

    The command line overrides the configuration file.
    """
    others, arguments = ", ".join(commands), with_joined_values(arguments)
    parser = parser_for(
        Settings, "sunspec-tui", f"Show the live solar beam in a terminal. Other commands: sunspec-tui {others}."
    )
    parser.add_argument("--config", type=Path, help="read settings from this TOML file")
    parser.add_argument("--version", action="version", version=f"sunspec-tui {__version__}")
    given = vars(parser.parse_args(arguments))
    config = given.pop("config")
    if config is not None:
        parser.set_defaults(**read_settings_file(config))
        given = vars(parser.parse_args(arguments))
        given.pop("config")
    if given["delay"] is not None:
        given["delay_method"] = "manual"
    return Settings(**given)
