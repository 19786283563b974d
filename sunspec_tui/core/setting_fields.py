"""Declare settings as fields of a dataclass, and check their values.

Each setting has a type, a default, a help text, a group and limits.
"""

import math
import os
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any

from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.printable import short_repr


def setting(default: Any, text: str, group: str, **limits: Any) -> Any:
    """Return a field with help text, group and limits."""
    return field(default=default, metadata={"help": text, "group": group, **limits}, repr="secret" not in limits)


def option(name: str) -> str:
    """Return the command line option of a setting."""
    return "--" + name.replace("_", "-")


def check_settings(settings: Any) -> None:
    """Check each value of settings against the limits of its field.

    Raises
    ------
    UsageError
        If a value is outside; the message names the first such setting.
    """
    for each in fields(settings):
        value = getattr(settings, each.name)
        if value is not None:
            _check_value(each, value)


def _check_value(declared: Field[Any], value: Any) -> None:
    limits, name = declared.metadata, option(declared.name)
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"{name} is {value}, it must be a finite number")
    if isinstance(value, Path) and not can_be_path(value):
        raise UsageError(f"{name} is {short_repr(str(value))}, no file can have such a name; choose another")
    if "host" in limits:
        limits["host"](value, name)
    if "check" in limits:
        limits["check"](value, name)
    if "choices" in limits and value not in limits["choices"]:
        raise UsageError(f"{name} is {value!r}, choose one of {', '.join(limits['choices'])}")
    if "least" in limits and value < limits["least"]:
        raise UsageError(f"{name} is {value}, it must be at least {limits['least']}")
    if "most" in limits and value > limits["most"]:
        raise UsageError(f"{name} is {value}, it must be at most {limits['most']}")
    if "above" in limits and value <= limits["above"]:
        raise UsageError(f"{name} is {value}, it must be above {limits['above']}")


def can_be_path(path: Path) -> bool:
    """Return True if a file can have this path.

    A file's path has no NUL, and only characters that the file system can encode.
    """
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def plain_type(declared: Field[Any]) -> type:
    """Return the type of a setting without its ``None``."""
    kinds = {"str": str, "int": int, "float": float, "bool": bool, "Path": Path}
    spelled = (
        declared.type if isinstance(declared.type, str) else str(getattr(declared.type, "__name__", declared.type))
    )
    return kinds[spelled.replace("pathlib.", "").split(" |")[0].rpartition(".")[2]]
