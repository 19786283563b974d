"""The rooms are as the documents describe them.

Each has one sentence, no folder is missing, and no name of the former layout remains.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "sunspec_tui"
ROOMS = ("core", "bursts", "stream", "files", "timeline", "plots", "producer", "monitoring", "webapp", "tui", "cli")
SUB_ROOMS = ("files/archive", "tui/terminal", "tui/display", "tui/widgets")
MODULES = sorted(PACKAGE.rglob("*.py"))
# Names that meant something else, or nothing, to a newcomer. `tell` is the method of a file.
OLD_NAMES = {
    "Teller", "looked", "placed", "rest", "Judgement", "judge", "Received", "Intake", "take", "Follower", "Placement",
    "place", "Standing", "changes_to", "Governor", "asked", "doubts", "waits", "Pen", "Look", "Looks", "PaintedApp",
    "back", "front", "remember", "recall", "Extent", "STEPS", "step", "Picture", "Special", "Held", "held", "Band",
    "TimeAxis", "Site", "Hub", "Viewer", "has_seen", "Sequence", "Part", "Followed", "optional", "one_of",
    "whole_file", "stretches", "checked", "_begun", "_rest", "_seen", "_endings", "_awaited",
}  # fmt: skip


def names_of(tree):
    """Names of classes, functions and methods, and of constants."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name) and each.id.isupper())


def test_every_folder_with_modules_is_a_room_with_one_sentence():
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in MODULES} - {"."}
    assert folders == {*ROOMS, *SUB_ROOMS}
    for folder in folders:
        text = ast.get_docstring(ast.parse((PACKAGE / folder / "__init__.py").read_text()))
        assert len(text.splitlines()) == 1, folder


def test_the_layers_of_the_import_contract_are_the_rooms():
    contract = (ROOT / "pyproject.toml").read_text()
    layers = re.search(r"layers = \[(.*?)\]", contract, re.DOTALL)[1]
    assert set(ROOMS) <= set(re.findall(r"\w+", layers))
    assert "exhaustive = true" in contract


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_name_is_one_of_the_old_house(path):
    found = set(names_of(ast.parse(path.read_text())))
    assert not found & OLD_NAMES
    assert not [name for name in found if re.match(r"_?(LEAST|MOST)_", name)]


def first_words(tree):
    """Yield each object's name and its docstring's first words."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text is not None:
                yield getattr(node, "name", "module"), text.split("\n\n")[0].split()


@pytest.mark.parametrize("folder", ["sunspec_tui", "tests", "bench", "mutation"])
def test_a_docstring_begins_with_at_most_twelve_words(folder):
    long = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        found = [(name, words) for name, words in first_words(ast.parse(path.read_text())) if not 0 < len(words) <= 12]
        long += [f"{path.relative_to(ROOT)} {name}: {' '.join(words)}" for name, words in found]
    assert not long, "\n".join(long)


def test_the_page_has_no_name_of_the_old_house():
    for path in (PACKAGE / "webapp" / "page").glob("*.mjs"):
        text = path.read_text()
        declared = set(re.findall(r"^(?:export )?(?:async )?(?:class|function|const|let) (\w+)", text, re.MULTILINE))
        declared |= set(re.findall(r"^  (?:async )?#?(\w+)\(.*\) \{$", text, re.MULTILINE))
        assert not declared & OLD_NAMES, path.name


def test_no_test_imports_another_test():
    for path in (ROOT / "tests").rglob("test_*.py"):
        assert not re.search(r"^\s*(from|import) test_\w+", path.read_text(), re.MULTILINE), path.name
