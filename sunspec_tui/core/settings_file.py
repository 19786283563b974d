"""Read settings from a TOML file."""

import tomllib
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from sunspec_tui.core.bounded_read import read_bounded
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr
from sunspec_tui.core.setting_fields import plain_type
from sunspec_tui.core.settings import Settings

MAX_FILE_BYTES = 64 * 1024
"""Largest size of a file of settings."""


def read_settings_file(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file.

    Its keys are the names of the options, with ``-`` or ``_``.

    Raises
    ------
    UsageError
        If the file cannot be read or is not TOML, or if a setting does not exist or has another type.
    """
    try:
        table = tomllib.loads(read_bounded(path, MAX_FILE_BYTES).decode())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; check --config") from error
    except RecursionError as error:
        raise UsageError(f"{path} is nested too deeply for a file of settings; check --config") from error
    except ValueError as error:
        # The file is not UTF-8, not TOML, or has a number of thousands of digits.
        raise UsageError(f"{path} is not TOML: {error}; correct it or check --config") from error
    known = {setting.name: setting for setting in fields(Settings)}
    values = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise UsageError(f"{path}: there is no setting {short_repr(key)}; known are {', '.join(known)}")
        values[name] = _typed(path, known[name], value)
    return values


def _typed(path: Path, setting: Field[Any], value: Any) -> Any:
    kind = plain_type(setting)
    if kind is float and type(value) is int:
        return float(value)
    if kind is Path and type(value) is str:
        return Path(value)
    if "alone" in setting.metadata and type(value) is bool:
        return setting.metadata["alone"] if value else None
    if type(value) is not kind:
        text = "not a text" if "secret" in setting.metadata else short_repr(value)
        raise UsageError(f"{path}: {setting.name} is {text}, it must be a {kind.__name__}")
    return value
