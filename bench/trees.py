"""Another revision of this project, with its own environment."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".bench"
EXTRAS = "[web,hdf5,archive,dev]"


class Tree:
    """A checkout with its environment, in which subjects are measured.

    Parameters
    ----------
    where
        The checkout.
    python
        Interpreter of its environment.
    """

    def __init__(self, where: Path, python: Path) -> None:
        self.where, self.python = where, python

    def measure(self, subject: str, *, quick: bool) -> dict[str, float]:
        """Measure one subject in a separate process.

        Raises
        ------
        RuntimeError
            If the process fails; the message contains the end of what it wrote.
        """
        words = [str(self.python), str(ROOT / "bench" / "probe.py"), subject, *(["--quick"] if quick else [])]
        environment = os.environ | {"PYTHONPATH": str(self.where)}
        done = subprocess.run(words, cwd=self.where, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{subject} could not be measured in {self.where}: {done.stderr[-1000:]}")
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures


def own_tree() -> Tree:
    """Return this checkout."""
    return Tree(ROOT, Path(sys.executable))


def other_tree(revision: str, *, shared: bool = False) -> Tree:
    """Return another revision, installed with its own dependencies.

    The installation is kept for the next run.

    With `shared`, it is not installed, but uses the libraries of this tree.
    """
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "--verify", f"{revision}^{{commit}}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if asked.returncode:
        raise SystemExit(f"there is no {revision} in this checkout to compare with: fetch the whole history")
    name = asked.stdout.strip()
    where, environment = KEPT / name, KEPT / f"{name}-env"
    if not where.exists():
        KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as unpacked:
            packed = subprocess.run(["git", "archive", name], cwd=ROOT, capture_output=True, check=True).stdout
            subprocess.run(["tar", "x", "-C", unpacked], input=packed, check=True)
            Path(unpacked).rename(where)
            Path(unpacked).mkdir()
    if shared:
        return Tree(where, Path(sys.executable))
    python = environment / "bin" / "python"
    if not (environment / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        constraints = where / "constraints.txt"
        subprocess.run([*install, "--constraint", constraints, "--editable", f"{where}{EXTRAS}"], check=True)
        (environment / "installed").touch()
    return Tree(where, python)
