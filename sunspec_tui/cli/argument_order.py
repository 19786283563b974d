"""Reorder and join arguments that argparse would misread.

``--input`` takes any number of words, so it also takes an output that follows the inputs. A value such as ``-5,30``
looks like an option. This module imports only the errors of the project.
"""

from collections.abc import Sequence
from pathlib import Path

from sunspec_tui.core.errors import UsageError

_INPUT = "--input"
_LEVELS = "--levels"
_PACKINGS = (".gz", ".bz2")
_SAME = {".fit": ".fits", ".fts": ".fits", ".hdf5": ".h5"}


def with_joined_values(words: Sequence[str]) -> list[str]:
    """Join levels to their option if they begin with a minus sign."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == _LEVELS and word[:1] == "-" and word[1:2] in set("0123456789."):
            joined[-1] = f"{_LEVELS}={word}"
        else:
            joined.append(word)
    return joined


def with_output_first(words: list[str]) -> list[str] | None:
    """Move the last input to the front, as the output.

    Return None if there are fewer than two inputs.

    Raises
    ------
    UsageError
        If the last input exists and has the format of another input: the user may have forgotten the output.
    """
    if _INPUT not in words:
        return None
    begin = words.index(_INPUT) + 1
    end = next((n for n in range(begin, len(words)) if words[n].startswith("-")), len(words))
    if end - begin < 2:
        return None
    output, inputs = words[end - 1], words[begin : end - 1]
    if _ending(output) in map(_ending, inputs) and Path(output).exists():
        raise UsageError(f"{output} exists and may be an input; name the output first: export OUTPUT --input FILES")
    return [output, *words[: end - 1], *words[end:]]


def _ending(name: str) -> str:
    """Return the suffix of a file's format, without that of a compression."""
    path = Path(name.lower())
    ending = Path(path.stem).suffix if path.suffix in _PACKINGS else path.suffix
    return _SAME.get(ending, ending)
