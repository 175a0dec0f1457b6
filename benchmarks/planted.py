"""Does measuring find what is there, and nothing else? `python benchmarks/planted.py`, about two hours.

Four arms, interleaved on one node: the recipe pocket as it is, a copy of it, and copies that sleep for 10 %
and for 25 % of its run in one phase, the hook before its backup. The first two must come out alike within
5 %, and the delays must be found in the backup of the stage backup and nowhere else. It is `cc-ci baseline`
that measures, and `cc-ci compare` that judges; an interrupted call is taken up by the next one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from cc_ci.lab.sources import lab_folder, repository
from cc_ci.system.files import write_atomic
from cc_ci.system.process import LocalRunner

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RECIPE = "pocket"
USUAL_SECONDS = 140.0
"""Of its run under stock on the reference node, when this was written."""
ARMS = {"pocket-again": 0.0, "pocket-slow-10": 0.10, "pocket-slow-25": 0.25}
"""Copies, and the share of a run that each sleeps."""
PAIRS = 10
DUMP = "  dump) "


def plant(work: Path, name: str, delay: float) -> None:
    """Make a copy of the recipe as a repository of its own, and of its suite, under another name."""
    source = work / "sources" / name
    shutil.copytree(lab_folder() / "recipes" / RECIPE, source)
    for script in source.glob("*/backup.sh") if delay else ():
        text = script.read_text()
        if DUMP not in text:
            sys.exit(f"{script}: has no dump to delay")
        script.write_text(text.replace(DUMP, f"{DUMP}sleep {delay:g}; "))
    made = repository(name, runner=LocalRunner(), recipes=work / "sources", into=work / "made")
    shutil.copytree(made, work / "recipes" / name)
    suite = work / "suites" / name
    shutil.copytree(lab_folder().parent / "suites" / RECIPE, suite)
    facts = suite / "suite.toml"
    facts.write_text(facts.read_text().replace(f'recipe = "{RECIPE}"', f'recipe = "{name}"'))


def tell(folder: Path) -> None:
    """Hold each copy against the recipe, and keep what is said beside the data."""
    said = ""
    for name in ARMS:
        sides = [f"{folder.relative_to(ROOT)}:{one}-warm" for one in (RECIPE, name)]
        command = [sys.executable, "-m", "cc_ci", "compare", *sides]
        said += subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    write_atomic(folder / "compare.txt", said)
    sys.stdout.write(said)


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        for name, share in ARMS.items():
            plant(work, name, share * USUAL_SECONDS)
        env = {**os.environ, "CC_CI_RECIPES": str(work / "recipes"), "CC_CI_SUITES": str(work / "suites")}
        arms = ",".join([RECIPE, *ARMS])
        command = [sys.executable, "-m", "cc_ci", "baseline", "--recipes", arms, "--cold", "0"]
        command += ["--no-limit", "--warm", str(pairs), "--out", str(HERE / "planted")]
        done = subprocess.run(command, env=env, check=False)
    if done.returncode == 0:
        tell(max((HERE / "planted").iterdir()))
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
