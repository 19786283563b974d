"""Plant each bug in a copy, and check that tests fail.

A patch begins with a sentence and with the tests that must notice, as ``Tests: tests/core/test_ring.py``. The copy is
thrown away; the working tree is never touched.

    python tests/seeded_bugs/run.py [NAME ...]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_GREEN, _RED = 0, 1
_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug.

    Attributes
    ----------
    name
        Name of the patch.
    patch
        The file.
    why
        What the bug does wrong, as a sentence.
    tests
        Test files that must find the bug.
    """

    name: str
    patch: Path
    why: str
    tests: tuple[str, ...]

    @classmethod
    def read(cls, patch: Path) -> "Bug":
        """Read a patch and the text above it."""
        lines = patch.read_text().splitlines()
        named = next(line for line in lines if line.startswith("Tests: "))
        return cls(patch.stem, patch, lines[0], tuple(named.removeprefix("Tests: ").split()))


def bugs() -> list[Bug]:
    """All bugs, by their names."""
    return [Bug.read(patch) for patch in sorted(HERE.glob("*.patch"))]


def scratch_copy(where: Path) -> None:
    """Copy the files that tests need into a directory."""
    for folder in ("sunspec_tui", "tests"):
        shutil.copytree(ROOT / folder, where / folder, ignore=shutil.ignore_patterns("__pycache__", "pictures"))
    shutil.copy(ROOT / "pyproject.toml", where)


def apply(bug: Bug, where: Path, *options: str) -> str:
    """Apply or revert a patch; return git's error, or an empty string."""
    # One line before and after the change must be unchanged; other lines of the file may have moved.
    command = ["git", "apply", "-C1", "--recount", "--whitespace=nowarn", *options, str(bug.patch)]
    # A repository around the copy must not be used.
    environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(where.parent)}
    ran = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    return ran.stderr.strip() if ran.returncode else ""


def tested(tests: tuple[str, ...], where: Path) -> int:
    """Run the copy's tests until one fails; return pytest's exit status."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    ran = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    return ran.returncode


def plant(bug: Bug, where: Path) -> str:
    """Return a bug's result: ``caught``, ``SURVIVED``, or why unknown."""
    problem = apply(bug, where)
    if problem:
        return f"DOES NOT APPLY: {problem.splitlines()[0]}"
    try:
        status = tested(bug.tests, where)
    finally:
        apply(bug, where, "--reverse")
    return {_RED: "caught", _GREEN: "SURVIVED"}.get(status, f"pytest ended with status {status}")


def main() -> int:
    """Plant the bugs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="bugs to plant, by a part of their names; all by default"
    )
    names = parser.parse_args().names
    chosen = [bug for bug in bugs() if not names or any(name in bug.name for name in names)]
    with tempfile.TemporaryDirectory(prefix="sunspec-bugs-") as directory:
        where = Path(directory)
        scratch_copy(where)
        if tested(tuple(sorted({test for bug in chosen for test in bug.tests})), where) != _GREEN:
            print("the tests are not green without any bug: mend them first")
            return 1
        found = {}
        for bug in chosen:
            begun_s = time.monotonic()
            found[bug.name] = plant(bug, where)
            print(f"{bug.name:42s} {time.monotonic() - begun_s:5.1f} s  {found[bug.name]:10s} {bug.why}", flush=True)
    failed = [name for name, what in found.items() if what != "caught"]
    print(
        f"{len(found) - len(failed)} of {len(found)} bugs were caught"
        + (f"; not {', '.join(failed)}" if failed else "")
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
