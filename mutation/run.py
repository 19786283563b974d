"""Run mutation tests module by module.

A later run continues from the stored results.

mutmut changes one thing at a time in a copy of the package, and runs the tests named here for the module. A change
that they do not notice has survived. It changes the bodies of functions only: constants and defaults of classes stay.
mutmut forks its runs itself, so pytest-xdist stays out of it.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "mutation" / "results.json"
REASONS = ROOT / "mutation" / "reasons.toml"
SUMMARY = ROOT / "mutation" / "RESULTS.md"

# Pure tests, a fraction of a second in all: each change runs those that reach its function.
TESTS: dict[str, tuple[str, ...]] = {
    "frame": ("tests/core/test_headers.py",),
    "health": ("tests/stream/test_stream_health.py",),
    "placement": ("tests/stream/test_stream_health.py", "tests/stream/test_jump_detection.py"),
    "arrivals": ("tests/stream/test_stream_health.py",),
    "delay": ("tests/stream/test_message_delay.py",),
    "products": ("tests/core/test_products.py",),
    "times": ("tests/core/test_times.py", "tests/core/test_readings_of_times.py"),
    "ring": ("tests/core/test_ring.py",),
    "recording": ("tests/core/test_recording.py", "tests/core/test_recording_tables.py"),
    "averaging": ("tests/producer/test_window_averages.py",),
    "levels": ("tests/core/test_levels.py",),
}
# Where the modules of the table are.
HOMES = {
    "frame": "core/frame",
    "health": "stream/stream_health",
    "placement": "stream/frame_placer",
    "arrivals": "stream/arrivals",
    "delay": "stream/message_delay",
    "products": "core/products",
    "times": "core/times",
    "ring": "core/ring_buffer",
    "recording": "core/recording",
    "averaging": "producer/averaging",
    "levels": "core/levels",
}
MIN_SCORE = {"frame": 0.9, "health": 0.9, "placement": 0.9, "delay": 0.9, "products": 0.9, "times": 0.9}
_KILLED, _SURVIVED, _NO_TESTS = {1, 3}, 0, 33


def file_of(module: str) -> str:
    """Return the path of a module in the package, without its ending."""
    return HOMES[module]


def digest(module: str) -> str:
    """Return a hash of a module and of its tests."""
    found = hashlib.sha256()
    for name in (f"sunspec_tui/{file_of(module)}.py", *TESTS[module]):
        found.update((ROOT / name).read_bytes())
    return found.hexdigest()[:16]


def measure(module: str, children: int) -> dict[str, Any]:
    """Run mutmut on one module in a scratch copy of the project."""
    with tempfile.TemporaryDirectory(prefix="sunspec-mutation-") as name:
        scratch = Path(name)
        ignored = shutil.ignore_patterns("__pycache__", "page", "pictures", "__snapshots__")
        for folder in ("sunspec_tui", "tests"):
            shutil.copytree(ROOT / folder, scratch / folder, ignore=ignored)
        options = {
            "source_paths": ["sunspec_tui"],
            "only_mutate": [f"sunspec_tui/{file_of(module)}.py"],
            "pytest_add_cli_args_test_selection": list(TESTS[module]),
            "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:xdist.plugin"],
            "use_git_change_detection": False,
        }
        lines = [f"{key} = {json.dumps(value)}" for key, value in options.items()]
        text = (ROOT / "pyproject.toml").read_text() + "\n[tool.mutmut]\n" + "\n".join(lines) + "\n"
        (scratch / "pyproject.toml").write_text(text)
        ran = mutmut(scratch, "run", "--max-children", str(children))
        meta = scratch / "mutants" / "sunspec_tui" / f"{file_of(module)}.py.meta"
        if not meta.exists() or ran.returncode:
            sys.exit(f"mutmut failed on {module}:\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}")
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        return summed(scratch, {key: code for key, code in codes.items() if code is not None})


def mutmut(where: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run mutmut in a directory."""
    return subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments], cwd=where, capture_output=True, text=True, check=False
    )


def summed(scratch: Path, codes: dict[str, int]) -> dict[str, Any]:
    """Return the number of changes by outcome.

    The second value is the text of the changes that survived.
    """
    survived = sorted(key for key, code in codes.items() if code in (_SURVIVED, _NO_TESTS))
    killed = sum(code in _KILLED for code in codes.values())
    return {
        "mutants": len(codes),
        "killed": killed,
        "timed_out_or_crashed": len(codes) - killed - len(survived),
        "survivors": [
            {"function": function_of(key), "tested": codes[key] != _NO_TESTS, "change": change(scratch, key)}
            for key in survived
        ],
    }


def function_of(key: str) -> str:
    """Return the name of the changed function."""
    return key.rpartition("__mutmut_")[0].split(".", 2)[2].removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")


def change(scratch: Path, key: str) -> str:
    """Return a change as its removed and added lines."""
    lines = mutmut(scratch, "show", key).stdout.splitlines()
    return " -> ".join(
        " ".join(line[1:].strip() for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
        for sign in "-+"
    )


def score(result: dict[str, Any]) -> float:
    """Return the share of changes that the tests found, without equivalent changes."""
    return 1 - len([each for each in result["survivors"] if each.get("reason") != "equivalent"]) / max(
        1, result["mutants"] - len([each for each in result["survivors"] if each.get("reason") == "equivalent"])
    )


def with_reasons(results: dict[str, Any]) -> dict[str, Any]:
    """Return the results with the reason of each reviewed survivor."""
    known = tomllib.loads(REASONS.read_text()) if REASONS.exists() else {}
    for module, result in results.items():
        for survivor in result["survivors"]:
            survivor["reason"] = reason(known.get(module, []), survivor)
    return results


def reason(known: list[dict[str, str]], survivor: dict[str, Any]) -> str:
    """Return the reason why a change survives.

    It is that of the first entry with its function and text.
    """
    for entry in known:
        if entry.get("function", survivor["function"]) == survivor["function"] and entry["text"] in survivor["change"]:
            return entry["reason"]
    return "not looked at"


def summary(results: dict[str, Any]) -> str:
    """Return the table, and the survivors by reason, as Markdown."""
    lines = ["# Mutation testing", "", "Written by `make mutation`; see `docs/testing.md`.", ""]
    lines += [
        "| module | mutants | killed | raw | without equivalents | survivors by reason |",
        "|---|---|---|---|---|---|",
    ]
    for module in TESTS:
        if module in results:
            lines.append(table_row(module, results[module]))
    for module in TESTS:
        for survivor in results.get(module, {}).get("survivors", []):
            if survivor["reason"] != "equivalent":
                lines.append(f"- {module} `{survivor['function']}` ({survivor['reason']}): `{survivor['change']}`")
    return "\n".join(lines) + "\n"


def table_row(module: str, result: dict[str, Any]) -> str:
    """Return one line of the table."""
    reasons: dict[str, int] = {}
    for survivor in result["survivors"]:
        reasons[survivor["reason"]] = reasons.get(survivor["reason"], 0) + 1
    raw = 1 - len(result["survivors"]) / max(1, result["mutants"])
    grouped = ", ".join(f"{text}: {count}" for text, count in sorted(reasons.items())) or "none"
    killed = result["mutants"] - len(result["survivors"])
    return f"| {module} | {result['mutants']} | {killed} | {raw:.1%} | {score(result):.1%} | {grouped} |"


def main() -> int:
    """Measure the modules that changed since the last results.

    Write the new results.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}; all by default")
    parser.add_argument("--again", action="store_true", help="measure also what has not changed")
    parser.add_argument("--children", type=int, default=2, help="processes at once")
    parser.add_argument("--report", action="store_true", help="measure nothing, only write the summary")
    given = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for module in [] if given.report else given.modules or TESTS:
        if given.again or results.get(module, {}).get("digest") != digest(module):
            print(f"{module} ...", flush=True)
            results[module] = {"digest": digest(module)} | measure(module, given.children)
            save(results)
            print(table_row(module, results[module]), flush=True)
    save(results)
    print(SUMMARY.read_text())
    poor = [module for module, least in MIN_SCORE.items() if module in results and score(results[module]) < least]
    if poor:
        print(f"below {min(MIN_SCORE.values()):.0%}: {', '.join(poor)}")
    return bool(poor)


def save(results: dict[str, Any]) -> None:
    """Write the results and their summary."""
    ordered = with_reasons({module: results[module] for module in TESTS if module in results})
    RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")
    SUMMARY.write_text(summary(ordered))


if __name__ == "__main__":
    sys.exit(main())
