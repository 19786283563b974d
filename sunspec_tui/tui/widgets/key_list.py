"""Lines that list keys, for help and command palette.

Pure functions from actions and sizes to lines.
"""

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from sunspec_tui.tui.key_search import Action
from sunspec_tui.tui.widgets.fitting import wrap_lines

COLUMN_SPACE = 2
FRAME_COLUMNS, FRAME_LINES = 4, 2
_MIN_COLUMN = 34
_MAX_COLUMN = 46
_MAX_DIVIDED_BLOCKS = 12
_LABEL = "bold"
_HEADING = "bold underline"
_FAINT = "dim"
_CHOSEN = "reverse"


def help_width(columns: int) -> int:
    """Return the width of the help for a width of the screen."""
    return min(columns, 2 * _MAX_COLUMN + COLUMN_SPACE)


def help_lines(actions: Sequence[Action], width: int) -> list[Text]:
    """Return the keys by subject, in two columns where the width allows.

    Text is wrapped between words. The keys of one subject are in one column.
    """
    label_width = max((len(action.shown) for action in actions), default=0)
    count = 2 if width >= 2 * _MIN_COLUMN + COLUMN_SPACE else 1
    column = (width - (count - 1) * COLUMN_SPACE) // count
    blocks = [
        _group_lines(group, list(members), label_width, column)
        for group, members in itertools.groupby(actions, lambda action: action.group)
    ]
    return _joined(blocks) if count == 1 else _side_by_side(blocks, column)


def _group_lines(group: str, actions: Sequence[Action], label_width: int, width: int) -> list[Text]:
    lines = [Text(group, _HEADING)]
    for action in actions:
        texts = wrap_lines(Text(action.text), max(1, width - label_width - 1))
        labels = [action.shown, *[""] * (len(texts) - 1)]
        lines += [
            Text.assemble((label.rjust(label_width), _LABEL), " ", text)
            for label, text in zip(labels, texts, strict=True)
        ]
    return lines


def _joined(blocks: Sequence[list[Text]]) -> list[Text]:
    """Return the lines of blocks with an empty line between them."""
    lines: list[Text] = []
    for block in blocks:
        lines += [Text(), *block] if lines else block
    return lines


def _side_by_side(blocks: Sequence[list[Text]], column: int) -> list[Text]:
    """Return the blocks in two columns of nearly the same height."""
    in_left = left_blocks([len(block) for block in blocks])
    left, right = (
        _joined([block for n, block in enumerate(blocks) if (n in in_left) is is_left]) for is_left in (True, False)
    )
    lines = []
    for first, second in itertools.zip_longest(left, right, fillvalue=Text()):
        line = first.copy()
        if second:
            line.pad_right(column + COLUMN_SPACE - line.cell_len)
        lines.append(Text.assemble(line, second))
    return lines


def left_blocks(heights: Sequence[int]) -> set[int]:
    """Return the numbers of the blocks in the left of two columns.

    The columns are as low as possible. The first block is in the left one, and many blocks make one column after the
    other, because the number of divisions grows fast.
    """
    count = len(heights)
    if not count:
        return set()
    if count > _MAX_DIVIDED_BLOCKS:
        return set(range(count // 2))
    total = sum(heights) + count
    best, best_height = set(range(count)), total
    for chosen in range(1 << max(0, count - 1)):
        left = {0, *(n for n in range(1, count) if chosen >> (count - 1 - n) & 1)}
        height = sum(heights[n] + 1 for n in left)
        if max(height, total - height) < best_height:
            best, best_height = left, max(height, total - height)
    return best


class ListedActions(NamedTuple):
    """Lines of a list of actions.

    Attributes
    ----------
    lines
        All lines.
    owners
        Number of the action of each line.
    """

    lines: list[Text]
    owners: list[int]


def palette_lines(actions: Sequence[Action], chosen: int, width: int) -> ListedActions:
    """Return a list of actions with their keys at the right.

    The chosen one is in reverse video.
    """
    label_width = max((len(action.shown) for action in actions), default=0)
    lines: list[Text] = []
    owners: list[int] = []
    for number, action in enumerate(actions):
        texts = wrap_lines(Text(f"{action.group}: {action.text}"), max(1, width - label_width - 1))
        for text in texts:
            label = action.shown if text is texts[0] else ""
            text.pad_right(width - label_width - text.cell_len)
            line = Text.assemble(text, (label.rjust(label_width), _LABEL))
            if number == chosen:
                line.stylize(_CHOSEN)
            lines.append(line)
            owners.append(number)
    return ListedActions(lines, owners)


def framed(lines: Sequence[Text], columns: int, height: int, title: str, keys: str) -> list[Text]:
    """Return lines in a frame of a given size.

    The frame has the style of the text, because each change of style is sent to the terminal.
    """
    inner = max(0, columns - FRAME_COLUMNS)
    framed_lines = [_edge("╭─", f" {title} ", "╮", columns)]
    for line in [*lines, *[Text()] * height][: max(0, height - FRAME_LINES)]:
        line = line.copy()
        line.truncate(inner, overflow="ellipsis", pad=True)
        framed_lines.append(Text.assemble("│ ", line, " │"))
    return [*framed_lines, _edge("╰─", f" {keys} ", "╯", columns)]


def _edge(start: str, label: str, end: str, columns: int) -> Text:
    room = max(0, columns - len(start) - len(end))
    return Text(start + (label if len(label) <= room else "").ljust(room, "─") + end)


def search_line(query: str, hint: str, note: str, width: int) -> Text:
    """Return the line of a search, with a note at the right."""
    typed = Text.assemble(("/ ", _LABEL), query, (" ", _CHOSEN), ("" if query else f" {hint}", _FAINT))
    if typed.cell_len + len(note) < width:
        typed.pad_right(width - len(note) - typed.cell_len)
        typed.append(note, _FAINT)
    return typed


def first_visible(first: int, wanted: range, lines: int) -> int:
    """Return the first line that has the wanted lines in view."""
    if wanted.start < first:
        return wanted.start
    return max(first, min(wanted.start, wanted.stop - lines))
